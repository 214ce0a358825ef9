/* menura.h - Menura as a library: PCs to configure, run, look into and save.
 *
 * A configuration is a set of options by name, the very ones of the command line
 * (menura_page("help", ...) lists them): menura_config_set(c, "m", "512M"). A machine
 * is made from it, and shares nothing with other machines.
 *
 *     struct menura_config *c = menura_config_new();
 *     menura_config_set(c, "kernel", "vmlinuz");
 *     struct menura *m = menura_new(c);
 *     if (m)
 *         printf("ended: %d\n", menura_exit_code(m, menura_run(m, MENURA_NO_LIMIT)));
 *     else
 *         puts(menura_config_error(c));
 *     menura_free(m);
 *     menura_config_free(c);
 *
 * Threads: one thread at a time may use a configuration or a machine; menura_stop() may
 * be called from any thread and from a signal handler. Callbacks run in the thread that
 * runs the machine, but for log lines, which may come from any. Nothing a guest, a file
 * or a value does ends the process.
 *
 * Text: bytes, as the host's file names are. Strings given in are copied; strings
 * handed out live as long as the object they were asked of, or as the comment says.
 * NULL as an object to free is harmless.
 */
#ifndef MENURA_H
#define MENURA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MENURA_API __attribute__((visibility("default")))
#else
#define MENURA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define MENURA_NO_LIMIT UINT64_MAX

struct menura_config;
struct menura;

/* "0.1.0 (0123abc)": the release and the commit. */
MENURA_API const char *menura_version(void);
/* One line: what was built in. */
MENURA_API const char *menura_features(void);

/* A page made from the option table, told line by line without newlines: "help", "man"
 * (roff), "markdown", "bash", "zsh" or "fish" (completions). False: there is no such
 * page. */
MENURA_API bool menura_page(const char *page, void (*line)(void *to, const char *text),
                            void *to);

/* ---- configurations ---- */

/* Standard values throughout. NULL: the host has no memory. */
MENURA_API struct menura_config *menura_config_new(void);
/* Machines made from it live on. */
MENURA_API void menura_config_free(struct menura_config *c);

enum menura_level { MENURA_ERROR, MENURA_WARNING, MENURA_INFO, MENURA_DEBUG };

/* Who hears notes and warnings: one line each, without newline; part names who speaks.
 * To be set first; without it they are dropped. */
MENURA_API void menura_config_log(struct menura_config *c,
                                  void (*say)(void *to, enum menura_level level,
                                              const char *part, const char *line),
                                  void *to);

/* One option, without dashes. value NULL: a switch. False when there is no such option
 * or value: menura_config_error() says why. */
MENURA_API bool menura_config_set(struct menura_config *c, const char *name,
                                  const char *value);
/* A command line, without the program's name. */
MENURA_API bool menura_config_arguments(struct menura_config *c, int count,
                                        char *const *word);
/* A file of "name = value" lines. */
MENURA_API bool menura_config_read(struct menura_config *c, const char *file);

/* The value that holds; NULL: none, or no such option. */
MENURA_API const char *menura_config_get(const struct menura_config *c,
                                         const char *name);

/* Why the last call failed: a sentence; lines after the first say the way out. */
MENURA_API const char *menura_config_error(const struct menura_config *c);

/* Something was named that a machine could run: a kernel, a disk, firmware, a snapshot. */
MENURA_API bool menura_config_runs(const struct menura_config *c);

/* What is to be printed instead of running a machine (help, version, -cpu help), lines
 * with newlines; NULL: nothing. */
MENURA_API const char *menura_config_answer(const struct menura_config *c);

/* Serial port 0 or 1 ends in the caller: put gets what the guest sends. Goes before an
 * option "serial". False: no such port. */
MENURA_API bool
menura_config_serial(struct menura_config *c, unsigned port,
                     void (*put)(void *to, const uint8_t *bytes, size_t n), void *to);

/* Told hz times (1 to 1000) a second of the host's time while menura_run() runs, between
 * instructions and also while the guest sleeps: the moment for a front end to look at the
 * screen and to hand over keys. */
MENURA_API void menura_config_frame(struct menura_config *c, unsigned hz,
                                    void (*frame)(void *to, struct menura *m),
                                    void *to);

/* Who hears what a script (option "script") prints, line by line; without it standard
 * output does. */
MENURA_API void menura_config_script(struct menura_config *c,
                                     void (*print)(void *to, const char *line),
                                     void *to);

