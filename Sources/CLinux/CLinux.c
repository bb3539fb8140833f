#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

const int netlab_new_network = CLONE_NEWNET, netlab_new_mount = CLONE_NEWNS, netlab_new_uts = CLONE_NEWUTS,
          netlab_own_root = CLONE_FS;

int netlab_setns(int descriptor, int type) { return setns(descriptor, type); }
int netlab_unshare(int flags) { return unshare(flags); }
int netlab_own_descriptors(void) { return unshare(CLONE_FILES) < 0 ? -1 : close_range(3, ~0u, 0); }

const unsigned long netlab_mount_bind = MS_BIND, netlab_mount_recursive = MS_REC, netlab_mount_private = MS_PRIVATE,
                    netlab_mount_remount = MS_REMOUNT;

int netlab_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    return mount(source, target, type, flags, data);
}
int netlab_mount_read_only(const char *path) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    return mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes);
}
int netlab_setxattr(const char *path, const char *name, const char *value) {
    return setxattr(path, name, value, strlen(value), 0);
}
int netlab_sethostname(const char *name) { return sethostname(name, strlen(name)); }

static int schedule(pid_t thread, int policy, int priority) {
    struct sched_param parameters = {.sched_priority = priority};
    return sched_setscheduler(thread, policy, &parameters);
}
int netlab_schedule_realtime(void) { return schedule(0, SCHED_FIFO | SCHED_RESET_ON_FORK, 50); }
int netlab_schedule_idle(pid_t thread) { return schedule(thread, SCHED_IDLE, 0); }
int netlab_schedule_normal(pid_t thread) { return schedule(thread, SCHED_OTHER, 0); }
pid_t netlab_thread(void) { return gettid(); }

int netlab_allowed_processors(pid_t process, int processors[], int capacity) {
    cpu_set_t set;
    if (sched_getaffinity(process, sizeof set, &set) < 0) return -1;
    int count = 0;
    for (int number = 0; number < CPU_SETSIZE && count < capacity; number++)
        if (CPU_ISSET(number, &set)) processors[count++] = number;
    return count;
}
int netlab_pin(pid_t process, int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(process, sizeof set, &set);
}

int netlab_init_fork(int owns_machine) {
    // A kernel without a console gives its first program no descriptors: without these, its files would get their numbers.
    if (owns_machine) {
        int null = -1;
        do null = open("/dev/null", O_RDWR);
        while (null >= 0 && null < 2);
        if (null > 2) close(null);
    }
    pid_t child = fork();
    if (child <= 0) return child;
    int status = 0;
    for (;;) {
        pid_t ended = waitpid(-1, &status, 0);
        if (ended == child || (ended < 0 && errno == ECHILD)) break;
    }
    // The agent has mounted the directory of logs by then, if it came that far.
    int log = WIFSIGNALED(status) ? open("/var/log/netlab/console.log", O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (log >= 0) dprintf(log, "*** signal %d (%s) ***\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (!owns_machine) _exit(0);
    reboot(RB_POWER_OFF);
    for (;;) pause();
}

int netlab_restart_clock(int64_t nanoseconds) {
    if (unshare(CLONE_NEWTIME) < 0) return -1;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t offset = nanoseconds - (now.tv_sec * 1000000000 + now.tv_nsec);
    // The nanoseconds of an offset are positive.
    int64_t seconds = offset / 1000000000 - (offset % 1000000000 < 0);
    int file = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    int written = dprintf(file, "monotonic %lld %lld\n", (long long)seconds, (long long)(offset - seconds * 1000000000));
    close(file);
    return written < 0 ? -1 : 0;
}

static int is_spared;
static int set_oom_score(const char *score) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t written = write(file, score, strlen(score));
    close(file);
    return written < 0 ? -1 : 0;
}
int netlab_spare_from_memory_shortage(void) {
    is_spared = set_oom_score("-1000") == 0;
    return is_spared ? mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) : -1;
}
int netlab_is_spared(void) { return is_spared; }
int netlab_kernel_log(char *buffer, int size) { return klogctl(3, buffer, size); }

static void *wait_for(void *gate) {
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}
int netlab_try_threads(int count) {
    enum { most = 64 };
    pthread_t threads[most];
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_attr_t small;
    pthread_attr_init(&small);
    // More than the least, of which what libraries keep for each thread is taken (EINVAL).
    pthread_attr_setstacksize(&small, 1 << 18);
    pthread_mutex_lock(&gate);
    int started = 0;
    while (started < count && started < most && pthread_create(&threads[started], &small, wait_for, &gate) == 0) started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    pthread_attr_destroy(&small);
    return started;
}

