/* One battery over all classes of devices: what any of them must keep to.
 *
 * A new class goes into `classes`; one that needs more than device_start() gets a
 * setup.
 */
#include "tests/unit/chipset/rig.h"
#include "tests/unit/devices/memory_disk.h"

#include "chipset/apic_bus.h"
#include "chipset/dma.h"
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
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/floppy.h"
#include "devices/fw_cfg.h"
#include "devices/i8042.h"
#include "devices/ide.h"
#include "devices/keyboard.h"
#include "devices/mouse.h"
#include "devices/pflash.h"
#include "devices/serial.h"
#include "devices/vga.h"

#include <stdlib.h>
#include <time.h>

#ifdef MENURA_EMULATED_HOST
enum { ACCESSES = 1000, STATES = 60, DAMAGES = 60 };
#else
enum { ACCESSES = 4000, STATES = 300, DAMAGES = 300 };
#endif
enum { IPS = 1000000, TIMERS = 64 };

/* A device on its bench, with what it cannot do without. */
struct bench {
    struct rig rig;
    struct apic_bus apics;
    struct device *pci, *keyboard, *mouse, *dma, *d;
    struct chardev other;
    uint8_t video[256 << 10];
    struct memory_disk disk[2];
    uint64_t random;
};

struct row {
    const struct device_class *class;
    void (*wire)(struct bench *b); /* before device_start() */
    struct pci_function *(*function)(struct device *d);
    uint64_t port; /* where region 0 goes when it has no address of its own */
};

static uint64_t any(struct bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
}

static void swallow(void *owner, const uint8_t *bytes, size_t n)
{
    (void)owner;
    (void)bytes;
    (void)n;
}

static int type(void *owner)
{
    struct bench *b = owner;
    uint64_t r = any(b);
    return r % 4 ? (int)(r >> 8 & 0xff) : -1;
}

static void wire_serial(struct bench *b)
{
    b->other = (struct chardev){.owner = b, .put = swallow, .get = type};
    serial_connect(b->d, &b->other);
}

static void wire_debugcon(struct bench *b)
{
    b->other = (struct chardev){.owner = b, .put = swallow, .get = type};
    debugcon_connect(b->d, &b->other);
}

static uint8_t acknowledge(void *pic)
{
    (void)pic;
    return 8;
}

static void sipi(void *cpu, uint8_t vector)
{
    (void)cpu;
    (void)vector;
}

static uint64_t tsc_adjust(void *cpu)
{
    (void)cpu;
    return 0;
}

static void wire_lapic(struct bench *b)
{
    lapic_connect(b->d, &(struct lapic_wiring){.bus = &b->apics,
                                               .tsc_hz = IPS,
                                               .cpu = b,
                                               .sipi = sipi,
                                               .tsc_adjust = tsc_adjust,
                                               .pic = b,
                                               .acknowledge = acknowledge});
}

static void wire_ioapic(struct bench *b)
{
    ioapic_connect(b->d, &b->apics);
}

static void wire_i8042(struct bench *b)
{
    b->keyboard = rig_add(&b->rig, &keyboard_class);
    b->mouse = rig_add(&b->rig, &mouse_class);
    i8042_plug(b->d, I8042_KEYBOARD, keyboard_wire(b->keyboard));
    i8042_plug(b->d, I8042_AUX, mouse_wire(b->mouse));
}

static void wire_vga(struct bench *b)
{
    vga_connect(b->d, &(struct vga_wiring){.memory = b->video, .size = sizeof b->video});
}

static size_t move_nothing_in_particular(void *owner, unsigned channel, bool to_memory,
                                         uint8_t *bytes, size_t n)
{
    struct bench *b = owner;
    size_t moved = any(b) % (n + 1);
    (void)channel;

    if (!to_memory)
        memset(bytes, (int)(any(b) & 0xff), moved);
    return moved;
}

static void wire_ide(struct bench *b)
{
    memory_disk_init(&b->disk[0], 100 * 512);
    memory_disk_init(&b->disk[1], 40 * 2048);
    ide_plug(b->d, 0, IDE_DISK, &b->disk[0].disk, NULL);
    ide_plug(b->d, 1, IDE_CDROM, &b->disk[1].disk, NULL);
    ide_connect(b->d, &(struct bus_master){.owner = b, .move = move_nothing_in_particular});
}

