extension KernelBuild {
    /// Where a build is.
    public enum Progress: Sendable, Hashable, CustomStringConvertible {
        /// Another build has the cache; this one goes on when it ends.
        case waitingForAnotherBuild
        /// A package comes from Debian's archive.
        case fetching(String)
        /// The source of a series is not to be had, for this reason; the next one is tried.
        case passedOver(String)
        case unpacking
        case configuring
        /// `done` of about `total` files; `total` is a count from an earlier build.
        case compiling(done: Int, total: Int)
        case installing

        /// How far the whole build is, 0 to 1; nil while it waits. Weighed by the time that each part takes.
        public var fraction: Double? {
            switch self {
            case .waitingForAnotherBuild, .passedOver: nil
            case .fetching: 0
            case .unpacking: 0.03
            case .configuring: 0.07
            case .compiling(let done, let total): 0.09 + 0.90 * Double(done) / Double(max(total, 1))
            case .installing: 0.995
            }
        }

        public var description: String {
            switch self {
            case .waitingForAnotherBuild: "waiting: another build of the lab kernel is under way"
            case .fetching(let package): "fetching \(package) from Debian's archive (160 MB)"
            case .passedOver(let reason): "\(reason); trying the next series"
            case .unpacking: "unpacking the kernel source"
            case .configuring: "configuring"
            case .compiling(let done, let total): "compiling \(done)/\(total)"
            case .installing: "installing"
            }
        }
    }

    /// Counts what make says it has done.
    struct StepCounter {
        let total: Int
        private(set) var done = 0

        init(total: Int) {
            self.total = total
        }

        /// Takes one line of make's output; true when it was a step.
        ///
        /// A step is a line such as `  CC      net/ipv4/esp4.o`. The count never passes the total, whatever source it is.
        mutating func take(_ line: some StringProtocol) -> Bool {
            guard Self.steps.contains(where: { line.hasPrefix("  \($0) ") }) else { return false }
            done = min(done + 1, total)
            return true
        }

        private static let steps = ["CC", "AR", "AS", "LD"]
    }
}