pid_t netlab_spawn(const char *path, char *const argv[], char *const envp[], const int streams[3],
                   const int namespaces[], int namespace_count, int flags,
                   const struct netlab_confinement *confinement) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return -1;
    pid_t parent = getpid();
    // The child shares this memory until it executes: it calls nothing but system calls, and writes nothing but errno
    // and its own variables.
    // One in new namespaces has a copy of it instead: vfork(2) makes none.
    pid_t child = flags & netlab_new_namespaces
                      ? syscall(SYS_clone, SIGCHLD | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS,
                                NULL, NULL, NULL, 0)
                      : vfork();
    if (child < 0) {
        int code = errno;
        close(report[0]);
        close(report[1]);
        errno = code;
        return -1;
    }
    if (child == 0) {
        int failed = 0;
        setsid();
        // With vfork(2), this is the child's own alone (fs/proc/base.c, __set_oom_adj).
        if (is_spared) set_oom_score("0");
        for (int i = 0; i < namespace_count && !failed; i++) failed = setns(namespaces[i], 0) < 0;
        if (!failed && confinement) failed = netlab_confine(confinement) < 0;
        if (!failed) {
            // Out of each other's way before they take their places.
            int moved[3];
            for (int i = 0; i < 3; i++) moved[i] = fcntl(streams[i], F_DUPFD_CLOEXEC, 10);
            int keep = fcntl(report[1], F_DUPFD_CLOEXEC, 10);
            for (int i = 0; i < 3; i++) dup2(moved[i], i);
            dup2(keep, 3);
            fcntl(3, F_SETFD, FD_CLOEXEC);
            syscall(SYS_close_range, 4u, ~0u, 0u);
            if (flags & netlab_controlling_terminal) ioctl(0, TIOCSCTTY, 0);
            struct sigaction standard = {.sa_handler = SIG_DFL};
            for (int number = 1; number < 32; number++) sigaction(number, &standard, NULL);
            sigset_t none;
            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, NULL);
            if (flags & netlab_die_with_parent) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                // In a PID namespace of its own it sees no parent.
                if (getppid() != parent && !(flags & netlab_new_namespaces)) _exit(127);
            }
            execve(path, argv, envp);
        }
        int code = errno;
        ssize_t written = write(failed ? report[1] : 3, &code, sizeof code);
        (void)written;
        _exit(127);
    }
    close(report[1]);
    int code = 0;
    ssize_t got = read(report[0], &code, sizeof code);
    close(report[0]);
    if (got > 0) {
        waitpid(child, NULL, 0);
        errno = code;
        return -1;
    }
    return child;
}

int netlab_open_beneath(const char *directory, const char *path) {
    int parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) return -1;
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    int file = (int)syscall(SYS_openat2, parent, path, &how, sizeof how);
    int code = errno;
    close(parent);
    errno = code;
    return file;
}

void netlab_forbid_core_files(void) {
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    setrlimit(RLIMIT_CORE, &limit);
}

int netlab_open_process(pid_t process) { return syscall(SYS_pidfd_open, process, 0u); }

int netlab_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

ssize_t netlab_receive(int socket, void *buffer, size_t size) { return recv(socket, buffer, size, MSG_DONTWAIT); }

int netlab_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_CLOEXEC); }

int netlab_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int netlab_wait_readable(const int descriptors[], int count, int64_t nanoseconds) {
    struct pollfd waiting[8];
    if (count > 8) count = 8;
    for (int i = 0; i < count; i++) waiting[i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
    struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    return ppoll(waiting, count, nanoseconds < 0 ? NULL : &time, NULL);
}

static struct timespec timespec_of(int64_t nanoseconds) {
    return (struct timespec){.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
}
int netlab_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC); }
int netlab_set_timer(int descriptor, int64_t at, int64_t interval) {
    // An absolute time of zero would disarm it.
    struct itimerspec setting = {.it_value = timespec_of(at > 0 ? at : 1), .it_interval = timespec_of(interval)};
    return timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &setting, NULL);
}

int netlab_keep_echo_replies(int descriptor, int family, uint16_t identifier) {
    // An IPv4 raw socket's packets begin with the IP header, an IPv6 one's behind it (raw(7), ipv6(7)).
    struct sock_filter v4[] = {
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0x40000),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_filter v6[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 129, 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, identifier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0x40000),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof v4 / sizeof v4[0], .filter = v4};
    if (family == AF_INET6) program = (struct sock_fprog){.len = sizeof v6 / sizeof v6[0], .filter = v6};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

ssize_t netlab_send_whole(int descriptor, uint8_t protocol, const void *address, unsigned address_length, const void *bytes,
                          size_t length) {
    enum { ip_protocol = 52 };  // <linux/in.h>
    struct sockaddr_storage target = {0};
    if (address_length > sizeof target) {
        errno = EINVAL;
        return -1;
    }
    memcpy(&target, address, address_length);
    struct iovec piece = {(void *)bytes, length};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {0};
    struct msghdr message = {
        .msg_name = &target, .msg_namelen = address_length, .msg_iov = &piece, .msg_iovlen = 1};
    if (target.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)&target)->sin6_port = htons(protocol);
    } else {
        message.msg_control = &control;
        message.msg_controllen = CMSG_LEN(sizeof(int));
        control.header.cmsg_level = IPPROTO_IP;
        control.header.cmsg_type = ip_protocol;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        int number = protocol;
        memcpy(CMSG_DATA(&control.header), &number, sizeof number);
    }
    ssize_t sent = sendmsg(descriptor, &message, 0);
    if (sent >= 0 || errno != EINVAL) return sent;
    memcpy(&target, address, address_length);
    message.msg_control = NULL;
    message.msg_controllen = 0;
    return sendmsg(descriptor, &message, 0);
}

