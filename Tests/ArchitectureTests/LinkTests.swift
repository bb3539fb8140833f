import Foundation
import Testing

/// The documents: README, the catalogue of pages and the labs' own pages, whose links lead somewhere.
@Suite struct LinkTests {
    private static let catalogue = "Sources/netlab/netlab.docc"

    @Test func `Each relative link and each anchor leads somewhere`() throws {
        let paths = try Self.paths()
        #expect(paths.count > 40)
        for path in paths {
            let problems = try Page(Self.text(path)).links.compactMap { try Self.problem(of: $0, in: path) }
            #expect(problems == [], "\(path)")
        }
    }

    @Test func `The landing page names each page, and the list of labs each lab`() throws {
        let pages = try Self.names(in: Self.catalogue).filter { $0.hasSuffix(".md") && $0 != "netlab.md" }
        let landing = try Set(Page(Self.text("\(Self.catalogue)/netlab.md")).links.map { $0.path })
        #expect(Set(pages).subtracting(landing) == [])
        let labs = try Self.names(in: "Labs").filter { Self.exists("Labs/\($0)/lab.yaml") }
        let list = try Set(Page(Self.text("Labs/README.md")).links.map { $0.path })
        #expect(Set(labs.map { "\($0)/README.md" }).subtracting(list) == [])
    }

    @Test func `README is a page and not a manual`() throws {
        #expect(try Self.text("README.md").split(separator: "\n", omittingEmptySubsequences: false).count <= 151)
    }

    /// The reader finds what is wrong, and leaves alone what is no link.
    @Test func `Links and anchors are read as GitHub reads them`() {
        let page = Page(
            """
            # What `netlab` is: a lab's page, for CI
            ## Twice
            ## Twice
            A [link](Other.md#twice-1) and [`code`](#twice), ![picture](a.svg). `[no](link.md)`
            ```
            # [no](link.md)
            ```

                [no](link.md)
            """)
        #expect(page.links == [Link("Other.md#twice-1"), Link("#twice"), Link("a.svg")])
        #expect(page.anchors == ["what-netlab-is-a-labs-page-for-ci", "twice", "twice-1"])
        #expect(Link("Other.md#twice-1").path == "Other.md" && Link("Other.md#twice-1").anchor == "twice-1")
        #expect(Self.joined("a/b/C.md", "../d.md") == "a/d.md")
        #expect(Self.joined("README.md", "../../releases") == nil)
    }

    // MARK: Files

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    private static func names(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: directory).path).sorted()
    }

    /// The documents, relative to the repository.
    private static func paths() throws -> [String] {
        let pages = try names(in: catalogue).filter { $0.hasSuffix(".md") }.map { "\(catalogue)/\($0)" }
        let labs = try names(in: "Labs").map { "Labs/\($0)/README.md" }.filter(exists)
        return ["README.md", "CONTRIBUTING.md", "SECURITY.md", "Labs/README.md"] + pages + labs
    }

    /// Why a link of a document leads nowhere; nil if it does not.
    private static func problem(of link: Link, in document: String) throws -> String? {
        if link.isElsewhere { return nil }
        let target: String
        if link.path.isEmpty {
            target = document
        } else if let path = joined(document, link.path) {
            target = path
        } else {
            // Beside the repository's files GitHub has its releases.
            return link.path.hasSuffix("../releases") ? nil : "\(link.text) leads out of the repository"
        }
        guard exists(target) else { return "\(link.text): there is no \(target)" }
        guard let anchor = link.anchor else { return nil }
        return try Page(text(target)).anchors.contains(anchor) ? nil : "\(link.text): \(target) has no such heading"
    }

    /// The path that a link in a document names, relative to the repository; nil for one outside.
    private static func joined(_ document: String, _ link: String) -> String? {
        var parts = document.split(separator: "/").dropLast()
        for part in link.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                return nil
            }
        }
        return parts.joined(separator: "/")
    }
}

/// Where a link leads, as it is written.
private struct Link: Equatable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    /// Whether it names a place by its scheme.
    var isElsewhere: Bool { text.prefixMatch(of: #/[a-z]+:/#) != nil }
    var path: String {
        let path = String(text.prefix { $0 != "#" })
        return path.removingPercentEncoding ?? path
    }
    var anchor: String? { text.firstIndex(of: "#").map { String(text[text.index(after: $0)...]) } }
}

/// What of a document in Markdown links are made of.
private struct Page {
    private(set) var links: [Link] = []
    private(set) var anchors: [String] = []

    init(_ text: String) {
        var isCode = false
        var counts: [String: Int] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isCode.toggle()
                continue
            }
            if isCode || line.hasPrefix("    ") { continue }
            if let heading = line.prefixMatch(of: #/#+ (.*)/#)?.1 {
                let anchor = Self.anchor(of: heading)
                let earlier = counts[anchor, default: 0]
                anchors.append(earlier == 0 ? anchor : "\(anchor)-\(earlier)")
                counts[anchor] = earlier + 1
            }
            // Code is no link, but a link's text may be code.
            let prose = line.replacing(#/`[^`]*`/#, with: "")
            links += prose.matches(of: #/\]\(([^)\s]+)\)/#).map { Link(String($0.1)) }
        }
    }

    /// A heading's anchor, as GitHub makes it.
    private static func anchor(of heading: Substring) -> String {
        String(
            heading.lowercased().compactMap { character -> Character? in
                if character == " " { return "-" }
                return character.isLetter || character.isNumber || "-_".contains(character) ? character : nil
            })
    }
}
