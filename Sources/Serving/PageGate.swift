/// Who may see a page on this machine, and do something by it.
///
/// Any page of any site may have a browser ask 127.0.0.1, and any user of the machine may ask it, too. So the page's path begins with a
/// token that only its user was told, and the request must be for this address by name, which one from a foreign name that leads here
/// (DNS rebinding) is not.
public struct PageGate: Sendable {
    public let port: UInt16
    /// 32 hexadecimal digits.
    public let token: String

    public init(port: UInt16, token: String) {
        self.port = port
        self.token = token
    }

    /// A token of the system's random numbers.
    public static func makeToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    public var address: String { "http://127.0.0.1:\(port)/\(token)/" }

    /// The path below the page's own, as in `state`; nil for whoever may not see it.
    public func path(of request: HTTPRequest) -> String? {
        let hosts = ["127.0.0.1:\(port)", "localhost:\(port)"]
        guard let host = request.headers["host"], hosts.contains(host) else { return nil }
        if let origin = request.headers["origin"], !hosts.contains(where: { origin == "http://\($0)" }) { return nil }
        let given = Array(request.path.utf8)
        let expected = Array("/\(token)/".utf8)
        guard given.count >= expected.count else { return nil }
        // As long for any token as for the right one.
        let difference = zip(given, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 ? String(decoding: given[expected.count...], as: UTF8.self) : nil
    }
}
