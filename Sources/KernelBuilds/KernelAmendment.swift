/// A change to the kernel's source before it is compiled; each is part of the recipe whose number lab-kernel.config has.
struct KernelAmendment: Sendable, Hashable {
    /// A piece of text in a file, and what stands there instead.
    struct Edit: Sendable, Hashable {
        /// Below the source's own directory.
        let file: String
        let original: String
        let replacement: String
        /// How often the original is there; any other number says that this is not the source the amendment was made for.
        var places = 1
    }

    /// What it is for, in a few words that follow “a change that”.
    let purpose: String
    let edits: [Edit]

    /// A guest program is a process of the host's that the kernel traces. When the kernel is killed, the host would let go
    /// of it, and its next system call would be the host's, with the rights of whoever started the lab: PTRACE_O_EXITKILL
    /// (ptrace(2)) has it die with the kernel. Linux 6.10 came to the same by PR_SET_PDEATHSIG.
    static let programsDieWithTheirKernel = KernelAmendment(
        purpose: "ends guest programs with their kernel",
        edits: [
            Edit(
                file: "arch/um/os-Linux/skas/process.c", original: "PTRACE_O_TRACESYSGOOD)",
                replacement: "(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))", places: 2)
        ])

    /// Before 6.13, the area for a program's floating-point registers has 2696 bytes, and ptrace(2) wants exactly the processor's
    /// XSAVE size to write them (NT_X86_XSTATE): 11008 bytes with AMX, for which the kernel panics at its first program. So what is
    /// written is the area with zeros behind it, as long as the host has it: all that lies there is what no guest program has, since
    /// its use has to be asked for by arch_prctl(2), which the guest's kernel does not know. And a signal's frame takes all of the
    /// area, not its first 832 bytes, without which a handler's use of AVX-512 would show in what it interrupted.
    static let wholeFloatingPointState = KernelAmendment(
        purpose: "keeps floating-point registers of any size",
        edits: [
            Edit(
                file: "arch/x86/um/os-Linux/registers.c",
                original: "int save_i387_registers(int pid, unsigned long *fp_regs)",
                replacement: """
                    /* The host's XSAVE area, and how much of it the host has. */
                    static char host_xstate[1 << 16] __attribute__((aligned(64)));
                    static unsigned long host_xstate_size;

                    int save_i387_registers(int pid, unsigned long *fp_regs)
                    """),
            Edit(
                file: "arch/x86/um/os-Linux/registers.c",
                original: """
                    		if (ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov) < 0)
                    """,
                replacement: """
                    		if (host_xstate_size > FP_SIZE * sizeof(unsigned long)) {
                    			__builtin_memcpy(host_xstate, fp_regs, FP_SIZE * sizeof(unsigned long));
                    			iov.iov_base = host_xstate;
                    			iov.iov_len = host_xstate_size;
                    		}
                    		if (ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov) < 0)
                    """),
            Edit(
                file: "arch/x86/um/os-Linux/registers.c",
                original: """
                    	iov.iov_base = fp_regs;
                    	iov.iov_len = FP_SIZE * sizeof(unsigned long);
                    	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) == 0)
                    		have_xstate_support = 1;
                    """,
                replacement: """
                    	iov.iov_base = host_xstate;
                    	iov.iov_len = sizeof(host_xstate);
                    	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) == 0) {
                    		have_xstate_support = 1;
                    		host_xstate_size = iov.iov_len;
                    		__builtin_memset(host_xstate, 0, sizeof(host_xstate));
                    	}
                    """),
            Edit(
                file: "arch/x86/um/signal.c",
                original: """
                    		err = copy_from_user(regs->regs.fp, (void *)sc.fpstate,
                    				     sizeof(struct _xstate));
                    """,
                replacement: """
                    		err = copy_from_user(regs->regs.fp, (void *)sc.fpstate,
                    				     sizeof(regs->regs.fp));
                    """),
            Edit(
                file: "arch/x86/um/signal.c",
                original: "copy_to_user(to_fp, regs->regs.fp, sizeof(struct _xstate))",
                replacement: "copy_to_user(to_fp, regs->regs.fp, sizeof(regs->regs.fp))"),
            Edit(
                file: "arch/x86/um/signal.c",
                original: """
                    	struct siginfo info;
                    	struct _xstate fpstate;
                    };
                    """,
                replacement: """
                    	struct siginfo info;
                    	union {
                    		struct _xstate fpstate;
                    		unsigned long whole_fpstate[MAX_FP_NR];
                    	};
                    };
                    """),
        ])

