/* The system that musl sees: files, signals, a clock, one process with one thread. Each call returns a result or a
   negative errno.                                                                                                */
#ifndef TRUESTEP_SYSTEM_H
#define TRUESTEP_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/* Linux gives a process 1024 by default; few programs need more than a hundred. */
enum { OPEN_FILES_LIMIT = 256 };

#define START_SECONDS 946684800 /* 1 January 2000, 0:00 UTC: when the clock begins, and the age of all files */

struct k_sigaction;
struct kstat;
struct pollfd;
struct timespec;

long __truestep_read(int descriptor, void *to, size_t size);
long __truestep_write(int descriptor, const void *from, size_t size);
long __truestep_seek(int descriptor, long offset, int whence);
long __truestep_truncate(int descriptor, long size);
long __truestep_status(int descriptor, struct kstat *status);
long __truestep_duplicate(int descriptor, int at_least);
long __truestep_duplicate_as(int descriptor, int wanted);
long __truestep_close(int descriptor);
long __truestep_open(const char *name, int flags);
long __truestep_status_of(const char *name, struct kstat *status);
long __truestep_unlink(const char *name);
long __truestep_rename(const char *from, const char *to);
long __truestep_pipe(int ends[2]);
long __truestep_poll(struct pollfd *asked, size_t count);
long __truestep_is_open(int descriptor);

long __truestep_clock(int clock, struct timespec *time);
long __truestep_sleep(int clock, int flags, const struct timespec *time);
uint64_t __truestep_elapsed_nanoseconds(void);

long __truestep_signal_action(int signal, const struct k_sigaction *action, struct k_sigaction *before);
long __truestep_signal_mask(int how, const uint64_t *set, uint64_t *before);
long __truestep_signal(int signal);
long __truestep_signals_pending(uint64_t *set);

#endif
