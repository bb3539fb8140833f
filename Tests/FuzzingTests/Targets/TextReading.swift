import LabModel
import NetworkTypes

/// A single value as it stands in a lab file or on the command line: what is read means the same when it is written again.
enum TextReading {
    static func read(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        try readAgain(IPv4Address.self, text)
        try readAgain(IPv6Address.self, text)
        try readAgain(IPAddress.self, text)
        try readAgain(IPPrefix.self, text)
        try readAgain(InterfaceAddress.self, text)
        try readAgain(InterfaceName.self, text)
        try readAgain(MACAddress.self, text)
        try readAgain(MTU.self, text)
        try readAgain(BitRate.self, text)
        try readAgain(Percentage.self, text)
        try readAgain(ASN.self, text)
        try readAgain(ByteCount.self, text)
        if let duration = Duration(text: text) {
            try require(duration >= .zero && !duration.shortText.isEmpty, "a time of \(duration)")
            try require(
                Duration(text: duration.exactText) == duration, "\(text.debugDescription) is \(duration.exactText)")
        }
        let topology = SmallLab.topology
        if let condition = try? Condition(text, in: topology) {
            try require(
                (try? Condition(condition.description, in: topology)) == condition,
                "\(text.debugDescription) is \(condition)")
        }
        if let fault = try? Fault(text, in: topology) {
            try require(
                (try? Fault(fault.description, in: topology)) == fault, "\(text.debugDescription) is \(fault)")
        }
    }

    private static func readAgain<Value: LosslessStringConvertible & Equatable>(_: Value.Type, _ text: String) throws {
        guard let value = Value(text) else { return }
        try require(
            Value(value.description) == value, "\(Value.self) \(text.debugDescription) is \(value.description)")
    }
}
