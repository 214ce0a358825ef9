/* What a hostile guest can do to the IDE function, a channel, a disk and a CD-ROM:
 * random registers, commands, packets, tables, media changes and snapshots. Nothing
 * leaves the images, nothing is busy for ever, and a reset always helps. The sanitizers
 * look on.
 */
#include "tests/unit/chipset/rig.h"
#include "tests/unit/devices/memory_disk.h"

#include "base/byteorder.h"
#include "chipset/dma.h"
#include "chipset/piix3_ide.h"
#include "devices/floppy.h"
#include "devices/ide.h"

#ifdef MENURA_EMULATED_HOST
enum { ROUNDS = 4, STEPS = 2000 };
#else
enum { ROUNDS = 16, STEPS = 20000 };
#endif
enum { IPS = 100000000, BM = 0xc000, DISK = 300 * 512, CD = 60 * 2048 };

struct world {
    struct rig rig;
    struct device *pci, *bridge, *ide, *dma, *floppy;
    struct memory_disk disk, cd[2], fd;
    uint64_t random;
};

static uint64_t any(struct world *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

/* Numbers that are mostly 0 or small, and sometimes at an end. */
static uint8_t byte(struct world *w)
{
    uint64_t r = any(w);
    return (uint8_t)(r & 3 ? 0 : r & 12 ? (r >> 8) & 7 : r & 16 ? 0xff : r >> 8);
}

static struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->random = seed;
    rig_init(&w->rig, IPS);
    memory_disk_init(&w->disk, DISK);
    memory_disk_init(&w->cd[0], CD);
    memory_disk_init(&w->cd[1], CD / 2 + 100);
    memory_disk_init(&w->fd, 720 << 10);
    w->pci = rig_add(&w->rig, &pci_class);
    w->bridge = rig_new(&w->rig, &piix3_ide_class);
    w->ide = rig_new(&w->rig, &ide_class);
    ide_plug(w->ide, 0, IDE_DISK, &w->disk.disk, NULL);
    ide_plug(w->ide, 1, IDE_CDROM, &w->cd[0].disk, NULL);
    ide_connect(w->ide, (struct bus_master[]){piix3_ide_master(w->bridge, 0)});
    rig_start(w->bridge);
    rig_start(w->ide);
    rig_join(w->ide, "irq", w->bridge, "irq0");
    rig_join(w->bridge, "run0", w->ide, "run");
    rig_join(w->bridge, "off0", w->ide, "off");
    assert_true(pci_plug(w->pci, 1, 1, piix3_ide_pci(w->bridge), NULL));
    w->dma = rig_add(&w->rig, &dma_class);
    w->floppy = rig_new(&w->rig, &floppy_class);
    floppy_connect(w->floppy, w->dma);
    assert_true(floppy_insert(w->floppy, 0, &w->fd.disk, NULL));
    rig_start(w->floppy);
    return w;
}

static void world_free(struct world *w)
{
    device_free(w->ide);
    device_free(w->bridge);
    device_free(w->floppy);
    device_free(w->dma);
    device_free(w->pci);
    memory_disk_free(&w->disk);
    memory_disk_free(&w->cd[0]);
    memory_disk_free(&w->cd[1]);
    memory_disk_free(&w->fd);
    rig_free(&w->rig);
    free(w);
}

static void out(struct world *w, unsigned port, uint8_t v)
{
    rig_out(&w->rig, (uint16_t)port, v);
}

static void config(struct world *w, unsigned offset, uint32_t v)
{
    rig_out32(&w->rig, 0xcf8, 0x80000900 | offset);
    rig_out32(&w->rig, 0xcfc, v);
}

static void set_up_function(struct world *w)
{
    config(w, 0x20, BM);
    config(w, 0x40, 0x80008000);
    config(w, 4, 5);
}

