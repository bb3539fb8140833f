#ifndef NETLAB_CPCAP_H
#define NETLAB_CPCAP_H

#include <errno.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

// Gives a socket's packets a filter in the kernel, without libpcap's knowledge: socket(7), SO_ATTACH_FILTER.
// Returns -1 and sets errno on failure.
static inline int netlab_attach_filter(int descriptor, const struct bpf_program *program) {
    if (program->bf_len > 0xFFFF) {
        errno = EINVAL;
        return -1;
    }
    // The kernel's sock_fprog (linux/filter.h, whose other names are at odds with libpcap's).
    struct {
        unsigned short length;
        struct bpf_insn *instructions;
    } kernel_program = {(unsigned short)program->bf_len, program->bf_insns};
    return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &kernel_program, sizeof kernel_program);
}

#endif
