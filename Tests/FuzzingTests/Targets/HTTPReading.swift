import Serving

/// What a browser, or anybody else on this machine, sends to the page of `netlab serve`.
enum HTTPReading {
    private static let gate = PageGate(port: 8080, token: "0123456789abcdef0123456789abcdef")

    static func read(_ bytes: [UInt8]) throws {
        let whole = try? HTTPRequest.read(bytes)
        guard let request = whole ?? nil else { return }
        try require(request.body.count <= HTTPRequest.largestBody, "a body of \(request.body.count) bytes")
        try require(request.path.hasPrefix("/"), "a path \(request.path.debugDescription)")
        if gate.path(of: request) != nil {
            try require(
                request.path.hasPrefix("/\(gate.token)/"), "the path \(request.path.debugDescription) was let in")
        }
        // It does not matter what comes behind it.
        let again = try? HTTPRequest.read(bytes + [71, 69, 84])
        try require(again == request, "another request with more bytes behind it")
    }
}
