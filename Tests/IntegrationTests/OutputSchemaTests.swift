import Foundation
import SystemPackage
import Testing

/// What `--format json` prints is as `Labs/schemas` say, and has no key that they do not.
@Suite(.timeLimit(.minutes(60)))
struct OutputSchemaTests {
    /// A command whose output is held against a schema.
    struct Output: Sendable, CustomTestStringConvertible {
        let schema: String
        let arguments: [String]
        var code: Int32 = 0

        init(_ schema: String, _ arguments: String..., code: Int32 = 0) {
            (self.schema, self.arguments, self.code) = (schema, arguments + ["--format", "json"], code)
        }

        var testDescription: String { arguments.joined(separator: " ") }
    }

    /// Those that need no lab that runs; `HOME` is a directory of the test's.
    static let still: [Output] = [
        Output("diff", "diff", "site-aws", "soracom-azure", code: 1), Output("doctor", "doctor"),
        Output("faults-known", "faults", "aws-oci", "--known"),
        Output("import", "import", "FIXTURES/oci/tunnels.json", "--name", "HOME/imported"),
        Output("kernel", "kernel", "info"), Output("list", "list"), Output("list", "list", "aws-oci"),
        Output("mtu", "mtu", "--esp", "aes-gcm-16", "--over", "gre+key,esp"), Output("plan", "plan", "aws-oci"),
        Output("predict", "predict", "aws-oci"),
        Output("predict-fault", "predict", "aws-oci", "--fault", "blackhole aws-vpn-1"),
        Output("predict-fault", "predict", "aws-oci", "--fault", "loss aws-vpn-1 30%"),
        Output("provider", "providers", "soracom"), Output("providers", "providers"),
        Output("validate", "validate", "HOME/reserved", code: 2),
    ]

    /// Those of a lab that is up, in this order.
    static let running: [Output] = [
        Output("list", "list"), Output("status", "status", "aws-oci"), Output("clock", "clock", "aws-oci"),
        Output("check", "check", "aws-oci"), Output("explain", "explain", "aws-oci", "workload"),
        Output("probe", "probe", "aws-oci", "ping", "vpc1-ec2", "vcn1-vm"),
        Output("probe", "probe", "aws-oci", "mtu", "vpc1-ec2", "vcn1-vm"),
        Output("probe", "probe", "aws-oci", "trace", "vpc1-ec2", "vcn1-vm"),
        Output("probe", "probe", "aws-oci", "tcp", "vpc1-ec2", "vcn1-vm"),
        Output("probe", "probe", "aws-oci", "bulk", "vpc1-ec2", "vcn1-vm", "--bytes", "100kB"),
        Output("faults", "fail", "aws-oci", "loss", "aws-vpn-1", "30%", "--for", "1h"),
        Output("faults", "fail", "aws-oci", "link", "aws-vpn-2", "down"), Output("faults", "faults", "aws-oci"),
        Output("check", "check", "aws-oci", "--derived", code: 1), Output("status", "status", "aws-oci"),
        Output("faults", "heal", "aws-oci", "link", "aws-vpn-2", "down"),
    ]

    /// Those that bring up labs of their own.
    static let fresh: [Output] = [
        Output("test", "test", "aws-oci", "--scenario", "main-cut", "--out", "HOME/test"),
        Output("explore", "explore", "HOME/pair.yaml", "--fault", "link wire down", "--futures", "2"),
        Output("soak", "soak", "aws-oci", "--for", "10m", "--out", "HOME/soak"),
    ]

    /// Those that a test of their own brings about.
    static let others = ["doctor-host", "gc", "packets", "status-watch"]

    private func hold(_ outputs: [Output], in home: LabHome) async throws {
        for output in outputs {
            let result = try await home.netlab.execute(
                Netlab.program,
                output.arguments.map {
                    $0.replacing("HOME", with: home.path.string).replacing(
                        "FIXTURES", with: "\(Netlab.checkout)/Tests/ImportsTests/Fixtures")
                })
            #expect(result.code == output.code, result.account)
            try hold(result.output, against: output.schema, "\(output.testDescription)")
        }
    }