/* A command with registers of any kind. */
static void any_command(struct world *w)
{
    static const uint8_t commands[] = {0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35,
                                       0x39, 0x40, 0x42, 0x90, 0x91, 0xa0, 0xa1,
                                       0xb0, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xe7,
                                       0xec, 0xef, 0xf8, 0x08, 0x27, 0xe5};
    uint64_t r = any(w);

    out(w, 0x1f6, (uint8_t)((r & 7 ? 0xe0 : 0xa0) | (r & 0x10) | (byte(w) & 15)));
    for (unsigned n = 1; n < 6; n++)
        for (unsigned twice = 0; twice < 2; twice++)
            out(w, 0x1f0 + n, any(w) % 4 ? n == 2 && twice : byte(w));
    if (r & 0x100)
        out(w, 0x1f1, (uint8_t)(0xd0 | (any(w) & 0xf)));
    if (!(r & 0xe00)) {
        out(w, 0x1f4, 0x4f);
        out(w, 0x1f5, 0xc2);
    }
    out(w, 0x1f7,
        !(r & 0x7000) ? (uint8_t)(r >> 16) : commands[(r >> 16) % sizeof commands]);
}

/* A packet for the CD-ROM, mostly of a known kind. */
static void any_packet(struct world *w)
{
    static const uint8_t opcodes[] = {0x00, 0x03, 0x08, 0x12, 0x1a, 0x1b, 0x1e, 0x25,
                                      0x28, 0x2b, 0x42, 0x43, 0x46, 0x4a, 0x51, 0x5a,
                                      0xa8, 0xad, 0xb9, 0xbd, 0xbe, 0x28, 0x28, 0xbe};

    out(w, 0x1f6, 0xb0);
    out(w, 0x1f1, byte(w) & 1);
    out(w, 0x1f4, byte(w));
    out(w, 0x1f5, any(w) % 4 ? 8 : byte(w));
    out(w, 0x1f7, 0xa0);
    rig_run(&w->rig, 1000);
    rig_io(&w->rig.ports, 0x1f0, 2, true,
           opcodes[any(w) % sizeof opcodes] | (uint32_t)byte(w) << 8);
    for (unsigned n = 0; n < 5; n++) /* byte 8 is often a length */
        rig_io(&w->rig.ports, 0x1f0, 2, true,
               (n == 3 ? any(w) & 3 : byte(w)) | (uint32_t)byte(w) << 8);
}

static void any_table(struct world *w)
{
    uint32_t table = (uint32_t)(any(w) % RIG_RAM) & ~3u;

    for (unsigned n = 0; n < 6 && table + 8 * n + 8 <= RIG_RAM; n++) {
        uint64_t r = any(w);
        store32(w->rig.ram + table + 8 * n,
                r & 7 ? (uint32_t)(r >> 8) % RIG_RAM : (uint32_t)(r >> 8));
        store32(w->rig.ram + table + 8 * n + 4,
                (uint32_t)(any(w) & (r & 8 ? 0x8000003e : 0x8000fffe)));
    }
    rig_out32(&w->rig, BM + 4, table);
    out(w, BM, 0);
    out(w, BM, (uint8_t)(any(w) & 9));
    out(w, BM, (uint8_t)(any(w) & 8) | 1);
}

static void any_data(struct world *w)
{
    unsigned times = (unsigned)(any(w) % 600);
    bool write = any(w) & 1;

    for (unsigned n = 0; n < times; n++)
        rig_io(&w->rig.ports, 0x1f0, 1u << any(w) % 3, write, any(w));
}

static void any_floppy(struct world *w)
{
    static const uint8_t codes[] = {0x46, 0x45, 0x45, 0xc6, 0xc5, 0x4d, 0x42,
                                    0x4a, 0x56, 0x4c, 0x49, 0x0f, 0x8f, 0xcf,
                                    7,    8,    4,    3,    0x13};

    if (any(w) % 16 == 0)
        out(w, 0x3f2, byte(w));
    out(w, 0x3f2, 0x1c | (uint8_t)(any(w) & 1));
    out(w, 0x3f7, any(w) & 3 ? 2 : byte(w));
    if (any(w) % 2 == 0) { /* DMA of any kind, length and place */
        out(w, 0xd6, 0xc0);
        out(w, 0xd4, 0);
        out(w, 0x0b,
            any(w) % 4 ? (any(w) & 1 ? 0x46 : 0x4a) : (byte(w) << 2 & 0xfc) | 2);
        for (unsigned n = 0; n < 4; n++)
            out(w, 4 + (n & 1), byte(w));
        out(w, 0x0a, 2);
    }
    out(w, 0x3f5, any(w) & 7 ? codes[any(w) % sizeof codes] : byte(w));
    for (uint64_t n = any(w) % 4 ? 8 : any(w) % 12; n;
         n--) /* N and R are 2 and small */
        out(w, 0x3f5, n == 4 && any(w) % 8 ? 2 : n == 5 ? byte(w) | 1 : byte(w));
    for (uint64_t n = any(w) % 20; n; n--)
        rig_in(&w->rig, any(w) & 1 ? 0x3f5 : 0x3f4);
}

