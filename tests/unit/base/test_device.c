/* test_device.c - a device's options, pins, regions, reset and restore; log and error. */
#include "base/device.h"
#include "base/error.h"
#include "base/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define STATE(_, x) _(x, uint8_t, latch, 1, 7, "what was written")

struct probe {
    STATE(STATE_MEMBER, )
    struct line out[3];
    uint16_t iobase;
    void *owner;
    unsigned seen, level;
};

static void drive(void *dev)
{
    struct probe *p = dev;

    for (unsigned i = 0; i < 3; i++)
        line_set(&p->out[i], p->latch >> i & 1);
}

static void moved(void *dev, unsigned n, bool level)
{
    struct probe *p = dev;

    p->seen = 100 + n;
    p->level = level;
}

static enum io_status access(void *dev, struct io *io)
{
    struct probe *p = dev;

    if (io->write) {
        p->latch = io->value & 7;
        drive(p);
    } else {
        io->value = p->latch;
    }
    return IO_DONE;
}

static bool init(void *dev, struct device *self, struct error *e)
{
    struct probe *p = dev;

    if (p->iobase == 0xdead)
        return error_set(e, "no");
    device_map(self, 0, p->iobase);
    return true;
}

static const struct device_class probe_class = {
    .name = "probe",
    .title = "A probe",
    .size = sizeof(struct probe),
    .fields = (const struct field[]){STATE(STATE_FIELD, probe){0}},
    .regions = (const struct region[]){{"probe", 0, 1, NULL, access, .unmapped = true},
                                       {"fixed", 0x90, 1, NULL, access},
                                       {0}},
    .pins = (const struct pin[]){{"out%u", offsetof(struct probe, out), NULL, 0, 3},
                                 {"in%u", 0, moved, 10, 2},
                                 {"nmi", 0, moved, 5, 0},
                                 {0}},
    .options = (const struct option[]){
        OPTION(probe, iobase, 0x300, 0xffff, "port"),
        OPTION(probe, owner, 0, UINT64_MAX, "a pointer"),
        {0}},
    .init = init,
    .drive = drive,
};

struct board {
    struct clock clock;
    struct space ports, mmio;
    struct log log;
    struct bus bus;
};

static void board_init(struct board *b)
{
    memset(b, 0, sizeof *b);
    clock_init(&b->clock, 1000000);
    assert_true(space_init(&b->ports, false));
    assert_true(space_init(&b->mmio, true));
    b->bus = (struct bus){
        .clock = &b->clock, .ports = &b->ports, .mmio = &b->mmio, .log = &b->log};
}

static void board_free(struct board *b)
{
    space_free(&b->ports);
    space_free(&b->mmio);
    clock_free(&b->clock);
}

static uint64_t in(struct board *b, uint16_t port)
{
    struct io io = {.address = port, .size = 1};

    space_access(&b->ports, &io);
    return io.value;
}

static void out(struct board *b, uint16_t port, uint8_t v)
{
    struct io io = {.address = port, .size = 1, .write = true, .value = v};

    space_access(&b->ports, &io);
}

static void options_are_checked_and_kept_over_reset(void **state)
{
    struct board b;
    struct error e;
    struct device *d;
    int thing = 0;
    (void)state;

    board_init(&b);
    d = device_new(&probe_class, "p0", &b.bus, &e);
    assert_false(device_option(d, "iobase", 0x10000, &e));
    assert_non_null(strstr(e.text, "iobase"));
    assert_false(device_option(d, "irq", 1, &e));
    assert_true(device_option(d, "iobase", 0x2f8, &e));
    assert_true(device_option(d, "owner", (uintptr_t)&thing, &e));
    assert_true(device_start(d, &e));
    assert_ptr_equal(((struct probe *)d->state)->owner, &thing);
    out(&b, 0x2f8, 6);
    assert_int_equal(in(&b, 0x2f8), 6);
    assert_int_equal(in(&b, 0x300), 0xff);
    device_reset(d);
    assert_int_equal(in(&b, 0x2f8), 1);
    assert_int_equal(in(&b, 0x90), 1);
    device_map(d, 0, 0x3e8);
    assert_int_equal(in(&b, 0x2f8), 0xff);
    assert_int_equal(in(&b, 0x3e8), 1);
    device_free(d);
    assert_int_equal(in(&b, 0x90), 0xff);
    board_free(&b);
}

static void pins_join_by_name_and_number(void **state)
{
    struct board b;
    struct error e;
    struct device *d, *to;
    struct probe *p;
    (void)state;

    board_init(&b);
    d = device_new(&probe_class, "p0", &b.bus, &e);
    to = device_new(&probe_class, "p1", &b.bus, &e);
    p = to->state;
    assert_true(device_join(d, "out1", to, "in1", &e));
    assert_false(device_join(d, "out1", to, "in0", &e));
    assert_false(device_join(d, "out3", to, "in1", &e));
    assert_false(device_join(d, "out01", to, "in1", &e));
    assert_false(device_join(d, "out2", to, "in2", &e));
    assert_false(device_join(d, "nmi", to, "in1", &e));
    assert_null(device_pin(d, "in0"));
    assert_true(device_start(d, &e));
    assert_int_equal(p->seen, 0);
    out(&b, 0x300, 2);
    assert_int_equal(p->seen, 111);
    assert_int_equal(p->level, 1);
    out(&b, 0x300, 0);
    assert_int_equal(p->level, 0);
    out(&b, 0x300, 4);
    assert_true(device_join(d, "out2", to, "nmi", &e)); /* already high: told at once */
    assert_int_equal(p->seen, 105);
    assert_true(device_drive_pin(to, "in0", true));
    assert_int_equal(p->seen, 110);
    assert_false(device_drive_pin(to, "out0", true));
    device_free(d);
    device_free(to);
    board_free(&b);
}

