import AgentProtocol
import NetworkTypes

/// A lab's status for people.
public struct StatusReport: Sendable {
    private let status: LabStatus
    private let versions: [String: String]

    /// - Parameter versions: Of the lab's daemons, by ``DaemonStatus/name``, in words; empty where nobody has asked.
    public init(_ status: LabStatus, versions: [String: String] = [:]) {
        self.status = status
        self.versions = versions
    }

    /// What a state is called, and whether that is good.
    public struct Word: Hashable, Sendable {
        public enum Sense: Hashable, Sendable { case good, bad, faint, plain }

        public let text: String
        public let sense: Sense

        func styled(_ style: Style) -> String {
            switch sense {
            case .good: style.good(text)
            case .bad: style.bad(text)
            case .faint: style.faint(text)
            case .plain: text
            }
        }
    }

    /// A tunnel, a session, an adjacency, a path or a fault in a line.
    public struct Line: Hashable, Sendable {
        public let kind: String
        public let name: String
        public let state: Word
        /// Its ends, or its way.
        public let detail: String
        /// Whether ``detail`` is what its ends send, with their names.
        var hasRates = false
    }

    /// Whether all is up and where the traffic goes.
    ///
    /// - Parameter rates: What tunnels carry, to be shown beside their ends' names.
    public func lines(rates: LabRates? = nil) -> [Line] {
        let tunnel = { (name: String, isUp: Bool, nodes: [String]) in
            let sent = rates?.text(of: name)
            return Line(
                kind: "tunnel", name: name, state: Self.word(isUp ? .up : .down),
                detail: sent ?? nodes.joined(separator: " - "), hasRates: sent != nil)
        }
        return status.tunnels.filter { $0.state != .unused }.map {
            tunnel($0.name, $0.state == .up, $0.ends.map(\.node))
        }
            + status.plainTunnels.map { tunnel($0.name, $0.isUp, $0.ends.map(\.node)) }
            + status.sessions.map { session in
                Line(
                    kind: "bgp", name: session.name, state: Self.word(session),
                    detail: session.speakers.map { "\($0.node) AS\($0.asn)" }.joined(separator: " - "))
            }
            + status.adjacencies.map { adjacency in
                Line(
                    kind: "ospf", name: adjacency.link, state: Self.word(adjacency.isUp ? .up : .down),
                    detail: adjacency.ends.map(\.node).joined(separator: " - "))
            }
            + status.paths.map { path in
                Line(
                    kind: "path", name: path.probe, state: Self.word(path),
                    detail: path.isAnswered == true ? way(path) : path.broken ?? way(path))
            }
            + status.faults.map {
                Line(
                    kind: "fault", name: $0.fault.description, state: Word(text: "active", sense: .bad),
                    detail: "since \($0.since)")
            }
    }

    /// A few lines: whether all is up and where the traffic goes.
    public func brief(style: Style, rates: LabRates? = nil) -> String {
        let rows = lines(rates: rates).map { line in
            [line.kind, line.name, line.state.styled(style), line.hasRates ? style.faint(line.detail) : line.detail]
        }
        return clockLine(style) + "\n" + Table(columns: [], rows: rows).text(style: style, indent: "  ")
    }

    /// Everything.
    public func full(style: Style) -> String {
        let sections = [
            ("", clockLine(style)), ("FAULTS", faults(style)), ("TUNNELS", tunnels(style)),
            ("PLAIN TUNNELS", plainTunnels(style)),
            ("IPSEC", algorithms(style)), ("BGP", sessions(style)), ("OSPF", adjacencies(style)),
            ("PATHS", paths(style)),
            ("CHOICES", ChoiceReport(status.choices).text(style: style)),
            ("MONITORS", monitors(style)),
            ("DAEMONS", daemons(style)), ("INTERFACES", interfaces(style)),
        ]
        return sections.filter { !$0.1.isEmpty }.map { title, text in
            title.isEmpty ? text : "\(style.strong(title))\n\(text)"
        }.joined(separator: "\n\n")
    }

    private func clockLine(_ style: Style) -> String {
        let clock = status.clock.map { clock in
            "at \(clock.time)\(clock.isAdvancing ? ", advancing" : ", \(clock.mode.rawValue)")"
        }
        return "\(style.strong(status.lab))  \(status.title)" + (clock.map { "  " + style.faint("(\($0))") } ?? "")
    }

    // MARK: Sections

    /// A table with its heading; nothing where there is nothing to show.
    private func section(_ columns: [String], _ rows: [[String]], _ style: Style) -> String {
        rows.isEmpty ? "" : Table(columns: columns, rows: rows).text(style: style, indent: "  ")
    }

    private func faults(_ style: Style) -> String {
        section(FaultReport.columns, FaultReport.rows(status.faults, style: style), style)
    }

