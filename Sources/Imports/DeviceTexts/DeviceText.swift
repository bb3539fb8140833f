import ConfigurationFormats
import Daemons
import NetworkTypes

/// A text that a provider writes for the user's gateway: connections in the form of an ipsec.conf, keys, and commands, with prose around
/// them.
///
/// Read are `conn` sections with any indentation, lines of an ipsec.secrets, ip(8) commands that make a tunnel's interface and its routes,
/// and a routing daemon's lines about neighbours. Everything else is prose. Forms seen: AWS's "Download Configuration" (site-to-site
/// VPN), Oracle's pages on customer-premises equipment, Google's interoperability guides.
struct DeviceText {
    /// A line and whence it is.
    struct Line {
        let text: String
        let origin: Origin
    }

    /// A line of an ipsec.secrets.
    struct Key {
        /// Whom it is for: addresses, names, or what stands for them.
        let names: [String]
        let key: Sourced<String>
    }

    /// What stands of a tunnel's interface in commands, or in the arguments of a script that a connection runs.
    struct Interface {
        var name: String
        var remote: IPAddress?
        /// The number that marks its packets.
        var key: String?
        var local: Sourced<InterfaceAddress>?
        var peer: Sourced<InterfaceAddress>?
        var mtu: Sourced<Int>?
        var routes: [Sourced<IPPrefix>] = []
        var metric: Sourced<Int>?
        /// The command that makes its routes, which stay whatever becomes of the tunnel; nil for a script's, which go with it.
        var stays: Origin?
        /// Whether a route goes through this interface and another one alike.
        var sharesTraffic = false
    }

    /// A neighbour that a routing daemon speaks BGP with.
    struct Neighbour {
        let address: IPAddress
        let remote: Sourced<UInt32>
        var local: Sourced<UInt32>?
        var hold: Sourced<Int>?
        var keepalive: Sourced<Int>?
    }

    let lines: [Line]
    /// The connections alone, each line where it is in the text.
    let conf: IpsecConf
    /// The same as text, in the form that daemons' own files have.
    let connections: String
    private(set) var keys: [Key] = []
    private(set) var interfaces: [Interface] = []
    private(set) var neighbours: [Neighbour] = []
    /// What a routing daemon makes known.
    private(set) var advertised: [Sourced<IPPrefix>] = []
    /// By connection: the arguments of the script that it runs, also where the line is a comment.
    private(set) var scripts: [String: (words: [String], origin: Origin)] = [:]
    /// Lines with something in them that the reader is to fill in, by what that is.
    private(set) var blanks: [(what: String, origin: Origin)] = []

    /// Connections in their order in the text.
    var names: [String] {
        conf.connectionNames.sorted {
            (conf.beginnings(of: $0).first ?? 0, $0) < (conf.beginnings(of: $1).first ?? 0, $1)
        }
    }

    /// Several files are read as one text: connections in one, their keys in another.
    ///
    /// - Returns: Nil where no connection is in them.
    init?(_ files: [ImportFile]) {
        var lines: [Line] = []
        for file in files {
            let texts = file.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            for (index, text) in texts.enumerated() {
                lines.append(
                    Line(text: text.trimmed, origin: .read(file: file.label, path: "line \(index + 1)")))
            }
        }
        self.lines = lines
        var current: String?
        var scripts: [String: (words: [String], origin: Origin)] = [:]
        let found = lines.map { line -> String in
            Self.connectionLine(line, &current, &scripts)
        }
        guard found.contains(where: { $0.hasPrefix("conn ") }) else { return nil }
        self.scripts = scripts
        connections = found.joined(separator: "\n") + "\n"
        conf = IpsecConf(connections)
        readKeys()
        readInterfaces()
        readNeighbours()
        readBlanks()
    }

    // MARK: Connections

