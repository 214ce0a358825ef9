/* sdl.c - the guest's screen in a window, by SDL2.
 *
 * SDL wants its events taken by the thread that began it, so that the machine runs in
 * one of its own. Between them, under a lock: what was pressed and moved goes one way,
 * a copy of the picture the other, both in the machine's frame callback.
 */
#ifdef HAVE_SDL
#include "frontend/display.h"
#include "frontend/sdl_canvas.h"
#include "frontend/sdl_keys.h"
#include "frontend/sdl_x11.h"

#define SDL_MAIN_HANDLED
#include <SDL.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAMES = 60,
    BLINK_FRAMES = FRAMES / 9, /* the cursor of a VGA blinks this fast */
    MOVING_FRAMES = 7,
    INPUTS = 1024,
    KEYS = 256,
    STACK = 8 << 20, /* bytes, as a main thread has */
    MESSAGE_MS = 4000,
    TITLE = 512,
};

enum input_kind { INPUT_KEY, INPUT_MOUSE, INPUT_SHOT, INPUT_RELEASE_ALL };

struct input {
    enum input_kind kind;
    unsigned key; /* or the mouse's buttons */
    bool down;
    int dx, dy, wheel;
};

/* Events of our own, counted from the number that SDL gives. */
enum { EVENT_PICTURE, EVENT_MESSAGE, EVENT_ENDED, EVENTS };

struct window {
    SDL_Window *window;
    struct canvas canvas;
    unsigned shown_width, shown_height; /* of the last picture that was not off */
    Uint32 event;
    char name[128];
    bool grabbed, full_screen, resized; /* resized: by the user, who is to have it so */
    bool down[KEYS];                    /* what the guest believes */
    unsigned buttons;
    Uint64 message_ends; /* SDL's ms; 0: no message */
    char title[TITLE];
    bool quit;
    struct menura *m;
    enum menura_end end;

    SDL_mutex *lock; /* for what follows */
    struct input input[INPUTS];
    unsigned inputs;
    bool lost;   /* input was dropped */
    char *paste; /* to be typed; SDL's memory */
    const uint32_t *pixel;  /* menura_screen()'s */
    unsigned width, height; /* 0: the screen is off */
    bool fresh;             /* not shown yet */
    char message[DISPLAY_WHY];

    /* The machine's thread alone. */
    uint64_t version, frames;
    unsigned moving; /* frames until the version is asked for again */
    bool drawn, due; /* ever; to be drawn as soon as the lock is free */
    char *typing; /* what paste was, and how far it is */
    size_t typing_at, typing_size;
};

/* ---- the machine's thread ---- */

static void post(const struct window *w, unsigned which)
{
    SDL_Event e;

    SDL_zero(e);
    e.type = w->event + which;
    SDL_PushEvent(&e);
}

static void release_all(struct menura *m)
{
    for (unsigned key = 1; key < KEYS; key++)
        menura_key(m, key, false);
    menura_mouse(m, 0, 0, 0, 0);
}

static void screenshot(struct window *w, struct menura *m)
{
    char message[DISPLAY_WHY];

    display_screenshot(m, message);
    SDL_LockMutex(w->lock);
    memcpy(w->message, message, sizeof message);
    SDL_UnlockMutex(w->lock);
    post(w, EVENT_MESSAGE);
}

static void obey(struct window *w, struct menura *m, const struct input *i)
{
    switch (i->kind) {
    case INPUT_KEY: menura_key(m, i->key, i->down); break;
    case INPUT_MOUSE: menura_mouse(m, i->dx, i->dy, i->wheel, i->key); break;
    case INPUT_SHOT: screenshot(w, m); break;
    case INPUT_RELEASE_ALL: release_all(m); break;
    }
}

/* Line ends of any kind are one Return each. */
static size_t plain_lines(char *text)
{
    char *to = text;

    for (const char *at = text; *at; at++)
        if (at[0] != '\r' || at[1] != '\n')
            *to++ = *at;
    return (size_t)(to - text);
}

static void type(struct window *w, struct menura *m, char *paste)
{
    if (paste && w->typing) {
        SDL_free(paste); /* the last one is not through yet */
    } else if (paste) {
        w->typing = paste;
        w->typing_at = 0;
        w->typing_size = plain_lines(paste);
    }
    if (!w->typing)
        return;
    w->typing_at +=
        menura_type(m, w->typing + w->typing_at, w->typing_size - w->typing_at);
    if (w->typing_at == w->typing_size) {
        SDL_free(w->typing);
        w->typing = NULL;
    }
}

