/// The kernel's list of Unix sockets, /proc/net/unix (proc(5)).
public enum UnixSockets {
    /// Whether a socket bound to the path takes connections: its flags have `__SO_ACCEPTCON`.
    ///
    /// /var/run is /run (hier(7)), and the list has the path that the program has said.
    public static func isListening(_ path: String, in list: String) -> Bool {
        list.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            return fields.count == 8 && (fields[7] == path || fields[7] == "/var\(path)")
                && UInt32(fields[3], radix: 16).map { $0 & 0x10000 != 0 } ?? false
        }
    }
}

extension NodeSandbox {
    /// Whether a program of the node's takes connections at a path, as the node sees it.
    ///
    /// - Throws: ``LabFailure``.
    public func isListening(at path: String) throws -> Bool {
        UnixSockets.isListening(path, in: try network.perform { GuestSystem.read("/proc/thread-self/net/unix") ?? "" })
    }
}
