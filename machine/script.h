/* script.h - a script: what to wait for, to type and to expect, read and checked before
 * the machine starts. docs/scripts.md describes the language.
 */
#ifndef MACHINE_SCRIPT_H
#define MACHINE_SCRIPT_H

#include "base/error.h"
#include "base/types.h"

enum script_what {
#define ROW(id, form, help) SCRIPT_##id,
#include "machine/script.def"
#undef ROW
    SCRIPT_COMMANDS,
};

struct script_command {
    const char *form, *help;
};

extern const struct script_command script_commands[SCRIPT_COMMANDS];

enum { SCRIPT_TEXT_MOST = 16384 }; /* bytes of one text */

struct script_step {
    enum script_what what;
    unsigned line;
    const char *source; /* the line as it was written */
    const char *text;   /* TEXT, FILE or KEYS, and a zero */
    const char *drive;  /* DRIVE */
    size_t size;
    uint64_t number; /* HASH; CODE; HOW: a set, bit n is end n of enum menura_end */
    uint64_t ns;     /* TIME */
    uint64_t within; /* ns; the standard limit where none is given */
};

struct script {
    char *name; /* of the file, for messages */
    struct script_step *step;
    unsigned steps;
    char *texts, *source;
};

/* NULL with e filled: file, line, reason, way out. */
struct script *script_parse(const char *name, const char *text, size_t size,
                            struct error *e);
/* The same of a file; "-" is the standard input, to its end. */
struct script *script_read(const char *file, struct error *e);
void script_free(struct script *s); /* NULL is harmless */

/* Does a step read or write COM1? */
bool script_uses_serial(const struct script *s);

#endif
