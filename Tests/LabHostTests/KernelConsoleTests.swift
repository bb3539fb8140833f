import Testing

@testable import LabHost

@Suite("KernelConsole")
struct KernelConsoleTests {
    /// As Linux 6.1 ends on a processor with AMX.
    private static let floatingPoint = """
        Core dump limits :
        	soft - 1
        	hard - 1
        Checking that ptrace can change system call numbers...OK
        Checking syscall emulation patch for ptrace...OK
        Checking PROT_EXEC mmap in /dev/shm/netlab...OK
        [    0.000000] Linux version 6.1.192-netlab
        userspace - ptrace set fp regs failed, errno = 14
        [    0.120000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b
        [    0.120000] CPU: 0 PID: 1 Comm: init Not tainted 6.1.192-netlab #1
        [    0.120000] Stack:
        [    0.120000]  60583a40 60427b7a 00000000 6049a1e0
        [    0.120000]  00000000 00000000 60583a70 604300ab
        [    0.120000] Call Trace:
        [    0.120000]  [<60427b7a>] ? _printk+0x0/0x94
        [    0.120000]  [<6002a1f0>] show_stack+0x12c/0x13b
        """

    @Test
    func `A panic is named with what was printed before it, and its remedy; not by the stack's last line`() {
        let cause = KernelConsole(Self.floatingPoint).cause
        #expect(
            cause?.words
                == "panic: Attempted to kill init! exitcode=0x0000000b; before that: userspace - ptrace set fp regs failed, errno = 14"
        )
        #expect(cause?.remedy.contains("netlab kernel build --force") == true)
    }

    @Test(
        arguments: [
            (
                "Checking PROT_EXEC mmap in /tmp...Operation not permitted\n/tmp must be not mounted noexec\n",
                "/tmp must be not mounted noexec", "TMPDIR"
            ),
            (
                "Checking that seccomp filters can be installed...missing\nCore dump limits :\n\tsoft - 0\nstart_ptraced_child : ptrace failed: Operation not permitted\n",
                "start_ptraced_child : ptrace failed: Operation not permitted", "forbids ptrace(2) and seccomp"
            ),
            ("Kernel mode signal 7\n[  1.0]  [<6002a1f0>] show_stack+0x12c/0x13b\n", "Kernel mode signal 7", "TMPDIR"),
        ])
    func `What the host refuses is found among what it gives`(text: String, words: String, remedy: String) {
        let cause = KernelConsole(text).cause
        #expect(cause?.words == words)
        #expect(cause?.remedy.contains(remedy) == true)
    }

    @Test(
        arguments: [
            (
                "*** bit out of range 0 - FD_SETSIZE on fd_set ***: terminated\n",
                "bit out of range 0 - FD_SETSIZE on fd_set: terminated"
            ),
            ("", "Program crashed: Bad pointer dereference at 0x0e4"),
        ])
    func `A crash of the agent is named by its first line, not by its trace's end`(first: String, words: String) {
        let cause = KernelConsole(
            """
            Checking that seccomp filters can be installed...OK
            \(first)
            *** Signal 11: Backtracing from 0x42124366... done ***

            *** Program crashed: Bad pointer dereference at 0x0e4 ***

            Thread 0 "init" crashed:

            Backtrace took 0.00s
            """
        ).cause
        #expect(cause?.words == "the agent crashed: \(words)" && cause?.remedy.contains("netlab's") == true)
    }

    @Test
    func `A kernel that said nothing of interest has no cause`() {
        #expect(KernelConsole("").cause == nil)
        #expect(
            KernelConsole("Core dump limits :\n\tsoft - 0\nChecking syscall emulation for ptrace...OK\n").cause == nil)
    }

    @Test
    func `Whether guest programs run under seccomp filters is what the kernel's own trial says`() {
        let trial = "Checking that seccomp filters can be installed..."
        #expect(KernelConsole("\(trial)OK\n").usesSeccomp == true)
        #expect(KernelConsole("\(trial)missing\n").usesSeccomp == false)
        #expect(KernelConsole("\(trial)error\n").usesSeccomp == false)
        #expect(KernelConsole(Self.floatingPoint).usesSeccomp == nil)
    }
}
