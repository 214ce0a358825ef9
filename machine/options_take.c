/* options_take.c - what the values of options mean.
 *
 * Each take_ function checks a value and puts it where it belongs. Spellings are those
 * of QEMU's manual where QEMU has the option ("QEMU invocation",
 * system/invocation.rst).
 */
#include "machine/options_take.h"

#include "cpu/model.h"
#include "host/host.h"
#include "machine/options_item.h"

#include <stdio.h>
#include <string.h>

#define UNUSED_ID (void)id

/* ---- numbers ---- */

#define NUMBER(name, member, least, most)                                              \
    bool take_##name(struct options *o, enum option_id id, const char *value,          \
                     struct error *e)                                                  \
    {                                                                                  \
        uint64_t v;                                                                    \
        UNUSED_ID;                                                                     \
        if (!options_bounded(o, value, least, most, &v, e))                            \
            return false;                                                              \
        o->member = v;                                                                 \
        return true;                                                                   \
    }

NUMBER(seed, machine.seed, 0, UINT64_MAX)
NUMBER(drop_caches, machine.drop_caches, 1, UINT64_MAX)
NUMBER(max_instructions, max_instructions, 1, UINT64_MAX - 1)

bool take_ips(struct options *o, enum option_id id, const char *value, struct error *e)
{
    uint64_t v;
    UNUSED_ID;
    if (!options_bounded(o, value, 1000000, 4000000000u, &v, e))
        return false;
    o->machine.ips = (uint32_t)v;
    return true;
}

bool take_tsc_hz(struct options *o, enum option_id id, const char *value,
                 struct error *e)
{
    uint64_t v;
    UNUSED_ID;
    if (!options_bounded(o, value, 1000000, 4000000000u, &v, e))
        return false;
    o->machine.tsc_hz = (uint32_t)v;
    return true;
}

bool take_small_tlb(struct options *o, enum option_id id, const char *value,
                    struct error *e)
{
    uint64_t v;
    UNUSED_ID;
    if (!options_bounded(o, value, 1, 256, &v, e))
        return false;
    o->machine.small_tlb = (unsigned)v;
    return true;
}

bool take_exit_zero(struct options *o, enum option_id id, const char *value,
                    struct error *e)
{
    uint64_t v;
    UNUSED_ID;
    if (!options_bounded(o, value, 0, UINT32_MAX, &v, e))
        return false;
    o->has_exit_zero = true;
    o->exit_zero = (uint32_t)v;
    return true;
}

bool take_max_seconds(struct options *o, enum option_id id, const char *value,
                      struct error *e)
{
    uint64_t v;
    UNUSED_ID;
    if (!options_bounded(o, value, 1, 1000000000u, &v, e))
        return false;
    o->max_ns = v * 1000000000u;
    return true;
}

/* ---- notes ---- */

static void note(struct options *o, const char *what, const char *why)
{
    log_say(&o->log, "options", LOG_INFO, "-%s%s%s: without effect, %s", o->given,
            *what ? " " : "", what, why);
}

/* ---- the machine ---- */

/* 1 MiB to 512 GiB, in whole pages. */
static bool memory_size(const char *value, uint64_t *bytes)
{
    unsigned shift = 20;
    const char *end;

    if (!options_number(value, bytes, &end))
        return false;
    switch (*end) {
    case 'k':
    case 'K': shift = 10; break;
    case 'm':
    case 'M':
    case 0: break;
    case 'g':
    case 'G': shift = 30; break;
    case 't':
    case 'T': shift = 40; break;
    default: return false;
    }
    if ((*end && end[1] && strcmp(end + 1, "B") && strcmp(end + 1, "iB")) ||
        *bytes > (512ull << 30) >> shift)
        return false;
    *bytes <<= shift;
    return *bytes >= 1u << 20 && *bytes % PAGE == 0;
}

bool take_m(struct options *o, enum option_id id, const char *value, struct error *e)
{
    const char *at = value;
    struct item i;

    UNUSED_ID;
    for (bool first = true; *at || first; first = false) {
        if (!item_next(o, &at, &i, e))
            return false;
        if (i.has_value && (!strcmp(i.key, "slots") || !strcmp(i.key, "maxmem"))) {
            note(o, i.key, "memory is not plugged in later");
            continue;
        }
        if (i.has_value ? strcmp(i.key, "size") != 0 : !first)
            return item_unknown(o, &i, "size=SIZE", e);
        if (!memory_size(i.has_value ? i.value : i.key, &o->machine.ram)) {
            error_set(
                e, "-%s %.100s: a guest has from 1M to 512G of memory, in steps of 4K",
                o->given, value);
            return error_hint(e, "for example: -m 512, -m 512M, -m 2G");
        }
    }
    return true;
}

