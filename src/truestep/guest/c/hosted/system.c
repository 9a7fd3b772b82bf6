/* Answers musl's system calls. What the machine cannot do gets ENOSYS, and so errno says it to the program. */
#define _GNU_SOURCE
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <truestep.h>

#include "../runtime/format.h"

enum { PROCESS_ID = 1, FUTEX_WAIT = 0, FUTEX_COMMAND = 127 };

static long transfer_all(int descriptor, const struct iovec *parts, int count, int is_read) {
    long total = 0;
    for (int i = 0; i < count; i++) {
        void *at = parts[i].iov_base;
        size_t size = parts[i].iov_len;
        if (!size) continue;
        long moved = is_read ? __truestep_read(descriptor, at, size) : __truestep_write(descriptor, at, size);
        if (moved < 0) return total ? total : moved;
        total += moved;
        if ((size_t)moved < size) break;
    }
    return total;
}

/* Waiting is for another thread, and there is none. */
static long wait_on(long operation) {
    if ((operation & FUTEX_COMMAND) != FUTEX_WAIT) return 0;
    __truestep_say("deadlock: the only thread waits for another one\n");
    _Exit(TRUESTEP_EXIT_ABORT);
}

/* Deterministic bytes: SplitMix64, begun with the job's seed and the shard's number. */
static long fill_random(uint8_t *to, size_t size) {
    static uint64_t state, is_begun;
    const uint64_t *seed = (const uint64_t *)job_seed();
    for (size_t i = 0; i < size; i++) {
        if (!is_begun) state = seed[0] ^ seed[1] ^ seed[2] ^ seed[3] ^ shard_index() << 32;
        is_begun = 1;
        uint64_t x = state += 0x9E3779B97F4A7C15;
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
        x = (x ^ x >> 27) * 0x94D049BB133111EB;
        to[i] = (uint8_t)(x >> 56);
    }
    return (long)size;
}

long __truestep_system_call(long number, long a, long b, long c, long d, long e, long f) {
    (void)e, (void)f;
    switch (number) {
    case SYS_read: return __truestep_read((int)a, (void *)b, (size_t)c);
    case SYS_write: return __truestep_write((int)a, (const void *)b, (size_t)c);
    case SYS_readv: return transfer_all((int)a, (const struct iovec *)b, (int)c, 1);
    case SYS_writev: return transfer_all((int)a, (const struct iovec *)b, (int)c, 0);
    case SYS_lseek: return __truestep_seek((int)a, b, (int)c);
    case SYS_close: return __truestep_close((int)a);
    case SYS_openat: return __truestep_open((const char *)b, (int)c);
    case SYS_ioctl: return -ENOTTY;
    case SYS_fcntl: return b == F_SETFD || b == F_SETFL || b == F_GETFD ? 0 : b == F_GETFL ? O_RDWR : -EINVAL;
    case SYS_exit:
    case SYS_exit_group: _Exit((int)a);
    case SYS_clock_gettime: return __truestep_clock((int)a, (struct timespec *)b);
    case SYS_nanosleep: return __truestep_sleep(0, 0, (const struct timespec *)a);
    case SYS_clock_nanosleep: return __truestep_sleep((int)a, (int)b, (const struct timespec *)c);
    case SYS_rt_sigaction:
        return __truestep_signal_action((int)a, (const struct k_sigaction *)b, (struct k_sigaction *)c);
    case SYS_rt_sigprocmask: return __truestep_signal_mask((int)a, (const uint64_t *)b, (uint64_t *)c);
    case SYS_tkill: return __truestep_signal((int)b);
    case SYS_kill: return a == PROCESS_ID || a == 0 ? __truestep_signal((int)b) : -ESRCH;
    case SYS_futex: return wait_on(b);
    case SYS_getrandom: return fill_random((uint8_t *)a, (size_t)b);
    case SYS_getpid:
    case SYS_gettid:
    case SYS_getpgid:
    case SYS_getsid: return PROCESS_ID;
    case SYS_getppid:
    case SYS_getuid:
    case SYS_geteuid:
    case SYS_getgid:
    case SYS_getegid:
    case SYS_sched_yield:
    case SYS_membarrier: return 0;
    default: (void)d; return -ENOSYS;
    }
}
