import AgentProtocol
import LabRecords
import PacketFormats

// Probes that are made of ICMP echoes.
extension ProbeSession {
    /// Searches the longest echo request that passes without being fragmented.
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public func pathMTU(limit: Int?, tries: Int, timeout: Duration) throws -> PathMTUResult {
        let exchange = try EchoExchange(self)
        let shortest = EchoExchange.overhead(to: destination) + ProbeMarker.length
        let longest = min(limit ?? interfaceMTU ?? shortest, Int(UInt16.max))
        return try PathMTUSearch(shortest: shortest, limit: max(shortest, longest), tries: tries).run { length in
            let attempts = try exchange.run(
                count: 1, interval: .zero, length: length, dontFragment: true, timeout: timeout)
            guard let attempt = attempts.first else { throw LabFailure("An echo request had no outcome.") }
            return attempt
        }
    }

    /// Sends one echo request of a length.
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public func oneEcho(length: Int, dontFragment: Bool, timeout: Duration) throws -> OneEchoResult {
        let exchange = try EchoExchange(self)
        let tap = try destinationNode.map { try PacketTap(in: $0) }
        let attempts = try exchange.run(
            count: 1, interval: .zero, length: length, dontFragment: dontFragment, timeout: timeout)
        guard let attempt = attempts.first else { throw LabFailure("An echo request had no outcome.") }
        var fragments = 0
        tap?.drain { arrival in
            guard !arrival.isOutgoing, EchoNumbers(arrival.body, transport: arrival.ip.transport, request: true) != nil,
                arrival.body.dropFirst(ICMPMessage.headerLength).starts(with: ProbeMarker.bytes(id: id))
            else { return }
            fragments = arrival.fragments
        }
        return OneEchoResult(attempt: attempt, requestFragments: tap == nil ? nil : fragments)
    }
}
