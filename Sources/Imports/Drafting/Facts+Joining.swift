import NetworkTypes

// Both sides of one tunnel may have been given, each by what its own cloud says of it.
extension Facts {
    /// Joins tunnels that are one, as their outside addresses say: what each input says of its own end counts before what the other says
    /// of it.
    mutating func join() {
        var joined: [TunnelFacts] = []
        for tunnel in tunnels {
            let twin = joined.firstIndex { other in
                guard let ours = tunnel.near.address?.value, let theirs = tunnel.far.address?.value else {
                    return false
                }
                return other.near.address?.value == theirs && other.far.address?.value == ours
                    && other.near.gateway != tunnel.near.gateway && other.near.own == nil && tunnel.near.own == nil
            }
            guard let twin else {
                joined.append(tunnel)
                continue
            }
            let first = joined[twin]
            replaced(first.far.gateway, by: tunnel.near.gateway)
            replaced(tunnel.far.gateway, by: first.near.gateway)
            joined[twin].far = tunnel.near.filled(from: first.far)
            joined[twin].near = first.near.filled(from: tunnel.far)
            joined[twin].ikeVersion = first.ikeVersion ?? tunnel.ikeVersion
            if first.routing != tunnel.routing {
                note(
                    .missing,
                    "\(first.name): one side (\(first.origin.comment)) and the other (\(tunnel.origin.comment)) do not route alike; the first counts"
                )
            }
        }
        // Another tunnel may go to a gateway that only now is known to be the other side's.
        for place in joined.indices {
            guard let other = replacements[joined[place].far.gateway] else { continue }
            joined[place].far = EndFacts(gateway: other).filled(from: joined[place].far)
        }
        tunnels = joined
        let used = Set(joined.flatMap { [$0.near.gateway, $0.far.gateway] })
        gateways.removeAll { !used.contains($0.key) }
    }

    private mutating func replaced(_ old: String, by new: String) {
        guard old != new, let stale = gateway(old), let place = gateways.firstIndex(where: { $0.key == new }) else {
            return
        }
        replacements[old] = new
        gateways[place].asn = gateways[place].asn ?? stale.asn
        // What one side sends to the other is behind that other, as far as nothing better is known.
        if gateways[place].networks.isEmpty { gateways[place].networks = stale.networks }
    }
}

extension EndFacts {
    /// With what the other side's input says of this end, where its own says nothing: facts, and not what one cloud advises its customers
    /// to set, such as timers.
    fileprivate func filled(from other: EndFacts) -> EndFacts {
        var end = self
        end.address = address ?? other.address
        end.behind = behind ?? other.behind
        end.inside = inside ?? other.inside
        end.asn = asn ?? other.asn
        end.ignoresDeadPeers = ignoresDeadPeers || other.ignoresDeadPeers
        end.deadPeerAction = deadPeerAction ?? other.deadPeerAction
        end.initiates = initiates ?? other.initiates
        end.key = key ?? other.key
        end.own = own ?? other.own
        end.ike = ike.isEmpty && ike.lifetime == nil ? other.ike : ike
        end.esp = esp.isEmpty && esp.lifetime == nil ? other.esp : esp
        end.routes = routes.isEmpty ? other.routes : routes
        return end
    }
}
