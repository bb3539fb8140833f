/// A series of Linux that the lab kernel can be built from: where Debian has it, and what netlab changes in it.
struct KernelSeries: Sendable, Hashable {
    /// `7.3`: every `7.3.N` is of it.
    let name: String
    /// The suite of Debian's archive that has `linux-source-NAME`.
    let suite: String
    /// What is changed in the source before it is compiled. A source that does not take one of them is refused.
    var amendments: [KernelAmendment] = []
    /// Settings of this series beside lab-kernel.config's.
    var settings = KernelConfiguration("")
    /// Whether all of netlab's tests and scenarios have passed on it.
    var isProved = false
    /// How many steps make(1) takes, measured: for the display of progress alone.
    let steps: Int

    /// Debian's package of the source.
    var package: String { "linux-source-\(name)" }

    /// The series whose sources netlab knows what to change in, the newest first.
    static let known = [
        KernelSeries(
            name: "7.3", suite: "trixie-backports", amendments: sinceLinux7, settings: legacyTables, isProved: true,
            steps: 1280),
        KernelSeries(
            name: "7.2", suite: "trixie-backports", amendments: sinceLinux7, settings: legacyTables, steps: 1280),
        KernelSeries(
            name: "6.12", suite: "trixie",
            amendments: [
                .wholeFloatingPointState, .outputIsWrittenWhole, .kernelWorkGoesFirst, .noJitterIsMeasured,
                .carriersAreToldAtOnce, .pollingInVainWaits,
            ],
            steps: 1290),
        KernelSeries(
            name: "6.1", suite: "bookworm",
            amendments: [
                .programsDieWithTheirKernel, .wholeFloatingPointState, .kernelWorkGoesFirst, .carriersAreToldAtOnce,
                .pollingInVainWaits,
            ],
            settings: KernelConfiguration("CONFIG_NFT_OBJREF=y\n"), isProved: true, steps: 1277),
    ]

    /// The series that netlab's tests have passed with (`scripts/test-kernels`), the one to be preferred first.
    static let proved = known.filter(\.isProved)

    static func proved(_ name: String) -> KernelSeries? { proved.first { $0.name == name } }
    static func known(_ name: String) -> KernelSeries? { known.first { $0.name == name } }

    /// `7.3, 7.2, …`
    static var provedNames: String { proved.map(\.name).joined(separator: ", ") }

    /// For a series that netlab has not been proved on: built as the newest one that it has, for whoever asks for it.
    static func unproved(_ name: String) -> KernelSeries {
        if let known = known(name) { return known }
        let newest = Self.known[0]
        return KernelSeries(
            name: name, suite: newest.suite, amendments: newest.amendments, settings: newest.settings,
            steps: newest.steps)
    }

    /// The series of a source, by its top Makefile: `VERSION = 7`, `PATCHLEVEL = 3`. Nil for what is no Makefile of Linux.
    static func name(inMakefile text: String) -> String? {
        func value(_ name: String) -> Int? {
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ", omittingEmptySubsequences: true)
                if words.count == 3, words[0] == name, words[1] == "=" { return Int(words[2]) }
            }
            return nil
        }
        guard let version = value("VERSION"), let level = value("PATCHLEVEL") else { return nil }
        return "\(version).\(level)"
    }

    private static let sinceLinux7: [KernelAmendment] = [
        .outputIsWrittenWhole, .kernelWorkGoesFirst, .schedulingClockGoesOn, .carriersAreToldAtOnce,
        .pollingInVainWaits,
    ]

    /// The tables of iptables-legacy(8) are off in Linux 7.x unless asked for.
    private static let legacyTables = KernelConfiguration(
        """
        CONFIG_NETFILTER_XTABLES_LEGACY=y
        CONFIG_IP_NF_IPTABLES_LEGACY=y
        CONFIG_IP6_NF_IPTABLES_LEGACY=y

        """)
}
