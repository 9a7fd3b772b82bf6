/* musl's view of the one thread, and the answers to whoever wants another. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "libc.h"
#include "pthread_impl.h"

struct __libc __libc = {.page_size = 4096};

struct __pthread __truestep_thread = {
    .self = &__truestep_thread,
    .prev = &__truestep_thread,
    .next = &__truestep_thread,
    .tid = 1,
    .detach_state = DT_JOINABLE,
    .locale = &__libc.global_locale,
};

char *__progname = "guest", *__progname_full = "guest";
weak_alias(__progname, program_invocation_short_name);
weak_alias(__progname_full, program_invocation_name);

void __lock(volatile int *lock) { (void)lock; }
void __unlock(volatile int *lock) { (void)lock; }
int __lockfile(FILE *file) { return (void)file, 0; }
void __unlockfile(FILE *file) { (void)file; }

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*run)(void *),
                   void *restrict argument) {
    (void)thread, (void)attributes, (void)run, (void)argument;
    return EAGAIN;
}

int pthread_join(pthread_t thread, void **result) { return (void)thread, (void)result, EDEADLK; }
int pthread_detach(pthread_t thread) { return (void)thread, 0; }
int pthread_cancel(pthread_t thread) { return (void)thread, ENOSYS; }

/* The last thread ends the process. */
_Noreturn void pthread_exit(void *result) {
    (void)result;
    exit(0);
}

/* How <threads.h> calls them. */
weak_alias(pthread_create, __pthread_create);
weak_alias(pthread_join, __pthread_join);
weak_alias(pthread_exit, __pthread_exit);

/* Whatever all threads must do, this one does. */
void __synccall(void (*function)(void *), void *argument) { function(argument); }

/* A spinning thread would wait for ever for another one. */
int pthread_spin_init(pthread_spinlock_t *lock, int shared) { return (void)shared, *lock = 0; }
int pthread_spin_destroy(pthread_spinlock_t *lock) { return (void)lock, 0; }
int pthread_spin_trylock(pthread_spinlock_t *lock) { return a_cas(lock, 0, EBUSY); }
int pthread_spin_unlock(pthread_spinlock_t *lock) { return *lock = 0; }
int pthread_spin_lock(pthread_spinlock_t *lock) { return pthread_spin_trylock(lock) ? EDEADLK : 0; }
