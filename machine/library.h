/* library.h - what the files behind include/menura.h share: a machine with its other
 * ends. */
#ifndef MACHINE_LIBRARY_H
#define MACHINE_LIBRARY_H

#include "menura.h"

#include "debug/monitor.h"
#include "machine/console.h"
#include "machine/internal.h"
#include "machine/options.h"

#include <stdio.h>

enum {
    SEND_MOST = 65536, /* bytes that wait for a guest that does not read them */
    LOG_LINES = 1000,  /* lines that a guest can cause */
};

/* A serial port's other end in the caller. */
struct port {
    struct chardev dev;
    void (*put)(void *to, const uint8_t *bytes, size_t n);
    void *to;
    uint8_t ring[SEND_MOST];
    size_t came, taken;
};

struct gdb_server;
struct script_run;

struct menura_config {
    struct options *options;
    struct error error;
    void (*say)(void *to, enum menura_level level, const char *part, const char *line);
    void *say_to;
    void (*put[MACHINE_SERIALS])(void *to, const uint8_t *bytes, size_t n);
    void *put_to[MACHINE_SERIALS];
    void (*frame)(void *to, struct menura *m);
    void *frame_to;
    unsigned frame_hz;
    void (*print)(void *to, const char *line);
    void *print_to;
};

struct menura {
    struct options *options;
    struct machine *machine;
    struct error error;
    struct log log;
    void (*say)(void *to, enum menura_level level, const char *part, const char *line);
    void *say_to;

    struct port *port[MACHINE_SERIALS];
    struct chardev *chars[MACHINE_SERIALS + 2]; /* opened here, freed here */
    unsigned chars_count;
    struct chardev *stdio;  /* one of them, or NULL */
    struct chardev forward; /* port E9h on a terminal that a serial port has */
    FILE *trace;
    bool trace_lost;
    unsigned told_faults;

    struct console console;
    bool typing; /* a person can reach the monitor at the terminal */
    bool script; /* the monitor's commands come from a pipe */
    struct monitor monitor;
    bool broken;  /* a load failed half way: nothing left to run */
    bool running; /* else stopped by the monitor */
    enum menura_end
        stepped; /* what ended a step of the monitor's; MENURA_END_COUNT: nothing */
    struct gdb_server *gdb; /* NULL: none */
    struct script_run *play; /* the option -script; NULL: none */
    atomic_bool stop, wakeable;
    void (*frame)(void *to, struct menura *m); /* NULL: nobody looks */
    void *frame_to;
    uint64_t frame_ns, frame_due; /* between frames; host time of the next */
    struct viewer *viewer;        /* library_screen.c's own */
    uint64_t started; /* host time of the first run, 0 before */
};

/* library_tell.c: what goes to the user. */
enum menura_level library_level(enum log_level level);
void library_say(struct menura *m, enum menura_level level, const char *part,
                 const char *line);
void library_listen(struct menura *m, struct machine_config *config);
bool library_open_trace(struct menura *m, struct machine_config *config,
                        struct error *e);
void library_close_trace(struct menura *m);

/* library_ends.c: opens the serial ports' other ends, and the terminal. */
bool library_open_ends(struct menura *m, const struct menura_config *c,
                       struct machine_config *config, struct error *e);

/* library_monitor.c: commands, from the terminal or a pipe. */
void library_make_monitor(struct menura *m);
void library_obey_console(struct menura *m);
void library_obey_script(struct menura *m);
bool library_load(struct menura *m, const char *file, struct error *e);

/* library_media.c: the monitor's hands on the drives. */
bool library_drive(void *owner, unsigned n, struct drive_view *view);
bool library_insert(void *owner, const char *drive, const char *file,
                    const char *format, const bool *read_only, bool force,
                    struct error *e);
bool library_eject(void *owner, const char *drive, bool force, struct error *e);

/* library_screen.c */
void library_free_view(struct menura *m);
/* Blinking as it is at now_ns, of whichever clock. False: m->error. */
/* What the card shows, blinking as at now_ns; until the next call. NULL: nothing. */
const struct picture *library_still(struct menura *m, uint64_t now_ns);
bool library_screenshot(struct menura *m, const char *file, uint64_t now_ns);

/* library_gdb.c: a gdb's connection. All but the first do nothing without one. */
bool library_listen_gdb(struct menura *m, struct error *e);
void library_free_gdb(struct menura *m);
/* Obeys what came in. */
void library_obey_gdb(struct menura *m);
bool library_gdb_waiting(const struct menura *m);
/* The machine's run came to this: true when that is a stop for the gdb. */
bool library_gdb_takes(struct menura *m, enum machine_end end);
/* The whole run ends so. */
void library_gdb_ended(struct menura *m, enum menura_end end);

/* library_run.c */
bool library_time_is_over(const struct menura *m); /* max-seconds */
enum menura_end library_end(enum machine_end end); /* MENURA_END_COUNT: nothing ended */

#endif