static void wire_floppy(struct bench *b)
{
    memory_disk_init(&b->disk[0], 160 << 10);
    b->dma = rig_add(&b->rig, &dma_class);
    floppy_connect(b->d, b->dma);
    assert_true(floppy_insert(b->d, 0, &b->disk[0].disk, NULL));
}

static const struct row classes[] = {
    {&pic_class},
    {&pit_class},
    {&port61_class},
    {&port92_class},
    {&rtc_class},
    {&dma_class},
    {&hpet_class},
    {&ioapic_class, wire_ioapic},
    {&lapic_class, wire_lapic},
    {&pci_class},
    {&i440fx_class, .function = i440fx_pci},
    {&piix3_class, .function = piix3_pci},
    {&piix3_ide_class, .function = piix3_ide_pci},
    {&piix4_pm_class, .function = piix4_pm_pci},
    {&serial_class, wire_serial, .port = 0x3f8},
    {&debugcon_class, wire_debugcon},
    {&debug_exit_class, .port = 0xf4},
    {&i8042_class, wire_i8042},
    {&keyboard_class},
    {&mouse_class},
    {&fw_cfg_class},
    {&pflash_class},
    {&vga_class, wire_vga, .function = vga_pci},
    {&ide_class, wire_ide},
    {&floppy_class, wire_floppy},
};

static struct bench *bench_new(const struct row *row)
{
    struct bench *b = calloc(1, sizeof *b);

    assert_non_null(b);
    rig_init(&b->rig, IPS);
    b->random = 88172645463325252ull;
    b->d = rig_new(&b->rig, row->class);
    if (row->wire)
        row->wire(b);
    rig_start(b->d);
    if (row->port)
        device_map(b->d, 0, row->port);
    if (row->function) {
        b->pci = rig_add(&b->rig, &pci_class);
        assert_true(pci_plug(b->pci, 1, 0, row->function(b->d), NULL));
    }
    return b;
}

static void bench_free(struct bench *b)
{
    device_free(b->d);
    device_free(b->keyboard);
    device_free(b->mouse);
    device_free(b->dma);
    device_free(b->pci);
    for (unsigned n = 0; n < ARRAY_SIZE(b->disk); n++)
        memory_disk_free(&b->disk[n]);
    rig_free(&b->rig);
    free(b);
}

/* ---- accesses ---- */

static unsigned regions_of(const struct device *d)
{
    unsigned n = 0;
    while (d->class->regions && d->class->regions[n].name)
        n++;
    return n;
}

/* An access that fits region r whole, as a space would make it. */
static struct io any_io(struct bench *b, const struct region *r)
{
    unsigned widest = r->max_size ? r->max_size : r->mmio ? 4 : 1;
    unsigned size = 1u << any(b) % 4;
    uint64_t offset = any(b) % r->length, base = r->unmapped ? 0x4000 : r->base;

    while (size > widest || offset % size || size > r->length - offset)
        size /= 2;
    return (struct io){.address = base + offset,
                       .offset = (uint32_t)offset,
                       .size = (uint8_t)size,
                       .write = any(b) & 1,
                       .value = any(b) >> any(b) % 64 &
                                (size < 8 ? (1ull << 8 * size) - 1 : UINT64_MAX)};
}

/* Through the spaces, of any size and alignment, and sometimes time or a pin moves. */
static uint64_t any_access(struct bench *b)
{
    const struct device_class *k = b->d->class;
    unsigned n = regions_of(b->d);
    uint64_t seen = 0;

    if (n) {
        const struct region *r = &k->regions[any(b) % n];
        struct io io = any_io(b, r);
        if (any(b) % 8 == 0)
            io.size = (uint8_t)(1u << any(b) % 3);
        if (r->unmapped && b->d->mapped[r - k->regions] >= 0) {
            const struct space *s = r->mmio ? &b->rig.mmio : &b->rig.ports;
            io.address = s->maps[b->d->mapped[r - k->regions]].base + io.offset;
        }
        space_access(r->mmio ? &b->rig.mmio : &b->rig.ports, &io);
        seen = io.value;
    }
    if (b->pci && any(b) % 4 == 0) {
        rig_out32(&b->rig, 0xcf8, 0x80000800u | (any(b) & 0xfc));
        rig_io(&b->rig.ports, 0xcfc, 4, any(b) & 1, any(b));
    }
    if (b->d->class == &keyboard_class)
        keyboard_key(b->d, (unsigned)(any(b) % 300), any(b) & 1);
    if (b->d->class == &mouse_class)
        mouse_move(b->d, (int)(any(b) % 2001) - 1000, (int)any(b), (int)any(b) % 9,
                   (unsigned)any(b));
    for (const struct pin *p = k->pins; p && p->name && any(b) % 8 == 0; p++)
        if (p->moved)
            p->moved(b->d->state, p->n + (unsigned)(any(b) % (p->count ? p->count : 1)),
                     any(b) & 1);
    if (any(b) % 4 == 0)
        rig_run(&b->rig, any(b) % 500);
    return seen;
}

