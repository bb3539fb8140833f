/// Whence a value of an imported lab is.
enum Origin: Hashable {
    /// A file, and the value's place in it: `vpn.json`, `VpnConnections[0].VpnConnectionId`.
    case read(file: String, path: String)
    /// By no input, with why it is what it is.
    case assumed(String)

    var isAssumed: Bool { if case .assumed = self { true } else { false } }

    /// As a comment in the lab file has it.
    var comment: String {
        switch self {
        case .read(let file, let path): path.isEmpty ? file : "\(file): \(path)"
        case .assumed(let why): "assumed: \(why)"
        }
    }
}

/// A value together with whence it is.
struct Sourced<Value> {
    var value: Value
    let origin: Origin

    init(_ value: Value, _ origin: Origin) {
        self.value = value
        self.origin = origin
    }

    static func assumed(_ value: Value, _ why: String) -> Self { Self(value, .assumed(why)) }

    /// Nil where the transformation has no result.
    func map<Other>(_ transform: (Value) -> Other?) -> Sourced<Other>? {
        transform(value).map { Sourced<Other>($0, origin) }
    }
}

extension Sourced: Equatable where Value: Equatable {}
extension Sourced: Hashable where Value: Hashable {}

extension Sourced where Value == Int {
    /// Nil for 0, which Terraform has where nothing is set.
    var positive: Sourced<Int>? { value > 0 ? self : nil }
}
