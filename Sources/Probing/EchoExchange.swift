import AgentProtocol
import LabRecords
import NetworkTypes
import NodeRuntime
import PacketFormats

/// Sends echo requests, and finds for each what came of it.
public final class EchoExchange {
    private struct Pending {
        let index: Int
        let length: Int
        let sentAt: LabTime
        let deadline: LabTime
    }

    private let session: ProbeSession
    private let tap: PacketTap
    private let sender: PacketSender
    private var lastSequence: UInt16 = 0
    private var pending: [UInt16: Pending] = [:]
    private var attempts: [EchoAttempt?] = []

    /// Opens it.
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public init(_ session: ProbeSession) throws {
        self.session = session
        tap = try PacketTap(in: session.node)
        sender = try PacketSender(session)
    }

    /// What an echo request has before its payload: the IP header and 8 bytes.
    public static func overhead(to destination: IPAddress) -> Int {
        OutgoingPacket.headerLength(of: destination) + ICMPMessage.headerLength
    }

    /// Sends `count` requests, one every `interval`, and waits for each until its own timeout.
    ///
    /// - Parameter length: Of the IP packet.
    /// - Throws: `CancellationError`.
    public func run(count: Int, interval: Duration, length: Int, dontFragment: Bool, timeout: Duration) throws
        -> [EchoAttempt]
    {
        attempts = Array(repeating: nil, count: count)
        pending = [:]
        var next = 0
        var nextAt = LabClock.now
        while next < count || !pending.isEmpty {
            if next < count, LabClock.now >= nextAt {
                try send(index: next, length: length, dontFragment: dontFragment, timeout: timeout)
                next += 1
                nextAt = nextAt + interval
            }
            tap.drain(take)
            expire()
            let deadlines = pending.values.map(\.deadline) + (next < count ? [nextAt] : [])
            if let wakeAt = deadlines.min(), wakeAt > LabClock.now {
                try session.wait(for: tap.descriptors, until: wakeAt)
            }
        }
        return attempts.compactMap { $0 }
    }

    private func send(index: Int, length: Int, dontFragment: Bool, timeout: Duration) throws {
        lastSequence &+= 1
        let payload = probePayload(id: session.id, length: length - Self.overhead(to: session.destination))
        let body = TransportBody(source: session.source, destination: session.destination)
            .echoRequest(identifier: session.identifier, sequence: lastSequence, payload: payload)
        let now = LabClock.now
        let error: LocalError?
        if dontFragment {
            error = sender.send(
                OutgoingPacket(
                    source: session.source, destination: session.destination, identification: lastSequence,
                    transport: session.destination.icmp, body: body))
        } else {
            error = try sender.sendFragmentable(body)
        }
        if let error {
            attempts[index] = EchoAttempt(
                sequence: Int(lastSequence), length: length, outcome: .localError(error: error))
        } else {
            pending[lastSequence] = Pending(index: index, length: length, sentAt: now, deadline: now + timeout)
        }
    }

    private func take(_ arrival: Arrival) {
        guard !arrival.isOutgoing else { return }
        if let numbers = EchoNumbers(arrival.body, transport: arrival.ip.transport, request: false) {
            let payload = arrival.body.dropFirst(ICMPMessage.headerLength)
            guard payload.starts(with: ProbeMarker.bytes(id: session.id)) else { return }
            settle(numbers) { sent in
                .reply(
                    roundTripNanoseconds: (arrival.time - sent).wholeNanoseconds, timeToLive: arrival.ip.timeToLive,
                    fragments: arrival.fragments)
            }
        } else if let quote = ICMPQuote(arrival),
            let numbers = EchoNumbers(quote.transport, transport: quote.ip.transport, request: true)
        {
            settle(numbers) { .notice(message: quote.notice(since: $0)) }
        }
    }

    private func settle(_ numbers: EchoNumbers, _ outcome: (LabTime) -> EchoAttempt.Outcome) {
        guard numbers.identifier == session.identifier, let sent = pending.removeValue(forKey: numbers.sequence) else {
            return
        }
        attempts[sent.index] = EchoAttempt(
            sequence: Int(numbers.sequence), length: sent.length, outcome: outcome(sent.sentAt))
    }

    private func expire() {
        let now = LabClock.now
        for (sequence, sent) in pending where sent.deadline <= now {
            pending[sequence] = nil
            attempts[sent.index] = EchoAttempt(sequence: Int(sequence), length: sent.length, outcome: .lost)
        }
    }
}

extension IPAddress {
    /// The ICMP of this address's family.
    var icmp: IPProtocol {
        switch self {
        case .v4: .icmp
        case .v6: .icmpv6
        }
    }
}
