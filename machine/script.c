/* script.c - reading a script: lines, words, operands.
 *
 * A line is split into words and quoted texts, its command found among the rows of
 * script.def by the words in small letters, and the operands read as the row says.
 */
#include "machine/script.h"

#include "machine/options_take.h"
#include "machine/typing.h"
#include "menura.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000u
#define STANDARD_LIMIT (60 * 1000ull * NS_PER_MS)

enum {
    FILE_CAP = 1 << 20,
    WORDS = 8,         /* no command has more */
    SECONDS = 1000000, /* the longest time */
    PRINTED = 200,     /* bytes of a script's word in a message */
};

const struct script_command script_commands[SCRIPT_COMMANDS] = {
#define ROW(id, form, help) {form, help},
#include "machine/script.def"
#undef ROW
};

struct word {
    const char *text;
    size_t size;
    bool quoted;
};

/* What is being read. */
struct parser {
    struct script *script;
    unsigned line;
    char *free; /* in script->texts */
    struct word word[WORDS];
    unsigned words;
    struct error *e;
};

#define WRONG(p, ...)                                                                  \
    do {                                                                               \
        struct error why_;                                                             \
        error_set(&why_, __VA_ARGS__);                                                 \
        return wrong(p, &why_);                                                        \
    } while (0)

static bool wrong(struct parser *p, const struct error *why)
{
    return error_set(p->e, "script '%.200s', line %u: %.600s", p->script->name, p->line,
                     why->text);
}

/* ---- words ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* *at is behind a backslash. */
static bool escape(struct parser *p, const char **at, const char *end)
{
    static const char names[] = "ntre\\\"", values[] = "\n\t\r\033\\\"";
    const char *name;
    char c = *at < end ? *(*at)++ : 0;

    if (c == 'x' && end - *at >= 2 && hex_digit((*at)[0]) >= 0 &&
        hex_digit((*at)[1]) >= 0) {
        *p->free++ = (char)(hex_digit((*at)[0]) << 4 | hex_digit((*at)[1]));
        *at += 2;
        return true;
    }
    if (c && (name = strchr(names, c))) {
        *p->free++ = values[name - names];
        return true;
    }
    if (c == 'x')
        WRONG(p, "\\x needs two hexadecimal digits");
    error_set(p->e, "script '%.200s', line %u: there is no '\\%c' in a text",
              p->script->name, p->line, c > ' ' && c < 0x7f ? c : '?');
    return error_hint(p->e,
                      "there are \\n \\t \\r \\e \\\\ \\\" and \\x41; a backslash "
                      "itself is \\\\");
}

static bool quoted(struct parser *p, const char **at, const char *end)
{
    ++*at;
    while (*at < end && **at != '"') {
        char c = *(*at)++;
        if (c != '\\')
            *p->free++ = c;
        else if (!escape(p, at, end))
            return false;
    }
    if (*at == end)
        WRONG(p, "the text has no end\nclose it with \" in the same line; \\n is a new "
                 "line");
    ++*at;
    if (*at < end && !is_space(**at))
        WRONG(p, "something stands right behind a text\nput a blank between, and write "
                 "a \" within a text as \\\"");
    return true;
}

/* A decoded word is never longer than what was written, so texts has room. */
static bool split(struct parser *p, const char *at, const char *end)
{
    p->words = 0;
    for (;;) {
        struct word *w = &p->word[p->words];
        while (at < end && is_space(*at))
            at++;
        if (at == end || *at == '#')
            return true;
        if (p->words++ == WORDS)
            WRONG(p, "too many words\na text of several words stands in quotes");
        w->text = p->free;
        w->quoted = *at == '"';
        if (w->quoted && !quoted(p, &at, end))
            return false;
        while (!w->quoted && at < end && !is_space(*at))
            *p->free++ = *at++;
        w->size = (size_t)(p->free - w->text);
        *p->free++ = 0;
    }
}

/* ---- operands ---- */

static bool whole_number(const struct word *w, const char **end, uint64_t *v)
{
    const char *c = w->text;

    *v = 0;
    while (*c >= '0' && *c <= '9' && *v <= UINT32_MAX)
        *v = *v * 10 + (uint64_t)(*c++ - '0');
    *end = c;
    return c != w->text && !w->quoted;
}

