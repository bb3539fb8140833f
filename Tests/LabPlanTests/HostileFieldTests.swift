import ConfigurationFormats
import Daemons
import Foundation
import LabFiles
import LabModel
import LabPlan
import RoutingDaemons
import Testing
import Yams

/// Lab files are data: whatever is written in any of their places is refused, or stays where it was written.
///
/// Each place of the labs that come with netlab, of each kind one in one of them, is given some of a list of values that would mean something
/// to a shell, a path, or a daemon's configuration.
@Suite(.timeLimit(.minutes(20)))
struct HostileFieldTests {
    /// What makes a value known again.
    private static let mark = "zZqQ"

    static let values = [
        "\(mark)\ninclude /etc/passwd", "\(mark)\n", "\(mark)\"; include \"/etc/passwd\"; #", "\(mark)'", "\(mark) {",
        "} \(mark)", "\(mark);", "$(\(mark))", "`\(mark)`", "../../\(mark)", "/\(mark)", "-\(mark)", "\(mark)\\",
        "#\(mark)", "\(mark) # x", "%\(mark)", "include \(mark)", "\(mark)|x", "\(mark)\tx", "é\(mark)", " \(mark) ",
        String(repeating: mark, count: 200), "\(mark)/../x", "${\(mark)}",
    ]

    /// Every sixth of them, beginning with another one for each place: all of them everywhere would take minutes.
    private static func turn(_ index: Int) -> [String] {
        stride(from: index % 6, to: values.count, by: 6).map { values[$0] }
    }

    static let labs = ["aws-oci", "aws-china-tokyo", "soracom-azure", "aws-ipip6", "alibaba-azure"]

    @Test(arguments: labs) func `No place leads elsewhere`(lab: String) throws {
        var known: Set<String> = []
        for other in Self.labs.prefix(while: { $0 != lab }) { _ = try ShippedLab(other).places(besides: &known) }
        let lab = try ShippedLab(lab)
        let places = lab.places(besides: &known)
        #expect(!places.isEmpty)
        var refused = 0
        for (index, place) in places.enumerated() {
            let template = try lab.template(of: place)
            for value in Self.turn(index) {
                do {
                    let topology = try lab.resolve(template.text(with: value))
                    let plan = String(decoding: try JSONEncoder().encode(Plan(for: topology)), as: UTF8.self)
                    // Keys are quoted; KeyTests show how.
                    let isKey = ["psk", "password"].contains(place.name)
                    #expect(isKey || !plan.contains(Self.mark), "\(place) = \(value.debugDescription)")
                } catch let error as LabFileError {
                    refused += 1
                    for diagnostic in error.diagnostics where diagnostic.severity == .error {
                        let isComplete = diagnostic.line != nil && !diagnostic.remedy.isEmpty
                        #expect(isComplete, "\(place) = \(value.debugDescription): \(diagnostic)")
                    }
                }
            }
        }
        // Most places are not for people.
        #expect(refused > places.count * Self.turn(0).count / 2)
    }

    /// The same search finds what it looks for where there is no guard: a key is in the plan.
    @Test func `Positive control`() throws {
        let lab = try ShippedLab("aws-oci")
        let place = try #require(lab.places.first { $0.name == "psk" && !$0.isKey })
        let topology = try lab.resolve(lab.text(replacing: place, with: "\(Self.mark);{}#%$()`'\\"))
        let plan = String(decoding: try JSONEncoder().encode(Plan(for: topology)), as: UTF8.self)
        #expect(plan.contains(Self.mark))
    }
}

/// Keys may have any printable character but the space and the double quote: they are quoted, and read again as they were.
@Suite struct KeyQuotingTests {
    static let keys = [
        "abcdefgh#ijk", "abc;def;gh", "abc{def}gh", "abc'def'gh", "abc\\def\\n", "abcdefgh\\", "${abcdefgh}",
        "%abcdefgh",
        "abc:PSK:gh", "@abcdefgh", "0xabcdefgh", "0sabcdefgh", "include/etc", "<abcdefgh>", "abc,def=gh", "`abcdefgh`",
        String((0x21...0x7E).filter { $0 != 0x22 }.prefix(64).map { Character(Unicode.Scalar($0)) }),
        String((0x21...0x7E).filter { $0 != 0x22 }.suffix(64).map { Character(Unicode.Scalar($0)) }),
    ]

    @Test(arguments: keys, ["libreswan", "strongswan"]) func `Pre-shared key`(_ key: String, daemon: String) throws {
        let lab = try ShippedLab("aws-oci")
        let place = try #require(lab.places.first { $0.name == "psk" && !$0.isKey })
        let topology = try lab.resolve(try lab.text(replacing: place, with: key))
        let files =
            daemon == "libreswan"
            ? LibreswanConfiguration.files(for: "tgw", in: topology, logFile: "/l", nssDirectory: "/n")
            : StrongSwanConfiguration.files(for: "tgw", in: topology, logFile: "/l")
        let secrets = files.filter { $0.path.contains(".secrets") && $0.isSecret }.map { $0.contents.reveal() }
        if daemon == "libreswan" {
            // ipsec.secrets(5): a double-quoted key ends at the next double quote, and nothing in it is special.
            #expect(secrets.contains { $0.wholeMatch(of: /\S+ \S+ : PSK "([^"\n]*)"\n/)?.1 == key[...] })
        } else {
            #expect(
                try secrets.contains { text in
                    let settings = try StrongSwanSettings(text)
                    let names = settings[section: "secrets"]?.sectionNames ?? []
                    return names.contains { settings.value(at: ["secrets", $0, "secret"]) == key }
                })
        }
        // Nobody else's file has it.
        #expect(files.filter { !$0.isSecret }.allSatisfy { !$0.contents.reveal().contains(key) })
    }

    @Test(arguments: keys) func `Password`(_ key: String) throws {
        let lab = try ShippedLab("aws-china-tokyo")
        let place = try #require(lab.places.first { $0.name == "password" && !$0.isKey })
        let topology = try lab.resolve(try lab.text(replacing: place, with: key))
        let files = topology.nodes.flatMap {
            BirdConfiguration.files(for: $0.name, in: topology, logFile: "/l")
        }.filter { $0.contents.reveal().contains(key) }
        #expect(!files.isEmpty)
        for file in files {
            #expect(file.isSecret)
            // A string of BIRD's is what is between two double quotes on one line; it knows no escapes (conf/cf-lex.l).
            let quoted = file.contents.reveal().matches(of: /\n    password "([^"\n]*)";\n/).map { String($0.1) }
            #expect(quoted.contains(key))
        }
    }
}

