/// The forms of a small language, such as that of faults, and what may come next in a sentence of it.
///
/// A form is `loss LINK SHARE [from NODE]`: words, capital words that stand for something, choices such as `up|down`, and parts in
/// brackets that may be missing.
struct SentenceForms: Sendable {
    private enum Place: Hashable, Sendable {
        case word(String)
        case choice([String])
        /// What stands for something, by its capital word.
        case name(String)
    }

    /// With and without each part in brackets.
    private let forms: [[Place]]
    /// What a capital word may stand for after the words before it; nothing where nothing is known.
    private let names: @Sendable (_ name: String, _ before: [String]) -> [String]
    /// Whether a text is a whole sentence that makes sense.
    private let isWhole: @Sendable (String) -> Bool

    init(
        _ forms: [String], names: @escaping @Sendable (_ name: String, _ before: [String]) -> [String],
        isWhole: @escaping @Sendable (String) -> Bool
    ) {
        self.forms = forms.flatMap(Self.places)
        self.names = names
        self.isWhole = isWhole
    }

    private static func places(of form: String) -> [[Place]] {
        var all: [[Place]] = [[]]
        // Those that began a part in brackets without it.
        var skipping: [[Place]] = []
        for part in form.split(separator: " ") {
            if part.hasPrefix("[") { skipping = all }
            let word = String(part.filter { $0 != "[" && $0 != "]" })
            let place: Place =
                if word.contains(where: \.isUppercase) {
                    .name(word)
                } else if word.contains("|") {
                    .choice(word.split(separator: "|").map(String.init))
                } else {
                    .word(word)
                }
            all = all.map { $0 + [place] }
            if part.hasSuffix("]") {
                all += skipping
                skipping = []
            }
        }
        return all
    }

    // MARK: What may come

    /// The words that may come next, each of which something can follow so that the sentence makes sense.
    func next(after words: [String]) -> [String] {
        possible(after: words).filter { leadsToWhole(words + [$0]) }
    }

    /// Whole sentences that begin with these words and then this one, the shortest ones: without parts that may be missing.
    ///
    /// - Parameter limit: How many at the most.
    func sentences(after words: [String], beginningWith word: String, limit: Int) -> [String] {
        var found: [String] = []
        func extend(_ words: [String]) {
            guard found.count < limit else { return }
            let text = words.joined(separator: " ")
            if isWhole(text) { return found.append(text) }
            for word in possible(after: words) { extend(words + [word]) }
        }
        extend(words + [word])
        return found
    }

    private func leadsToWhole(_ words: [String]) -> Bool {
        isWhole(words.joined(separator: " ")) || possible(after: words).contains { leadsToWhole(words + [$0]) }
    }

    /// The words that a form has next, whether or not the sentence can come to make sense.
    private func possible(after words: [String]) -> [String] {
        var seen: Set<String> = []
        return forms.filter { Self.fits(words, $0) }.flatMap { form -> [String] in
            switch form[words.count] {
            case .word(let word): [word]
            case .choice(let words): words
            case .name(let name): names(name, words)
            }
        }.filter { seen.insert($0).inserted }
    }

    /// Whether the words are the beginning of a form, and not all of it.
    private static func fits(_ words: [String], _ form: [Place]) -> Bool {
        words.count < form.count
            && zip(words, form).allSatisfy { word, place in
                switch place {
                case .word(let own): word == own
                case .choice(let own): own.contains(word)
                case .name: true
                }
            }
    }
}
