// Random numbers that can be had again, for the daemons of a lab that was given a seed. To be named in LD_PRELOAD.
//
// Never for anything but a lab: who knows the seed knows every number.
//
// BIRD takes the jitter of its timers from random(3), which it seeds by getrandom(2) and then once more by the time of
// day in microseconds; pluto takes its SPIs, nonces and the spread of its rekeying from NSS's PK11_GenerateRandom. What
// NSS makes for itself, Diffie-Hellman keys for one, stays random: it mixes in the state of the machine.

#define _GNU_SOURCE
#include "CSeededRandom.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static _Atomic uint64_t state;

__attribute__((constructor)) static void take_seed(void) {
    const char *text = getenv(NETLAB_SEED_VARIABLE);
    if (text) state = strtoull(text, NULL, 10);
    // What a daemon starts is not to repeat the daemon's own numbers, nor to load this.
    unsetenv(NETLAB_SEED_VARIABLE);
    unsetenv("LD_PRELOAD");
}

/// SplitMix64 (Steele, Lea, Flood 2014); threads may draw at once.
static uint64_t draw(void) {
    const uint64_t step = 0x9E3779B97F4A7C15;
    uint64_t mixed = atomic_fetch_add(&state, step) + step;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return mixed ^ mixed >> 31;
}

static void fill(void *buffer, size_t size) {
    for (unsigned char *at = buffer; size > 0;) {
        uint64_t bytes = draw();
        size_t part = size < sizeof bytes ? size : sizeof bytes;
        memcpy(at, &bytes, part);
        at += part;
        size -= part;
    }
}

/// getrandom(2)
__attribute__((visibility("default"))) ssize_t getrandom(void *buffer, size_t size, unsigned int flags) {
    (void)flags;
    fill(buffer, size);
    return (ssize_t)size;
}

/// getentropy(3)
__attribute__((visibility("default"))) int getentropy(void *buffer, size_t size) {
    if (size > 256) {
        errno = EIO;
        return -1;
    }
    fill(buffer, size);
    return 0;
}

/// NSS's own (pk11pub.h); 0 is SECSuccess.
__attribute__((visibility("default"))) int PK11_GenerateRandom(unsigned char *data, int length) {
    if (length > 0) fill(data, (size_t)length);
    return 0;
}

/// random(3)
__attribute__((visibility("default"))) long random(void) { return (long)(draw() >> 33); }

/// srandom(3); the seed is the environment's.
__attribute__((visibility("default"))) void srandom(unsigned int seed) { (void)seed; }
