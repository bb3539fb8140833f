import AgentProtocol
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime

// Faults: which of them are active is all there is to it. What the lab should be then is worked out anew each time, and
// brought about by the difference from what it should have been so far.
extension RunningLab {
    /// The faults that are active, in the order in which they began.
    var activeFaults: [ActiveFault] { ledger.active }

    /// Has someone told of every fault that begins (true) or is healed (false), at that moment; nil ends it.
    func listenToFaults(_ listener: (@Sendable (Fault, _ isActive: Bool) -> Void)?) {
        faultListener = listener
    }

    /// Brings faults about, all at the same moment of the lab's clock.
    ///
    /// - Parameter duration: After how long they heal by themselves; nil for never.
    /// - Returns: All faults that are active then.
    /// - Throws: ``LabFailure`` where one of them is active already, would change nothing, or cannot be brought about:
    ///   then none of them is active.
    func fail(_ faults: [Fault], for duration: Duration?) async throws -> [ActiveFault] {
        try await inTurn { lab in try await lab.begin(faults, for: duration) }
        return activeFaults
    }

    /// Heals faults, or with nil all there are.
    ///
    /// - Throws: ``LabFailure`` where one of them is not active, or cannot be undone: then all stay active.
    func heal(_ faults: [Fault]?) async throws -> [ActiveFault] {
        try await inTurn { lab in
            if let reboot = faults?.first(where: { $0.rebooted != nil }) {
                throw LabFailure(
                    "The fault \"\(reboot)\" is over by itself: there is nothing to heal.",
                    remedy: "netlab faults \(lab.topology.name) says when.", code: .wrongInput)
            }
            try await lab.end(faults ?? lab.activeFaults.map(\.fault).filter { $0.rebooted == nil })
        }
        return activeFaults
    }

    /// Undoes every fault as far as that can be done.
    ///
    /// - Returns: What could not be undone, in words.
    func abandonFaults() async -> [String] {
        let failures = try? await inTurn { lab in
            let changes = lab.disturbances.adjustments(to: Disturbances([], in: lab.topology))
            for fault in lab.activeFaults.map(\.fault) { lab.forget(fault) }
            var failures: [String] = []
            for change in changes where !change.isBootScript {
                do { try await lab.apply(change) } catch { failures.append("\(change): \(error)") }
            }
            return failures
        }
        return failures ?? []
    }

    /// What the lab should be now.
    var disturbances: Disturbances { Disturbances(ledger.active.map(\.fault), in: topology) }

    /// One request after the other, each to its end even if nobody waits for it any more: half a fault is none.
    private func inTurn<Result: Sendable>(
        _ body: @escaping @Sendable (isolated RunningLab) async throws -> Result
    ) async throws -> Result {
        let previous = ledger.lastTurn
        let work = Task {
            await previous?.value
            return try await body(self)
        }
        ledger.lastTurn = Task { _ = await work.result }
        return try await work.value
    }

    // MARK: Beginning and end

    private func begin(_ faults: [Fault], for duration: Duration?) async throws {
        let start = LabClock.now
        let lasting = faults.filter { !$0.isMomentary || $0.rebooted != nil }
        try checkAreNew(lasting)
        let ends = Dictionary(
            uniqueKeysWithValues: lasting.map { ($0, (bootTime(of: $0) ?? duration).map { start + $0 }) })
        let target = ledger.active + lasting.map { ActiveFault(fault: $0, since: start, until: ends[$0] ?? nil) }
        try checkAreTogether(target.map(\.fault))
        // Told before the work: what daemons and kernels do about it follows.
        for fault in lasting { faultListener?(fault, true) }
        do {
            try await carryOut(from: ledger.active, to: target) {
                for fault in faults where !lasting.contains(fault) { try await self.happen(fault) }
            }
        } catch {
            for fault in lasting { faultListener?(fault, false) }
            throw error
        }
        for fault in lasting {
            guard let until = ends[fault] ?? nil else { continue }
            ledger.timers[fault] = Task {
                let rest = until.sinceStart - LabClock.now.sinceStart
                guard (try? await LabSleep.wait(for: max(rest, .zero))) != nil else { return }
                await self.healInTime(fault)
            }
        }
    }

    /// How long a node that a fault reboots is away; nil for other faults.
    private func bootTime(of fault: Fault) -> Duration? {
        fault.rebooted.flatMap(topology.node(named:)).map(\.bootTime)
    }