    /// A line as an ipsec.conf has it where it belongs to a connection; empty for any other.
    private static func connectionLine(
        _ line: Line, _ current: inout String?, _ scripts: inout [String: (words: [String], origin: Origin)]
    ) -> String {
        let text = line.text
        if text.isEmpty { return "" }
        if let name = current, text.contains("updown="), let equals = text.firstIndex(of: "=") {
            let arguments = text[text.index(after: equals)...].trimmed.unquoted
            scripts[name] = (arguments.split(whereSeparator: \.isWhitespace).map(String.init), line.origin)
        }
        if text.hasPrefix("#") { return "" }
        let words = text.split(whereSeparator: \.isWhitespace)
        if words.count == 2, words[0] == "conn" {
            current = String(words[1])
            return "conn \(words[1])"
        }
        guard current != nil, let equals = text.firstIndex(of: "="),
            text[..<equals].trimmed.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) })
        else {
            current = nil
            return ""
        }
        return "\t\(text[..<equals].trimmed)=\(text[text.index(after: equals)...].trimmed)"
    }

    // MARK: Keys

    private mutating func readKeys() {
        for line in lines where line.text.contains("PSK") && !line.text.hasPrefix("#") {
            guard let match = line.text.wholeMatch(of: /(.*?)\s*:\s*PSK\s+(?:"([^"]*)"|'([^']*)'|([^\s"']+)).*/) else {
                continue
            }
            let key = match.2 ?? match.3 ?? match.4 ?? ""
            keys.append(
                Key(
                    names: match.1.split(whereSeparator: \.isWhitespace).map(String.init),
                    key: Sourced(String(key), line.origin)))
        }
    }

    /// The key for two ends, by any of what they are called: that which names most of them, and nobody else.
    func key(for names: Set<String>) -> Sourced<String>? {
        let ranked = keys.compactMap { key -> (key: Sourced<String>, rank: Int)? in
            let named = key.names.filter { !$0.hasPrefix("%any") }
            guard named.allSatisfy(names.contains) else { return nil }
            return (key.key, named.count)
        }
        return ranked.max { $0.rank < $1.rank }?.key
    }

    // MARK: Interfaces

    private mutating func readInterfaces() {
        for line in lines {
            let words = line.text.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let place = words.firstIndex(where: { $0 == "ip" || $0.hasSuffix("/ip") }), words.count > place + 3
            else { continue }
            let value = { (names: String...) -> String? in
                words.indices.dropLast().first { $0 > place && names.contains(words[$0]) }.map { words[$0 + 1] }
            }
            switch (words[place + 1], words[place + 2]) {
            case ("link", "add"), ("tunnel", "add"):
                update(words[place + 3] == "name" ? value("name") ?? "" : words[place + 3]) {
                    $0.remote = value("remote").flatMap { IPAddress($0) } ?? $0.remote
                    $0.key = value("key", "okey") ?? $0.key
                }
            case ("addr", "add"), ("address", "add"):
                guard let name = value("dev"), let local = InterfaceAddress(words[place + 3]) else { continue }
                let peer = value("remote", "peer").flatMap { Self.address($0, in: local) }
                update(name) {
                    $0.local = Sourced(local, line.origin)
                    $0.peer = peer.map { Sourced($0, line.origin) } ?? $0.peer
                }
            case ("link", "set"):
                guard let mtu = value("mtu").flatMap({ Int($0) }), (68...65535).contains(mtu) else { continue }
                update(value("dev") ?? words[place + 3]) { $0.mtu = Sourced(mtu, line.origin) }
            case ("route", "add"), ("route", "replace"):
                guard let prefix = IPPrefix(words[place + 3]) else { continue }
                let devices = words.indices.dropLast().filter { words[$0] == "dev" }.map { words[$0 + 1] }
                for name in devices {
                    update(name) {
                        $0.routes.append(Sourced(prefix, line.origin))
                        $0.stays = line.origin
                        $0.metric = value("metric").flatMap { Int($0) }.map { Sourced($0, line.origin) } ?? $0.metric
                        $0.sharesTraffic = $0.sharesTraffic || devices.count > 1
                    }
                }
            default: continue
            }
        }
    }

    private mutating func update(_ name: String, _ change: (inout Interface) -> Void) {
        let place = interfaces.firstIndex { $0.name == name } ?? interfaces.endIndex
        if place == interfaces.endIndex { interfaces.append(Interface(name: name)) }
        change(&interfaces[place])
    }

    /// An address that may stand without its block's length beside one that has it.
    private static func address(_ text: String, in block: InterfaceAddress) -> InterfaceAddress? {
        text.contains("/") ? InterfaceAddress(text) : InterfaceAddress("\(text)/\(block.prefixLength)")
    }

    /// The interface of a connection: what its script is told, and what commands say of the interface with its name, mark or far end.
    ///
    /// - Parameter farFirst: Whether a script without named arguments is given the far address before the near one.
    func interface(of name: String, settings: [String: String], farFirst: Bool) -> Interface? {
        let mark = (settings["mark"] ?? settings["mark_out"]).map { String($0.prefix { $0 != "/" }) }
        let remote = settings["right"].flatMap { IPAddress($0) }
        let names = [settings["vti-interface"], settings["ipsec-interface"], name].compactMap(\.self)
        var found =
            interfaces.first { names.contains($0.name) } ?? interfaces.first { $0.key != nil && $0.key == mark }
            ?? interfaces.first { $0.remote != nil && $0.remote == remote }
        if let script = scripts[name] {
            let words = script.words
            let value = { (names: String...) -> String? in
                words.indices.dropLast().first { names.contains(words[$0]) }.map { words[$0 + 1] }
            }
            var own = found ?? Interface(name: value("-ln", "--link-name") ?? name)
            if let local = value("-ll", "--link-local").flatMap({ InterfaceAddress($0) }) {
                own.local = own.local ?? Sourced(local, script.origin)
                own.peer =
                    own.peer
                    ?? value("-lr", "--link-remote").flatMap { Self.address($0, in: local) }.map {
                        Sourced($0, script.origin)
                    }
                if own.routes.isEmpty {
                    own.routes = (value("-r", "--static-route") ?? "").split(separator: ",").compactMap {
                        IPPrefix(String($0))
                    }.map { Sourced($0, script.origin) }
                }
                found = own
            } else if farFirst, own.local == nil {
                let both = words.compactMap { $0.contains("/") ? InterfaceAddress($0) : nil }
                if both.count == 2 {
                    own.peer = Sourced(both[0], script.origin)
                    own.local = Sourced(both[1], script.origin)
                    found = own
                }
            }
        }
        if let own = settings["leftvti"].flatMap({ InterfaceAddress($0) }), found?.local == nil {
            found = found ?? Interface(name: name)
            found?.local = Sourced(own, origin(of: "leftvti", in: name))
        }
        return found
    }

    // MARK: Routing

    /// `router bgp`, `neighbor ADDRESS remote-as NUMBER` and what belongs to it; or `local ADDRESS as NUMBER`, `neighbor ADDRESS as NUMBER`.
    private mutating func readNeighbours() {
        var own: Sourced<UInt32>?
        var times: (hold: Sourced<Int>?, keepalive: Sourced<Int>?)
        var isRouter = false
        for line in lines where !line.text.hasPrefix("#") && !line.text.hasPrefix("!") {
            let words = line.text.split { $0.isWhitespace || $0 == ";" }.map(String.init)
            guard words.count > 2 || words.count == 2 && words[0] == "network" else { continue }
            let number = { (text: String) -> Sourced<UInt32>? in UInt32(text).map { Sourced($0, line.origin) } }
            let seconds = { (text: String) -> Sourced<Int>? in Int(text).map { Sourced($0, line.origin) } }
            let last = words[words.count - 1]
            switch words[0] {
            case "router" where words[1] == "bgp":
                own = number(words[2])
                isRouter = true
            case "local" where words[words.count - 2] == "as": own = number(last)
            case "neighbor":
                guard let address = IPAddress(words[1]) else { continue }
                if words.count > 3, ["remote-as", "as"].contains(words[2]), let remote = number(words[3]) {
                    neighbours.append(
                        Neighbour(
                            address: address, remote: remote, local: own, hold: times.hold, keepalive: times.keepalive))
                } else if words.count > 4, words[2] == "timers",
                    let place = neighbours.lastIndex(where: { $0.address == address })
                {
                    neighbours[place].keepalive = seconds(words[3])
                    neighbours[place].hold = seconds(words[4])
                }
            case "hold" where words[1] == "time": times.hold = seconds(words[2])
            case "keepalive" where words[1] == "time": times.keepalive = seconds(words[2])
            case "network" where isRouter:
                if let prefix = IPPrefix(words[1]) { advertised.append(Sourced(prefix, line.origin)) }
            default: continue
            }
        }
    }

    // MARK: What is to be filled in

    /// `<VPC CIDR>`, `${vcnCidrNetwork}`, and words such as `YOUR_BGP_ASN`, in settings, keys' names and commands.
    private mutating func readBlanks() {
        let used = Set(
            connections.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
                .filter { !$0.element.isEmpty }.map(\.offset))
        for (index, line) in lines.enumerated() {
            let isCommand = line.text.contains("ip route ") || line.text.contains("ip addr ")
            guard used.contains(index) || isCommand || scripts.contains(where: { $0.value.origin == line.origin })
            else {
                continue
            }
            for blank in Self.blanks(in: line.text) { blanks.append((blank, line.origin)) }
        }
    }

    static func blanks(in text: String) -> [String] {
        text.matches(of: /<[A-Za-z][A-Za-z _-]*>|\$?\{[A-Za-z][A-Za-z0-9_]*\}|\bYOUR_[A-Z_]+\b/).map {
            String($0.output)
        }
    }

    // MARK: Settings

    /// Where a setting of a connection stands.
    func origin(of setting: String, in connection: String) -> Origin {
        let line = conf.lines(of: connection)[setting] ?? conf.beginnings(of: connection).first ?? 1
        return lines.indices.contains(line - 1) ? lines[line - 1].origin : .read(file: connection, path: "")
    }
}
