import NetworkTypes
import Testing

@Suite struct InterfaceNameTests {
    @Test(arguments: ["a", "lo", "eth0.340", "vti-aws_1", "fifteen-bytes-x", "a@b", "..."])
    func `Accepted`(_ text: String) {
        #expect(InterfaceName(text)?.description == text)
    }

    @Test(arguments: [
        "", ".", "..", "sixteen-bytes-xx", "a b", "a/b", "a:b", "tab\t", "new\nline", "nul\0", "é", "\u{7F}", "eth%d",
        "a%",
    ])
    func `Refused`(_ text: String) {
        #expect(InterfaceName(text) == nil)
    }
}

@Suite struct MACAddressTests {
    @Test func `Text`() {
        #expect(MACAddress("02:00:5E:00:53:aF")?.description == "02:00:5e:00:53:af")
        #expect(MACAddress("00:00:00:00:00:00")?.bytes == Array(repeating: 0, count: 6))
        #expect(
            MACAddress(bytes: [1, 2, 3, 4, 5]) == nil && MACAddress(bytes: 1...6)?.description == "01:02:03:04:05:06")
    }

    @Test(arguments: [
        "", "02:00:5e:00:53", "02:00:5e:00:53:af:01", "2:0:5e:0:53:af", "02-00-5e-00-53-af", "0g:00:5e:00:53:af",
        "-1:00:5e:00:53:af",
        "-0:00:5e:00:53:af", "+1:00:5e:00:53:af", "zz:02:00:5e:00:53:af", "02:00:5e:00:53:af:zz", "02:00:5e:00:53:af ",
    ])
    func `Refused`(_ text: String) {
        #expect(MACAddress(text) == nil)
    }
}
