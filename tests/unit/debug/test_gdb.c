/* test_gdb.c - gdb's remote protocol: bytes in, bytes out, on a real machine. It begins at
 * the reset vector, without firmware; tests put code into RAM themselves.
 */
#include "debug/gdb.h"
#include "debug/gdb_target.h"
#include "machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUT = 1 << 20 };

struct world {
    struct machine *m;
    struct gdb gdb;
    bool running, killed, hung_up;
    char command[1024];
    uint8_t out[OUT];
    size_t used;
    char answer[GDB_PACKET + 64]; /* the last packet's data, escapes and all */
    unsigned packets, acks, nacks;
};

static struct world *world;

static struct cpu *get_cpu(void *owner, unsigned n)
{
    return machine_cpu(((struct world *)owner)->m, n);
}

static unsigned last(void *owner)
{
    (void)owner;
    return 0;
}

static bool running(void *owner)
{
    return ((struct world *)owner)->running;
}

static void stop(void *owner)
{
    ((struct world *)owner)->running = false;
}

static void go_on(void *owner)
{
    ((struct world *)owner)->running = true;
}

static void hold(void *owner, unsigned n, bool held)
{
    machine_hold(((struct world *)owner)->m, n, held);
}

static void kill_it(void *owner)
{
    ((struct world *)owner)->killed = true;
}

static bool command(void *owner, const char *text,
                    void (*line)(void *to, const char *text), void *to)
{
    struct world *w = owner;
    snprintf(w->command, sizeof w->command, "%s", text);
    line(to, "an answer");
    return true;
}

static void send_bytes(void *owner, const uint8_t *bytes, size_t n)
{
    struct world *w = owner;
    if (w->used + n > OUT)
        w->used = 0;
    memcpy(w->out + w->used, bytes, n);
    w->used += n;
}

static void hang_up(void *owner)
{
    ((struct world *)owner)->hung_up = true;
}

static void quiet(void *to, const char *part, enum log_level level, const char *line)
{
    (void)to, (void)part, (void)level, (void)line;
}

static int set_up(void **state)
{
    struct error e = {""};
    struct machine_config config = {
        .ram = 16 << 20,
        .cpus = 2,
        .ips = 100000000,
        .tsc_hz = 1000000000,
        .seed = 1,
        .rtc_base = 1000000000,
        .log = {.sink = quiet},
    };
    struct gdb_world asked = {2, get_cpu, last, running, stop, go_on, hold,
                              kill_it, command, send_bytes, hang_up, NULL};

    (void)state;
    world = calloc(1, sizeof *world);
    world->m = machine_new(&config, &e);
    if (!world->m)
        fail_msg("%s", e.text);
    asked.owner = world;
    gdb_init(&world->gdb, &asked);
    gdb_connected(&world->gdb);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    machine_free(world->m);
    free(world);
    return 0;
}

/* ---- talking ---- */

