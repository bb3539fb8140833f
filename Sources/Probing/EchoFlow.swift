import AgentProtocol
import LabRecords
import NetworkTypes
import NodeRuntime

/// Requests at regular times, and what came of each.
public struct EchoFlow: Sendable {
    let request: FlowRequest
    let id: UInt64
    let channel: any EchoChannel
    private var sentAt: [Int64] = []
    private var roundTrips: [Int64] = []
    private var latestAnswered = -1
    /// Requests since the replies were last taken.
    private var waiting = 0
    private let patientCount: Int
    private var duplicates = 0
    private var reordered = 0
    private var unsent = 0
    private var localErrors: [String] = []

    private static let unanswered: Int64 = -1
    /// How many requests' replies may wait in the socket, and how much memory of the kernel's, where one takes this much more.
    private static let mostWaiting = 32
    private static let waitingBytes = 1 << 20
    private static let overhead = 2048
    /// Different reasons that are kept.
    private static let reasons = 4

    /// - Throws: ``LabFailure`` for a request that makes no sense, and where there is no socket to be had.
    public init(_ request: FlowRequest, id: UInt64, in node: NodeSandbox) throws {
        if let problem = request.problem { throw LabFailure(problem, code: .wrongInput) }
        self.request = request
        self.id = id
        patientCount = max(1, min(Self.mostWaiting, Self.waitingBytes / (2 * request.payload + Self.overhead)))
        switch request.transport {
        case .icmp:
            channel = try EchoSocket(
                in: node, to: request.destination, from: request.sourceAddress, id: id, payload: request.payload)
        case .udp(let port):
            channel = try DatagramEchoSocket(
                in: node, to: request.destination, from: request.sourceAddress, port: port, id: id,
                payload: request.payload)
        }
    }

    /// When the next request is due, for a flow that began at `start`.
    func next(from start: LabTime) -> LabTime {
        start + .nanoseconds(Int64(sentAt.count) * request.interval.wholeNanoseconds)
    }

    /// Sends the next request; takes replies before that when many may be waiting.
    mutating func send(at now: LabTime) {
        waiting += 1
        if waiting > patientCount { receive() }
        sentAt.append(now.nanoseconds)
        roundTrips.append(Self.unanswered)
        guard let error = channel.send(sequence: UInt16(truncatingIfNeeded: sentAt.count)) else { return }
        unsent += 1
        let text = "\(error.name): \(error.message)"
        if localErrors.count < Self.reasons, !localErrors.contains(text) { localErrors.append(text) }
    }

    /// Takes the replies that are there. It does not matter when: the kernel has noted when they came.
    mutating func receive() {
        waiting = 0
        // The last request has this sequence number, modulo 65,536.
        let last = UInt16(truncatingIfNeeded: sentAt.count)
        channel.receive { sequence, time in
            let index = sentAt.count - 1 - Int(last &- sequence)
            guard index >= 0 else { return }
            guard roundTrips[index] == Self.unanswered else {
                duplicates += 1
                return
            }
            let trip = time.nanoseconds - sentAt[index]
            guard trip <= request.timeout.wholeNanoseconds else { return }
            roundTrips[index] = trip
            if index < latestAnswered { reordered += 1 }
            latestAnswered = max(latestAnswered, index)
        }
    }

    /// When the last request that may still be answered will be lost; nil where all have been.
    func patience(at now: LabTime) -> LabTime? {
        for index in sentAt.indices.reversed() {
            let deadline = LabTime(nanoseconds: sentAt[index]) + request.timeout
            guard deadline > now else { return nil }
            if roundTrips[index] == Self.unanswered { return deadline }
        }
        return nil
    }

    var record: FlowRecord {
        FlowRecord(
            request: request, id: id, identifier: channel.identifier, sentAtNanoseconds: sentAt,
            roundTripNanoseconds: roundTrips, duplicates: duplicates, reordered: reordered, unsent: unsent,
            localErrors: localErrors)
    }
}

extension FlowRequest {
    /// Why this cannot be asked; nil where it can.
    var problem: String? {
        if interval <= .zero { return "\(name): the time between two echo requests must be more than 0." }
        if timeout <= .zero { return "\(name): an answer must have more than no time." }
        if timeout > interval * Int(UInt16.max) {
            return "\(name): within \(timeout.shortText) there would be more than 65,535 requests to tell apart."
        }
        if !(0...65_000).contains(payload) {
            return "\(name): a request carries 0 to 65000 bytes, not \(payload)."
        }
        if let sourceAddress, sourceAddress.bitWidth != destination.bitWidth {
            return "\(name): \(sourceAddress) and \(destination) are not of one family."
        }
        return nil
    }
}
