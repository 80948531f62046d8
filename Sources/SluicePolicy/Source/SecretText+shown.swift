import SluiceCore

extension SecretText {
    /// As the policy names it; nothing that could be the secret itself is shown.
    var shown: String {
        self.parts.map { part in
            switch part {
            case .literal(let text): self.isLiteral ? text : SecretShape.mask(text)
            case .environment(let name, let fallback): fallback == nil ? "${\(name)}" : "${\(name):-••••}"
            case .file(let path): "${file:\(path)}"
            case .credential(let name): "${cred:\(name)}"
            }
        }.joined()
    }
}
