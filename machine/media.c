/* media.c - what is in the drives: shown, changed, and named in snapshots.
 *
 * Drives are called as QEMU's monitor calls them: by bus and unit, or by the id that
 * -drive gave them.
 */
#include "machine/media.h"

#include "devices/floppy.h"
#include "devices/ide.h"
#include "machine/board.h"

#include <stdio.h>
#include <string.h>

/* What a snapshot's text may be; the file's name without its folder is cut to it. */
enum { TEXT = 256 };

static const char *place(const struct drive_config *d)
{
    static const char *const disks[MACHINE_IDE] = {"ide0-hd0", "ide0-hd1", "ide1-hd0",
                                                   "ide1-hd1"};
    static const char *const cds[MACHINE_IDE] = {"ide0-cd0", "ide0-cd1", "ide1-cd0",
                                                 "ide1-cd1"};
    static const char *const floppies[MACHINE_FLOPPIES] = {"floppy0", "floppy1"};
    static const char *const flash[MACHINE_PFLASH] = {"pflash0", "pflash1"};

    switch (d->interface) {
    case DRIVE_FLOPPY: return floppies[d->index];
    case DRIVE_PFLASH: return flash[d->index];
    case DRIVE_IDE: break;
    }
    return d->cdrom ? cds[d->index] : disks[d->index];
}

static bool removable(const struct drive_config *d)
{
    return d->cdrom || d->interface == DRIVE_FLOPPY;
}

/* ---- looking ---- */

bool media_look(struct machine *m, unsigned n, struct drive_view *view)
{
    const struct board *b = board_of(m);
    const struct drive_config *d;

    if (n >= m->config.drives)
        return false;
    d = &m->config.drive[n];
    *view = (struct drive_view){.name = d->id ? d->id : place(d),
                                .removable = removable(d)};
    if (d->cdrom) {
        view->open = ide_tray_open(b->channel[d->index / 2], d->index % 2);
        view->locked = ide_tray_locked(b->channel[d->index / 2], d->index % 2);
    }
    if (b->disk[n]) {
        view->file = b->disk[n]->name;
        view->format = image_format(b->disk[n]);
        view->size = b->disk[n]->size;
        view->read_only = b->disk[n]->read_only;
    }
    return true;
}

/* ---- changing ---- */

/* By id, or else by place. */
static bool find(const struct machine *m, const char *name, unsigned *n)
{
    const struct machine_config *c = &m->config;

    for (*n = 0; *n < c->drives; ++*n)
        if (c->drive[*n].id && !strcmp(c->drive[*n].id, name))
            return true;
    for (*n = 0; *n < c->drives; ++*n)
        if (!strcmp(place(&c->drive[*n]), name))
            return true;
    return false;
}

static bool no_such_drive(struct machine *m, const char *name, struct error *e)
{
    char list[TEXT] = "";
    struct drive_view v;

    for (unsigned n = 0; media_look(m, n, &v); n++) {
        size_t used = strlen(list);
        if (v.removable)
            snprintf(list + used, sizeof list - used, "%s%.40s", used ? ", " : "",
                     v.name);
    }
    error_set(e, "there is no drive '%.100s'", name);
    error_hint(e, "media can be changed in: %s", list);
    return error_hint(e, "a machine gets an empty CD-ROM drive by: -drive media=cdrom");
}

static bool tell_device(struct machine *m, const struct drive_config *d,
                        struct disk *disk, bool force, struct error *e)
{
    struct board *b = board_of(m);

    if (d->interface == DRIVE_FLOPPY)
        return floppy_insert(b->floppy, d->index, disk, e);
    if (ide_change(b->channel[d->index / 2], d->index % 2, disk, force))
        return true;
    error_set(e,
              "the guest has locked the tray of %s, and has now been asked to open it",
              d->id ? d->id : place(d));
    return error_hint(e, "try again when it has, or force it: eject -f, change -f");
}

/* The image that was taken out; the guest has done with it. */
static void put_away(struct machine *m, struct disk *disk)
{
    struct error e;

    if (!image_close(disk, &e))
        log_say(&m->log, "disk", LOG_ERROR, "%s", e.text);
}

