/* What must hold for every chip: reset, save and restore, hostile state, peek. */
#include "rig.h"

#include "chipset/dma.h"
#include "chipset/ferr.h"
#include "chipset/hpet.h"
#include "chipset/i440fx.h"
#include "chipset/ioapic.h"
#include "chipset/lapic.h"
#include "chipset/pci.h"
#include "chipset/pic.h"
#include "chipset/piix3.h"
#include "chipset/piix3_ide.h"
#include "chipset/piix4_pm.h"
#include "chipset/pit.h"
#include "chipset/port61.h"
#include "chipset/port92.h"
#include "chipset/rtc.h"

static const struct device_class *const classes[] = {
    &dma_class,    &hpet_class,   &i440fx_class, &ioapic_class,   &lapic_class,
    &pci_class,    &pic_class,    &piix3_class,  &piix4_pm_class, &pit_class,
    &port61_class, &port92_class, &ferr_class, &rtc_class, &piix3_ide_class,
};

static struct rig rig;
static struct apic_bus bus;
static uint64_t seed;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Whatever a pin reaches is deaf here, but is there, so that timers run. */
static void nobody(void *to, unsigned n, bool level)
{
    (void)to, (void)n, (void)level;
}

static struct device *make(const struct device_class *class)
{
    struct device *d = rig_new(&rig, class);

    if (class == &lapic_class) {
        struct lapic_wiring w = {.bus = &bus, .tsc_hz = 1000000000};
        lapic_connect(d, &w);
    }
    if (class == &ioapic_class)
        ioapic_connect(d, &bus);
    rig_start(d);
    for (const struct pin *p = class->pins; p && p->name; p++) {
        struct line *l = (struct line *)(void *)((char *)d->state + p->offset);
        for (unsigned i = 0; !p->moved && i < (p->count ? p->count : 1); i++)
            l[i].moved = nobody;
    }
    return d;
}

static void each(void (*body)(struct device *d))
{
    for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
        struct device *d;
        rig_init(&rig, 100000000);
        memset(&bus, 0, sizeof bus);
        seed = 88172645463325252ull + i;
        d = make(classes[i]);
        body(d);
        device_free(d);
        rig_free(&rig);
    }
}

/* An access that the region's handlers may get. */
static struct io random_access(const struct region *r)
{
    unsigned max = r->max_size ? r->max_size : r->mmio ? 4 : 1;
    struct io io = {.value = rnd()};

    do
        io.size = (uint8_t)(1u << rnd() % 4);
    while (io.size > max);
    io.offset = (uint32_t)(rnd() % (r->length - io.size + 1));
    if (rnd() & 1)
        io.offset &= ~(uint32_t)(io.size - 1);
    io.address = (r->unmapped && !r->mmio ? 0xb000 : r->base) + io.offset;
    if (io.size < 8)
        io.value &= (1ull << 8 * io.size) - 1;
    return io;
}

static void poke(struct device *d)
{
    const struct region *r = d->class->regions;

    for (unsigned i = 0; r && r[i].name; i++) {
        struct io io = random_access(&r[i]);
        io.write = rnd() & 1;
        (void)r[i].access(d->state, &io);
    }
    for (const struct pin *p = d->class->pins; p && p->name; p++) {
        if (p->moved && rnd() % 4 == 0)
            p->moved(d->state, p->n + (unsigned)(rnd() % (p->count ? p->count : 1)),
                     rnd() & 1);
    }
}

static bool same(const struct device *a, const struct device *b)
{
    struct writer wa = {0}, wb = {0};
    bool yes;

    device_save(a, &wa);
    device_save(b, &wb);
    yes = wa.size == wb.size && memcmp(wa.bytes, wb.bytes, wa.size) == 0;
    writer_free(&wa);
    writer_free(&wb);
    return yes;
}

static void random_state(const struct field *f, void *object)
{
    for (; f && f->name; f++) {
        for (unsigned i = 0; i < f->count; i++) {
            uint64_t v = rnd();
            if (f->kind == FIELD_SUB)
                random_state(f->sub, (char *)object + f->offset + i * f->size);
            else if (f->kind == FIELD_VALUE)
                field_set(f, object, i,
                          v & 1                  ? f->max - (v >> 8 & 3 & f->max)
                          : f->max == UINT64_MAX ? v
                                                 : v % (f->max + 1));
        }
    }
}

static void survive(struct device *d)
{
    for (unsigned round = 0; round < 300; round++) {
        if (round % 10 == 0) {
            random_state(d->class->fields, d->state);
            d->class->drive ? d->class->drive(d->state) : (void)0;
        }
        for (unsigned i = 0; i < 10; i++) {
            uint64_t armed = rig.clock.armed;
            poke(d);
            rig_run(&rig, rnd() % 100000);
            /* 1 ms: with four timers, no more than a few thousand events. */
            assert_true(rig.clock.armed - armed < 10000);
        }
    }
}

static void no_state_and_no_access_makes_a_storm_or_a_fault(void **state)
{
    (void)state;
    each(survive);
}

static void round_trip(struct device *d)
{
    for (unsigned round = 0; round < 50; round++) {
        struct device *copy;
        struct apic_bus keep = bus;

        for (unsigned i = 0; i < 20; i++) {
            poke(d);
            rig_run(&rig, rnd() % 100000);
        }
        copy = make(d->class);
        rig_transfer(d, copy);
        if (!same(d, copy))
            fail_msg("%s: restored state differs", d->name);
        device_free(copy);
        bus = keep;
    }
}

static void what_is_saved_comes_back(void **state)
{
    (void)state;
    each(round_trip);
}

static void peek_and_access(struct device *d)
{
    const struct region *r = d->class->regions;

    for (unsigned round = 0; round < 2000; round++) {
        if (round % 50 == 0) {
            random_state(d->class->fields, d->state);
            d->class->drive ? d->class->drive(d->state) : (void)0;
        }
        poke(d);
        rig_run(&rig, rnd() % 100000);
        for (unsigned i = 0; r && r[i].name; i++) {
            struct io a = random_access(&r[i]), b;
            struct writer before = {0}, after = {0};
            enum io_status s;

            if (!r[i].peek)
                continue;
            a.value = 0;
            b = a;
            device_save(d, &before);
            s = r[i].peek(d->state, &a);
            if (s != IO_DEFER && r[i].access(d->state, &b) != s)
                fail_msg("%s %s+%x: peek and access disagree on being there", d->name,
                         r[i].name, a.offset);
            device_save(d, &after);
            if (s == IO_DONE && a.value != b.value)
                fail_msg("%s %s+%x: peek and access differ", d->name, r[i].name,
                         a.offset);
            if (memcmp(before.bytes, after.bytes, before.size))
                fail_msg("%s %s+%x: a read that peek answers changed something",
                         d->name, r[i].name, a.offset);
            writer_free(&before);
            writer_free(&after);
        }
    }
}

static void what_peek_answers_access_answers_too(void **state)
{
    (void)state;
    each(peek_and_access);
}

static void reset_twice(struct device *d)
{
    struct device *fresh;
    struct apic_bus keep = bus;

    device_reset(d);
    fresh = make(d->class);
    if (!same(d, fresh))
        fail_msg("%s: reset and power-on differ", d->name);
    device_free(fresh);
    bus = keep;
}

static void reset_gives_the_power_on_state(void **state)
{
    (void)state;
    each(reset_twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_state_and_no_access_makes_a_storm_or_a_fault),
        cmocka_unit_test(what_is_saved_comes_back),
        cmocka_unit_test(what_peek_answers_access_answers_too),
        cmocka_unit_test(reset_gives_the_power_on_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
