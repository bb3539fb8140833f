import Daemons
import Decryption
import Glibc
import LabRecords
import NetworkTypes
import NodeRuntime

/// Keys of IKE SAs from files in the lab's memory, which charons write as long as they are asked to.
actor CharonKeySource: IKEKeySource {
    static let isComplete = true

    private struct Charon: Sendable {
        let control: CharonControl
        let sandbox: NodeSandbox
    }

    private let all: [Charon]
    private var charons: [Charon] = []
    /// What they had told when they were asked to tell no more.
    private var last: (keys: [IKEKeys], lost: Set<KeyMaterial>)?

    init(_ sandboxes: [NodeSandbox]) {
        all = sandboxes.map {
            Charon(control: CharonControl(path: $0.agentPath(of: StrongSwanConfiguration.socketPath)), sandbox: $0)
        }
    }

    func begin() async {
        for charon in all where (try? await logKeys(of: charon, true)) != nil { charons.append(charon) }
    }

    func found(besides known: [IKEKeys]) async -> (keys: [IKEKeys], unusable: Int) {
        let told = if let last { last } else { await gathered() }
        let keys = told.keys.filter { key in !known.contains { $0.spis == key.spis } }
        return (keys, told.lost.subtracting((keys + known).map(\.encryption.initiatorKey)).count)
    }

    func end() async {
        // Before what they have written is gone.
        last = await gathered()
        for charon in charons { try? await logKeys(of: charon, false) }
        charons = []
    }

    /// What they have told, each IKE SA once.
    private func gathered() async -> (keys: [IKEKeys], lost: Set<KeyMaterial>) {
        var (keys, lost): ([IKEKeys], Set<KeyMaterial>) = ([], [])
        for charon in charons {
            let (own, others) = await self.keys(of: charon)
            keys += own.filter { key in !keys.contains { $0.spis == key.spis } }
            lost.formUnion(others)
        }
        return (keys, lost)
    }

    /// Has charon write keys to a file in the lab's memory, or no longer; what it has written is removed then.
    private func logKeys(of charon: Charon, _ isOn: Bool) async throws {
        try charon.sandbox.writeFile(StrongSwanConfiguration.keyLogging(isOn))
        let control = charon.control
        try await offThread { try control.reloadSettings() }
        if !isOn { unlink(charon.sandbox.agentPath(of: StrongSwanConfiguration.keyLog)) }
    }

    private func keys(of charon: Charon) async -> (keys: [IKEKeys], unusable: [KeyMaterial]) {
        let path = charon.sandbox.agentPath(of: StrongSwanConfiguration.keyLog)
        let log = CharonKeyLog(GuestSystem.read(path, limit: 64 << 20) ?? "")
        let control = charon.control
        // One that has ended since tells of no SA that was renewed.
        let associations = (try? await offThread { try control.associations() }) ?? []
        return log.keys(with: associations)
    }
}
