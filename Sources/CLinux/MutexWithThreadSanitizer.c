// Lets ThreadSanitizer see that Synchronization.Mutex locks, where somebody has to wait for it.
//
// A lock that is free is taken by code that is compiled into its user, and the sanitizer sees it. One that is not is taken, and given
// up, in Swift's runtime library, which is not built with the sanitizer: what the lock keeps apart then seems to meet. These
// functions stand before the library's of the same names (stdlib/public/Synchronization/Mutex/LinuxImpl.swift, Swift 6) in a program
// that is built with the sanitizer, and in no other.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

void __tsan_acquire(void *address);
void __tsan_release(void *address);

SWIFT void lock_slowly(uint32_t thread, SELF) __asm__(LOCK);
SWIFT bool try_lock_slowly(SELF) __asm__(TRY_LOCK);
SWIFT void unlock_slowly(SELF) __asm__(UNLOCK);

SWIFT void lock_slowly(uint32_t thread, SELF) {
    typedef SWIFT void (*function)(uint32_t, SELF);
    ((function)dlsym(RTLD_NEXT, LOCK))(thread, self);
    __tsan_acquire(self);
}

SWIFT bool try_lock_slowly(SELF) {
    typedef SWIFT bool (*function)(SELF);
    bool is_taken = ((function)dlsym(RTLD_NEXT, TRY_LOCK))(self);
    if (is_taken) __tsan_acquire(self);
    return is_taken;
}

SWIFT void unlock_slowly(SELF) {
    typedef SWIFT void (*function)(SELF);
    __tsan_release(self);
    ((function)dlsym(RTLD_NEXT, UNLOCK))(self);
}

#endif
#endif
