/* display.h - where the guest's screen is shown: a window, the terminal.
 *
 * A display is opened before the machine is made, since it sets the configuration's
 * frame callback, and closed after the run. Without one nothing looks at the screen.
 */
#ifndef FRONTEND_DISPLAY_H
#define FRONTEND_DISPLAY_H

#include "menura.h"

enum { DISPLAY_WHY = 256 };

struct display {
    const char *name, *other_name; /* other_name may be NULL */
    /* Its state; NULL, and why: it cannot be had. */
    void *(*open)(struct menura_config *c, char why[DISPLAY_WHY]);
    /* menura_run() without limit, shown. */
    enum menura_end (*run)(void *state, struct menura *m);
    void (*close)(void *state);
    /* A line for the user, without newline, to be shown on standard error when that
     * does no harm. From any thread. NULL: it never does. */
    void (*say)(void *state, const char *line);
};

extern const struct display display_terminal;
#ifdef HAVE_SDL
extern const struct display display_sdl;
#endif

/* Which one the options ask for. False: why they cannot be had; *d is NULL for none. */
bool display_choose(const struct menura_config *c, const struct display **d,
                    char why[DISPLAY_WHY]);

/* For --version. */
const char *display_features(void);

/* Writes the text screen to standard output. False: it cannot be written. */
bool display_print_text(struct menura *m);

/* The first of menura-001.png, menura-002.png and so on that is not there; the message
 * says what became of it. */
void display_screenshot(struct menura *m, char message[DISPLAY_WHY]);

#endif
