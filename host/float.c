/* float.c - the floating-point environment in which guests run. */
#include "host/host.h"

#include <fenv.h>
#include <string.h>

/* The default environment is C11's (7.6): round to nearest, nothing traps. FTZ and DAZ, which
 * it does not name, are off in that of every C library known (MXCSR 1F80h, FPCR 0). */
void host_float_enter(struct host_float *old)
{
    fenv_t now;

    _Static_assert(sizeof now <= sizeof old->bytes, "struct host_float is too small");
    fegetenv(&now);
    memcpy(old->bytes, &now, sizeof now);
    fesetenv(FE_DFL_ENV);
}

void host_float_leave(const struct host_float *old)
{
    fenv_t then;

    memcpy(&then, old->bytes, sizeof then);
    fesetenv(&then);
}
