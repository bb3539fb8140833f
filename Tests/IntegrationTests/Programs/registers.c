// Holds a pattern in every vector register of this processor across system calls, switches, signals, page faults, forks and other
// programs' beginnings, and says which register was lost.
//
//   registers          all of it; exit code 0 and `kept: SET` if no register changed
//   registers lose     the same, with a signal handler that takes one away: exit code 1
//   registers dirty    fills the registers with something else, for the others' sake
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { registers = 32, width = 64, masks = 8 };
struct state {
    unsigned char vectors[registers][width];
    uint64_t masks[masks];
} __attribute__((aligned(64)));

enum set { sse, avx, avx512 };
static const char *const names[] = {"sse", "avx", "avx512"};
static enum set set;
static int count(void) { return set == avx512 ? 32 : 16; }
static int bytes(void) { return set == avx512 ? 64 : set == avx ? 32 : 16; }

#define EACH16(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15)
#define UPPER16(x) x(16) x(17) x(18) x(19) x(20) x(21) x(22) x(23) x(24) x(25) x(26) x(27) x(28) x(29) x(30) x(31)
#define LOAD_SSE(n) "movdqu " #n "*64(%%rbx), %%xmm" #n "\n"
#define KEEP_SSE(n) "movdqu %%xmm" #n ", " #n "*64(%%r12)\n"
#define LOAD_AVX(n) "vmovdqu " #n "*64(%%rbx), %%ymm" #n "\n"
#define KEEP_AVX(n) "vmovdqu %%ymm" #n ", " #n "*64(%%r12)\n"
#define LOAD_512(n) "vmovdqu64 " #n "*64(%%rbx), %%zmm" #n "\n"
#define KEEP_512(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%%r12)\n"
#define MASKS(x) x(1) x(2) x(3) x(4) x(5) x(6) x(7)
#define LOAD_K(n) "kmovw 2048+" #n "*8(%%rbx), %%k" #n "\n"
#define KEEP_K(n) "kmovw %%k" #n ", 2048+" #n "*8(%%r12)\n"

// Loads every register, makes a system call, writes a byte where `touched` says, and stores every register: nothing of the compiler's
// or the C library's comes between.
#define ACROSS(load, keep)                                                                                                \
    __asm__ volatile(load "syscall\n movb $1, (%%r13)\n" keep                                                              \
                     : "+a"(result)                                                                                       \
                     : "b"(in), "D"(first), "S"(second), "d"(third), "r"(fourth), "r"(place), "r"(touch)                     \
                     : "rcx", "r11", "memory")

static long across(const struct state *in, struct state *out, volatile char *touched, long number, long a, long b, long c,
                   long d) {
    register long result __asm__("rax") = number;
    register long first __asm__("rdi") = a, second __asm__("rsi") = b, third __asm__("rdx") = c;
    register long fourth __asm__("r10") = d;
    register struct state *place __asm__("r12") = out;
    register volatile char *touch __asm__("r13") = touched;
    switch (set) {
    case avx512:
        ACROSS(EACH16(LOAD_512) UPPER16(LOAD_512) MASKS(LOAD_K), EACH16(KEEP_512) UPPER16(KEEP_512) MASKS(KEEP_K));
        break;
    case avx: ACROSS(EACH16(LOAD_AVX), EACH16(KEEP_AVX)); break;
    default: ACROSS(EACH16(LOAD_SSE), EACH16(KEEP_SSE)); break;
    }
    return result;
}

static void fill(struct state *state, unsigned seed) {
    for (int n = 0; n < registers; n++)
        for (int i = 0; i < width; i++) state->vectors[n][i] = (unsigned char)(seed * 31 + n * 7 + i * 3 + 1);
    for (int n = 0; n < masks; n++) state->masks[n] = (seed * 257 + n * 4099 + 1) & 0xffff;
}

static char nothing;
static void dirty(void) {
    static struct state other, out;
    fill(&other, 200);
    across(&other, &out, &nothing, SYS_getppid, 0, 0, 0, 0);
}

static int loses;
static void handle(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    dirty();
    // What the kernel restores from, without one register's contents.
    if (loses) memset(&((ucontext_t *)context)->uc_mcontext.fpregs->_xmm[3], 0, 16);
}

// Exits with 1 where a register is not as it was.
static void expect(const char *when, const struct state *in, const struct state *out) {
    for (int n = 0; n < count(); n++)
        if (memcmp(in->vectors[n], out->vectors[n], bytes()) != 0) {
            printf("lost %s: vector register %d\n", when, n);
            fflush(stdout);
            _exit(1);
        }
    for (int n = 1; set == avx512 && n < masks; n++)
        if (in->masks[n] != out->masks[n]) {
            printf("lost %s: mask register %d\n", when, n);
            fflush(stdout);
            _exit(1);
        }
}

static int ended_well(long child) {
    int status = 0;
    return waitpid((pid_t)child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv) {
    __builtin_cpu_init();
    set = __builtin_cpu_supports("avx512f") ? avx512 : __builtin_cpu_supports("avx") ? avx : sse;
    if (argc > 1 && strcmp(argv[1], "dirty") == 0) {
        dirty();
        return 0;
    }
    loses = argc > 1;
    static struct state in, out;
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    char *pages = mmap(NULL, 4096 * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return 2;

    for (unsigned i = 0; i < 1000; i++) {
        fill(&in, i);
        across(&in, &out, pages + 4096 * i, SYS_getppid, 0, 0, 0, 0);
        expect("at a page fault", &in, &out);
        fill(&in, i + 1);
        across(&in, &out, &nothing, SYS_kill, getpid(), SIGUSR1, 0, 0);
        expect("at a signal", &in, &out);
    }

    // Two processes with different registers, each waiting for the other by turns.
    int there[2], back[2];
    char byte = 0;
    if (pipe(there) || pipe(back)) return 2;
    pid_t other = fork();
    if (other == 0) {
        static struct state own, seen;
        for (unsigned i = 0; i < 1000; i++) {
            fill(&own, 90 + i);
            across(&own, &seen, &nothing, SYS_read, there[0], (long)&byte, 1, 0);
            expect("in another process", &own, &seen);
            across(&own, &seen, &nothing, SYS_write, back[1], (long)&byte, 1, 0);
            expect("in another process", &own, &seen);
        }
        _exit(0);
    }
    for (unsigned i = 0; i < 1000; i++) {
        fill(&in, i);
        across(&in, &out, &nothing, SYS_write, there[1], (long)&byte, 1, 0);
        expect("at a write", &in, &out);
        across(&in, &out, &nothing, SYS_read, back[0], (long)&byte, 1, 0);
        expect("at a switch", &in, &out);
    }
    if (!ended_well(other)) return 1;

    for (unsigned i = 0; i < 50; i++) {
        fill(&in, i);
        long child = across(&in, &out, &nothing, SYS_fork, 0, 0, 0, 0);
        expect(child == 0 ? "in a forked process" : "at a fork", &in, &out);
        if (child == 0) _exit(0);
        if (child < 0 || !ended_well(child)) return 1;

        pid_t program = vfork();
        if (program == 0) {
            execl("/proc/self/exe", "registers", "dirty", (char *)NULL);
            _exit(2);
        }
        int status = 0;
        across(&in, &out, &nothing, SYS_wait4, program, (long)&status, 0, 0);
        expect("while another program begins", &in, &out);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return 1;
    }
    printf("kept: %s\n", names[set]);
    return 0;
}