    private func tunnels(_ style: Style) -> String {
        let rows = status.tunnels.flatMap { tunnel in
            tunnel.ends.enumerated().map { index, end in
                [index == 0 ? tunnel.name : "", index == 0 ? Self.word(tunnel.state).styled(style) : ""]
                    + traffic(of: end)
            }
        }
        return section(["NAME", "STATE", "NODE", "DEV", "SPI IN", "SPI OUT", "BYTES IN / OUT", "AGE"], rows, style)
    }

    private func plainTunnels(_ style: Style) -> String {
        let rows = status.plainTunnels.flatMap { tunnel in
            tunnel.ends.enumerated().map { index, end in
                [
                    index == 0 ? tunnel.name : "", index == 0 ? Self.word(tunnel.isUp ? .up : .down).styled(style) : "",
                    index == 0 ? tunnel.kind.rawValue : "", end.node, end.interface.description,
                    "\(end.local) > \(end.remote?.description ?? "any")", "\(end.mtu)",
                    "\(Self.amount(end.receivedBytes)) / \(Self.amount(end.sentBytes))", end.options,
                ]
            }
        }
        return section(
            ["NAME", "STATE", "KIND", "NODE", "DEV", "OUTER", "MTU", "BYTES IN / OUT", "OPTIONS"], rows, style)
    }

    private func traffic(of end: TunnelStatus.End) -> [String] {
        let age = (end.outbound ?? end.inbound).map { Self.wholeSeconds($0.ageSeconds).shortText }
        return [
            end.node, end.interface?.description ?? "policy", end.inbound.map(spi) ?? "-", end.outbound.map(spi) ?? "-",
            "\(bytes(end.inbound)) / \(bytes(end.outbound))", age ?? "-",
        ]
    }

    /// What the tunnels' ends have agreed on; only the ends that have.
    private func algorithms(_ style: Style) -> String {
        let rows = status.tunnels.flatMap(\.ends).compactMap { end -> [String]? in
            let association = end.outbound ?? end.inbound
            guard end.ike != nil || association != nil else { return nil }
            let esp = association.map { $0.algorithms + ($0.isUDPEncapsulated ? ", UDP 4500" : "") }
            return [end.node, "\(end.local) > \(end.remote)", end.ike ?? "-", esp ?? "-"]
        }
        return section(["NODE", "OUTER", "IKE", "ESP"], rows, style)
    }

    private func sessions(_ style: Style) -> String {
        // A column that labs without BFD do not have.
        let hasBFD = status.sessions.flatMap(\.speakers).contains { $0.bfd != nil }
        let rows = status.sessions.flatMap { session in
            session.speakers.enumerated().map { index, speaker in
                [index == 0 ? session.name : ""] + cells(of: speaker, in: session, hasBFD, style)
            }
        }
        return section(
            ["NAME", "NODE", "AS", "STATE"] + (hasBFD ? ["BFD"] : [])
                + ["HOLD", "KEEPALIVE", "LEARNED", "ADVERTISED", ""], rows, style)
    }

    private func cells(
        of speaker: SessionStatus.Speaker, in session: SessionStatus, _ hasBFD: Bool, _ style: Style
    ) -> [String] {
        let bfd = speaker.bfd.map { $0 == .up ? style.good($0.rawValue) : style.bad($0.rawValue) } ?? "-"
        let detection = speaker.bfdDetectionSeconds.map { " \(Duration.seconds($0).shortText)" } ?? ""
        let seconds = { (value: Double?) in value.map { "\(Self.wholeSeconds($0).components.seconds)s" } ?? "-" }
        let isRight = (speaker.state == .established) == (session.reasonToBeDown == nil)
        let state = isRight ? style.good(speaker.state.rawValue) : style.bad(speaker.state.rawValue)
        let remarks = [speaker.lastError, session.reasonToBeDown.map { "as expected: \($0)" }].compactMap { $0 }
        return [
            speaker.node, "AS\(speaker.asn)", state,
        ] + (hasBFD ? [bfd + detection] : []) + [
            seconds(speaker.holdSeconds), seconds(speaker.keepaliveSeconds),
            list(speaker.imported), list(speaker.exported), remarks.joined(separator: "; "),
        ]
    }

    private func adjacencies(_ style: Style) -> String {
        let rows = status.adjacencies.flatMap { adjacency in
            adjacency.ends.enumerated().map { index, end in
                let state = end.state ?? "no neighbour"
                return [
                    index == 0 ? adjacency.link : "", end.node, end.interface.description, end.neighbor,
                    end.isFull ? style.good(state) : style.bad(state), "\(end.cost)",
                    end.deadInSeconds.map { Self.wholeSeconds($0).shortText } ?? "-",
                ]
            }
        }
        return section(["LINK", "NODE", "DEV", "NEIGHBOUR", "STATE", "COST", "DEAD IN"], rows, style)
    }

