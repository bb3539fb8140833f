import LabRecords

/// Finds, to the byte, the longest packet that is answered.
struct PathMTUSearch {
    /// What a packet has at least.
    let shortest: Int
    /// The longest to try.
    let limit: Int
    /// How many times a length must be lost to count as too long.
    let tries: Int

    /// Searches from the limit downwards. The MTU in an ICMP message is where to look next, and is not taken on trust.
    ///
    /// - Parameter ask: Sends a packet of a length and tells what came of it.
    func run(_ ask: (Int) throws -> EchoAttempt) rethrows -> PathMTUResult {
        var attempts: [EchoAttempt] = []
        func last(of length: Int) throws -> EchoAttempt {
            var attempt = try ask(length)
            attempts.append(attempt)
            for _ in 1..<max(1, tries) where attempt.outcome == .lost {
                attempt = try ask(length)
                attempts.append(attempt)
            }
            return attempt
        }
        guard try last(of: shortest).isAnswered else {
            return PathMTUResult(bytes: nil, boundary: nil, attempts: attempts)
        }
        var (passed, refused) = (shortest, limit + 1)
        var boundary = PathMTUResult.Boundary.limit
        var next = limit
        var hint: Int?
        while refused - passed > 1 {
            let attempt = try last(of: next)
            if attempt.isAnswered {
                passed = next
                // A message that told the truth leaves one more question.
                next = hint == next ? next + 1 : (passed + refused) / 2
            } else {
                refused = next
                boundary =
                    switch attempt.outcome {
                    case .notice: .notice
                    case .localError: .localError
                    case .lost, .reply: .blackHole
                    }
                hint = attempt.notice?.mtu.flatMap { passed < $0 && $0 < refused ? $0 : nil }
                next = hint ?? (passed + refused) / 2
            }
        }
        return PathMTUResult(bytes: passed, boundary: boundary, attempts: attempts)
    }
}