/// A lab that comes with netlab, as YAML whose values can be replaced.
private struct ShippedLab {
    private let directory: URL
    private let root: Yams.Node

    /// A value or a name, by the way to it.
    struct Place: CustomStringConvertible {
        /// Keys of mappings, and indices of sequences.
        let path: [String]
        let isKey: Bool

        /// The name of the value, or the name itself.
        var name: String { path.last ?? "" }
        var description: String { path.joined(separator: ".") + (isKey ? " (the name)" : "") }
    }

    init(_ name: String) throws {
        directory = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Labs/\(name)")
        let text = try String(contentsOf: directory.appending(path: "lab.yaml"), encoding: .utf8)
        root = try #require(try Yams.compose(yaml: text, .basic))
    }

    func resolve(_ text: String) throws -> Topology {
        try LabFile(text: text, file: "lab.yaml") { [directory] name in
            try String(contentsOf: directory.appending(path: name), encoding: .utf8)
        }.resolve().topology
    }

    var places: [Place] {
        var known: Set<String> = []
        return places(besides: &known)
    }

    /// Of each kind that is not known one: places whose ways differ only in names that the user chose are the same.
    func places(besides known: inout Set<String>) -> [Place] {
        var found: [Place] = []
        Self.visit(root, path: [], kind: []) { place, kind in
            if known.insert(kind + (place.isKey ? "?" : "")).inserted { found.append(place) }
        }
        return found
    }

    /// Sections whose entries the user names.
    private static let named: Set<String> = [
        "clouds", "nodes", "links", "tunnels", "bgp", "probes", "expect", "scenarios", "variants", "ends", "speakers",
        "accepts", "routes", "map", "sysctls", "filter",
    ]

    private static func visit(_ node: Yams.Node, path: [String], kind: [String], _ found: (Place, String) -> Void) {
        switch node {
        case .scalar: found(Place(path: path, isKey: false), kind.joined(separator: "."))
        case .alias: break
        case .sequence(let sequence):
            for (index, item) in sequence.enumerated() {
                visit(item, path: path + ["\(index)"], kind: kind + ["[]"], found)
            }
        case .mapping(let mapping):
            let isNamed = kind.last.map(named.contains) ?? false
            for (key, value) in mapping {
                guard let name = key.scalar?.string else { continue }
                let kind = kind + [isNamed ? "*" : name]
                found(Place(path: path + [name], isKey: true), kind.joined(separator: "."))
                visit(value, path: path + [name], kind: kind, found)
            }
        }
    }

    /// The lab's text with a gap at a place: to write YAML takes longer than to resolve it.
    struct Template {
        static let gap = "the value that is tried"
        fileprivate let yaml: String

        /// With a value in the gap, as a double-quoted scalar (YAML 1.2, section 7.3.1).
        func text(with value: String) -> String {
            let escaped = value.map { character in
                switch character {
                case "\\", "\"": "\\\(character)"
                case "\n": "\\n"
                case "\t": "\\t"
                default: "\(character)"
                }
            }
            return yaml.replacing("\"\(Self.gap)\"", with: "\"\(escaped.joined())\"")
        }
    }

    func template(of place: Place) throws -> Template {
        let yaml = try Yams.serialize(node: Self.replace(root, place.path[...], place.isKey), width: -1)
        try #require(yaml.ranges(of: Template.gap).count == 1)
        return Template(yaml: yaml)
    }

    /// The lab's text with another value, or name, at a place.
    func text(replacing place: Place, with value: String) throws -> String {
        try template(of: place).text(with: value)
    }

    private static func replace(_ node: Yams.Node, _ path: ArraySlice<String>, _ isKey: Bool) -> Yams.Node {
        let new = Yams.Node.scalar(.init(Template.gap, Tag(.str), .doubleQuoted))
        guard let first = path.first else { return new }
        switch node {
        case .sequence(let sequence):
            return .sequence(
                .init(
                    sequence.enumerated().map { index, item in
                        "\(index)" == first ? replace(item, path.dropFirst(), isKey) : item
                    }))
        case .mapping(let mapping):
            return .mapping(
                .init(
                    mapping.map { key, item in
                        guard key.scalar?.string == first else { return (key, item) }
                        if path.count == 1, isKey { return (new, item) }
                        return (key, replace(item, path.dropFirst(), isKey))
                    }))
        default: return node
        }
    }
}
