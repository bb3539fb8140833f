import Daemons
import LabModel
import NetworkTypes
import Predictions

/// Derives what must hold in a lab: of its wires, of each probe, of sessions and of tunnels.
struct ExpectationDeriver {
    let topology: Topology
    let predictor: Predictor
    private(set) var expectations: [Expectation] = []
    private(set) var gaps: [Derivation.Gap] = []

    /// A probe whose answer comes, with its ways.
    struct Answered {
        let probe: Probe
        let courses: Courses
    }

    init(topology: Topology, predictor: Predictor) {
        self.topology = topology
        self.predictor = predictor
    }

    /// Traffic first, so that tunnels that wait for it are up when their associations are looked at; transfers last.
    mutating func derive() {
        let answered = answeredProbes()
        deriveWires(answered)
        for one in answered { deriveWays(one) }
        for one in answered { deriveSizes(one) }
        deriveSessions()
        for tunnel in topology.tunnels where !tunnel.isUnused {
            add(
                "\(tunnel.name)-sa",
                .securityAssociation(
                    SAClaim(
                        tunnel: tunnel.name, algorithms: tunnel.algorithms,
                        isUDPEncapsulated: tunnel.isUDPEncapsulated)),
                from: "tunnels.\(tunnel.name)")
        }
        for one in answered { deriveRate(one) }
    }

    // MARK: Noting

    /// - Parameter origin: What of the lab it follows from, in words.
    mutating func add(_ name: String, _ claim: Expectation.Claim, from origin: String) {
        guard !topology.expectations.contains(where: { $0.covers(claim) }) else { return }
        let taken = topology.expectations.map(\.name) + expectations.map(\.name)
        expectations.append(Expectation(name: Topology.free(name, among: taken), claim, derivedFrom: origin))
    }

    mutating func leaveOut(
        _ name: String, _ kind: Expectation.Claim.Kind, _ reason: String, isDoubt: Bool = false
    ) {
        gaps.append(Derivation.Gap(name: name, kind: kind, reason: reason, isDoubt: isDoubt))
    }

    // MARK: Ways

    /// Those whose answers come by ways that are known; what keeps the others is a gap.
    private mutating func answeredProbes() -> [Answered] {
        topology.probes.compactMap { probe in
            let courses = predictor.courses(of: probe)
            if courses.isAnswered { return Answered(probe: probe, courses: courses) }
            let lost = courses.all.first { !$0.arrives }
            let why = courses.loss ?? courses.doubt ?? lost?.loss ?? ""
            // One that the lab is up without may be one that is meant to be lost.
            leaveOut("\(probe.name)-path", .path, why, isDoubt: courses.loss == nil || probe.isAwaited)
            return nil
        }
    }

    private mutating func deriveWays(_ one: Answered) {
        let (name, courses) = (one.probe.name, one.courses)
        if courses.forth.count == 1, courses.back.count == 1 {
            return add(
                "\(name)-path",
                .path(PathClaim(probe: name, via: courses.forth[0].places, back: courses.back[0].places)),
                from: "the routes on the way of \(name)")
        }
        let forth = Self.alternatives(courses.forth)
        let isAlike = !forth.isEmpty && Set(forth) == Set(Self.alternatives(courses.back))
        guard isAlike, forth.count > 1 else {
            return leaveOut(
                "\(name)-ecmp", .sharing, "flows of \(name) share ways in one direction that they do not in the other")
        }
        guard takesTCP(one.probe) else {
            return leaveOut(
                "\(name)-ecmp", .sharing, "no connection of \(name) gets through, by which to tell flows apart")
        }
        add(
            "\(name)-ecmp",
            .sharing(SharingClaim(probe: name, ways: forth, flows: Self.flows(over: forth.count))),
            from: "the routes of equal cost on the way of \(name)")
    }

