#ifndef NETLAB_SEEDED_RANDOM_H
#define NETLAB_SEEDED_RANDOM_H

/// The environment variable that names the stream: an unsigned 64-bit number in decimal digits.
#define NETLAB_SEED_VARIABLE "NETLAB_DAEMON_SEED"

#endif