static void take_input(struct window *w, struct menura *m)
{
    struct input input[INPUTS];
    unsigned inputs;
    char *paste;
    bool lost;

    SDL_LockMutex(w->lock);
    inputs = w->inputs;
    memcpy(input, w->input, inputs * sizeof *input);
    paste = w->paste;
    lost = w->lost;
    w->inputs = 0;
    w->paste = NULL;
    w->lost = false;
    SDL_UnlockMutex(w->lock);
    for (unsigned n = 0; n < inputs; n++)
        obey(w, m, &input[n]);
    if (lost)
        release_all(m);
    type(w, m, paste);
}

/* While the picture changes, comparing video memory with what it was costs more than it
 * saves: then only every so many frames. */
static bool has_changed(struct window *w, struct menura *m)
{
    struct menura_text t;
    uint64_t version;

    if (w->moving)
        return w->moving--;
    version = menura_screen_version(m);
    if (w->drawn && version == w->version)
        return w->frames % BLINK_FRAMES == 0 && menura_screen_text(m, &t);
    if (w->drawn)
        w->moving = MOVING_FRAMES;
    w->version = version;
    return true;
}

static void show(struct window *w, struct menura *m)
{
    struct menura_picture p = {0, 0, NULL};
    bool was_fresh;

    w->due |= has_changed(w, m);
    if (!w->due || SDL_TryLockMutex(w->lock))
        return; /* the last one is being shown: later */
    if (!menura_screen(m, &p))
        p = (struct menura_picture){0, 0, NULL};
    w->pixel = p.pixel;
    w->width = p.width;
    w->height = p.height;
    was_fresh = w->fresh;
    w->fresh = true;
    SDL_UnlockMutex(w->lock);
    w->drawn = true;
    w->due = false;
    if (!was_fresh)
        post(w, EVENT_PICTURE);
}

static void frame(void *to, struct menura *m)
{
    struct window *w = to;

    w->frames++;
    take_input(w, m);
    show(w, m);
}

static int machine_thread(void *to)
{
    struct window *w = to;

    w->end = menura_run(w->m, MENURA_NO_LIMIT);
    post(w, EVENT_ENDED);
    return 0;
}

/* ---- input, on the window's thread ---- */

static void add(struct window *w, struct input i)
{
    SDL_LockMutex(w->lock);
    if (w->inputs < INPUTS)
        w->input[w->inputs++] = i;
    else
        w->lost = true;
    SDL_UnlockMutex(w->lock);
}

/* Movements between two frames are one, unless a button changed. */
static void add_mouse(struct window *w, int dx, int dy, int wheel)
{
    struct input *last;

    SDL_LockMutex(w->lock);
    last = w->inputs ? &w->input[w->inputs - 1] : NULL;
    if (last && last->kind == INPUT_MOUSE && last->key == w->buttons) {
        last->dx += dx;
        last->dy += dy;
        last->wheel += wheel;
        SDL_UnlockMutex(w->lock);
        return;
    }
    SDL_UnlockMutex(w->lock);
    add(w, (struct input){.kind = INPUT_MOUSE,
                          .key = w->buttons,
                          .dx = dx,
                          .dy = dy,
                          .wheel = wheel});
}

static void let_go(struct window *w)
{
    memset(w->down, 0, sizeof w->down);
    w->buttons = 0;
    add(w, (struct input){.kind = INPUT_RELEASE_ALL});
}

static void set_title(struct window *w)
{
    const char *more = "";
    char title[TITLE], message[DISPLAY_WHY];

    if (w->message_ends) {
        SDL_LockMutex(w->lock);
        memcpy(message, w->message, sizeof message);
        SDL_UnlockMutex(w->lock);
        more = message;
    } else if (w->grabbed) {
        more = "Ctrl+Alt+G releases the mouse";
    }
    snprintf(title, sizeof title, "%s%s%s", w->name, *more ? " - " : "", more);
    if (strcmp(title, w->title))
        SDL_SetWindowTitle(w->window, title);
    memcpy(w->title, title, sizeof title);
}

