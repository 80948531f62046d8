// swift-tools-version: 6.2
import PackageDescription

/// What every target is built with: Swift 6, four features that will be the default one day, and no warnings.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
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
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "SluiceCore", swiftSettings: settings),
        .target(
            name: "SluicePolicy",
            dependencies: ["SluiceCore", log, lifecycle, .product(name: "UnixSignals", package: "swift-service-lifecycle"), crypto, .product(name: "Yams", package: "Yams")],
            swiftSettings: settings),
        .target(name: "SluiceWire", dependencies: ["SluiceCore", nio], swiftSettings: settings),
        .target(name: "SluiceDispatch", dependencies: ["SluiceCore", "SluiceWire", nio, log], swiftSettings: settings),
        .target(
            name: "SluiceTransfer", dependencies: ["SluiceCore", "SluiceDispatch", "SluiceWire", nio, nioPosix], swiftSettings: settings),
        .executableTarget(
            name: "sluice",
            dependencies: [
                "SluiceCore", "SluiceDispatch", "SluicePolicy", "SluiceTransfer", "SluiceWire",
                hummingbird, log, lifecycle, crypto, nio, nioPosix,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SluicePolicyTests", dependencies: ["SluiceCore", "SluicePolicy", log, lifecycle], exclude: ["Fixtures"], swiftSettings: settings),
    ])