/* The PS/2 peripherals alone have no ports: their wire stands in for them. */
static void any_bytes(struct bench *b)
{
    struct ps2_wire *w = b->d->class == &keyboard_class ? keyboard_wire(b->d)
                         : b->d->class == &mouse_class  ? mouse_wire(b->d)
                                                        : NULL;
    if (!w)
        return;
    if (any(b) % 2)
        w->receive(w->peripheral, (uint8_t)(0xe0 | any(b)));
    else if (w->waiting(w->peripheral))
        w->send(w->peripheral);
}

static void use(struct bench *b, unsigned times)
{
    while (times--) {
        any_access(b);
        any_bytes(b);
    }
}

/* ---- states ---- */

static struct writer saved(const struct device *d)
{
    struct writer w = {0};
    device_save(d, &w);
    return w;
}

static bool restored(struct device *d, const struct writer *w, struct error *e)
{
    struct reader all = {.bytes = w->bytes, .size = w->size}, r;
    char name[256];
    return section_next(&all, name, &r, e) && device_restore(d, &r, e);
}

/* The name of the last row of the table that begins before byte `at`. */
static const char *row_at(const struct field *f, const struct writer *w, size_t at)
{
    const char *name = "";
    size_t from = 0;

    for (; f && f->name; f++)
        for (size_t k = from; k < at; k++)
            if (w->bytes[k] == strlen(f->name) && w->size - k > strlen(f->name) &&
                !memcmp(w->bytes + k + 1, f->name, strlen(f->name))) {
                name = f->name;
                from = k;
                break;
            }
    return name;
}

static void assert_same(const struct device *d, const struct writer *a,
                        const struct writer *b, const char *what)
{
    size_t at = 0;
    while (at < a->size && at < b->size && a->bytes[at] == b->bytes[at])
        at++;
    if (at < a->size || at < b->size)
        fail_msg("%s: %s (at byte %zu of its snapshot, in or after '%s')", d->name,
                 what, at, row_at(d->class->fields, a, at));
}

/* Every value somewhere between 0 and the largest legal one, often at an end. */
static void any_values(struct bench *b, const struct field *f, void *object)
{
    for (; f && f->name; f++)
        for (unsigned n = 0; n < f->count; n++) {
            uint64_t r = any(b);
            if (f->kind == FIELD_VALUE)
                field_set(f, object, n,
                          r % 4 == 0             ? 0
                          : r % 4 == 1           ? f->max
                          : f->max == UINT64_MAX ? any(b)
                                                 : any(b) % (f->max + 1));
            else if (f->kind == FIELD_SUB)
                any_values(b, f->sub,
                           (uint8_t *)object + f->offset + (size_t)n * f->size);
        }
}

/* Puts the device in a random state that it accepts; false when it refused this one. */
static bool any_state(struct bench *b)
{
    struct writer before = saved(b->d), w;
    bool good;

    any_values(b, b->d->class->fields, b->d->state);
    w = saved(b->d);
    good = restored(b->d, &w, NULL);
    if (!good && !restored(b->d, &before, NULL))
        fail_msg("%s: refuses the state it saved", b->d->name);
    writer_free(&w);
    writer_free(&before);
    return good;
}

/* ---- the battery ---- */

static void for_each(void (*test)(const struct row *row))
{
    for (unsigned n = 0; n < ARRAY_SIZE(classes); n++)
        test(&classes[n]);
}

