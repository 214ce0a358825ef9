/* image_work.c - `menura disk`: create, info, check, convert. */
#include "host/image_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 1 << 20,
    GRAIN = 4096
}; /* convert: read at once; looked at for zeroes */

/* ---- creating ---- */

static bool is_qcow2(const struct image_create *c)
{
    return c->format && !strcmp(c->format, "qcow2");
}

static bool check_request(const struct image_create *c, struct error *e)
{
    if (c->format && !is_qcow2(c) && strcmp(c->format, "raw")) {
        error_set(e, "cannot create disks of format '%.100s'", c->format);
        return error_hint(e, "there are: raw, qcow2");
    }
    if (!is_qcow2(c) && (c->backing || c->cluster))
        return error_set(e, "a raw disk has neither backing file nor clusters");
    if (c->size % IMAGE_SECTOR)
        return error_set(e, "a disk's size is a multiple of 512 bytes");
    if (c->size > INT64_MAX - IMAGE_SECTOR)
        return error_set(e, "that is larger than any disk");
    return true;
}

/* Opens what lies below, to learn its size and format; NULL with e filled. */
static bool look_below(const struct image_create *c, uint64_t *size,
                       const char **format, struct error *e)
{
    char path[IMAGE_PATH];
    struct image_layer l = {.path = path, .anywhere = c->backing_anywhere};
    struct image *im;

    if (!hostfile_related(c->file, c->backing, c->backing_anywhere, path, sizeof path,
                          e))
        return error_hint(e, "it is looked for from the new disk's folder");
    im = image_open_layer(&l, e);
    if (!im)
        return false;
    if (!*size)
        *size = im->disk.size;
    *format = im->driver->name;
    image_free(im);
    return true;
}

static bool fill(struct hostfile *f, const struct image_create *c, uint64_t size,
                 const char *backing_format, struct error *e)
{
    if (is_qcow2(c))
        return qcow2_format(f, size, c->cluster, c->backing, backing_format, e);
    return hostfile_resize(f, size) ||
           error_set(e, "cannot create '%.300s': %s", c->file, hostfile_why(f));
}

bool image_create(const struct image_create *c, struct error *e)
{
    char temporary[IMAGE_PATH], place[IMAGE_PATH];
    uint64_t size = c->size;
    const char *format = NULL;
    struct hostfile *f;

    if (!check_request(c, e) ||
        !hostfile_place(c->file, c->replace, place, sizeof place, e) ||
        (c->backing && !look_below(c, &size, &format, e)))
        return false;
    if (!size)
        return error_set(e, "a disk of no size cannot be created");
    f = hostfile_beside(place, temporary, sizeof temporary, e);
    if (!f)
        return false;
    if (!fill(f, c, size, format, e)) {
        hostfile_close(f);
        remove(temporary);
        return false;
    }
    return hostfile_publish(f, temporary, place, c->replace, e);
}

/* ---- info and check ---- */

static void tell_size(const struct image_lines *l, const char *what, uint64_t n)
{
    static const char units[] = "BKMGTPE";
    unsigned u = 0;
    double shown = (double)n;

    for (; shown >= 1024 && u < 6; u++)
        shown /= 1024;
    if (u)
        image_line(l, "%s: %.4g%c (%llu bytes)", what, shown, units[u],
                   (unsigned long long)n);
    else
        image_line(l, "%s: %llu bytes", what, (unsigned long long)n);
}

bool image_info(const char *file, void (*line)(void *to, const char *text), void *to,
                struct error *e)
{
    struct image_layer l = {.path = file, .checking = true, .unlocked = true};
    struct image_lines lines = {line, to};
    struct image *im = image_open_layer(&l, e);

    if (!im)
        return false;
    image_line(&lines, "disk: %s", file);
    image_line(&lines, "format: %s", im->driver->name);
    tell_size(&lines, "size", im->disk.size);
    tell_size(&lines, "on the host's disk", hostfile_occupied(im->file));
    if (im->driver->info)
        im->driver->info(im, &lines);
    image_free(im);
    return true;
}

bool image_check(const char *file, bool repair, struct image_check *found,
                 void (*line)(void *to, const char *text), void *to, struct error *e)
{
    struct image_layer l = {.path = file, .checking = true, .write = repair};
    struct image_lines lines = {line, to};
    struct image *im = image_open_layer(&l, e);
    bool good;

    *found = (struct image_check){0, 0};
    if (!im)
        return false;
    if (!im->driver->check)
        image_line(&lines, "format %s has no tables that could be wrong",
                   im->driver->name);
    good = !im->driver->check || im->driver->check(im, repair, found, &lines, e);
    if (good && repair && !im->driver->flush(im))
        good = error_set(e, "cannot write to disk '%.300s': %s", file,
                         hostfile_why(im->file));
    image_free(im);
    return good;
}