bool take_smp(struct options *o, enum option_id id, const char *value, struct error *e)
{
    static const char *const known[] = {"cpus",    "sockets", "cores",   "threads",
                                        "maxcpus", "dies",    "clusters"};
    uint64_t given[ARRAY_SIZE(known)] = {0}, cpus, product = 1;
    const char *at = value;
    struct item i;

    UNUSED_ID;
    for (bool first = true; *at || first; first = false) {
        unsigned k = 0;
        if (!item_next(o, &at, &i, e))
            return false;
        if (i.has_value)
            while (k < ARRAY_SIZE(known) && strcmp(known[k], i.key))
                k++;
        if (k == ARRAY_SIZE(known) || (!i.has_value && !first))
            return item_unknown(o, &i, "cpus, sockets, cores, threads", e);
        if (!options_bounded(o, i.has_value ? i.value : i.key, 1, MACHINE_CPUS,
                             &given[k], e))
            return false;
    }
    for (unsigned k = 1; k < ARRAY_SIZE(known); k++)
        if (k != 4 && given[k])
            product *= given[k];
    cpus = given[0] ? given[0] : product;
    if (cpus > MACHINE_CPUS)
        return error_set(e, "-%s %.100s: that is %llu CPUs; there are at most %d",
                         o->given, value, (unsigned long long)cpus, MACHINE_CPUS);
    if (given[4] > cpus)
        note(o, "maxcpus", "CPUs are not plugged in later");
    o->machine.cpus = (unsigned)cpus;
    return true;
}

static void list_models(struct options *o)
{
    const struct cpu_model *m;
    char line[1024];
    size_t used;

    options_answer(o, "CPU models (-cpu MODEL,+feature,-feature):");
    for (unsigned n = 0; (m = cpu_model_at(n)); n++) {
        snprintf(line, sizeof line, "  %-10s %s", m->name, m->title);
        options_answer(o, line);
    }
    options_answer(
        o, "Names of QEMU's that are taken: host, kvm64, qemu64 (default), qemu32 "
           "(pentium3)");
    options_answer(o, "Features:");
    used = 0;
    for (unsigned f = 1; cpu_feature_name(f); f++) {
        size_t n = strlen(cpu_feature_name(f));
        if (!cpu_feature_implemented(f))
            continue;
        if (used + n + 2 > 80) {
            options_answer(o, line);
            used = 0;
        }
        used += (size_t)snprintf(line + used, sizeof line - used, " %s",
                                 cpu_feature_name(f));
        for (char *c = line + used - n; *c; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c + 32);
    }
    if (used)
        options_answer(o, line);
}

bool take_cpu(struct options *o, enum option_id id, const char *value, struct error *e)
{
    static const char *const renamed[][2] = {
        {"host", "default"},    {"kvm64", "default"},   {"qemu64", "default"},
        {"qemu32", "pentium3"}, {"kvm32", "pentium3"},  {"Conroe", "core2"},
        {"core2duo", "core2"},  {"Nehalem", "nehalem"}, {"Haswell", "haswell"},
        {"Skylake-Client", "skylake"}, {"Skylake-Server", "skylake-server"},
        {"Icelake-Server", "icelake-server"},
    };
    size_t n = strcspn(value, ",");
    struct cpu_model model;
    char text[256];

    UNUSED_ID;
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        list_models(o);
        return true;
    }
    for (unsigned k = 0; k < ARRAY_SIZE(renamed); k++)
        if (strlen(renamed[k][0]) == n && !memcmp(renamed[k][0], value, n)) {
            snprintf(text, sizeof text, "%s%.200s", renamed[k][1], value + n);
            value = options_keep(o, text, strlen(text));
            break;
        }
    if (!cpu_model_parse(value, &model, e))
        return false;
    o->machine.cpu = value;
    return true;
}

bool take_machine(struct options *o, enum option_id id, const char *value,
                  struct error *e)
{
    size_t n = strcspn(value, ",");

