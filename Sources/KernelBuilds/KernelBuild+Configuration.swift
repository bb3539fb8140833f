/// Settings of a kernel configuration: `CONFIG_NAME=value`, and `# CONFIG_NAME is not set` for what is off.
public struct KernelConfiguration: Sendable, Hashable {
    /// One setting; a nil value is off.
    public struct Option: Sendable, Hashable {
        public let name: String
        public let value: String?
    }

    /// Every setting, in the file's order.
    public let options: [Option]
    /// The lines that make a kernel what it is: settings and the recipe's number, without comments and empty lines.
    ///
    /// Two configurations with equal texts build the same kernel. `scripts/lib` draws the same lines with grep(1).
    public let essentialText: String

    /// Reads a configuration file's text; any line that is no setting is a comment.
    public init(_ text: String) {
        var options: [Option] = []
        var essential = ""
        for line in text.split(separator: "\n") {
            if let option = Self.option(line) {
                options.append(option)
                essential += "\(line)\n"
            } else if line.hasPrefix("# Recipe ") {
                essential += "\(line)\n"
            }
        }
        self.options = options
        essentialText = essential
    }

    /// The lab kernel's, as it is in the source tree.
    public static let lab = KernelConfiguration(String(decoding: PackageResources.lab_kernel_config, as: UTF8.self))

    private static func option(_ line: Substring) -> Option? {
        let offMark = " is not set"
        if line.hasPrefix("CONFIG_"), let equals = line.firstIndex(of: "=") {
            return Option(name: String(line[..<equals]), value: String(line[line.index(after: equals)...]))
        }
        if line.hasPrefix("# CONFIG_"), line.hasSuffix(offMark) {
            return Option(name: String(line.dropFirst(2).dropLast(offMark.count)), value: nil)
        }
        return nil
    }

    /// The settings of this configuration that do not hold in a finished one; off also holds where a name is absent.
    public func unmet(in finished: KernelConfiguration) -> [Option] {
        let values = Dictionary(finished.options.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        return options.filter { option in
            (values[option.name] ?? nil) != option.value
        }
    }
}
