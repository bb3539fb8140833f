import LabPlan
import Testing

@Suite struct KernelFeatureTests {
    @Test func `A lab needs what its plan makes`() throws {
        let names = KernelFeature.needed(by: try AwsOci.topology()).map(\.name)
        for name in [
            "namespaces with overlay file systems", "sysctls of nodes", "veth pairs", "netem", "VTI",
            "nftables, with all that the rules use", "packet sockets", "ESP, aes-256-cbc with sha2-256",
        ] {
            #expect(names.contains(name))
        }
        for name in ["802.1Q", "XFRM interfaces", "TCP MD5 signatures", "ipip6 tunnels"] {
            #expect(!names.contains(name))
        }
    }

    @Test func `Each is named once`() throws {
        let features = KernelFeature.needed(by: try AwsOci.topology())
        #expect(Set(features).count == features.count)
        for feature in features {
            #expect(!feature.source.symbols.isEmpty)
        }
    }
}
