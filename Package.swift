// swift-tools-version: 6.2
import PackageDescription

/// What every target is built with: Swift 6, four features that will be the default one day, and no warnings.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    // Exclusive access is checked in debug builds; functions in sections of their own can be laid beside each other.
    .unsafeFlags(["-enforce-exclusivity=unchecked", "-Xfrontend", "-function-sections"], .when(configuration: .release)),
]

/// Lays the functions that a request runs through beside each other (`make order` finds them): a core's cache then holds most of them. And no names
/// for other libraries, which keep a tenth of the program: nothing looks for them.
let release: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-use-ld=lld", "-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/Sources/sluice/symbols.order", "-Xlinker",
            "--no-warn-symbol-ordering", "-Xlinker", "--no-export-dynamic",
        ], .when(configuration: .release))
]

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
/// The system's SQLite as GRDB sees it: the ledger's hottest statement speaks to it directly.
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")

let package = Package(
    name: "sluice",
    products: [.executable(name: "sluice", targets: ["sluice"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The core and what is pure.
        .target(name: "SluiceCore", swiftSettings: settings),
        .target(
            name: "SluicePolicy",
            dependencies: [
                "SluiceCore", log, lifecycle, .product(name: "UnixSignals", package: "swift-service-lifecycle"), crypto,
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .target(name: "SluiceWire", dependencies: ["SluiceCore", nio], swiftSettings: settings),

        // The road.
        .target(name: "CSocketWait"),
        .target(name: "SluiceDispatch", dependencies: ["CSocketWait", "SluiceCore", "SluiceWire", nio, log], swiftSettings: settings),
        .target(name: "CClock"),
        .target(name: "CCurl"),
        .target(
            name: "SluiceTransfer",
            dependencies: ["CCurl", "SluiceCore", "SluiceDispatch", "SluiceWire", nio, nioPosix],
            swiftSettings: settings),
        .target(
            name: "SluiceServer",
            dependencies: [
                "SluiceCore", "SluiceDispatch", "SluiceWire", nio, log, crypto, hummingbird, nioSSL,
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            ],
            swiftSettings: settings),
        .target(
            name: "SluiceBatch",
            dependencies: ["SluiceCore", "SluiceDispatch", "SluiceWire", nio, nioPosix, log, lifecycle, crypto],
            swiftSettings: settings),

        // The stores.
        .target(name: "SluiceSQLite", dependencies: ["SluiceCore", crypto, grdb, sqlite], swiftSettings: settings),

        // For tests.
        .target(
            name: "SluiceTesting",
            dependencies: ["SluiceCore", "SluiceDispatch", nio, nioPosix, nioHTTP1, nioSSL],
            swiftSettings: settings),
        .testTarget(
            name: "SluiceTransferTests",
            dependencies: ["SluiceCore", "SluiceDispatch", "SluiceTesting", "SluiceTransfer", nio, nioPosix],
            swiftSettings: settings),
        .testTarget(name: "SluiceWireTests", dependencies: ["SluiceCore", "SluiceWire", nio], swiftSettings: settings),
        .testTarget(name: "SluiceCoreTests", dependencies: ["SluiceCore", "SluiceTesting"], swiftSettings: settings),
        .testTarget(
            name: "SluiceDispatchTests",
            dependencies: [
                "SluiceCore", "SluiceDispatch", "SluiceSQLite", "SluiceTesting", "SluiceTransfer", "SluiceWire", nio, nioPosix, log,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SluiceBatchTests", dependencies: ["SluiceBatch", "SluiceCore", "SluiceSQLite", "SluiceTesting"], swiftSettings: settings),
        .testTarget(
            name: "SluiceSQLiteTests",
            dependencies: ["SluiceCore", "SluiceSQLite", "SluiceTesting", "sluice-store-probe", grdb, crypto], exclude: ["Fixtures"],
            swiftSettings: settings),
        // A process of its own that measures the store, or writes to it until it is killed.
        .executableTarget(
            name: "sluice-store-probe",
            dependencies: ["SluiceCore", "SluiceDispatch", "SluiceSQLite", "SluiceTesting", grdb],
            path: "Tests/StoreProbe",
            swiftSettings: settings,
            // So that SQLite finds the calls that are counted (`SyncCount`).
            linkerSettings: [.unsafeFlags(["-Xlinker", "--export-dynamic-symbol=fdatasync", "-Xlinker", "--export-dynamic-symbol=fsync"])]),
        // One that mutates inputs of every reader of foreign bytes.
        .executableTarget(
            name: "sluice-fuzz-probe",
            dependencies: [
                "SluiceCore", "SluiceDispatch", "SluicePolicy", "SluiceTesting", "SluiceTransfer", "SluiceWire", nio, nioHTTP1,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            path: "Tests/FuzzProbe",
            exclude: ["agree.py"],
            swiftSettings: settings),
        // One that plays worlds drawn by chance around the dispatcher, in virtual time.
        .executableTarget(
            name: "sluice-sim-probe",
            dependencies: [
                "SluiceCore", "SluiceDispatch", "SluiceTesting", "SluiceTransfer", "SluiceWire", log, nio,
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            path: "Tests/SimProbe",
            swiftSettings: settings),
        .testTarget(name: "FuzzTests", dependencies: ["SluiceTesting", "sluice-fuzz-probe"], swiftSettings: settings),
        // One that measures a transport against a server that runs elsewhere.
        .executableTarget(
            name: "sluice-transfer-probe",
            dependencies: ["SluiceCore", "SluiceDispatch", "SluiceTransfer", nio, nioPosix],
            path: "Tests/TransferProbe",
            swiftSettings: settings),

        // The program.
        .executableTarget(
            name: "sluice",
            dependencies: [
                "CClock", "SluiceBatch", "SluiceCore", "SluiceDispatch", "SluicePolicy", "SluiceSQLite", "SluiceServer", "SluiceTransfer", "SluiceWire",
                hummingbird, log, lifecycle, crypto, nio, nioPosix,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "DequeModule", package: "swift-collections"),
                grdb,
                nioSSL,
                .product(name: "Yams", package: "Yams"),
            ],
            exclude: ["symbols.order"],
            swiftSettings: settings,
            linkerSettings: release),
        .testTarget(
            name: "SluicePolicyTests", dependencies: ["SluiceCore", "SluicePolicy", log, lifecycle], exclude: ["Fixtures"], swiftSettings: settings),
        .testTarget(name: "SluiceCommandTests", dependencies: ["sluice"], swiftSettings: settings),
    ])
