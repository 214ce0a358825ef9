/* gdb.c - gdb's remote protocol: packets, and the commands in them. */
#include "debug/gdb.h"

#include "debug/gdb_target.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef unsigned long long ull;

/* Errors are numbers that gdb shows; these are the usual errno values. */
enum { E_IO = 5, E_FAULT = 14, E_INVALID = 22, E_FULL = 28 };

enum { NACKS = 8 /* in a row: the peer is no gdb */ };

static const char hex_digits[] = "0123456789abcdef";

/* ---- what is sent ---- */

static void begin(struct gdb *g)
{
    g->answer[0] = '$';
    g->used = 1;
}

/* A byte that needs no escape. More than GDB_PACKET are dropped: callers see to it that
 * there are not. */
static void put(struct gdb *g, uint8_t byte)
{
    if (g->used < GDB_PACKET + 1)
        g->answer[g->used++] = byte;
}

static void put_text(struct gdb *g, const char *text)
{
    while (*text)
        put(g, (uint8_t)*text++);
}

static void put_format(struct gdb *g, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void put_format(struct gdb *g, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put_text(g, text);
}

static void put_hex(struct gdb *g, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;

    for (size_t k = 0; k < n; k++) {
        put(g, (uint8_t)hex_digits[b[k] >> 4]);
        put(g, (uint8_t)hex_digits[b[k] & 15]);
    }
}

/* Binary: the protocol's own characters are escaped. False: no room. */
static bool put_binary(struct gdb *g, uint8_t byte)
{
    bool special = byte == '#' || byte == '$' || byte == '}' || byte == '*';

    if (g->used + 1 + special > GDB_PACKET + 1)
        return false;
    if (special)
        put(g, '}');
    put(g, special ? byte ^ 0x20 : byte);
    return true;
}

static void transmit(struct gdb *g)
{
    uint8_t sum = 0;

    for (size_t n = 1; n < g->used; n++)
        sum = (uint8_t)(sum + g->answer[n]);
    g->answer[g->used++] = '#';
    g->answer[g->used++] = (uint8_t)hex_digits[sum >> 4];
    g->answer[g->used++] = (uint8_t)hex_digits[sum & 15];
    g->world.send(g->world.owner, g->answer, g->used);
}

static void reply(struct gdb *g, const char *text)
{
    begin(g);
    put_text(g, text);
    transmit(g);
}

static void reply_error(struct gdb *g, unsigned number)
{
    begin(g);
    put_format(g, "E%02u", number);
    transmit(g);
}

static void reply_bool(struct gdb *g, bool good)
{
    if (good)
        reply(g, "OK");
    else
        reply_error(g, E_INVALID);
}

/* Text for the user: an O packet, in parts that fit. */
static void send_output(struct gdb *g, const char *text)
{
    enum { MOST = (GDB_PACKET - 1) / 2 };
    size_t left = strlen(text);

    while (left) {
        size_t n = left < MOST ? left : MOST;
        begin(g);
        put(g, 'O');
        put_hex(g, text, n);
        transmit(g);
        text += n;
        left -= n;
    }
}

/* ---- what was received ---- */

/* A cursor over a packet's data, which a 0 follows. */
struct in {
    const uint8_t *at, *end;
};

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number of 1 to 16 hexadecimal digits, in the order people write. */
static bool take_number(struct in *in, uint64_t *v)
{
    unsigned n = 0;

    for (*v = 0; in->at < in->end && digit(*in->at) >= 0; in->at++, n++)
        *v = *v << 4 | (unsigned)digit(*in->at);
    return n >= 1 && n <= 16;
}

static bool take_char(struct in *in, char c)
{
    if (in->at == in->end || *in->at != (uint8_t)c)
        return false;
    in->at++;
    return true;
}

static bool take_word(struct in *in, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(in->end - in->at) < n || memcmp(in->at, word, n))
        return false;
    in->at += n;
    return true;
}

static bool at_end(const struct in *in)
{
    return in->at == in->end;
}

static size_t left(const struct in *in)
{
    return (size_t)(in->end - in->at);
}

/* n bytes of two hexadecimal digits each. */
static bool take_bytes(struct in *in, uint8_t *to, size_t n)
{
    if (left(in) / 2 < n)
        return false;
    for (size_t k = 0; k < n; k++, in->at += 2) {
        if (digit(in->at[0]) < 0 || digit(in->at[1]) < 0)
            return false;
        to[k] = (uint8_t)(digit(in->at[0]) << 4 | digit(in->at[1]));
    }
    return true;
}

