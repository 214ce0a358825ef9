/* Tests of base/device.c: what a device leaves behind, and its regions' places. */
#include "base/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define STATE(_, x) _(x, uint8_t, latch, 1, 0x7f, "a latch")

struct lamp {
    STATE(STATE_MEMBER, )
    struct timer timer;
    struct device *self;
    unsigned drives, resets;
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

static bool init(void *dev, struct device *self, struct error *e)
{
    (void)e;
    ((struct lamp *)dev)->self = self;
    return true;
}

static void reset(void *dev)
{
    ((struct lamp *)dev)->resets++;
}

static void drive(void *dev)
{
    ((struct lamp *)dev)->drives++;
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
    .fields = (const struct field[]){STATE(STATE_FIELD, lamp) FIELD_TIMER_ROW(
        lamp, timer, "it goes out"){0}},
    .regions = (const struct region[]){{"lamp", 0x80, 1, NULL, access},
                                       {"far", 0, 4, NULL, access, .unmapped = true},
                                       {0}},
    .init = init,
    .reset = reset,
    .drive = drive,
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

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(starting_maps_resets_and_drives),
        T(a_freed_device_leaves_no_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
