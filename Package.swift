// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]
// `scripts/netlab` builds without the optimiser, which would take two thirds of the time; what reads packets by the million has it
// all the same, and so has what a user waits for at each `validate`: the driver's -Onone comes first.
let optimized = strict + [.unsafeFlags(["-Xfrontend", "-O"], .when(configuration: .release))]

// What reads bytes of others is tested with those that were found before, and `scripts/fuzz`, which sets this variable,
// looks for more: from the same files, but with libFuzzer's own `main`, which nothing else could be linked with.
let fuzzedModules: [Target.Dependency] = [
    "NetworkTypes", "PacketFormats", "CaptureFile", "Decryption", "Certificates", "Expectations", "Recordings", "Derivations",
    "Predictions", "LabRecords",
    "LabModel", "LabFiles", "Imports", "Providers", "LabPlan", "AgentProtocol", "Reporting", "Shards", "Serving", "CNetlink", "CNftables", "Netlink", "Daemons", "RoutingDaemons",
    "DaemonDrivers",
    "Probing", "LabRuntime",
]
let fuzzing: Target =
    Context.environment["NETLAB_FUZZING"] == nil
    ? .testTarget(
        name: "FuzzingTests", dependencies: fuzzedModules, exclude: ["Corpus", "Driver.swift"], swiftSettings: strict)
    : .executableTarget(
        name: "netlab-fuzz", dependencies: fuzzedModules, path: "Tests/FuzzingTests",
        exclude: ["Corpus", "CorpusTests.swift"], swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])

