/* Tests of devices/ide.c and ata.c: the channel, its registers, DMA, snapshots. */
#include "tests/unit/devices/ide_world.h"

enum { SECTORS = 1008 * 4, SIZE = SECTORS * 512 };

/* A disk as drive 0, none as drive 1. */
static int set_up(void **state)
{
    struct ide_world *w = ide_world_new();

    memory_disk_init(&w->disk[0], SIZE);
    ide_plug(w->d, 0, IDE_DISK, &w->disk[0].disk, "SN1");
    ide_world_start(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    ide_world_free(*state);
    return 0;
}

static void a_channel_without_drives_floats_with_bsy_low(void **state)
{
    struct ide_world *w = ide_world_new();
    (void)state;

    ide_world_start(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x7f);
    assert_int_equal(rig_in(&w->rig, IDE_CONTROL), 0x7f);
    rig_out(&w->rig, IDE_COUNT, 0x55);
    assert_int_not_equal(rig_in(&w->rig, IDE_COUNT), 0x55);
    rig_out(&w->rig, IDE_STATUS, 0xec);
    rig_run(&w->rig, IDE_IPS);
    assert_int_equal(w->irq.rises, 0);
    ide_world_free(w);
}

static void a_drive_that_is_not_there_has_status_0_and_takes_no_command(void **state)
{
    struct ide_world *w = *state;

    rig_out(&w->rig, IDE_DEVICE, 0xb0);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0);
    rig_out(&w->rig, IDE_STATUS, 0xec);
    rig_run(&w->rig, IDE_IPS);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0);
    assert_int_equal(w->irq.rises, 0);
    rig_out(&w->rig, IDE_DEVICE, 0xa0);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
}

static void power_on_shows_the_signature_of_a_disk(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
    assert_int_equal(rig_in(&w->rig, IDE_ERROR), 1);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 1);
    assert_int_equal(rig_in(&w->rig, IDE_LOW), 1);
    assert_int_equal(rig_in(&w->rig, IDE_MID), 0);
    assert_int_equal(rig_in(&w->rig, IDE_HIGH), 0);
}

static void a_software_reset_is_busy_while_srst_is_set_and_a_while_after(void **state)
{
    struct ide_world *w = *state;

    ide_command(w, 0x20, 0, 1, 5);
    rig_out(&w->rig, IDE_MID, 0x77);
    rig_out(&w->rig, IDE_CONTROL, 4);
    rig_run(&w->rig, IDE_IPS);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x80);
    rig_out(&w->rig, IDE_CONTROL, 0);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x80);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
    assert_int_equal(rig_in(&w->rig, IDE_MID), 0);
    assert_int_equal(rig_in(&w->rig, IDE_ERROR), 1);
    assert_false(w->irq.level);
}

static void the_interrupt_is_taken_back_by_reading_status_alone(void **state)
{
    struct ide_world *w = *state;

    ide_registers(w, 0, 1, 0, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0x20);
    ide_wait(w);
    assert_true(w->irq.level);
    rig_in(&w->rig, IDE_CONTROL);
    assert_true(w->irq.level);
    rig_in(&w->rig, IDE_STATUS);
    assert_false(w->irq.level);
    assert_int_equal(w->irq.rises, 1);
}

static void nien_holds_the_interrupt_back_and_letting_go_lets_it_out(void **state)
{
    struct ide_world *w = *state;

    rig_out(&w->rig, IDE_CONTROL, 2);
    ide_registers(w, 0, 1, 0, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0x20);
    ide_wait(w);
    assert_false(w->irq.level);
    rig_out(&w->rig, IDE_CONTROL, 0);
    assert_true(w->irq.level);
}

static void hob_shows_what_was_written_before(void **state)
{
    struct ide_world *w = *state;

    rig_out(&w->rig, IDE_LOW, 0x11);
    rig_out(&w->rig, IDE_LOW, 0x22);
    assert_int_equal(rig_in(&w->rig, IDE_LOW), 0x22);
    rig_out(&w->rig, IDE_CONTROL, 0x80);
    assert_int_equal(rig_in(&w->rig, IDE_LOW), 0x11);
    rig_out(&w->rig, IDE_MID, 0); /* any write to the command block ends it */
    assert_int_equal(rig_in(&w->rig, IDE_LOW), 0x22);
}

static void registers_do_not_change_while_bsy(void **state)
{
    struct ide_world *w = *state;
    uint8_t sector[512];

    ide_registers(w, 0, 1, 9, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0x20);
    rig_out(&w->rig, IDE_LOW, 200);
    rig_out(&w->rig, IDE_DEVICE, 0xb0);
    rig_out(&w->rig, IDE_STATUS, 0xec);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x58);
    ide_read_data(w, sector, 512);
    assert_memory_equal(sector, w->disk[0].bytes + 9 * 512, 512);
}

