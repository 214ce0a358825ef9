/* library_disk.c - `menura disk`: disk images without a machine. */
#include "menura.h"

#include "host/image.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 2 };

struct request {
    const struct menura_disk_hooks *hooks;
    struct error *e;
    const char *file[FILES]; /* words that are no options */
    unsigned files;
    const char *from_format, *to_format, *backing;
    uint64_t cluster;
    bool force, anywhere, repair, help;
};

/* Which of the commands knows an option: bits. */
enum { CREATE = 1, INFO = 2, CHECK = 4, CONVERT = 8 };

static const char *const help[] = {
    "Usage: menura disk create [OPTION]... FILE [SIZE]",
    "       menura disk info FILE",
    "       menura disk check [--repair] FILE",
    "       menura disk convert [OPTION]... FROM TO",
    "",
    "Disk images: raw, qcow2, VMDK, VDI and VHD are read and written; raw and qcow2 "
    "are",
    "created. The format is found by looking into the file.",
    "",
    "  create                  makes an empty disk. SIZE in bytes, or with K, M, G or "
    "T",
    "  info                    says what kind of image it is, how large, and on what "
    "it builds",
    "  check                   looks for damage and room that is lost",
    "  convert                 copies what FROM shows into a new image TO",
    "",
    "  -f, -O, --format NAME   format of the new disk: raw or qcow2 [qcow2 if its name "
    "ends",
    "                          in .qcow2, else raw]",
    "  -b, --backing FILE      qcow2: what is not written yet is read from FILE, which "
    "is",
    "                          looked for from the new disk's folder; SIZE may be left "
    "out",
    "  --cluster SIZE          qcow2: bytes that are allocated at once, 512 to 2M "
    "[64K]",
    "  --from-format NAME      convert: take FROM as raw, qcow2, vmdk, vdi or vpc",
    "  --force                 replace a file that is there already",
    "  --backing-anywhere      backing files may lie outside the image's folder",
    "  --repair                free lost room and correct counts, where that loses "
    "nothing",
    "  -h, --help              this text",
    "",
    "Exit codes: 0 good, 2 wrong usage, 4 the host failed (a file, memory, a full "
    "disk),",
    "14 check found errors.",
};

static void say(const struct request *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(const struct request *r, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    if (!r->hooks || !r->hooks->line)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    r->hooks->line(r->hooks->to, text);
}

static void tell_log(void *to, const char *part, enum log_level level, const char *line)
{
    const struct request *r = to;
    (void)part;
    (void)level;
    if (r->hooks && r->hooks->note)
        r->hooks->note(r->hooks->to, line);
}

/* ---- words ---- */

static bool parse_size(const char *text, uint64_t *size)
{
    static const char units[] = "KMGT";
    uint64_t n = 0;
    const char *unit;

    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(*text - '0');
    }
    for (unit = units; *text && *unit; unit++) {
        if (n > UINT64_MAX / 1024)
            return false;
        n *= 1024;
        if (*unit == *text || *unit + 'a' - 'A' == *text) {
            text++;
            break;
        }
    }
    *size = n;
    return !*text;
}

static bool take_size(struct request *r, const char *text, uint64_t *size)
{
    if (parse_size(text, size))
        return true;
    error_set(r->e, "'%.100s' is no size", text);
    return error_hint(r->e, "a number of bytes, or with K, M, G or T behind it: 2G");
}

static const struct option {
    const char *name, *also;
    unsigned commands;
    bool has_value;
} options[] = {
    {"format", "f", CREATE | CONVERT, true},
    {"O", NULL, CREATE | CONVERT, true},
    {"backing", "b", CREATE, true},
    {"cluster", NULL, CREATE | CONVERT, true},
    {"from-format", NULL, CONVERT, true},
    {"force", NULL, CREATE | CONVERT, false},
    {"backing-anywhere", NULL, CREATE | CONVERT, false},
    {"repair", NULL, CHECK, false},
    {"help", "h", ~0u, false},
};

