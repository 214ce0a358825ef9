/* options.c - finding an option's row, from a command line or a configuration file. */
#include "machine/options.h"

#include "base/names.h"
#include "host/host.h"
#include "machine/options_take.h"
#include "machine/script.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONFIG_CAP = 1 << 20,
    LINE_CAP = 16384, /* kernel command lines are long */
    NAME_CAP = 64,
};

const struct option_row option_rows[OPTIONS] = {
#define SECTION(id, title) {NULL, NULL, NULL, NULL, title},
#define ROW(id, names, argument, standard, take, help)                                 \
    {names, argument, standard, take, help},
#include "machine/options.def"
#undef SECTION
#undef ROW
};

/* Strings, oldest last. */
struct kept {
    struct kept *next;
    char text[];
};

const char *options_keep(struct options *o, const char *text, size_t n)
{
    struct kept *k = malloc(sizeof *k + n + 1);

    if (!k) {
        o->no_memory = true;
        return "";
    }
    memcpy(k->text, text, n);
    k->text[n] = 0;
    k->next = o->kept;
    o->kept = k;
    return k->text;
}

void options_answer(struct options *o, const char *line)
{
    size_t n = strlen(line);
    char *more = realloc(o->answer, o->answer_size + n + 2);

    if (!more) {
        o->no_memory = true;
        return;
    }
    memcpy(more + o->answer_size, line, n);
    o->answer_size += n + 1;
    more[o->answer_size - 1] = '\n';
    more[o->answer_size] = 0;
    o->answer = more;
}

/* ---- life ---- */

struct options *options_new(void)
{
    struct options *o = calloc(1, sizeof *o);
    struct error e;

    if (!o)
        return NULL;
    atomic_init(&o->users, 1);
    o->max_instructions = o->max_ns = UINT64_MAX;
    o->machine.log = (struct log){.level = LOG_WARN, .lines_left = 1000};
    for (unsigned id = 0; id < OPTIONS; id++) {
        const struct option_row *r = &option_rows[id];
        if (r->names && r->standard && !r->take(o, (enum option_id)id, r->standard, &e))
            o->no_memory = true; /* a standard value is always right */
    }
    if (o->no_memory) {
        options_drop(o);
        return NULL;
    }
    return o;
}

void options_hold(struct options *o)
{
    atomic_fetch_add(&o->users, 1);
}

void options_drop(struct options *o)
{
    if (!o || atomic_fetch_sub(&o->users, 1) != 1)
        return;
    while (o->kept) {
        struct kept *next = o->kept->next;
        free(o->kept);
        o->kept = next;
    }
    script_free(o->script);
    free(o->answer);
    free(o);
}

/* ---- names ---- */

static enum option_id find(const char *name, size_t n)
{
    for (unsigned id = 0; id < OPTIONS; id++)
        if (option_rows[id].names && name_is_one_of(option_rows[id].names, name, n))
            return (enum option_id)id;
    return OPTIONS;
}

/* Edits (insert, delete, change, swap neighbours) from a to b, both shorter than
 * NAME_CAP. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
    uint8_t row[3][NAME_CAP + 1];

    for (size_t j = 0; j <= nb; j++)
        row[0][j] = (uint8_t)j;
    for (size_t i = 1; i <= na; i++) {
        uint8_t *now = row[i % 3], *last = row[(i + 2) % 3], *older = row[(i + 1) % 3];
        now[0] = (uint8_t)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1u < best)
                best = last[j] + 1u;
            if (now[j - 1] + 1u < best)
                best = now[j - 1] + 1u;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                older[j - 2] + 1u < best)
                best = older[j - 2] + 1u;
            now[j] = (uint8_t)best;
        }
    }
    return row[na % 3][nb];
}

static bool unknown(const char *name, size_t n, struct error *e)
{
    const char *nearest = NULL;
    size_t length = 0;
    unsigned least = n < 4 ? 2 : 4; /* farther ones are no help */

    error_set(e, "there is no option '-%.*s'", (int)(n < NAME_CAP ? n : NAME_CAP),
              name);
    for (unsigned id = 0; n < NAME_CAP && id < OPTIONS; id++)
        for (const char *at = option_rows[id].names; at && *at;) {
            size_t one = strcspn(at, "|");
            unsigned far = distance(name, n, at, one);
            if (far < least) {
                least = far;
                nearest = at;
                length = one;
            }
            at += one + (at[one] == '|');
        }
    if (nearest)
        return error_hint(e, "did you mean -%.*s? All options: menura --help",
                          (int)length, nearest);
    return error_hint(e, "all options: menura --help");
}

/* ---- values ---- */

