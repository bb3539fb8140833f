import NetworkTypes

/// A user's script that a node runs whenever it starts, after its links and its daemons.
public struct BootScript: Hashable, Sendable, Codable {
    /// The file's name beside the lab file.
    public let name: String
    public let text: String
    /// How long it runs, as the lab file has it; nil where that is not said.
    public let takes: Window?

    public init(name: String, text: String, takes: Window?) {
        self.name = name
        self.text = text
        self.takes = takes
    }

    /// Where its node has it.
    public var path: String { "/etc/netlab/\(name)" }

    /// How long one may run, on the lab's clock, before its node is given up.
    public static let longest = Duration.seconds(3600)

    /// What logs and messages call it, beside the node's daemons.
    public static let title = "boot"

    /// What is executed: what its first line names, with one argument at most (execve(2)), and without such a line a shell.
    public var arguments: [String] {
        guard text.hasPrefix("#!") else { return ["/bin/sh", path] }
        let line = text.dropFirst(2).prefix { !$0.isNewline }
        let words = line.split(maxSplits: 1, whereSeparator: Self.isBlank)
        let rest = words.dropFirst().map { $0.drop(while: Self.isBlank) }.first
        let argument = rest.map { String($0.trimming(Self.isBlank)) }
        return words.prefix(1).map(String.init) + [argument].compactMap { $0 }.filter { !$0.isEmpty } + [path]
    }

    /// Why a kernel would not run it; nil where nothing is known against it.
    public var fault: String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.contains(0) { return "is not text: it has a byte 0" }
        guard text.hasPrefix("#!") else { return nil }
        // "\r\n" is one character.
        if text.first(where: \.isNewline) == "\r\n" {
            return "has lines that end as on Windows, which `#!` does not know"
        }
        guard arguments[0].hasPrefix("/"), arguments.count > 1 else { return "names no program by its path after `#!`" }
        return nil
    }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
}

extension Substring {
    fileprivate func trimming(_ isBlank: (Character) -> Bool) -> Substring {
        var rest = drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }
}