/* "ADDRESS,LENGTH" */
static bool take_range(struct in *in, uint64_t *at, uint64_t *n)
{
    return take_number(in, at) && take_char(in, ',') && take_number(in, n);
}

enum { ANY = GDB_CPUS, ALL = GDB_CPUS + 1 };

/* A thread: a CPU's index, ANY (0) or ALL (-1). With the process, which is always 1, in
 * front: "p1.2". */
static bool take_thread(struct gdb *g, struct in *in, unsigned *cpu)
{
    uint64_t v;

    if (take_char(in, 'p')) {
        if (take_word(in, "-1"))
            v = 1;
        else if (!take_number(in, &v) || v > 1)
            return false;
        if (!take_char(in, '.')) {
            *cpu = ALL;
            return true;
        }
    }
    if (take_word(in, "-1")) {
        *cpu = ALL;
        return true;
    }
    if (!take_number(in, &v) || v > g->world.cpus)
        return false;
    *cpu = v ? (unsigned)v - 1 : ANY;
    return true;
}

static struct cpu *cpu_of(struct gdb *g, unsigned n)
{
    return g->world.cpu(g->world.owner, n);
}

/* ---- stopping and going on ---- */

static void put_stop(struct gdb *g)
{
    static const char *const watch[] = {"", "", "watch", "rwatch", "awatch"};

    put_format(g, "T%02xthread:%x;", g->signal, g->cpu + 1);
    if (g->stop.why == STOP_WATCH)
        put_format(g, "%s:%llx;", watch[g->stop.kind], (ull)g->stop.la);
    else if (g->stop.why == STOP_BREAK && g->tells_kind)
        put_text(g, g->stop.kind == POINT_HARD ? "hwbreak:;" : "swbreak:;");
}

static void apply_points(struct gdb *g)
{
    struct cpu *cpus[GDB_CPUS];

    for (unsigned n = 0; n < g->world.cpus; n++)
        cpus[n] = cpu_of(g, n);
    points_apply(&g->points, cpus, g->world.cpus);
}

enum verb { STAY, RUN, STEP };

struct action {
    enum verb verb;
    uint64_t first, end; /* STEP: go on while in here */
};

static void resume(struct gdb *g, const struct action *action)
{
    for (unsigned n = 0; n < g->world.cpus; n++) {
        struct cpu *c = cpu_of(g, n);
        g->world.hold(g->world.owner, n, action[n].verb == STAY);
        c->step_wanted = action[n].verb == STEP;
        c->step_first = action[n].first;
        c->step_end = action[n].end;
    }
    apply_points(g);
    g->running = true;
    g->world.go_on(g->world.owner);
}

/* All run freely, without points. */
static void let_go(struct gdb *g)
{
    struct action action[GDB_CPUS];

    for (unsigned n = 0; n < GDB_CPUS; n++)
        action[n] = (struct action){.verb = RUN};
    points_clear(&g->points);
    resume(g, action);
    g->running = false;
}

void gdb_stopped(struct gdb *g, const struct cpu *c, bool points, enum gdb_signal signal)
{
    bool owed = g->running;

    g->running = false;
    for (unsigned n = 0; n < g->world.cpus; n++) {
        g->world.hold(g->world.owner, n, false);
        cpu_of(g, n)->step_wanted = false;
    }
    g->stop = points ? c->stop : (struct cpu_stop){.why = STOP_NONE};
    g->signal = (uint8_t)signal;
    g->cpu = c->number;
    apply_points(g); /* no more steps */
    if (!owed || !g->connected)
        return;
    begin(g);
    put_stop(g);
    transmit(g);
}

void gdb_say(struct gdb *g, const char *text)
{
    char line[1024];

    if (!g->connected || !g->running)
        return;
    snprintf(line, sizeof line, "%s\n", text);
    send_output(g, line);
}

void gdb_ended(struct gdb *g, uint8_t code)
{
    if (!g->connected || !g->running)
        return;
    g->running = false;
    begin(g);
    put_format(g, "W%02x", code);
    transmit(g);
}

/* From outside: Ctrl-C, or a peer that does not wait. */
static void interrupt(struct gdb *g, enum gdb_signal signal)
{
    if (g->world.running(g->world.owner))
        g->world.stop(g->world.owner);
    gdb_stopped(g, cpu_of(g, g->world.last(g->world.owner)), false, signal);
}

