import NetworkTypes

extension IPPrefix {
    /// The address at a place in the block, with the block's length; nil where the block has none there.
    func host(_ place: UInt32) -> InterfaceAddress? {
        guard case .v4(let first) = address, length == 0 || UInt64(place) < UInt64(1) << UInt64(32 - length) else {
            return nil
        }
        return InterfaceAddress(.v4(IPv4Address(rawValue: first.rawValue &+ place)), prefixLength: length)
    }

    var isV4: Bool { if case .v4 = address { true } else { false } }
}

extension IPAddress {
    var isV4: Bool { if case .v4 = self { true } else { false } }

    /// Blocks for private use (RFC 1918), and what carriers have behind their NAT (RFC 6598).
    var isPrivate: Bool {
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].compactMap { IPPrefix($0) }.contains {
            $0.contains(self)
        }
    }
}

/// Names of the lab file's parts: 1 to 32 small letters, digits and hyphens.
struct Names {
    private var taken: Set<String> = []

    /// A text made fit for a name, with a number behind it where it is taken.
    ///
    /// - Parameter length: The most that it may have; less than 32 leaves room for what is put behind it.
    mutating func claim(_ text: String, usual: String, length: Int = 24) -> String {
        var stem = ""
        for character in text.lowercased() {
            let isPlain = character.isASCII && (character.isLetter || character.isNumber)
            if isPlain { stem.append(character) } else if !stem.isEmpty, stem.last != "-" { stem.append("-") }
        }
        stem = String(stem.prefix(length))
        while stem.last == "-" { stem.removeLast() }
        if stem.isEmpty { stem = usual }
        var name = stem
        var number = 2
        while !taken.insert(name).inserted {
            name = "\(stem.prefix(length - 4))-\(number)"
            number += 1
        }
        return name
    }
}