static unsigned hex(uint8_t c)
{
    return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

/* Takes what was sent apart; every packet is well-formed. */
static void listen(void)
{
    world->packets = world->acks = world->nacks = 0;
    world->answer[0] = 0;
    for (size_t n = 0; n < world->used; n++) {
        size_t from = n + 1;
        uint8_t sum = 0;

        if (world->out[n] == '+') {
            world->acks++;
            continue;
        }
        if (world->out[n] == '-') {
            world->nacks++;
            continue;
        }
        assert_int_equal(world->out[n], '$');
        for (n = from; n < world->used && world->out[n] != '#'; n++)
            sum = (uint8_t)(sum + world->out[n]);
        assert_true(n + 2 < world->used);
        assert_true(n - from <= GDB_PACKET);
        assert_int_equal(hex(world->out[n + 1]) << 4 | hex(world->out[n + 2]), sum);
        memcpy(world->answer, world->out + from, n - from);
        world->answer[n - from] = 0;
        world->packets++;
        n += 2;
    }
    world->used = 0;
}

static void feed(const char *data, size_t n)
{
    uint8_t *packet = malloc(n + 4), sum = 0;

    packet[0] = '$';
    memcpy(packet + 1, data, n);
    for (size_t k = 0; k < n; k++)
        sum = (uint8_t)(sum + (uint8_t)data[k]);
    snprintf((char *)packet + 1 + n, 3, "#");
    packet[n + 2] = (uint8_t) "0123456789abcdef"[sum >> 4];
    packet[n + 3] = (uint8_t) "0123456789abcdef"[sum & 15];
    gdb_input(&world->gdb, packet, n + 4);
    free(packet);
    listen();
}

static const char *ask(const char *data)
{
    feed(data, strlen(data));
    return world->answer;
}

#define EXPECT(data, text) assert_string_equal(ask(data), text)

/* Runs what was asked for; the stop reply. */
static const char *run(uint64_t ticks)
{
    enum machine_end end;

    assert_true(world->running);
    end = machine_run(world->m, ticks);
    world->running = false;
    if (end == END_POINT)
        gdb_stopped(&world->gdb, machine_stopped_cpu(world->m), true, GDB_TRAP);
    else
        gdb_stopped(&world->gdb, machine_cpu(world->m, 0), false, GDB_INT);
    listen();
    return world->answer;
}

/* CPU 0 is to run these bytes at 0:1000h in real mode. */
static void code(const char *bytes)
{
    char text[256];

    snprintf(text, sizeof text, "M1000,%zx:%s", strlen(bytes) / 2, bytes);
    EXPECT(text, "OK");
    EXPECT("P12=00000000", "OK"); /* CS */
    EXPECT("P10=0010000000000000", "OK");
}

/* ---- packets ---- */

static void a_packet_is_acknowledged_and_a_damaged_one_asked_for_again(void **state)
{
    (void)state;
    EXPECT("qAttached", "1");
    assert_int_equal(world->acks, 1);
    gdb_input(&world->gdb, (const uint8_t *)"$qAttached#00", 13);
    listen();
    assert_int_equal(world->nacks, 1);
    assert_int_equal(world->packets, 0);
    gdb_input(&world->gdb, (const uint8_t *)"-", 1);
    listen();
    assert_string_equal(world->answer, "1"); /* the last one again */
}

static void without_acknowledgements_there_are_none(void **state)
{
    (void)state;
    EXPECT("QStartNoAckMode", "OK");
    EXPECT("qAttached", "1");
    assert_int_equal(world->acks, 0);
    gdb_input(&world->gdb, (const uint8_t *)"-$qAttached#00", 14);
    listen();
    assert_int_equal(world->packets + world->nacks, 0);
}

static void whoever_refuses_every_answer_is_no_gdb(void **state)
{
    (void)state;
    EXPECT("qAttached", "1");
    for (unsigned n = 0; n < 20; n++)
        gdb_input(&world->gdb, (const uint8_t *)"-", 1);
    assert_true(world->hung_up);
    assert_true(world->used < 100);
}

static void unknown_packets_get_empty_answers(void **state)
{
    static const char *const packets[] = {"vMustReplyEmpty", "!", "R00", "qTStatus",
                                          "QNonStop:1", "vFile:open", "Z9,0,1", "", "jk"};
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(packets); n++) {
        EXPECT(packets[n], "");
        assert_int_equal(world->packets, 1);
    }
}

static void malformed_packets_get_errors(void **state)
{
    static const char *const packets[] = {
        "m", "m1000", "m1000,", "m,1", "m1000,1x", "m11111111111111111,1", "mzz,1",
        "M1000,1:", "M1000,2:00", "M1000,1:0g", "M1000,1:000", "M1000,ffffffffffffffff:00",
        "X1000,2:a", "X1000,fffffffffffffffe:", "p", "pffff", "pfffffffff", "P0", "P0=",
        "P0=00", "P0=00000000000000000000", "Pffff=00", "G", "G0", "Gzz", "H", "Hx0", "Hg9",
        "T", "T0", "T9", "Z", "Z0", "Z0,", "Z0,1000", "z2,1000,1,", "Z2,1000,0",
        "Z2,ffffffffffffffff,2", "vCont", "vCont;", "vCont;x", "vCont;c:9", "vCont;r1",
        "vCont;C", "C", "Czz", "cxyz", "qRcmd,0", "qRcmd,zz", "qRcmd,00",
        "qThreadExtraInfo,", "qThreadExtraInfo,9", "Qqemu.PhyMemMode:2",
        "qXfer:features:read:other.xml:0,100", "qXfer:features:read:target.xml:0",
    };
    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(packets); n++) {
        ask(packets[n]);
        if (world->answer[0] != 'E')
            fail_msg("'%s' is answered '%s'", packets[n], world->answer);
        assert_false(world->running);
    }
}

