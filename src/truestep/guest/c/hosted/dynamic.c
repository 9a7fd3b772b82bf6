/* Shared libraries: there are none to load. */
#include <dlfcn.h>
#include <stddef.h>

void *dlopen(const char *name, int mode) { return (void)name, (void)mode, NULL; }
void *dlsym(void *restrict library, const char *restrict name) { return (void)library, (void)name, NULL; }
int dlclose(void *library) { return (void)library, -1; }
char *dlerror(void) { return "a guest has no shared libraries"; }