static void any_medium(struct world *w)
{
    uint64_t r = any(w);

    (void)ide_change(w->ide, 1, r & 3 ? &w->cd[r & 1].disk : NULL, r & 4);
    (void)floppy_insert(w->floppy, 0, r & 0x18 ? &w->fd.disk : NULL, NULL);
    w->disk.bad_to = r & 16 ? 512 : 0;
    w->cd[0].bad_to = r & 32 ? 2048 : 0;
}

static void step(struct world *w)
{
    switch (any(w) % 16) {
    case 0:
    case 1:
    case 2:
    case 3: any_command(w); break;
    case 4:
    case 5:
    case 6: any_packet(w); break;
    case 7:
    case 8: any_table(w); break;
    case 9:
    case 10: any_data(w); break;
    case 11: any_floppy(w); break;
    case 12: /* resets, mostly short ones */
        out(w, 0x3f6, byte(w));
        if (any(w) % 8)
            out(w, 0x3f6, (uint8_t)(any(w) & 0x82));
        break;
    case 13:
        out(w, BM + (unsigned)(any(w) % 16), byte(w));
        if (any(w) % 8 == 0)
            config(w, (uint32_t)(any(w) & 0x7c), (uint32_t)any(w));
        set_up_function(w);
        break;
    case 14:
        if (any(w) % 8 == 0)
            any_medium(w);
        break;
    default:
        for (unsigned n = 0; n < 8; n++)
            rig_in(&w->rig, (uint16_t)(0x1f0 + n));
        break;
    }
    rig_run(&w->rig, any(w) % 4 ? any(w) % 3000 : any(w) % 100000);
}

static void nothing_leaves_the_images_and_a_reset_always_helps(void **state)
{
    unsigned moved[5] = {0};
    (void)state;

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct world *w = world_new(88172645463325252ull + round);

        set_up_function(w);
        for (unsigned n = 0; n < STEPS; n++) {
            step(w);
            if (w->rig.clock.count > 16)
                fail_msg("%u timers are armed", w->rig.clock.count);
            if (n % 512 == 511) { /* each goes on from what it saves */
                rig_transfer(w->bridge, w->bridge);
                rig_transfer(w->ide, w->ide);
                rig_transfer(w->floppy, w->floppy);
            }
        }
        assert_int_equal(w->disk.outside + w->cd[0].outside + w->cd[1].outside, 0);
        assert_int_equal(w->fd.outside, 0);
        set_up_function(w);
        out(w, 0x3f6, 4);
        out(w, 0x3f6, 0);
        rig_run(&w->rig, IPS / 10);
        assert_int_equal(rig_in(&w->rig, 0x1f7), 0x50);
        moved[0] += w->disk.reads;
        moved[1] += w->disk.writes;
        moved[2] += w->cd[0].reads;
        moved[3] += w->fd.reads;
        moved[4] += w->fd.writes;
        world_free(w);
    }
    for (unsigned n = 0; n < ARRAY_SIZE(moved); n++)
        if (!moved[n])
            fail_msg("no test: only %u transfers of kind %u", moved[n], n);
}

/* A guest may save its work in the middle of anything. */
static void two_runs_of_one_guest_end_in_the_same_state(void **state)
{
    struct writer saved[2] = {{0}, {0}};
    (void)state;

    for (unsigned n = 0; n < 2; n++) {
        struct world *w = world_new(4711);
        set_up_function(w);
        for (unsigned k = 0; k < STEPS; k++)
            step(w);
        device_save(w->bridge, &saved[n]);
        device_save(w->ide, &saved[n]);
        device_save(w->floppy, &saved[n]);
        write_bytes(&saved[n], w->rig.ram, RIG_RAM);
        write_bytes(&saved[n], w->disk.bytes, DISK);
        world_free(w);
    }
    assert_int_equal(saved[0].size, saved[1].size);
    assert_memory_equal(saved[0].bytes, saved[1].bytes, saved[0].size);
    writer_free(&saved[0]);
    writer_free(&saved[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves_the_images_and_a_reset_always_helps),
        cmocka_unit_test(two_runs_of_one_guest_end_in_the_same_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