/* c, C, s, S: an old gdb, or one that found no vCont. Signals mean nothing here. */
static void do_resume(struct gdb *g, struct in *in, char letter)
{
    struct action action[GDB_CPUS];
    bool step = letter == 's' || letter == 'S';
    uint64_t v;

    if ((letter == 'C' || letter == 'S') && !take_number(in, &v)) {
        reply_error(g, E_INVALID);
        return;
    }
    take_char(in, ';');
    if (!at_end(in)) {
        uint8_t bytes[8];
        if (!take_number(in, &v) || !at_end(in)) {
            reply_error(g, E_INVALID);
            return;
        }
        for (unsigned n = 0; n < sizeof bytes; n++)
            bytes[n] = (uint8_t)(v >> 8 * n);
        if (!gdb_register_set(cpu_of(g, g->cpu), 16, bytes)) {
            reply_error(g, E_INVALID);
            return;
        }
    }
    for (unsigned n = 0; n < g->world.cpus; n++)
        action[n] = (struct action){.verb = RUN};
    action[g->resumed < GDB_CPUS ? g->resumed : g->cpu].verb = step ? STEP : RUN;
    resume(g, action);
}

static bool take_action(struct in *in, struct action *a)
{
    uint64_t v;

    *a = (struct action){.verb = RUN};
    if (take_char(in, 'c'))
        return true;
    if (take_char(in, 'C'))
        return take_number(in, &v);
    a->verb = STEP;
    if (take_char(in, 's'))
        return true;
    if (take_char(in, 'S'))
        return take_number(in, &v);
    return take_char(in, 'r') && take_range(in, &a->first, &a->end);
}

/* vCont;ACTION[:THREAD]...: for each thread the leftmost that names it; the others stay. */
static void do_vcont(struct gdb *g, struct in *in)
{
    struct action action[GDB_CPUS] = {{STAY, 0, 0}};
    bool any = false;

    while (take_char(in, ';')) {
        struct action a;
        unsigned cpu = ALL;
        bool good = take_action(in, &a);

        if (good && take_char(in, ':'))
            good = take_thread(g, in, &cpu);
        if (!good) {
            reply_error(g, E_INVALID);
            return;
        }
        if (cpu == ANY)
            cpu = g->cpu;
        for (unsigned n = 0; n < g->world.cpus; n++)
            if ((cpu == ALL || cpu == n) && action[n].verb == STAY) {
                action[n] = a;
                any = true;
            }
    }
    if (any && at_end(in))
        resume(g, action);
    else
        reply_error(g, E_INVALID);
}

/* ---- registers and memory ---- */

static void do_get_all(struct gdb *g)
{
    uint8_t bytes[GDB_REGISTER_BYTES];
    unsigned size;

    begin(g);
    for (unsigned n = 0; (size = gdb_register_size(n)) != 0; n++) {
        gdb_register_get(cpu_of(g, g->cpu), n, bytes);
        put_hex(g, bytes, size);
    }
    transmit(g);
}

/* What stands in the packet is set, up to the first that cannot be. */
static void do_set_all(struct gdb *g, struct in *in)
{
    uint8_t bytes[GDB_REGISTER_BYTES];
    bool good = !at_end(in);
    unsigned size;

    for (unsigned n = 0; good && !at_end(in); n++) {
        size = gdb_register_size(n);
        good = size && take_bytes(in, bytes, size) &&
               gdb_register_set(cpu_of(g, g->cpu), n, bytes);
    }
    reply_bool(g, good);
}

static void do_get_one(struct gdb *g, struct in *in)
{
    uint8_t bytes[GDB_REGISTER_BYTES];
    uint64_t n;

    if (!take_number(in, &n) || !at_end(in) || n > 0xffff ||
        !gdb_register_size((unsigned)n)) {
        reply_error(g, E_INVALID);
        return;
    }
    gdb_register_get(cpu_of(g, g->cpu), (unsigned)n, bytes);
    begin(g);
    put_hex(g, bytes, gdb_register_size((unsigned)n));
    transmit(g);
}

static void do_set_one(struct gdb *g, struct in *in)
{
    uint8_t bytes[GDB_REGISTER_BYTES];
    uint64_t n;

    reply_bool(g, take_number(in, &n) && take_char(in, '=') && n <= 0xffff &&
                      gdb_register_size((unsigned)n) &&
                      left(in) == 2 * gdb_register_size((unsigned)n) &&
                      take_bytes(in, bytes, gdb_register_size((unsigned)n)) &&
                      gdb_register_set(cpu_of(g, g->cpu), (unsigned)n, bytes));
}

