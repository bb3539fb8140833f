/// A request of a browser's, as far as a page on the same machine needs it (RFC 9112).
public struct HTTPRequest: Hashable, Sendable {
    public enum Method: String, Hashable, Sendable {
        case get = "GET"
        case post = "POST"
    }

    public let method: Method
    /// Without what follows a question mark.
    public let path: String
    /// By their names in lower case; of several of one name the first, and none of a name that must stand once and does not.
    public let headers: [String: String]
    public let body: [UInt8]

    /// Why a request gets no answer but this.
    public enum Refusal: Int, Error, Hashable, Sendable, CaseIterable {
        case malformed = 400
        case otherMethod = 405
        case bodyTooLarge = 413
        case headTooLarge = 431
        case chunked = 501

        public var reason: String {
            switch self {
            case .malformed: "Bad Request"
            case .otherMethod: "Method Not Allowed"
            case .bodyTooLarge: "Content Too Large"
            case .headTooLarge: "Request Header Fields Too Large"
            case .chunked: "Not Implemented"
            }
        }
    }

    /// The most bytes before the body, and in it.
    public static let (largestHead, largestBody) = (16 << 10, 4 << 10)

    /// Reads the request that some bytes begin with.
    ///
    /// - Returns: Nil while there have to be more of them.
    public static func read(_ bytes: [UInt8]) throws(Refusal) -> HTTPRequest? {
        guard let end = end(ofHeadIn: bytes) else {
            guard bytes.count < largestHead else { throw .headTooLarge }
            return nil
        }
        guard end <= largestHead else { throw .headTooLarge }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", words[1].hasPrefix("/") else {
            throw .malformed
        }
        guard let method = Method(rawValue: String(words[0])) else { throw .otherMethod }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex,
                !line[..<colon].contains(where: \.isWhitespace)
            else { throw .malformed }
            let name = line[..<colon].lowercased()
            let value = trimmed(line[line.index(after: colon)...])
            // RFC 9112, sections 3.2 and 6.3: two of these are somebody's attempt to be read in two ways.
            if headers[name] != nil, ["host", "content-length", "origin"].contains(name) { throw .malformed }
            headers[name] = headers[name] ?? value
        }
        guard headers["transfer-encoding"] == nil else { throw .chunked }
        var length = 0
        if let text = headers["content-length"] {
            guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { throw .malformed }
            length = Int(text) ?? .max
        }
        guard length <= largestBody else { throw .bodyTooLarge }
        let start = end + 4
        guard bytes.count >= start + length else { return nil }
        let path = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)[0]
        return HTTPRequest(
            method: method, path: String(path), headers: headers, body: Array(bytes[start..<start + length]))
    }

    /// Where the empty line begins that ends the head.
    private static func end(ofHeadIn bytes: [UInt8]) -> Int? {
        let mark: [UInt8] = [13, 10, 13, 10]
        let last = min(bytes.count, largestHead + mark.count) - mark.count
        guard last >= 0 else { return nil }
        return (0...last).first { bytes[$0] == 13 && Array(bytes[$0..<$0 + mark.count]) == mark }
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        let rest = text.drop(while: isSpace)
        let end = rest.lastIndex { !isSpace($0) }.map(rest.index(after:)) ?? rest.startIndex
        return String(rest[..<end])
    }
}

/// What a browser is answered; each connection has one, and ends with it.
public struct HTTPResponse: Hashable, Sendable {
    public let status: Int
    public let reason: String
    public let type: String
    public let body: [UInt8]

    public init(_ status: Int, _ reason: String, type: String = "text/plain; charset=utf-8", _ body: String) {
        self.status = status
        self.reason = reason
        self.type = type
        self.body = Array(body.utf8)
    }

    public init(_ refusal: HTTPRequest.Refusal) {
        self.init(refusal.rawValue, refusal.reason, refusal.reason)
    }

    /// What nobody keeps, shows in a frame, or tells other pages of.
    public var bytes: [UInt8] {
        let head = """
            HTTP/1.1 \(status) \(reason)\r
            Content-Type: \(type)\r
            Content-Length: \(body.count)\r
            Cache-Control: no-store\r
            X-Content-Type-Options: nosniff\r
            X-Frame-Options: DENY\r
            Referrer-Policy: no-referrer\r
            Cross-Origin-Resource-Policy: same-origin\r
            Connection: close\r
            \r

            """
        return Array(head.utf8) + body
    }
}
