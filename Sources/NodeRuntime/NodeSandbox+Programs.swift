import Glibc

extension NodeSandbox {
    /// Ends every program that runs in the node, by SIGKILL: all that see its files, whoever has started them.
    public func endPrograms() {
        guard let processes = opendir("/proc") else { return }
        defer { closedir(processes) }
        guard let own = Self.target(of: "/proc/self/fd/\(fileSystem)") else { return }
        while let entry = readdir(processes) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let process = pid_t(name), Self.target(of: "/proc/\(name)/ns/mnt") == own else { continue }
            kill(process, SIGKILL)
        }
    }

    /// What a symbolic link says, such as `mnt:[4026532178]`.
    private static func target(of path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