static bool set(struct options *o, enum option_id id, const char *name,
                const char *value, struct error *e)
{
    const struct option_row *r = &option_rows[id];

    if (r->argument && !value) {
        error_set(e, "option -%s needs a value", name);
        return error_hint(e, "-%s %s: %s", name, r->argument, r->help);
    }
    if (!r->argument && value) {
        if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "false"))
            value = NULL;
        else if (!strcmp(value, "on") || !strcmp(value, "yes") ||
                 !strcmp(value, "true"))
            value = "on";
        else
            return error_set(e, "option -%s is a switch: 'on' or 'off', not '%.200s'",
                             name, value);
        if (!value && r->take != take_flag)
            return error_set(e, "option -%s cannot be switched off: leave it out",
                             name);
    } else if (!r->argument) {
        value = "on";
    }
    o->given = name;
    o->text[id] = value ? options_keep(o, value, strlen(value)) : NULL;
    if (!r->take(o, id, o->text[id], e))
        return false;
    return !o->no_memory ||
           error_set(e, "cannot keep option -%s: the host has no memory", name);
}

bool options_set(struct options *o, const char *name, const char *value,
                 struct error *e)
{
    enum option_id id = find(name, strlen(name));

    return id < OPTIONS ? set(o, id, name, value, e) : unknown(name, strlen(name), e);
}

const char *options_get(const struct options *o, const char *name)
{
    enum option_id id = find(name, strlen(name));

    if (id == OPTIONS)
        return NULL;
    return o->text[id] ? o->text[id] : option_rows[id].standard;
}

/* ---- the command line ---- */

static bool positional(struct options *o, const char *word, struct error *e)
{
    o->given = "file";
    return options_file(o, word, e);
}

static bool argument(struct options *o, int count, char *const *word, int *at,
                     struct error *e)
{
    const char *name = word[*at], *value = NULL;
    size_t n;
    enum option_id id;
    char plain[NAME_CAP];

    name += 1 + (name[1] == '-');
    n = strcspn(name, "=");
    id = find(name, n);
    if (id == OPTIONS || n >= sizeof plain)
        return unknown(name, n, e);
    memcpy(plain, name, n);
    plain[n] = 0;
    if (name[n] == '=')
        value = name + n + 1;
    else if (option_rows[id].argument && *at + 1 < count)
        value = word[++*at];
    return set(o, id, options_keep(o, plain, n), value, e);
}

bool options_arguments(struct options *o, int count, char *const *word, struct error *e)
{
    for (int at = 0; at < count; at++) {
        const char *w = word[at];
        if (!strcmp(w, "--")) {
            while (++at < count)
                if (!positional(o, word[at], e))
                    return false;
            break;
        }
        if (!(w[0] == '-' && w[1] ? argument(o, count, word, &at, e)
                                  : positional(o, w, e)))
            return false;
        if (o->answer)
            return true;
    }
    return true;
}

/* ---- the configuration file ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* [from, to) without space around. */
static void trim(const char **from, const char **to)
{
    while (*from < *to && is_space(**from))
        ++*from;
    while (*from < *to && is_space((*to)[-1]))
        --*to;
}

static bool config_line(struct options *o, const char *from, const char *to,
                        struct error *e)
{
    const char *equals, *end, *value = NULL;
    enum option_id id;

    trim(&from, &to);
    if (from == to || *from == '#')
        return true;
    equals = memchr(from, '=', (size_t)(to - from));
    end = equals ? equals : to;
    if (equals) {
        const char *v = equals + 1;
        trim(&v, &to);
        value = options_keep(o, v, (size_t)(to - v));
    }
    trim(&from, &end);
    if (end - from >= NAME_CAP || (id = find(from, (size_t)(end - from))) == OPTIONS)
        return unknown(from, (size_t)(end - from), e);
    return set(o, id, options_keep(o, from, (size_t)(end - from)), value, e);
}

static bool config_lines(struct options *o, const char *file, const char *text,
                         size_t size, struct error *e)
{
    const char *at = text, *end = text + size;
    struct error why;

    for (unsigned line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            stop = end;
        if (memchr(at, 0, (size_t)(stop - at)) || stop - at > LINE_CAP) {
            error_set(e, "configuration '%.300s', line %u: not a line of text", file,
                      line);
            return error_hint(e, "lines are 'name = value', at most %d characters",
                              LINE_CAP);
        }
        if (!config_line(o, at, stop, &why))
            return error_set(e, "configuration '%.300s', line %u: %s", file, line,
                             why.text);
        at = stop + 1;
    }
    return true;
}

bool options_read(struct options *o, const char *file, struct error *e)
{
    uint8_t *bytes;
    uint64_t size;
    bool ok;

    if (o->reading_file) {
        error_set(e, "a configuration file cannot name another one: '%.300s'", file);
        return error_hint(e, "give -config several times on the command line");
    }
    if (!host_read_file(file, "configuration", CONFIG_CAP, &bytes, &size, e))
        return false;
    o->reading_file = true;
    ok = config_lines(o, file, (const char *)bytes, (size_t)size, e);
    o->reading_file = false;
    free(bytes);
    return ok;
}
