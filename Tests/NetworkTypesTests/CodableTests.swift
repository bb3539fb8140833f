import Foundation
import NetworkTypes
import Testing

@Suite struct CodableTests {
    private func check<Value: Codable & Equatable & LosslessStringConvertible>(_ value: Value?, bad: String) throws {
        let value = try #require(value)
        let data = try JSONEncoder().encode([value])
        let text = String(decoding: data, as: UTF8.self).replacingOccurrences(of: "\\/", with: "/")
        #expect(text == "[\"\(value)\"]")
        #expect(try JSONDecoder().decode([Value].self, from: data) == [value])
        for wrong in ["[\"\(bad)\"]", "[5]", "[null]"] {
            let refusal = #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([Value].self, from: Data(wrong.utf8))
            }
            guard case .dataCorrupted(let context) = refusal else { continue }
            #expect(context.debugDescription.contains(bad))
        }
    }

    @Test func `Every type travels as its text`() throws {
        try check(IPv4Address("10.0.0.1"), bad: "10.0.0")
        try check(IPv6Address("2001:db8::1"), bad: "2001")
        try check(IPAddress("2001:db8::1"), bad: "host")
        try check(IPPrefix("10.0.0.0/8"), bad: "10.0.0.1/8")
        try check(InterfaceAddress("10.0.0.1/8"), bad: "10.0.0.1/64")
        try check(InterfaceName("eth0"), bad: "a b")
        try check(MACAddress("02:00:00:00:00:01"), bad: "02")
        try check(MTU(1400), bad: "1")
        try check(BitRate("500mbit"), bad: "500")
        try check(Percentage("0.03%"), bad: "0.03")
        try check(ASN(64512), bad: "0")
    }
}
