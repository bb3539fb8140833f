/// Calls a function with a null-terminated array of C strings, as execve(2) takes them, which are gone afterwards.
public func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { text in
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (place, byte) in bytes.enumerated() { copy[place] = byte }
        return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    return body(copies + [nil])
}
