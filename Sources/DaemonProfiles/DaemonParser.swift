/// A daemon's own program that reads a configuration and does nothing with it.
public struct DaemonParser: Hashable, Sendable {
    /// What the daemon is called in a sentence.
    public let product: String
    public let program: String
    /// Before the file's path.
    public let arguments: [String]

    public init(product: String, program: String, arguments: [String]) {
        self.product = product
        self.program = program
        self.arguments = arguments
    }

    /// The program's own name.
    public var name: String { program.split(separator: "/").last.map(String.init) ?? program }

    /// The first complaint about a file in what it has printed; nil for other words, which may be about the machine, or mere warnings.
    ///
    /// - Parameters:
    ///   - path: The file's, as the program was given it.
    ///   - connection: The one that is asked about; what is wrong with others in the file is their affair.
    ///   - isRefused: Whether the program's exit code says that it cannot read the file.
    /// - Returns: The line, from 1, where it names one, and the words.
    public func complaint(
        in output: String, path: String, connection: String?, isRefused: Bool
    ) -> (line: Int?, words: String)? {
        for line in output.split(whereSeparator: \.isNewline) {
            // What it has against one connection, of which it names no line. It loads one all the same that takes in another which is
            // not there; what stands twice is judged elsewhere.
            if let found = line.firstMatch(of: #/^while loading '([^']*)': (.*)/#), found.1 == connection ?? "",
                !found.2.hasPrefix("duplicate key"), !found.2.hasPrefix("cannot find conn")
            {
                return (nil, String(found.2))
            }
            guard isRefused else { continue }
            // `PATH:9: …`, `PATH:9:12 …`, or `line 9: …`.
            let found: (number: Substring, words: Substring)? =
                line.firstRange(of: "\(path):").map { line[$0.upperBound...] }.flatMap { rest in
                    rest.firstMatch(of: #/^ *(\d+)(?::\d+)?:? +(.*)/#).map { ($0.1, $0.2) }
                } ?? line.firstMatch(of: #/^line (\d+): (.*)/#).map { ($0.1, $0.2) }
            if let found, let number = Int(found.number) {
                return (number, String(found.words))
            }
        }
        return nil
    }
}
