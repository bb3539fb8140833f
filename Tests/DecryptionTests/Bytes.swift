import Decryption
import NetworkTypes

extension [UInt8] {
    /// Reads pairs of hexadecimal digits, spaces and line ends between them allowed; anything else gives no bytes.
    init(hexadecimal text: String) {
        let nibbles = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
        self = stride(from: 0, to: nibbles.count - 1, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
    }

    func asSpan<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
        try body(span.bytes)
    }
}

extension KeyMaterial {
    init(hexadecimal text: String) {
        self.init([UInt8](hexadecimal: text))
    }
}

extension ESPPayload {
    var bytes: [UInt8] {
        withBytes { span in span.withUnsafeBytes { Array($0) } }
    }
}

extension ESPOpening {
    /// What the packet carried, if it could be opened.
    var payload: ESPPayload? {
        if case .opened(let payload) = self { payload } else { nil }
    }

    var malformation: ESPMalformation? {
        if case .malformed(let malformation) = self { malformation } else { nil }
    }

    var isICVMismatch: Bool {
        if case .icvMismatch = self { true } else { false }
    }
}

extension ESPDecryptor {
    mutating func open(_ packet: [UInt8], highSequence: UInt32? = nil) -> ESPOpening {
        open(packet.span.bytes, highSequence: highSequence)
    }
}

extension ESPSealer {
    func seal(_ payload: [UInt8], nextHeader: UInt8 = 4, sequence: UInt64, iv: [UInt8]? = nil) throws -> [UInt8] {
        try seal(payload.span.bytes, nextHeader: nextHeader, sequence: sequence, iv: iv)
    }
}

extension ESPAssociation {
    static let gcm = Algorithm(name: "rfc4106(gcm(aes))", key: KeyMaterial(Array(0..<36)), tagBits: 128)
    static let cbc = Algorithm(name: "cbc(aes)", key: KeyMaterial(Array(0..<32)))
    static let tripleDES = Algorithm(name: "cbc(des3_ede)", key: KeyMaterial(Array(0..<24)))
    static let sha256 = Algorithm(name: "hmac(sha256)", key: KeyMaterial(Array(64..<96)), tagBits: 128)

    /// Between two addresses of which nothing depends.
    static func between(
        _ encryption: Algorithm, _ integrity: Algorithm? = nil, spi: UInt32 = 0x1234_5678, extended: Bool = false
    ) -> ESPAssociation {
        ESPAssociation(
            source: .v4(IPv4Address(rawValue: 0xC000_0201)), destination: .v4(IPv4Address(rawValue: 0xC633_6402)),
            spi: spi,
            encryption: encryption, integrity: integrity, hasExtendedSequence: extended)
    }
}
