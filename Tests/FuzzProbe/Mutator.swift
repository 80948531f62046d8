import SluiceTesting

/// Changes inputs a little or a lot, by chance that can be had again.
struct Mutator {
    private static let longest = 65_536
    private static let bytes: [UInt8] = [0, 1, 9, 10, 13, 32, 34, 44, 45, 46, 48, 58, 59, 91, 92, 93, 123, 125, 127, 128, 0xBF, 0xC0, 0xED, 0xEF, 0xF4, 0xFF]

    let seeds: [[UInt8]]
    /// Texts that mean something to the reader.
    let words: [[UInt8]]

    init(seeds: [[UInt8]], words: [String]) {
        self.seeds = seeds
        self.words = words.map { Array($0.utf8) }
    }

    func input(_ chance: inout SeededGenerator) -> [UInt8] {
        guard !self.seeds.isEmpty, Int.random(in: 0..<20, using: &chance) > 0 else { return self.words(&chance) }
        var input = self.seed(&chance)
        for _ in 0..<(1 << max(0, Int.random(in: -3...4, using: &chance))) { self.change(&input, &chance) }
        return Array(input.prefix(Mutator.longest))
    }

    private func seed(_ chance: inout SeededGenerator) -> [UInt8] { self.seeds[Int.random(in: 0..<self.seeds.count, using: &chance)] }
    private func word(_ chance: inout SeededGenerator) -> [UInt8] { self.words[Int.random(in: 0..<self.words.count, using: &chance)] }

    /// Nothing but words, one after the other.
    private func words(_ chance: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 0...40, using: &chance)).flatMap { _ in self.word(&chance) }
    }

    private func change(_ input: inout [UInt8], _ chance: inout SeededGenerator) {
        let place = Int.random(in: 0...input.count, using: &chance)
        let end = min(input.count, place + Int.random(in: 0...(1 << Int.random(in: 0...8, using: &chance)), using: &chance))
        switch Int.random(in: 0..<9, using: &chance) {
        case 0 where place < input.count: input[place] ^= 1 << UInt8.random(in: 0..<8, using: &chance)
        case 1 where place < input.count: input[place] = Mutator.bytes[Int.random(in: 0..<Mutator.bytes.count, using: &chance)]
        case 2: input.insert(UInt8.random(in: 0...255, using: &chance), at: place)
        case 3: input.insert(contentsOf: self.word(&chance), at: place)
        case 4: input.removeSubrange(place..<end)
        case 5: input.insert(contentsOf: input[place..<end], at: place)
        case 6: input.replaceSubrange(place..<end, with: self.word(&chance))
        case 7:
            let other = self.seed(&chance)
            input.replaceSubrange(place..., with: other[min(other.count, place)...])
        default: input.removeSubrange(place...)
        }
    }
}

extension SeededGenerator {
    /// Cuts bytes into pieces of random lengths.
    mutating func pieces(of input: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        let longest = Int.random(in: 1...64, using: &self)
        while start < input.count {
            let end = min(input.count, start + Int.random(in: 1...longest, using: &self))
            pieces.append(Array(input[start..<end]))
            start = end
        }
        return pieces
    }
}