static void do_read_memory(struct gdb *g, struct in *in)
{
    uint8_t bytes[GDB_PACKET / 2];
    uint64_t at, n;
    size_t got;

    if (!take_range(in, &at, &n) || !at_end(in)) {
        reply_error(g, E_INVALID);
        return;
    }
    if (n > sizeof bytes)
        n = sizeof bytes; /* an answer may be shorter than was asked */
    got = gdb_memory_read(cpu_of(g, g->cpu), g->physical, at, bytes, (size_t)n);
    if (!got && n) {
        reply_error(g, E_FAULT);
        return;
    }
    begin(g);
    put_hex(g, bytes, got);
    transmit(g);
}

/* M: in hexadecimal; X: as it is, escapes already undone. */
static void do_write_memory(struct gdb *g, struct in *in, bool binary)
{
    uint8_t bytes[GDB_PACKET];
    uint64_t at, n;

    if (!take_range(in, &at, &n) || !take_char(in, ':') ||
        n != (binary ? left(in) : left(in) / 2) ||
        (!binary && (left(in) % 2 || !take_bytes(in, bytes, (size_t)n)))) {
        reply_error(g, E_INVALID);
        return;
    }
    if (gdb_memory_write(cpu_of(g, g->cpu), g->physical, at, binary ? in->at : bytes,
                         (size_t)n))
        reply(g, "OK");
    else
        reply_error(g, E_FAULT);
}

/* ---- breakpoints ---- */

/* Z and z: TYPE,ADDRESS,KIND. The kind of a breakpoint is the size of an instruction that
 * others write there; of a watchpoint, bytes. */
static void do_point(struct gdb *g, struct in *in, bool insert)
{
    uint64_t kind, la, size;

    if (!take_number(in, &kind) || !take_char(in, ',') || !take_range(in, &la, &size) ||
        !at_end(in)) {
        reply_error(g, E_INVALID);
        return;
    }
    if (kind >= POINT_KINDS) {
        reply(g, ""); /* no such kind */
        return;
    }
    if (!insert) /* one that is not there is gone as well */
        points_remove(&g->points, (enum point_kind)kind, la, kind < POINT_WRITE ? 1 : size);
    else if (!points_add(&g->points, (enum point_kind)kind, la, size)) {
        reply_error(g, g->points.count == POINTS_MOST ? E_FULL : E_INVALID);
        return;
    }
    reply(g, "OK");
}

/* ---- threads ---- */

static void do_select(struct gdb *g, struct in *in)
{
    bool go = take_char(in, 'c');
    unsigned cpu;

    if ((!go && !take_char(in, 'g')) || !take_thread(g, in, &cpu) || !at_end(in)) {
        reply_error(g, E_INVALID);
        return;
    }
    if (go)
        g->resumed = cpu < GDB_CPUS ? cpu : GDB_CPUS;
    else if (cpu < GDB_CPUS)
        g->cpu = cpu;
    reply(g, "OK");
}

static void do_alive(struct gdb *g, struct in *in)
{
    unsigned cpu;

    reply_bool(g, take_thread(g, in, &cpu) && at_end(in) && cpu < GDB_CPUS);
}

static void do_list(struct gdb *g)
{
    begin(g);
    if (g->listed >= g->world.cpus) {
        put(g, 'l');
    } else {
        for (char mark = 'm'; g->listed < g->world.cpus; g->listed++, mark = ',')
            put_format(g, "%c%x", mark, g->listed + 1);
    }
    transmit(g);
}

static const char *activity(const struct cpu *c)
{
    static const char *const words[] = {"running", "halted", "halted by MWAIT", "shut down",
                                        "waiting for start-up"};

    return c->activity < ARRAY_SIZE(words) ? words[c->activity] : "?";
}

static void do_thread_info(struct gdb *g, struct in *in)
{
    char text[64];
    unsigned cpu;

    if (!take_thread(g, in, &cpu) || !at_end(in) || cpu >= GDB_CPUS) {
        reply_error(g, E_INVALID);
        return;
    }
    snprintf(text, sizeof text, "CPU#%u [%s]", cpu, activity(cpu_of(g, cpu)));
    begin(g);
    put_hex(g, text, strlen(text));
    transmit(g);
}

