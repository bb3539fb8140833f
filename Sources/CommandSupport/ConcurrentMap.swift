extension Sequence where Element: Sendable {
    /// What becomes of each element, in their order; all of them are worked on at once.
    package func concurrentMap<Result: Sendable>(
        _ transform: @escaping @Sendable (Element) async -> Result
    ) async -> [Result] {
        await withTaskGroup(of: (place: Int, result: Result).self) { group in
            for (place, element) in enumerated() { group.addTask { (place, await transform(element)) } }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.place < $1.place }.map(\.result)
        }
    }
}
