/* sdl_x11.c - Xlib's error handler (Xlib manual 11.8.2, XSetErrorHandler). SDL loads Xlib
 * when it runs, so it is looked for when it runs here too, and stays loaded: SDL puts the
 * handler back that it found, and unloads Xlib.
 */
#include "frontend/sdl_x11.h"

#if defined(HAVE_SDL) && defined(__unix__)
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef int handler(void *display, void *event);
typedef handler *set_handler(handler *);

static int tell(void *display, void *event)
{
    static bool told; /* once: a window that somebody destroyed errs with every frame */
    (void)display;
    (void)event;
    if (!told)
        fputs("menura: the X server reports an error; the machine goes on\n", stderr);
    told = true;
    return 0;
}

void x11_errors_are_told(void)
{
    void *xlib = dlopen("libX11.so.6", RTLD_LAZY);
    void *symbol = xlib ? dlsym(xlib, "XSetErrorHandler") : NULL;
    set_handler *set;

    if (symbol) { /* ISO C has no way from void * to a function (POSIX dlsym) */
        memcpy(&set, &symbol, sizeof set);
        set(tell);
    }
}
#else
void x11_errors_are_told(void)
{
}
#endif