static bool take_time_span(struct parser *p, const struct word *w, uint64_t *ns)
{
    static const struct {
        const char *name;
        unsigned ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}};
    const char *unit;
    uint64_t v;

    if (whole_number(w, &unit, &v))
        for (unsigned n = 0; n < ARRAY_SIZE(units); n++)
            if (!strcmp(unit, units[n].name) && v * units[n].ms <= SECONDS * 1000ull) {
                *ns = v * units[n].ms * NS_PER_MS;
                return true;
            }
    WRONG(p,
          "'%.*s' is no time\ntimes are whole numbers with a unit, at most 1000000s: "
          "500ms, 30s, 5m",
          PRINTED, w->text);
}

static bool take_how(struct parser *p, const struct word *w, uint64_t *set)
{
    static const struct {
        const char *name;
        uint64_t set;
    } ways[] = {
        {"any", UINT64_MAX},
        {"power-off", 1u << MENURA_END_POWER_OFF},
        {"halt", 1u << MENURA_END_HALTED},
        {"reset", 1u << MENURA_END_RESET},
        {"triple-fault", 1u << MENURA_END_TRIPLE_FAULT},
        {"debug-exit", 1u << MENURA_END_DEBUG_EXIT},
    };

    for (unsigned n = 0; n < ARRAY_SIZE(ways); n++)
        if (!w->quoted && !strcmp(w->text, ways[n].name)) {
            *set = ways[n].set;
            return true;
        }
    WRONG(p,
          "a run does not end by '%.*s'\nthere are any, power-off, halt, reset, "
          "triple-fault and debug-exit",
          PRINTED, w->text);
}

static bool take_hash(struct parser *p, const struct word *w, uint64_t *hash)
{
    bool good = w->size == 16 && !w->quoted;

    *hash = 0;
    for (unsigned n = 0; good && n < 16; n++) {
        good = hex_digit(w->text[n]) >= 0;
        *hash = *hash << 4 | (uint64_t)(hex_digit(w->text[n]) & 15);
    }
    if (!good)
        WRONG(p,
              "'%.*s' is no hash\nhashes have 16 hexadecimal digits: send monitor "
              "\"hash\" prints it",
              PRINTED, w->text);
    return true;
}

static bool take_code(struct parser *p, const struct word *w, uint64_t *code)
{
    const char *end;

    if (whole_number(w, &end, code) && !*end && *code <= 255)
        return true;
    WRONG(p, "'%.*s' is no exit code\nexit codes are 0 to 255", PRINTED, w->text);
}

static bool take_keys(struct parser *p, const struct word *w)
{
    if (typing_names_keys(w->text) && w->size == strlen(w->text))
        return true;
    WRONG(p,
          "there is no key '%.*s'\nkeys are named as in QEMU's sendkey, up to four: "
          "a, f2, ret, ctrl-alt-delete",
          PRINTED, w->text);
}

static bool take_file(struct parser *p, const struct word *w)
{
    if (w->size && w->size == strlen(w->text))
        return true;
    WRONG(p, "that is no file's name\ngive one, in quotes if it has blanks");
}

/* Which drives there are is known when there is a machine. */
static bool take_drive_name(struct parser *p, const struct word *w)
{
    if (w->size && w->size == strlen(w->text))
        return true;
    WRONG(p, "that is no drive's name\ndrives are named as in QEMU: ide1-cd0, floppy0");
}

/* What each command can do with a text. */
static bool check_text(struct parser *p, enum script_what what, const struct word *w)
{
    if (!w->size && what != SCRIPT_PRINT)
        WRONG(p, "the text is empty");
    for (size_t n = 0; n < w->size; n++) {
        char c = w->text[n];
        switch (what) {
        case SCRIPT_WAIT_SCREEN:
        case SCRIPT_EXPECT_SCREEN:
        case SCRIPT_EXPECT_NO_SCREEN:
            if ((unsigned char)c < ' ')
                WRONG(p, "no row of a screen has that: a control character\ngive text "
                         "that stands in one row");
            break;
        case SCRIPT_WAIT_SERIAL:
        case SCRIPT_EXPECT_SERIAL:
        case SCRIPT_EXPECT_NO_SERIAL:
            if (c == '\r')
                WRONG(p, "\\r never matches: carriage returns are left out of what is "
                         "compared\nleave it out");
            break;
        case SCRIPT_TYPE:
            if (!typing_has(c))
                WRONG(p,
                      "a US keyboard cannot type character %02xh of the text\nleave "
                      "it out, or send it by 'serial'",
                      (unsigned char)c);
            break;
        case SCRIPT_MONITOR:
            if (!c || c == '\n')
                WRONG(p, "the monitor takes one line at a time\nuse a 'send monitor' "
                         "for each");
            break;
        default: break;
        }
    }
    return true;
}

