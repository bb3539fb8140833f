// libnl's sockets and messages, the kernel's own structures, and the few calls that Swift cannot make by itself.
#ifndef NETLAB_CNETLINK_H
#define NETLAB_CNETLINK_H

#include <errno.h>
// The C library's headers come first: the kernel's then leave out what both define (linux/libc-compat.h).
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/ethtool.h>
#include <linux/fib_rules.h>
#include <linux/gen_stats.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/ip6_tunnel.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <linux/wireguard.h>
#include <linux/xfrm.h>

// Both are GNU extensions that <string.h> declares only under _GNU_SOURCE.
extern const char *strerrorname_np(int);
extern const char *strerrordesc_np(int);

// "EEXIST"; "unknown" for a number that is no errno.
static inline const char *netlab_errno_name(int number) {
    const char *name = strerrorname_np(number);
    return name ? name : "unknown";
}

// "File exists"; unlike strerror(3) safe in threads.
static inline const char *netlab_errno_text(int number) {
    const char *text = strerrordesc_np(number);
    return text ? text : "unknown error";
}

// Options of a netlink socket: netlink(7).
static inline int netlab_netlink_option(int descriptor, int option) {
    int on = 1;
    return setsockopt(descriptor, 270 /* SOL_NETLINK */, option, &on, sizeof on);
}

// Sets (value 0 or 1) or with value -1 gets one ETHTOOL_* switch of an interface: ioctl SIOCETHTOOL. -1 and errno on failure.
static inline int netlab_ethtool(int descriptor, const char *name, unsigned command, int value) {
    struct ethtool_value data = {.cmd = command, .data = value < 0 ? 0 : (unsigned)value};
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    request.ifr_data = (void *)&data;
    if (ioctl(descriptor, SIOCETHTOOL, &request) < 0) return -1;
    return value < 0 ? data.data != 0 : 0;
}

// Adds a default router to an ISATAP tunnel's potential router list: ioctl SIOCADDPRL (net/ipv6/sit.c).
static inline int netlab_add_isatap_router(int descriptor, const char *name, unsigned address) {
    struct ip_tunnel_prl entry;
    struct ifreq request;
    memset(&entry, 0, sizeof entry);
    memset(&request, 0, sizeof request);
    entry.addr = address;
    entry.flags = PRL_DEFAULT;
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    request.ifr_data = (void *)&entry;
    return ioctl(descriptor, SIOCADDPRL, &request);
}

#endif
