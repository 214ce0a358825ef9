/* options_page.c - the option table as help, manual page, Markdown and completions. */
#include "machine/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { HELP_COLUMN = 26, WIDTH = 80, LINE = 1024 };

struct page {
    void (*line)(void *to, const char *text);
    void *to;
};

static void say(const struct page *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(const struct page *p, const char *fmt, ...)
{
    char text[LINE];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    p->line(p->to, text);
}

static const struct {
    unsigned code;
    const char *meaning;
} ends[] = {
#define END(id, code, meaning) {code, meaning},
#include "machine/ends.def"
#undef END
};

static const char *const keys[][2] = {
    {"Ctrl-A x", "quit"},
    {"Ctrl-A c", "to the monitor, and back to the guest; the guest goes on meanwhile"},
    {"Ctrl-A b", "send a break"},
    {"Ctrl-A h", "this list"},
    {"Ctrl-A Ctrl-A", "send Ctrl-A"},
};

static const char *const about[] = {
    "A full-system PC emulator: it decodes and executes x86 and x86-64 instructions.",
    "One dash or two are the same; a value stands after a space or '='. A FILE without",
    "option is a kernel. COM1 is on the terminal if no -serial says otherwise and the",
    "screen is not shown there.",
    "Disk images are made, checked and converted by 'menura disk': menura disk --help.",
};

static const char odd[] =
    "Odd codes are the guest's: V * 2 + 1, cut to 8 bits, for a V written to "
    "isa-debug-exit. A signal ends Menura as that signal.";

static const char memory[] =
    "Host memory: what the guest touched, plus at most 64 MiB, plus 4 MiB for each CPU "
    "after the first.";

/* "a|b" as "-a, -b". */
static void dashed(const char *names, char *text, size_t room, const char *between)
{
    size_t used = 0;

    text[0] = 0;
    while (*names && used < room) {
        int n = (int)strcspn(names, "|");
        used += (size_t)snprintf(text + used, room - used, "%s-%.*s",
                                 used ? between : "", n, names);
        names += n + (names[n] == '|');
    }
}

static void first_name(const char *names, char *text, size_t room)
{
    snprintf(text, room, "%.*s", (int)strcspn(names, "|"), names);
}

/* text, broken into lines of WIDTH with `indent` spaces; the first begins with head. */
static void wrap(const struct page *p, const char *head, unsigned indent,
                 const char *text)
{
    char line[LINE];
    size_t used = (size_t)snprintf(line, sizeof line, "%s", head);

    if (used + 1 > indent && used) {
        p->line(p->to, line);
        used = 0;
    }
    while (*text) {
        size_t n = strcspn(text, " ");
        if (used > indent && used + 1 + n > WIDTH) {
            p->line(p->to, line);
            used = 0;
        }
        if (used <= indent)
            used += (size_t)snprintf(line + used, sizeof line - used, "%*s",
                                     (int)(indent - used), "");
        else
            line[used++] = ' ';
        used += (size_t)snprintf(line + used, sizeof line - used, "%.*s", (int)n, text);
        text += n;
        while (*text == ' ')
            text++;
    }
    p->line(p->to, line);
}

/* ---- --help ---- */

static void help_option(const struct page *p, const struct option_row *r)
{
    char names[256], head[300], text[LINE];

    dashed(r->names, names, sizeof names, ", ");
    snprintf(head, sizeof head, "  %s%s%s", names, r->argument ? " " : "",
             r->argument ? r->argument : "");
    snprintf(text, sizeof text, "%s%s%s%s", r->help, r->standard ? " [" : "",
             r->standard ? r->standard : "", r->standard ? "]" : "");
    wrap(p, head, HELP_COLUMN, text);
}

static void help(const struct page *p)
{
    char head[32];

    say(p, "Usage: menura [OPTION]... [KERNEL]");
    for (unsigned n = 0; n < ARRAY_SIZE(about); n++)
        say(p, "%s", about[n]);
    for (unsigned id = 0; id < OPTIONS; id++) {
        const struct option_row *r = &option_rows[id];
        if (!r->names) {
            say(p, "%s", "");
            say(p, "%s:", r->help);
        } else {
            help_option(p, r);
        }
    }
    say(p, "%s", "");
    say(p, "Keys on a serial terminal:");
    for (unsigned n = 0; n < ARRAY_SIZE(keys); n++) {
        snprintf(head, sizeof head, "  %s", keys[n][0]);
        wrap(p, head, HELP_COLUMN, keys[n][1]);
    }
    say(p, "%s", "");
    say(p, "Exit codes:");
    for (unsigned n = 0; n < ARRAY_SIZE(ends); n++) {
        snprintf(head, sizeof head, "  %u", ends[n].code);
        wrap(p, head, 6, ends[n].meaning);
    }
    wrap(p, "", 2, odd);
    say(p, "%s", "");
    wrap(p, "", 0, memory);
}

/* ---- the manual page: man-pages(7) ---- */

/* Backslashes and dashes mean something to roff, and so does a dot that begins a line.
 */
static void roff(const struct page *p, const char *before, const char *text,
                 const char *after)
{
    char line[LINE];
    size_t used = (size_t)snprintf(line, sizeof line, "%s", before);

    if (!used && (*text == '.' || *text == '\''))
        used = (size_t)snprintf(line, sizeof line, "\\&");
    for (; *text && used + 4 < sizeof line; text++) {
        if (*text == '\\' || *text == '-')
            line[used++] = '\\';
        line[used++] = *text;
    }
    snprintf(line + used, sizeof line - used, "%s", after);
    p->line(p->to, line);
}

static void man_option(const struct page *p, const struct option_row *r)
{
    char names[256], head[300];

    dashed(r->names, names, sizeof names, ", ");
    snprintf(head, sizeof head, "%s%s%s", names, r->argument ? " " : "",
             r->argument ? r->argument : "");
    say(p, ".TP");
    roff(p, ".B ", head, "");
    roff(p, "", r->help, ".");
    if (r->standard)
        roff(p, "Default: ", r->standard, ".");
}

static void man(const struct page *p)
{
    char code[8];

    say(p, ".\\\" Made from machine/options.def by: menura --page man");
    say(p, ".TH MENURA 1 \"\" \"Menura\" \"User Commands\"");
    say(p, ".SH NAME");
    say(p, "menura \\- full\\-system x86 PC emulator");
    say(p, ".SH SYNOPSIS");
    say(p, ".B menura");
    say(p, "[\\fIOPTION\\fR]... [\\fIKERNEL\\fR]");
    say(p, ".SH DESCRIPTION");
    for (unsigned n = 0; n < ARRAY_SIZE(about); n++)
        roff(p, "", about[n], "");
    say(p, ".PP");
    roff(p, "", memory, "");
    say(p, ".SH OPTIONS");
    for (unsigned id = 0; id < OPTIONS; id++) {
        if (option_rows[id].names)
            man_option(p, &option_rows[id]);
        else
            roff(p, ".SS ", option_rows[id].help, "");
    }
    say(p, ".SH CONFIGURATION FILE");
    say(p, "Lines of the form");
    say(p, ".IR name \" = \" value ,");
    say(p, "with the names of the options without dashes; a switch is");
    say(p, ".B on");
    say(p, "or");
    say(p, ".BR off .");
    say(p, "Empty lines, and lines that begin with #, mean nothing.");
    say(p, ".SH KEYS");
    say(p, "On a serial terminal:");
    for (unsigned n = 0; n < ARRAY_SIZE(keys); n++) {
        say(p, ".TP");
        roff(p, ".B ", keys[n][0], "");
        roff(p, "", keys[n][1], ".");
    }
    say(p, ".SH EXIT STATUS");
    for (unsigned n = 0; n < ARRAY_SIZE(ends); n++) {
        say(p, ".TP");
        snprintf(code, sizeof code, "%u", ends[n].code);
        roff(p, ".B ", code, "");
        roff(p, "", ends[n].meaning, ".");
    }
    say(p, ".PP");
    roff(p, "", odd, "");
}

/* ---- docs/command-line.md ---- */

/* A cell of a table: "|" ends one, "<" begins a tag. */
static void cell(char *to, size_t room, const char *text)
{
    size_t used = 0;

    for (; *text && used + 6 < room; text++) {
        if (*text == '|' || *text == '<' || *text == '*' || *text == '_')
            to[used++] = '\\';
        to[used++] = *text;
    }
    to[used] = 0;
}

static void markdown(const struct page *p)
{
    char names[256], text[LINE];
    bool open = false;

    say(p, "# Command line");
    say(p, "%s", "");
    say(p, "Made from `machine/options.def` by `menura --page markdown`; a test "
           "compares them.");
    say(p, "%s", "");
    for (unsigned n = 0; n < ARRAY_SIZE(about); n++)
        say(p, "%s", about[n]);
    say(p, "%s", "");
    say(p, "%s", memory);
    for (unsigned id = 0; id < OPTIONS; id++) {
        const struct option_row *r = &option_rows[id];
        if (!r->names) {
            say(p, "%s", "");
            say(p, "## %s", r->help);
            open = false;
            continue;
        }
        if (!open) {
            say(p, "%s", "");
            say(p, "| option | meaning | default |");
            say(p, "|---|---|---|");
            open = true;
        }
        dashed(r->names, names, sizeof names, "`, `");
        cell(text, sizeof text, r->help);
        say(p, "| `%s%s%s` | %s | %s%s%s |", names, r->argument ? " " : "",
            r->argument ? r->argument : "", text, r->standard ? "`" : "",
            r->standard ? r->standard : "", r->standard ? "`" : "");
    }
    say(p, "%s", "");
    say(p, "## Configuration file");
    say(p, "%s", "");
    say(p, "`-config FILE` reads lines `name = value` with the same names, without "
           "dashes. A");
    say(p, "switch is `on` or `off`. Empty lines, and lines that begin with `#`, mean "
           "nothing.");
    say(p, "%s", "");
    say(p, "## Keys on a serial terminal");
    say(p, "%s", "");
    say(p, "| key | what it does |");
    say(p, "|---|---|");
    for (unsigned n = 0; n < ARRAY_SIZE(keys); n++)
        say(p, "| %s | %s |", keys[n][0], keys[n][1]);
    say(p, "%s", "");
    say(p, "## Exit codes");
    say(p, "%s", "");
    say(p, "| code | how the run ended |");
    say(p, "|---|---|");
    for (unsigned n = 0; n < ARRAY_SIZE(ends); n++)
        say(p, "| %u | %s |", ends[n].code, ends[n].meaning);
    say(p, "%s", "");
    say(p, "%s", odd);
}

/* ---- completions ---- */

/* What may follow: "file", or words, or "". */
static const char *values_of(enum option_id id)
{
    switch (id) {
    case OPTION_kernel:
    case OPTION_initrd:
    case OPTION_load:
    case OPTION_save:
    case OPTION_logfile:
    case OPTION_config:
    case OPTION_screenshot: return "file";
    case OPTION_serial:
    case OPTION_debugcon: return "stdio pty null none file:";
    case OPTION_monitor: return "stdio none";
    case OPTION_time: return "auto real fast";
    case OPTION_d: return "int exec in_asm cpu info debug help";
    case OPTION_rtc: return "base=utc base=localtime";
    case OPTION_device: return "isa-debug-exit help";
    case OPTION_machine: return "pc help";
    case OPTION_cpu:
        return "default 486 pentium ppro pentium2 pentium3 core2 nehalem haswell "
               "skylake skylake-server icelake-server max help";
    case OPTION_display: return "sdl terminal none";
    case OPTION_vga: return "std none";
    default: return "";
    }
}

static bool is_offered(const char *names)
{
    return strcmp(names, "help|h|?") != 0;
}

static void bash(const struct page *p)
{
    char names[256], cases[256];

    say(p, "# bash completion for menura; made by: menura --page bash");
    say(p, "_menura()");
    say(p, "{");
    say(p, "    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}");
    say(p, "    COMPREPLY=()");
    say(p, "    case ${last/#--/-} in");
    for (unsigned id = 0; id < OPTIONS; id++) {
        const char *values = values_of((enum option_id)id);
        if (!option_rows[id].argument)
            continue;
        dashed(option_rows[id].names, cases, sizeof cases, "|");
        if (!strcmp(values, "file"))
            say(p, "    %s) COMPREPLY=($(compgen -f -- \"$word\")); return;;", cases);
        else
            say(p, "    %s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return;;",
                cases, values);
    }
    say(p, "    esac");
    say(p, "    case $word in");
    say(p, "    -*) COMPREPLY=($(compgen -W '-help");
    for (unsigned id = 0; id < OPTIONS; id++)
        if (option_rows[id].names && is_offered(option_rows[id].names)) {
            dashed(option_rows[id].names, names, sizeof names, " ");
            say(p, "        %s", names);
        }
    say(p, "        ' -- \"${word/#--/-}\"));;");
    say(p, "    *) COMPREPLY=($(compgen -f -- \"$word\"));;");
    say(p, "    esac");
    say(p, "}");
    say(p, "complete -o filenames -F _menura menura");
}

/* Quotes and brackets mean something to the shells. */
static void shell_text(char *to, size_t room, const char *text, const char *escape)
{
    size_t used = 0;

    for (; *text && used + 8 < room; text++) {
        if (*text == '\'') {
            used += (size_t)snprintf(to + used, room - used, "'\\''");
            continue;
        }
        if (strchr(escape, *text))
            to[used++] = '\\';
        to[used++] = *text;
    }
    to[used] = 0;
}

static void zsh(const struct page *p)
{
    char name[64], text[LINE];

    say(p, "#compdef menura");
    say(p, "# zsh completion for menura; made by: menura --page zsh");
    say(p, "_arguments \\");
    for (unsigned id = 0; id < OPTIONS; id++) {
        const struct option_row *r = &option_rows[id];
        const char *values = values_of((enum option_id)id);
        if (!r->names)
            continue;
        first_name(r->names, name, sizeof name);
        shell_text(text, sizeof text, r->help, "[]:");
        if (!r->argument)
            say(p, "    '*-%s[%s]' \\", name, text);
        else if (!strcmp(values, "file"))
            say(p, "    '*-%s[%s]:file:_files' \\", name, text);
        else
            say(p, "    '*-%s[%s]:%s:(%s)' \\", name, text, name, values);
    }
    say(p, "    '*:kernel:_files'");
}

static void fish(const struct page *p)
{
    char name[64], text[LINE];

    say(p, "# fish completion for menura; made by: menura --page fish");
    for (unsigned id = 0; id < OPTIONS; id++) {
        const struct option_row *r = &option_rows[id];
        const char *values = values_of((enum option_id)id);
        if (!r->names)
            continue;
        first_name(r->names, name, sizeof name);
        shell_text(text, sizeof text, r->help, "\\");
        if (!r->argument)
            say(p, "complete -c menura -o '%s' -d '%s'", name, text);
        else if (!strcmp(values, "file"))
            say(p, "complete -c menura -o '%s' -r -F -d '%s'", name, text);
        else
            say(p, "complete -c menura -o '%s' -x -a '%s' -d '%s'", name, values, text);
    }
}

bool options_page(const char *name, void (*line)(void *to, const char *text), void *to)
{
    static const struct {
        const char *name;
        void (*make)(const struct page *p);
    } pages[] = {{"help", help}, {"man", man}, {"markdown", markdown},
                 {"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    struct page p = {line, to};

    for (unsigned n = 0; n < ARRAY_SIZE(pages); n++)
        if (!strcmp(pages[n].name, name)) {
            pages[n].make(&p);
            return true;
        }
    return false;
}
