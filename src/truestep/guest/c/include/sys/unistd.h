/* glibc and newlib have <unistd.h> under this name, too. */
#include <unistd.h>
