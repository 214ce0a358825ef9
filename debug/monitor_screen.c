/* monitor_screen.c - what the graphics card shows, as text or as a file. */
#include "debug/monitor.h"

#include "host/png.h"

#include <stdlib.h>
#include <string.h>

/* Code page 437, as Unicode. Codes 00h to 1Fh and 7Fh are shown as pictures; 20h to 7Eh
 * are ASCII. */
static const uint16_t low[32] = {0x0020, 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660,
                                 0x2022, 0x25d8, 0x25cb, 0x25d9, 0x2642, 0x2640, 0x266a,
                                 0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6,
                                 0x00a7, 0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190,
                                 0x221f, 0x2194, 0x25b2, 0x25bc};
static const uint16_t high[129] = {
    0x2302, 0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea,
    0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6,
    0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3,
    0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa,
    0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591,
    0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551,
    0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500,
    0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c,
    0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a,
    0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
    0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e,
    0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7,
    0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0};

static const struct screen *screen_of(struct monitor *m)
{
    const struct screen *s = m->screen ? m->screen(m->owner) : NULL;

    if (!s)
        monitor_say(m, "this machine has no graphics card");
    return s;
}

/* Appends one code point below 10000h as UTF-8. */
static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

static unsigned unicode_of(uint8_t code)
{
    return code < 32 ? low[code] : code < 127 ? code : high[code - 127];
}

static void say_row(struct monitor *m, const struct screen_cell *cell, unsigned columns)
{
    char line[SCREEN_COLUMNS * 3 + 1], *to = line;

    while (columns && (cell[columns - 1].code == ' ' || cell[columns - 1].code == 0))
        columns--;
    for (unsigned n = 0; n < columns; n++)
        to = put_utf8(to, unicode_of(cell[n].code));
    *to = 0;
    monitor_say(m, "%s", line);
}

void monitor_screen(struct monitor *m, char *argument)
{
    const struct screen *s = screen_of(m);
    struct screen_text *t = s ? malloc(sizeof *t) : NULL;
    (void)argument;

    if (!s)
        return;
    if (!t) {
        monitor_say(m, "the host has no memory for the screen's text");
    } else if (!s->text(s->owner, t)) {
        monitor_say(
            m, "the screen is not in a text mode; screendump FILE makes a picture");
    } else {
        for (unsigned row = 0; row < t->rows; row++)
            say_row(m, t->cell + (size_t)row * t->columns, t->columns);
        if (t->cursor)
            monitor_say(m, "cursor at column %u, row %u of %ux%u", t->column, t->row,
                        t->columns, t->rows);
    }
    free(t);
}

void monitor_screendump(struct monitor *m, char *argument)
{
    const struct screen *s = screen_of(m);
    struct picture p = {0};
    struct error e;

    if (!s)
        return;
    if (!*argument) {
        monitor_say(m, "screendump FILE: the file's name is missing");
        return;
    }
    p.pixel = malloc((size_t)SCREEN_WIDTH * SCREEN_HEIGHT * sizeof *p.pixel);
    if (!p.pixel) {
        monitor_say(m, "the host has no memory for a picture");
        return;
    }
    /* Of the first moment: what blinks is there, whenever it is asked for. */
    s->draw(s->owner, &p, 0);
    if (!p.width || !p.height)
        monitor_say(m, "the screen is off: no mode is set");
    else if (!png_write(argument, &p, &e))
        monitor_say(m, "%s", e.text);
    else
        monitor_say(m, "screendump: %ux%u pixels", p.width, p.height);
    free(p.pixel);
}
