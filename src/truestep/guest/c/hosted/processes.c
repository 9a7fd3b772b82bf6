/* Other processes: there are none, and none can be made. */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int refused(void) {
    errno = ENOSYS;
    return -1;
}

pid_t fork(void) { return refused(); }
pid_t vfork(void) { return refused(); }
pid_t _Fork(void) { return refused(); }

int execve(const char *path, char *const arguments[], char *const environment[]) {
    (void)path, (void)arguments, (void)environment;
    return refused();
}

int posix_spawn(pid_t *restrict process, const char *restrict path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *restrict attributes, char *const *restrict arguments,
                char *const *restrict environment) {
    (void)process, (void)path, (void)actions, (void)attributes, (void)arguments, (void)environment;
    return ENOSYS;
}

/* Without a command the answer is whether there is a shell. */
int system(const char *command) { return command ? refused() : 0; }

FILE *popen(const char *command, const char *mode) {
    (void)command, (void)mode;
    refused();
    return NULL;
}

int pclose(FILE *stream) { return (void)stream, refused(); }
