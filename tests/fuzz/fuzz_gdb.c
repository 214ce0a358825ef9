/* fuzz_gdb.c - what a peer may send to the gdb server, and a machine that runs in between.
 *
 * Input: what is sent, in portions of a byte for the length (0 to 253), or one that says how
 * it goes on: 254 packs the portion that follows into a packet with its checksum, 255 runs
 * the machine a little. Every answer must be well-formed, and what only looks must not
 * change the machine.
 */
#include "fuzz.h"

#include "debug/gdb.h"
#include "machine/machine.h"

#include <stdlib.h>
#include <string.h>

enum { RAM = 2 << 20, PACK = 254, RUN = 255, TICKS = 200, BACKLOG = 1 << 20, HASHES = 1 };

struct peer {
    struct machine *m;
    struct gdb gdb;
    bool running, gone;
    size_t heard;
    unsigned hashes;
};

static struct cpu *get_cpu(void *owner, unsigned n)
{
    return machine_cpu(((struct peer *)owner)->m, n);
}

static unsigned last(void *owner)
{
    (void)owner;
    return 0;
}

static bool running(void *owner)
{
    return ((struct peer *)owner)->running;
}

static void stop(void *owner)
{
    ((struct peer *)owner)->running = false;
}

static void go_on(void *owner)
{
    ((struct peer *)owner)->running = true;
}

static void hold(void *owner, unsigned n, bool held)
{
    machine_hold(((struct peer *)owner)->m, n, held);
}

static void leave(void *owner)
{
    ((struct peer *)owner)->gone = true;
}

static bool command(void *owner, const char *text,
                    void (*line)(void *to, const char *text), void *to)
{
    (void)owner;
    line(to, text);
    return true;
}

static unsigned hex(uint8_t c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

    if (!at)
        fuzz_bug("a checksum with %02x", c);
    return (unsigned)(at - digits);
}

/* Whole packets only, or a + or -. */
static void hear(void *owner, const uint8_t *bytes, size_t n)
{
    struct peer *p = owner;
    uint8_t sum = 0;

    p->heard += n;
    if (n == 1 && (*bytes == '+' || *bytes == '-'))
        return;
    if (n < 4 || n > GDB_PACKET + 4 || bytes[0] != '$' || bytes[n - 3] != '#')
        fuzz_bug("an answer of %zu bytes that is no packet", n);
    for (size_t k = 1; k < n - 3; k++) {
        if (bytes[k] == '#' || bytes[k] == '$')
            fuzz_bug("%c within a packet", bytes[k]);
        sum = (uint8_t)(sum + bytes[k]);
    }
    if ((hex(bytes[n - 2]) << 4 | hex(bytes[n - 1])) != sum)
        fuzz_bug("a wrong checksum");
}

static void drop_line(void *to, const char *part, enum log_level level, const char *line)
{
    (void)to, (void)part, (void)level, (void)line;
}

/* Two CPUs, and for the first a loop with stores, string instructions and a call. */
static struct machine *make(void)
{
    static const uint8_t code[] = {
        0xbf, 0x00, 0x20,       /* MOV DI, 2000h */
        0xb9, 0x10, 0x00,       /* MOV CX, 10h */
        0xf3, 0xaa,             /* REP STOSB */
        0xe8, 0x02, 0x00,       /* CALL over the next */
        0xeb, 0xf3,             /* JMP back */
        0xff, 0x06, 0x00, 0x30, /* INC word [3000h] */
        0xc3,
    };
    struct machine_config config = {.ram = RAM,
                                    .cpus = 2,
                                    .cpu = "max",
                                    .ips = 1000000,
                                    .tsc_hz = 1000000000,
                                    .seed = 1,
                                    .rtc_base = 1000000000,
                                    .log = {.sink = drop_line}};
    struct error e = {""};
    struct machine *m = machine_new(&config, &e);
    struct cpu *c = m ? machine_cpu(m, 0) : NULL;

    if (!m)
        fuzz_bug("no machine: %s", e.text);
    phys_write(machine_phys(m), pa(0x1000), code, sizeof code);
    c->seg[CS].selector = 0;
    c->seg[CS].base = 0;
    c->rip = 0x1000;
    c->gpr[RSP] = 0x8000;
    cpu_derive(c);
    return m;
}

static bool only_looks(const uint8_t *packet, size_t n)
{
    return n && (strchr("?gHmpTzZ", packet[0]) || packet[0] == 'q') && packet[0];
}

