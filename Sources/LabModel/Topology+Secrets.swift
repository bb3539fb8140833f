// What of a lab's files may be shown.
extension Topology {
    /// The names of the files that belong to the lab file and hold no secrets.
    public var companions: [String] {
        let tunnels = tunnels.flatMap(\.ends).compactMap { end -> String? in
            if case .own(let files) = end.configuration { files.configurationName } else { nil }
        }
        let certificates = self.tunnels.flatMap(\.ends).flatMap { end -> [String] in
            guard case .files(let certificate, _, let authorities) = end.certificate?.origin else { return [] }
            return [certificate, authorities]
        }
        return Array(Set(tunnels + certificates + nodes.compactMap(\.boot?.name))).sorted()
    }

    /// A text with every pre-shared key and every password of the lab replaced.
    public func masking(_ text: String) -> String {
        let given =
            tunnels.flatMap(\.ends).compactMap { $0.proposal?.presharedKey }
            + sessions.flatMap { [$0.password] + $0.speakers.map(\.password) }.compactMap { $0 }
            + oneSidedSessions.compactMap(\.password)
        return given.map { $0.reveal() }.filter { !$0.isEmpty }.reduce(text) { text, secret in
            text.replacing(secret, with: "(secret)")
        }
    }
}
