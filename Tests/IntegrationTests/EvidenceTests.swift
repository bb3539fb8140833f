import Testing

/// What can be seen of a healthy lab's packets: captures, tshark's reading of them, probes. All in one lab.
@Suite(.serialized, .lab("aws-oci"), .timeLimit(.minutes(60)))
enum EvidenceTests {}
