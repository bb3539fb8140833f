import AgentProtocol
import FoundationEssentials
import KernelBuilds
import SystemPackage

extension SeededRandom {
    /// What the product netlab-seeded-random builds.
    static let libraryName = "libnetlab-seeded-random.so"

    /// Reads the library that lies beside the program.
    ///
    /// - Throws: ``SetupError`` if it is not there.
    init(seed: UInt64, besides executable: FilePath) throws {
        let file = executable.removingLastComponent().appending(Self.libraryName)
        guard let library = try? Data(contentsOf: URL(filePath: file.string)) else {
            throw SetupError(
                .toolsMissing, "The library \(file) is missing or cannot be read; --seed needs it.",
                remedy: Installation.current != nil
                    ? Installation.remedy : "Build all of netlab, for instance by `swift build`, not the program alone."
            )
        }
        self.init(seed: seed, library: Bytes(Array(library)))
    }
}
