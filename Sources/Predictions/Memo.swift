import Synchronization

/// Answers that have been worked out once, by their question.
final class Memo<Question: Hashable & Sendable, Answer: Sendable>: Sendable {
    private let answers = Mutex<[Question: Answer]>([:])

    func callAsFunction(_ question: Question, else work: () -> Answer) -> Answer {
        if let known = answers.withLock({ $0[question] }) { return known }
        let answer = work()
        answers.withLock { $0[question] = answer }
        return answer
    }
}
