/* options.h - a configuration: what the option table's rows were given.
 *
 * Strings live until the last user of the options is gone, so that a machine may point
 * at them. Values come from files and users: nothing here trusts them.
 */
#ifndef MACHINE_OPTIONS_H
#define MACHINE_OPTIONS_H

#include "machine/machine.h"

#include <stdatomic.h>

/* A section's title stands among the rows, so that pages follow the table's order. */
enum option_id {
#define SECTION(id, title) SECTION_##id,
#define ROW(id, names, argument, standard, take, help) OPTION_##id,
#include "machine/options.def"
#undef SECTION
#undef ROW
    OPTIONS,
};

struct options;
struct script;

struct option_row {
    const char *names; /* "m|memory"; NULL: a section, whose title is help */
    const char *argument, *standard;
    bool (*take)(struct options *o, enum option_id id, const char *value,
                 struct error *e);
    const char *help;
};

extern const struct option_row option_rows[OPTIONS];

enum time_mode { TIME_AUTO, TIME_REAL, TIME_FAST };

/* A machine's own user of the options; see options_hold(). */
struct options {
    struct machine_config machine;
    const char *text[OPTIONS]; /* as given last; NULL: not given */
    const char *serial[MACHINE_SERIALS];
    unsigned serials;
    const char *debugcon;
    const char *gdb; /* where a gdb may connect; NULL: nowhere */
    bool monitor_stdio;
    struct script *script; /* NULL: none */
    enum time_mode time;
    bool has_exit_zero;
    uint32_t exit_zero;
    uint64_t max_instructions; /* UINT64_MAX: none */
    uint64_t max_ns;           /* UINT64_MAX: none */
    const char *given; /* the option's name as it was written, while it is taken */
    bool reading_file; /* a configuration file does not name another one */
    char *answer; /* what -help, -version, -cpu help print; NULL: run the machine */
    size_t answer_size;
    bool no_memory;    /* a string got lost */
    struct log log;    /* notes go here */
    struct kept *kept; /* all strings */
    atomic_uint users;
};

struct options *options_new(void); /* NULL: the host has no memory */
void options_hold(struct options *o);
void options_drop(struct options *o);

/* One option by any of its names, without dashes; value NULL for a switch (or "on" and
 * "off"). */
bool options_set(struct options *o, const char *name, const char *value,
                 struct error *e);

/* A command line without the program's name. One or two dashes are the same; a value is
 * the next argument or stands after "=". A word without dash is a kernel. */
bool options_arguments(struct options *o, int count, char *const *word,
                       struct error *e);

/* A configuration file. */
bool options_read(struct options *o, const char *file, struct error *e);

/* The value that holds: given, standard, or NULL. NULL too for an unknown name. */
const char *options_get(const struct options *o, const char *name);

/* A copy that lives as long as the options. */
const char *options_keep(struct options *o, const char *text, size_t n);

/* Adds a line to what is printed instead of running. */
void options_answer(struct options *o, const char *line);

/* Pages from the table: "help", "man", "markdown", "bash", "zsh", "fish". Told line by
 * line. False: no such page. */
bool options_page(const char *page, void (*line)(void *to, const char *text), void *to);

const char *menura_version_text(void);
const char *menura_features_text(void);

#endif
