/* monitor_screen.c - what the graphics card shows, as text or as a file. */
#include "debug/monitor.h"

#include "base/cp437.h"
#include "host/png.h"

#include <stdlib.h>
#include <string.h>

static const struct screen *screen_of(struct monitor *m)
{
    const struct screen *s = m->screen ? m->screen(m->owner) : NULL;

    if (!s)
        monitor_say(m, "this machine has no graphics card");
    return s;
}

static void say_row(struct monitor *m, const struct screen_cell *cell, unsigned columns)
{
    char line[SCREEN_COLUMNS * 3 + 1], *to = line;

    while (columns && (cell[columns - 1].code == ' ' || cell[columns - 1].code == 0))
        columns--;
    for (unsigned n = 0; n < columns; n++)
        to += cp437_utf8(cell[n].code, to);
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
