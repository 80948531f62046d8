/// «Did you mean»: the nearest name to one that does not exist.
package enum NearName {
    /// The best candidate at a Damerau-Levenshtein distance of at most 2 or a third of the length; nil where none is near.
    package static func best(for name: String, among candidates: some Sequence<String>) -> String? {
        let limit = max(2, name.count / 3)
        guard name.count <= 100 else { return nil }
        return
            candidates
            .map { (name: $0, distance: self.distance(Array(name), Array($0))) }
            .filter { $0.distance <= limit && $0.distance < max($0.name.count, name.count) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?
            .name
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    static func distance(_ a: [Character], _ b: [Character]) -> Int {
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var before: [Int] = []
        var previous = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + Array(repeating: 0, count: b.count)
            for j in 1...b.count {
                let cost = a[i - 1] == b[j - 1] ? 0 : 1
                row[j] = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + cost)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], before[j - 2] + 1) }
            }
            before = previous
            previous = row
        }
        return previous[b.count]
    }
}
