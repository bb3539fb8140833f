/// A network interface's name as the kernel takes it: 1 to 15 bytes without white space, `/` or `:`.
///
/// The kernel's own rule is `dev_valid_name` (net/core/dev.c); control bytes and non-ASCII are refused here besides, and `%`, which asks
/// the kernel to make up a number.
public struct InterfaceName: Hashable, Sendable, Comparable, LosslessStringConvertible {
    public let description: String

    private static let refused: [UInt8] = [UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "%")]

    public init?(_ text: String) {
        let bytes = text.utf8
        guard (1...15).contains(bytes.count), text != ".", text != "..",
            bytes.allSatisfy({ (0x21...0x7E).contains($0) && !Self.refused.contains($0) })
        else { return nil }
        description = text
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}
