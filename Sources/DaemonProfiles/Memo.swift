import Synchronization

/// Answers that have been worked out once, by their question.
public final class Memo<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
    private let answers = Mutex<[Question: Answer]>([:])
    private let most: Int

    /// - Parameter most: How many answers are kept; whoever asks for more begins anew.
    public init(most: Int = .max) {
        self.most = most
    }

    public func callAsFunction(_ question: Question, else work: () -> Answer) -> Answer {
        if let known = answers.withLock({ $0[question] }) { return known }
        let answer = work()
        answers.withLock { answers in
            if answers.count >= most { answers.removeAll() }
            answers[question] = answer
        }
        return answer
    }
}
