/* library_media.c - include/menura.h: drives and their media. */
#include "machine/library.h"

#include "machine/media.h"

bool menura_drive(struct menura *m, unsigned n, struct menura_drive *d)
{
    struct drive_view v;

    if (!media_look(m->machine, n, &v))
        return false;
    *d = (struct menura_drive){.name = v.name,
                               .removable = v.removable,
                               .open = v.open,
                               .locked = v.locked,
                               .file = v.file,
                               .format = v.format,
                               .size = v.size,
                               .read_only = v.read_only};
    return true;
}

bool menura_insert(struct menura *m, const char *drive, const char *file,
                   const char *format, enum menura_writes writes, bool force)
{
    struct medium medium = {.file = file,
                            .format = format,
                            .writes = writes == MENURA_READ_ONLY    ? MEDIUM_READ_ONLY
                                      : writes == MENURA_READ_WRITE ? MEDIUM_WRITABLE
                                                                    : MEDIUM_AS_BEFORE};

    return media_change(m->machine, drive, &medium, force, &m->error);
}

bool menura_eject(struct menura *m, const char *drive, bool force)
{
    return media_change(m->machine, drive, NULL, force, &m->error);
}

/* ---- the monitor's ---- */

bool library_drive(void *owner, unsigned n, struct drive_view *view)
{
    return media_look(((struct menura *)owner)->machine, n, view);
}

bool library_insert(void *owner, const char *drive, const char *file,
                    const char *format, const bool *read_only, bool force,
                    struct error *e)
{
    struct medium medium = {.file = file,
                            .format = format,
                            .writes = !read_only   ? MEDIUM_AS_BEFORE
                                      : *read_only ? MEDIUM_READ_ONLY
                                                   : MEDIUM_WRITABLE};

    return media_change(((struct menura *)owner)->machine, drive, &medium, force, e);
}

bool library_eject(void *owner, const char *drive, bool force, struct error *e)
{
    return media_change(((struct menura *)owner)->machine, drive, NULL, force, e);
}
