/* Tests of chipset/piix3_ide.c: decoding, bus master registers, the table's walk; alone
 * and with a channel's disk behind it.
 */
#include "rig.h"

#include "base/byteorder.h"
#include "chipset/piix3_ide.h"
#include "devices/ide.h"
#include "tests/unit/devices/memory_disk.h"

#include <stdlib.h>

enum { IPS = 100000000, BM = 0xc000, TABLE = 0x1000, TARGET = 0x10000, SIZE = 2 << 20 };
enum { START = 1, TO_MEMORY = 8, ACTIVE = 1, ERROR = 2, INTERRUPT = 4 };

struct world {
    struct rig rig;
    struct device *pci, *d, *ide;
    struct memory_disk disk;
    struct probe irq14;
};

static void config(struct world *w, unsigned offset, unsigned size, uint32_t v)
{
    rig_out32(&w->rig, 0xcf8, 0x80000900 | (offset & 0xfc));
    rig_io(&w->rig.ports, 0xcfc + (offset & 3), size, true, v);
}

static uint32_t config_read(struct world *w, unsigned offset)
{
    rig_out32(&w->rig, 0xcf8, 0x80000900 | offset);
    return rig_in32(&w->rig, 0xcfc);
}

/* As the board wires it: a disk on the first channel, function 1 of device 1. */
static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct bus_master master;

    assert_non_null(w);
    rig_init(&w->rig, IPS);
    memory_disk_init(&w->disk, SIZE);
    w->pci = rig_add(&w->rig, &pci_class);
    w->d = rig_new(&w->rig, &piix3_ide_class);
    w->ide = rig_new(&w->rig, &ide_class);
    ide_plug(w->ide, 0, IDE_DISK, &w->disk.disk, NULL);
    master = piix3_ide_master(w->d, 0);
    ide_connect(w->ide, &master);
    rig_start(w->d);
    rig_start(w->ide);
    rig_join(w->ide, "irq", w->d, "irq0");
    rig_join(w->d, "run0", w->ide, "run");
    rig_join(w->d, "off0", w->ide, "off");
    rig_watch(&w->rig, w->d, "irq14", &w->irq14);
    assert_true(pci_plug(w->pci, 1, 1, piix3_ide_pci(w->d), NULL));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    assert_int_equal(w->disk.outside, 0);
    device_free(w->ide);
    device_free(w->d);
    device_free(w->pci);
    memory_disk_free(&w->disk);
    rig_free(&w->rig);
    free(w);
    return 0;
}

/* What firmware does. */
static void enable(struct world *w)
{
    config(w, 0x20, 4, BM);
    config(w, 0x40, 2, 0x8000);
    config(w, 4, 2, 5);
}

static void prd(struct world *w, unsigned n, uint32_t address, unsigned bytes,
                bool last)
{
    store32(w->rig.ram + TABLE + 8 * n, address);
    store32(w->rig.ram + TABLE + 8 * n + 4, (bytes & 0xffff) | (last ? 1u << 31 : 0));
}

static void start(struct world *w, bool to_memory)
{
    rig_out32(&w->rig, BM + 4, TABLE);
    rig_out(&w->rig, BM + 2, ERROR | INTERRUPT);
    rig_out(&w->rig, BM, to_memory ? TO_MEMORY : 0);
    rig_out(&w->rig, BM, to_memory ? TO_MEMORY | START : START);
}

static uint8_t bm_status(struct world *w)
{
    return rig_in(&w->rig, BM + 2);
}

static void command(struct world *w, uint8_t code, unsigned count, uint32_t lba)
{
    rig_out(&w->rig, 0x1f6, 0xe0);
    rig_out(&w->rig, 0x1f2, (uint8_t)count);
    rig_out(&w->rig, 0x1f3, (uint8_t)lba);
    rig_out(&w->rig, 0x1f4, (uint8_t)(lba >> 8));
    rig_out(&w->rig, 0x1f5, (uint8_t)(lba >> 16));
    rig_out(&w->rig, 0x1f7, code);
}

static void settle(struct world *w)
{
    rig_run(&w->rig, IPS / 100);
}

/* ---- configuration ---- */

static void it_is_the_piix3s_second_function(void **state)
{
    struct world *w = *state;

    assert_int_equal(config_read(w, 0), 0x70108086);
    assert_int_equal(config_read(w, 8) >> 8, 0x010180);
    assert_int_equal(config_read(w, 0x3c) >> 8 & 0xff, 0);
    config(w, 0x20, 4, 0xffffffff);
    assert_int_equal(config_read(w, 0x20), 0xfffffff1);
    config(w, 4, 2, 0xffff);
    assert_int_equal(config_read(w, 4) & 0xffff, 5);
}

