import Foundation
import Testing

/// The rules of Package.swift that the compiler does not enforce: what a target imports is declared for it, and imports point up the file.
@Suite struct ImportTests {
    /// Of the toolchain.
    private static let system: Set = [
        "Foundation", "FoundationEssentials", "FoundationXML", "Glibc", "Dispatch", "Synchronization", "Testing",
        "RegexBuilder",
    ]

    @Test func `Each target declares what it imports and nothing else`() throws {
        let manifest = try Manifest(Self.text())
        #expect(manifest.targets.count > 30)
        for target in manifest.targets where target.kind != "systemLibrary" {
            let imports = try Self.imports(of: target).subtracting(Self.system).subtracting([target.name])
            #expect(imports.subtracting(target.dependencies) == [], "\(target.name) imports what it does not declare")
            #expect(target.dependencies.subtracting(imports) == [], "\(target.name) declares what it does not import")
        }
    }

    @Test func `Imports point down`() throws {
        #expect(Manifest.upward(in: try Manifest(Self.text()).targets) == [])
    }

    /// The reader finds what is wrong.
    @Test func `A target before what it depends on is found`() throws {
        let manifest = try Manifest(
            """
            .target(name: "Low", dependencies: ["High", .product(name: "Yams", package: "Yams")]),
            .systemLibrary(name: "CThing"),
            .target(
                name: "High", dependencies: ["CThing"]),
            """)
        #expect(manifest.targets.map(\.name) == ["Low", "CThing", "High"])
        #expect(manifest.targets[0].dependencies == ["High", "Yams"])
        #expect(Manifest.upward(in: manifest.targets) == ["Low imports High, which stands below it in Package.swift"])
    }

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text() throws -> String {
        try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
    }

    /// The modules that a target's Swift files import.
    private static func imports(of target: Manifest.Target) throws -> Set<String> {
        let places = target.path.map { [$0] } ?? ["Sources/\(target.name)", "Tests/\(target.name)"]
        let place = places.map { root.appending(path: $0) }.first { FileManager.default.fileExists(atPath: $0.path) }
        let directory = try #require(place, "\(target.name) has no directory")
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        var found: Set<String> = []
        while let file = files?.nextObject() as? URL {
            // Programs that tests compile for themselves.
            guard file.pathExtension == "swift", !file.path.contains("/Programs/") else { continue }
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                if let match = line.prefixMatch(
                    of: #/(?:@\w+ |public )*import (?:enum |struct |func |class |protocol )?(\w+)/#)
                {
                    found.insert(String(match.1))
                }
            }
        }
        return found
    }
}

/// The targets of Package.swift, in its order.
private struct Manifest {
    struct Target {
        let kind: String
        let name: String
        let dependencies: Set<String>
        /// Where it is, if not in the directory of its name.
        let path: String?
    }

    let targets: [Target]

    init(_ text: String) throws {
        let heads = text.matches(of: #/\.(target|executableTarget|testTarget|systemLibrary)\(\s*name: "([\w-]+)"/#)
        // The tests that fuzzing shares are declared ahead of all others.
        let shared =
            text.firstMatch(of: #/let fuzzedModules: \[Target\.Dependency\] = \[(?<names>[^\]]*)\]/#)?.names ?? ""
        var targets: [Target] = []
        for (number, head) in heads.enumerated() {
            let end = number + 1 < heads.count ? heads[number + 1].range.lowerBound : text.endIndex
            let body = text[head.range.upperBound..<end]
            guard !targets.contains(where: { $0.name == head.2 }) else { continue }
            targets.append(
                Target(
                    kind: String(head.1), name: String(head.2),
                    dependencies: Self.dependencies(in: body, shared: shared),
                    path: body.firstMatch(of: #/path: "([^"]+)"/#).map { String($0.1) }))
        }
        // Their place is with the other tests.
        let fuzzing = targets.filter { $0.name.contains("fuzz") || $0.name == "FuzzingTests" }
        self.targets =
            targets.filter { target in !fuzzing.contains { $0.name == target.name } }
            + fuzzing.filter { $0.name == "FuzzingTests" }
    }

    private static func dependencies(in body: Substring, shared: Substring) -> Set<String> {
        guard let start = body.firstRange(of: "dependencies: ")?.upperBound else { return [] }
        let rest = body[start...]
        guard rest.hasPrefix("[") else { return names(in: shared) }
        var depth = 0
        let list = rest.prefix { character in
            if character == "[" { depth += 1 }
            if character == "]" { depth -= 1 }
            return depth > 0
        }
        return names(in: list.replacing(#/\.product\(name: ("\w+"), package: "[^"]*"\)/#) { $0.1 }[...])
    }

    private static func names(in list: Substring) -> Set<String> {
        Set(list.matches(of: #/"(\w+)"/#).map { String($0.1) })
    }

    /// Dependencies on what is declared later.
    static func upward(in targets: [Target]) -> [String] {
        targets.enumerated().flatMap { place, target in
            targets[place...].filter { target.dependencies.contains($0.name) }.map {
                "\(target.name) imports \($0.name), which stands below it in Package.swift"
            }
        }
    }
}
