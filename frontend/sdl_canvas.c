/* sdl_canvas.c - a picture in an SDL window: by a texture where a graphics card draws,
 * else by writing the window's pixels.
 *
 * SDL has a renderer without a graphics card too, but it clears the window, copies the
 * picture to a texture and the texture to the window, for each frame.
 */
#ifdef HAVE_SDL
#include "frontend/sdl_canvas.h"

#include <string.h>

/* ---- which way ---- */

/* Where there is no graphics card, OpenGL is often Mesa's on the CPU, which is much
 * slower than writing pixels, and takes all cores. */
static bool is_software(SDL_Renderer *r)
{
    static const char *const names[] = {"llvmpipe", "softpipe", "swrast", "Software"};
    enum { GL_RENDERER_NAME = 0x1f01 };
    const unsigned char *(*get_string)(unsigned) = NULL;
    const char *name = NULL;
    SDL_RendererInfo info;
    void *found;

    if (SDL_GetRendererInfo(r, &info) < 0)
        return false;
    if (info.flags & SDL_RENDERER_SOFTWARE)
        return true;
    if (strncmp(info.name, "opengl", 6) != 0)
        return false;
    found = SDL_GL_GetProcAddress("glGetString");
    memcpy(&get_string, &found, sizeof get_string);
    if (get_string)
        name = (const char *)get_string(GL_RENDERER_NAME);
    for (unsigned n = 0; name && n < SDL_arraysize(names); n++)
        if (strstr(name, names[n]))
            return true;
    return false;
}

static bool pixels_are_ours(const SDL_Surface *s)
{
    const SDL_PixelFormat *f = s ? s->format : NULL;

    return f && f->BytesPerPixel == 4 && f->Rmask == 0xff0000 && f->Gmask == 0xff00 &&
           f->Bmask == 0xff;
}

bool canvas_open(struct canvas *c, SDL_Window *window)
{
    *c = (struct canvas){.window = window};
    c->renderer = SDL_CreateRenderer(window, -1, 0);
    if (c->renderer && !is_software(c->renderer))
        return true;
    if (c->renderer)
        SDL_DestroyRenderer(c->renderer);
    c->renderer = NULL;
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    if (!pixels_are_ours(SDL_GetWindowSurface(window)))
        c->renderer = SDL_CreateRenderer(window, -1, SDL_RENDERER_SOFTWARE);
    return c->renderer || pixels_are_ours(SDL_GetWindowSurface(window));
}

void canvas_lost(struct canvas *c)
{
    if (c->texture)
        SDL_DestroyTexture(c->texture);
    c->texture = NULL;
    c->surface = NULL;
    c->width = c->height = 0;
}

void canvas_close(struct canvas *c)
{
    canvas_lost(c);
    if (c->renderer)
        SDL_DestroyRenderer(c->renderer);
    c->renderer = NULL;
}

/* The largest whole multiple that fits; smaller than 1 when it must be. */
static SDL_Rect place(int from_x, int from_y, int width, int height)
{
    int times = width / from_x < height / from_y ? width / from_x : height / from_y;
    SDL_Rect r = {0, 0, from_x * times, from_y * times};

    if (!times && (int64_t)width * from_y < (int64_t)height * from_x) {
        r.w = width;
        r.h = (int)((int64_t)width * from_y / from_x);
    } else if (!times) {
        r.h = height;
        r.w = (int)((int64_t)height * from_x / from_y);
    }
    r.x = (width - r.w) / 2;
    r.y = (height - r.h) / 2;
    return r;
}

/* ---- with a graphics card ---- */

static void put_texture(struct canvas *c, const uint32_t *pixel)
{
    if (!c->texture)
        c->texture = SDL_CreateTexture(c->renderer, SDL_PIXELFORMAT_RGB888,
                                       SDL_TEXTUREACCESS_STREAMING, (int)c->width,
                                       (int)c->height);
    if (c->texture)
        SDL_UpdateTexture(c->texture, NULL, pixel, (int)(c->width * sizeof *pixel));
}