static void the_channel_answers_when_decoding_and_io_space_are_on(void **state)
{
    struct world *w = *state;

    assert_int_equal(rig_in(&w->rig, 0x1f7), 0xff);
    assert_int_equal(config_read(w, 0x40), 0x80008000);
    config(w, 4, 2, 1);
    assert_int_equal(rig_in(&w->rig, 0x1f7), 0x50);
    config(w, 0x40, 2, 0);
    assert_int_equal(rig_in(&w->rig, 0x1f7), 0xff);
    config(w, 0x40, 2, 0x8000);
    device_reset(w->d);
    assert_int_equal(rig_in(&w->rig, 0x1f7), 0xff);
    piix3_ide_enable(w->d);
    assert_int_equal(rig_in(&w->rig, 0x1f7), 0x50);
}

static void timing_registers_hold_what_is_written(void **state)
{
    struct world *w = *state;

    config(w, 0x40, 4, 0xffffffff);
    config(w, 0x44, 1, 0xff);
    assert_int_equal(config_read(w, 0x40), 0xf3fff3ff);
    assert_int_equal(config_read(w, 0x44), 0xff);
}

/* ---- registers ---- */

static void the_status_has_bits_to_clear_bits_to_hold_and_one_to_read(void **state)
{
    struct world *w = *state;

    enable(w);
    rig_out(&w->rig, BM + 2, 0xff);
    assert_int_equal(bm_status(w), 0x60);
    rig_out(&w->rig, BM + 2, 0);
    assert_int_equal(bm_status(w), 0);
    rig_out32(&w->rig, BM + 12, 0x12345677);
    assert_int_equal(rig_in32(&w->rig, BM + 12), 0x12345674);
    assert_int_equal(rig_in32(&w->rig, BM + 4), 0);
}

static void the_drives_interrupt_passes_and_is_latched_once(void **state)
{
    struct world *w = *state;

    enable(w);
    command(w, 0x20, 1, 0);
    settle(w);
    assert_true(w->irq14.level);
    assert_int_equal(bm_status(w), INTERRUPT);
    rig_out(&w->rig, BM + 2, INTERRUPT);
    assert_int_equal(bm_status(w), 0); /* until another edge */
    rig_in(&w->rig, 0x1f7);
    assert_false(w->irq14.level);
}

/* ---- the table ---- */

static void data_goes_where_the_table_says(void **state)
{
    struct world *w = *state;
    const uint8_t *want = w->disk.bytes + 100 * 512;

    enable(w);
    prd(w, 0, TARGET, 700, false);
    prd(w, 1, 0x20000, 2, false);
    prd(w, 2, 0x20800, 4 * 512 - 702, true);
    start(w, true);
    command(w, 0xc8, 4, 100);
    settle(w);
    assert_memory_equal(w->rig.ram + TARGET, want, 700);
    assert_memory_equal(w->rig.ram + 0x20000, want + 700, 2);
    assert_int_equal(w->rig.ram[0x20002], 0);
    assert_memory_equal(w->rig.ram + 0x20800, want + 702, 4 * 512 - 702);
    assert_int_equal(bm_status(w), INTERRUPT); /* not active: the table is used up */
    assert_int_equal(w->irq14.rises, 1);
    assert_int_equal(rig_in(&w->rig, 0x1f7), 0x50);
}

static void a_count_of_0_is_64_kib(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TARGET, 0, false);
    prd(w, 1, 0x20000, 0, true);
    start(w, true);
    command(w, 0xc8, 0, 8); /* 256 sectors */
    settle(w);
    assert_memory_equal(w->rig.ram + TARGET, w->disk.bytes + 8 * 512, 0x20000);
    assert_int_equal(bm_status(w), INTERRUPT);
}

static void data_comes_from_memory_too(void **state)
{
    struct world *w = *state;

    enable(w);
    memset(w->rig.ram + TARGET, 0x77, 512);
    memset(w->rig.ram + 0x20000, 0x88, 512);
    prd(w, 0, TARGET, 512, false);
    prd(w, 1, 0x20000, 512, true);
    start(w, false);
    command(w, 0xca, 2, 50);
    settle(w);
    assert_int_equal(w->disk.bytes[50 * 512], 0x77);
    assert_int_equal(w->disk.bytes[51 * 512 + 511], 0x88);
    assert_int_equal(bm_status(w), INTERRUPT);
}