static void a_packet_that_is_too_long_is_refused_whole(void **state)
{
    char *text = malloc(GDB_PACKET + 2);
    (void)state;
    memset(text, 'q', GDB_PACKET + 2);
    feed(text, GDB_PACKET + 1);
    assert_string_equal(world->answer, "E22");
    feed(text, GDB_PACKET);
    assert_string_equal(world->answer, "");
    EXPECT("qAttached", "1");
    free(text);
}

/* ---- registers ---- */

static void description_and_registers_are_of_one_length(void **state)
{
    char *text = calloc(1, GDB_DESCRIPTION), request[64];
    unsigned bits = 0, count = 0;
    size_t have = 0;

    (void)state;
    for (char more = 'm'; more == 'm';) {
        snprintf(request, sizeof request, "qXfer:features:read:target.xml:%zx,1f3", have);
        ask(request);
        more = world->answer[0];
        assert_true(more == 'm' || more == 'l');
        assert_true(have + strlen(world->answer) < GDB_DESCRIPTION);
        strcpy(text + have, world->answer + 1);
        have += strlen(world->answer + 1);
    }
    assert_non_null(strstr(text, "<architecture>i386:x86-64</architecture>"));
    assert_non_null(strstr(text, "</target>"));
    for (const char *at = text; (at = strstr(at, "bitsize=\"")); count++)
        bits += (unsigned)strtoul(at += 9, NULL, 10);
    assert_int_equal(strlen(ask("g")), bits / 4);
    snprintf(request, sizeof request, "p%x", count);
    assert_string_equal(ask(request), "E22");
    snprintf(request, sizeof request, "p%x", count - 1);
    assert_int_equal(ask(request)[0] == 'E', 0);
    free(text);
}

static void rip_is_linear_and_ip_the_offset(void **state)
{
    struct cpu *c = machine_cpu(world->m, 0);
    (void)state;
    EXPECT("p10", "f0ffffff00000000");
    EXPECT("P10=00f0ffff00000000", "OK");
    assert_int_equal(c->rip, 0xf000);
    EXPECT("P10=0000000001000000", "E22"); /* 32 bits are all there are */
    assert_int_equal(c->rip, 0xf000);
    EXPECT("P10=0000000000000000", "E22"); /* not in this segment's 64 KiB */
    assert_int_equal(c->rip, 0xf000);
    EXPECT("P12=00080000", "OK"); /* real mode: the selector is the base */
    EXPECT("p10", "0070010000000000");
}

static void setting_what_is_there_always_works(void **state)
{
    char all[8192] = "G";
    struct cpu *c = machine_cpu(world->m, 0);
    uint64_t hash;

    (void)state;
    c->gpr[R9] = 0x1234; /* not seen in this mode, and kept */
    c->gpr[RAX] = 0x1122334455667788;
    hash = machine_hash(world->m);
    strcat(all, ask("g"));
    EXPECT(all, "OK");
    assert_true(hash == machine_hash(world->m));
    EXPECT("p0", "8877665500000000");
    EXPECT("p9", "0000000000000000");
    EXPECT("P9=0100000000000000", "E22");
    EXPECT("P0=0000000001000000", "E22");
    EXPECT("P0=0100000000000000", "OK");
    assert_true(c->gpr[RAX] == 0x1122334400000001);
}

