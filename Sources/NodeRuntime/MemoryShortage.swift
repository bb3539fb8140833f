import CLinux

/// Want of memory in a lab kernel, and whom the kernel takes then (mm/oom_kill.c).
public enum MemoryShortage {
    /// Keeps the agent from being taken, and the lab with it. What it starts from now on can be.
    static func spareAgent() { netlab_spare_from_memory_shortage() }

    /// Has the kernel take somebody at once, if there is hardly any memory left.
    ///
    /// The kernel itself waits long: as long as it can throw programs' code away and read it again, a moment later, it hopes.
    public static func end() {
        guard netlab_is_spared() != 0, let text = GuestSystem.read("/proc/meminfo"),
            let total = amount("MemTotal", in: text), let available = amount("MemAvailable", in: text),
            available < total / 32
        else { return }
        // Documentation/admin-guide/sysrq.rst
        try? GuestSystem.write("f", to: "/proc/sysrq-trigger")
    }

    /// A line of /proc/meminfo (proc(5)), in kilobytes.
    static func amount(_ name: String, in text: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
            .flatMap { Int($0.dropFirst(name.count + 1).split(separator: " ").first ?? "") }
    }

    /// Whether the kernel has killed a process for want of memory, by its log.
    ///
    /// Only in a lab kernel, where the agent sees the kernel's own numbers of processes.
    static func took(_ process: Int32) -> Bool {
        guard netlab_is_spared() != 0 else { return false }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = bytes.withUnsafeMutableBytes {
            netlab_kernel_log($0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count))
        }
        return isNoted(process, in: String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self))
    }

    static func isNoted(_ process: Int32, in log: String) -> Bool { log.contains("Killed process \(process) (") }
}
