import Testing

@testable import KernelBuilds

@Suite("KernelConfiguration")
struct KernelConfigurationTests {
    @Test
    func `Settings are read in order; whatever else is a comment`() {
        let configuration = KernelConfiguration(
            """
            # A heading
            CONFIG_NET=y
            CONFIG_LOCALVERSION="-a=b"

            # CONFIG_SOUND is not set
            # CONFIG_HALF
            """)
        #expect(
            configuration.options == [
                .init(name: "CONFIG_NET", value: "y"),
                .init(name: "CONFIG_LOCALVERSION", value: "\"-a=b\""),
                .init(name: "CONFIG_SOUND", value: nil),
            ])
    }

    @Test
    func `Comments do not make a different kernel; a setting and the recipe's number do`() {
        let plain = KernelConfiguration("# Recipe 1\nCONFIG_NET=y\n# CONFIG_SOUND is not set\n")
        let commented = KernelConfiguration(
            "# About it\n# Recipe 1\n\n# The network\nCONFIG_NET=y\n# CONFIG_SOUND is not set")
        #expect(plain.essentialText == commented.essentialText)
        #expect(plain.essentialText != KernelConfiguration("# Recipe 2\nCONFIG_NET=y\n").essentialText)
        #expect(plain.essentialText != KernelConfiguration("# Recipe 1\nCONFIG_NET=m\n").essentialText)
    }

    @Test(
        arguments: [
            ("CONFIG_VETH=y", "CONFIG_VETH=y", true),
            ("CONFIG_VETH=y", "# CONFIG_VETH is not set", false),
            ("CONFIG_VETH=y", "", false),
            ("CONFIG_VETH=y", "CONFIG_VETH=m", false),
            ("# CONFIG_SOUND is not set", "# CONFIG_SOUND is not set", true),
            ("# CONFIG_SOUND is not set", "", true),
            ("# CONFIG_SOUND is not set", "CONFIG_SOUND=y", false),
            ("CONFIG_VETH=y", "CONFIG_VETH_EXTRA=y", false),
        ])
    func `A setting holds when it came out as asked; off also when the name is gone`(
        wanted: String, finished: String, holds: Bool
    ) {
        let unmet = KernelConfiguration(wanted).unmet(in: KernelConfiguration(finished))
        #expect(unmet.isEmpty == holds)
    }

    @Test
    func `Settings that do not hold are named, all of them, with a remedy`() {
        let wanted = KernelConfiguration("CONFIG_A=y\nCONFIG_B=y\n# CONFIG_C is not set\n")
        let error = #expect(throws: SetupError.self) {
            try KernelBuild.verify(wanted, holdsIn: KernelConfiguration("CONFIG_B=y\nCONFIG_C=y\n"))
        }
        #expect(error?.code == .configurationUnmet)
        #expect(error?.message.contains("CONFIG_A=y") == true)
        #expect(error?.message.contains("CONFIG_B") == false)
        #expect(error?.message.contains("CONFIG_C=n") == true)
        #expect(error?.remedy.isEmpty == false)
    }

    @Test
    func `The lab kernel's own settings: no name twice, a recipe, and what the labs stand on`() {
        let lab = KernelConfiguration.lab
        #expect(Set(lab.options.map(\.name)).count == lab.options.count)
        #expect(lab.essentialText.hasPrefix("# Recipe "))
        let needed = """
            CONFIG_UML_TIME_TRAVEL_SUPPORT=y
            CONFIG_HOSTFS=y
            CONFIG_INET_ESP=y
            CONFIG_INET6_ESP=y
            CONFIG_NET_IPVTI=y
            CONFIG_XFRM_INTERFACE=y
            CONFIG_IPV6_SIT=y
            CONFIG_IPV6_TUNNEL=y
            CONFIG_VLAN_8021Q=y
            CONFIG_NET_VRF=y
            CONFIG_NET_SCH_NETEM=y
            CONFIG_NET_SCH_TBF=y
            CONFIG_TCP_MD5SIG=y
            # CONFIG_MODULES is not set
            """
        #expect(KernelConfiguration(needed).unmet(in: lab).isEmpty)
    }
}
