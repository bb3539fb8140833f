import Glibc

extension NetworkNamespace {
    /// Reads a network setting of the namespace, without the final line feed.
    ///
    /// - Parameter key: a name below `net`, such as `net.ipv4.ip_forward`. As in sysctl(8), the first separator decides:
    ///   in `net/ipv4/conf/eth0.5/rp_filter` and `net.ipv4.conf.eth0/5.rp_filter` the interface is `eth0.5`.
    /// - Throws: `NetlinkError`: `EINVAL` for a name that is not below `net`, `ENOENT` for an unknown one.
    public func sysctl(_ key: String) throws -> String {
        let path = try Self.sysctlPath(key)
        return try perform { try Self.read(path, key) }
    }

    /// Sets a network setting of the namespace, and returns the value it had.
    ///
    /// Needs to be root in the namespace's user namespace.
    ///
    /// - Parameter key: as for `sysctl(_:)`.
    /// - Throws: `NetlinkError`: besides those of `sysctl(_:)`, `EINVAL` for a value that the kernel does not take.
    @discardableResult
    public func setSysctl(_ key: String, _ value: String) throws -> String {
        let path = try Self.sysctlPath(key)
        return try perform {
            let previous = try Self.read(path, key)
            try Self.write(value, path, key)
            return previous
        }
    }

    /// Sets several settings inside the namespace at one go; stops at the first that fails.
    ///
    /// - Throws: ``NetlinkError``.
    public func setSysctls(_ settings: [(key: String, value: String)]) throws {
        let resolved = try settings.map { (path: try Self.sysctlPath($0.key), key: $0.key, value: $0.value) }
        try perform {
            for setting in resolved { try Self.write(setting.value, setting.path, setting.key) }
        }
    }

    /// The file of a setting; no name leads out of /proc/sys/net.
    static func sysctlPath(_ key: String) throws -> String {
        let separator = key.first { $0 == "." || $0 == "/" } ?? "."
        let other: Character = separator == "." ? "/" : "."
        let parts = key.split(separator: separator, omittingEmptySubsequences: false).map { part in
            separator == "." ? String(part.map { $0 == other ? "." : $0 }) : String(part)
        }
        let isSafe = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2F }
        }
        guard isSafe, parts.count >= 2, parts.first == "net" else {
            throw NetlinkError(
                errno: EINVAL, operation: "use sysctl", object: key.debugDescription,
                kernelMessage: "the name must be below net, as in net.ipv4.ip_forward")
        }
        return "/proc/sys/" + parts.joined(separator: "/")
    }

    private static func read(_ path: String, _ key: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw NetlinkError(errno: errno, operation: "read sysctl", object: key) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw NetlinkError(errno: errno, operation: "read sysctl", object: key) }
        let text = String(decoding: buffer.prefix(count), as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    private static func write(_ value: String, _ path: String, _ key: String) throws {
        let object = "\(key) = \(value)"
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw NetlinkError(errno: errno, operation: "set sysctl", object: object) }
        defer { close(descriptor) }
        let bytes = Array(value.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw NetlinkError(errno: errno, operation: "set sysctl", object: object)
        }
    }
}