/* ---- converting ---- */

static bool is_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && !memcmp(p, p + 1, n - 1));
}

/* Where the target is fresh, zeroes need not be written. */
static bool put_piece(struct image *to, uint64_t offset, const uint8_t *bytes, size_t n,
                      size_t grain)
{
    for (size_t at = 0; at < n;) {
        size_t part = n - at < grain ? n - at : grain, run;

        if (is_zero(bytes + at, part)) {
            at += part;
            continue;
        }
        for (run = part; at + run < n; run += part) {
            part = n - at - run < grain ? n - at - run : grain;
            if (is_zero(bytes + at + run, part))
                break;
        }
        if (!image_write(to, offset + at, bytes + at, run))
            return false;
        at += run;
    }
    return true;
}

struct copy {
    struct image *from, *to;
    image_progress *progress;
    void *progress_to;
    size_t grain;
};

static bool copy_all(const struct copy *c, struct error *e)
{
    uint64_t all = c->from->disk.size;
    uint8_t *bytes = malloc(PIECE);
    bool good = bytes != NULL;

    if (!good)
        error_set(e, "the host has no memory");
    for (uint64_t at = 0, run; good && at < all; at += run) {
        if (c->progress && !c->progress(c->progress_to, at, all)) {
            good = error_set(e, "stopped: the unfinished disk was removed");
            break;
        }
        if (image_shows_zeroes(c->from, at, &run))
            continue;
        if (run > PIECE - at % PIECE) /* clusters stay whole */
            run = PIECE - at % PIECE;
        if (!image_read(c->from, at, bytes, (size_t)run))
            good = error_set(e, "cannot read '%.300s' at %llu", c->from->path,
                             (unsigned long long)at);
        else if (!put_piece(c->to, at, bytes, (size_t)run, c->grain))
            good = error_set(e, "cannot write '%.300s': %s", c->to->path,
                             hostfile_why(c->to->file));
    }
    free(bytes);
    if (good && c->progress)
        c->progress(c->progress_to, all, all);
    return good;
}

static bool fill_from(struct image *from, const struct image_create *target,
                      const char *temporary, image_progress *progress, void *to,
                      struct error *e)
{
    /* Synced once at the end: a half-written target has no name yet. */
    struct image_layer l = {.path = temporary,
                            .format = target->format ? target->format : "raw",
                            .write = true,
                            .cache = IMAGE_UNSAFE,
                            .log = from->log};
    struct copy c = {.from = from, .progress = progress, .progress_to = to};
    bool good;

    c.to = image_open_layer(&l, e);
    if (!c.to)
        return false;
    c.grain = is_qcow2(target) ? (target->cluster ? target->cluster : 65536) : GRAIN;
    good = copy_all(&c, e);
    if (good && !image_flush(c.to))
        good = error_set(e, "cannot write '%.300s': %s", target->file,
                         hostfile_why(c.to->file));
    image_free(c.to);
    return good;
}

bool image_convert(const struct image_options *from, const struct image_create *target,
                   image_progress *progress, void *to, struct log *log, struct error *e)
{
    struct image_options read_it = *from;
    struct image_create made = *target;
    char temporary[IMAGE_PATH], place[IMAGE_PATH];
    struct hostfile *f;
    struct disk *d;
    bool good;

    read_it.read_only = true;
    if (!check_request(target, e))
        return false;
    if (target->backing)
        return error_set(e, "a converted disk stands on its own: no backing file");
    d = image_open(&read_it, log, e); /* before: the target may not be the source */
    if (!d)
        return false;
    if (!hostfile_place(target->file, target->replace, place, sizeof place, e)) {
        image_free(d->owner);
        return false;
    }
    made.size = d->size;
    f = hostfile_beside(place, temporary, sizeof temporary, e);
    good = f && fill(f, &made, d->size, NULL, e) &&
           fill_from(d->owner, &made, temporary, progress, to, e);
    image_free(d->owner);
    if (good)
        return hostfile_publish(f, temporary, place, target->replace, e);
    hostfile_close(f);
    if (f)
        remove(temporary);
    return false;
}