ssize_t netlab_send_pieces(int descriptor, const void *address, unsigned address_length, const void *head,
                           size_t head_length, const void *body, size_t body_length) {
    struct iovec pieces[2] = {{(void *)head, head_length}, {(void *)body, body_length}};
    struct msghdr message = {
        .msg_name = (void *)address, .msg_namelen = address_length, .msg_iov = pieces, .msg_iovlen = 2};
    return sendmsg(descriptor, &message, MSG_DONTWAIT);
}

void netlab_echo_datagrams(int descriptor, void *bytes, size_t capacity) {
    for (;;) {
        struct sockaddr_storage sender;
        union {
            char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct timespec))];
            struct cmsghdr header;
        } control;
        struct iovec place = {bytes, capacity};
        struct msghdr message = {
            .msg_name = &sender,
            .msg_namelen = sizeof sender,
            .msg_iov = &place,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof control.bytes,
        };
        ssize_t length = recvmsg(descriptor, &message, MSG_DONTWAIT);
        if (length < 0) return;
        union {
            char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
            struct cmsghdr header;
        } answer = {{0}};
        size_t answer_length = 0;
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            int is_v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO;
            int is_v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO;
            if (!is_v4 && !is_v6) continue;
            answer.header.cmsg_level = part->cmsg_level;
            answer.header.cmsg_type = part->cmsg_type;
            // The address it was sent to becomes the source; the way back is left to the routes.
            if (is_v4) {
                struct in_pktinfo info;
                memcpy(&info, CMSG_DATA(part), sizeof info);
                info = (struct in_pktinfo){.ipi_spec_dst = info.ipi_addr};
                answer.header.cmsg_len = CMSG_LEN(sizeof info);
                answer_length = CMSG_SPACE(sizeof info);
                memcpy(CMSG_DATA(&answer.header), &info, sizeof info);
            } else {
                struct in6_pktinfo info;
                memcpy(&info, CMSG_DATA(part), sizeof info);
                info.ipi6_ifindex = 0;
                answer.header.cmsg_len = CMSG_LEN(sizeof info);
                answer_length = CMSG_SPACE(sizeof info);
                memcpy(CMSG_DATA(&answer.header), &info, sizeof info);
            }
        }
        place.iov_len = (size_t)length;
        message.msg_control = answer_length ? answer.bytes : NULL;
        message.msg_controllen = answer_length;
        message.msg_flags = 0;
        // What cannot be sent is lost, as it is for who has no way back.
        (void)!sendmsg(descriptor, &message, MSG_DONTWAIT);
    }
}

int netlab_receive_packets(int descriptor, struct netlab_packet packets[], int capacity) {
    enum { most = 16 };
    struct mmsghdr messages[most];
    struct iovec places[most];
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr header;
    } control[most];
    if (capacity > most) capacity = most;
    for (int i = 0; i < capacity; i++) {
        places[i] = (struct iovec){packets[i].bytes, sizeof packets[i].bytes};
        messages[i] = (struct mmsghdr){.msg_hdr = {
                                           .msg_iov = &places[i],
                                           .msg_iovlen = 1,
                                           .msg_control = control[i].bytes,
                                           .msg_controllen = sizeof control[i].bytes,
                                       }};
    }
    int count = recvmmsg(descriptor, messages, capacity, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        packets[i].length = messages[i].msg_len;
        packets[i].nanoseconds = 0;
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&messages[i].msg_hdr); part;
             part = CMSG_NXTHDR(&messages[i].msg_hdr, part)) {
            if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_TIMESTAMPNS) continue;
            struct timespec time;
            memcpy(&time, CMSG_DATA(part), sizeof time);
            packets[i].nanoseconds = time.tv_sec * 1000000000 + time.tv_nsec;
        }
    }
    return count;
}

int netlab_try_tcp_signature(void) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    struct tcp_md5sig key = {.tcpm_keylen = 4, .tcpm_key = {'t', 'e', 's', 't'}};
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xC0000202)};
    memcpy(&key.tcpm_addr, &peer, sizeof peer);
    int result = setsockopt(descriptor, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key), code = errno;
    close(descriptor);
    errno = code;
    return result;
}

int netlab_open_terminal(char *path, size_t size) {
    int descriptor = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    if (grantpt(descriptor) < 0 || unlockpt(descriptor) < 0 || ptsname_r(descriptor, path, size) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}
int netlab_set_window_size(int descriptor, unsigned short rows, unsigned short columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(descriptor, TIOCSWINSZ, &size);
}
int netlab_get_window_size(int descriptor, unsigned short *rows, unsigned short *columns) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) < 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

int netlab_write_back(int descriptor) {
    return sync_file_range(descriptor, 0, 0,
                           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}
