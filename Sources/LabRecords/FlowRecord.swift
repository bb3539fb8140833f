import NetworkTypes

/// What came of a flow's requests.
public struct FlowRecord: Hashable, Sendable {
    public let request: FlowRequest
    /// The marker's number, where the payload has room for it.
    public let id: UInt64
    /// The identifier of its echo requests, or the port of its datagrams; sequence numbers count from 1 and wrap.
    public let identifier: UInt16
    /// When request number n, from 0, was sent, on the lab's clock.
    public let sentAtNanoseconds: [Int64]
    /// For each request the time until its answer; -1 where none came in time.
    public let roundTripNanoseconds: [Int64]
    /// Answers that came again.
    public let duplicates: Int
    /// Answers that came after one to a later request.
    public let reordered: Int
    /// Requests that the node itself could not send, and the reasons.
    public let unsent: Int
    public let localErrors: [String]

    public init(
        request: FlowRequest, id: UInt64, identifier: UInt16, sentAtNanoseconds: [Int64], roundTripNanoseconds: [Int64],
        duplicates: Int, reordered: Int, unsent: Int, localErrors: [String]
    ) {
        self.request = request
        self.id = id
        self.identifier = identifier
        self.sentAtNanoseconds = sentAtNanoseconds
        self.roundTripNanoseconds = roundTripNanoseconds
        self.duplicates = duplicates
        self.reordered = reordered
        self.unsent = unsent
        self.localErrors = localErrors
    }
}

/// As what differs from what one would expect, which is little: a record of a day is to fit into one message.
extension FlowRecord: Codable {
    private enum Key: CodingKey {
        case request, id, identifier, lateness, tripChanges, duplicates, reordered, unsent, localErrors
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        request = try values.decode(FlowRequest.self, forKey: .request)
        id = try values.decode(UInt64.self, forKey: .id)
        identifier = try values.decode(UInt16.self, forKey: .identifier)
        let step = request.interval.wholeNanoseconds
        sentAtNanoseconds = Self.sums(of: try values.decode([Int64].self, forKey: .lateness), step: step)
        roundTripNanoseconds = Self.sums(of: try values.decode([Int64].self, forKey: .tripChanges), step: 0)
        duplicates = try values.decode(Int.self, forKey: .duplicates)
        reordered = try values.decode(Int.self, forKey: .reordered)
        unsent = try values.decode(Int.self, forKey: .unsent)
        localErrors = try values.decode([String].self, forKey: .localErrors)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        try values.encode(request, forKey: .request)
        try values.encode(id, forKey: .id)
        try values.encode(identifier, forKey: .identifier)
        let step = request.interval.wholeNanoseconds
        try values.encode(Self.differences(in: sentAtNanoseconds, step: step), forKey: .lateness)
        try values.encode(Self.differences(in: roundTripNanoseconds, step: 0), forKey: .tripChanges)
        try values.encode(duplicates, forKey: .duplicates)
        try values.encode(reordered, forKey: .reordered)
        try values.encode(unsent, forKey: .unsent)
        try values.encode(localErrors, forKey: .localErrors)
    }

    /// What each value is beyond the one before and a step.
    private static func differences(in values: [Int64], step: Int64) -> [Int64] {
        var last: Int64 = 0
        return values.map { value in
            defer { last = value &+ step }
            return value &- last
        }
    }

    private static func sums(of differences: [Int64], step: Int64) -> [Int64] {
        var last: Int64 = 0
        return differences.map { difference in
            let value = last &+ difference
            last = value &+ step
            return value
        }
    }
}