static void what_would_change_the_mode_is_refused(void **state)
{
    (void)state;
    EXPECT("P11=02000200", "E22"); /* EFLAGS.VM */
    EXPECT("P11=d70c0000", "OK");
    EXPECT("p11", "d70c0000");
}

/* ---- memory ---- */

static void memory_reads_end_where_memory_ends(void **state)
{
    (void)state;
    EXPECT("M9fffe,2:abcd", "OK");
    EXPECT("m9fffe,2", "abcd");
    EXPECT("mfffffe,8", "0000"); /* 16 MiB */
    EXPECT("m1000000,1", "E14");
    EXPECT("mfee00000,4", "E14"); /* the local APIC: a read could have effects */
    EXPECT("Mfffffe,4:01020304", "E14");
    EXPECT("mfffffe,2", "0000"); /* none of it was written */
    EXPECT("m1000,0", "");
    ask("m0,ffffffffffffffff");
    assert_int_equal(strlen(world->answer), GDB_PACKET);
    EXPECT("mffffffffffffffff,ffffffffffffffff", "E14");
}

static void binary_writes_undo_escapes(void **state)
{
    (void)state;
    feed("X1000,5:a}\003}\004}]z", 16);
    assert_string_equal(world->answer, "OK");
    EXPECT("m1000,5", "6123247d7a");
    EXPECT("X1000,0:", "OK");
}

static void physical_mode_leaves_page_tables_out(void **state)
{
    (void)state;
    EXPECT("qqemu.PhyMemMode", "0");
    EXPECT("Qqemu.PhyMemMode:1", "OK");
    EXPECT("qqemu.PhyMemMode", "1");
    EXPECT("m100000000,1", "E14"); /* linear, it would be address 0 in this mode */
    EXPECT("Qqemu.PhyMemMode:0", "OK");
    EXPECT("m100000000,1", "00");
}

/* ---- running ---- */

static void a_breakpoint_stops_before_its_instruction(void **state)
{
    (void)state;
    ask("qSupported:swbreak+;hwbreak+");
    code("404040ebfb"); /* INC AX three times; JMP back */
    EXPECT("Z0,1001,1", "OK");
    ask("vCont;c");
    assert_string_equal(run(1000), "T05thread:1;swbreak:;");
    EXPECT("p0", "0100000000000000");
    EXPECT("p10", "0110000000000000");
    for (unsigned n = 2; n < 50; n++) { /* over and over, in hot code too */
        char text[32];
        ask("c");
        run(1000);
        snprintf(text, sizeof text, "%02x00000000000000", (3 * (n - 1) + 1) & 0xff);
        EXPECT("p0", text);
    }
    EXPECT("Z1,1002,1", "OK");
    ask("vCont;c");
    assert_string_equal(run(1000), "T05thread:1;hwbreak:;");
    EXPECT("z0,1001,1", "OK");
    EXPECT("z1,1002,1", "OK");
    EXPECT("z1,1002,1", "OK");
    ask("vCont;c");
    assert_string_equal(run(1000), "T02thread:1;");
}

static void a_step_is_one_instruction_and_a_range_many(void **state)
{
    (void)state;
    code("404040ebfb");
    ask("vCont;s:1;c");
    assert_string_equal(run(1000), "T05thread:1;");
    EXPECT("p10", "0110000000000000");
    ask("vCont;r1001,1003:1;c");
    run(1000);
    EXPECT("p10", "0310000000000000");
    EXPECT("p0", "0300000000000000");
    ask("s");
    run(1000);
    EXPECT("p10", "0010000000000000");
}

static void stepping_onto_a_breakpoint_is_meeting_it(void **state)
{
    (void)state;
    ask("qSupported:swbreak+");
    code("404040ebfb");
    EXPECT("Z0,1001,1", "OK");
    ask("vCont;s:1");
    assert_string_equal(run(1000), "T05thread:1;swbreak:;");
    ask("vCont;c");
    run(1000);
    EXPECT("p0", "0400000000000000"); /* not at once again */
}