/* ---- queries ---- */

static void do_supported(struct gdb *g, struct in *in)
{
    static const char kind[] = "swbreak+";

    for (size_t n = 0; n + sizeof kind - 1 <= left(in); n++)
        if (!memcmp(in->at + n, kind, sizeof kind - 1))
            g->tells_kind = true;
    begin(g);
    put_format(g,
               "PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+;"
               "swbreak+;hwbreak+",
               (unsigned)GDB_PACKET);
    transmit(g);
}

/* qXfer:features:read:ANNEX:OFFSET,LENGTH */
static void do_features(struct gdb *g, struct in *in)
{
    uint64_t at, n;

    if (!take_word(in, "target.xml:") || !take_range(in, &at, &n) || !at_end(in)) {
        reply_error(g, 0);
        return;
    }
    if (at > g->described)
        at = g->described;
    if (n > g->described - at)
        n = g->described - at;
    begin(g);
    put(g, 'l'); /* last: made right below */
    while (n && put_binary(g, (uint8_t)g->description[at])) {
        at++;
        n--;
    }
    if (at < g->described)
        g->answer[1] = 'm';
    transmit(g);
}

static void command_line(void *to, const char *text)
{
    send_output(to, text);
    send_output(to, "\n");
}

static void do_command(struct gdb *g, struct in *in)
{
    char text[1024];
    size_t n = left(in) / 2;

    if (left(in) % 2 || n >= sizeof text || !take_bytes(in, (uint8_t *)text, n) ||
        memchr(text, 0, n)) {
        reply_error(g, E_INVALID);
        return;
    }
    text[n] = 0;
    g->world.command(g->world.owner, text, command_line, g);
    if (!g->running) /* else it went on, and a stop will be the answer */
        reply(g, "OK");
}

static void do_query(struct gdb *g, struct in *in)
{
    if (take_word(in, "Supported"))
        do_supported(g, in);
    else if (take_word(in, "Xfer:features:read:"))
        do_features(g, in);
    else if (take_word(in, "Rcmd,"))
        do_command(g, in);
    else if (take_word(in, "Attached"))
        reply(g, "1"); /* it ran before: leaving detaches */
    else if (take_word(in, "fThreadInfo")) {
        g->listed = 0;
        do_list(g);
    } else if (take_word(in, "sThreadInfo"))
        do_list(g);
    else if (take_word(in, "ThreadExtraInfo,"))
        do_thread_info(g, in);
    else if (take_word(in, "Offsets"))
        reply(g, "Text=0;Data=0;Bss=0");
    else if (take_word(in, "Symbol::"))
        reply(g, "OK");
    else if (take_word(in, "qemu.PhyMemMode"))
        reply(g, g->physical ? "1" : "0");
    else if (left(in) == 1 && take_char(in, 'C')) {
        begin(g);
        put_format(g, "QC%x", g->cpu + 1);
        transmit(g);
    } else
        reply(g, "");
}

static void do_set(struct gdb *g, struct in *in)
{
    if (take_word(in, "StartNoAckMode")) {
        reply(g, "OK");
        g->no_ack = true;
    } else if (take_word(in, "qemu.PhyMemMode:")) {
        bool on = take_char(in, '1'), good = (on || take_char(in, '0')) && at_end(in);
        if (good)
            g->physical = on;
        reply_bool(g, good);
    } else
        reply(g, "");
}

static void do_v(struct gdb *g, struct in *in)
{
    if (take_word(in, "Cont?"))
        reply(g, "vCont;c;C;s;S;r");
    else if (take_word(in, "Cont"))
        do_vcont(g, in);
    else if (take_word(in, "Kill")) {
        reply(g, "OK");
        g->world.end(g->world.owner);
    } else
        reply(g, ""); /* vMustReplyEmpty too */
}

/* ---- packets ---- */