    UNUSED_ID;
    if (!strcmp(value, "help")) {
        options_answer(o, "Machines (-machine TYPE):");
        options_answer(o, "  pc         i440FX and PIIX3, with HPET and ACPI");
        return true;
    }
    if (n >= 5 && !memcmp(value, "type=", 5)) {
        value += 5;
        n -= 5;
    }
    if (memchr(value, '=', n))
        n = 0; /* only properties: the machine stays */
    if (n && !(n == 2 && !memcmp(value, "pc", 2)) && strncmp(value, "pc-i440fx", 9)) {
        error_set(e, "there is no machine '%.100s'", value);
        return error_hint(e, "there is: pc");
    }
    if (value[n])
        note(o, value + n + (value[n] == ','), "the machine has no properties");
    return true;
}

bool take_uuid(struct options *o, enum option_id id, const char *value, struct error *e)
{
    unsigned n = 0;

    UNUSED_ID;
    for (; value[n]; n++) {
        bool dash = n == 8 || n == 13 || n == 18 || n == 23;
        if (n >= 36 ||
            (dash ? value[n] != '-' : !strchr("0123456789abcdefABCDEF", value[n])))
            break;
    }
    if (n == 36 && !value[n])
        return true;
    error_set(e, "-%s %.100s: not a UUID", o->given, value);
    return error_hint(e, "it looks like 550e8400-e29b-41d4-a716-446655440000");
}

/* ---- what runs ---- */

#define MACHINE_TEXT(name)                                                             \
    bool take_##name(struct options *o, enum option_id id, const char *value,          \
                     struct error *e)                                                  \
    {                                                                                  \
        UNUSED_ID;                                                                     \
        (void)e;                                                                       \
        o->machine.name = value;                                                       \
        return true;                                                                   \
    }

MACHINE_TEXT(kernel)
MACHINE_TEXT(initrd)
MACHINE_TEXT(append)
MACHINE_TEXT(bios)
MACHINE_TEXT(vgabios)

bool take_L(struct options *o, enum option_id id, const char *value, struct error *e)
{
    UNUSED_ID;
    (void)e;
    o->machine.firmware_folder = value;
    return true;
}

/* ---- devices ---- */

static bool is_back_end(const char *value)
{
    return !strcmp(value, "stdio") || !strcmp(value, "pty") || !strcmp(value, "null") ||
           !strcmp(value, "none") || (!strncmp(value, "file:", 5) && value[5]);
}

static bool no_back_end(const struct options *o, const char *value, struct error *e)
{
    error_set(e, "-%s %.200s: there is no such place", o->given, value);
    return error_hint(e, "there are: stdio, file:PATH, pty, null, none");
}

bool take_serial(struct options *o, enum option_id id, const char *value,
                 struct error *e)
{
    UNUSED_ID;
    if (!strncmp(value, "mon:", 4))
        value += 4; /* the monitor is behind Ctrl-A c on every terminal */
    if (!is_back_end(value))
        return no_back_end(o, value, e);
    if (o->serials == MACHINE_SERIALS)
        return error_set(e, "-%s %.200s: there are %d serial ports, and both are taken",
                         o->given, value, MACHINE_SERIALS);
    o->serial[o->serials++] = value;
    return true;
}

bool take_debugcon(struct options *o, enum option_id id, const char *value,
                   struct error *e)
{
    UNUSED_ID;
    if (!is_back_end(value))
        return no_back_end(o, value, e);
    o->debugcon = strcmp(value, "none") ? value : NULL;
    return true;
}

bool take_monitor(struct options *o, enum option_id id, const char *value,
                  struct error *e)
{
    UNUSED_ID;
    o->monitor_stdio = !strcmp(value, "stdio");
    if (o->monitor_stdio || !strcmp(value, "none") || !strcmp(value, "null"))
        return true;
    error_set(e, "-%s %.200s: there is no such place", o->given, value);
    return error_hint(e, "there are: stdio, none");
}

bool take_display(struct options *o, enum option_id id, const char *value,
                  struct error *e)
{
    UNUSED_ID;
    if (!strcmp(value, "none") || !strcmp(value, "sdl") || !strcmp(value, "terminal") ||
        !strcmp(value, "curses"))
        return true;
    error_set(e, "-%s %.100s: there is no such display", o->given, value);
    return error_hint(e, "there are: sdl, terminal, none");
}

/* ---- time ---- */

