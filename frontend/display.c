/* display.c - which display is meant, and what all of them have. */
#include "frontend/display.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOTS = 1000 };

static const struct display *const displays[] = {
#ifdef HAVE_SDL
    &display_sdl,
#endif
    &display_terminal,
};

const char *display_features(void)
{
#ifdef HAVE_SDL
    return "displays: sdl terminal";
#else
    return "displays: terminal; no window, since it was built without SDL2";
#endif
}

static bool is(const char *value, const char *text)
{
    return value && !strcmp(value, text);
}

static bool has_screen(const struct menura_config *c)
{
    const char *vga = menura_config_get(c, "vga");

    return vga ? strcmp(vga, "none") != 0
               : !menura_config_get(c, "kernel") || menura_config_get(c, "bios");
}

/* Somebody was given standard input and output by name. */
static bool stdio_is_given(const struct menura_config *c)
{
    const char *serial = menura_config_get(c, "serial");

    return is(serial, "stdio") || is(serial, "mon:stdio") ||
           is(menura_config_get(c, "debugcon"), "stdio") ||
           is(menura_config_get(c, "monitor"), "stdio");
}

static const struct display *find(const char *name)
{
    for (size_t n = 0; n < sizeof displays / sizeof *displays; n++)
        if (is(name, displays[n]->name) || is(displays[n]->other_name, name))
            return displays[n];
    return NULL;
}

#ifdef HAVE_SDL
static bool has_desktop(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

    return (x && *x) || (wayland && *wayland);
}
#endif

static const struct display *standard(const struct menura_config *c)
{
    if (!has_screen(c))
        return NULL;
#ifdef HAVE_SDL
    if (has_desktop())
        return &display_sdl;
#endif
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !stdio_is_given(c))
        return &display_terminal;
    return NULL;
}

bool display_choose(const struct menura_config *c, const struct display **d,
                    char why[DISPLAY_WHY])
{
    const char *name = menura_config_get(c, "display");
    bool nographic = menura_config_get(c, "nographic") != NULL;

    *d = NULL;
    if (!name) {
        if (!nographic)
            *d = standard(c);
        return true;
    }
    if (is(name, "none"))
        return true;
    if (nographic)
        snprintf(why, DISPLAY_WHY, "-display %s and -nographic: only one of them",
                 name);
    else if (!(*d = find(name)))
        snprintf(why, DISPLAY_WHY,
                 "-display %s: this menura was built without it\n"
                 "use -display terminal or -display none",
                 name);
    else if (*d == &display_terminal && stdio_is_given(c))
        snprintf(
            why, DISPLAY_WHY,
            "-display %s: the screen takes the whole terminal, but a serial port, the "
            "debug port or the monitor was given stdio\n"
            "give them file:PATH or pty; the monitor is behind Ctrl-A c",
            name);
    else
        return true;
    return false;
}

/* Without the blanks at its end. */
static unsigned row_length(const struct menura_text *t, unsigned row)
{
    const struct menura_cell *cell = t->cell + (size_t)row * t->columns;
    unsigned n = t->columns;

    while (n && !strcmp(cell[n - 1].utf8, " "))
        n--;
    return n;
}

bool display_print_text(struct menura *m)
{
    struct menura_picture p;
    struct menura_text t;

    if (!menura_screen_text(m, &t)) {
        if (menura_screen(m, &p))
            fprintf(stderr,
                    "menura: the screen is not in a text mode, but %ux%u pixels\n",
                    p.width, p.height);
        else
            fputs("menura: the screen is off\n", stderr);
        return true;
    }
    while (t.rows && !row_length(&t, t.rows - 1))
        t.rows--;
    for (unsigned row = 0; row < t.rows; row++) {
        const struct menura_cell *cell = t.cell + (size_t)row * t.columns;
        unsigned columns = row_length(&t, row);
        for (unsigned n = 0; n < columns; n++)
            fputs(cell[n].utf8, stdout);
        putchar('\n');
    }
    return fflush(stdout) == 0 && !ferror(stdout);
}

void display_screenshot(struct menura *m, char message[DISPLAY_WHY])
{
    char file[32];
    FILE *there;

    for (unsigned n = 1; n < SHOTS; n++) {
        snprintf(file, sizeof file, "menura-%03u.png", n);
        there = fopen(file, "rb");
        if (there) {
            fclose(there);
            continue;
        }
        if (menura_screenshot(m, file))
            snprintf(message, DISPLAY_WHY, "saved as %s", file);
        else
            snprintf(message, DISPLAY_WHY, "%s", menura_error(m));
        return;
    }
    snprintf(message, DISPLAY_WHY,
             "there are menura-001.png to menura-%03d.png already", SHOTS - 1);
}
