import Foundation
import LabFiles
import LabModel
import Testing
import Yams

private typealias Node = Yams.Node

/// `Labs/lab.schema.json`, which editors check lab files by, has the keys that the readers take, and no others.
@Suite struct SchemaTests {
    private static let labs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Labs")

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: labs.path())) ?? []).filter {
        FileManager.default.fileExists(atPath: labs.appending(path: "\($0)/lab.yaml").path())
    }.sorted()

    private static func text(_ lab: String) throws -> String {
        try String(contentsOf: labs.appending(path: "\(lab)/lab.yaml"), encoding: .utf8)
    }

    private static func schema() throws -> Schema {
        let data = try Data(contentsOf: labs.appending(path: "lab.schema.json"))
        return try Schema(root: #require(JSONSerialization.jsonObject(with: data) as? [String: Any]))
    }

    @Test(arguments: names) func `Every lab is right by the schema`(lab: String) throws {
        let root = try #require(try Yams.compose(yaml: Self.text(lab)))
        let schema = try Self.schema()
        #expect(schema.faults(of: root, by: schema.root, at: "") == [])
    }

    @Test(arguments: [
        ("name: x", "nodes"), ("name: X y\nnodes: {}", "name"), ("name: x\nnodes: {}\nnode: {}", "node"),
        ("name: x\nnodes: {a: {role: ruler}}", "nodes.a.role"), ("name: x\nnodes: {a: {zone: [1]}}", "nodes.a.zone"),
        ("name: x\nnodes: {}\nlinks: {l: {ends: {}, delay: 5}}", "links.l"),
        ("name: x\nnodes: {}\nexpect: {e: {mtu: p, via: q}}", "expect.e"),
        ("name: x\nnodes: {}\ntunnels: {t: {kind: gre, psk: 12345678, ends: {}}}", "tunnels.t"),
    ]) func `The schema refuses what netlab refuses`(text: String, place: String) throws {
        let root = try #require(try Yams.compose(yaml: text))
        let schema = try Self.schema()
        let faults = schema.faults(of: root, by: schema.root, at: "")
        #expect(faults.contains { $0.hasPrefix(place) || $0.hasSuffix("\"\(place)\"") }, "\(faults)")
    }

    // MARK: Keys

    private static let strange = "zzzz"

    /// What the readers say of a key that none of them knows, by the place of the mapping that has it.
    private func known(_ text: String, lab: String?) -> [String: Set<String>] {
        let file = LabFile(text: text, file: "lab.yaml") { name in
            try String(contentsOf: Self.labs.appending(path: "\(lab ?? "")/\(name)"), encoding: .utf8)
        }
        var found: [String: Set<String>] = [:]
        do { _ = try file.resolve() } catch {
            for diagnostic in error.diagnostics {
                guard let match = diagnostic.message.wholeMatch(of: #/(?:(.*): )?unknown key "zzzz"/#),
                    let list = diagnostic.remedy.firstMatch(of: #/Known keys here: (.*)\./#)
                else { continue }
                found[String(match.1 ?? "")] = Set(list.1.split(separator: ", ").map(String.init))
            }
        }
        return found
    }

    /// Puts a strange key into mappings of a lab, and returns what the readers and the schema then know of each.
    ///
    /// - Parameter fixed: Whether into those whose keys the schema has, or into those whose keys are the user's own names.
    private func probe(
        _ text: String, lab: String?, _ schema: Schema, fixed: Bool
    ) throws -> (places: [Schema.Place], known: [String: Set<String>]) {
        let root = try #require(try Yams.compose(yaml: text, .basic))
        var places: [Schema.Place] = []
        let changed = schema.inserting(Self.strange, into: root, schema.root, "#", at: "", fixed: fixed, &places)
        return (places, known(try Yams.serialize(node: changed), lab: lab))
    }

    @Test func `The schema has the keys that the readers take`() throws {
        let schema = try Self.schema()
        var visited: Set<String> = []
        let inputs = try Self.names.map { (text: try Self.text($0), lab: Optional($0)) } + Self.others.map { ($0, nil) }
        for (text, lab) in inputs {
            let nodes = Set(try Yams.compose(yaml: text)?["nodes"]?.mapping?.keys.compactMap(\.string) ?? [])
            let (places, known) = try probe(text, lab: lab, schema, fixed: true)
            for place in places {
                let own = known[place.path].map { $0.subtracting(nodes.subtracting(place.keys)) }
                #expect(own == place.keys, "\(lab ?? text): \(place.path) at \(place.pointer)")
                if own != nil { visited.insert(place.pointer) }
            }
            // A mapping of the user's own names is not one of a reader's keys.
            let free = try probe(text, lab: lab, schema, fixed: false)
            for place in free.places {
                #expect((free.known[place.path] ?? []).subtracting(nodes) == [], "\(lab ?? text): \(place.path)")
            }
        }
        #expect(schema.objects.subtracting(visited).sorted() == [], "no lab of this test has these")
    }

    /// Labs with what none of those that come with netlab has.
    private static let others = [
        """
        name: others
        nodes:
          a: {role: router, rules: [{from: 10.0.0.0/8, table: 100}], best-path: {multipath: 2}}
          b: {role: router, rules: {to: 10.0.0.0/8, table: 101}}
        links:
          wan: {ends: {a:eth0: 192.0.2.1/30, b:eth0: 192.0.2.2/30}}
        tunnels:
          vpn:
            psk: {file: psk.txt}
            ends:
              a: {address: 192.0.2.1, interface: vpn0, inside: 169.254.10.1/30, psk: {file: psk.txt}}
              b: {address: 192.0.2.2, interface: vpn0, inside: 169.254.10.2/30}
        bgp:
          s:
            over: vpn
            bfd: {interval: 300ms}
            speakers: {a: {asn: 65001, in: preferred}, b: {asn: 65002, bfd: {multiplier: 3}}}
        policies:
          preferred: [{accept: all, set: {local-preference: 200}}]
        probes:
          across: {from: a, to: b, every: 1m, alarm: {after: 2}}
        expect:
          watched: {bfd: s}
        """
    ]
}

/// As much of JSON Schema 2020-12 as the schema of lab files uses, for YAML.
private struct Schema {
    typealias Object = [String: Any]

    /// A mapping of a lab file whose keys the schema has.
    struct Place {
        let path: String
        /// Where in the schema.
        let pointer: String
        let keys: Set<String>
    }

    let root: Object

    // MARK: The schema

    /// Follows a reference; `pointer` is where it leads.
    private func resolved(_ schema: Any, _ pointer: String) -> (schema: Object, pointer: String) {
        guard let object = schema as? Object else { return ([:], pointer) }
        guard let reference = object["$ref"] as? String else { return (object, pointer) }
        let name = String(reference.split(separator: "/").last ?? "")
        return resolved((root["$defs"] as? Object)?[name] as Any, reference)
    }

    /// The schemas that a value may be of: each of a choice, and that of a condition which holds.
    private func branches(_ schema: Any, _ pointer: String, for node: Node) -> [(schema: Object, pointer: String)] {
        let (object, pointer) = resolved(schema, pointer)
        if let choices = object["anyOf"] as? [Any] {
            return choices.enumerated().flatMap { branches($1, "\(pointer)/anyOf/\($0)", for: node) }
        }
        guard let condition = object["if"] as? Object else { return [(object, pointer)] }
        let word = faults(of: node, by: condition, at: "").isEmpty ? "then" : "else"
        return branches(object[word] as Any, "\(pointer)/\(word)", for: node)
    }

    /// The one that a mapping is of: whose required keys it has.
    private func object(_ schema: Any, _ pointer: String, for node: Node) -> (schema: Object, pointer: String)? {
        let keys = Set(node.mapping.map { Self.merged($0).compactMap(\.0.string) } ?? [])
        return branches(schema, pointer, for: node).first {
            $0.schema["type"] as? String == "object" && keys.isSuperset(of: $0.schema["required"] as? [String] ?? [])
        }
    }

    /// Every mapping of the schema that has keys of its own.
    var objects: Set<String> {
        var found: Set<String> = []
        func look(_ value: Any, _ pointer: String) {
            if let list = value as? [Any] {
                for (number, member) in list.enumerated() { look(member, "\(pointer)/\(number)") }
            }
            guard let object = value as? Object else { return }
            if object["properties"] != nil { found.insert(pointer) }
            for (key, member) in object { look(member, "\(pointer)/\(key)") }
        }
        look(root, "#")
        return found
    }

    // MARK: Keys

    func inserting(
        _ key: String, into node: Node, _ schema: Any, _ pointer: String, at path: String, fixed: Bool,
        _ places: inout [Place]
    ) -> Node {
        if let sequence = node.sequence {
            let list = branches(schema, pointer, for: node).first { $0.schema["items"] != nil }
            guard let list, let items = list.schema["items"] else { return node }
            let members = sequence.enumerated().map { number, member in
                inserting(
                    key, into: member, items, "\(list.pointer)/items", at: "\(path).[\(number)]", fixed: fixed, &places)
            }
            return .sequence(.init(members))
        }
        guard let mapping = node.mapping, let (object, pointer) = object(schema, pointer, for: node) else {
            return node
        }
        let properties = object["properties"] as? Object
        let others = object["additionalProperties"]
        var pairs = mapping.map { name, value -> (Node, Node) in
            let own = name.string ?? ""
            let place = path.isEmpty ? own : "\(path).\(own)"
            // Scenarios of other variants are not read with the lab as it stands; what is merged is looked at where it stands.
            if own == "<<" || path == "scenarios" && value.mapping?["variant"] != nil { return (name, value) }
            let (member, there): (Any, String) =
                properties?[own].map { ($0, "\(pointer)/properties/\(own)") }
                ?? (others as Any, "\(pointer)/additionalProperties")
            return (name, inserting(key, into: value, member, there, at: place, fixed: fixed, &places))
        }
        if (properties != nil) == fixed {
            pairs.append((Node(key), Node("x")))
            places.append(Place(path: path, pointer: pointer, keys: Set((properties ?? [:]).keys)))
        }
        return .mapping(.init(pairs))
    }

    // MARK: Values

    /// What is wrong with a value, each with its place.
    func faults(of node: Node, by schema: Any, at path: String) -> [String] {
        if let isAllowed = schema as? Bool { return isAllowed ? [] : ["\(path) may not be there"] }
        let (object, _) = resolved(schema, "")
        if let choices = object["anyOf"] as? [Any] {
            let all = choices.map { faults(of: node, by: $0, at: path) }
            return all.contains([]) ? [] : ["\(path) is none of what it may be: \(all)"]
        }
        if let condition = object["if"] {
            let word = faults(of: node, by: condition, at: path).isEmpty ? "then" : "else"
            return object[word].map { faults(of: node, by: $0, at: path) } ?? []
        }
        if let known = object["enum"] as? [Any] {
            return known.contains { Self.isEqual(node, $0) } ? [] : ["\(path) is none of \(known)"]
        }
        let types = (object["type"] as? [String]) ?? (object["type"] as? String).map { [$0] } ?? []
        guard types.isEmpty || types.contains(where: { Self.isOf($0, node) }) else {
            return ["\(path) is not of \(types)"]
        }
        var found: [String] = []
        if let text = node.scalar?.string {
            if let pattern = object["pattern"] as? String, Self.isOf("string", node),
                (try? Regex(pattern).firstMatch(in: text)) == nil
            {
                found.append("\(path) does not match \(pattern)")
            }
            if let least = object["minimum"] as? Double, let number = Double(text), number < least {
                found.append("\(path) is less than \(least)")
            }
            if let most = object["maximum"] as? Double, let number = Double(text), number > most {
                found.append("\(path) is more than \(most)")
            }
            if let most = object["maxLength"] as? Int, text.count > most { found.append("\(path) is too long") }
        }
        for (number, member) in (node.sequence ?? []).enumerated() {
            found += object["items"].map { faults(of: member, by: $0, at: "\(path).[\(number)]") } ?? []
        }
        if let mapping = node.mapping { found += faults(of: mapping, by: object, at: path) }
        return found
    }

    private func faults(of mapping: Node.Mapping, by object: Object, at path: String) -> [String] {
        var found: [String] = []
        let keys = Self.merged(mapping).compactMap(\.0.string)
        for name in object["required"] as? [String] ?? [] where !keys.contains(name) {
            found.append("\(path) lacks \"\(name)\"")
        }
        if let least = object["minProperties"] as? Int, keys.count < least { found.append("\(path) has too few") }
        if let most = object["maxProperties"] as? Int, keys.count > most { found.append("\(path) has too many") }
        for (key, value) in Self.merged(mapping) {
            let name = key.string ?? ""
            let place = path.isEmpty ? name : "\(path).\(name)"
            if let rule = object["propertyNames"] { found += faults(of: key, by: rule, at: place) }
            let schema = (object["properties"] as? Object)?[name] ?? object["additionalProperties"]
            found += schema.map { faults(of: value, by: $0, at: place) } ?? []
        }
        return found
    }

    /// With what it takes over from others by `<<` (YAML's merge key), after its own.
    private static func merged(_ mapping: Node.Mapping) -> [(Node, Node)] {
        let own = mapping.filter { $0.key.string != "<<" }.map { ($0.key, $0.value) }
        let names = Set(own.compactMap(\.0.string))
        let others = mapping.filter { $0.key.string == "<<" }.flatMap { entry in
            (entry.value.sequence.map(Array.init) ?? [entry.value]).compactMap(\.mapping).flatMap(merged)
        }
        return own + others.filter { !names.contains($0.0.string ?? "") }
    }

    /// By YAML's core schema (YAML 1.2.2, section 10.3.2), as editors take it.
    private static func isOf(_ type: String, _ node: Node) -> Bool {
        guard let scalar = node.scalar else { return type == (node.mapping == nil ? "array" : "object") }
        let isPlain = scalar.style == .plain || scalar.style == .any
        let kind =
            !isPlain
            ? "string"
            : scalar.string.wholeMatch(of: #/[-+]?[0-9]+|0x[0-9a-fA-F]+/#) != nil
                ? "integer"
                : scalar.string.wholeMatch(of: #/[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/#) != nil
                    ? "number"
                    : ["true", "True", "TRUE", "false", "False", "FALSE"].contains(scalar.string)
                        ? "boolean" : "string"
        return type == kind || type == "number" && kind == "integer"
    }

    private static func isEqual(_ node: Node, _ value: Any) -> Bool {
        guard let text = node.scalar?.string else { return false }
        if let word = value as? String { return isOf("string", node) && text == word }
        if isOf("boolean", node) { return (value as? Bool) == (text.lowercased() == "true") }
        return isOf("integer", node) && (value as? Int) == Int(text)
    }
}
