/* screen.h - what a graphics card shows, for whoever looks: a window, a terminal, a PNG.
 *
 * Looking is free for the guest: draw and text see the card const and change nothing of
 * its state. They are called from the machine's thread between instructions, as often as
 * the front end likes.
 */
#ifndef BASE_SCREEN_H
#define BASE_SCREEN_H

#include "base/types.h"

enum { SCREEN_WIDTH = 2560, SCREEN_HEIGHT = 1600, SCREEN_COLUMNS = 180, SCREEN_ROWS = 100 };

/* width x height pixels, row by row: 00RRGGBBh. */
struct picture {
    unsigned width, height; /* at most SCREEN_WIDTH, SCREEN_HEIGHT; 0: the card shows nothing */
    uint32_t *pixel;        /* room for SCREEN_WIDTH * SCREEN_HEIGHT: the caller's */
};

/* One text cell: code page 437 code (or the font's own slot), and colours as the palette
 * shows them. */
struct screen_cell {
    uint8_t code;
    uint8_t attribute;       /* as in video memory */
    uint32_t front, back;    /* 00RRGGBBh */
};

struct screen_text {
    unsigned columns, rows;
    bool cursor;             /* shown, at column, row */
    unsigned column, row;
    struct screen_cell cell[SCREEN_ROWS * SCREEN_COLUMNS]; /* row by row, no gaps */
};

struct screen {
    const void *owner;
    /* Blinking cells and the cursor follow now_ns (the viewer's clock). */
    void (*draw)(const void *owner, struct picture *p, uint64_t now_ns);
    /* False: not a text mode. */
    bool (*text)(const void *owner, struct screen_text *t);
    /* Changes whenever what is shown may have changed; the same number means draw would
     * give the same picture (but for blinking). Cheap. */
    uint64_t (*version)(const void *owner);
};

#endif
