/* The calls of <unistd.h> and its neighbours that musl's sources in the wheel lack, each one system call. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "syscall.h"

void _exit(int code) { _Exit(code); }

int close(int descriptor) { return (int)syscall(SYS_close, descriptor); }
int posix_close(int descriptor, int flags) { return (void)flags, close(descriptor); }
int dup(int descriptor) { return (int)syscall(SYS_dup, descriptor); }
int __dup3(int descriptor, int wanted, int flags) { return (int)syscall(SYS_dup3, descriptor, wanted, flags); }
int dup3(int descriptor, int wanted, int flags) { return __dup3(descriptor, wanted, flags); }

int dup2(int descriptor, int wanted) {
    /* dup3 refuses two equal numbers, dup2 only checks them. */
    if (descriptor == wanted) return syscall(SYS_fcntl, descriptor, F_GETFD) < 0 ? -1 : wanted;
    return __dup3(descriptor, wanted, 0);
}

int pipe(int descriptors[2]) { return (int)syscall(SYS_pipe2, descriptors, 0); }
int flock(int descriptor, int operation) { return (int)syscall(SYS_flock, descriptor, operation); }
int access(const char *name, int mode) { return (int)syscall(SYS_faccessat, AT_FDCWD, name, mode); }
int faccessat(int directory, const char *name, int mode, int flags) {
    (void)flags;
    return (int)syscall(SYS_faccessat, directory, name, mode);
}
int chdir(const char *name) { return (int)syscall(SYS_chdir, name); }
int rmdir(const char *name) { return (int)syscall(SYS_unlinkat, AT_FDCWD, name, AT_REMOVEDIR); }
int unlink(const char *name) { return (int)syscall(SYS_unlinkat, AT_FDCWD, name, 0); }
int unlinkat(int directory, const char *name, int flags) {
    return (int)syscall(SYS_unlinkat, directory, name, flags);
}
int link(const char *from, const char *to) {
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int symlink(const char *from, const char *to) { return (int)syscall(SYS_symlinkat, from, AT_FDCWD, to); }
int chown(const char *name, uid_t user, gid_t group) {
    return (int)syscall(SYS_fchownat, AT_FDCWD, name, user, group, 0);
}
int lchown(const char *name, uid_t user, gid_t group) {
    return (int)syscall(SYS_fchownat, AT_FDCWD, name, user, group, AT_SYMLINK_NOFOLLOW);
}
void sync(void) { __syscall(SYS_sync); }

pid_t getpid(void) { return (pid_t)__syscall(SYS_getpid); }
pid_t getppid(void) { return (pid_t)__syscall(SYS_getppid); }
pid_t getpgrp(void) { return (pid_t)__syscall(SYS_getpgid, 0); }
pid_t getpgid(pid_t process) { return (pid_t)syscall(SYS_getpgid, process); }
pid_t getsid(pid_t process) { return (pid_t)syscall(SYS_getsid, process); }
int setpgid(pid_t process, pid_t group) { return (int)syscall(SYS_setpgid, process, group); }
uid_t getuid(void) { return (uid_t)__syscall(SYS_getuid); }
uid_t geteuid(void) { return (uid_t)__syscall(SYS_geteuid); }
gid_t getgid(void) { return (gid_t)__syscall(SYS_getgid); }
gid_t getegid(void) { return (gid_t)__syscall(SYS_getegid); }
int getgroups(int room, gid_t groups[]) { return (int)syscall(SYS_getgroups, room, groups); }

/* There is no list of users and groups. */
struct passwd *getpwuid(uid_t user) { return (void)user, NULL; }
struct passwd *getpwnam(const char *name) { return (void)name, NULL; }
struct group *getgrgid(gid_t group) { return (void)group, NULL; }
struct group *getgrnam(const char *name) { return (void)name, NULL; }

/* Advice changes nothing. */
int posix_fadvise(int descriptor, off_t start, off_t size, int advice) {
    return (void)descriptor, (void)start, (void)size, (void)advice, 0;
}

int uname(struct utsname *name) {
    *name = (struct utsname){
        .sysname = "truestep", .nodename = "guest", .release = "1", .version = "1", .machine = "riscv64"};
    return 0;
}

/* The memory is what the data range has at most. */
int __lsysinfo(struct sysinfo *system) {
    *system = (struct sysinfo){.totalram = (unsigned long)3 << 29, .procs = 1, .mem_unit = 1};
    system->freeram = system->totalram;
    return 0;
}
weak_alias(__lsysinfo, sysinfo);

int prctl(int operation, ...) { return (int)syscall(SYS_prctl, operation); }

void swab(const void *restrict from, void *restrict to, ssize_t size) {
    const char *source = from;
    char *target = to;
    for (ssize_t i = 0; i + 1 < size; i += 2) {
        target[i] = source[i + 1];
        target[i + 1] = source[i];
    }
}

/* What <search.h> says of queues: each element begins with the pointers to its neighbours. */
typedef struct node node;
struct node {
    node *next, *previous;
};

void insque(void *element, void *before) {
    node *new = element, *left = before;
    *new = (node){left ? left->next : NULL, left};
    if (new->next) new->next->previous = new;
    if (left) left->next = new;
}

void remque(void *element) {
    node *gone = element;
    if (gone->next) gone->next->previous = gone->previous;
    if (gone->previous) gone->previous->next = gone->next;
}
