import Daemons
import LabModel
import NetworkTypes

/// Two gateways' own configuration files, which the lab uses word for word.
struct OwnFileFacts {
    /// A file of connections, and the keys that lie beside it.
    private struct Side {
        let file: ImportFile
        let daemon: any KeyDaemon
        let name: String
        var secrets: ImportFile?

        var copy: String { "\(name)-\(Self.plain(file.name))" }

        /// Names of files beside a lab file have letters, digits, points, hyphens and underscores.
        static func plain(_ name: String) -> String {
            let kept = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "_" }
            return String(String(kept).suffix(32))
        }
    }

    private struct Connection {
        let side: Int
        let name: String
        var own: OwnConnection

        var remoteAddress: IPAddress? { own.remote.flatMap { IPAddress($0) } }
    }

    static func add(_ files: [ImportFile], to facts: inout Facts) throws(ImportError) {
        var sides = try sides(of: files, &facts)
        guard sides.count == 2 else {
            throw ImportError(
                message: sides.count == 1
                    ? "\(sides[0].file.path) is one end of a tunnel, and the other end's file was not given."
                    : "There are \(sides.count) files with connections in them, and a lab is made of two gateways'.",
                remedy: "Name both gateways' files: netlab import left/ipsec.conf right/ipsec.conf")
        }
        if sides[0].name == sides[1].name {
            sides[0] = Side(file: sides[0].file, daemon: sides[0].daemon, name: "left", secrets: sides[0].secrets)
            sides[1] = Side(file: sides[1].file, daemon: sides[1].daemon, name: "right", secrets: sides[1].secrets)
        }
        let ours = read(sides[0], 0, addresses: [], &facts)
        var theirs = read(sides[1], 1, addresses: [], &facts)
        // Both files may be the same, and say `left` of the same gateway: then the second is the other one.
        let turned = ours.flatMap { one in
            theirs.contains { $0.own.localAddress == one.own.localAddress && one.own.localAddress != nil }
                ? [one.remoteAddress].compactMap(\.self) : []
        }
        if !turned.isEmpty { theirs = read(sides[1], 1, addresses: turned, &facts) }
        for side in sides {
            facts.add(
                GatewayFacts(
                    key: side.name, name: side.name, title: side.name, provider: nil,
                    origin: .read(file: side.file.label, path: ""),
                    daemon: side.daemon.keyword))
            facts.copies.append((side.copy, side.file.text))
            if let secrets = side.secrets {
                facts.copies.append(("\(side.name)-\(Side.plain(secrets.name))", secrets.text))
            }
        }
        let lacking = addMissingKeys(to: sides, &facts)
        var rest = theirs
        for one in ours {
            let ranked = rest.enumerated().map { ($0, Self.rank(one, $1)) }.max { ($0.1, -$0.0) < ($1.1, -$1.0) }
            guard let (place, rank) = ranked, rank > 0 else {
                facts.note(
                    .unsupported,
                    "\(sides[0].file.path): connection \(one.name) has no counterpart in \(sides[1].file.path)")
                continue
            }
            add(one, rest.remove(at: place), sides, lacking, &facts)
        }
        for other in rest {
            facts.note(
                .unsupported,
                "\(sides[1].file.path): connection \(other.name) has no counterpart in \(sides[0].file.path)")
        }
    }

    private static func sides(of files: [ImportFile], _ facts: inout Facts) throws(ImportError) -> [Side] {
        var sides: [Side] = []
        var others: [ImportFile] = []
        for file in files {
            var names = Names()
            let name = names.claim(file.directory ?? "", usual: sides.isEmpty ? "left" : "right")
            if let side = converted(file, named: name, beside: files, &facts) {
                sides.append(side)
            } else if let daemon = DaemonRegistry.keyDaemons.first(where: { !$0.connections(in: file.text).isEmpty }) {
                sides.append(Side(file: file, daemon: daemon, name: name))
            } else {
                others.append(file)
            }
        }
        for file in others {
            let owner = sides.indices.first { sides[$0].file.parent == file.parent && sides[$0].secrets == nil }
            // What was converted has its keys already.
            if let owner, !sides[owner].daemon.keepsSecretsApart,
                sides[owner].daemon.hasKeys(in: sides[owner].file.text)
            {
                continue
            }
            guard let owner, sides[owner].daemon.hasKeys(in: file.text) else {
                if DaemonRegistry.keyDaemons.contains(where: { $0.hasKeys(in: file.text) }) { continue }
                throw ImportError(
                    message:
                        "\(file.path) is neither JSON nor a file of connections that an IKE daemon of netlab's reads.",
                    remedy:
                        "Known are \(DaemonRegistry.keyDaemons.map(\.product).joined(separator: " and "))'s own files, providers' texts with such a file in them, and JSON of clouds and Terraform."
                )
            }
            sides[owner].secrets = file
        }
        return sides
    }

    /// A file in a format that its daemon once had, in the present one.
    private static func converted(
        _ file: ImportFile, named name: String, beside files: [ImportFile], _ facts: inout Facts
    ) -> Side? {
        let keys = files.first { $0.parent == file.parent && $0 != file }
        for daemon in DaemonRegistry.keyDaemons {
            guard let new = daemon.converted(file.text, keys: keys?.text) else { continue }
            facts.note(
                .assumed,
                "\(file.label) is in \(daemon.product)'s older format: the lab runs \(name)-\(new.name), which says the same in the present one, with the keys"
            )
            for setting in new.leftOut { facts.note(.unsupported, "\(file.label): \(setting) is not converted") }
            return Side(file: ImportFile(path: file.parent + new.name, text: new.text), daemon: daemon, name: name)
        }
        return nil
    }

    private static func read(_ side: Side, _ number: Int, addresses: [IPAddress], _ facts: inout Facts) -> [Connection]
    {
        side.daemon.connections(in: side.file.text).compactMap { name in
            let file = OwnFile(name: side.file.name, text: side.file.text, interface: nil, addresses: addresses)
            let (connection, problems) = side.daemon.read(file, connection: name)
            for problem in problems where !problem.isWarning { facts.note(.unsupported, problem.message) }
            return connection.map { Connection(side: number, name: name, own: $0) }
        }
    }

    /// How well two connections fit; 0 where addresses say that they are not one tunnel's.
    private static func rank(_ one: Connection, _ other: Connection) -> Int {
        let forth = one.remoteAddress.flatMap { remote in other.own.localAddress.map { $0 == remote } }
        let back = other.remoteAddress.flatMap { remote in one.own.localAddress.map { $0 == remote } }
        switch (forth, back) {
        case (true, true): return 4
        case (true, _), (_, true): return 3
        case (nil, nil): return 2
        // A NAT before one of them, or before both.
        case (false, _): return other.own.localAddress?.isPrivate ?? true ? 1 : 0
        case (nil, _): return one.own.localAddress?.isPrivate ?? true ? 1 : 0
        }
    }

    // MARK: Keys

    /// Gives a side that needs a file of keys and has none a made-up one.
    ///
    /// - Returns: The names of those files, by side.
    private static func addMissingKeys(to sides: [Side], _ facts: inout Facts) -> [Int: String] {
        var made: [Int: String] = [:]
        for (number, side) in sides.enumerated() where side.secrets == nil && !side.daemon.hasKeys(in: side.file.text) {
            let name = "\(side.name)-made-up.\(side.daemon.keepsSecretsApart ? "secrets" : "conf")"
            facts.copies.append((name, side.daemon.file(withKey: "MadeUpPresharedKey")))
            made[number] = name
            facts.note(
                .missing,
                "the keys of \(side.name): they are in no file beside \(side.file.path); a made-up one stands in for them, which fits only where the other side has none either"
            )
        }
        return made
    }

    // MARK: A tunnel

    private static func add(
        _ one: Connection, _ other: Connection, _ sides: [Side], _ made: [Int: String], _ facts: inout Facts
    ) {
        let origin = { (connection: Connection, key: String) in
            Origin.read(
                file: sides[connection.side].file.label,
                path: connection.own.lines[key].map { "\(connection.name), line \($0)" } ?? connection.name)
        }
        func end(_ near: Connection, seenBy far: Connection) -> EndFacts {
            let side = sides[near.side]
            var end = EndFacts(gateway: side.name)
            let local = near.own.localAddress.map { Sourced($0, origin(near, localKey(near))) }
            let seen = far.remoteAddress.map { Sourced($0, origin(far, far.own.remoteKey)) }
            // An end that calls itself by a public address has it before a NAT.
            let called = near.own.terms.localID.flatMap { IPAddress($0) }.flatMap { address -> Sourced<IPAddress>? in
                near.own.localAddress?.isPrivate ?? false && !address.isPrivate
                    ? Sourced(address, origin(near, near.own.terms.keys.localID)) : nil
            }
            if let local, let outside = seen ?? called, outside.value != local.value {
                end.address = outside
                end.behind = local
            } else {
                end.address = local ?? seen
            }
            let interface = near.own.interfaceKind == nil ? nil : near.own.interfaceName ?? "vpn1"
            end.own = OwnEndFacts(
                configuration: side.copy,
                secrets: made[near.side] ?? side.secrets.map { "\(side.name)-\(Side.plain($0.name))" },
                connection: near.name, interface: interface)
            end.initiates = Sourced(near.own.initiates, origin(near, near.own.terms.keys.start))
            if let keyless = near.own.terms.keyless {
                facts.note(
                    .missing,
                    "connection \(near.name) of \(side.file.path) \(keyless): add `certificate: {file: …, key: …, ca: …}` to its end, with files in PEM beside the lab file"
                )
            }
            return end
        }
        let near = end(one, seenBy: other)
        let far = end(other, seenBy: one)
        let hasInterface = near.own?.interface != nil || far.own?.interface != nil
        var tunnel = TunnelFacts(
            name: one.name, origin: .read(file: sides[0].file.label, path: one.name), near: near, far: far,
            routing: hasInterface ? .fixed : .policies)
        tunnel.forcesEncapsulation = one.own.forcesEncapsulation || other.own.forcesEncapsulation
        for connection in [one, other] {
            let name = sides[connection.side].name
            for pair in connection.own.selectors ?? [] {
                let local = Sourced(pair.local, origin(connection, connection.own.terms.keys.local))
                let remote = Sourced(pair.remote, origin(connection, connection.own.terms.keys.remote))
                if connection.side == 0,
                    !tunnel.selectors.contains(where: { $0.near.value == pair.local && $0.far.value == pair.remote })
                {
                    tunnel.selectors.append((local, remote))
                }
                guard let place = facts.gateways.firstIndex(where: { $0.key == name }), !pair.local.isDefault,
                    pair.local.length < pair.local.address.bitWidth
                        || pair.local.address != (connection.side == 0 ? near : far).ownAddress,
                    !facts.gateways[place].networks.contains(where: { $0.value == pair.local })
                else { continue }
                facts.gateways[place].networks.append(local)
            }
        }
        if tunnel.selectors.isEmpty, let pairs = other.own.selectors {
            tunnel.selectors = pairs.map {
                (
                    Sourced($0.remote, origin(other, other.own.terms.keys.remote)),
                    Sourced($0.local, origin(other, other.own.terms.keys.local))
                )
            }
        }
        facts.tunnels.append(tunnel)
    }

    /// What its file calls its own address: the counterpart of what it calls the peer's.
    private static func localKey(_ connection: Connection) -> String {
        connection.own.remoteKey == "right" ? "left" : connection.own.remoteKey.replacing("remote", with: "local")
    }
}

extension EndFacts {
    /// What its gateway has itself.
    fileprivate var ownAddress: IPAddress? { (behind ?? address)?.value }
}