static void send_packet(struct peer *p, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t packet[260], sum = 0;
    bool looks = p->hashes < HASHES && !p->running && only_looks(bytes, n) &&
                 !memchr(bytes, '$', n);
    uint64_t before = looks ? machine_hash(p->m) : 0;

    p->hashes += looks;
    packet[0] = '$';
    for (size_t k = 0; k < n; k++) {
        packet[1 + k] = bytes[k];
        sum = (uint8_t)(sum + bytes[k]);
    }
    packet[n + 1] = '#';
    packet[n + 2] = (uint8_t)digits[sum >> 4];
    packet[n + 3] = (uint8_t)digits[sum & 15];
    /* A '#' within ends it early, and what follows is noise. */
    gdb_input(&p->gdb, packet, n + 4);
    if (looks && !p->running && machine_hash(p->m) != before)
        fuzz_bug("'%.*s' changes the machine", (int)n, (const char *)bytes);
}

static void run(struct peer *p)
{
    enum machine_end end;

    if (!p->running)
        return;
    end = machine_run(p->m, TICKS);
    if (end != END_POINT && end != END_TICKS)
        return;
    p->running = false;
    if (end == END_POINT)
        gdb_stopped(&p->gdb, machine_stopped_cpu(p->m), true, GDB_TRAP);
    else
        gdb_stopped(&p->gdb, machine_cpu(p->m, 0), false, GDB_INT);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input in = {bytes, size};
    struct peer *p = calloc(1, sizeof *p);
    struct gdb_world world = {2,       get_cpu, last,    running, stop, go_on,
                              hold,    leave,   command, hear,    leave, p};
    if (!p)
        fuzz_bug("no memory");
    p->m = make();
    gdb_init(&p->gdb, &world);
    gdb_connected(&p->gdb);
    while (in.left && !p->gone && p->heard < BACKLOG) {
        unsigned length = (unsigned)fuzz_take(&in, 1);
        bool pack = length == PACK;

        if (length == RUN) {
            run(p);
            continue;
        }
        if (pack)
            length = (unsigned)fuzz_take(&in, 1);
        if (length > in.left)
            length = (unsigned)in.left;
        if (pack)
            send_packet(p, in.at, length);
        else
            gdb_input(&p->gdb, in.at, length);
        in.at += length;
        in.left -= length;
    }
    gdb_closed(&p->gdb);
    machine_run(p->m, TICKS);
    machine_free(p->m);
    free(p);
    return 0;
}

/* ---- inputs ---- */

static void add(uint8_t **to, const char *text)
{
    size_t n = strlen(text);
    memcpy(*to, text, n);
    *to += n;
}

static void add_number(uint8_t **to, uint64_t v)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 60;

    while (shift && !(v >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *(*to)++ = (uint8_t)digits[v >> shift & 15];
}

size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room)
{
    static const char *const begin[] = {
        "g", "G", "p", "P", "P10=", "P0=", "P18=", "P28=", "m", "M", "X", "Z0,", "Z1,", "Z2,",
        "Z3,", "Z4,", "z0,", "z2,", "Hg", "Hc", "T", "?", "c", "s", "C05", "S05", "vCont;",
        "vCont;s:1;c", "vCont;r1000,1010:1", "vCont;c:2", "vCont?", "D", "qSupported:swbreak+",
        "qXfer:features:read:target.xml:", "qRcmd,", "qfThreadInfo", "qsThreadInfo", "qC",
        "qThreadExtraInfo,", "Qqemu.PhyMemMode:", "qqemu.PhyMemMode", "QStartNoAckMode", "",
    };
    static const char *const pieces[] = {"1000", "1003", "1006", "1008", "100d", "3000", "2008",
                                         "fee00000", "1fffff", ",", ",1", ",2", ",1000", ":",
                                         "=", ";", "00", "0100000000000000", "p1.", "-1",
                                         ";c", ";s", ":1", ":2", "}]", "#", "$"};
    uint8_t *at = bytes;
    unsigned portions = 1 + fuzz_below(r, 30);
    (void)room;

    for (unsigned n = 0; n < portions; n++) {
        uint8_t *length;
        if (fuzz_one_in(r, 3)) {
            *at++ = RUN;
            continue;
        }
        if (!fuzz_one_in(r, 10))
            *at++ = PACK;
        length = at++;
        add(&at, begin[fuzz_below(r, ARRAY_SIZE(begin))]);
        while (!fuzz_one_in(r, 3)) {
            if (fuzz_one_in(r, 4))
                add_number(&at, fuzz_number(r));
            else
                add(&at, pieces[fuzz_below(r, ARRAY_SIZE(pieces))]);
        }
        while (fuzz_one_in(r, 10))
            *at++ = (uint8_t)fuzz_next(r);
        if (at - length - 1 > 250)
            at = length + 251;
        *length = (uint8_t)(at - length - 1);
    }
    return (size_t)(at - bytes);
}