/* ---- machines ---- */

enum menura_end {
    MENURA_END_COUNT, /* the instructions asked for were run */
    MENURA_END_POWER_OFF,
    MENURA_END_DEBUG_EXIT,   /* isa-debug-exit; menura_exit_value() */
    MENURA_END_TRIPLE_FAULT, /* with no-reboot */
    MENURA_END_RESET,        /* with no-reboot */
    MENURA_END_STOPPED,      /* menura_stop() */
    MENURA_END_QUIT,         /* the user, by Ctrl-A x or the monitor's quit */
    MENURA_END_INSTRUCTIONS, /* max-instructions */
    MENURA_END_SECONDS,      /* max-seconds */
    MENURA_END_HALTED,       /* every CPU halted for ever */
    MENURA_END_SCRIPT,       /* the option script's, or its exit */
    MENURA_END_SCRIPT_FAILED,
    /* Not ends of a run, but of a program around it: for menura_exit_code(). */
    MENURA_END_USAGE, /* a wrong option */
    MENURA_END_HOST,  /* a file, memory, a full disk */
    MENURA_END_IMAGE, /* menura_disk("check"): the disk image has errors */
};

/* A machine at power-on, or as its snapshot (option "load") has it. NULL:
 * menura_config_error() says why. Only one machine of a process at a time may have its
 * serial port on "stdio". */
MENURA_API struct menura *menura_new(struct menura_config *c);
MENURA_API void menura_free(struct menura *m);

/* Runs until something ends it; at most `instructions` more, counted over all CPUs. May
 * be called again. */
MENURA_API enum menura_end menura_run(struct menura *m, uint64_t instructions);

/* menura_run() returns soon, or at once when it is called next. */
MENURA_API void menura_stop(struct menura *m);

/* Instructions and event deliveries so far, all CPUs. */
MENURA_API uint64_t menura_instructions(const struct menura *m);
/* Of RAM, registers and devices: equal machines have equal hashes, on every host. */
MENURA_API uint64_t menura_hash(struct menura *m);
/* What the guest wrote to isa-debug-exit. */
MENURA_API uint32_t menura_exit_value(const struct menura *m);
/* The process's exit code for such an end, as the manual page lists them. m may be
 * NULL, but for MENURA_END_DEBUG_EXIT. */
MENURA_API int menura_exit_code(const struct menura *m, enum menura_end end);
/* What the end means, in words. */
MENURA_API const char *menura_end_text(enum menura_end end);

/* Between two calls of menura_run(), or in a callback of the monitor. A snapshot fits a
 * machine made with the same options and with the same media in its drives (by file name
 * and size). A load that fails before anything was read in (no such file, other media)
 * changes nothing; any other failed one leaves a machine that can only load or be freed.
 * False: menura_error() says why. */
MENURA_API bool menura_save(struct menura *m, const char *file);
MENURA_API bool menura_load(struct menura *m, const char *file);
MENURA_API const char *menura_error(const struct menura *m);

/* ---- drives and their media: like menura_save(), or in a frame callback ---- */

struct menura_drive {
    const char *name;  /* as in QEMU: "ide1-cd0", "floppy0"; or the id given to -drive */
    bool removable;    /* menura_insert() and menura_eject() work on it */
    bool open, locked; /* the guest opened the tray; the guest locked it */
    const char *file;  /* the medium; NULL: none, and the rest says nothing */
    const char *format; /* of the image: "raw", "qcow2" */
    uint64_t size;      /* bytes */
    bool read_only;
};
/* Drive n, from 0; its texts are good until the drive's medium is changed. False: there
 * are fewer. */
MENURA_API bool menura_drive(struct menura *m, unsigned n, struct menura_drive *d);

enum menura_writes { MENURA_WRITES_AS_BEFORE, MENURA_READ_ONLY, MENURA_READ_WRITE };

/* The image goes into the drive, in place of what is inside; format NULL: by content. The
 * guest sees the change before its next instruction. False, and nothing is changed:
 * menura_error() says why. Among the reasons: the guest has locked the tray (it then
 * learns that the eject button was pressed); force overrides that. */
MENURA_API bool menura_insert(struct menura *m, const char *drive, const char *file,
                              const char *format, enum menura_writes writes,
                              bool force);
MENURA_API bool menura_eject(struct menura *m, const char *drive, bool force);

/* ---- screen, keyboard, mouse: like menura_save(), or in a frame callback ---- */

