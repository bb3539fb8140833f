import ConfigurationFormats
import LabModel

extension ConnectionFiles {
    /// The files with one parameter that does not fit any more.
    func mistakenIpsecConf(_ parameter: Fault.Parameter, of end: TunnelEnd) -> ConnectionFiles {
        var files = self
        switch parameter {
        case .psk:
            files.secrets = Secret(Self.mistakingKeys(in: secrets.reveal(), for: "\(end.remoteAddress)"))
        // Faults' reader refuses them for files of the user's.
        case .certificate, .revoked: break
        case .ike:
            files.configuration = Self.setting(["ike"], to: Self.otherAlgorithms, in: configuration, of: end.connection)
        case .esp:
            files.configuration = Self.setting(
                ["phase2alg", "esp"], to: Self.otherAlgorithms, in: configuration, of: end.connection)
        }
        return files
    }

    /// Algorithms that agree with those given in nothing; nil stands for libreswan's defaults, which have no 192 bits.
    private static func otherAlgorithms(than value: String?) -> String {
        let takesThis = value?.contains("192") ?? false
        return takesThis ? "aes_cbc128-sha2_512;modp4096" : "aes_cbc192-sha2_512;modp4096"
    }

    /// Changes the pre-shared keys of the lines that name a peer, or of all where none does (ipsec.secrets(5)).
    private static func mistakingKeys(in text: String, for peer: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let names = { (line: Substring) in
            line.split { $0.isWhitespace || $0 == ":" || $0 == "," }.contains { $0 == peer }
        }
        let areNamed = lines.contains(where: names)
        return lines.map { line in
            areNamed && !names(line)
                ? String(line) : String(line).replacing(#/(PSK\s+["'])/#) { "\($0.1)mistaken-" }
        }.joined(separator: "\n")
    }

    /// Changes a parameter of one `conn` section, under whichever of its names it has, or adds it under the first.
    private static func setting(
        _ keys: [String], to value: (String?) -> String, in text: String, of connection: String
    ) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard
            let head = lines.firstIndex(where: {
                $0.split(whereSeparator: \.isWhitespace) == ["conn", connection[...]]
            })
        else { return text }
        let end =
            lines[(head + 1)...].firstIndex { $0.first.map { !$0.isWhitespace && $0 != "#" } ?? false } ?? lines.count
        let inherited = IpsecConf(text)[connection: connection] ?? [:]
        let section = (head + 1)..<end
        let found = lines[section].firstIndex { line in
            guard let equals = line.firstIndex(of: "="), !line.trimmed.hasPrefix("#") else { return false }
            return keys.contains(line[..<equals].trimmed.lowercased())
        }
        let present = keys.lazy.compactMap { inherited[$0] }.first
        let key = keys.first { inherited[$0] != nil } ?? keys[0]
        let line = "    \(key)=\(value(present))"
        if let found { lines[found] = line } else { lines.insert(line, at: head + 1) }
        return lines.joined(separator: "\n")
    }
}