    private func paths(_ style: Style) -> String {
        status.paths.map { path in
            let head = "  \(path.probe): \(path.source) > \(path.destination), \(way(path))"
            let hops = path.hops.map { hop in
                [
                    hop.node, hop.route ?? (path.broken == nil ? "(there)" : "(ends here)"),
                    hop.tunnel.map { "tunnel \($0)" } ?? "",
                ]
            }
            let broken = path.broken.map { "\n    \(style.bad($0))" } ?? ""
            return head + "\n" + Table(columns: [], rows: hops).text(style: style, indent: "    ") + broken
        }.joined(separator: "\n")
    }

    private func monitors(_ style: Style) -> String {
        let rows = status.monitors.map { monitor -> [String] in
            let state: String
            if monitor.isAlarmed {
                state = style.bad("alarm")
            } else {
                state = monitor.exitCode == nil ? style.faint("waiting") : style.good("ok")
            }
            let exitCode = monitor.exitCode.map { "\($0)" } ?? "-"
            let askedAt = monitor.askedAt.map(\.description) ?? "-"
            let since = monitor.since.map(\.description) ?? "-"
            return [monitor.probe, state, exitCode, "\(monitor.failures)", askedAt, since]
        }
        return section(["MONITOR", "STATE", "EXIT CODE", "FAILURES", "ASKED AT", "SINCE"], rows, style)
    }

    private func daemons(_ style: Style) -> String {
        let rows = status.daemons.map { daemon in
            [
                daemon.name,
                daemon.isRunning ? style.good("running") : style.bad(daemon.isSuspended ? "stopped" : "ended"),
            ] + (versions.isEmpty ? [] : [versions[daemon.name] ?? "-"]) + [daemon.detail]
        }
        return section(["DAEMON", "STATE"] + (versions.isEmpty ? [] : ["VERSION"]) + [""], rows, style)
    }

    private func interfaces(_ style: Style) -> String {
        let rows = status.nodes.flatMap { node in
            node.interfaces.enumerated().map { index, interface in
                [index == 0 ? node.name : ""] + cells(of: interface, style)
            }
        }
        return section(["NODE", "DEV", "KIND", "STATE", "MTU", "ADDRESSES", "BYTES IN / OUT", ""], rows, style)
    }

    private func cells(of interface: NodeStatus.Interface, _ style: Style) -> [String] {
        let traffic = "\(Self.amount(interface.receivedBytes)) / \(Self.amount(interface.sentBytes))"
        return [
            interface.name, interface.kind ?? "-", interface.isUp ? "up" : style.bad("down"), String(interface.mtu),
            interface.addresses.map(\.description).joined(separator: " "), traffic,
            interface.drops == 0 ? "" : style.warning("\(interface.drops) dropped"),
        ]
    }

    // MARK: Words

    private static func word(_ state: TunnelStatus.State) -> Word {
        switch state {
        case .up: Word(text: "up", sense: .good)
        case .down: Word(text: "down", sense: .bad)
        case .unused: Word(text: "unused", sense: .faint)
        }
    }

    private static func word(_ session: SessionStatus) -> Word {
        if session.reasonToBeDown == nil { return word(session.isUp ? .up : .down) }
        return session.isUp
            ? Word(text: "up, which it must not be", sense: .bad) : Word(text: "connecting", sense: .faint)
    }

    /// `ok` is what was answered; where nobody asked, the nodes' tables alone say that the way is there.
    private static func word(_ path: PathStatus) -> Word {
        switch (path.isAnswered, path.broken) {
        case (true?, _): Word(text: "ok", sense: .good)
        case (false?, nil): Word(text: "no answer", sense: .bad)
        case (_, _?): Word(text: "broken", sense: .bad)
        case (nil, nil): Word(text: "routed", sense: .plain)
        }
    }

    private func way(_ path: PathStatus) -> String {
        path.tunnels.isEmpty ? "by no tunnel" : "by tunnel \(path.tunnels.joined(separator: ", "))"
    }

    private func spi(_ association: SAStatus) -> String {
        association.spi.hexadecimal
    }

    private func bytes(_ association: SAStatus?) -> String {
        association.map { Self.amount($0.bytes) } ?? "-"
    }

    private func list(_ prefixes: [IPPrefix]) -> String {
        prefixes.isEmpty ? "-" : prefixes.map(\.description).joined(separator: " ")
    }

    /// An age that was not measured finer; zero for one that no lab can have.
    private static func wholeSeconds(_ seconds: Double) -> Duration {
        .seconds(Int64(exactly: seconds.rounded(.towardZero)) ?? 0)
    }

    /// Bytes in powers of ten, three digits: `999 B`, `1.23 MB`.
    static func amount(_ bytes: UInt64) -> String {
        var value = Double(bytes)
        var units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"][...]
        while value >= 999.5, units.count > 1 {
            value /= 1000
            units.removeFirst()
        }
        let unit = units.first ?? "EB"
        if unit == "B" || value >= 99.95 { return "\(Int(value.rounded())) \(unit)" }
        let factor: Double = value >= 10 ? 10 : 100
        return "\((value * factor).rounded() / factor) \(unit)"
    }
}
