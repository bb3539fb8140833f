import LabModel
import NetworkTypes

/// A header stack in words, as a command line gives it.
public struct HeaderStackRequest: Sendable {
    /// The cipher, with or without its key's bits: `aes-gcm-16`, `aes-256-gcm-16`. Nil for no ESP.
    public var encryption: String?
    public var integrity: String?
    /// Nil for tunnel mode.
    public var mode: ESPEncapsulation.Mode?
    /// The family of ESP's IP header. Nil for what the layers around it ask for, and IPv4 where they leave the choice.
    public var family: EncapsulationFamily?
    public var isUDPEncapsulated = false
    /// Names in ``layerNames`` with commas between them, outermost first. ESP is innermost unless `esp` is among them.
    public var layers = ""
    /// VLAN tags before all layers.
    public var vlanTags = 0
    public var linkMTU = MTU.ethernet

    /// The names a list of layers may have; a tunnel's options follow it with a plus sign, as in `gre+key`.
    public static let layerNames = Encapsulation.Tunnel.Kind.allCases.map(\.rawValue) + ["esp", "vlan"]

    public init() {}

    /// Throws for names that are not known and for what cannot stand together.
    public func stack() throws(EncapsulationError) -> HeaderStack {
        var words: [Word] = Array(repeating: .vlanTag, count: max(0, vlanTags))
        for name in layers.split(separator: ",", omittingEmptySubsequences: layers.isEmpty) {
            words.append(try Self.word(String(name)))
        }
        guard let transform = try transform() else {
            guard !words.contains(.esp) else {
                throw EncapsulationError(
                    message: "The layers name esp, and nothing says which cipher it has.",
                    remedy: "Add --esp, such as --esp aes-gcm-16.")
            }
            return try HeaderStack(words.compactMap(\.encapsulation), linkMTU: linkMTU)
        }
        if !words.contains(.esp) { words.append(.esp) }
        var stack: [Encapsulation] = []
        for (index, word) in words.enumerated() {
            let inner = words[(index + 1)...].lazy.compactMap(\.encapsulation?.family).first
            stack.append(
                word.encapsulation
                    ?? .esp(
                        ESPEncapsulation(
                            transform: transform, mode: mode ?? .tunnel,
                            family: family ?? Self.family(within: stack.last, around: inner, mode),
                            isUDPEncapsulated: isUDPEncapsulated)))
        }
        return try HeaderStack(stack, linkMTU: linkMTU)
    }

    /// A layer as it is named; ESP gets its family only from its neighbours.
    private enum Word: Hashable {
        case esp
        case vlanTag
        case tunnel(Encapsulation.Tunnel)

        /// Nil for ESP.
        var encapsulation: Encapsulation? {
            switch self {
            case .esp: nil
            case .vlanTag: .vlanTag
            case .tunnel(let tunnel): .tunnel(tunnel)
            }
        }
    }

    /// The family of ESP's header where none is asked for.
    private static func family(
        within outer: Encapsulation?, around inner: EncapsulationFamily?, _ mode: ESPEncapsulation.Mode?
    ) -> EncapsulationFamily {
        if mode == .transport, let inner { return inner }
        return outer?.carried == [.ipv6] ? .ipv6 : .ipv4
    }

    private static func word(_ text: String) throws(EncapsulationError) -> Word {
        let parts = text.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
        let name = parts.first ?? ""
        let kind = Encapsulation.Tunnel.Kind(rawValue: name)
        guard kind != nil || name == "esp" || name == "vlan" else {
            throw EncapsulationError(
                message: "There is no layer \"\(name)\".",
                remedy: Suggestion.remedy(for: name, among: layerNames, noun: "layers"))
        }
        let known = kind?.options ?? []
        var options: Set<Encapsulation.Tunnel.Option> = []
        for text in parts.dropFirst() {
            guard let option = Encapsulation.Tunnel.Option(rawValue: text), known.contains(option) else {
                throw EncapsulationError(
                    message: "The layer \(name) has no option \"\(text)\".",
                    remedy: Suggestion.remedy(for: text, among: known.map(\.rawValue), noun: "options of \(name)"))
            }
            options.insert(option)
        }
        if let kind { return .tunnel(Encapsulation.Tunnel(kind, options: options)) }
        return name == "esp" ? .esp : .vlanTag
    }

    private func transform() throws(EncapsulationError) -> ESPOverhead? {
        guard let encryption else {
            let without = [
                ("--integrity", integrity != nil), ("--nat-t", isUDPEncapsulated), ("--mode", mode != nil),
                ("--outer", family != nil),
            ].filter(\.1).map(\.0)
            guard without.isEmpty else {
                throw EncapsulationError(
                    message: "Without ESP, nothing takes \(without.joined(separator: ", ")).",
                    remedy: "Add --esp, such as --esp aes-gcm-16.")
            }
            return nil
        }
        guard let cipher = Cipher(rawValue: encryption) ?? EncryptionAlgorithm(rawValue: encryption)?.cipher else {
            throw EncapsulationError(
                message: "There is no cipher \"\(encryption)\".",
                remedy: Suggestion.remedy(for: encryption, among: Cipher.allCases.map(\.rawValue), noun: "ciphers"))
        }
        guard let integrity else { return try ESPOverhead(cipher: cipher, integrity: nil) }
        guard let algorithm = IntegrityAlgorithm(rawValue: integrity) else {
            throw EncapsulationError(
                message: "There is no integrity algorithm \"\(integrity)\".",
                remedy: Suggestion.remedy(
                    for: integrity, among: IntegrityAlgorithm.allCases.map(\.rawValue), noun: "integrity algorithms"))
        }
        return try ESPOverhead(cipher: cipher, integrity: algorithm)
    }
}
