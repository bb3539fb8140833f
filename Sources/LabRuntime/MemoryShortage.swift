import CLinux

/// Want of memory in a lab kernel, and whom the kernel takes then (mm/oom_kill.c).
enum MemoryShortage {
    /// Keeps the agent from being taken, and the lab with it. What it starts from now on can be.
    static func spareAgent() { netlab_spare_from_memory_shortage() }

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
