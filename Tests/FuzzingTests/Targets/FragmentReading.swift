import AgentProtocol
import NetworkTypes

@testable import LabRuntime
@testable import Probing

/// Packets as a probe sees them on an interface, whole or in parts: two bytes of length before each.
enum FragmentReading {
    static func read(_ bytes: [UInt8]) throws {
        var collector = FragmentCollector()
        var rest = bytes[...]
        while rest.count >= 2, let high = rest.popFirst(), let low = rest.popFirst() {
            let packet = Array(rest.prefix(Int(high) << 8 | Int(low)))
            rest = rest.dropFirst(packet.count)
            let time = LabTime(nanoseconds: Int64(rest.count))
            guard let arrival = collector.add(packet, interface: 1, isOutgoing: false, time: time) else { continue }
            _ = EchoNumbers(arrival.body, transport: arrival.ip.transport, request: false)
            guard let quote = ICMPQuote(arrival) else { continue }
            try require(quote.transport.count >= 8, "a quote of \(quote.transport.count) bytes")
            _ = EchoNumbers(quote.transport, transport: quote.ip.transport, request: true)
            _ = quote.notice(since: LabTime(nanoseconds: 0))
        }
    }
}