/* Days from 1970-01-01 of a date in the Gregorian calendar: years are counted from
 * March, so that the leap day is a year's last. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month > 2 ? year : year - 1;
    unsigned m = month > 2 ? month - 3 : month + 9;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool parse_date(const char *text, int64_t *seconds)
{
    static const uint8_t length[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned y, mo, d, h = 0, mi = 0, s = 0;
    int end = 0, fields;
    bool leap;

    fields = sscanf(text, "%4u-%2u-%2u%n", &y, &mo, &d, &end);
    if (fields != 3)
        return false;
    if (text[end] == 'T') {
        int more = 0;
        if (sscanf(text + end, "T%2u:%2u:%2u%n", &h, &mi, &s, &more) != 3)
            return false;
        end += more;
    }
    if (text[end] || strspn(text, "0123456789-:T") != strlen(text))
        return false;
    leap = y % 4 == 0 && (y % 100 || y % 400 == 0);
    if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > length[mo - 1] ||
        (mo == 2 && d == 29 && !leap) || h > 23 || mi > 59 || s > 59)
        return false;
    *seconds = days_of(y, mo, d) * 86400 + (int64_t)(h * 3600 + mi * 60 + s);
    return true;
}

bool take_rtc(struct options *o, enum option_id id, const char *value, struct error *e)
{
    const char *at = value;
    struct item i;

    UNUSED_ID;
    while (*at) {
        if (!item_next(o, &at, &i, e))
            return false;
        if (!strcmp(i.key, "base")) {
            if (!strcmp(i.value, "utc")) {
                o->machine.rtc_base = host_date();
            } else if (!strcmp(i.value, "localtime")) {
                o->machine.rtc_base = host_local_date();
            } else if (!parse_date(i.value, &o->machine.rtc_base)) {
                error_set(e, "-%s base=%s: not a date from 1970 to 9999", o->given,
                          i.value);
                return error_hint(
                    e, "for example: -rtc base=2026-01-31T12:00:00, base=utc, "
                       "base=localtime");
            }
        } else if (!strcmp(i.key, "clock")) {
            if (strcmp(i.value, "vm"))
                note(o, "clock", "the guest's time is always its own (clock=vm)");
        } else if (!strcmp(i.key, "driftfix")) {
            note(o, "driftfix", "no tick is ever lost");
        } else {
            return item_unknown(o, &i, "base, clock", e);
        }
    }
    return true;
}

bool take_time(struct options *o, enum option_id id, const char *value, struct error *e)
{
    static const char *const modes[] = {"auto", "real", "fast"};

    UNUSED_ID;
    for (unsigned n = 0; n < ARRAY_SIZE(modes); n++)
        if (!strcmp(value, modes[n])) {
            o->time = (enum time_mode)n;
            return true;
        }
    return error_set(e, "-%s %.100s: there are auto, real and fast", o->given, value);
}

/* ---- seeing into it ---- */

bool take_d(struct options *o, enum option_id id, const char *value, struct error *e)
{
    static const struct {
        const char *name, *help;
    } items[] = {
        {"int", "each interrupt and exception, explained"},
        {"exec", "each instruction that runs, and its memory accesses"},
        {"in_asm", "each block of code once, when it is decoded: what ran, not how often"},
        {"cpu", "each instruction, with the registers it changed"},
        {"info", "what the parts have to say"},
        {"debug", "all that the parts have to say"},
        {"guest_errors", "QEMU's name; as info"},
        {"unimp", "QEMU's name; as info"},
    };
    const char *at = value;
    struct item i;
    char line[128];

    UNUSED_ID;
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        options_answer(o, "Items (-d ITEM,ITEM):");
        for (unsigned n = 0; n < ARRAY_SIZE(items); n++) {
            snprintf(line, sizeof line, "  %-13s %s", items[n].name, items[n].help);
            options_answer(o, line);
        }
        return true;
    }
    while (*at) {
        unsigned n = 0;
        if (!item_next(o, &at, &i, e))
            return false;
        while (n < ARRAY_SIZE(items) && (i.has_value || strcmp(items[n].name, i.key)))
            n++;
        switch (n) {
        case 0: o->machine.trace_int = true; break;
        case 1: o->machine.trace_exec = true; break;
        case 2: o->machine.trace_in_asm = true; break;
        case 3: o->machine.trace_cpu = true; break;
        case 4:
        case 6:
        case 7:
            if (o->machine.log.level < LOG_INFO)
                o->machine.log.level = LOG_INFO;
            break;
        case 5: o->machine.log.level = LOG_DEBUG; break;
        default: return item_unknown(o, &i, "int, exec, in_asm, cpu, info, debug", e);
        }
    }
    return true;
}

/* "tcp:HOST:PORT" or "unix:PATH". What may stand behind a comma asks for how it is
 * anyway: a server, which waits for nobody. */