static void grab(struct window *w, bool on)
{
    w->grabbed = on && SDL_SetRelativeMouseMode(SDL_TRUE) == 0;
    if (!w->grabbed)
        SDL_SetRelativeMouseMode(SDL_FALSE);
    SDL_SetWindowKeyboardGrab(w->window, w->grabbed);
    SDL_SetWindowMouseGrab(w->window, w->grabbed);
    set_title(w);
}

static void end(struct window *w)
{
    w->quit = true;
    menura_stop(w->m);
}

static void paste(struct window *w)
{
    char *text = SDL_GetClipboardText();

    SDL_LockMutex(w->lock);
    SDL_free(w->paste);
    w->paste = text;
    SDL_UnlockMutex(w->lock);
}

static void set_full_screen(struct window *w, bool on)
{
    if (SDL_SetWindowFullscreen(w->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) == 0)
        w->full_screen = on;
}

/* Ctrl+Alt and a letter. */
static bool is_command(struct window *w, SDL_Keycode key)
{
    switch (key) {
    case SDLK_g: grab(w, !w->grabbed); return true;
    case SDLK_f: set_full_screen(w, !w->full_screen); return true;
    case SDLK_s: add(w, (struct input){.kind = INPUT_SHOT}); return true;
    case SDLK_v: paste(w); return true;
    case SDLK_q: end(w); return true;
    default: return false;
    }
}

static void on_key(struct window *w, const SDL_KeyboardEvent *e)
{
    unsigned key = sdl_key(e->keysym.scancode);
    bool down = e->type == SDL_KEYDOWN;

    if (e->repeat)
        return; /* the guest's keyboard repeats by itself */
    if (down && e->keysym.mod & KMOD_CTRL && e->keysym.mod & KMOD_ALT &&
        is_command(w, e->keysym.sym)) {
        let_go(w); /* Ctrl and Alt were not meant for the guest */
        return;
    }
    if (!key || key >= KEYS || w->down[key] == down)
        return;
    w->down[key] = down;
    add(w, (struct input){.kind = INPUT_KEY, .key = key, .down = down});
}

static void on_button(struct window *w, const SDL_MouseButtonEvent *e)
{
    unsigned bit = e->button == SDL_BUTTON_LEFT     ? 1
                   : e->button == SDL_BUTTON_RIGHT  ? 2
                   : e->button == SDL_BUTTON_MIDDLE ? 4
                                                    : 0;

    if (!w->grabbed) {
        if (e->type == SDL_MOUSEBUTTONDOWN)
            grab(w, true); /* this click is for us */
        return;
    }
    w->buttons = e->type == SDL_MOUSEBUTTONDOWN ? w->buttons | bit : w->buttons & ~bit;
    add_mouse(w, 0, 0, 0);
}

/* ---- output, on the window's thread ---- */

/* The window is as large as the picture, unless the user wants it otherwise. */
static void fit_window(struct window *w)
{
    int width = (int)w->shown_width, height = (int)w->shown_height;
    int display = SDL_GetWindowDisplayIndex(w->window);
    SDL_Rect room;

    if (w->resized || w->full_screen)
        return;
    if (display >= 0 && SDL_GetDisplayUsableBounds(display, &room) == 0) {
        width = width < room.w ? width : room.w;
        height = height < room.h ? height : room.h;
    }
    SDL_SetWindowSize(w->window, width, height);
}

static void show_changes(struct window *w)
{
    bool new_size;

    SDL_LockMutex(w->lock);
    w->fresh = false;
    new_size = w->width && (w->shown_width != w->width || w->shown_height != w->height);
    if (new_size) {
        w->shown_width = w->width;
        w->shown_height = w->height;
    }
    canvas_put(&w->canvas, w->pixel, w->width, w->height);
    SDL_UnlockMutex(w->lock);
    canvas_show(&w->canvas);
    if (new_size)
        fit_window(w);
}

static void show_all(struct window *w)
{
    canvas_lost(&w->canvas);
    show_changes(w);
}

/* ---- events ---- */

static void on_window(struct window *w, const SDL_WindowEvent *e)
{
    switch (e->event) {
    case SDL_WINDOWEVENT_CLOSE: end(w); break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        grab(w, false);
        let_go(w);
        break;
    case SDL_WINDOWEVENT_RESIZED:
        w->resized = !w->full_screen;
        show_all(w);
        break;
    case SDL_WINDOWEVENT_SIZE_CHANGED:
    case SDL_WINDOWEVENT_EXPOSED: show_all(w); break;
    default: break;
    }
}

