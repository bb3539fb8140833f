import Daemons

/// A configuration for another vendor's device, told by a line that only such a one has.
struct OtherVendor {
    let name: String
    let line: Int
    let text: String

    private static let marks: [(start: String, name: String)] = [
        ("crypto isakmp ", "Cisco IOS"), ("crypto ikev2 ", "Cisco IOS or ASA"), ("crypto ikev1 ", "Cisco ASA"),
        ("crypto ipsec ", "Cisco IOS or ASA"), ("crypto map ", "Cisco IOS or ASA"), ("crypto keyring ", "Cisco IOS"),
        ("tunnel-group ", "Cisco ASA"), ("config vpn ipsec ", "Fortinet FortiGate"),
        ("set security ike ", "Juniper Junos"), ("set security ipsec ", "Juniper Junos"),
        ("set ike p1-proposal ", "Juniper ScreenOS"), ("set ike gateway ", "Juniper ScreenOS"),
        ("set vpn ipsec ", "VyOS or EdgeOS"), ("set network ike ", "Palo Alto PAN-OS"),
        ("edit network ike ", "Palo Alto PAN-OS"), ("/ip ipsec ", "MikroTik RouterOS"), ("ipsec ike ", "Yamaha RTX"),
        ("vpn policy ", "SonicWall SonicOS"),
    ]

    /// Nil where no line tells of one.
    init?(_ text: String) {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            guard let mark = Self.marks.first(where: { "\(words) ".hasPrefix($0.start) }) else { continue }
            name = mark.name
            self.line = index + 1
            self.text = String(words.prefix(60))
            return
        }
        return nil
    }

    func error(of path: String) -> ImportError {
        let products = DaemonRegistry.keyDaemons.map(\.product).joined(separator: " and ")
        return ImportError(
            message:
                "\(path), line \(line), is of a configuration for \(name) (`\(text)`), which no daemon of a lab reads.",
            remedy:
                "Have the provider write its text for \(products), which is recognised, or AWS's for the vendor Generic; or give the cloud's JSON: `aws ec2 describe-vpn-connections`."
        )
    }
}
