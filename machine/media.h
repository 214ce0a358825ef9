/* media.h - what is in the drives of a machine, and changing it while it runs.
 *
 * Between two runs of the machine, like the monitor's other commands: the guest sees
 * the change at the tick at which the machine stands.
 */
#ifndef MACHINE_MEDIA_H
#define MACHINE_MEDIA_H

#include "base/snapshot.h"
#include "machine/machine.h"

enum medium_writes { MEDIUM_AS_BEFORE, MEDIUM_READ_ONLY, MEDIUM_WRITABLE };

struct medium {
    const char *file, *format; /* format NULL: by content */
    enum medium_writes writes; /* a CD-ROM is never written */
};

/* Drive n; its texts live until the medium is changed. False: there are fewer drives.
 */
bool media_look(struct machine *m, unsigned n, struct drive_view *view);

/* The medium goes into the drive of that name (what was inside comes out), or with
 * medium NULL what is inside comes out. False with e filled, and nothing is changed:
 * there is no such drive, its medium stays in it for ever, the image cannot be opened,
 * or the guest has locked the tray (force overrides) and is asked to open it. */
bool media_change(struct machine *m, const char *drive, const struct medium *medium,
                  bool force, struct error *e);

/* A snapshot names the media, and restoring one refuses others: file name without
 * folder, format, size. No file is opened because a snapshot names it. */
void media_save(struct machine *m, struct writer *w);
bool media_check(struct machine *m, struct reader *r, struct error *e);

#endif
