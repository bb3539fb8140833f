#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinux.h"

// --- Landlock: Documentation/userspace-api/landlock.rst. Debian 12's headers know its second version only. ---

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum {
    fs_write_file = 1 << 1,
    fs_remove_dir = 1 << 4,
    fs_remove_file = 1 << 5,
    fs_make_char = 1 << 6,
    fs_make_dir = 1 << 7,
    fs_make_reg = 1 << 8,
    fs_make_sock = 1 << 9,
    fs_make_fifo = 1 << 10,
    fs_make_block = 1 << 11,
    fs_make_sym = 1 << 12,
    fs_refer = 1 << 13,     // since version 2; before, always refused
    fs_truncate = 1 << 14,  // since version 3
    first_version_rights = fs_write_file | fs_remove_dir | fs_remove_file | fs_make_char | fs_make_dir | fs_make_reg |
                           fs_make_sock | fs_make_fifo | fs_make_block | fs_make_sym,
};
enum { net_bind_tcp = 1, net_connect_tcp = 2 };              // since version 4
enum { scope_abstract_unix_socket = 1, scope_signal = 2 };  // since version 6

static uint64_t rights_of(int version) {
    return first_version_rights | (version >= 2 ? fs_refer : 0) | (version >= 3 ? fs_truncate : 0);
}

int netlab_landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);
    return version > 0 ? (int)version : 0;
}

int netlab_landlock_ruleset(int version) {
    struct {
        uint64_t fs, net, scoped;
    } handled = {rights_of(version), net_bind_tcp | net_connect_tcp, scope_abstract_unix_socket | scope_signal};
    size_t size = version >= 6 ? sizeof handled : version >= 4 ? offsetof(typeof(handled), scoped) : sizeof handled.fs;
    return (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0u);
}

int netlab_landlock_allow_files(int ruleset, int version, const char *directory, int with_directories) {
    struct {
        uint64_t allowed;
        int32_t parent;
    } __attribute__((packed)) rule = {
        .allowed = (fs_write_file | fs_remove_file | fs_make_reg | fs_truncate |
                    (with_directories ? fs_make_dir | fs_remove_dir | fs_make_sock : 0)) & rights_of(version),
        .parent = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
    };
    if (rule.parent < 0) return -1;
    int result = (int)syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0u);
    int code = errno;
    close(rule.parent);
    errno = code;
    return result;
}

// --- What neither Landlock nor a read-only directory would refuse ---

// Changing a file's mode, owner, times and attributes; making links and devices; a path's length (Landlock before version 3).
static int refuse_changes(void) {
    static const int refused[] = {
        SYS_chmod,     SYS_fchmod,       SYS_fchmodat,     452 /* fchmodat2 */,   SYS_chown,
        SYS_fchown,    SYS_lchown,       SYS_fchownat,     SYS_utime,             SYS_utimes,
        SYS_futimesat, SYS_utimensat,    SYS_setxattr,     SYS_lsetxattr,         SYS_fsetxattr,
        463,           SYS_removexattr,  SYS_lremovexattr, SYS_fremovexattr,      466 /* removexattrat */,
        SYS_truncate,  SYS_symlink,      SYS_symlinkat,    SYS_link,              SYS_linkat,
        SYS_mknod,     SYS_mknodat,      SYS_mount,        SYS_umount2,           SYS_pivot_root,
        SYS_chroot,    SYS_move_mount,   SYS_open_tree,    442 /* mount_setattr */, 469 /* file_setattr */,
        SYS_fsmount,   SYS_process_vm_writev,
    };
    enum { count = sizeof refused / sizeof refused[0] };
    struct sock_filter program[count + 6];
    int n = 0;
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    // Other calling conventions have other numbers: none of theirs is needed.
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, count + 3);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000 /* x32 */, count + 1, 0);
    for (int i = 0; i < count; i++)
        program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], count - i, 0);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog filter = {.len = (unsigned short)n, .filter = program};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
}

// --- A mount namespace in which nothing but some directories can be written: mount_namespaces(7), mount_setattr(2) ---

static int put(const char *path, const char *text) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    ssize_t written = write(descriptor, text, strlen(text));
    close(descriptor);
    return written < 0 ? -1 : 0;
}

static int mount_read_only(const struct netlab_confinement *confinement) {
    if (confinement->user_map) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || put("/proc/self/setgroups", "deny") < 0 ||
            put("/proc/self/uid_map", confinement->user_map) < 0 ||
            put("/proc/self/gid_map", confinement->group_map) < 0)
            return -1;
    } else if (unshare(CLONE_NEWNS) < 0) {
        return -1;
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -1;
    int trees[netlab_most_writable];
    for (int i = 0; i < confinement->writable_count; i++) {
        trees[i] = (int)syscall(SYS_open_tree, AT_FDCWD, confinement->writable[i],
                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
        if (trees[i] < 0) return -1;
    }
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    if (syscall(442 /* mount_setattr */, AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes) < 0) return -1;
    for (int i = 0; i < confinement->writable_count; i++)
        if (syscall(SYS_move_mount, trees[i], "", AT_FDCWD, confinement->writable[i], MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return -1;
    return 0;
}

int netlab_confine(const struct netlab_confinement *confinement) {
    if ((confinement->ruleset < 0 || !confinement->with_filter) && mount_read_only(confinement) < 0) return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
    if (confinement->ruleset >= 0 && syscall(SYS_landlock_restrict_self, confinement->ruleset, 0u) < 0) return -1;
    return confinement->with_filter ? refuse_changes() : 0;
}
