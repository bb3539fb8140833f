// The system calls that Swift's Glibc module leaves out, one thin wrapper each.
// Every function that can fail returns -1 and sets errno, like the call it wraps.
#ifndef NETLAB_CLINUX_H
#define NETLAB_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Namespaces: setns(2), unshare(2).
extern const int netlab_new_network, netlab_new_mount, netlab_new_uts, netlab_own_root;
int netlab_setns(int descriptor, int type);
int netlab_unshare(int flags);
// Gives the calling thread a table of descriptors of its own, with the first three in it: close_range(2).
int netlab_own_descriptors(void);

// Mounts: mount(2).
extern const unsigned long netlab_mount_bind, netlab_mount_recursive, netlab_mount_private, netlab_mount_remount;
int netlab_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
// Makes a mount and all below it read-only, for the caller's mount namespace: mount_setattr(2).
int netlab_mount_read_only(const char *path);
int netlab_setxattr(const char *path, const char *name, const char *value);
int netlab_sethostname(const char *name);

// Scheduling: sched_setscheduler(2). The calling thread before everything else; what it starts is no such thread.
int netlab_schedule_realtime(void);
// A thread behind everything else, and as any other.
int netlab_schedule_idle(pid_t thread);
int netlab_schedule_normal(pid_t thread);
// The calling thread: gettid(2).
pid_t netlab_thread(void);

// Processors: sched_setaffinity(2), sched_getaffinity(2). The lists hold processor numbers; the functions return how many.
int netlab_allowed_processors(pid_t process, int processors[], int capacity);
int netlab_pin(pid_t process, int processor);

// The first process of a lab kernel, or of a PID namespace: forks, returns 0 in the child, and in the parent reaps orphans
// until the child ends; then never returns: it powers the machine off (reboot(2)) where that is the lab's own, and else
// exits, which ends whatever is in its namespace (pid_namespaces(7)).
int netlab_init_fork(int owns_machine);
// Has CLOCK_MONOTONIC show so many nanoseconds to the processes that are forked from now on: time_namespaces(7).
int netlab_restart_clock(int64_t nanoseconds);

// Starts a program in a session of its own: standard streams as given, all other descriptors closed, signals as they
// are by default. `namespaces` are descriptors to enter first, setns(2), or NULL. Returns the process id.
enum {
    // SIGKILL for the program when the calling *thread* ends: prctl(2), PR_SET_PDEATHSIG.
    netlab_die_with_parent = 1,
    // The first stream is a terminal, and becomes the session's own: TIOCSCTTY.
    netlab_controlling_terminal = 2,
    // The program is the first in namespaces of its own for processes, mounts, networks and the host name: clone(2). Needs
    // CAP_SYS_ADMIN.
    netlab_new_namespaces = 4,
};
// `confinement` is what it may write, or NULL for what its user may.
struct netlab_confinement;
pid_t netlab_spawn(const char *path, char *const argv[], char *const envp[], const int streams[3],
                   const int namespaces[], int namespace_count, int flags,
                   const struct netlab_confinement *confinement);

// What a program may write, and those that it starts: what is below some directories, and nothing else that has a path.
// Links and devices can be made nowhere, and with
// the filter no modes, owners and times changed. Needs no rights.
enum { netlab_most_writable = 4 };
struct netlab_confinement {
    // A Landlock ruleset; below 0 for none.
    int ruleset;
    // Whether a filter of system calls refuses what Landlock does not. Without Landlock or without the filter, a mount namespace is
    // made in which all else is read-only.
    int with_filter;
    // For the mount namespace: the directories, and where the user may not make one, the maps of a user namespace around it.
    const char *writable[netlab_most_writable];
    int writable_count;
    const char *user_map, *group_map;
};
// Confines the calling process for ever: landlock_restrict_self(2), seccomp(2).
int netlab_confine(const struct netlab_confinement *confinement);
// The version of Landlock, 0 where there is none: landlock_create_ruleset(2).
int netlab_landlock_version(void);
// A set of rules that lets nothing be written.
int netlab_landlock_ruleset(int version);
// Lets files below a directory be made, written and removed, on request with directories and sockets: landlock_add_rule(2).
int netlab_landlock_allow_files(int ruleset, int version, const char *directory, int with_directories);

// Who is at the other end of a Unix socket: struct ucred, unix(7).
struct netlab_peer {
    int32_t process;
    uint32_t user, group;
};

// Opens, for reading and without waiting, what is below a directory and reached without any link: openat2(2), Linux 5.6.
int netlab_open_beneath(const char *directory, const char *path);

// Keeps the process, and those that it starts, from leaving core files: setrlimit(2). One byte is less than any core, and
// besides the one limit that also holds where cores are piped to a program (fs/coredump.c).
void netlab_forbid_core_files(void);

