/* monitor.h - commands for people: look into a machine, stop it, step it, save it.
 *
 * A command is a row of one table (monitor.c). All looking goes through debug reads, so
 * that the guest cannot notice. Called by the thread that runs the machine, between
 * instructions.
 */
#ifndef DEBUG_MONITOR_H
#define DEBUG_MONITOR_H

#include "base/device.h"
#include "base/disk.h"
#include "base/error.h"
#include "base/screen.h"
#include "cpu/cpu.h"
#include "mmu/phys.h"

/* What the monitor looks at and asks of whoever runs the machine. */
struct monitor {
    unsigned cpus;
    struct cpu *(*cpu)(void *owner, unsigned n);
    struct device *(*device)(void *owner, unsigned n); /* NULL past the end */
    struct clock *clock;
    struct phys *phys;
    struct space *ports, *mmio;
    const char *version, *features; /* lines for people */
    unsigned current;               /* the CPU that registers and x mean */

    void (*stop)(void *owner);
    void (*go_on)(void *owner);
    bool (*running)(void *owner);
    void (*step)(void *owner, uint64_t ticks); /* run so many, then be stopped */
    void (*reset)(void *owner);
    void (*quit)(void *owner);
    bool (*save)(void *owner, const char *file, struct error *e);
    bool (*load)(void *owner, const char *file, struct error *e);
    uint64_t (*hash)(void *owner);
    bool (*log)(void *owner, const char *items, struct error *e); /* as -d */
    const struct screen *(*screen)(void *owner); /* may be missing, or answer NULL */
    /* Keyboard and mouse, as menura.h has them; may be missing. */
    bool (*keys)(void *owner, const char *keys);
    size_t (*type)(void *owner, const char *text, size_t n);
    void (*mouse)(void *owner, int dx, int dy, int wheel, unsigned buttons);
    /* Drives and media, as menura.h has them. read_only: NULL, or what it shall be. */
    bool (*drive)(void *owner, unsigned n, struct drive_view *view);
    bool (*insert)(void *owner, const char *drive, const char *file, const char *format,
                   const bool *read_only, bool force, struct error *e);
    bool (*eject)(void *owner, const char *drive, bool force, struct error *e);
    unsigned buttons; /* of the mouse, down since the last mouse_button */
    void *owner;

    void (*line)(void *to, const char *text); /* the answer */
    void *to;
};

/* Obeys one line. False when it is no command, which is told too. */
bool monitor_command(struct monitor *m, const char *line);

/* For the commands' own use: one line of the answer, or the lines of an error. */
void monitor_say(struct monitor *m, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* monitor_info.c: the rows of "info". */
struct monitor_topic {
    const char *name, *argument, *help;
    void (*tell)(struct monitor *m, const char *argument);
};
extern const struct monitor_topic monitor_topics[]; /* ends with a NULL name */

/* monitor_map.c */
void monitor_linear_map(struct monitor *m, const char *argument);
void monitor_physical_map(struct monitor *m, const char *argument);

/* monitor_screen.c */
void monitor_screen(struct monitor *m, char *argument);
void monitor_screendump(struct monitor *m, char *argument);

/* monitor_media.c */
void monitor_eject(struct monitor *m, char *argument);
void monitor_change(struct monitor *m, char *argument);
void monitor_drives(struct monitor *m, const char *argument);

/* monitor_input.c */
void monitor_sendkey(struct monitor *m, char *argument);
void monitor_type(struct monitor *m, char *argument);
void monitor_mouse_move(struct monitor *m, char *argument);
void monitor_mouse_button(struct monitor *m, char *argument);

/* A number as commands take it: decimal, 0x hexadecimal and $register terms joined by + and
 * -. */
bool monitor_number(struct monitor *m, const char *text, uint64_t *v);

/* A register of the current CPU by name ("rax", "eip", "cs", "cr3"). */
bool monitor_register(const struct cpu *c, const char *name, size_t n, uint64_t *value);

#endif