    private func checkAreTogether(_ faults: [Fault]) throws {
        guard let node = Disturbances(faults, in: topology).contradictions.min() else { return }
        throw LabFailure(
            "\(node) cannot be rebooted while it is down, and not be switched off while it reboots.",
            remedy: "Heal the one, or wait for the end of the other: netlab faults \(topology.name).", code: .wrongInput
        )
    }

    private func checkAreNew(_ faults: [Fault]) throws {
        for (index, fault) in faults.enumerated() {
            if let active = activeFaults.first(where: { $0.fault == fault }) {
                throw LabFailure(
                    "The fault \"\(fault)\" is active already, since \(active.since).",
                    remedy: "Heal it first: netlab heal \(topology.name) '\(fault)'", code: .wrongInput)
            }
            guard !faults[..<index].contains(fault) else {
                throw LabFailure("The fault \"\(fault)\" is given twice.", remedy: "Give it once.", code: .wrongInput)
            }
            let changes = Disturbances([], in: topology).adjustments(to: Disturbances([fault], in: topology))
            guard !changes.isEmpty else {
                throw LabFailure(
                    "The fault \"\(fault)\" would change nothing: the lab is like that.",
                    remedy: "netlab plan \(topology.name) shows how the lab is made.", code: .wrongInput)
            }
        }
    }

    private func end(_ faults: [Fault]) async throws {
        for fault in faults where !activeFaults.contains(where: { $0.fault == fault }) {
            let names = activeFaults.map { "\($0.fault)" }
            throw LabFailure(
                "The fault \"\(fault)\" is not active.",
                remedy: names.isEmpty ? "No fault is." : "Active are: \(names.joined(separator: "; ")).",
                code: .wrongInput)
        }
        // Told before the work: a daemon that starts again takes a moment of the lab's time.
        for fault in faults where fault.rebooted == nil { faultListener?(fault, false) }
        do {
            try await carryOut(from: ledger.active, to: ledger.active.filter { !faults.contains($0.fault) })
        } catch {
            for fault in faults where fault.rebooted == nil { faultListener?(fault, true) }
            throw error
        }
        for fault in faults { ledger.timers.removeValue(forKey: fault)?.cancel() }
        for fault in faults {
            guard let boot = fault.rebooted.flatMap({ boots[$0] }) else { continue }
            // It is over when the node has done all that it does when it starts.
            Task { if await boot.value { faultListener?(fault, false) } }
        }
    }

    private func healInTime(_ fault: Fault) async {
        do {
            try await inTurn { lab in
                // It may have been healed, and brought about anew, while this waited for its turn.
                let active = lab.activeFaults.first { $0.fault == fault }
                guard let due = active?.until, due <= LabClock.now else { return }
                try await lab.end([fault])
            }
        } catch {
            // It stays in the list of those that are active, past its time, where everyone sees it.
            ledger.timers[fault] = nil
        }
    }

    private func forget(_ fault: Fault) {
        ledger.active.removeAll { $0.fault == fault }
        ledger.timers.removeValue(forKey: fault)?.cancel()
        faultListener?(fault, false)
    }

    // MARK: Changes

    /// Makes the lab what it should be with other faults active, or leaves it as it is.
    ///
    /// - Parameter rest: What else must succeed.
    private func carryOut(
        from former: [ActiveFault], to target: [ActiveFault], and rest: () async throws -> Void = {}
    ) async throws {
        let changes = Disturbances(former.map(\.fault), in: topology).adjustments(
            to: Disturbances(target.map(\.fault), in: topology))
        ledger.active = target
        var begun: [Adjustment] = []
        do {
            for change in changes {
                begun.append(change)
                do {
                    try await apply(change)
                } catch let refusal as LabFailure where refusal.code == .wrongInput {
                    begun.removeLast()
                    throw refusal
                }
            }
            try await rest()
        } catch {
            ledger.active = former
            var details: [String] = []
            for change in begun.reversed().map(\.reversed) where !change.isWait {
                do { try await apply(change) } catch { details.append("\(change): \(error)") }
            }
            let cause = error as? LabFailure ?? LabFailure("\(error)", remedy: (error as? NetlinkError)?.remedy)
            throw LabFailure(
                details.isEmpty
                    ? "Nothing has been changed: \(cause.message)"
                    : "Something is half changed, bring the lab up anew: \(cause.message)",
                remedy: cause.remedy, details: cause.details + details, code: cause.code)
        }
    }
}