static void a_table_that_is_longer_stays_active_and_interrupts(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TARGET, 4096, true);
    start(w, true);
    command(w, 0xc8, 1, 0);
    settle(w);
    assert_int_equal(bm_status(w), INTERRUPT | ACTIVE);
    rig_out(&w->rig, BM, TO_MEMORY);
    assert_int_equal(bm_status(w), INTERRUPT);
}

static void a_table_that_is_shorter_ends_without_an_interrupt(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TARGET, 512, true);
    start(w, true);
    command(w, 0xc8, 2, 0);
    settle(w);
    assert_int_equal(bm_status(w), 0);
    assert_int_equal(w->irq14.rises, 0);
}

static void the_order_of_command_and_start_does_not_matter(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TARGET, 512, true);
    command(w, 0xc8, 1, 9);
    settle(w);
    assert_int_equal(w->irq14.rises, 0);
    start(w, true);
    assert_int_equal(w->rig.ram[TARGET], 0); /* not inside the port access */
    settle(w);
    assert_int_equal(w->irq14.rises, 1);
    assert_memory_equal(w->rig.ram + TARGET, w->disk.bytes + 9 * 512, 512);
}

static void the_wrong_direction_is_an_error_and_moves_nothing(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TARGET, 512, true);
    start(w, false);
    command(w, 0xc8, 1, 9);
    settle(w);
    assert_int_equal(bm_status(w), ERROR);
    assert_int_equal(w->rig.ram[TARGET + 9], 0);
}

static void memory_that_is_not_ram_is_an_error_and_moves_nothing(void **state)
{
    static const uint32_t where[] = {RIG_RAM, 0xfee00000, 0xfffffffe};
    struct world *w = *state;

    enable(w);
    for (unsigned n = 0; n < ARRAY_SIZE(where); n++) {
        unsigned rises = w->irq14.rises;
        prd(w, 0, where[n], 512, true);
        start(w, true);
        command(w, 0xc8, 1, 9);
        settle(w);
        assert_int_equal(bm_status(w), ERROR);
        assert_int_equal(w->irq14.rises, rises);
    }
}

static void a_table_that_is_not_in_ram_is_an_error(void **state)
{
    struct world *w = *state;

    enable(w);
    rig_out32(&w->rig, BM + 4, 0xfffffffc);
    rig_out(&w->rig, BM, TO_MEMORY | START);
    command(w, 0xc8, 1, 9);
    settle(w);
    assert_int_equal(bm_status(w), ERROR);
}

/* The data sheet forbids it; OVMF's driver does it. */
static void a_region_may_straddle_64_kib(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, 0x1ff00, 512, true);
    start(w, true);
    command(w, 0xc8, 1, 9);
    settle(w);
    assert_memory_equal(w->rig.ram + 0x1ff00, w->disk.bytes + 9 * 512, 256);
    assert_memory_equal(w->rig.ram + 0x20000, w->disk.bytes + 9 * 512 + 256, 256);
    assert_int_equal(w->rig.ram[0x10000 + 9], 0);
}

/* 16384 entries of two bytes: more than one step's worth. */
static void
a_table_of_tiny_entries_takes_several_steps_and_comes_to_its_end(void **state)
{
    struct world *w = *state;
    unsigned entries = 64 * 256;

    enable(w);
    for (unsigned n = 0; n < entries; n++)
        prd(w, n, 0x30000 + 2 * (n % 0x4000), 2, n == entries - 1);
    start(w, true);
    command(w, 0xc8, 64, 0);
    rig_run(&w->rig, 3000); /* command and sectors, not the steps that follow */
    assert_int_equal(bm_status(w) & ACTIVE, ACTIVE);
    settle(w);
    assert_int_equal(bm_status(w), INTERRUPT);
    assert_memory_equal(w->rig.ram + 0x30000, w->disk.bytes, 0x8000);
}

static void a_table_changed_under_way_counts_from_the_next_entry_on(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TARGET, 512, false);
    prd(w, 1, TARGET + 512, 512, false);
    prd(w, 2, TARGET, 2, true);
    start(w, true);
    command(w, 0xc8, 1, 0);
    settle(w);
    prd(w, 0, RIG_RAM, 512, true); /* has been read */
    prd(w, 1, 0x20000, 512, true); /* has not */
    command(w, 0xc8, 1, 1);
    settle(w);
    assert_memory_equal(w->rig.ram + 0x20000, w->disk.bytes + 512, 512);
    assert_int_equal(bm_status(w), INTERRUPT);
}

