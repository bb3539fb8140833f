import FoundationEssentials
import SystemPackage
import Testing

@testable import KernelBuilds

@Suite("KernelRecipe")
struct KernelRecipeTests {
    private static let amendment = KernelAmendment(
        purpose: "says what it is",
        edits: [
            KernelAmendment.Edit(file: "init/main.c", original: "one\n", replacement: "two\nthree\n"),
            KernelAmendment.Edit(file: "init/main.c", original: "x", replacement: "y", places: 2),
        ])
    private static let recipe = KernelRecipe(
        KernelSeries(
            name: "9.9", suite: "sid", amendments: [amendment], settings: KernelConfiguration("CONFIG_OWN=y\n"),
            steps: 1),
        configuration: KernelConfiguration("# Recipe 1\nCONFIG_NET=y\n"))

    @Test
    func `It shows source, changes, settings and commands`() {
        let text = Self.recipe.text
        for part in [
            "linux-source-9.9 (sid)", "netlab kernel recipe --series 9.9 --apply .",
            "make ARCH=um CC=$PWD/.netlab/cc olddefconfig",
            "A change that says what it is:", "+++ init/main.c\n@@ in one place @@\n-one\n+two\n+three\n",
            "@@ in 2 places @@\n-x\n+y\n", "CONFIG_NET=y\nCONFIG_OWN=y\n",
        ] { #expect(text.contains(part), "\(part)") }
    }

    @Test
    func `It makes its changes in a source, and writes the settings beside them`() async throws {
        try await withTemporaryDirectory { directory in
            try makeDirectory(directory.appending("init"))
            let file = directory.pushing("init/main.c")
            try write("zero\none\nx x\n", to: file)
            try Self.recipe.apply(to: directory, identity: "a source")
            #expect(try contents(file) == "zero\ntwo\nthree\ny y\n")
            let settings = try contents(directory.appending(KernelRecipe.settingsFile))
            #expect(settings == "# Recipe 1\nCONFIG_NET=y\nCONFIG_OWN=y\n")
        }
    }

    @Test
    func `A source that does not take a change is refused, with the change and the file`() async throws {
        try await withTemporaryDirectory { directory in
            let error = #expect(throws: SetupError.self) { try Self.recipe.apply(to: directory, identity: "a source") }
            #expect(error?.code == .configurationUnmet)
            for part in ["a source", "says what it is", "init/main.c"] {
                #expect(error?.message.contains(part) == true)
            }
        }
    }

    @Test
    func `Without a series it is for the newest; what is no series is refused`() throws {
        #expect(try KernelRecipe(series: nil).series == KernelSeries.proved[0])
        #expect(try KernelRecipe(series: "6.1").series.name == "6.1")
        #expect(throws: SetupError.self) { try KernelRecipe(series: "new") }
    }

    private func contents(_ file: FilePath) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file.string)), as: UTF8.self)
    }
}
