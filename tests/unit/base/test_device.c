/* Tests of base/device.c, log.c and error.c, with a small device made for it. */
#include "base/device.h"
#include "base/error.h"
#include "base/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STATE(_, x) _(x, uint8_t, latch, 1, 0x7f, "a latch")

struct lamp {
    STATE(STATE_MEMBER, )
    struct line out[3];
    struct timer timer;
    struct device *self;
    uint16_t watts;
    unsigned moves, drives, resets, frees, last;
};

static unsigned freed;

static enum io_status access(void *dev, struct io *io)
{
    struct lamp *l = dev;
    if (io->write)
        l->latch = io->value & 0x7f;
    io->value = l->latch;
    return IO_DONE;
}

static void moved(void *dev, unsigned n, bool level)
{
    struct lamp *l = dev;
    l->moves++;
    l->last = n << 1 | level;
}

static bool init(void *dev, struct device *self, struct error *e)
{
    struct lamp *l = dev;
    l->self = self;
    return l->watts != 13 || error_set(e, "%s: 13 watts?", self->name);
}

static void reset(void *dev)
{
    ((struct lamp *)dev)->resets++;
}

static void drive(void *dev)
{
    ((struct lamp *)dev)->drives++;
}

static bool valid(const void *dev, struct error *e)
{
    return ((const struct lamp *)dev)->latch != 66 || error_set(e, "66 is not valid");
}

static void free_lamp(void *dev)
{
    (void)dev;
    freed++;
}

static const struct device_class lamp_class = {
    .name = "lamp",
    .title = "A lamp",
    .size = sizeof(struct lamp),
    .fields = (const struct field[]){STATE(STATE_FIELD, lamp)
                                     FIELD_TIMER_ROW(lamp, timer, "it goes out"){0}},
    .regions = (const struct region[]){{"lamp", 0x80, 1, NULL, access},
                                       {"far", 0, 4, NULL, access, .unmapped = true},
                                       {0}},
    .pins = (const struct pin[]){{"light", .offset = offsetof(struct lamp, out)},
                                 {"o%u", .offset = offsetof(struct lamp, out), .count = 3},
                                 {"in%u", .moved = moved, .n = 10, .count = 12},
                                 {"switch", .moved = moved, .n = 5},
                                 {0}},
    .options = (const struct option[]){OPTION(lamp, watts, 60, 1000, "power"), {0}},
    .init = init,
    .reset = reset,
    .drive = drive,
    .valid = valid,
    .free = free_lamp,
};

struct world {
    struct clock clock;
    struct space ports, mmio;
    struct log log;
    struct bus bus;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    clock_init(&w->clock, 1000000);
    space_init(&w->ports, false);
    space_init(&w->mmio, true);
    w->bus = (struct bus){
        .clock = &w->clock, .ports = &w->ports, .mmio = &w->mmio, .log = &w->log};
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    space_free(&w->ports);
    space_free(&w->mmio);
    clock_free(&w->clock);
    free(w);
    return 0;
}

static struct device *start(struct world *w)
{
    struct device *d = device_new(&lamp_class, "lamp0", &w->bus, NULL);
    assert_non_null(d);
    assert_true(device_start(d, NULL));
    return d;
}

static uint8_t in(struct world *w, uint16_t port)
{
    struct io io = {.address = port, .size = 1};
    space_access(&w->ports, &io);
    return (uint8_t)io.value;
}

static void options_have_standards_and_limits(void **state)
{
    struct world *w = *state;
    struct device *d = device_new(&lamp_class, "lamp0", &w->bus, NULL);
    struct lamp *l = d->state;
    struct error e;

    assert_int_equal(l->watts, 60);
    assert_true(device_option(d, "watts", 1000, &e));
    assert_false(device_option(d, "watts", 1001, &e));
    assert_non_null(strstr(e.text, "1000"));
    assert_false(device_option(d, "volts", 1, &e));
    assert_non_null(strstr(e.text, "volts"));
    assert_int_equal(l->watts, 1000);
    device_free(d);
}

static void a_failed_start_says_why_and_frees_nothing_it_never_made(void **state)
{
    struct world *w = *state;
    struct device *d = device_new(&lamp_class, "lamp0", &w->bus, NULL);
    struct error e;

    freed = 0;
    assert_true(device_option(d, "watts", 13, NULL));
    assert_false(device_start(d, &e));
    assert_string_equal(e.text, "lamp0: 13 watts?");
    device_free(d);
    assert_int_equal(freed, 0);
}

static void starting_maps_resets_and_drives(void **state)
{
    struct world *w = *state;
    struct device *d = start(w);
    struct lamp *l = d->state;

    assert_int_equal(l->resets, 1);
    assert_int_equal(l->drives, 1);
    assert_int_equal(in(w, 0x80), 1);
    assert_int_equal(in(w, 0x90), 0xff);
    device_map(d, 1, 0x90);
    assert_int_equal(in(w, 0x90), 1);
    device_map(d, 1, 0xa0);
    assert_int_equal(in(w, 0x90), 0xff);
    assert_int_equal(in(w, 0xa3), 1);
    device_map(d, 0, UINT64_MAX);
    assert_int_equal(in(w, 0x80), 0xff);
    freed = 0;
    device_free(d);
    assert_int_equal(freed, 1);
    assert_int_equal(in(w, 0xa0), 0xff); /* nothing is left behind */
}