static bool take_text_word(struct parser *p, enum script_what what,
                           const struct word *w)
{
    if (!w->quoted)
        WRONG(p, "'%.*s' should be a text in quotes: \"...\"", PRINTED, w->text);
    if (w->size > SCRIPT_TEXT_MOST)
        WRONG(p, "the text is too long\na text has at most %d bytes: use several",
              SCRIPT_TEXT_MOST);
    return check_text(p, what, w);
}

/* ---- commands ---- */

/* The next word of a form. */
static const char *next_part(const char *form, char part[16], bool *optional)
{
    size_t n;

    while (*form == ' ')
        form++;
    *optional = *form == '[';
    form += *optional;
    n = strcspn(form, " ]");
    memcpy(part, form, n);
    part[n] = 0;
    return form + n + (form[n] == ']');
}

static bool is_operand(const char *part)
{
    return *part >= 'A' && *part <= 'Z';
}

/* How many words in small letters at the form's beginning stand in the line; all: it is
 * this command. */
static unsigned agrees(const struct parser *p, const char *form, bool *all)
{
    char part[16];
    bool optional;

    for (unsigned n = 0;; n++) {
        form = next_part(form, part, &optional);
        *all = !*part || is_operand(part) || optional;
        if (*all || n == p->words || p->word[n].quoted || strcmp(part, p->word[n].text))
            return n;
    }
}

static bool unknown_command(struct parser *p)
{
    const char *first = p->word[0].text;

    error_set(p->e, "script '%.200s', line %u: there is no command '%.*s%s%.*s'",
              p->script->name, p->line, PRINTED, first, p->words > 1 ? " " : "",
              PRINTED, p->words > 1 ? p->word[1].text : "");
    error_hint(p->e, "there are:");
    for (unsigned n = 0; n < SCRIPT_COMMANDS; n++)
        error_hint(p->e, "%s", script_commands[n].form);
    return false;
}

static bool is_not_so(struct parser *p, const char *form, const char *what)
{
    WRONG(p, "%s\nthe command is: %s", what, form);
}

static bool take_operand(struct parser *p, const char *part, const struct word *w,
                         bool limit, struct script_step *s)
{
    if (!strcmp(part, "TIME"))
        return take_time_span(p, w, limit ? &s->within : &s->ns);
    if (!strcmp(part, "HOW"))
        return take_how(p, w, &s->number);
    if (!strcmp(part, "HASH"))
        return take_hash(p, w, &s->number);
    if (!strcmp(part, "CODE"))
        return take_code(p, w, &s->number);
    if (!strcmp(part, "DRIVE")) {
        s->drive = w->text;
        return take_drive_name(p, w);
    }
    s->text = w->text;
    s->size = w->size;
    return !strcmp(part, "KEYS")   ? take_keys(p, w)
           : !strcmp(part, "FILE") ? take_file(p, w)
                                   : take_text_word(p, s->what, w);
}

static bool take_step(struct parser *p, struct script_step *s)
{
    const char *form, *rest;
    char part[16];
    bool optional, limit = false, all = false;
    unsigned n = 0;

    for (unsigned k = 0; k < SCRIPT_COMMANDS && !all; k++) {
        n = agrees(p, script_commands[k].form, &all);
        s->what = (enum script_what)k;
    }
    if (!all)
        return unknown_command(p);
    rest = form = script_commands[s->what].form;
    for (n = 0;; n++) {
        rest = next_part(rest, part, &optional);
        limit |= optional;
        if (!*part || (optional && n == p->words))
            break;
        if (n == p->words)
            return is_not_so(p, form, "something is missing at the end");
        if (is_operand(part) ? !take_operand(p, part, &p->word[n], limit, s)
                             : strcmp(part, p->word[n].text) || p->word[n].quoted)
            return is_operand(part) ? false
                                    : is_not_so(p, form, "the end is not understood");
    }
    return n == p->words || is_not_so(p, form, "there is too much at the end");
}