// A descriptor that is readable when the process has ended: pidfd_open(2).
int netlab_open_process(pid_t process);

// Keeps this process from being killed when there is no memory left, and its code from being thrown out of memory, but not
// what it starts: proc(5), oom_score_adj; mlockall(2). Needs CAP_SYS_RESOURCE.
int netlab_spare_from_memory_shortage(void);
int netlab_is_spared(void);
// The end of the kernel's log, as much as fits: syslog(2), SYSLOG_ACTION_READ_ALL. Returns its length.
int netlab_kernel_log(char *buffer, int size);

// How many threads can be started at this moment, 64 at most; they have ended when it returns: pthread_create(3).
int netlab_try_threads(int count);

// Waiting: a counter to wake a thread by, eventfd(2); readable descriptors with a timeout in nanoseconds (negative for
// none), ppoll(2): the number of readable ones, 0 when the time is over.
int netlab_eventfd(void);
// Receives without waiting: recv(2) with MSG_DONTWAIT.
ssize_t netlab_receive(int socket, void *buffer, size_t size);
// Accepts a connection on a descriptor that is closed on execution: accept4(2).
int netlab_accept(int socket);
// A pipe whose ends are closed on execution: pipe2(2).
int netlab_pipe(int ends[2]);
int netlab_wait_readable(const int descriptors[], int count, int64_t nanoseconds);

// A timer by CLOCK_MONOTONIC, timerfd_create(2): exact, where poll(2) may come late by a thousandth of its timeout. Set to
// an absolute time in nanoseconds, and from then on every `interval`, or once where that is 0: timerfd_settime(2).
int netlab_timer(void);
int netlab_set_timer(int descriptor, int64_t at, int64_t interval);

/// Sends a packet with a header of its own through a raw socket of IPPROTO_RAW, and tells the kernel which protocol is in it, so that
/// policies for that protocol take it (`IP_PROTOCOL` of ip(7) for IPv4, the port of the address for IPv6: net/ipv4/raw.c, net/ipv6/raw.c).
/// A kernel that does not know that takes it for protocol 255. Returns what sendmsg(2) does.
ssize_t netlab_send_whole(int descriptor, uint8_t protocol, const void *address, unsigned address_length, const void *bytes,
                          size_t length);

// Raw sockets for echoes. One takes nothing but replies with its own identifier: SO_ATTACH_FILTER, socket(7).
int netlab_keep_echo_replies(int descriptor, int family, uint16_t identifier);
// Sends one packet that is made of two pieces: sendmsg(2).
ssize_t netlab_send_pieces(int descriptor, const void *address, unsigned address_length, const void *head,
                           size_t head_length, const void *body, size_t body_length);
// A packet's beginning, and when it was received by CLOCK_REALTIME (SO_TIMESTAMPNS); 0 where the kernel did not say.
struct netlab_packet {
    int64_t nanoseconds;
    uint32_t length;
    uint8_t bytes[100];
};
// Takes what has been received without waiting: recvmmsg(2). At most 16 at a time.
int netlab_receive_packets(int descriptor, struct netlab_packet packets[], int capacity);
// Sends every datagram that has been received back to its sender, from the address that it was sent to, without waiting; it is
// kept in the bytes given meanwhile. The socket needs IP_PKTINFO or IPV6_RECVPKTINFO: ip(7), ipv6(7).
void netlab_echo_datagrams(int descriptor, void *bytes, size_t capacity);

// Has Swift's tasks run on threads that do nothing of their own accord; to be called before there are any tasks. For the
// lab kernel's agent, which lives for virtual days.
void netlab_run_tasks_without_dispatch(void);
// Calls a function on one of those threads at a time of CLOCK_MONOTONIC; exact.
void netlab_call_at(int64_t nanoseconds, void (*call)(void *), void *context);

// Hands what was written to a file over to the file system below, without waiting for any disk: sync_file_range(2).
int netlab_write_back(int descriptor);

// Whether a socket takes a key for its TCP segments: TCP_MD5SIG, tcp(7). 0, or -1.
int netlab_try_tcp_signature(void);

// Signals as bytes, each its number, from the moment that netlab_catch_signal() returns: nothing is lost on the way to whoever reads.
// The pipe's reading end, made once, or -1; it does not block.
int netlab_signal_pipe(void);
// 0, or -1. The pipe has to be there.
int netlab_catch_signal(int number);

// Pseudo-terminals: posix_openpt(3) and friends; the secondary's path is written to `path`.
int netlab_open_terminal(char *path, size_t size);
int netlab_set_window_size(int descriptor, unsigned short rows, unsigned short columns);
int netlab_get_window_size(int descriptor, unsigned short *rows, unsigned short *columns);

#endif
