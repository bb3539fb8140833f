// libnftables, and the file in memory that its commands are given in.
#ifndef NETLAB_CNFTABLES_H
#define NETLAB_CNFTABLES_H

#include <nftables/libnftables.h>

// <sys/mman.h> declares it only under _GNU_SOURCE.
extern int memfd_create(const char *name, unsigned flags);
static const unsigned netlab_memfd_cloexec = 1u;

#endif