    /// What tells several ways apart: of each the one tunnel, or else the one link, that it has and not all have; empty where there
    /// is no such thing.
    static func alternatives(_ courses: [Course]) -> [String] {
        for parts in [courses.map(\.tunnels), courses.map { $0.crossings.map(\.link) }] {
            let common = parts.dropFirst().reduce(Set(parts.first ?? [])) { $0.intersection($1) }
            let own = parts.map { Set($0).subtracting(common) }
            guard own.allSatisfy({ $0.count == 1 }) else { continue }
            var names: [String] = []
            for name in own.flatMap(\.self) where !names.contains(name) { names.append(name) }
            return names
        }
        return []
    }

    /// How many flows leave one of so many ways empty by chance less than once in a million times.
    static func flows(over ways: Int) -> Int {
        let ways = Double(max(ways, 2))
        var (flows, chance) = (0, ways)
        while chance > 1e-6, flows < 256 {
            chance *= 1 - 1 / ways
            flows += 1
        }
        return max(flows, SharingClaim.usualFlows)
    }

    /// Whether a connection from a probe's source to its destination comes about: whoever is there listens while it is measured.
    func takesTCP(_ probe: Probe) -> Bool {
        let courses = predictor.predicting(.stream).courses(of: probe)
        guard courses.isAnswered, let owner = topology.owner(of: probe.destination) else { return false }
        return courses.forth.allSatisfy { $0.end == owner }
    }

    // MARK: Sessions

    private mutating func deriveSessions() {
        for session in topology.sessions {
            let origin = "bgp.\(session.name)"
            let name = "\(session.name)-bgp"
            let opening = session.speakers.compactMap { topology.openRouting(of: $0.node).first }.first
            if let opening {
                leaveOut(name, .bgp, "a speaker's own configuration: \(opening)")
                continue
            }
            let isFlapping = topology.holdConflict(of: session) != nil
            add(
                name,
                .bgp(BGPClaim(session: session.name, isEstablished: !isFlapping, isFlapping: isFlapping, hold: nil)),
                from: origin)
            let hasBFD = session.speakers.allSatisfy { topology.bfdDetection(of: session, at: $0) != nil }
            if hasBFD, session.canComeUp, !isFlapping {
                add(
                    "\(session.name)-bfd", .bfd(BFDClaim(session: session.name, isUp: true)),
                    from: "\(origin).bfd")
            }
        }
        for session in topology.oneSidedSessions {
            add(
                "\(session.name)-bgp", .bgp(BGPClaim(session: session.name, isEstablished: false, hold: nil)),
                from: "bgp.\(session.name)")
        }
        for domain in topology.ospf {
            add(
                "\(domain.name)-ospf", .ospf(OSPFClaim(place: domain.name, isAdjacent: true)),
                from: "ospf.\(domain.name)")
        }
        let signed = topology.sessions.filter { session in
            session.canComeUp && session.speakers.allSatisfy { session.key(of: $0) != nil }
        }.map(\.name)
        if !signed.isEmpty {
            add("signed", .md5(MD5Claim(sessions: signed)), from: "the passwords in bgp")
        }
    }
}

extension Expectation {
    /// Whether it claims always what another claim is about, so that nothing need be derived.
    fileprivate func covers(_ other: Claim) -> Bool {
        guard when.isEmpty, !isOnRequest else { return false }
        return switch (claim, other) {
        case (.encapsulation(let own), .encapsulation(let other)): Set(own.probes).isSuperset(of: other.probes)
        case (.confidentiality(let own), .confidentiality(let other)): Set(own.links).isSuperset(of: other.links)
        case (.mtu(let own), .mtu(let other)): own.probe == other.probe
        case (.mss(let own), .mss(let other)): own.probe == other.probe
        case (.path(let own), .path(let other)): own.probe == other.probe
        case (.rate(let own), .rate(let other)): own.probe == other.probe
        case (.sharing(let own), .sharing(let other)): own.probe == other.probe
        case (.bgp(let own), .bgp(let other)): own.session == other.session
        case (.bfd(let own), .bfd(let other)): own.session == other.session
        case (.ospf(let own), .ospf(let other)): own.place == other.place
        case (.md5(let own), .md5(let other)): Set(own.sessions).isSuperset(of: other.sessions)
        case (.securityAssociation(let own), .securityAssociation(let other)): own.tunnel == other.tunnel
        default: false
        }
    }
}