static bool set_option(struct request *r, const struct option *o, const char *value)
{
    switch (o->name[0]) {
    case 'O': r->to_format = value; return true;
    case 'c': return take_size(r, value, &r->cluster);
    case 'r': r->repair = true; return true;
    case 'h': r->help = true; return true;
    case 'b':
        if (o->has_value)
            r->backing = value;
        else
            r->anywhere = true;
        return true;
    default: break;
    }
    if (!strcmp(o->name, "format"))
        r->to_format = value;
    else if (!strcmp(o->name, "force"))
        r->force = true;
    else
        r->from_format = value;
    return true;
}

static const struct option *find_option(const char *name, size_t n, unsigned command)
{
    for (size_t k = 0; k < ARRAY_SIZE(options); k++) {
        const struct option *o = &options[k];
        if (o->commands & command &&
            ((strlen(o->name) == n && !strncmp(o->name, name, n)) ||
             (o->also && strlen(o->also) == n && !strncmp(o->also, name, n))))
            return o;
    }
    return NULL;
}

static bool take_words(struct request *r, unsigned command, int count,
                       char *const *word)
{
    for (int n = 0; n < count; n++) {
        const char *name = word[n], *value = NULL;
        const struct option *o;
        size_t length;

        if (name[0] != '-' || !name[1]) {
            if (r->files == FILES)
                return error_set(r->e, "'%.100s' is one word too many", name);
            r->file[r->files++] = name;
            continue;
        }
        name += 1 + (name[1] == '-');
        length = strcspn(name, "=");
        o = find_option(name, length, command);
        if (!o) {
            error_set(r->e, "menura disk knows no option '%.100s' here", word[n]);
            return error_hint(r->e, "all options: menura disk --help");
        }
        if (name[length])
            value = name + length + 1;
        if (o->has_value && !value && n + 1 < count)
            value = word[++n];
        if (o->has_value != (value != NULL))
            return error_set(r->e,
                             o->has_value ? "-%.100s needs a value"
                                          : "-%.100s is a switch: it has no value",
                             o->name);
        if (!set_option(r, o, value))
            return false;
    }
    return true;
}

static bool need_files(struct request *r, unsigned least, unsigned most,
                       const char *what)
{
    if (r->files >= least && r->files <= most)
        return true;
    error_set(r->e, "%s", what);
    return error_hint(r->e, "all commands: menura disk --help");
}

static const char *format_of(const struct request *r, const char *file)
{
    size_t n = strlen(file);

    if (r->to_format)
        return r->to_format;
    return n > 6 && !strcmp(file + n - 6, ".qcow2") ? "qcow2" : "raw";
}

static bool cluster_fits(struct request *r)
{
    return r->cluster <= 2 << 20 ||
           error_set(r->e, "a cluster has 512 bytes to 2M, a power of two");
}

/* ---- commands ---- */

static enum menura_end create(struct request *r)
{
    struct image_create c = {.cluster = (unsigned)r->cluster,
                             .backing = r->backing,
                             .replace = r->force,
                             .backing_anywhere = r->anywhere};

    if (!need_files(r, r->backing ? 1 : 2, 2,
                    "a name and a size are wanted: menura disk create w95.img 2G") ||
        (r->files == 2 && !take_size(r, r->file[1], &c.size)) || !cluster_fits(r))
        return MENURA_END_USAGE;
    c.file = r->file[0];
    c.format = r->backing && !r->to_format ? "qcow2" : format_of(r, c.file);
    return image_create(&c, r->e) ? MENURA_END_COUNT : MENURA_END_HOST;
}

static enum menura_end info(struct request *r)
{
    if (!need_files(r, 1, 1,
                    "the name of one disk is wanted: menura disk info w95.img"))
        return MENURA_END_USAGE;
    return image_info(r->file[0], r->hooks ? r->hooks->line : NULL,
                      r->hooks ? r->hooks->to : NULL, r->e)
               ? MENURA_END_COUNT
               : MENURA_END_HOST;
}

static enum menura_end check(struct request *r)
{
    struct image_check found;