bool media_change(struct machine *m, const char *drive, const struct medium *medium,
                  bool force, struct error *e)
{
    struct drive_config d;
    struct disk *disk = NULL;
    unsigned n;

    if (!find(m, drive, &n))
        return no_such_drive(m, drive, e);
    d = m->config.drive[n];
    if (!removable(&d))
        return error_set(e, "the medium of drive '%.100s' cannot be taken out", drive);
    d.file = d.format = NULL;
    if (medium) {
        d.file = medium->file;
        d.format = medium->format;
        if (medium->writes != MEDIUM_AS_BEFORE)
            d.read_only = medium->writes == MEDIUM_READ_ONLY;
        disk = board_open_image(m, &d, e);
        if (!disk)
            return false;
    }
    if (!tell_device(m, &d, disk, force, e)) {
        image_close(disk, NULL);
        return false;
    }
    put_away(m, board_of(m)->disk[n]);
    board_of(m)->disk[n] = disk;
    d.file = d.format = NULL; /* the caller's, and the machine's first medium's */
    m->config.drive[n] = d;
    return true;
}

/* ---- snapshots ---- */

/* What a snapshot says of a medium; file empty: there is none. */
struct label {
    char file[TEXT], format[TEXT];
    uint64_t size;
};

static void copy(char to[TEXT], const char *from)
{
    snprintf(to, TEXT, "%s", from);
}

static void label_of(const struct disk *disk, struct label *l)
{
    const char *slash;

    *l = (struct label){.size = 0};
    if (!disk)
        return;
    slash = strrchr(disk->name, '/');
    copy(l->file, slash ? slash + 1 : disk->name);
    copy(l->format, image_format(disk));
    l->size = disk->size;
}

void media_save(struct machine *m, struct writer *w)
{
    struct label l;

    section_begin(w, "media");
    write_u32(w, m->config.drives);
    for (unsigned n = 0; n < m->config.drives; n++) {
        label_of(board_of(m)->disk[n], &l);
        write_text(w, place(&m->config.drive[n]));
        write_text(w, l.file);
        write_text(w, l.format);
        write_u64(w, l.size);
    }
    section_end(w);
}

/* A snapshot's text is anybody's. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void tell_label(const struct label *l, char *to, size_t room)
{
    if (!*l->file) {
        snprintf(to, room, "no medium");
        return;
    }
    snprintf(to, room, "'%s' (%.20s, %llu bytes)", l->file, l->format,
             (unsigned long long)l->size);
    clean(to);
}

static bool refuse(const struct drive_config *d, const struct label *wanted,
                   const struct label *there, struct error *e)
{
    char wants[TEXT + 64], has[TEXT + 64];

    tell_label(wanted, wants, sizeof wants);
    tell_label(there, has, sizeof has);
    error_set(e, "the snapshot has %s in drive %s, this machine has %s", wants,
              place(d), has);
    return removable(d)
               ? error_hint(e,
                            "put in what the snapshot has: by the monitor's eject and "
                            "change, or by the options of the command line")
               : error_hint(e, "name the snapshot's disk in the options");
}

bool media_check(struct machine *m, struct reader *r, struct error *e)
{
    bool told[MACHINE_DRIVES] = {false};
    struct label wanted, there;
    char name[TEXT];
    unsigned n;

    for (uint32_t left = read_u32(r); left && !r->failed; left--) {
        read_text(r, name);
        read_text(r, wanted.file);
        read_text(r, wanted.format);
        wanted.size = read_u64(r);
        if (r->failed)
            break;
        for (n = 0; n < m->config.drives; n++)
            if (!strcmp(place(&m->config.drive[n]), name))
                break;
        clean(name);
        if (n == m->config.drives)
            return error_set(
                e, "the snapshot has a drive '%.40s', this machine has none", name);
        label_of(board_of(m)->disk[n], &there);
        if (strcmp(there.file, wanted.file) ||
            (*there.file &&
             (strcmp(there.format, wanted.format) || there.size != wanted.size)))
            return refuse(&m->config.drive[n], &wanted, &there, e);
        told[n] = true;
    }
    if (r->failed)
        return error_set(e, "the snapshot's list of media is damaged");
    for (n = 0; n < m->config.drives; n++)
        if (!told[n])
            return error_set(e, "this machine has a drive %s, the snapshot's had none",
                             place(&m->config.drive[n]));
    return true;
}
