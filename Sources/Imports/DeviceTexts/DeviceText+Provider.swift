import ConfigurationFormats

/// Whose text it is.
extension DeviceText {
    struct Author {
        /// The provider's name in lab files; nil for one that is not known.
        var provider: String?
        var title: String
        var origin: Origin?
    }

    /// What providers call themselves, with a letter before and after it that belongs to no word.
    private static let words: [(provider: String, title: String, words: [String])] = [
        ("aws", "Amazon Web Services", ["amazon web services", "aws", "aws-updown.sh"]),
        ("oci", "Oracle Cloud Infrastructure", ["oracle", "oci"]),
        ("azure", "Microsoft Azure", ["azure"]),
        ("gcp", "Google Cloud", ["google", "gcp", "cloud vpn"]),
    ]

    /// The provider that the names of connections tell, or else the first one that the text names.
    var author: Author {
        for line in names.flatMap({ conf.beginnings(of: $0) }).sorted() + Array(1...max(lines.count, 1)) {
            guard lines.indices.contains(line - 1) else { continue }
            let text = lines[line - 1].text.lowercased()
            for (provider, title, words) in Self.words where words.contains(where: { text.contains(word: $0) }) {
                return Author(provider: provider, title: title, origin: lines[line - 1].origin)
            }
        }
        return Author(provider: nil, title: "Peer", origin: nil)
    }

    /// The identifier behind a label, as AWS has it: `Your VPN Connection ID : vpn-0123`.
    func identifier(_ labels: String...) -> Sourced<String>? {
        for line in lines.prefix(60) {
            guard let colon = line.text.firstIndex(of: ":") else { continue }
            let label = line.text[..<colon].drop { "#!- ".contains($0) }.lowercased()
            let value = line.text[line.text.index(after: colon)...].trimmed
            guard labels.contains(where: { label.contains($0) }), !value.isEmpty,
                value.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
            else { continue }
            return Sourced(value, line.origin)
        }
        return nil
    }
}

extension DeviceText {
    /// A user's own files, if one alone has connections in it and names a provider.
    init?(provider files: [ImportFile]) {
        let conf = files.filter { !IpsecConf($0.text).connectionNames.isEmpty }
        guard conf.count == 1, let text = DeviceText(conf + files.filter { $0 != conf[0] }),
            text.author.provider != nil
        else { return nil }
        self = text
    }
}

extension String {
    /// Whether a word is in it that is not a part of a longer one.
    fileprivate func contains(word: String) -> Bool {
        guard let range = firstRange(of: word) else { return false }
        let isOpen = { (character: Character?) in character.map { !$0.isLetter && !$0.isNumber } ?? true }
        return isOpen(self[..<range.lowerBound].last) && isOpen(self[range.upperBound...].first)
    }
}