static void a_write_to_a_drive_goes_to_both_drives_registers(void **state)
{
    struct ide_world *w = ide_world_new();
    (void)state;

    for (unsigned n = 0; n < 2; n++) {
        memory_disk_init(&w->disk[n], SIZE);
        ide_plug(w->d, n, IDE_DISK, &w->disk[n].disk, NULL);
    }
    ide_world_start(w);
    rig_out(&w->rig, IDE_COUNT, 0x42);
    rig_out(&w->rig, IDE_DEVICE, 0xb0);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 0x42);
    assert_int_equal(rig_in(&w->rig, IDE_DEVICE), 0xb0);
    ide_world_free(w);
}

static void diagnostics_answer_for_both_with_one_interrupt(void **state)
{
    struct ide_world *w = ide_world_new();
    (void)state;

    memory_disk_init(&w->disk[0], SIZE);
    ide_plug(w->d, 0, IDE_DISK, &w->disk[0].disk, NULL);
    ide_plug(w->d, 1, IDE_CDROM, NULL, NULL);
    ide_world_start(w);
    rig_out(&w->rig, IDE_DEVICE, 0xb0);
    rig_out(&w->rig, IDE_STATUS, 0x90);
    ide_wait(w);
    assert_int_equal(w->irq.rises, 1);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
    assert_int_equal(rig_in(&w->rig, IDE_ERROR), 1);
    assert_int_equal(rig_in(&w->rig, IDE_DEVICE) & 0x10, 0);
    rig_out(&w->rig, IDE_DEVICE, 0xb0);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0);
    assert_int_equal(rig_in(&w->rig, IDE_MID), 0x14);
    assert_int_equal(rig_in(&w->rig, IDE_HIGH), 0xeb);
    assert_int_equal(w->irq.rises, 1);
    ide_world_free(w);
}

static void the_off_pin_takes_the_ports_away(void **state)
{
    struct ide_world *w = *state;

    rig_pin(w->d, "off", true);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0xff);
    assert_int_equal(rig_in(&w->rig, IDE_CONTROL), 0xff);
    device_reset(w->d); /* the pin stays as it is */
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0xff);
    rig_pin(w->d, "off", false);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
}

static void the_second_channel_has_its_own_ports(void **state)
{
    struct ide_world *w = ide_world_new();
    (void)state;

    memory_disk_init(&w->disk[0], SIZE);
    ide_plug(w->d, 0, IDE_DISK, &w->disk[0].disk, NULL);
    assert_true(device_option(w->d, "channel", 1, NULL));
    ide_world_start(w);
    assert_int_equal(rig_in(&w->rig, 0x177), 0x50);
    assert_int_equal(rig_in(&w->rig, 0x376), 0x50);
    assert_int_equal(rig_in(&w->rig, 0x1f7), 0xff);
    ide_world_free(w);
}

/* ---- data port ---- */

static void the_data_port_takes_16_and_32_bits_in_any_mixture(void **state)
{
    struct ide_world *w = *state;
    const uint8_t *want = w->disk[0].bytes + 3 * 512;

    ide_command(w, 0x20, 0, 1, 3);
    for (unsigned at = 0; at < 512;) {
        unsigned size = at % 3 ? 4 : 2;
        size = size > 512 - at ? 512 - at : size;
        assert_int_equal(rig_io(&w->rig.ports, IDE_DATA, size, false, 0),
                         load_le(want + at, size));
        at += size;
    }
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
}

static void the_data_port_gives_nothing_without_drq(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(rig_io(&w->rig.ports, IDE_DATA, 2, false, 0), 0);
    rig_io(&w->rig.ports, IDE_DATA, 4, true, 0xffffffff);
    ide_command(w, 0x20, 0, 1, 3);
    rig_io(&w->rig.ports, IDE_DATA, 2, true, 0xffff); /* the wrong way */
    for (unsigned n = 0; n < 512; n += 2)
        assert_int_equal(rig_io(&w->rig.ports, IDE_DATA, 2, false, 0),
                         load16(w->disk[0].bytes + 3 * 512 + n));
    assert_int_equal(rig_io(&w->rig.ports, IDE_DATA, 4, false, 0), 0);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
}

