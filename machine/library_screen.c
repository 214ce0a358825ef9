/* library_screen.c - include/menura.h: the screen, the keyboard and the mouse. */
#include "machine/library.h"

#include "base/cp437.h"
#include "devices/keyboard.h"
#include "devices/mouse.h"
#include "host/chars.h"
#include "host/host.h"
#include "host/png.h"
#include "host/terminal.h"

#include <stdlib.h>
#include <string.h>

/* What a viewer needs, made when the first one looks. */
struct viewer {
    struct picture picture;
    uint32_t pixel[SCREEN_WIDTH * SCREEN_HEIGHT];
    struct picture still; /* not menura_screen()'s, which somebody may be showing */
    uint32_t still_pixel[SCREEN_WIDTH * SCREEN_HEIGHT];
    struct screen_text text;
    struct menura_cell cell[SCREEN_ROWS * SCREEN_COLUMNS];
};

static struct viewer *view(struct menura *m)
{
    if (!m->viewer)
        m->viewer = calloc(1, sizeof *m->viewer);
    return m->viewer;
}

void library_free_view(struct menura *m)
{
    free(m->viewer);
    m->viewer = NULL;
}

/* What blinks is as it is at now_ns. */
static bool draw(struct menura *m, struct picture *p, uint32_t *pixel, uint64_t now_ns)
{
    const struct screen *s = machine_screen(m->machine);

    p->pixel = pixel;
    s->draw(s->owner, p, now_ns);
    return p->width && p->height;
}

bool menura_screen(struct menura *m, struct menura_picture *p)
{
    struct viewer *v = machine_screen(m->machine) ? view(m) : NULL;

    if (!v || !draw(m, &v->picture, v->pixel, host_now_ns()))
        return false;
    *p = (struct menura_picture){v->picture.width, v->picture.height, v->pixel};
    return true;
}

const struct picture *library_still(struct menura *m, uint64_t now_ns)
{
    struct viewer *v = machine_screen(m->machine) ? view(m) : NULL;

    return v && draw(m, &v->still, v->still_pixel, now_ns) ? &v->still : NULL;
}

uint64_t menura_screen_version(struct menura *m)
{
    const struct screen *s = machine_screen(m->machine);

    return s ? s->version(s->owner) : 0;
}

bool menura_screen_text(struct menura *m, struct menura_text *t)
{
    const struct screen *s = machine_screen(m->machine);
    struct viewer *v = s ? view(m) : NULL;

    if (!v || !s->text(s->owner, &v->text))
        return false;
    for (unsigned n = 0; n < v->text.columns * v->text.rows; n++) {
        const struct screen_cell *c = &v->text.cell[n];
        v->cell[n] = (struct menura_cell){.code = c->code, .attribute = c->attribute,
                                          .front = c->front, .back = c->back};
        cp437_utf8(c->code, v->cell[n].utf8);
    }
    *t = (struct menura_text){.columns = v->text.columns, .rows = v->text.rows,
                              .cursor = v->text.cursor, .column = v->text.column,
                              .row = v->text.row, .cell = v->cell};
    return true;
}

bool library_screenshot(struct menura *m, const char *file, uint64_t now_ns)
{
    const struct picture *p = library_still(m, now_ns);

    if (!p)
        return error_set(&m->error, "there is no picture: %s",
                         machine_screen(m->machine) ? "the graphics card shows nothing"
                                                    : "the machine has no graphics card");
    return png_write(file, p, &m->error);
}

bool menura_screenshot(struct menura *m, const char *file)
{
    return library_screenshot(m, file, host_now_ns());
}

void menura_key(struct menura *m, unsigned key, bool down)
{
    keyboard_key(machine_keyboard(m->machine), key, down);
}

bool menura_keys(struct menura *m, const char *keys)
{
    return typing_keys(&m->machine->typing, keys);
}

size_t menura_type(struct menura *m, const char *text, size_t n)
{
    return typing_text(&m->machine->typing, text, n);
}

void menura_mouse(struct menura *m, int dx, int dy, int wheel, unsigned buttons)
{
    mouse_move(machine_mouse(m->machine), dx, dy, wheel, buttons);
}

bool menura_terminal_take(struct menura_config *c, const char *enter, const char *leave)
{
    return chars_take_terminal(enter, leave, &c->error);
}

bool menura_terminal_resumed(void)
{
    return terminal_resumed();
}

void menura_terminal_give(void)
{
    chars_give_terminal();
}

void menura_terminal_restore(void)
{
    terminal_cooked();
}
