/* monitor_media.c - drives, and changing the media in them.
 *
 * Commands and names are those of QEMU's monitor ("QEMU Monitor": eject, change, info
 * block).
 */
#include "debug/monitor.h"

#include <string.h>

/* The next word, or what stands in quotes, for file names with blanks; NULL: the line
 * is at its end. Cut in place. */
static char *word(char **at)
{
    char *from = *at + strspn(*at, " "), *end;

    if (!*from)
        return NULL;
    if (*from == '"' && (end = strchr(from + 1, '"'))) {
        from++;
    } else {
        end = from + strcspn(from, " ");
    }
    *at = end + (*end != 0);
    *end = 0;
    return from;
}

/* The drive's name, with -f before it or not. */
static char *drive_name(char **at, bool *force)
{
    char *name = word(at);

    *force = name && !strcmp(name, "-f");
    return *force ? word(at) : name;
}

void monitor_eject(struct monitor *m, char *argument)
{
    bool force;
    char *drive = drive_name(&argument, &force);
    struct error e;

    if (!drive || word(&argument))
        monitor_say(m, "eject [-f] DRIVE: 'info block' lists the drives");
    else if (!m->eject(m->owner, drive, force, &e))
        monitor_say(m, "%s", e.text);
}

/* QEMU's read-only-mode. False: there is no such one. */
static bool writes(const char *mode, bool *said, bool *read_only)
{
    *said = mode && strcmp(mode, "retain");
    *read_only = *said && !strcmp(mode, "read-only");
    return !*said || *read_only || !strcmp(mode, "read-write");
}

void monitor_change(struct monitor *m, char *argument)
{
    bool force, said, read_only;
    char *drive = drive_name(&argument, &force), *file = word(&argument),
         *format = word(&argument), *mode = word(&argument);
    struct error e;

    if (!drive || !file || word(&argument)) {
        monitor_say(m, "change [-f] DRIVE FILE [FORMAT [read-only|read-write|retain]]: "
                       "'info block' lists the drives; a name with blanks stands in "
                       "double quotes");
        return;
    }
    if (!writes(mode, &said, &read_only)) {
        monitor_say(m, "'%s' is none of read-only, read-write and retain", mode);
        return;
    }
    if (!m->insert(m->owner, drive, file, format, said ? &read_only : NULL, force, &e))
        monitor_say(m, "%s", e.text);
}

void monitor_drives(struct monitor *m, const char *argument)
{
    struct drive_view v;
    (void)argument;

    for (unsigned n = 0; m->drive(m->owner, n, &v); n++) {
        const char *door = !v.removable ? ""
                           : v.open     ? "; tray open"
                           : v.locked   ? "; locked by the guest"
                                        : "; removable";
        if (v.file)
            monitor_say(m, "%s: %s (%s, %llu bytes%s)%s", v.name, v.file, v.format,
                        (unsigned long long)v.size, v.read_only ? ", read-only" : "",
                        door);
        else
            monitor_say(m, "%s: no medium%s", v.name, door);
    }
}