static void an_access_that_runs_over_the_blocks_end_moves_what_is_there(void **state)
{
    struct ide_world *w = *state;
    const uint8_t *want = w->disk[0].bytes + 3 * 512;

    ide_command(w, 0x20, 0, 1, 3);
    rig_io(&w->rig.ports, IDE_DATA, 2, false, 0);
    for (unsigned at = 2; at < 510; at += 4)
        rig_io(&w->rig.ports, IDE_DATA, 4, false, 0);
    assert_int_equal(rig_io(&w->rig.ports, IDE_DATA, 4, false, 0), load16(want + 510));
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
}

static void a_new_command_drops_a_transfer_that_waits(void **state)
{
    struct ide_world *w = *state;
    uint8_t sector[512];

    ide_command(w, 0x20, 0, 8, 3);
    ide_read_data(w, sector, 100);
    assert_int_equal(ide_command(w, 0x20, 0, 1, 77), 0x58);
    ide_read_data(w, sector, 512);
    assert_memory_equal(sector, w->disk[0].bytes + 77 * 512, 512);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
}

/* ---- DMA ---- */

static void a_dma_read_waits_for_the_bus_master_and_then_runs(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(ide_command(w, 0xc8, 0, 16, 100), 0x58);
    assert_int_equal(w->irq.rises, 0);
    ide_master_start(w, 16 * 512);
    ide_wait(w);
    assert_int_equal(w->irq.rises, 1);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
    assert_memory_equal(w->memory.bytes, w->disk[0].bytes + 100 * 512, 16 * 512);
}

static void a_dma_write_reaches_the_disk_before_the_interrupt(void **state)
{
    struct ide_world *w = *state;

    memset(w->memory.bytes, 0x5a, 1024);
    ide_master_start(w, 1024);
    assert_int_equal(ide_command(w, 0xca, 0, 2, 8), 0x50);
    assert_int_equal(w->irq.rises, 1);
    for (unsigned n = 0; n < 1024; n++)
        assert_int_equal(w->disk[0].bytes[8 * 512 + n], 0x5a);
    assert_int_not_equal(w->disk[0].bytes[10 * 512 + 9], 0x5a);
}

static void a_long_dma_moves_in_pieces_as_large_as_the_buffer(void **state)
{
    struct ide_world *w = *state;

    ide_master_start(w, 1000 * 512);
    assert_int_equal(ide_command48(w, 0x25, 1000, 1), 0x50);
    assert_memory_equal(w->memory.bytes, w->disk[0].bytes + 512, 1000 * 512);
    assert_int_equal(w->disk[0].reads, 4);
    assert_int_equal(w->memory.calls, 4);
    assert_int_equal(w->irq.rises, 1);
}

static void a_bus_master_with_a_budget_is_asked_again_later(void **state)
{
    struct ide_world *w = *state;

    w->memory.step = 100;
    ide_master_start(w, 4 * 512);
    ide_command(w, 0xc8, 0, 4, 0);
    assert_memory_equal(w->memory.bytes, w->disk[0].bytes, 4 * 512);
    assert_int_equal(w->memory.calls, 21);
}

static void a_table_that_is_too_short_leaves_the_drive_waiting(void **state)
{
    struct ide_world *w = *state;

    ide_master_start(w, 700);
    assert_int_equal(ide_command(w, 0xc8, 0, 2, 0), 0x58);
    rig_run(&w->rig, IDE_IPS);
    assert_int_equal(w->irq.rises, 0);
    ide_master_start(w, 324); /* the rest of it */
    ide_wait(w);
    assert_int_equal(w->irq.rises, 1);
    assert_memory_equal(w->memory.bytes, w->disk[0].bytes + 700, 324);
}

static void stopping_the_bus_master_stops_the_drive_and_a_reset_frees_it(void **state)
{
    struct ide_world *w = *state;

    ide_master_start(w, 512);
    ide_registers(w, 0, 8, 0, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0xc8);
    rig_pin(w->d, "run", false);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x58);
    assert_int_equal(w->memory.calls, 0);
    rig_out(&w->rig, IDE_CONTROL, 4);
    rig_out(&w->rig, IDE_CONTROL, 0);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
}

static void without_a_bus_master_dma_commands_are_aborted(void **state)
{
    struct ide_world *w = ide_world_new();
    uint8_t id[512];
    (void)state;

    memory_disk_init(&w->disk[0], SIZE);
    ide_plug(w->d, 0, IDE_DISK, &w->disk[0].disk, NULL);
    rig_start(w->d);
    assert_int_equal(ide_command(w, 0xc8, 0, 1, 0), 0x51);
    assert_int_equal(rig_in(&w->rig, IDE_ERROR), 4);
    ide_command(w, 0xec, 0, 0, 0);
    ide_read_data(w, id, 512);
    assert_int_equal(load16(id + 2 * 49) & 0x100, 0);
    ide_world_free(w);
}

/* ---- snapshots ---- */