static void watchpoints_tell_address_and_kind_after_the_access(void **state)
{
    (void)state;
    code("a100208906022040ebf6"); /* MOV AX,[2000]; MOV [2002],AX; INC AX; JMP back */
    EXPECT("Z2,2003,1", "OK");
    ask("c");
    assert_string_equal(run(1000), "T05thread:1;watch:2003;");
    EXPECT("p10", "0710000000000000");
    EXPECT("z2,2003,1", "OK");
    EXPECT("Z3,1f00,1000", "OK"); /* over two pages */
    ask("c");
    assert_string_equal(run(1000), "T05thread:1;rwatch:2000;");
    EXPECT("z3,1f00,1000", "OK");
    EXPECT("Z4,2002,2", "OK");
    ask("c");
    assert_string_equal(run(1000), "T05thread:1;awatch:2002;");
    EXPECT("z4,2002,2", "OK");
    ask("c");
    assert_string_equal(run(1000), "T02thread:1;");
}

static void there_is_a_limit_of_points(void **state)
{
    char text[64];
    (void)state;
    for (unsigned n = 0; n < POINTS_MOST; n++) {
        snprintf(text, sizeof text, "Z0,%x,1", n * 7);
        EXPECT(text, "OK");
    }
    EXPECT("Z0,7,1", "OK"); /* is there */
    EXPECT("Z0,ffff,1", "E28");
    ask("vCont;c");
    run(100);
}

static void ctrl_c_stops_and_is_nothing_to_a_stopped_machine(void **state)
{
    (void)state;
    gdb_input(&world->gdb, (const uint8_t *)"\003", 1);
    listen();
    assert_int_equal(world->packets, 0);
    ask("c");
    assert_true(world->running);
    gdb_input(&world->gdb, (const uint8_t *)"\003", 1);
    listen();
    assert_false(world->running);
    assert_string_equal(world->answer, "T02thread:1;");
    ask("c");
    ask("g"); /* while it runs: stops it too, and both are answered */
    assert_int_equal(world->packets, 2);
}

static void a_held_cpu_stays_where_it_is(void **state)
{
    struct cpu *other = machine_cpu(world->m, 1);
    (void)state;
    code("404040ebfb");
    other->activity = ACTIVITY_RUN;
    EXPECT("Hg2", "OK");
    EXPECT("P12=00000000", "OK");
    EXPECT("P10=0010000000000000", "OK");
    ask("vCont;c:1");
    run(20000);
    assert_true(other->retired == 0);
    ask("vCont;c");
    run(20000);
    assert_true(other->retired != 0);
}

static void cpus_are_threads(void **state)
{
    (void)state;
    EXPECT("qfThreadInfo", "m1,2");
    EXPECT("qsThreadInfo", "l");
    EXPECT("qC", "QC1");
    EXPECT("T2", "OK");
    EXPECT("Hgp1.2", "OK");
    EXPECT("qC", "QC2");
    EXPECT("Hg-1", "OK");
    EXPECT("Hc-1", "OK");
    EXPECT("qThreadExtraInfo,1", "43505523302" "05b72756e6e696e675d");
    EXPECT("?", "T05thread:2;");
}

static void monitor_commands_are_passed_on(void **state)
{
    (void)state;
    EXPECT("qRcmd,696e666f20", "OK");
    assert_string_equal(world->command, "info ");
    assert_int_equal(world->packets, 3); /* the line, its end, OK */
}

static void leaving_removes_points_and_lets_the_machine_go_on(void **state)
{
    (void)state;
    EXPECT("Z0,1001,1", "OK");
    EXPECT("D", "OK");
    assert_true(world->running);
    assert_int_equal(world->gdb.points.count, 0);
    assert_int_equal(machine_cpu(world->m, 0)->mode & MODE_DEBUG, 0);
    EXPECT("qAttached", "1"); /* it is back, and the machine stops */
    assert_false(world->running);
    EXPECT("Z2,1001,1", "OK");
    gdb_closed(&world->gdb);
    assert_true(world->running);
    assert_int_equal(world->gdb.points.count, 0);
}

