import SluiceCore

extension FieldReader {
    /// The text of a scalar with its references filled in.
    ///
    /// - Returns: nil where there is no text to go on with; why is reported.
    mutating func text(of node: SourceNode, wants: String) -> String? {
        guard case .scalar(let raw, _) = node.content, !node.isEmpty else {
            self.wrongType(node, wants: wants)
            return nil
        }
        guard !SecretShape.holdsKey(raw) else {
            self.hideLine(of: node.span)
            self.report(
                .error, .secretLiteral, "this looks like a secret, and no secret belongs here", at: node.span,
                hint: "remove it, and change the key: it has been written down")
            return nil
        }
        guard let interpolation = self.interpolation(of: raw, at: node.span) else { return nil }
        if let plain = interpolation.plainText { return plain }
        var text = ""
        for part in interpolation.parts {
            switch part {
            case .literal(let literal):
                text += literal
            case .variable(let variable):
                guard let value = self.value(of: variable, at: node.span) else { return nil }
                text += value
            case .file, .credential:
                self.report(.error, .badValue, "only secrets are read from files, and this is none", at: node.span, hint: "use ${NAME}")
                return nil
            }
        }
        return text
    }

    /// A secret as the policy names it; it is not read here.
    ///
    /// - Parameter allowsLiteral: The value need not be secret, as in a backend's fixed headers.
    mutating func secret(of node: SourceNode, allowsLiteral: Bool = false) -> SecretText? {
        guard case .scalar(let raw, _) = node.content, !node.isEmpty else {
            self.wrongType(node, wants: "a reference such as ${NAME}")
            return nil
        }
        guard let interpolation = self.interpolation(of: raw, at: node.span) else { return nil }
        let secret = SecretText(parts: interpolation.parts.map(SecretText.Part.init))
        if secret.isLiteral, !allowsLiteral || SecretShape.holdsKey(raw) {
            self.refuseLiteral(at: node.span)
            return nil
        }
        for part in interpolation.parts { self.lookFor(part, at: node.span) }
        return secret
    }

    /// Says so where what a secret is read from is not there.
    private mutating func lookFor(_ part: Interpolation.Part, at span: SourceSpan) {
        switch part {
        case .literal: return
        case .variable(let variable): _ = self.value(of: variable, at: span)
        case .file(let path): self.lookFor(path, at: span)
        case .credential(let name): self.lookFor(self.environment.credentialPath(name), at: span)
        }
    }

    private mutating func lookFor(_ path: String, at span: SourceSpan) {
        guard !self.environment.hasFile(path) else { return }
        self.report(
            self.environment.purpose == .serve ? .error : .note, .unsetVariable, "the file `\(path)` is not there, or cannot be read",
            at: span)
    }

    mutating func refuseLiteral(at span: SourceSpan) {
        self.hideLine(of: span)
        let key: String
        switch self.steps.last {
        case .key(let name): key = name
        case .entry(_, let name): key = name.text
        case .index, nil: key = "- "
        }
        self.report(.error, .secretLiteral, "this looks like a secret", at: span, hint: "write  \(key): ${\(self.variableName)}")
    }

    /// A name that looks like a secret.
    mutating func refuseKey(_ key: Name, noun: String) {
        self.hideLine(of: key.span)
        self.report(
            .error, .secretLiteral, "this looks like a secret, and the name of \(noun.withArticle) is none", at: key.span,
            hint: "remove it, and change the key: it has been written down")
    }

    /// A likely name for the variable: `OPENAI_API_KEY` for the backend `openai`.
    private var variableName: String {
        for case .entry("backend", let name) in self.steps {
            return String(name.text.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }) + "_API_KEY"
        }
        return "NAME"
    }

    private mutating func interpolation(of text: String, at span: SourceSpan) -> Interpolation? {
        do {
            return try Interpolation(text)
        } catch {
            self.report(.error, .badValue, error.message, at: span)
            return nil
        }
    }

    private mutating func value(of variable: Interpolation.Variable, at span: SourceSpan) -> String? {
        if let value = self.environment.variables[variable.name], !value.isEmpty || variable.fallback == nil { return value }
        if let fallback = variable.fallback { return fallback }
        self.report(
            self.environment.purpose == .serve ? .error : .note, .unsetVariable,
            "the environment variable `\(variable.name)` is not set\(variable.message.map { ": \($0)" } ?? "")", at: span)
        return nil
    }
}

extension SecretText.Part {
    fileprivate init(_ part: Interpolation.Part) {
        switch part {
        case .literal(let text): self = .literal(text)
        case .variable(let variable): self = .environment(variable.name, fallback: variable.fallback)
        case .file(let path): self = .file(path)
        case .credential(let name): self = .credential(name)
        }
    }
}
