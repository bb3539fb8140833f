import AgentProtocol
import LabRecords
import NetworkTypes
import NodeRuntime
import PacketFormats
import Probing

extension RunningLab {
    /// Carries out a probe on a thread of its own and waits for its end; the lab can be asked other things meanwhile.
    ///
    /// - Throws: ``LabFailure`` for a request that makes no sense; `CancellationError`. What the network did is a result.
    func run(_ probe: ProbeRequest) async throws -> ProbeResult {
        if let problem = probe.problem { throw LabFailure(problem, code: .wrongInput) }
        let source = try sandbox(probe.source)
        let destination = topology.node(behind: probe.destination).flatMap { sandboxes[$0] }
        let id = probe.id ?? nextProbe()
        let cancellation = try Cancellation()
        return try await withTaskCancellationHandler {
            try await offThread {
                try ProbeSession(probe, id: id, from: source, to: destination, cancellation).run()
            }
        } onCancel: {
            cancellation.cancel()
        }
    }
}

extension ProbeSession {
    func run() throws -> ProbeResult {
        switch request.kind {
        case .echo(let count, let interval, let payload, let dontFragment, let timeout):
            let attempts = try EchoExchange(self).run(
                count: count, interval: interval, length: EchoExchange.overhead(to: destination) + payload,
                dontFragment: dontFragment, timeout: timeout)
            return result(.echo(attempts: attempts))
        case .pathMTU(let limit, let tries, let timeout):
            return result(.pathMTU(result: try pathMTU(limit: limit, tries: tries, timeout: timeout)))
        case .oneEcho(let length, let dontFragment, let timeout):
            return result(.oneEcho(result: try oneEcho(length: length, dontFragment: dontFragment, timeout: timeout)))
        case .trace(let method, let maximumHops, let timeout):
            return result(.trace(result: try trace(method, maximumHops: maximumHops, timeout: timeout)))
        case .handshake(let port, let listens, let timeout):
            return result(.handshake(result: try handshake(port: port, listens: listens, timeout: timeout)))
        case .bulk(let bytes, let port, let deadline):
            return result(.bulk(result: try bulk(bytes: bytes, port: port, deadline: deadline)))
        case .packet(let kind, let patience):
            return result(.packet(result: try packet(kind, wait: patience)))
        }
    }
}

extension ProbeRequest {
    /// Why this cannot be asked; nil where it can.
    var problem: String? {
        let shortest = EchoExchange.overhead(to: destination) + ProbeMarker.length
        if let sourceAddress, sourceAddress.bitWidth != destination.bitWidth {
            return "\(sourceAddress) and \(destination) are not of one family."
        }
        switch kind {
        case .echo(let count, let interval, let payload, _, _):
            if !(1...Int(UInt16.max)).contains(count) { return "A probe sends 1 to 65535 echo requests, not \(count)." }
            if interval < .zero { return "The time between two echo requests cannot be negative." }
            if !(ProbeMarker.length...65_000).contains(payload) {
                return "An echo request carries 16 to 65000 bytes, not \(payload)."
            }
        case .pathMTU(let limit?, _, _) where !(shortest...65_535).contains(limit):
            return "The largest packet to try must have \(shortest) to 65535 bytes, not \(limit)."
        case .oneEcho(let length, _, _) where !(shortest...65_535).contains(length):
            return "An echo request must have \(shortest) to 65535 bytes, not \(length)."
        case .trace(_, let hops, _) where !(1...255).contains(hops):
            return "A trace goes over 1 to 255 hops, not \(hops)."
        case .bulk(let bytes, let port, _) where bytes < 1 || port == 0:
            return "A transfer needs a byte at least, and a port other than 0."
        case .handshake(let port, _, _) where port == 0:
            return "A handshake needs a port other than 0."
        default: break
        }
        return nil
    }
}
