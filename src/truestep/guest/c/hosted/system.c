/* Answers musl's system calls. What the machine cannot do gets ENOSYS, and so errno says it to the program. */
#define _GNU_SOURCE
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <truestep.h>
#include <unistd.h>

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

static long read_at(int descriptor, void *to, size_t size, long offset) {
    long before = __truestep_seek(descriptor, 0, SEEK_CUR);
    if (before < 0) return before;
    long result = __truestep_seek(descriptor, offset, SEEK_SET);
    if (result >= 0) result = __truestep_read(descriptor, to, size);
    __truestep_seek(descriptor, before, SEEK_SET);
    return result;
}

static long write_at(int descriptor, const void *from, size_t size, long offset) {
    long before = __truestep_seek(descriptor, 0, SEEK_CUR);
    if (before < 0) return before;
    long result = __truestep_seek(descriptor, offset, SEEK_SET);
    if (result >= 0) result = __truestep_write(descriptor, from, size);
    __truestep_seek(descriptor, before, SEEK_SET);
    return result;
}

static long control(int descriptor, int command, long argument) {
    if (__truestep_is_open(descriptor)) return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: return __truestep_duplicate(descriptor, (int)argument);
    case F_GETFL: return O_RDWR;
    case F_GETFD:
    case F_SETFD:
    case F_SETFL: return 0;
    default: return -EINVAL;
    }
}

/* The times of a process are those of the clock: all of it is the program's own work. */
static long used(struct rusage *usage) {
    uint64_t microseconds = __truestep_elapsed_nanoseconds() / 1000;
    memset(usage, 0, sizeof *usage);
    usage->ru_utime.tv_sec = (time_t)(microseconds / 1000000);
    usage->ru_utime.tv_usec = (suseconds_t)(microseconds % 1000000);
    return 0;
}

static long limit(int resource, struct rlimit *old) {
    rlim_t most = resource == RLIMIT_NOFILE ? OPEN_FILES_LIMIT : RLIM_INFINITY;
    if (old) *old = (struct rlimit){most, most};
    return 0;
}

static long current_directory(char *to, size_t room) {
    static const char directory[] = "/tmp";
    if (room < sizeof directory) return -ERANGE;
    memcpy(to, directory, sizeof directory);
    return sizeof directory;
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
    case SYS_pread64: return read_at((int)a, (void *)b, (size_t)c, d);
    case SYS_pwrite64: return write_at((int)a, (const void *)b, (size_t)c, d);
    case SYS_lseek: return __truestep_seek((int)a, b, (int)c);
    case SYS_close: return __truestep_close((int)a);
    case SYS_openat: return __truestep_open((const char *)b, (int)c);
    case SYS_fstat: return __truestep_status((int)a, (struct kstat *)b);
    case SYS_newfstatat: return __truestep_status_of((const char *)b, (struct kstat *)c);
    case SYS_utimensat: return b ? __truestep_status_of((const char *)b, NULL) : __truestep_is_open((int)a);
    case SYS_faccessat: return __truestep_status_of((const char *)b, NULL);
    case SYS_unlinkat: return c & AT_REMOVEDIR ? -ENOSYS : __truestep_unlink((const char *)b);
    case SYS_renameat2: return __truestep_rename((const char *)b, (const char *)d);
    case SYS_ftruncate: return __truestep_truncate((int)a, b);
    case SYS_fsync:
    case SYS_fdatasync: return __truestep_is_open((int)a);
    case SYS_pipe2: return __truestep_pipe((int *)a);
    case SYS_ppoll: return __truestep_poll((struct pollfd *)a, (size_t)b);
    case SYS_dup: return __truestep_duplicate((int)a, 0);
    case SYS_dup3: return __truestep_duplicate_as((int)a, (int)b);
    case SYS_ioctl: return __truestep_is_open((int)a) ? -EBADF : -ENOTTY;
    case SYS_fcntl: return control((int)a, (int)b, c);
    case SYS_exit:
    case SYS_exit_group: _Exit((int)a);
    case SYS_clock_gettime: return __truestep_clock((int)a, (struct timespec *)b);
    case SYS_nanosleep: return __truestep_sleep(0, 0, (const struct timespec *)a);
    case SYS_clock_nanosleep: return __truestep_sleep((int)a, (int)b, (const struct timespec *)c);
    case SYS_rt_sigaction:
        return __truestep_signal_action((int)a, (const struct k_sigaction *)b, (struct k_sigaction *)c);
    case SYS_rt_sigprocmask: return __truestep_signal_mask((int)a, (const uint64_t *)b, (uint64_t *)c);
    case SYS_rt_sigpending: return __truestep_signals_pending((uint64_t *)a);
    case SYS_tkill: return __truestep_signal((int)b);
    case SYS_kill: return a == PROCESS_ID || a == 0 ? __truestep_signal((int)b) : -ESRCH;
    case SYS_futex: return wait_on(b);
    case SYS_getrandom: return fill_random((uint8_t *)a, (size_t)b);
    case SYS_getrusage: return used((struct rusage *)b);
    case SYS_prlimit64: return limit((int)b, (struct rlimit *)d);
    case SYS_getcwd: return current_directory((char *)a, (size_t)b);
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
    case SYS_umask: return 022;
    default: return -ENOSYS;
    }
}
