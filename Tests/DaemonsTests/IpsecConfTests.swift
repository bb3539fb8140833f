import ConfigurationFormats
import Daemons
import Testing

@Suite struct IpsecConfTests {
    @Test(arguments: [
        ("conn a\n    left=1.1.1.1\n", ["left": "1.1.1.1"]),
        ("conn a\n\tleft=1.1.1.1\n\tauto=start\n", ["left": "1.1.1.1", "auto": "start"]),
        ("conn a\r\n    left=1.1.1.1\r\n", ["left": "1.1.1.1"]),
        ("conn\ta\n left = 1.1.1.1  \n", ["left": "1.1.1.1"]),
        ("conn a\n    LEFT=1.1.1.1\n", ["left": "1.1.1.1"]),
        ("conn a # the first\n    left=1.1.1.1 # here\n    # right=2.2.2.2\n", ["left": "1.1.1.1"]),
        ("conn a\n    leftid=\"@some host\"\n", ["leftid": "@some host"]),
        ("conn a\n    leftid=\"\n", ["leftid": "\""]),
        ("conn a\n    ike=aes;modp1536\n    x=a=b\n", ["ike": "aes;modp1536", "x": "a=b"]),
        ("conn a\n    left=1\n\n    right=2\n", ["left": "1", "right": "2"]),
        ("conn a\n    left=\n    nonsense\n", ["left": ""]),
        ("conn a\n    left=1\nconfig setup\n    uniqueids=no\n", ["left": "1"]),
        ("config setup\n    uniqueids=no\nconn a\n    left=1\n", ["left": "1"]),
        ("conn a", [:]),
        // Another section's parameters: the section's own go before, those of %default after all.
        (
            "conn base\n    left=1\n    auto=add\nconn a\n    also=base\n    auto=start\n",
            ["left": "1", "auto": "start"]
        ),
        ("conn %default\n    auto=add\n    left=9\nconn a\n    left=1\n", ["left": "1", "auto": "add"]),
        ("conn %default\n    auto=add\nconn b\n    auto=route\nconn a\n    also=b\n", ["auto": "route"]),
        ("conn c\n    x=3\nconn b\n    also=c\nconn a\n    also=b\n", ["x": "3"]),
        ("conn a\n    also=a\n    x=1\n", ["x": "1"]),
        ("conn b\n    also=a\n    y=2\nconn a\n    also=b\n    x=1\n", ["x": "1", "y": "2"]),
        ("conn a\n    also=nowhere\n    x=1\n", ["x": "1"]),
    ])
    func `Parameters`(_ text: String, _ expected: [String: String]) {
        #expect(IpsecConf(text)[connection: "a"] == expected)
    }

    @Test(arguments: [
        ("", []), ("# nothing\n", []), ("conn %default\n    auto=add\n", []), ("conn\n    left=1\n", []),
        ("conn a b\n    left=1\n", []),
        ("    left=1\n", []), ("version 2.0\nconn a\nconn b\n", ["a", "b"]),
    ])
    func `Names`(_ text: String, _ expected: [String]) {
        #expect(IpsecConf(text).connectionNames.sorted() == expected)
    }
}