static void obey(struct gdb *g)
{
    struct in in = {g->packet, g->packet + g->length};
    char letter = 0;

    if (g->length) {
        letter = (char)*in.at++;
        /* A gdb that lost its way, or somebody at the monitor said "cont". */
        if (g->world.running(g->world.owner))
            interrupt(g, GDB_INT);
    }
    switch (letter) {
    case '?':
        begin(g);
        put_stop(g);
        transmit(g);
        break;
    case 'c':
    case 'C':
    case 's':
    case 'S': do_resume(g, &in, letter); break;
    case 'D':
        reply(g, "OK");
        let_go(g);
        break;
    case 'g': do_get_all(g); break;
    case 'G': do_set_all(g, &in); break;
    case 'H': do_select(g, &in); break;
    case 'k': g->world.end(g->world.owner); break;
    case 'm': do_read_memory(g, &in); break;
    case 'M': do_write_memory(g, &in, false); break;
    case 'p': do_get_one(g, &in); break;
    case 'P': do_set_one(g, &in); break;
    case 'q': do_query(g, &in); break;
    case 'Q': do_set(g, &in); break;
    case 'T': do_alive(g, &in); break;
    case 'v': do_v(g, &in); break;
    case 'X': do_write_memory(g, &in, true); break;
    case 'z': do_point(g, &in, false); break;
    case 'Z': do_point(g, &in, true); break;
    default: reply(g, "");
    }
}

/* In place: '}' and a byte stand for that byte with bit 5 turned over. */
static void unescape(struct gdb *g)
{
    size_t to = 0;

    for (size_t n = 0; n < g->length; n++) {
        if (g->packet[n] == '}' && n + 1 < g->length)
            g->packet[to++] = g->packet[++n] ^ 0x20;
        else
            g->packet[to++] = g->packet[n];
    }
    g->length = to;
}

static void packet_over(struct gdb *g)
{
    uint8_t ack = g->sum == g->given ? '+' : '-';

    if (!g->no_ack)
        g->world.send(g->world.owner, &ack, 1);
    if (ack == '-' && !g->no_ack)
        return;
    if (g->too_long) {
        reply_error(g, E_INVALID);
        return;
    }
    if (ack == '-')
        return;
    unescape(g);
    g->packet[g->length] = 0;
    obey(g);
}

static void outside_packet(struct gdb *g, uint8_t byte)
{
    switch (byte) {
    case '$':
        g->phase = GDB_DATA;
        g->length = 0;
        g->sum = 0;
        g->too_long = false;
        break;
    case 3: /* Ctrl-C */
        if (g->world.running(g->world.owner))
            interrupt(g, GDB_INT);
        break;
    case '+': g->nacks = 0; break;
    case '-':
        if (g->no_ack || !g->used)
            break;
        if (++g->nacks > NACKS)
            g->world.hang_up(g->world.owner);
        else
            g->world.send(g->world.owner, g->answer, g->used);
        break;
    }
}

void gdb_input(struct gdb *g, const uint8_t *bytes, size_t n)
{
    for (; n && g->connected; bytes++, n--) {
        uint8_t byte = *bytes;

        switch (g->phase) {
        case GDB_IDLE: outside_packet(g, byte); break;
        case GDB_DATA:
            if (byte == '#') {
                g->phase = GDB_SUM1;
                break;
            }
            g->sum = (uint8_t)(g->sum + byte);
            if (byte == '$') { /* the end of the one before was lost */
                outside_packet(g, byte);
            } else if (g->length < GDB_PACKET) {
                g->packet[g->length++] = byte;
            } else {
                g->too_long = true;
            }
            break;
        case GDB_SUM1:
        case GDB_SUM2:
            if (digit(byte) < 0) {
                g->phase = GDB_IDLE; /* damaged: perhaps the next one begins here */
                outside_packet(g, byte);
                break;
            }
            if (g->phase == GDB_SUM1) {
                g->given = (uint8_t)(digit(byte) << 4);
                g->phase = GDB_SUM2;
                break;
            }
            g->phase = GDB_IDLE;
            g->given = (uint8_t)(g->given | digit(byte));
            packet_over(g);
            break;
        }
    }
}

/* ---- connections ---- */

void gdb_init(struct gdb *g, const struct gdb_world *world)
{
    memset(g, 0, sizeof *g);
    g->world = *world;
    g->described = gdb_target_description(g->description, sizeof g->description);
    if (g->described >= sizeof g->description)
        g->described = 0; /* a test sees to it that it fits */
}

void gdb_connected(struct gdb *g)
{
    g->connected = true;
    g->running = g->no_ack = g->physical = g->tells_kind = false;
    g->phase = GDB_IDLE;
    g->resumed = GDB_CPUS;
    g->nacks = 0;
    g->used = 0;
    interrupt(g, GDB_TRAP);
}

void gdb_closed(struct gdb *g)
{
    if (!g->connected)
        return;
    g->connected = false;
    let_go(g);
}
