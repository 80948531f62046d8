import Glibc
import SluiceTesting
import Synchronization

/// A promise that a reader did not keep.
struct Broken: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// A reader of foreign bytes, and what must hold for every input.
struct FuzzTarget: Sendable {
    let name: String
    let mutator: @Sendable (FuzzCorpus) -> Mutator
    /// - Throws: ``Broken``.
    let check: @Sendable ([UInt8], inout SeededGenerator) throws -> Void
}

/// So many rounds of one target.
struct FuzzRun {
    /// No input may take longer, in a debug build on a busy machine.
    private static let longest = Duration.seconds(5)

    let target: FuzzTarget
    let corpus: FuzzCorpus
    let options: FuzzOptions

    /// False where a promise was broken; says how to replay it.
    func perform() -> Bool {
        CrashNote.install(target: self.target.name, seed: self.options.seed)
        let mutator = self.target.mutator(self.corpus)
        let clock = ContinuousClock()
        let began = clock.now
        for round in self.options.only.map({ $0..<$0 + 1 }) ?? 0..<self.options.rounds {
            CrashNote.round.store(round, ordering: .relaxed)
            var chance = SeededGenerator(seed: self.options.seed &+ UInt64(round) &* 0x9E37_79B9_7F4A_7C15)
            let input = mutator.input(&chance)
            do {
                let time = try clock.measure { try self.target.check(input, &chance) }
                if time > FuzzRun.longest { throw Broken("it took \(time)") }
            } catch {
                let reason = (error as? Broken)?.reason ?? "\(error)"
                print(
                    "\(self.target.name): \(reason)\n  replay: \(self.target.name) --seed \(self.options.seed) --only \(round)\n  input: \(FuzzRun.shown(input))"
                )
                return false
            }
        }
        print(
            "\(self.target.name): \(self.options.only == nil ? self.options.rounds : 1) rounds in \(began.duration(to: clock.now)), seed \(self.options.seed)")
        return true
    }

    private static func shown(_ input: [UInt8]) -> String {
        input.prefix(2000).map {
            $0 >= 0x20 && $0 < 0x7F && $0 != 0x5C ? String(UnicodeScalar($0)) : "\\x" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
        }.joined()
    }
}

/// Tells the seed and the round of a crash, from the signal's handler: nothing there may allocate.
enum CrashNote {
    static let round = Atomic(0)
    /// The address of a C string.
    private static let text = Atomic<UInt>(0)

    static func install(target: String, seed: UInt64) {
        self.text.store(UInt(bitPattern: strdup("\ncrashed: \(target) --seed \(seed) --only ")), ordering: .sequentiallyConsistent)
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGABRT, SIGFPE, SIGBUS] {
            signal(number) { number in
                CrashNote.tell()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    private static func tell() {
        guard let text = UnsafePointer<CChar>(bitPattern: self.text.load(ordering: .sequentiallyConsistent)) else { return }
        _ = write(STDERR_FILENO, text, strlen(text))
        var digits: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 10)
        var left = self.round.load(ordering: .relaxed)
        withUnsafeMutableBytes(of: &digits) { digits in
            for place in stride(from: 8, through: 0, by: -1) {
                digits[place] = UInt8(ascii: "0") + UInt8(left % 10)
                left /= 10
            }
            _ = write(STDERR_FILENO, digits.baseAddress, digits.count)
        }
    }
}
