#define _GNU_SOURCE
#include "CLinux.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

// Runs Swift's tasks, and timers, in place of libdispatch, whose pool of threads looks after itself once a second for as
// long as the process lives: over a virtual day, that is a third of what an idle lab's processor does.
//
// The runtime hands over by this hook what it would give to libdispatch (swift/Runtime/Concurrency.h). What sleeps by
// Task.sleep goes to libdispatch without asking; netlab_call_at is there for that.

#define SWIFT __attribute__((swiftcall))
typedef struct job job;
typedef SWIFT void enqueue_original(job *);

extern SWIFT void (*swift_task_enqueueGlobal_hook)(job *, enqueue_original *);
// The two words after the job say on which executor; zeros stand for the global one.
extern SWIFT void swift_job_run(job *, void *, void *);

struct entry {
    struct entry *next;
    // A task's job, or else a function to call.
    job *work;
    void (*call)(void *);
    void *context;
    int64_t due;
};

// Jobs that block (there are some that wait for a program, for a moment) must not keep others from running.
enum { most_threads = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t preparation = PTHREAD_ONCE_INIT;
static struct entry *first, **last = &first;
// By time; of one time, in the order in which they came.
static struct entry *timers;
static int threads, waiting;
// Whether one of the waiting threads waits for the first timer.
static int has_leader;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static void append(struct entry *entry) {
    entry->next = NULL;
    *last = entry;
    last = &entry->next;
}

static void take_due_timers(void) {
    if (!timers) return;
    for (int64_t time = now(); timers && timers->due <= time;) {
        struct entry *entry = timers;
        timers = entry->next;
        append(entry);
    }
}

static void *work(void *);

// With the lock held: has somebody look at what there is to do.
static void wake_one(void) {
    if (waiting > 0) {
        pthread_cond_signal(&changed);
    } else if (threads < most_threads) {
        pthread_t thread;
        pthread_attr_t detached;
        pthread_attr_init(&detached);
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        if (pthread_create(&thread, &detached, work, NULL) == 0) threads++;
        pthread_attr_destroy(&detached);
    }
}

static void *work(void *unused) {
    (void)unused;
    // Timers are to be exact: prctl(2), PR_SET_TIMERSLACK.
    prctl(PR_SET_TIMERSLACK, 1);
    pthread_mutex_lock(&lock);
    for (;;) {
        take_due_timers();
        if (first) {
            struct entry *entry = first;
            first = entry->next;
            if (!first) last = &first;
            // While this one works, another takes what is left, and keeps an eye on the timers.
            if (first || (timers && !has_leader)) wake_one();
            pthread_mutex_unlock(&lock);
            if (entry->work)
                swift_job_run(entry->work, NULL, NULL);
            else
                entry->call(entry->context);
            free(entry);
            pthread_mutex_lock(&lock);
            continue;
        }
        waiting++;
        if (timers && !has_leader) {
            has_leader = 1;
            struct timespec due = {.tv_sec = timers->due / 1000000000, .tv_nsec = timers->due % 1000000000};
            pthread_cond_timedwait(&changed, &lock, &due);
            has_leader = 0;
        } else {
            pthread_cond_wait(&changed, &lock);
        }
        waiting--;
    }
    return NULL;
}

// The condition goes by the clock that timers go by.
static void prepare(void) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct entry *new_entry(struct entry contents) {
    pthread_once(&preparation, prepare);
    struct entry *entry = malloc(sizeof *entry);
    if (!entry) abort();
    *entry = contents;
    return entry;
}

static SWIFT void enqueue(job *work, enqueue_original *original) {
    (void)original;
    struct entry *entry = new_entry((struct entry){.work = work});
    pthread_mutex_lock(&lock);
    append(entry);
    wake_one();
    pthread_mutex_unlock(&lock);
}

void netlab_call_at(int64_t nanoseconds, void (*call)(void *), void *context) {
    struct entry *entry = new_entry((struct entry){.call = call, .context = context, .due = nanoseconds});
    pthread_mutex_lock(&lock);
    struct entry **place = &timers;
    while (*place && (*place)->due <= entry->due) place = &(*place)->next;
    entry->next = *place;
    *place = entry;
    // Whoever waits for the first timer must learn that it is another; which thread that is, nobody knows.
    if (timers == entry) {
        if (has_leader) pthread_cond_broadcast(&changed);
        else wake_one();
    }
    pthread_mutex_unlock(&lock);
}

void netlab_run_tasks_without_dispatch(void) { swift_task_enqueueGlobal_hook = enqueue; }
