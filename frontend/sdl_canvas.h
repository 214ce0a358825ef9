/* sdl_canvas.h - a picture in an SDL window, scaled to whole multiples. */
#ifndef FRONTEND_SDL_CANVAS_H
#define FRONTEND_SDL_CANVAS_H

#ifdef HAVE_SDL
#include <SDL.h>

#include <stdbool.h>
#include <stdint.h>

struct canvas {
    SDL_Window *window;
    SDL_Renderer *renderer; /* NULL: the window's pixels are written by us */
    SDL_Texture *texture;   /* width x height; NULL: none */
    unsigned width, height; /* of the picture; 0: none was put yet, or the screen is off */
    SDL_Surface *surface;   /* the window's, which shows what was put last; NULL: not so */
    SDL_Rect place;         /* of the picture in it */
    SDL_Rect changed;       /* what is to be shown of it; w 0: nothing */
};

/* False: SDL_GetError(). The window must live longer. */
bool canvas_open(struct canvas *c, SDL_Window *window);
void canvas_close(struct canvas *c);

/* A picture of width x height, 00RRGGBBh. */
void canvas_put(struct canvas *c, const uint32_t *pixel, unsigned width,
                unsigned height);
/* The window shows what was put. */
void canvas_show(struct canvas *c);
/* Put and shown things are gone: all is to be put again. */
void canvas_lost(struct canvas *c);
#endif

#endif
