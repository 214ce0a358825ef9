/* sdl_x11.h - what an X server may complain about does not end the machine. */
#ifndef FRONTEND_SDL_X11_H
#define FRONTEND_SDL_X11_H

/* Xlib ends the process for every error that the server reports, also for a window that
 * somebody else has closed. Now the first error is told and the machine goes on; a lost
 * connection still ends it. To be called before SDL_Init(), so that SDL puts this back when
 * it ends, and after, when SDL has set a handler of its own. Does nothing where there is no
 * X. */
void x11_errors_are_told(void);

#endif
