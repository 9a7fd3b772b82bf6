/* The clock of a machine without one: each look at it is a millisecond after the last, and sleeping moves it on. */
#include <errno.h>
#include <stdint.h>
#include <time.h>

#include "system.h"

enum { NANOSECONDS = 1000000000, STEP_NANOSECONDS = 1000000 };

static uint64_t elapsed_nanoseconds;

uint64_t __truestep_elapsed_nanoseconds(void) { return elapsed_nanoseconds; }

static uint64_t start_of(int clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI ? START_SECONDS : 0;
}

long __truestep_clock(int clock, struct timespec *time) {
    elapsed_nanoseconds += STEP_NANOSECONDS;
    time->tv_sec = (time_t)(start_of(clock) + elapsed_nanoseconds / NANOSECONDS);
    time->tv_nsec = (long)(elapsed_nanoseconds % NANOSECONDS);
    return 0;
}

long __truestep_sleep(int clock, int flags, const struct timespec *time) {
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NANOSECONDS) return -EINVAL;
    uint64_t seconds = (uint64_t)time->tv_sec, start = flags & TIMER_ABSTIME ? start_of(clock) : 0, until;
    if (seconds < start) return 0;
    if (__builtin_mul_overflow(seconds - start, (uint64_t)NANOSECONDS, &until)) return -EINVAL;
    until += (uint64_t)time->tv_nsec;
    if (!(flags & TIMER_ABSTIME)) until += elapsed_nanoseconds;
    if (until > elapsed_nanoseconds) elapsed_nanoseconds = until;
    return 0;
}
