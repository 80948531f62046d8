/// The reference page of the policy language, made from the tables that the reader uses.
package enum PolicyReference {
    package static var markdown: String {
        let records = [PolicyDocument.self as any PolicyRecord.Type] + PolicySchema.records(in: PolicyDocument.self)
        let page = records.map { self.section(of: $0.description, isRoot: $0 == PolicyDocument.self) }.joined(separator: "\n")
        return self.introduction + "\n" + page
    }

    private static let introduction = """
        # Policy reference

        <!-- Made by `sluice schema --output md` from the tables that read policies: change those, not this page. -->

        Every key of a policy, its default and what it means. How the parts work together is told in the guide; `sluice check` tells
        what is wrong in a file of yours, and `sluice config --effective` what it amounts to with every default filled in.

        * Keys that begin with `x-` are allowed everywhere and ignored: anchors live there. Every other unknown key is an error.
        * A single value may be given where a list is wanted. `*` in a pattern stands for any run of characters.
        * Durations: `250ms` `30s` `5m` `4h` `2d` `36mo`, at most a century. Counts: `64` `10k` `2M` `70B`. Percentages: `50%`. Amounts are plain
          numbers in `currency`.
        * `${NAME}`, `${NAME:-default}` and `${NAME:?message}` are filled in from the environment; secrets also come as `${file:/path}` and
          `${cred:name}`. `$${` is a plain `${`.

        """

    private static func section(of record: RecordDescription, isRoot: Bool) -> String {
        let title = isRoot ? "Sections" : record.noun.prefix(1).uppercased() + record.noun.dropFirst()
        let rows = record.members.map(self.row).joined(separator: "\n")
        return "## \(title)\n\n\(record.sentence)\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n\(rows)\n"
    }

    private static func row(_ member: RecordDescription.Member) -> String {
        var meaning = member.sentence
        if let condition = member.condition { meaning += " Only for \(condition)." }
        if member.notYet != nil { meaning += " *Read, but not yet acted on.*" }
        let links = member.records.first.map { record in "[\(member.word)](#\(record.definitionName))" } ?? member.word
        let value = member.isRequired ? "**required**" : member.defaultText ?? "–"
        return "| `\(member.key)` | \(self.cell(links)) | \(self.cell(value)) | \(self.cell(meaning)) |"
    }

    private static func cell(_ text: String) -> String {
        String(text.flatMap { $0 == "|" ? Array("\\|") : [$0] })
    }
}