/* What a reset leaves as it is: the RTC's memory and time have a battery. */
static bool lasts(const struct device *d, const char *row)
{
    (void)row;
    return d->class == &rtc_class;
}

static void check_same_values(const struct device *d, const struct field *f,
                              const void *a, const void *b)
{
    for (; f && f->name; f++)
        for (unsigned n = 0; n < f->count; n++) {
            size_t at = f->offset + (size_t)n * f->size;
            if (f->kind == FIELD_SUB)
                check_same_values(d, f->sub, (const uint8_t *)a + at,
                                  (const uint8_t *)b + at);
            else if (f->kind == FIELD_VALUE &&
                     field_get(f, a, n) != field_get(f, b, n) && !lasts(d, f->name))
                fail_msg("%s: '%s' is %llx after reset, %llx at power-on", d->name,
                         f->name, (unsigned long long)field_get(f, a, n),
                         (unsigned long long)field_get(f, b, n));
        }
}

static void check_reset(const struct row *row)
{
    struct bench *used = bench_new(row), *fresh = bench_new(row);

    use(used, 300);
    for (const struct pin *p = row->class->pins; p && p->name; p++)
        for (unsigned n = 0; p->moved && n < (p->count ? p->count : 1); n++)
            p->moved(used->d->state, p->n + n, false);
    if (used->pci)
        device_reset(used->pci);
    device_reset(used->d);
    check_same_values(used->d, row->class->fields, used->d->state, fresh->d->state);
    bench_free(used);
    bench_free(fresh);
}

static void a_reset_device_is_as_at_power_on(void **state)
{
    (void)state;
    for_each(check_reset);
}

/* Of a device that the one under test cannot do without. */
static void copy_state(const struct device *from, struct device *to)
{
    struct error e = {""};
    struct writer w;

    if (!from)
        return;
    w = saved(from);
    if (!restored(to, &w, &e))
        fail_msg("%s: %s", from->name, e.text);
    writer_free(&w);
}

/* A copy made from a snapshot is the device: it saves the same, and goes on the same.
 */
static void check_round_trip(const struct row *row)
{
    for (unsigned times = 0; times < 400; times += 40) {
        struct bench *a = bench_new(row), *b = bench_new(row);
        struct writer w, again;
        struct error e = {""};

        use(a, times);
        w = saved(a->d);
        b->rig.clock.now = a->rig.clock.now;
        b->rig.clock.armed = a->rig.clock.armed;
        copy_state(a->pci, b->pci);
        copy_state(a->keyboard, b->keyboard);
        copy_state(a->mouse, b->mouse);
        copy_state(a->dma, b->dma);
        for (unsigned n = 0; n < ARRAY_SIZE(a->disk); n++)
            if (a->disk[n].bytes)
                memcpy(b->disk[n].bytes, a->disk[n].bytes, a->disk[n].disk.size);
        if (!restored(b->d, &w, &e))
            fail_msg("%s: refuses its own snapshot: %s", a->d->name, e.text);
        again = saved(b->d);
        assert_same(a->d, &w, &again, "the copy saves something else");
        writer_free(&again);
        writer_free(&w);
        b->random = a->random;
        memcpy(b->rig.ram, a->rig.ram, sizeof a->rig.ram);
        memcpy(b->video, a->video, sizeof a->video);
        for (unsigned n = 0; n < 100; n++)
            if (any_access(a) != any_access(b))
                fail_msg("%s: the copy answers something else", a->d->name);
        w = saved(a->d);
        again = saved(b->d);
        assert_same(a->d, &w, &again, "the copy goes another way");
        writer_free(&again);
        writer_free(&w);
        bench_free(a);
        bench_free(b);
    }
}

static void a_restored_device_is_the_one_that_was_saved(void **state)
{
    (void)state;
    for_each(check_round_trip);
}

