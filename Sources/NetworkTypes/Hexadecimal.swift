extension FixedWidthInteger {
    /// `0x0a1b2c3d`: with all its digits, as the tools that show keys and security associations do.
    public var hexadecimal: String {
        let digits = String(self, radix: 16)
        return "0x" + String(repeating: "0", count: Self.bitWidth / 4 - digits.count) + digits
    }
}

extension Collection<UInt8> {
    /// Two digits a byte, without anything between them.
    public var hexadecimal: String {
        String(decoding: flatMap { [digit($0 >> 4), digit($0 & 0xF)] }, as: UTF8.self)
    }

    private func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x61 + value - 10
    }
}