/* A channel like w's, with the same disk, restored from what w's saves. */
static struct device *copy(struct ide_world *w)
{
    const struct bus_master master = {.owner = &w->memory, .move = ide_memory_move};
    struct device *d = rig_new(&w->rig, &ide_class);

    ide_plug(d, 0, IDE_DISK, &w->disk[0].disk, "SN1");
    ide_connect(d, &master);
    rig_pin(w->d, "off", true); /* makes way for the copy */
    rig_start(d);
    rig_transfer(w->d, d);
    return d;
}

static void replace(struct ide_world *w)
{
    struct device *d = copy(w);

    device_free(w->d);
    w->d = w->memory.ide = d;
    rig_pin(d, "off", false);
    rig_watch(&w->rig, d, "irq", &w->irq);
}

static void a_pio_read_goes_on_in_the_middle_of_a_sector(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[1024];

    ide_command(w, 0x20, 0, 2, 40);
    ide_read_data(w, got, 300);
    replace(w);
    ide_read_data(w, got + 300, 212);
    replace(w); /* busy with the second one */
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x58);
    ide_read_data(w, got + 512, 512);
    assert_memory_equal(got, w->disk[0].bytes + 40 * 512, 1024);
}

static void a_pio_write_goes_on_in_the_middle_of_a_sector(void **state)
{
    struct ide_world *w = *state;
    uint8_t put[512];

    memset(put, 0xa7, sizeof put);
    ide_command(w, 0x30, 0, 1, 41);
    ide_write_data(w, put, 100);
    replace(w);
    ide_write_data(w, put + 100, 412);
    replace(w);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
    assert_memory_equal(w->disk[0].bytes + 41 * 512, put, 512);
}

static void a_dma_goes_on_where_it_was(void **state)
{
    struct ide_world *w = *state;

    w->memory.step = 1000;
    ide_master_start(w, 16 * 512);
    ide_registers(w, 0, 16, 7, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0xc8);
    while (w->memory.calls < 3)
        rig_run(&w->rig, 10);
    replace(w);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0x50);
    assert_memory_equal(w->memory.bytes, w->disk[0].bytes + 7 * 512, 16 * 512);
}

static void a_snapshot_of_another_set_of_drives_is_refused(void **state)
{
    struct ide_world *w = *state;
    struct device *d = rig_add(&w->rig, &ide_class);
    struct writer out = {0};
    struct reader all, inside;
    struct error e = {""};
    char name[256];

    device_save(w->d, &out);
    all = (struct reader){.bytes = out.bytes, .size = out.size};
    assert_true(section_next(&all, name, &inside, &e));
    assert_false(device_restore(d, &inside, &e));
    assert_non_null(strstr(e.text, "buffer"));
    writer_free(&out);
    device_free(d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_without_drives_floats_with_bsy_low),
        T(a_drive_that_is_not_there_has_status_0_and_takes_no_command),
        T(power_on_shows_the_signature_of_a_disk),
        T(a_software_reset_is_busy_while_srst_is_set_and_a_while_after),
        T(the_interrupt_is_taken_back_by_reading_status_alone),
        T(nien_holds_the_interrupt_back_and_letting_go_lets_it_out),
        T(hob_shows_what_was_written_before),
        T(registers_do_not_change_while_bsy),
        cmocka_unit_test(a_write_to_a_drive_goes_to_both_drives_registers),
        cmocka_unit_test(diagnostics_answer_for_both_with_one_interrupt),
        T(the_off_pin_takes_the_ports_away),
        cmocka_unit_test(the_second_channel_has_its_own_ports),
        T(the_data_port_takes_16_and_32_bits_in_any_mixture),
        T(the_data_port_gives_nothing_without_drq),
        T(an_access_that_runs_over_the_blocks_end_moves_what_is_there),
        T(a_new_command_drops_a_transfer_that_waits),
        T(a_dma_read_waits_for_the_bus_master_and_then_runs),
        T(a_dma_write_reaches_the_disk_before_the_interrupt),
        T(a_long_dma_moves_in_pieces_as_large_as_the_buffer),
        T(a_bus_master_with_a_budget_is_asked_again_later),
        T(a_table_that_is_too_short_leaves_the_drive_waiting),
        T(stopping_the_bus_master_stops_the_drive_and_a_reset_frees_it),
        cmocka_unit_test(without_a_bus_master_dma_commands_are_aborted),
        T(a_pio_read_goes_on_in_the_middle_of_a_sector),
        T(a_pio_write_goes_on_in_the_middle_of_a_sector),
        T(a_dma_goes_on_where_it_was),
        T(a_snapshot_of_another_set_of_drives_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
