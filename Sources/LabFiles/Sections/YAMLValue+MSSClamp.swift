import LabModel
import YAMLReading

extension YAMLValue {
    /// `clamp-to-pmtu`, `off`, or a number of bytes.
    func mssClamp() -> MSSClamp? {
        let expected = "clamp-to-pmtu, off, or a segment size from 88 to 65495"
        guard let text = text(expected)?.value else { return nil }
        switch text {
        case "off", "no", "false": return .off
        case "clamp-to-pmtu": return .toPathMTU
        default:
            // 88: the smallest MTU of IPv4 less its largest headers and TCP's (RFC 6691); 65495: the largest.
            guard let bytes = Int(text), (88...65495).contains(bytes) else {
                wrong(expected)
                return nil
            }
            return .to(bytes)
        }
    }
}