bool take_gdb(struct options *o, enum option_id id, const char *value, struct error *e)
{
    static const char *const as_is[] = {"server",      "server=on", "wait=off",
                                        "nowait",      "nodelay",   "nodelay=on",
                                        "server=yes",  "wait=no"};
    size_t n = strcspn(value, ","), word;
    bool tcp = !strncmp(value, "tcp:", 4), local = !strncmp(value, "unix:", 5);

    UNUSED_ID;
    o->gdb = NULL;
    if (!strcmp(value, "none"))
        return true;
    if ((!tcp && !local) || (tcp && !memchr(value + 4, ':', n - 4)) || (local && n == 5)) {
        error_set(e, "-%s %.200s: there is no such place", o->given, value);
        return error_hint(e, "there are: tcp::1234, tcp:HOST:PORT, unix:PATH, none");
    }
    for (const char *at = value + n; *at == ','; at += word) {
        unsigned k = 0;
        word = strcspn(++at, ",");
        while (k < ARRAY_SIZE(as_is) &&
               (strlen(as_is[k]) != word || memcmp(as_is[k], at, word)))
            k++;
        if (k == ARRAY_SIZE(as_is)) {
            error_set(e, "-%s knows no '%.*s'", o->given, (int)(word < 100 ? word : 100),
                      at);
            return error_hint(e, "there are: server=on, wait=off, nodelay=on");
        }
    }
    o->gdb = value[n] ? options_keep(o, value, n) : value;
    return true;
}

bool take_gdb_standard(struct options *o, enum option_id id, const char *value,
                       struct error *e)
{
    (void)value;
    return take_gdb(o, id, "tcp::1234", e);
}

/* ---- switches and the rest ---- */

#define SWITCH(name)                                                                   \
    bool take_##name(struct options *o, enum option_id id, const char *value,          \
                     struct error *e)                                                  \
    {                                                                                  \
        UNUSED_ID;                                                                     \
        (void)value;                                                                   \
        (void)e;                                                                       \
        o->machine.name = true;                                                        \
        return true;                                                                   \
    }

SWITCH(no_reboot)
SWITCH(no_shutdown)
SWITCH(one_instruction_blocks)

/* Kept as text; whoever wants it asks options_get(). */
bool take_text(struct options *o, enum option_id id, const char *value, struct error *e)
{
    UNUSED_ID;
    if (*value)
        return true;
    return error_set(e, "-%s: the value is empty", o->given);
}

bool take_flag(struct options *o, enum option_id id, const char *value, struct error *e)
{
    (void)o;
    UNUSED_ID;
    (void)value;
    (void)e;
    return true;
}

bool take_quietly(struct options *o, enum option_id id, const char *value,
                  struct error *e)
{
    return take_flag(o, id, value, e);
}

bool take_ignored(struct options *o, enum option_id id, const char *value,
                  struct error *e)
{
    (void)e;
    note(o, option_rows[id].argument ? value : "", option_rows[id].help);
    return true;
}

bool take_net(struct options *o, enum option_id id, const char *value, struct error *e)
{
    return !strcmp(value, "none") || take_later(o, id, value, e);
}

bool take_later(struct options *o, enum option_id id, const char *value,
                struct error *e)
{
    (void)value;
    error_set(e, "option -%s is not there yet", o->given);
    return error_hint(e, "%s", option_rows[id].help);
}

bool take_config(struct options *o, enum option_id id, const char *value,
                 struct error *e)
{
    UNUSED_ID;
    return options_read(o, value, e);
}

static void answer_line(void *to, const char *text)
{
    options_answer(to, text);
}

bool take_help(struct options *o, enum option_id id, const char *value, struct error *e)
{
    UNUSED_ID;
    (void)value;
    (void)e;
    options_page("help", answer_line, o);
    return true;
}

bool take_page(struct options *o, enum option_id id, const char *value, struct error *e)
{
    UNUSED_ID;
    return options_page(value, answer_line, o) ||
           error_set(e, "-%s %.100s: there are help, man, markdown, bash, zsh and fish",
                     o->given, value);
}

bool take_version(struct options *o, enum option_id id, const char *value,
                  struct error *e)
{
    char line[256];

    UNUSED_ID;
    (void)value;
    (void)e;
    snprintf(line, sizeof line, "menura %s", menura_version_text());
    options_answer(o, line);
    options_answer(o, menura_features_text());
    return true;
}
