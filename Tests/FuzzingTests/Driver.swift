import Glibc

/// The target, named by `NETLAB_FUZZ_TARGET`: libFuzzer's own arguments leave no place for it.
private let target: FuzzTarget = {
    let name = getenv("NETLAB_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        print(name.isEmpty ? names : "there is no fuzz target \"\(name)\"; there are: \(names)")
        exit(name.isEmpty ? 0 : 2)
    }
    return target
}()

/// What libFuzzer calls for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func readOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try target.read(Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
        fatalError("\(target.rawValue): \(error)")
    }
    return 0
}