    if (!need_files(r, 1, 1,
                    "the name of one disk is wanted: menura disk check w95.img"))
        return MENURA_END_USAGE;
    if (!image_check(r->file[0], r->repair, &found, r->hooks ? r->hooks->line : NULL,
                     r->hooks ? r->hooks->to : NULL, r->e))
        return MENURA_END_HOST;
    if (found.leaks)
        say(r, "%llu leaks: room that is lost, nothing worse; --repair frees it",
            (unsigned long long)found.leaks);
    if (!found.errors) {
        say(r, "no errors");
        return MENURA_END_COUNT;
    }
    error_set(r->e, "disk '%.300s' has %llu errors", r->file[0],
              (unsigned long long)found.errors);
    if (r->repair)
        error_hint(r->e, "these could not be repaired; what can be read can be copied: "
                         "menura disk convert");
    else
        error_hint(r->e, "copy it, then try: menura disk check --repair %.300s",
                   r->file[0]);
    return MENURA_END_IMAGE;
}

struct watch {
    const struct menura_disk_hooks *hooks;
    bool stopped;
};

static bool watch(void *to, uint64_t done, uint64_t all)
{
    struct watch *w = to;

    if (w->hooks && w->hooks->progress && !w->hooks->progress(w->hooks->to, done, all))
        w->stopped = true;
    return !w->stopped;
}

static enum menura_end convert(struct request *r)
{
    struct log log = {
        .sink = tell_log, .to = r, .level = LOG_INFO, .lines_left = UINT32_MAX};
    struct watch w = {r->hooks, false};
    struct image_options from = {
        .file = r->file[0], .format = r->from_format, .backing_anywhere = r->anywhere};
    struct image_create target = {
        .file = r->file[1], .cluster = (unsigned)r->cluster, .replace = r->force};

    if (!need_files(r, 2, 2, "two names are wanted: menura disk convert OLD NEW") ||
        !cluster_fits(r))
        return MENURA_END_USAGE;
    target.format = format_of(r, target.file);
    if (image_convert(&from, &target, watch, &w, &log, r->e))
        return MENURA_END_COUNT;
    return w.stopped ? MENURA_END_STOPPED : MENURA_END_HOST;
}

static const struct {
    const char *name;
    unsigned bit;
    enum menura_end (*run)(struct request *r);
} commands[] = {
    {"create", CREATE, create},
    {"info", INFO, info},
    {"check", CHECK, check},
    {"convert", CONVERT, convert},
};

static bool wants_help(const char *word)
{
    return !strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-help") ||
           !strcmp(word, "-h");
}

static enum menura_end run(struct request *r, int count, char *const *word)
{
    enum menura_end end = MENURA_END_USAGE;
    bool known = false;

    r->help = count > 0 && wants_help(word[0]);
    for (size_t n = 0; n < ARRAY_SIZE(commands) && count > 0; n++) {
        if (strcmp(word[0], commands[n].name))
            continue;
        known = true;
        if (!take_words(r, commands[n].bit, count - 1, word + 1))
            return MENURA_END_USAGE;
        if (!r->help)
            end = commands[n].run(r);
    }
    if (r->help) {
        for (size_t n = 0; n < ARRAY_SIZE(help); n++)
            say(r, "%s", help[n]);
        return MENURA_END_COUNT;
    }
    if (!known) {
        if (count > 0)
            error_set(r->e, "menura disk knows no command '%.100s'", word[0]);
        else
            error_set(r->e, "what is to be done with a disk?");
        error_hint(r->e,
                   "create, info, check or convert; all of it: menura disk --help");
    }
    return end;
}

enum menura_end menura_disk(int count, char *const *word,
                            const struct menura_disk_hooks *hooks, char *error,
                            size_t room)
{
    struct error e = {{0}};
    struct request r = {.hooks = hooks, .e = &e};
    enum menura_end end = run(&r, count, word);

    if (room)
        snprintf(error, room, "%s", e.text);
    return end;
}
