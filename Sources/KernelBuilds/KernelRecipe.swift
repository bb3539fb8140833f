import FoundationEssentials
import Glibc
import SystemPackage

/// How a lab kernel comes of Linux's source: netlab's changes, its settings, and the commands.
///
/// With the source itself this is all that a lab kernel is made of, which whoever gets one may ask for (GPL-2, section 3).
public struct KernelRecipe: Sendable {
    let series: KernelSeries
    let configuration: KernelConfiguration

    /// The file in the source's directory that has the settings.
    static let settingsFile: FilePath.Component = "lab-kernel.config"

    /// The recipe for a series of Linux; nil for the newest that netlab has been proved on.
    ///
    /// - Throws: `sourceUnusable` for what is no series' name.
    public init(series name: String?) throws(SetupError) {
        self.init(try name.map(KernelBuild.series) ?? KernelSeries.proved[0])
    }

    init(_ series: KernelSeries, configuration: KernelConfiguration = .lab) {
        self.series = series
        self.configuration = configuration
    }

    /// Every setting that is not as Linux's own `defconfig` has it.
    var settings: KernelConfiguration {
        KernelConfiguration(configuration.essentialText + series.settings.essentialText)
    }

    /// All of it, for people. `netlab kernel recipe --apply` makes the changes, wherever their lines are.
    public var text: String {
        let source = """
            netlab's lab kernel of Linux \(series.name) is made of Debian's package \(series.package) (\(series.suite)),
            in the directory of its source, with the changes and the settings below:

                netlab kernel recipe --series \(series.name) --apply .
                make ARCH=um CC=$PWD/\(KernelCompiler.path) defconfig
                scripts/kconfig/merge_config.sh -m .config \(Self.settingsFile)
                make ARCH=um CC=$PWD/\(KernelCompiler.path) olddefconfig
                make ARCH=um CC=$PWD/\(KernelCompiler.path) linux
                strip linux

            """
        let changes = series.amendments.map { amendment in
            (["A change that \(amendment.purpose):", ""] + amendment.edits.map(\.text)).joined(separator: "\n")
        }
        return ([source] + changes + ["Settings (\(Self.settingsFile)):\n\n\(settings.essentialText)"]).joined(
            separator: "\n")
    }

    /// Makes the changes in a directory with the source, and writes the settings and the compiler there.
    ///
    /// - Parameter identity: What the source is called, for an error's text.
    /// - Throws: `configurationUnmet` when the source does not take a change; `directoryUnavailable` when it cannot be written.
    public func apply(to tree: FilePath, identity: String) throws(SetupError) {
        for amendment in series.amendments {
            for edit in amendment.edits {
                let file = tree.appending(edit.file)
                let text = (try? Data(contentsOf: URL(filePath: file.string))).map {
                    String(decoding: $0, as: UTF8.self)
                }
                guard let changed = text.flatMap(edit.applied(to:)) else {
                    throw SetupError(
                        .configurationUnmet,
                        "\(identity) does not take a change that \(amendment.purpose), in \(edit.file): it was made for another source",
                        remedy:
                            "Build another series (\(KernelSeries.provedNames)): netlab kernel build --series SERIES")
                }
                try write(changed, to: file)
            }
        }
        try write(settings.essentialText, to: tree.appending(Self.settingsFile))
        try KernelCompiler.install(in: tree)
    }

    private func write(_ text: String, to file: FilePath) throws(SetupError) {
        do {
            try Data(text.utf8).write(to: URL(filePath: file.string))
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot write \(file): \(error)",
                remedy: "See that you may write there, and that there is room.")
        }
    }
}

extension KernelAmendment.Edit {
    /// As a difference of lines, without their numbers: a source's lines move, and the text that is replaced does not.
    fileprivate var text: String {
        func lines(_ text: String, _ mark: String) -> String {
            let text = text.hasSuffix("\n") ? text.dropLast() : text[...]
            return text.split(separator: "\n", omittingEmptySubsequences: false).map { "\(mark)\($0)\n" }.joined()
        }
        return """
            --- \(file)
            +++ \(file)
            @@ \(places == 1 ? "in one place" : "in \(places) places") @@
            \(lines(original, "-"))\(lines(replacement, "+"))
            """
    }
}
