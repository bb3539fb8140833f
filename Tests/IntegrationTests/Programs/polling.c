// Asks by ppoll(2) without waiting whether a pipe is readable, until it is or a second has passed, and says what that took.
//
// With a number, a child writes to the pipe after so many microseconds.

#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

int main(int count, char **arguments) {
    int ends[2];
    if (pipe(ends) < 0) return 2;
    if (count > 1) {
        if (fork() == 0) {
            long wait = atol(arguments[1]) * 1000;
            struct timespec time = {wait / 1000000000, wait % 1000000000};
            nanosleep(&time, NULL);
            return write(ends[1], "x", 1) == 1 ? 0 : 2;
        }
    }
    long start = now(), calls = 0;
    struct timespec none = {0, 0};
    struct pollfd place = {.fd = ends[0], .events = POLLIN};
    while (1) {
        int ready = ppoll(&place, 1, &none, NULL);
        long passed = now() - start;
        calls += 1;
        if (ready < 0) return 2;
        if (ready > 0 || passed >= 1000000000L) {
            printf("%ld calls, %ld us, %s\n", calls, passed / 1000, ready > 0 ? "readable" : "nothing");
            return 0;
        }
    }
}