static void show_texture(struct canvas *c)
{
    int width, height;
    SDL_Rect r;

    SDL_SetRenderDrawColor(c->renderer, 0, 0, 0, 255);
    SDL_RenderClear(c->renderer);
    if (c->texture && SDL_GetRendererOutputSize(c->renderer, &width, &height) == 0) {
        r = place((int)c->width, (int)c->height, width, height);
        SDL_RenderCopy(c->renderer, c->texture, NULL, &r);
    }
    SDL_RenderPresent(c->renderer);
}

/* ---- without ---- */

static void add_changed(struct canvas *c, const SDL_Rect *more)
{
    if (c->changed.w)
        SDL_UnionRect(&c->changed, more, &c->changed);
    else
        c->changed = *more;
}

/* A row of n pixels becomes one of `to_n`. */
static void scale_row(const uint32_t *from, unsigned n, uint32_t *to, unsigned to_n)
{
    unsigned times = to_n / n;

    if (to_n == n) {
        memcpy(to, from, n * sizeof *to);
    } else if (to_n == 2 * n) {
        for (unsigned x = 0; x < n; x++)
            to[2 * x] = to[2 * x + 1] = from[x];
    } else if (to_n == times * n) {
        for (unsigned x = 0; x < n; x++)
            for (unsigned k = 0; k < times; k++)
                *to++ = from[x];
    } else {
        for (unsigned x = 0; x < to_n; x++)
            to[x] = from[(uint64_t)x * n / to_n];
    }
}

/* Rows of the window that are different from what they are to be. */
static void put_rows(struct canvas *c, SDL_Surface *s, const uint32_t *pixel)
{
    unsigned rows = (unsigned)c->place.h, columns = (unsigned)c->place.w, last = c->height;
    size_t bytes = columns * sizeof *pixel, pitch = (size_t)s->pitch;
    uint8_t *to = (uint8_t *)s->pixels + (size_t)c->place.y * pitch +
                  (size_t)c->place.x * sizeof *pixel;
    unsigned top = rows, end = 0;

    for (unsigned y = 0; y < rows; y++, to += pitch) {
        unsigned from = rows == c->height ? y : (unsigned)((uint64_t)y * c->height / rows);
        const uint32_t *row = pixel + (size_t)from * c->width;

        if (columns == c->width && !memcmp(to, row, bytes))
            continue;
        if (from == last)
            memcpy(to, to - pitch, bytes);
        else
            scale_row(row, c->width, (uint32_t *)(void *)to, columns);
        last = from;
        top = y < top ? y : top;
        end = y + 1;
    }
    if (top < end)
        add_changed(c, &(SDL_Rect){c->place.x, c->place.y + (int)top, c->place.w,
                                   (int)(end - top)});
}

static void put_pixels(struct canvas *c, const uint32_t *pixel)
{
    SDL_Surface *s = SDL_GetWindowSurface(c->window);

    if (!pixels_are_ours(s))
        return;
    if (s != c->surface) { /* a new size, of the window or of the picture */
        c->surface = s;
        SDL_FillRect(s, NULL, 0);
        add_changed(c, &(SDL_Rect){0, 0, s->w, s->h});
        if (c->width)
            c->place = place((int)c->width, (int)c->height, s->w, s->h);
    }
    if (!c->width || c->place.w < 1 || c->place.h < 1)
        return;
    if (SDL_MUSTLOCK(s) && SDL_LockSurface(s) < 0)
        return;
    put_rows(c, s, pixel);
    if (SDL_MUSTLOCK(s))
        SDL_UnlockSurface(s);
}

static void show_pixels(struct canvas *c)
{
    if (c->changed.w && c->changed.h)
        SDL_UpdateWindowSurfaceRects(c->window, &c->changed, 1);
    c->changed = (SDL_Rect){0, 0, 0, 0};
}

/* ---- either way ---- */

void canvas_put(struct canvas *c, const uint32_t *pixel, unsigned width, unsigned height)
{
    if (c->width != width || c->height != height) {
        canvas_lost(c);
        c->width = width;
        c->height = height;
    }
    if (!c->renderer)
        put_pixels(c, pixel);
    else if (width)
        put_texture(c, pixel);
}

void canvas_show(struct canvas *c)
{
    if (c->renderer)
        show_texture(c);
    else
        show_pixels(c);
}
#endif