static void the_end_of_the_run_is_told(void **state)
{
    (void)state;
    ask("c");
    gdb_ended(&world->gdb, 6);
    listen();
    assert_string_equal(world->answer, "W06");
    ask("k");
    assert_true(world->killed);
}

/* ---- a hostile peer ---- */

static uint64_t random_next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Packets that begin like real ones and go on with what comes: every answer is well-formed
 * (listen() sees to it) and there is one for each, but for those that run or kill. */
static void random_packets_do_no_harm(void **state)
{
    static const char *const heads[] = {
        "g", "G", "p", "P", "m", "M", "X", "Z0,", "Z2,", "z", "H", "T", "qSupported:",
        "qXfer:features:read:target.xml:", "qRcmd,", "vCont;", "vCont;s:1;", "c", "s", "C05",
        "D", "?", "q", "Q", "v", "qThreadExtraInfo,", "qfThreadInfo", "qsThreadInfo", "P10=",
        "m1000,", "X1000,", "M1000,4:", "Qqemu.PhyMemMode:", "k", "", "Hg", "Hc", "Z4,2000,"};
    static const char letters[] = "0123456789abcdef,;:=-p.+$}*#\001";
    uint64_t random = 88172645463325252ull;
#ifdef MENURA_EMULATED_HOST
    enum { ROUNDS = 4000 };
#else
    enum { ROUNDS = 50000 };
#endif

    (void)state;
    for (unsigned n = 0; n < ROUNDS; n++) {
        char packet[600];
        const char *head = heads[random_next(&random) % ARRAY_SIZE(heads)];
        size_t length = strlen(head), more = random_next(&random) % 24;

        if (random_next(&random) % 50 == 0)
            more = random_next(&random) % 500;
        memcpy(packet, head, length);
        for (; more; more--) {
            uint64_t r = random_next(&random);
            packet[length++] =
                r % 40 ? letters[(r >> 8) % (sizeof letters - 1)] : (char)(r >> 8);
        }
        if (random_next(&random) % 8) {
            for (size_t k = 0; k < length; k++) /* whole as far as this goes */
                if (packet[k] == '#' || packet[k] == '$')
                    packet[k] = '1';
            feed(packet, length);
            if (!world->running && !world->killed)
                assert_true(world->packets >= 1);
        } else {
            gdb_input(&world->gdb, (const uint8_t *)packet, length);
            listen();
        }
        world->killed = world->hung_up = false;
        if (world->running && random_next(&random) % 2)
            run(1 + random_next(&random) % 30);
        if (random_next(&random) % 1000 == 0) {
            gdb_closed(&world->gdb);
            world->used = 0;
            gdb_connected(&world->gdb);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_packet_is_acknowledged_and_a_damaged_one_asked_for_again),
        TEST(without_acknowledgements_there_are_none),
        TEST(whoever_refuses_every_answer_is_no_gdb),
        TEST(unknown_packets_get_empty_answers),
        TEST(malformed_packets_get_errors),
        TEST(a_packet_that_is_too_long_is_refused_whole),
        TEST(description_and_registers_are_of_one_length),
        TEST(rip_is_linear_and_ip_the_offset),
        TEST(setting_what_is_there_always_works),
        TEST(what_would_change_the_mode_is_refused),
        TEST(memory_reads_end_where_memory_ends),
        TEST(binary_writes_undo_escapes),
        TEST(physical_mode_leaves_page_tables_out),
        TEST(a_breakpoint_stops_before_its_instruction),
        TEST(a_step_is_one_instruction_and_a_range_many),
        TEST(stepping_onto_a_breakpoint_is_meeting_it),
        TEST(watchpoints_tell_address_and_kind_after_the_access),
        TEST(there_is_a_limit_of_points),
        TEST(ctrl_c_stops_and_is_nothing_to_a_stopped_machine),
        TEST(a_held_cpu_stays_where_it_is),
        TEST(cpus_are_threads),
        TEST(monitor_commands_are_passed_on),
        TEST(leaving_removes_points_and_lets_the_machine_go_on),
        TEST(the_end_of_the_run_is_told),
        TEST(random_packets_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