let package = Package(
    name: "netlab",
    products: [
        .executable(name: "netlab", targets: ["netlab"]),
        // Lies beside the program; the daemons of a lab with a seed load it.
        .library(name: "netlab-seeded-random", type: .dynamic, targets: ["CSeededRandom"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        // C libraries and the few system calls Swift's own modules leave out.
        .target(name: "CLinux"),
        .target(
            name: "CSeededRandom",
            // Daemons are to load it without Swift's own libraries, which SwiftPM links into every shared library.
            linkerSettings: [.unsafeFlags(["-nostartfiles", "-static-stdlib"])]),
        .systemLibrary(
            name: "CNetlink", pkgConfig: "libnl-3.0",
            providers: [.apt(["libnl-3-dev"])]),
        .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        .systemLibrary(
            name: "CNftables", pkgConfig: "libnftables",
            providers: [.apt(["libnftables-dev"])]),
        .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        // Pure: text and bytes in, values out.
        .target(name: "NetworkTypes", swiftSettings: optimized),
        .target(name: "PacketFormats", dependencies: ["NetworkTypes"], swiftSettings: optimized),
        .target(name: "CaptureFile", dependencies: ["PacketFormats", "NetworkTypes"], swiftSettings: optimized),
        .target(
            name: "Decryption",
            dependencies: ["CLibcrypto", "NetworkTypes"],
            swiftSettings: optimized),
        .target(name: "LabModel", dependencies: ["NetworkTypes"], swiftSettings: strict),
        .target(
            name: "LabRecords", dependencies: ["LabModel", "Decryption", "NetworkTypes"], swiftSettings: optimized),
        .target(name: "ConfigurationFormats", swiftSettings: strict),
        .target(
            name: "DaemonProfiles", dependencies: ["LabRecords", "LabModel", "NetworkTypes"], swiftSettings: strict),
        .target(
            name: "RoutingDaemons",
            dependencies: ["DaemonProfiles", "ConfigurationFormats", "LabRecords", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "Daemons",
            dependencies: [
                "RoutingDaemons", "DaemonProfiles", "ConfigurationFormats", "LabRecords", "LabModel", "NetworkTypes",
            ],
            swiftSettings: strict),
        .target(
            name: "Certificates", dependencies: ["Daemons", "LabModel", "CLibcrypto", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "YAMLReading",
            dependencies: ["LabModel", "NetworkTypes", .product(name: "Yams", package: "Yams")],
            swiftSettings: optimized),
        .target(
            name: "HeaderStacks", dependencies: ["Daemons", "LabModel", "Decryption", "NetworkTypes"],
            swiftSettings: optimized),
        .target(
            name: "Providers", dependencies: ["HeaderStacks", "YAMLReading", "Daemons", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "ScenarioReading", dependencies: ["YAMLReading", "LabModel", "NetworkTypes"], swiftSettings: strict),
        .target(
            name: "PolicyReading", dependencies: ["YAMLReading", "RoutingDaemons", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "OSPFReading", dependencies: ["YAMLReading", "RoutingDaemons", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "ExpectationReading", dependencies: ["YAMLReading", "Daemons", "LabModel", "NetworkTypes"], swiftSettings: strict),
        .target(
            name: "LabFiles",
            dependencies: [
                "ExpectationReading", "ScenarioReading", "PolicyReading", "OSPFReading", "Providers", "YAMLReading", "Daemons", "DaemonProfiles", "RoutingDaemons", "ConfigurationFormats", "Certificates", "LabModel", "NetworkTypes",
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .target(name: "LabDrafts", dependencies: ["Providers", "NetworkTypes"], swiftSettings: strict),
        .target(
            name: "Imports", dependencies: ["Providers", "HeaderStacks", "Daemons", "ConfigurationFormats", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .target(name: "Completions", dependencies: ["LabModel", "NetworkTypes"], swiftSettings: strict),
        .target(name: "Differences", dependencies: ["Daemons", "LabModel", "NetworkTypes"], swiftSettings: strict),
        .target(name: "LabPlan", dependencies: ["Daemons", "DaemonProfiles", "LabModel", "NetworkTypes"], swiftSettings: strict),
        .target(
            name: "Predictions", dependencies: ["HeaderStacks", "Daemons", "DaemonProfiles", "RoutingDaemons", "LabModel", "PacketFormats", "NetworkTypes"],
            swiftSettings: optimized),
        .target(
            name: "Derivations", dependencies: ["Predictions", "Daemons", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "Recordings",
            dependencies: ["LabRecords", "LabModel", "CaptureFile", "PacketFormats", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "Expectations",
            dependencies: [
                "Recordings", "Predictions", "HeaderStacks", "Daemons", "RoutingDaemons", "LabRecords", "LabModel", "CaptureFile", "Decryption",
                "PacketFormats", "NetworkTypes",
            ],
            swiftSettings: optimized),
        .target(
            name: "AgentProtocol", dependencies: ["LabPlan", "LabRecords", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "Reporting",
            dependencies: [
                "AgentProtocol", "Expectations", "Recordings", "Predictions", "HeaderStacks", "LabPlan", "Imports", "Differences", "Providers", "Daemons", "RoutingDaemons",
                "LabRecords", "LabModel", "NetworkTypes",
            ],
            swiftSettings: strict),

        .target(
            name: "Watching", dependencies: ["AgentProtocol", "Reporting", "LabModel", "NetworkTypes"], swiftSettings: strict),
        .target(
            name: "Futures",
            dependencies: ["Reporting", "Expectations", "Recordings", "Predictions", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .target(name: "Shards", dependencies: ["Reporting"], swiftSettings: strict),
        .target(name: "Serving", dependencies: ["CLinux"], swiftSettings: strict),
        .target(
            name: "Pages",
            dependencies: ["Watching", "AgentProtocol", "Reporting", "Expectations", "Recordings", "Predictions", "LabModel", "NetworkTypes"],
            swiftSettings: strict),

        // What touches the kernel a lab runs on.
        .target(
            name: "Netlink", dependencies: ["CNetlink", "CNftables", "CLinux", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "PacketCapture", dependencies: ["CPcap", "Netlink", "PacketFormats", "NetworkTypes"],
            swiftSettings: optimized),
        .target(
            name: "NodeRuntime",
            dependencies: ["AgentProtocol", "LabPlan", "Daemons", "DaemonProfiles", "LabModel", "Netlink", "CLinux", "NetworkTypes"],
            swiftSettings: strict),
        .target(
            name: "Probing",
            dependencies: [
                "NodeRuntime", "AgentProtocol", "LabRecords", "Netlink", "PacketFormats", "CLinux", "NetworkTypes",
            ],
            swiftSettings: strict),
        .target(
            name: "DaemonDrivers",
            dependencies: [
                "NodeRuntime", "AgentProtocol", "LabPlan", "Daemons", "DaemonProfiles", "RoutingDaemons", "LabRecords", "Certificates", "LabModel", "Decryption", "CLinux",
                "NetworkTypes",
            ],
            swiftSettings: strict),
        .target(
            name: "LabRuntime",
            dependencies: [
                "Probing", "DaemonDrivers", "NodeRuntime", "AgentProtocol", "LabPlan", "HeaderStacks", "Daemons", "DaemonProfiles", "RoutingDaemons", "LabRecords", "Certificates", "LabModel", "Netlink",
                "PacketCapture", "CaptureFile", "Decryption", "PacketFormats", "CLinux", "NetworkTypes",
            ],
            swiftSettings: strict),

        // What runs on the host: the lab kernel, its supervisor, the command.
        .target(
            name: "KernelBuilds",
            dependencies: [
                "CLinux",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            resources: [.embedInCode("lab-kernel.config")],
            swiftSettings: strict),
        .target(
            name: "Userlands",
            dependencies: [
                "KernelBuilds", "Daemons", "DaemonProfiles", "LabModel", .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .target(
            name: "LabHost",
            dependencies: [
                "KernelBuilds", "AgentProtocol", "Daemons", "DaemonProfiles", "LabRecords", "LabModel", "NetworkTypes", "CLinux",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .target(
            name: "CommandSupport",
            dependencies: [
                "NetworkTypes", "CaptureFile", "Decryption", "Expectations", "Recordings", "Derivations", "Predictions", "Daemons",
                "DaemonProfiles", "LabRecords", "LabModel", "LabFiles", "Providers", "Completions", "LabPlan", "AgentProtocol", "KernelBuilds", "Userlands",
                "LabHost", "Futures", "Shards", "Pages", "Reporting", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .target(
            name: "NetlabCommands",
            dependencies: [
                "CommandSupport",
                "NetworkTypes", "PacketFormats", "CaptureFile", "PacketCapture", "Expectations",
                "Derivations", "Predictions", "HeaderStacks", "Daemons", "DaemonProfiles", "ConfigurationFormats", "LabRecords", "LabModel", "LabFiles", "LabDrafts", "Imports", "Differences", "Providers",
                "LabPlan", "AgentProtocol", "KernelBuilds", "LabHost", "LabRuntime", "Pages", "Watching", "Serving", "Futures", "Shards", "Reporting", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .executableTarget(name: "netlab", dependencies: ["NetlabCommands"], swiftSettings: strict),
        // The same with a daemon more, which only the tests know.
        .executableTarget(
            name: "netlab-with-mumble",
            dependencies: [
                "NetlabCommands", "DaemonDrivers", "NodeRuntime", "LabPlan", "Daemons", "DaemonProfiles", "RoutingDaemons", "LabRecords", "LabModel", "NetworkTypes",
            ],
            path: "Tests/Mumble", swiftSettings: strict),

        .testTarget(name: "ArchitectureTests", swiftSettings: strict),
        .testTarget(name: "NetworkTypesTests", dependencies: ["NetworkTypes"], swiftSettings: strict),
        .testTarget(
            name: "PacketFormatsTests", dependencies: ["PacketFormats", "NetworkTypes"], swiftSettings: strict),
        .testTarget(
            name: "CaptureFileTests", dependencies: ["CaptureFile", "PacketFormats", "NetworkTypes"],
            swiftSettings: strict),
        .testTarget(
            name: "DecryptionTests",
            dependencies: [
                "Decryption", "NetworkTypes",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], resources: [.copy("Fixtures")], swiftSettings: strict),
        .testTarget(
            name: "ExpectationsTests",
            dependencies: [
                "Expectations", "Predictions", "HeaderStacks", "LabFiles", "LabRecords", "LabModel", "CaptureFile", "Decryption",
                "PacketFormats", "NetworkTypes",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PredictionsTests", dependencies: ["Predictions", "Daemons", "DaemonProfiles", "LabFiles", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .testTarget(
            name: "DerivationsTests",
            dependencies: [
                "Derivations", "Predictions", "Daemons", "LabFiles", "LabDrafts", "Providers", "LabModel", "NetworkTypes",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ImportsTests",
            dependencies: ["Imports", "Predictions", "LabFiles", "Providers", "LabModel", "NetworkTypes"],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "CompletionsTests", dependencies: ["Completions", "LabFiles", "Providers", "LabModel"], swiftSettings: strict),
        .testTarget(
            name: "DifferencesTests", dependencies: ["Differences", "LabFiles", "LabModel"], swiftSettings: strict),
        .testTarget(
            name: "RecordingsTests",
            dependencies: [
                "Recordings", "Expectations", "Predictions", "LabRecords", "LabFiles", "LabModel", "CaptureFile", "PacketFormats",
                "NetworkTypes",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CertificatesTests", dependencies: ["Certificates", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .testTarget(
            name: "LabFilesTests",
            dependencies: [
                "LabFiles", "Certificates", "Providers", "Daemons", "RoutingDaemons", "ConfigurationFormats", "LabModel",
                "NetworkTypes", .product(name: "Yams", package: "Yams"),
            ], swiftSettings: strict),
        .testTarget(
            name: "LabPlanTests",
            dependencies: [
                "LabPlan", "Daemons", "DaemonProfiles", "RoutingDaemons", "ConfigurationFormats", "LabFiles", "LabModel", "NetworkTypes", .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "AgentProtocolTests",
            dependencies: ["AgentProtocol", "LabPlan", "LabFiles", "LabRecords", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .testTarget(
            name: "ReportingTests",
            dependencies: [
                "Reporting", "AgentProtocol", "Expectations", "Recordings", "Predictions", "HeaderStacks", "Daemons", "DaemonProfiles", "LabFiles",
                "LabRecords", "LabModel", "NetworkTypes",
            ],
            swiftSettings: strict),
        .testTarget(name: "ServingTests", dependencies: ["Serving"], swiftSettings: strict),
        .testTarget(
            name: "WatchingTests", dependencies: ["Watching", "AgentProtocol", "Reporting", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .testTarget(
            name: "FuturesTests",
            dependencies: [
                "Futures", "Reporting", "Expectations", "Recordings", "Predictions", "LabRecords", "LabModel", "NetworkTypes",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ShardsTests",
            dependencies: ["Shards", "Pages", "Reporting", "Expectations", "Recordings", "Predictions", "LabRecords", "LabModel", "NetworkTypes"],
            swiftSettings: strict),
        .testTarget(
            name: "PagesTests",
            dependencies: [
                "AgentProtocol", "Watching", "Daemons", "Pages", "Reporting", "Expectations", "Recordings", "Predictions", "LabFiles", "LabRecords", "LabModel",
                "NetworkTypes",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "DaemonsTests",
            dependencies: [
                "Certificates", "Daemons", "DaemonProfiles", "RoutingDaemons", "ConfigurationFormats", "DaemonDrivers", "LabFiles", "LabRecords", "LabModel", "Decryption",
                "NetworkTypes",
            ],
            resources: [.copy("Fixtures")], swiftSettings: strict),
        .testTarget(
            name: "LabHostTests",
            dependencies: [
                "LabHost", "KernelBuilds", "AgentProtocol", "Daemons", "CLinux", .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "UserlandsTests",
            dependencies: [
                "Userlands", "KernelBuilds", "Daemons", "DaemonProfiles", "LabModel", .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LabRuntimeTests",
            dependencies: [
                "LabRuntime", "Probing", "NodeRuntime", "LabRecords", "AgentProtocol", "Netlink", "PacketFormats", "LabPlan", "LabFiles", "LabModel",
                "NetworkTypes",
            ], swiftSettings: strict),
        .testTarget(
            name: "PacketCaptureTests",
            dependencies: ["PacketCapture", "Netlink", "PacketFormats", "NetworkTypes"],
            swiftSettings: strict),
        fuzzing,
        .testTarget(
            name: "NetlinkTests", dependencies: ["Netlink", "HeaderStacks", "NetworkTypes"], swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Certificates", "RoutingDaemons", "LabModel", "NetworkTypes",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], exclude: ["Programs"], swiftSettings: strict),
    ]
)