    private func hold(_ text: String, against schema: String, _ what: Comment) throws {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        if case .list(let members) = value { #expect(!members.isEmpty, what) }
        #expect(try OutputSchema(named: schema).faults(of: value) == [], what)
    }

    @Test(arguments: still) func `What needs no lab prints what its schema says`(output: Output) async throws {
        try await LabHome.with(labs: 0) { home in
            if output.schema == "validate" {
                _ = try home.copy(of: "aws-oci", as: "reserved") {
                    $0.replacing("169.254.120.", with: "169.254.100.")
                }
            }
            try await hold([output], in: home)
        }
    }

    @Test func `A lab that is up prints what the schemas say`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", "aws-oci", "--clock", "paused")
            try await hold(Self.running, in: home)
            let capture = home.path.appending("file.pcapng").string
            try await home.netlab.succeed(
                "capture", "aws-oci", "--for", "20s", "-w", capture, "--with-keys", "--on", "tgw:wan1,tgw:vpc1")
            try await hold([Output("packets", "packets", capture)], in: home)
            try await home.netlab.succeed("clock", "aws-oci", "resume")
            let watch = try await home.netlab.succeed(
                "status", "aws-oci", "--watch", "--every", "100ms", "--count", "2", "--format", "json")
            let lines = watch.output.split(separator: "\n").map(String.init)
            #expect(lines.count == 2, watch.account)
            for line in lines { try hold(line, against: "status-watch", "status --watch") }
        }
    }

    @Test(arguments: fresh) func `What plays a lab prints what its schema says`(output: Output) async throws {
        try await LabHome.with { home in
            _ = try home.writePair()
            try await hold([output], in: home)
            let report = Host.contents("\(home.path)/\(output.schema)/report.json")
            if output.schema != "explore" { try hold(report, against: output.schema, "report.json") }
        }
    }

    /// The host's own kernel is that of a lab here, whose root everybody may be.
    @Test func `What this machine's own kernel has is told as its schema says`() async throws {
        try await LabHome.with { home in
            let script = """
                mkdir -m 700 /run/xdg
                export XDG_RUNTIME_DIR=/run/xdg XDG_STATE_HOME=/run/xdg NETLAB_HOME=\(Netlab.checkout)
                exec \(Netlab.guestProgram) doctor --kernel host aws-oci --format json
                """
            let result = try await home.netlab.run("kernel", "run", "--", "/bin/sh", "-c", script)
            #expect(result.code == 0, result.account)
            try hold(result.output, against: "doctor-host", result.account)
        }
    }

    @Test func `What a lab has left is told as its schema says`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            let list = try await home.netlab.succeed("list", "--format", "json").output
            for key in ["supervisor_pid", "kernel_pid"] {
                let digits = try #require(list.firstMatch(of: try Regex("\"\(key)\" : ([0-9]+)"))?.output[1].substring)
                kill(try #require(pid_t(String(digits))), SIGKILL)
            }
            let left = try await home.netlab.run("gc", "--dry-run", "--format", "json")
            try hold(left.output, against: "gc", left.account)
            try await home.netlab.succeed("gc")
        }
    }

    @Test func `Every schema is held against an output`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: OutputSchema.directory)
        let names = files.filter { $0.hasSuffix(".schema.json") }.map { String($0.dropLast(".schema.json".count)) }
        let held = Set((Self.still + Self.running + Self.fresh).map(\.schema) + Self.others)
        #expect(Set(names) == held)
    }

    // MARK: Negative controls

    @Test(
        arguments: [
            (#"{"version": 1, "mode": "paused", "is_advancing": false, "time": {"nanoseconds": 5}}"#, nil),
            (#"{"mode": "paused", "is_advancing": false, "time": {"nanoseconds": 5}}"#, "lacks \"version\""),
            (#"{"version": 2, "mode": "paused", "is_advancing": false, "time": {"nanoseconds": 5}}"#, "version: "),
            (#"{"version": 1, "mode": "slow", "is_advancing": false, "time": {"nanoseconds": 5}}"#, "mode: "),
            (#"{"version": 1, "mode": "paused", "is_advancing": 0, "time": {"nanoseconds": 5}}"#, "is_advancing: "),
            (
                #"{"version": 1, "mode": "paused", "is_advancing": false, "time": {"nanoseconds": 5.5}}"#,
                "time.nanoseconds: "
            ),
            (#"{"version": 1, "mode": "paused", "is_advancing": false, "time": {}}"#, "time lacks"),
            (
                #"{"version": 1, "mode": "paused", "is_advancing": false, "time": {"nanoseconds": 5, "s": 0}}"#,
                "time.s: "
            ),
            (#"[1]"#, "is not of"),
        ] as [(String, String?)]) func `What is not as the schema says is told`(text: String, fault: String?) throws
    {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        let faults = try OutputSchema(named: "clock").faults(of: value)
        if let fault {
            #expect(faults.count == 1 && faults[0].contains(fault), "\(faults)")
        } else {
            #expect(faults == [])
        }
    }
}

/// A value of JSON (RFC 8259).
enum JSONValue: Decodable, Hashable {
    case null
    case truth(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .truth(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
    var elements: [JSONValue] { if case .list(let elements) = self { elements } else { [] } }
    var string: String? { if case .text(let text) = self { text } else { nil } }
    var double: Double? { if case .number(let number) = self { number } else { nil } }
}

/// As much of JSON Schema 2020-12 as the schemas of outputs use. A key that a schema does not have is a fault, too.
struct OutputSchema {
    static let directory = Netlab.checkout.appending("Labs/schemas").string

    private let root: JSONValue

    init(named name: String) throws {
        let text = Host.contents("\(Self.directory)/\(name).schema.json")
        root = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    }

    /// What is wrong with a value, each with its place.
    func faults(of value: JSONValue) -> [String] { faults(of: value, by: root, at: "") }

    private static let known: Set = [
        "$schema", "$defs", "$ref", "title", "description", "type", "properties", "additionalProperties", "required",
        "items", "enum", "const", "minProperties", "maxProperties", "minItems", "maxItems",
    ]

    private func faults(of value: JSONValue, by schema: JSONValue, at place: String) -> [String] {
        let strange = Set(schema.members.keys).subtracting(Self.known)
        guard strange.isEmpty else { return ["\(place): this test does not know \(strange.sorted()) of schemas"] }
        if let reference = schema["$ref"]?.string {
            let name = String(reference.dropFirst("#/$defs/".count))
            guard let target = root["$defs"]?[name] else { return ["\(place): the schema has no \(reference)"] }
            return faults(of: value, by: target, at: place)
        }
        if let constant = schema["const"], value != constant { return ["\(place): is not \(constant)"] }
        if let words = schema["enum"], !words.elements.contains(value) { return ["\(place): \(value) is no such word"] }
        if let type = schema["type"]?.string, !Self.isOf(type, value) {
            return ["\(place): is not of the type \(type)"]
        }
        switch value {
        case .list(let elements):
            return Self.count(elements.count, schema, "Items", at: place)
                + elements.enumerated().flatMap { number, element in
                    schema["items"].map { faults(of: element, by: $0, at: "\(place)[\(number)]") } ?? []
                }
        case .object(let members):
            var found = Self.count(members.count, schema, "Properties", at: place)
            for name in schema["required"]?.elements.compactMap(\.string) ?? [] where members[name] == nil {
                found.append("\(place) lacks \"\(name)\"")
            }
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                let inside = place.isEmpty ? name : "\(place).\(name)"
                if let own = schema["properties"]?[name] ?? schema["additionalProperties"] {
                    found += faults(of: member, by: own, at: inside)
                } else if schema["properties"] != nil {
                    found.append("\(inside): is not in the schema")
                }
            }
            return found
        default: return []
        }
    }

    private static func count(_ count: Int, _ schema: JSONValue, _ what: String, at place: String) -> [String] {
        let least = schema["min\(what)"]?.double ?? 0
        let most = schema["max\(what)"]?.double ?? .infinity
        return (least...most).contains(Double(count)) ? [] : ["\(place): has \(count), not \(least) to \(most)"]
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("object", .object), ("array", .list), ("string", .text), ("boolean", .truth), ("number", .number): true
        case ("integer", .number(let number)): number == number.rounded()
        default: false
        }
    }
}