static void restore_sets_levels_without_making_edges(void **state)
{
    struct board b;
    struct error e;
    struct device *d, *to;
    struct writer w = {0};
    struct reader r, inside;
    char name[256];
    (void)state;

    board_init(&b);
    d = device_new(&probe_class, "p0", &b.bus, &e);
    to = device_new(&probe_class, "p1", &b.bus, &e);
    assert_true(device_start(d, &e));
    assert_true(device_join(d, "out2", to, "in1", &e));
    out(&b, 0x300, 4);
    device_save(d, &w);
    out(&b, 0x300, 0);
    ((struct probe *)to->state)->seen = 0;
    r = (struct reader){.bytes = w.bytes, .size = w.size};
    assert_true(section_next(&r, name, &inside, &e));
    assert_string_equal(name, "p0");
    assert_true(device_restore(d, &inside, &e));
    assert_true(device_pin(d, "out2")->level);
    assert_int_equal(((struct probe *)to->state)->seen, 0);
    assert_non_null(device_pin(d, "out2")->moved);
    writer_free(&w);
    device_free(d);
    device_free(to);
    board_free(&b);
}

static void a_refused_device_is_left_reset(void **state)
{
    struct board b;
    struct error e;
    struct device *d;
    struct writer w = {0};
    struct reader r, inside;
    char name[256];
    (void)state;

    board_init(&b);
    d = device_new(&probe_class, "p0", &b.bus, &e);
    assert_true(device_start(d, &e));
    ((struct probe *)d->state)->latch = 8;
    device_save(d, &w);
    r = (struct reader){.bytes = w.bytes, .size = w.size};
    assert_true(section_next(&r, name, &inside, &e));
    assert_false(device_restore(d, &inside, &e));
    assert_non_null(strstr(e.text, "p0"));
    assert_non_null(strstr(e.text, "'latch' is 8"));
    assert_int_equal(in(&b, 0x300), 1);
    writer_free(&w);
    device_free(d);
    board_free(&b);
}

static void a_device_may_refuse_to_start(void **state)
{
    struct board b;
    struct error e;
    struct device *d;
    (void)state;

    board_init(&b);
    d = device_new(&probe_class, "p0", &b.bus, &e);
    assert_true(device_option(d, "iobase", 0xdead, &e));
    assert_false(device_start(d, &e));
    device_free(d);
    board_free(&b);
}

static char lines[16][128];
static unsigned line_total;

static void keep(void *to, const char *part, enum log_level level, const char *line)
{
    (void)to;
    (void)part;
    (void)level;
    if (line_total < 16)
        snprintf(lines[line_total], sizeof lines[0], "%s", line);
    line_total++;
}

/* A guest's text must not reach the terminal as commands, nor flood it. */
static void the_log_defuses_and_limits_what_a_guest_says(void **state)
{
    struct log l = {.sink = keep, .level = LOG_INFO, .lines_left = 2};
    bool said = false;
    (void)state;

    line_total = 0;
    log_say(&l, "x", LOG_INFO, "one\ntwo\x1b[2J");
    assert_int_equal(line_total, 2);
    assert_string_equal(lines[0], "one");
    assert_string_equal(lines[1], "two?[2J");
    log_say(&l, "x", LOG_DEBUG, "no");
    assert_int_equal(line_total, 2);
    log_unimplemented(&l, "x", &said, "a");
    log_unimplemented(&l, "x", &said, "a");
    assert_int_equal(line_total, 3);
    for (unsigned i = 0; i < 10; i++)
        log_guest(&l, "x", "again");
    assert_int_equal(line_total, 5);
    assert_non_null(strstr(lines[4], "not shown"));
    log_say(NULL, "x", LOG_ERROR, "nobody");
}

static void an_error_is_a_sentence_with_a_way_out(void **state)
{
    struct error e;
    char longer[3000];
    (void)state;

    assert_false(error_set(&e, "cannot open '%s'", "a"));
    assert_false(error_hint(&e, "make it"));
    assert_string_equal(e.text, "cannot open 'a'\nmake it");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    error_set(&e, "%s", longer);
    error_hint(&e, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    error_set(NULL, "x");
    error_hint(NULL, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked_and_kept_over_reset),
        cmocka_unit_test(pins_join_by_name_and_number),
        cmocka_unit_test(restore_sets_levels_without_making_edges),
        cmocka_unit_test(a_refused_device_is_left_reset),
        cmocka_unit_test(a_device_may_refuse_to_start),
        cmocka_unit_test(the_log_defuses_and_limits_what_a_guest_says),
        cmocka_unit_test(an_error_is_a_sentence_with_a_way_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