/* What the graphics card shows: width x height pixels, 00RRGGBBh, row by row. Valid until
 * the next call of menura_screen(), also in another thread. */
struct menura_picture {
    unsigned width, height;
    const uint32_t *pixel;
};
/* False: there is no card, or it shows nothing. */
MENURA_API bool menura_screen(struct menura *m, struct menura_picture *p);
/* The same number as before: the picture is the same, but for blinking. */
MENURA_API uint64_t menura_screen_version(struct menura *m);

/* A cell of a text mode: code page 437 and as UTF-8; colours 00RRGGBBh. */
struct menura_cell {
    uint8_t code, attribute;
    char utf8[4]; /* with its zero */
    uint32_t front, back;
};
struct menura_text {
    unsigned columns, rows;
    bool cursor; /* shown, at column, row */
    unsigned column, row;
    const struct menura_cell *cell; /* row by row; valid until the next call */
};
/* False: no card, or a graphics mode. */
MENURA_API bool menura_screen_text(struct menura *m, struct menura_text *t);

/* Writes what the screen shows: a PNG. False: menura_error(). */
MENURA_API bool menura_screenshot(struct menura *m, const char *file);

/* A key goes down or up: its Linux number (linux/input-event-codes.h; Escape is 1). */
MENURA_API void menura_key(struct menura *m, unsigned key, bool down);
/* Keys as QEMU's monitor names them, pressed together: "ctrl-alt-delete". False: there is
 * no such key. */
MENURA_API bool menura_keys(struct menura *m, const char *keys);
/* Text as a person types it on a US keyboard, in the guest's time, newline for Return.
 * Returns how many bytes were taken: at most 64 KiB wait. What such a keyboard has not is
 * left out. */
MENURA_API size_t menura_type(struct menura *m, const char *text, size_t n);
/* The mouse moved by so many counts to the right and towards the user, its wheel by so
 * many notches away from the user; buttons are those down now: 1 left, 2 right, 4 middle. */
MENURA_API void menura_mouse(struct menura *m, int dx, int dy, int wheel,
                             unsigned buttons);

/* The process's terminal in raw mode, for a front end that draws on it; serial ports and
 * the monitor cannot have "stdio" until it is given back. `enter` (at most 64 bytes, as
 * `leave`) is written to it now and when a stopped process goes on, which
 * menura_terminal_resumed() then says once, since all is to be drawn anew; `leave` is
 * written before the terminal is given back, also by a signal that ends the process. False, and menura_config_error() says why: it is no terminal, or taken. */
MENURA_API bool menura_terminal_take(struct menura_config *c, const char *enter,
                                     const char *leave);
MENURA_API bool menura_terminal_resumed(void);
/* Only after a take that succeeded. menura_terminal_restore() leaves it taken, and may be
 * called by a signal handler that ends the process. */
MENURA_API void menura_terminal_give(void);
MENURA_API void menura_terminal_restore(void);

/* ---- the monitor and the serial ports ---- */

/* One line for the monitor ("info registers"; "help" lists the commands). What it
 * answers is told line by line. False: there is no such command, which is told too. */
MENURA_API bool menura_command(struct menura *m, const char *command,
                               void (*line)(void *to, const char *text), void *to);

/* Input for a serial port of menura_config_serial(): copied, and read by the guest as
 * it comes to it, once it has raised DTR or RTS. Returns how many bytes were taken: at
 * most 64 KiB wait.
 * Under a script (option "script") port 0 has the script's input alone. */
MENURA_API size_t menura_serial_send(struct menura *m, unsigned port,
                                     const uint8_t *bytes, size_t n);

/* ---- disk images ---- */

/* All optional. */
struct menura_disk_hooks {
    void *to;
    void (*line)(void *to, const char *text); /* the answer, without newlines */
    void (*note)(void *to, const char *text); /* what the user should know besides */
    /* Now and then during long work: bytes done, of all. False stops it, and what was
     * not finished is removed. */
    bool (*progress)(void *to, uint64_t done, uint64_t all);
};

/* `menura disk` without the first two words: {"create", "w95.img", "2G"}; {"--help"}
 * tells the rest. MENURA_END_COUNT: it is done. Otherwise error (room bytes, cut to fit)
 * says why: a sentence; lines after the first say the way out. */
MENURA_API enum menura_end menura_disk(int count, char *const *word,
                                       const struct menura_disk_hooks *hooks,
                                       char *error, size_t room);

#ifdef __cplusplus
}
#endif

#endif