static void check_random(const struct row *row)
{
    struct bench *b = bench_new(row);
    struct timespec from, to;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (unsigned n = 0; n < ACCESSES; n++) {
        use(b, 1);
        if (b->rig.clock.count > TIMERS)
            fail_msg("%s: %u timers are armed", b->d->name, b->rig.clock.count);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    if (to.tv_sec - from.tv_sec > 60)
        fail_msg("%s: %d accesses took %d seconds", b->d->name, ACCESSES,
                 (int)(to.tv_sec - from.tv_sec));
    bench_free(b);
}

static void random_accesses_do_bounded_work(void **state)
{
    (void)state;
    for_each(check_random);
}

/* Every row with room above its largest legal value, set to one more. */
static void check_too_large(struct device *d, const struct field *f, void *object)
{
    for (; f && f->name; f++)
        for (unsigned n = 0; n < f->count; n++) {
            uint64_t room = f->size >= 8 ? UINT64_MAX : (1ull << 8 * f->size) - 1, was;
            struct error e = {""};
            struct writer w;

            if (f->kind == FIELD_SUB)
                check_too_large(d, f->sub,
                                (uint8_t *)object + f->offset + (size_t)n * f->size);
            if (f->kind != FIELD_VALUE || f->max >= room)
                continue;
            was = field_get(f, object, n);
            field_set(f, object, n, f->max + 1);
            w = saved(d);
            field_set(f, object, n, was);
            if (restored(d, &w, &e))
                fail_msg("%s: '%s' takes %llx from a snapshot", d->name, f->name,
                         (unsigned long long)f->max + 1);
            assert_non_null(strstr(e.text, f->name));
            writer_free(&w);
            device_reset(d);
        }
}

static void check_hostile(const struct row *row)
{
    struct bench *b = bench_new(row);
    struct reader all, inside;
    struct writer w;
    uint8_t *bytes;
    char name[256];

    check_too_large(b->d, row->class->fields, b->d->state);
    use(b, 200);
    w = saved(b->d);
    all = (struct reader){.bytes = w.bytes, .size = w.size};
    assert_true(section_next(&all, name, &inside, NULL));
    bytes = w.bytes + (inside.bytes - w.bytes);
    for (unsigned n = 0; n < DAMAGES; n++) {
        struct reader r = inside;
        unsigned at = (unsigned)(any(b) % inside.size);
        uint8_t was = bytes[at];

        if (any(b) % 4 == 0)
            r.size = at;
        else
            bytes[at] = (uint8_t)any(b);
        device_restore(b->d, &r, NULL);
        bytes[at] = was;
        use(b, 20);
    }
    for (unsigned n = 0; n < STATES; n++) {
        any_state(b);
        use(b, 20);
    }
    writer_free(&w);
    bench_free(b);
}

static void a_hostile_snapshot_is_refused_or_harmless(void **state)
{
    (void)state;
    for_each(check_hostile);
}

static void check_one_peek(struct bench *b, const struct region *r)
{
    struct io io = any_io(b, r), peeked = io, accessed = io;
    struct writer before = saved(b->d), after;
    enum io_status status = r->peek(b->d->state, &peeked);

    after = saved(b->d);
    assert_same(b->d, &before, &after, "a peek changed it");
    writer_free(&after);
    if (status != IO_DEFER) {
        enum io_status other = r->access(b->d->state, &accessed);
        after = saved(b->d);
        if (status != other ||
            (!io.write && status == IO_DONE && peeked.value != accessed.value))
            fail_msg("%s: at %x size %u, peek answers %llx, access %llx", r->name,
                     io.offset, io.size, (unsigned long long)peeked.value,
                     (unsigned long long)accessed.value);
        assert_same(b->d, &before, &after, "an access changed what a peek would not");
        writer_free(&after);
    }
    writer_free(&before);
}

static void check_peek(const struct row *row)
{
    struct bench *b = bench_new(row);

    for (unsigned n = 0; n < STATES; n++) {
        if (n % 2)
            any_state(b);
        else
            use(b, 10);
        for (const struct region *r = row->class->regions; r && r->name; r++)
            for (unsigned k = 0; r->peek && k < 20; k++)
                check_one_peek(b, r);
    }
    bench_free(b);
}

static void what_peek_answers_access_answers_too_and_changes_nothing(void **state)
{
    (void)state;
    for_each(check_peek);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_device_is_as_at_power_on),
        cmocka_unit_test(a_restored_device_is_the_one_that_was_saved),
        cmocka_unit_test(random_accesses_do_bounded_work),
        cmocka_unit_test(a_hostile_snapshot_is_refused_or_harmless),
        cmocka_unit_test(what_peek_answers_access_answers_too_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
