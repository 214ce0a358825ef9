/* sdl_keys.h - SDL's scancodes as Linux key numbers. */
#ifndef FRONTEND_SDL_KEYS_H
#define FRONTEND_SDL_KEYS_H

/* 0: no key of a PC keyboard. */
unsigned sdl_key(int scancode);

#endif
