import LabModel
import LabPlan
import NetworkTypes
import Testing

@testable import LabRuntime

/// Trials of what the kernel can do; in the lab kernel, which can do everything that labs need.
@Suite struct KernelTrialTests {
    private static let rules = Ruleset(
        purpose: "a trial", tables: ["inet t"],
        text: "table inet t { chain c { type filter hook forward priority 0; ct state established counter accept; }; }")

    @Test(arguments: [
        KernelFeature.links, .shaping, .vlans, .vtis(isOverIPv6: false), .vtis(isOverIPv6: true), .xfrmInterfaces,
        .policyRouting, .multipathRoutes, .tcpSignatures,
        .captures, .packetFilter(rules), .settings([Sysctl(key: "net.ipv4.ip_forward", value: "1")]),
        .esp(ESPAlgorithms(encryption: .aes256GCM16, integrity: nil), isOverIPv6: false),
        .esp(ESPAlgorithms(encryption: .aes128CCM12, integrity: nil), isOverIPv6: false),
        .esp(ESPAlgorithms(encryption: .chacha20Poly1305, integrity: nil), isOverIPv6: false),
        .esp(ESPAlgorithms(encryption: .aes192CTR, integrity: .sha2_512), isOverIPv6: false),
        .esp(ESPAlgorithms(encryption: .aes128CBC, integrity: .aesXCBC), isOverIPv6: false),
        .esp(ESPAlgorithms(encryption: .aes256GCM16, integrity: nil), isOverIPv6: true),
    ])
    func `The lab kernel has it`(feature: KernelFeature) {
        #expect(KernelTrial.findings([feature]).map(\.obstacle) == [nil], "\(feature.name)")
    }

    @Test(arguments: [
        KernelFeature.settings([Sysctl(key: "net.ipv4.no_such_setting", value: "1")]),
        .packetFilter(Ruleset(purpose: "nonsense", tables: [], text: "table inet t { chain c { no such thing; } }")),
    ])
    func `What it lacks is found`(feature: KernelFeature) {
        #expect(KernelTrial.findings([feature, .links]).map { $0.obstacle == nil } == [false, true])
    }
}