/* False: the machine's run is over. */
static bool handle(struct window *w, const SDL_Event *e)
{
    if (e->type == w->event + EVENT_ENDED)
        return false;
    if (e->type == w->event + EVENT_PICTURE) {
        show_changes(w);
        return true;
    }
    if (e->type == w->event + EVENT_MESSAGE) {
        w->message_ends = SDL_GetTicks64() + MESSAGE_MS;
        set_title(w);
        return true;
    }
    switch (e->type) {
    case SDL_QUIT: end(w); break;
    case SDL_WINDOWEVENT: on_window(w, &e->window); break;
    case SDL_KEYDOWN:
    case SDL_KEYUP: on_key(w, &e->key); break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP: on_button(w, &e->button); break;
    case SDL_MOUSEMOTION:
        if (w->grabbed)
            add_mouse(w, e->motion.xrel, e->motion.yrel, 0);
        break;
    case SDL_MOUSEWHEEL:
        if (w->grabbed)
            add_mouse(w, 0, 0,
                      e->wheel.direction == SDL_MOUSEWHEEL_FLIPPED ? -e->wheel.y
                                                                   : e->wheel.y);
        break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET: show_all(w); break; /* textures are lost */
    default: break;
    }
    return true;
}

static enum menura_end run(void *state, struct menura *m)
{
    struct window *w = state;
    SDL_Thread *thread;
    SDL_Event e;

    w->m = m;
    thread = SDL_CreateThreadWithStackSize(machine_thread, "machine", STACK, w);
    if (!thread) {
        fprintf(stderr, "menura: no thread for the machine: %s\n", SDL_GetError());
        return MENURA_END_HOST;
    }
    for (bool runs = true; runs;) {
        if (SDL_WaitEventTimeout(&e, 500))
            runs = handle(w, &e);
        if (w->message_ends && SDL_GetTicks64() >= w->message_ends) {
            w->message_ends = 0;
            set_title(w);
        }
    }
    SDL_WaitThread(thread, NULL);
    return w->end == MENURA_END_STOPPED && w->quit ? MENURA_END_QUIT : w->end;
}

/* ---- life ---- */

static void close_window(void *state)
{
    struct window *w = state;

    canvas_close(&w->canvas);
    if (w->window)
        SDL_DestroyWindow(w->window);
    if (w->lock)
        SDL_DestroyMutex(w->lock);
    SDL_free(w->paste);
    SDL_free(w->typing);
    SDL_Quit();
    free(w);
}

static bool begin(struct window *w, bool full_screen)
{
    SDL_SetMainReady();
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1"); /* main.c has its own */
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "nearest");
    x11_errors_are_told();
    if (SDL_Init(SDL_INIT_VIDEO) < 0)
        return false;
    x11_errors_are_told();
    SDL_EnableScreenSaver();
    w->event = SDL_RegisterEvents(EVENTS);
    w->lock = SDL_CreateMutex();
    w->window = SDL_CreateWindow(
        w->name, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 720, 400,
        SDL_WINDOW_RESIZABLE | (full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0u));
    if (!w->lock || !w->window)
        return false;
    w->full_screen = full_screen;
    return canvas_open(&w->canvas, w->window);
}

static void *open_window(struct menura_config *c, char why[DISPLAY_WHY])
{
    struct window *w = calloc(1, sizeof *w);
    const char *name = menura_config_get(c, "name");

    if (!w) {
        snprintf(why, DISPLAY_WHY, "the host has no memory");
        return NULL;
    }
    snprintf(w->name, sizeof w->name, "%s%sMenura", name ? name : "",
             name ? " - " : "");
    if (!begin(w, menura_config_get(c, "full-screen") != NULL)) {
        snprintf(why, DISPLAY_WHY,
                 "-display sdl: no window: %.150s\n"
                 "without a desktop: -display terminal or -display none",
                 SDL_GetError());
        close_window(w);
        return NULL;
    }
    canvas_put(&w->canvas, NULL, 0, 0);
    canvas_show(&w->canvas);
    menura_config_frame(c, FRAMES, frame, w);
    return w;
}

const struct display display_sdl = {
    .name = "sdl",
    .open = open_window,
    .run = run,
    .close = close_window,
};
#endif