static void a_table_may_overwrite_itself(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TABLE, 512, false);
    start(w, true);
    command(w, 0xc8, 8, 0); /* the entries that follow are sectors */
    settle(w);
    assert_int_equal(bm_status(w) & ACTIVE, 0);
    rig_out(&w->rig, BM, 0);
    rig_out(&w->rig, 0x3f6, 4);
    rig_out(&w->rig, 0x3f6, 0);
    settle(w);
    assert_int_equal(rig_in(&w->rig, 0x1f7), 0x50);
}

static void without_bus_mastering_it_waits(void **state)
{
    struct world *w = *state;

    enable(w);
    config(w, 4, 2, 1);
    prd(w, 0, TARGET, 512, true);
    start(w, true);
    command(w, 0xc8, 1, 9);
    settle(w);
    assert_int_equal(bm_status(w), ACTIVE);
    assert_int_equal(w->rig.ram[TARGET + 9], 0);
    config(w, 4, 2, 5);
    settle(w);
    assert_int_equal(bm_status(w), INTERRUPT);
    assert_memory_equal(w->rig.ram + TARGET, w->disk.bytes + 9 * 512, 512);
}

static void stopping_forgets_the_place_in_the_table(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TARGET, 512, false);
    prd(w, 1, 0x20000, 512, true);
    start(w, true);
    command(w, 0xc8, 1, 9);
    settle(w);
    rig_out(&w->rig, BM, TO_MEMORY);
    assert_int_equal(bm_status(w), INTERRUPT);
    rig_out(&w->rig, BM, TO_MEMORY | START);
    command(w, 0xc8, 1, 10);
    settle(w);
    assert_memory_equal(w->rig.ram + TARGET, w->disk.bytes + 10 * 512, 512);
}

static void the_direction_holds_while_active(void **state)
{
    struct world *w = *state;

    enable(w);
    prd(w, 0, TARGET, 512, true);
    start(w, true);
    rig_out(&w->rig, BM, START);
    assert_int_equal(rig_in(&w->rig, BM), TO_MEMORY | START);
    command(w, 0xc8, 1, 9);
    settle(w);
    assert_int_equal(bm_status(w), INTERRUPT);
}

/* ---- snapshots ---- */

static void a_transfer_in_the_middle_of_the_table_goes_on_after_restore(void **state)
{
    struct world *w = *state;
    unsigned entries = 16 * 256;

    enable(w);
    for (unsigned n = 0; n < entries; n++)
        prd(w, n, 0x30000 + 2 * n, 2, n == entries - 1);
    start(w, true);
    command(w, 0xc8, 16, 3);
    rig_run(&w->rig, 2400);
    assert_int_equal(bm_status(w), ACTIVE);
    rig_transfer(w->d, w->d); /* each from what it saves itself */
    rig_transfer(w->ide, w->ide);
    settle(w);
    assert_int_equal(bm_status(w), INTERRUPT);
    assert_memory_equal(w->rig.ram + 0x30000, w->disk.bytes + 3 * 512, 16 * 512);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_is_the_piix3s_second_function),
        T(the_channel_answers_when_decoding_and_io_space_are_on),
        T(timing_registers_hold_what_is_written),
        T(the_status_has_bits_to_clear_bits_to_hold_and_one_to_read),
        T(the_drives_interrupt_passes_and_is_latched_once),
        T(data_goes_where_the_table_says),
        T(a_count_of_0_is_64_kib),
        T(data_comes_from_memory_too),
        T(a_table_that_is_longer_stays_active_and_interrupts),
        T(a_table_that_is_shorter_ends_without_an_interrupt),
        T(the_order_of_command_and_start_does_not_matter),
        T(the_wrong_direction_is_an_error_and_moves_nothing),
        T(memory_that_is_not_ram_is_an_error_and_moves_nothing),
        T(a_table_that_is_not_in_ram_is_an_error),
        T(a_region_may_straddle_64_kib),
        T(a_table_of_tiny_entries_takes_several_steps_and_comes_to_its_end),
        T(a_table_changed_under_way_counts_from_the_next_entry_on),
        T(a_table_may_overwrite_itself),
        T(without_bus_mastering_it_waits),
        T(stopping_forgets_the_place_in_the_table),
        T(the_direction_holds_while_active),
        T(a_transfer_in_the_middle_of_the_table_goes_on_after_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