    /// The generator of random numbers that IPsec's counters ask for has a source of its own beside the kernel's: what it measures of
    /// the processor's jitter (crypto/jitterentropy.c). From 6.8 on it measures at its start until it has seen enough, which on a clock
    /// that takes no notice of computing is never: the kernel does not come to its first line. The generator goes on without it
    /// (crypto/drbg.c, `drbg_prepare_hrng`). In Linux 7.x nothing asks for the generator.
    static let noJitterIsMeasured = KernelAmendment(
        purpose: "does not wait for a clock to jitter that stands still",
        edits: [Edit(file: "crypto/Kconfig", original: "\tselect CRYPTO_JITTERENTROPY\n", replacement: "")])

    /// With `time-travel=inf-cpu`, a line's output is written at once or not at all: since 6.8 no interrupt tells that there is room
    /// again, the descriptor being put into blocking mode in its place. But input and output of the control line are one open file, which
    /// the input puts back into the other mode, and what a full socket does not take stays in the line's buffer for ever: whoever writes
    /// next waits, and with the agent the lab's clock goes its own way. So a write waits until all of it is taken, in either mode,
    /// and a short one is continued, as the loop's own comment says that it is.
    static let outputIsWrittenWhole = KernelAmendment(
        purpose: "writes all that is written to a line",
        edits: [
            Edit(
                file: "arch/um/drivers/chan_user.c",
                original: """
                    #include <sys/ioctl.h>
                    #include "chan_user.h"
                    """,
                replacement: """
                    #include <sys/ioctl.h>
                    #include <poll.h>
                    #include <timetravel.h>
                    #include "chan_user.h"
                    """),
            Edit(
                file: "arch/um/drivers/chan_user.c",
                original: """
                    		if (err > 0) {
                    			written += err;
                    			continue;
                    		}
                    	} while (err < 0 && errno == EINTR);
                    """,
                replacement: """
                    		if (err > 0)
                    			written += err;
                    		else if (err < 0 && errno == EAGAIN && time_travel_mode == TT_MODE_INFCPU) {
                    			struct pollfd room = { .fd = fd, .events = POLLOUT };

                    			poll(&room, 1, -1);
                    			errno = EINTR;
                    		}
                    	} while (written < (int)n && (err > 0 || errno == EINTR));
                    """),
        ])

    /// In a lab, work of the kernel's own takes no time, and whatever the lab waits for may depend on it: what comes in on the control
    /// line is passed on by such work. But a program that makes system calls without ever sleeping takes no time either, so the scheduler
    /// sees no reason to let another go before it. Work of the kernel's goes before all programs.
    static let kernelWorkGoesFirst = KernelAmendment(
        purpose: "does the kernel's work before programs go on",
        edits: [
            Edit(
                file: "kernel/workqueue.c", original: "set_user_nice(worker->task, pool->attrs->nice);",
                replacement: "sched_set_fifo_low(worker->task);")
        ])

    /// Of several interfaces that lose their carrier within a second, a kernel tells of the first at once and of the others up to a
    /// second later, so that one that flutters does not keep it busy (net/core/link_watch.c). All nodes of a lab share the kernel: what
    /// happens at one of them would delay what is told at another, as no two machines do.
    static let carriersAreToldAtOnce = KernelAmendment(
        purpose: "tells of every carrier at once",
        edits: [
            Edit(
                file: "net/core/link_watch.c", original: "linkwatch_nextevent = jiffies + HZ;",
                replacement: "linkwatch_nextevent = jiffies;")
        ])