/* ---- files ---- */

static bool take_lines(struct parser *p, size_t size)
{
    struct script *s = p->script;
    char *at = s->source, *end = at + size;

    for (; at < end; at++) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        struct script_step *step = &s->step[s->steps];
        if (!stop)
            stop = end;
        p->line++;
        if (memchr(at, 0, (size_t)(stop - at)))
            WRONG(p, "not a line of text");
        if (!split(p, at, stop))
            return false;
        *step =
            (struct script_step){.line = p->line, .within = STANDARD_LIMIT, .text = ""};
        if (p->words) {
            if (!take_step(p, step))
                return false;
            s->steps++;
        }
        while (at < stop && is_space(*at))
            at++;
        step->source = at;
        at = stop;
        while (stop > step->source && is_space(stop[-1]))
            *--stop = 0;
        *at = 0;
    }
    return true;
}

struct script *script_parse(const char *name, const char *text, size_t size,
                            struct error *e)
{
    struct script *s = calloc(1, sizeof *s);
    struct parser p = {.script = s, .e = e};
    size_t lines = 1; /* what follows the last newline */

    if (!s || size > FILE_CAP) {
        free(s);
        error_set(e,
                  s ? "script '%.300s' is longer than %d KiB"
                    : "cannot read script '%.300s' (%d KiB): the host has no memory",
                  name, FILE_CAP >> 10);
        return NULL;
    }
    for (size_t n = 0; n < size; n++)
        lines += text[n] == '\n';
    s->name = malloc(strlen(name) + 1);
    s->source = malloc(size + 1);
    p.free = s->texts = malloc(size + 2);
    s->step = calloc(lines, sizeof *s->step);
    if (!s->name || !s->source || !s->texts || !s->step) {
        error_set(e, "cannot read script '%.300s': the host has no memory", name);
        script_free(s);
        return NULL;
    }
    memcpy(s->name, name, strlen(name) + 1);
    if (size)
        memcpy(s->source, text, size);
    s->source[size] = 0;
    if (!take_lines(&p, size)) {
        script_free(s);
        return NULL;
    }
    return s;
}

struct script *script_read(const char *file, struct error *e)
{
    bool input = !strcmp(file, "-");
    FILE *f = input ? stdin : fopen(file, "rb");
    char *text = malloc(FILE_CAP + 1);
    struct script *s = NULL;
    size_t size = 0;

    if (!f) {
        error_set(e, "cannot open script '%.300s': %s", file, strerror(errno));
        error_hint(e, "name a file, or - for the standard input");
    } else if (!text) {
        error_set(e, "cannot read script '%.300s': the host has no memory", file);
    } else {
        errno = 0;
        size = fread(text, 1, FILE_CAP + 1, f);
        if (ferror(f))
            error_set(e, "cannot read script '%.300s': %s", file, strerror(errno));
        else
            s = script_parse(input ? "standard input" : file, text, size, e);
    }
    if (f && !input)
        fclose(f);
    free(text);
    return s;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    free(s->name);
    free(s->step);
    free(s->texts);
    free(s->source);
    free(s);
}

bool script_uses_serial(const struct script *s)
{
    for (unsigned n = 0; n < s->steps; n++)
        switch (s->step[n].what) {
        case SCRIPT_WAIT_SERIAL:
        case SCRIPT_SERIAL:
        case SCRIPT_EXPECT_SERIAL:
        case SCRIPT_EXPECT_NO_SERIAL: return true;
        default: break;
        }
    return false;
}

bool take_script(struct options *o, enum option_id id, const char *value,
                 struct error *e)
{
    (void)id;
    if (o->script)
        return error_set(e, "-script is given twice: a machine has one script");
    o->script = script_read(value, e);
    return o->script != NULL;
}
