import LabModel
import NetworkTypes

extension Topology {
    /// The lab as the configuration of one node has it while faults are active.
    ///
    /// What a cloud's fabric enforces is changed for all to see; what two ends must agree on only where the end is that
    /// no longer does. All else is as it was, and faults that break no configuration change nothing here.
    public func misconfigured(at node: String, by faults: [Fault]) -> Topology {
        var changed = self
        // A rule that is named in full goes before the first one of its prefix: the order of the faults is no matter.
        for fault in faults {
            if case .securityRuleRemoved(let instance, let source, let transport?) = fault {
                changed.removeSecurityRule(of: instance, for: source, transport)
            }
        }
        for fault in faults {
            switch fault {
            case .securityRuleRemoved(let instance, let source, nil):
                changed.removeSecurityRule(of: instance, for: source, nil)
            case .sourceDestinationCheck(let instance):
                changed.update(node: instance) { $0.sourceDestinationCheck = true }
            case .natChanged(let gateway, let outside, let inside):
                changed.update(node: gateway) { gateway in
                    guard let index = gateway.nat?.mappings.firstIndex(where: { $0.outside == outside }) else { return }
                    gateway.nat?.mappings[index] = AddressTranslation.Mapping(outside: outside, inside: inside)
                }
            case .mismatch(let tunnel, let parameter, node):
                changed.mistake(parameter, of: tunnel, at: node)
            case .holdTime(let session, let hold, node):
                changed.update(session: session, at: node) { $0.propose(hold: hold) }
            case .wrongKey(let session, node):
                let former = changed.session(named: session)?.password?.reveal()
                changed.update(session: session, at: node) { speaker in
                    speaker.password = Secret(Self.mistaken(speaker.password?.reveal() ?? former))
                }
            default: break
            }
        }
        return changed
    }

    private mutating func removeSecurityRule(
        of instance: String, for source: IPPrefix, _ transport: SecurityRule.TransportProtocol?
    ) {
        update(node: instance) { instance in
            let index = instance.security?.firstIndex { rule in
                rule.source == source && (transport == nil || rule.transport == transport)
            }
            if let index { instance.security?.remove(at: index) }
        }
    }

    private mutating func update(node: String, _ change: (inout Node) -> Void) {
        if let index = nodes.firstIndex(where: { $0.name == node }) { change(&nodes[index]) }
    }

    private mutating func update(session: String, at node: String, _ change: (inout BGPSpeaker) -> Void) {
        guard let index = sessions.firstIndex(where: { $0.name == session }),
            let speaker = sessions[index].speakers.firstIndex(where: { $0.node == node })
        else { return }
        change(&sessions[index].speakers[speaker])
    }

    /// A secret that is not the one given, and is one still.
    private static func mistaken(_ secret: String?) -> String {
        "mistaken" + (secret.map { "-\($0)" } ?? "")
    }

    private mutating func mistake(_ parameter: Fault.Parameter, of tunnel: String, at node: String) {
        guard let index = tunnels.firstIndex(where: { $0.name == tunnel }),
            let place = tunnels[index].ends.firstIndex(where: { $0.node == node })
        else { return }
        let end = tunnels[index].ends[place]
        switch end.configuration {
        case .generated:
            switch parameter {
            case .psk:
                if let key = end.proposal?.presharedKey?.reveal() {
                    tunnels[index].ends[place].proposal?.authentication = .presharedKey(Secret(Self.mistaken(key)))
                }
            case .certificate, .revoked:
                if case .certificate(var use) = end.proposal?.authentication {
                    use.shown = parameter == .revoked ? .revoked : .stranger
                    tunnels[index].ends[place].proposal?.authentication = .certificate(use)
                }
            case .ike:
                let used = tunnels[index].ends.flatMap { $0.proposal?.ike ?? [] }.map(\.encryption)
                tunnels[index].ends[place].proposal?.ike.mistake(\.encryption, besides: used)
            case .esp:
                let used = tunnels[index].ends.flatMap { $0.proposal?.esp ?? [] }.map(\.algorithms.encryption)
                tunnels[index].ends[place].proposal?.esp.mistake(\.algorithms.encryption, besides: used)
            }
        case .own(let files):
            // A file may serve several tunnels of the node: each of their ends holds a copy of its text.
            let mistaken = end.keyDaemon.mistaking(parameter, in: files, of: end)
            for (tunnel, other) in tunnelEnds(of: node) {
                guard case .own(var files) = other.configuration else { continue }
                if files.configurationName == mistaken.configurationName {
                    files.configuration = mistaken.configuration
                }
                if files.secretsName == mistaken.secretsName { files.secrets = mistaken.secrets }
                replaceFiles(of: tunnel.name, at: node, with: files)
            }
        }
    }

    private mutating func replaceFiles(of tunnel: String, at node: String, with files: ConnectionFiles) {
        guard let index = tunnels.firstIndex(where: { $0.name == tunnel }),
            let end = tunnels[index].ends.firstIndex(where: { $0.node == node })
        else { return }
        tunnels[index].ends[end].configuration = .own(files)
    }
}

extension Array {
    /// Asks for a length of key alone that nobody takes, of the same kind of cipher.
    fileprivate mutating func mistake(
        _ encryption: WritableKeyPath<Element, EncryptionAlgorithm>, besides used: [EncryptionAlgorithm]
    ) {
        guard var only = first else { return }
        let others: [EncryptionAlgorithm] =
            only[keyPath: encryption].isAuthenticated
            ? [.aes192GCM16, .aes256GCM16, .aes128GCM16, .aes192GCM12, .aes256GCM12]
            : [.aes192CBC, .aes256CBC, .aes128CBC, .aes192CTR, .aes256CTR]
        only[keyPath: encryption] = others.first { !used.contains($0) } ?? only[keyPath: encryption]
        self = [only]
    }
}

extension BGPSpeaker {
    /// Proposes another hold time; keepalives come three times in it at least (RFC 4271, section 10).
    fileprivate mutating func propose(hold: Duration) {
        self.hold = hold
        if hold > .zero { keepalive = min(keepalive, max(.seconds(1), .seconds(hold.components.seconds / 3))) }
    }
}