    /// A program may ask by poll(2) whether something is ready, without waiting, over and over until a timer of its own is due: the
    /// daemons of FRR do so for up to a millisecond before each (lib/event.c, `fd_poll`, which rounds what is left down to nothing). Time
    /// passes meanwhile by what reading the clock costs, some hundred nanoseconds, so that each millisecond takes thousands of
    /// system calls. From the 17th such call for the same on, without a sleep in between, it waits for 50 microseconds, or until something is ready: no
    /// longer than a program that sleeps may be late (prctl(2), PR_SET_TIMERSLACK). While the lab's clock is held, by a thread that
    /// goes behind all others (SCHED_IDLE), no wait would end, and who has work of its own between such calls would not go on: none
    /// is made then.
    static let pollingInVainWaits = KernelAmendment(
        purpose: "lets time pass for a program that polls in vain",
        edits: [
            Edit(
                file: "fs/select.c",
                original: """
                    static int do_poll(struct poll_list *list, struct poll_wqueues *wait,
                    		   struct timespec64 *end_time)
                    {
                    """,
                replacement: """
                    /* Who has asked without waiting last, what it had slept by then, of which descriptor first, and how often in vain. */
                    static struct task_struct *poller;
                    static unsigned long poller_sleeps;
                    static int polled;
                    static unsigned int vain_polls;

                    /* A task that goes behind all others and is always ready keeps the clock from jumping to the next timer. */
                    static bool clock_is_held(void)
                    {
                    	struct task_struct *process, *task;
                    	bool held = false;

                    	rcu_read_lock();
                    	for_each_process_thread(process, task)
                    		held |= task->policy == SCHED_IDLE && task_is_running(task);
                    	rcu_read_unlock();
                    	return held;
                    }

                    static bool polls_in_vain(const struct poll_list *list)
                    {
                    	int first = list->len ? list->entries[0].fd : -1;

                    	if (poller != current || poller_sleeps != current->nvcsw || polled != first)
                    		vain_polls = 0;
                    	poller = current;
                    	polled = first;
                    	poller_sleeps = current->nvcsw;
                    	return vain_polls++ >= 16 && !clock_is_held();
                    }

                    static int do_poll(struct poll_list *list, struct poll_wqueues *wait,
                    		   struct timespec64 *end_time)
                    {
                    	struct timespec64 turn = {};
                    """),
            Edit(
                file: "fs/select.c",
                original: """
                    		pt->_qproc = NULL;
                    		timed_out = 1;
                    	}

                    	if (end_time && !timed_out)
                    		slack = select_estimate_accuracy(end_time);
                    """,
                replacement: """
                    		if (polls_in_vain(list)) {
                    			ktime_get_ts64(&turn);
                    			timespec64_add_ns(&turn, 50 * NSEC_PER_USEC);
                    			end_time = &turn;
                    		} else {
                    			pt->_qproc = NULL;
                    			timed_out = 1;
                    		}
                    	}

                    	if (end_time && !timed_out && end_time != &turn)
                    		slack = select_estimate_accuracy(end_time);
                    """),
            Edit(
                file: "fs/select.c",
                original: """
                    		if (!poll_schedule_timeout(wait, TASK_INTERRUPTIBLE, to, slack))
                    			timed_out = 1;
                    	}
                    	return count;
                    """,
                replacement: """
                    		if (!poll_schedule_timeout(wait, TASK_INTERRUPTIBLE, to, slack))
                    			timed_out = 1;
                    	}
                    	if (end_time == &turn)
                    		poller_sleeps = current->nvcsw;
                    	if (count)
                    		vain_polls = 0;
                    	return count;
                    """),
        ])

    /// In Linux 7.x, the scheduler's clock is put forward where programs use the processor and no time passes, by a tick each time, and
    /// back by a tick with each timer, which may come long before a tick is over. A clock that goes back stands still for the scheduler,
    /// until it is again where it was: nobody's turn ends then. It goes on instead; nothing but the scheduler looks at it.
    static let schedulingClockGoesOn = KernelAmendment(
        purpose: "keeps the scheduler's clock from going back",
        edits: [
            Edit(
                file: "arch/um/kernel/time.c",
                original: """
                    	/* clock tick; decrease extra jiffies by keeping sched_clock constant */
                    	if (tt_extra_sched_jiffies > 0)
                    		tt_extra_sched_jiffies -= 1;

                    """,
                replacement: "", places: 2)
        ])
}

extension KernelAmendment.Edit {
    /// The text with the change in it; nil when the text is not the one that the change was made for.
    func applied(to text: String) -> String? {
        let parts = text.split(separator: original, omittingEmptySubsequences: false)
        return parts.count == places + 1 ? parts.joined(separator: replacement) : nil
    }
}