static void a_freed_device_leaves_no_timer(void **state)
{
    struct world *w = *state;
    struct device *d = start(w);
    struct lamp *l = d->state;

    timer_arm(&w->clock, &l->timer, 5);
    device_free(d);
    assert_int_equal(clock_next(&w->clock), UINT64_MAX);
}

static void pins_are_found_by_name_and_number(void **state)
{
    struct world *w = *state;
    struct device *a = start(w), *b = start(w);
    struct lamp *l = a->state, *m = b->state;
    struct error e;

    assert_ptr_equal(device_pin(a, "light"), &l->out[0]);
    assert_ptr_equal(device_pin(a, "o2"), &l->out[2]);
    assert_null(device_pin(a, "o3"));
    assert_null(device_pin(a, "o"));
    assert_null(device_pin(a, "o2x"));
    assert_null(device_pin(a, "in1"));
    assert_true(device_join(a, "o1", b, "in11", &e));
    line_set(&l->out[1], true);
    assert_int_equal(m->last, 21 << 1 | 1);
    line_set(&l->out[1], true); /* no change, no news */
    assert_int_equal(m->moves, 1);
    line_restore(&l->out[1], false);
    assert_int_equal(m->moves, 1);
    assert_false(device_join(a, "light", b, "in12", &e));
    assert_non_null(strstr(e.text, "in12"));
    assert_false(device_join(a, "dark", b, "in1", &e));
    assert_non_null(strstr(e.text, "dark"));
    assert_true(device_drive_pin(b, "switch", true));
    assert_int_equal(m->last, 5 << 1 | 1);
    assert_false(device_drive_pin(b, "light", true));
    device_free(a);
    device_free(b);
}

static void restoring_drives_the_pins_unless_the_state_is_not_valid(void **state)
{
    struct world *w = *state;
    struct device *d = start(w);
    struct lamp *l = d->state;

    for (unsigned latch = 65; latch < 68; latch++) {
        struct writer out = {0};
        struct reader r;
        unsigned drives = l->drives;
        l->latch = (uint8_t)latch;
        device_save(d, &out);
        l->latch = 0;
        r = (struct reader){.bytes = out.bytes, .size = out.size};
        assert_int_equal(device_restore(d, &r, NULL), latch != 66);
        assert_int_equal(l->drives, drives + (latch != 66));
        writer_free(&out);
    }
    device_free(d);
}

/* ---- log and error ---- */

struct heard {
    unsigned lines;
    char last[600];
};

static void hear(void *to, const char *part, enum log_level level, const char *line)
{
    struct heard *h = to;
    (void)level;
    h->lines++;
    snprintf(h->last, sizeof h->last, "%s: %s", part, line);
}

static void a_log_passes_on_what_its_level_allows(void **state)
{
    struct heard h = {0};
    struct log l = {.sink = hear, .to = &h, .level = LOG_WARN, .lines_left = 10};
    (void)state;

    log_say(&l, "pit", LOG_INFO, "no");
    assert_int_equal(h.lines, 0);
    log_say(&l, "pit", LOG_WARN, "port %x", 0x40);
    assert_string_equal(h.last, "pit: port 40");
    log_say(NULL, "pit", LOG_ERROR, "nowhere");
    l.sink = NULL;
    log_say(&l, "pit", LOG_ERROR, "nowhere");
    log_guest(&l, "pit", "nowhere");
    assert_int_equal(h.lines, 1);
}

static void a_guest_cannot_flood_the_log(void **state)
{
    struct heard h = {0};
    struct log l = {.sink = hear, .to = &h, .level = LOG_WARN, .lines_left = 5};
    bool said = false;
    (void)state;

    for (unsigned n = 0; n < 1000; n++)
        log_guest(&l, "ide", "line %u", n);
    assert_int_equal(h.lines, 6); /* five and the notice */
    assert_non_null(strstr(h.last, "no more follow"));
    for (unsigned n = 0; n < 3; n++)
        log_unimplemented(&l, "ide", &said, "zeal");
    assert_int_equal(h.lines, 7);
    assert_string_equal(h.last, "ide: unimplemented: zeal");
}

static void errors_are_cut_not_overrun(void **state)
{
    struct error e;
    char text[3000];
    (void)state;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_false(error_set(&e, "%s", "first"));
    assert_false(error_hint(&e, "way %d", 2));
    assert_string_equal(e.text, "first\nway 2");
    error_set(&e, "%s", text);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_false(error_hint(&e, "%s", text));
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_false(error_set(NULL, "nobody listens"));
    assert_false(error_hint(NULL, "nobody listens"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(options_have_standards_and_limits),
        T(a_failed_start_says_why_and_frees_nothing_it_never_made),
        T(starting_maps_resets_and_drives),
        T(a_freed_device_leaves_no_timer),
        T(pins_are_found_by_name_and_number),
        T(restoring_drives_the_pins_unless_the_state_is_not_valid),
        cmocka_unit_test(a_log_passes_on_what_its_level_allows),
        cmocka_unit_test(a_guest_cannot_flood_the_log),
        cmocka_unit_test(errors_are_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
