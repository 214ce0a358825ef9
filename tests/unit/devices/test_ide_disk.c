/* Tests of devices/ata_disk.c, ata_identify.c and ata_smart.c: a disk's commands. */
#include "tests/unit/devices/ide_world.h"

enum { SECTORS = 1008 * 4 + 5, SIZE = SECTORS * 512 };
enum { OK = 0x50, DATA = 0x58, FAILED = 0x51, FAULT = 0x71 };
enum { ABRT = 4, IDNF = 0x10, UNC = 0x40 };

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
    struct ide_world *w = *state;

    assert_int_equal(w->disk[0].outside, 0);
    ide_world_free(w);
    return 0;
}

static void expect_error(struct ide_world *w, uint8_t error)
{
    assert_int_equal(rig_in(&w->rig, IDE_ERROR), error);
}

static uint32_t shown_lba(struct ide_world *w)
{
    return rig_in(&w->rig, IDE_LOW) | (uint32_t)rig_in(&w->rig, IDE_MID) << 8 |
           (uint32_t)rig_in(&w->rig, IDE_HIGH) << 16;
}

/* Reads what the drive offers, block by block, and says how many blocks there were. */
static unsigned take(struct ide_world *w, uint8_t *to, unsigned bytes, unsigned block)
{
    unsigned blocks = 0;

    for (unsigned at = 0; at < bytes; at += block, blocks++) {
        unsigned n = block < bytes - at ? block : bytes - at;
        ide_wait(w);
        assert_int_equal(rig_in(&w->rig, IDE_STATUS), DATA);
        ide_read_data(w, to + at, n);
    }
    return blocks;
}

static void give(struct ide_world *w, const uint8_t *from, unsigned bytes,
                 unsigned block)
{
    for (unsigned at = 0; at < bytes; at += block) {
        unsigned n = block < bytes - at ? block : bytes - at;
        ide_wait(w);
        assert_int_equal(rig_in(&w->rig, IDE_STATUS), DATA);
        ide_write_data(w, from + at, n);
    }
    ide_wait(w);
}

/* ---- reading and writing ---- */

static void reading_gives_an_interrupt_for_each_sector_and_none_after(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[4 * 512];

    ide_registers(w, 0, 4, 1000, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0x20);
    assert_int_equal(take(w, got, sizeof got, 512), 4);
    assert_memory_equal(got, w->disk[0].bytes + 1000 * 512, sizeof got);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), OK);
    assert_int_equal(w->irq.rises, 4);
    assert_int_equal(shown_lba(w), 1003);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 0);
}

static void a_count_of_0_means_256(void **state)
{
    struct ide_world *w = *state;
    static uint8_t got[256 * 512];

    ide_registers(w, 0, 0, 2, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0x21);
    assert_int_equal(take(w, got, sizeof got, 512), 256);
    assert_memory_equal(got, w->disk[0].bytes + 2 * 512, sizeof got);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), OK);
}

static void a_count_of_0_means_65536_in_a_48_bit_command(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(ide_command48(w, 0x24, 0, 0), FAILED);
    expect_error(w, IDNF);
    assert_int_equal(ide_command48(w, 0x24, SECTORS, 0), DATA);
}

static void writing_gives_an_interrupt_after_each_sector(void **state)
{
    struct ide_world *w = *state;
    uint8_t put[3 * 512];

    memset(put, 0x3c, sizeof put);
    put[1535] = 1;
    ide_registers(w, 0, 3, 50, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0x30);
    ide_wait(w);
    assert_int_equal(w->irq.rises, 0);
    give(w, put, sizeof put, 512);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), OK);
    assert_int_equal(w->irq.rises, 3);
    assert_memory_equal(w->disk[0].bytes + 50 * 512, put, sizeof put);
    assert_int_equal(load32(w->disk[0].bytes + 53 * 512), 53);
}

static void multiple_commands_take_blocks_and_a_short_last_one(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[11 * 512], put[11 * 512];

    assert_int_equal(ide_command(w, 0xc4, 0, 1, 0), FAILED); /* not set yet */
    expect_error(w, ABRT);
    assert_int_equal(ide_command(w, 0xc6, 0, 8, 0), OK);
    ide_registers(w, 0, 11, 20, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0xc4);
    assert_int_equal(take(w, got, sizeof got, 8 * 512), 2);
    assert_memory_equal(got, w->disk[0].bytes + 20 * 512, sizeof got);
    memset(put, 0x99, sizeof put);
    ide_registers(w, 0, 11, 20, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0xc5);
    give(w, put, sizeof put, 8 * 512);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), OK);
    assert_memory_equal(w->disk[0].bytes + 20 * 512, put, sizeof put);
    assert_int_equal(w->disk[0].writes, 2);
}

static void set_multiple_refuses_what_is_no_power_of_2_or_too_large(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(ide_command(w, 0xc6, 0, 16, 0), OK);
    assert_int_equal(ide_command(w, 0xc6, 0, 32, 0), FAILED);
    assert_int_equal(ide_command(w, 0xc4, 0, 1, 0), FAILED); /* and turns it off */
    assert_int_equal(ide_command(w, 0xc6, 0, 3, 0), FAILED);
    assert_int_equal(ide_command(w, 0xc6, 0, 0, 0), OK);
}

static void the_48_bit_commands_move_the_same_sectors(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[512], put[512];

    assert_int_equal(ide_command48(w, 0x24, 1, SECTORS - 1), DATA);
    ide_read_data(w, got, 512);
    assert_memory_equal(got, w->disk[0].bytes + (SECTORS - 1) * 512, 512);
    memset(put, 0x11, 512);
    assert_int_equal(ide_command48(w, 0x34, 1, 99), DATA);
    give(w, put, 512, 512);
    assert_memory_equal(w->disk[0].bytes + 99 * 512, put, 512);
    ide_command(w, 0xc6, 0, 2, 0);
    assert_int_equal(ide_command48(w, 0x29, 2, 99), DATA);
    ide_read_data(w, got, 512);
    assert_memory_equal(got, put, 512);
    assert_int_equal(ide_command48(w, 0x39, 1, 100), DATA);
    give(w, put, 512, 512);
    ide_master_start(w, 512);
    memset(w->memory.bytes, 0x22, 512);
    assert_int_equal(ide_command48(w, 0x35, 1, 101), OK);
    assert_int_equal(w->disk[0].bytes[101 * 512], 0x22);
    assert_int_equal(w->disk[0].bytes[100 * 512], 0x11);
    ide_master_start(w, 512);
    assert_int_equal(ide_command48(w, 0x25, 1, 100), OK);
    assert_int_equal(w->memory.bytes[7], 0x11);
}

static void cylinder_head_and_sector_name_the_same_sectors(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[512];

    /* cylinder 2, head 5, sector 7 of 16 heads and 63 sectors */
    ide_registers(w, 0, 1, 7 | 2 << 8, 0xa5);
    rig_out(&w->rig, IDE_STATUS, 0x20);
    ide_wait(w);
    ide_read_data(w, got, 512);
    assert_int_equal(load32(got), (2 * 16 + 5) * 63 + 6);
    assert_int_equal(shown_lba(w), 7 | 2 << 8);
    assert_int_equal(rig_in(&w->rig, IDE_DEVICE), 0xa5);
}

static void sector_0_and_what_the_geometry_does_not_have_are_not_found(void **state)
{
    struct ide_world *w = *state;

    for (unsigned n = 0; n < 4; n++) {
        static const uint32_t where[4] = {0, 64, 1 | 4 << 8, 1 | 0xff00 << 8};
        ide_registers(w, 0, 1, where[n], 0xa0);
        rig_out(&w->rig, IDE_STATUS, 0x20);
        ide_wait(w);
        assert_int_equal(rig_in(&w->rig, IDE_STATUS), FAILED);
        expect_error(w, IDNF);
    }
}

static void a_new_geometry_changes_what_addresses_mean(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[512];

    ide_registers(w, 0, 17, 0, 0xa3); /* 4 heads of 17 sectors */
    rig_out(&w->rig, IDE_STATUS, 0x91);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), OK);
    ide_registers(w, 0, 1, 1 | 1 << 8, 0xa0);
    rig_out(&w->rig, IDE_STATUS, 0x20);
    ide_wait(w);
    ide_read_data(w, got, 512);
    assert_int_equal(load32(got), 4 * 17);
    ide_command(w, 0xec, 0, 0, 0);
    ide_read_data(w, got, 512);
    assert_int_equal(load16(got + 54 * 2), SECTORS / 68);
    assert_int_equal(load16(got + 55 * 2), 4);
    assert_int_equal(load16(got + 56 * 2), 17);
    assert_int_equal(load32(got + 57 * 2), SECTORS / 68 * 68);
    assert_int_equal(ide_command(w, 0x91, 0, 0, 0), FAILED); /* no sectors at all */
    expect_error(w, ABRT);
}

/* ---- ranges ---- */

static void what_lies_past_the_end_is_not_found_and_nothing_moves(void **state)
{
    static const uint8_t commands[] = {0x20, 0x30, 0x40, 0xc8, 0xca};
    struct ide_world *w = *state;

    ide_master_start(w, 4096);
    for (unsigned n = 0; n < sizeof commands; n++) {
        assert_int_equal(ide_command(w, commands[n], 0, 2, SECTORS - 1), FAILED);
        expect_error(w, IDNF);
        assert_int_equal(shown_lba(w), SECTORS);
        assert_int_equal(ide_command(w, commands[n], 0, 1, SECTORS), FAILED);
        assert_int_equal(ide_command(w, commands[n], 0, 1, 0x0fffffff), FAILED);
        expect_error(w, IDNF);
    }
    assert_int_equal(w->disk[0].reads + w->disk[0].writes, 0);
    assert_int_equal(w->memory.calls, 0);
}

static void no_48_bit_address_overflows(void **state)
{
    static const uint8_t commands[] = {0x24, 0x25, 0x29, 0x34, 0x35, 0x39, 0x42};
    struct ide_world *w = *state;

    ide_command(w, 0xc6, 0, 16, 0);
    for (unsigned n = 0; n < sizeof commands; n++) {
        assert_int_equal(ide_command48(w, commands[n], 0, 0xffffffffffff), FAILED);
        expect_error(w, IDNF);
        assert_int_equal(ide_command48(w, commands[n], 1, 0x800000000000), FAILED);
        assert_int_equal(ide_command48(w, commands[n], 1, 1ull << 32), FAILED);
    }
}

/* ---- failures of the host ---- */

static void a_sector_that_cannot_be_read_is_named(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[512];

    w->disk[0].bad_from = 70 * 512;
    w->disk[0].bad_to = 71 * 512;
    ide_master_start(w, 16 * 512);
    assert_int_equal(ide_command(w, 0xc8, 0, 16, 64), FAILED);
    expect_error(w, UNC);
    assert_int_equal(shown_lba(w), 70);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 10);
    assert_int_equal(ide_command(w, 0x40, 0, 16, 64), FAILED);
    expect_error(w, UNC);
    assert_int_equal(shown_lba(w), 70);
    assert_int_equal(ide_command(w, 0x20, 0, 2, 69), DATA);
    ide_read_data(w, got, 512);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), FAILED);
    assert_int_equal(shown_lba(w), 70);
}

static void a_sector_that_cannot_be_written_is_a_device_fault(void **state)
{
    struct ide_world *w = *state;
    uint8_t put[512] = {0};

    w->disk[0].bad_from = 70 * 512;
    w->disk[0].bad_to = 71 * 512;
    assert_int_equal(ide_command(w, 0x30, 0, 4, 70), DATA);
    ide_write_data(w, put, 512);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), FAULT);
    expect_error(w, ABRT);
    assert_int_equal(shown_lba(w), 70);
}

static void a_read_only_disk_aborts_writes_before_any_data(void **state)
{
    struct ide_world *w = *state;

    w->disk[0].disk.read_only = true;
    assert_int_equal(ide_command(w, 0x30, 0, 1, 0), FAILED);
    expect_error(w, ABRT);
    assert_int_equal(ide_command(w, 0xca, 0, 1, 0), FAILED);
    assert_int_equal(w->disk[0].writes, 0);
}

static void flush_cache_flushes_before_it_is_done(void **state)
{
    struct ide_world *w = *state;

    ide_registers(w, 0, 0, 0, 0xe0);
    rig_out(&w->rig, IDE_STATUS, 0xe7);
    assert_int_equal(w->irq.rises, 0);
    ide_wait(w);
    assert_int_equal(w->disk[0].flushes, 1);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), OK);
    assert_int_equal(ide_command(w, 0xea, 0, 0, 0), OK);
    assert_int_equal(w->disk[0].flushes, 2);
}

static void a_flush_that_failed_stays_failed_and_so_do_writes(void **state)
{
    struct ide_world *w = *state;

    w->disk[0].flush_fails = true;
    assert_int_equal(ide_command(w, 0xe7, 0, 0, 0), FAULT);
    expect_error(w, ABRT);
    w->disk[0].flush_fails = false;
    assert_int_equal(ide_command(w, 0xe7, 0, 0, 0), FAULT);
    assert_int_equal(ide_command(w, 0xea, 0, 0, 0), FAULT);
    assert_int_equal(ide_command(w, 0x30, 0, 1, 0), FAILED);
    device_reset(w->d);
    assert_int_equal(ide_command(w, 0xe7, 0, 0, 0), FAULT);
    assert_int_equal(ide_command(w, 0x20, 0, 1, 0), DATA); /* reading goes on */
}

static void without_write_cache_every_write_is_flushed(void **state)
{
    struct ide_world *w = *state;
    uint8_t put[512] = {0};

    assert_int_equal(ide_command(w, 0xef, 0x82, 0, 0), OK);
    assert_int_equal(w->disk[0].flushes, 1);
    ide_command(w, 0x30, 0, 1, 0);
    give(w, put, 512, 512);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), OK);
    assert_int_equal(w->disk[0].flushes, 2);
    w->disk[0].flush_fails = true;
    ide_command(w, 0x30, 0, 1, 0);
    give(w, put, 512, 512);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), FAULT);
}

/* ---- what it says of itself ---- */

static void identify(struct ide_world *w, uint8_t *id)
{
    assert_int_equal(ide_command(w, 0xec, 0, 0, 0), DATA);
    ide_read_data(w, id, 512);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), OK);
}

static void identify_tells_sizes_names_and_sums_up_to_0(void **state)
{
    struct ide_world *w = *state;
    uint8_t id[512], sum = 0;

    identify(w, id);
    assert_int_equal(load16(id), 0x40);
    assert_int_equal(load16(id + 2), SECTORS / 1008);
    assert_int_equal(load16(id + 6), 16);
    assert_int_equal(load16(id + 12), 63);
    assert_memory_equal(id + 20, "NS 1", 4); /* two characters a word, swapped */
    assert_memory_equal(id + 54, "EMUNARH RA DIDKS", 16);
    assert_int_equal(load32(id + 120), SECTORS);
    assert_int_equal(load64(id + 200), SECTORS);
    assert_int_equal(load16(id + 47 * 2), 0x8010);
    assert_int_equal(load16(id + 83 * 2) & 0xc400, 0x4400);
    assert_int_equal(id[510], 0xa5);
    for (unsigned n = 0; n < 512; n++)
        sum = (uint8_t)(sum + id[n]);
    assert_int_equal(sum, 0);
}

static void large_disks_say_so_in_48_bits_alone(void **state)
{
    struct ide_world *w = *state;
    uint8_t id[512];

    w->disk[0].disk.size = (uint64_t)512 << 32;
    identify(w, id);
    assert_int_equal(load16(id + 2), 16383);
    assert_int_equal(load32(id + 120), 0x0fffffff);
    assert_true(load64(id + 200) == 1ull << 32);
    assert_int_equal(ide_command(w, 0xf8, 0, 0, 0), OK);
    assert_int_equal(shown_lba(w), 0xffffff);
    assert_int_equal(rig_in(&w->rig, IDE_DEVICE), 0xef);
    assert_int_equal(ide_command48(w, 0x27, 0, 0), OK);
    assert_int_equal(shown_lba(w), 0xffffff);
    rig_out(&w->rig, IDE_CONTROL, 0x80);
    assert_int_equal(shown_lba(w), 0xff);
    w->disk[0].disk.size = SIZE;
}

static void set_features_is_seen_in_identify(void **state)
{
    struct ide_world *w = *state;
    uint8_t id[512];

    identify(w, id);
    assert_int_equal(load16(id + 85 * 2) & 0x60, 0x60);
    ide_command(w, 0xef, 0x82, 0, 0);
    ide_command(w, 0xef, 0x55, 0, 0);
    assert_int_equal(ide_command(w, 0xef, 0x03, 0x22, 0), OK);
    identify(w, id);
    assert_int_equal(load16(id + 85 * 2) & 0x60, 0);
    assert_int_equal(load16(id + 63 * 2), 0x0407);
    assert_int_equal(ide_command(w, 0xef, 0x03, 0x45, 0), OK);
    identify(w, id);
    assert_int_equal(load16(id + 63 * 2), 0x0007);
    assert_int_equal(load16(id + 88 * 2), 0x203f);
    ide_command(w, 0xef, 0x02, 0, 0);
    ide_command(w, 0xef, 0xaa, 0, 0);
    identify(w, id);
    assert_int_equal(load16(id + 85 * 2) & 0x60, 0x60);
}

static void set_features_refuses_what_is_not_there(void **state)
{
    static const uint8_t modes[] = {0x02, 0x0d, 0x23, 0x46, 0x10, 0xff};
    struct ide_world *w = *state;

    for (unsigned n = 0; n < sizeof modes; n++) {
        assert_int_equal(ide_command(w, 0xef, 0x03, modes[n], 0), FAILED);
        expect_error(w, ABRT);
    }
    assert_int_equal(ide_command(w, 0xef, 0x05, 0x80, 0), FAILED);
}

static void a_soft_reset_reverts_settings_unless_told_not_to(void **state)
{
    struct ide_world *w = *state;

    for (unsigned keep = 0; keep < 2; keep++) {
        ide_command(w, 0xc6, 0, 8, 0);
        ide_command(w, 0xef, keep ? 0x66 : 0xcc, 0, 0);
        rig_out(&w->rig, IDE_CONTROL, 4);
        rig_out(&w->rig, IDE_CONTROL, 0);
        ide_wait(w);
        assert_int_equal(ide_command(w, 0xc4, 0, 1, 0), keep ? DATA : FAILED);
    }
}

/* ---- the rest ---- */

static void commands_that_move_nothing_end_well(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(ide_command(w, 0x10, 0, 0, 0), OK);
    assert_int_equal(ide_command(w, 0x70, 0, 0, SECTORS - 1), OK);
    assert_int_equal(ide_command(w, 0x40, 0, 0, 0), OK);
    assert_int_equal(ide_command48(w, 0x42, SECTORS, 0), OK);
    assert_int_equal(ide_command(w, 0x70, 0, 0, SECTORS), FAILED);
    expect_error(w, IDNF);
}

static void unknown_commands_packets_and_nop_are_aborted(void **state)
{
    static const uint8_t commands[] = {0x00, 0x08, 0xa0, 0xa1, 0x26, 0x50, 0xde, 0xff};
    struct ide_world *w = *state;

    for (unsigned n = 0; n < sizeof commands; n++) {
        assert_int_equal(ide_command(w, commands[n], 0, 0, 0), FAILED);
        expect_error(w, ABRT);
    }
}

static void power_modes_are_told_and_sleep_ends_with_a_reset(void **state)
{
    struct ide_world *w = *state;

    ide_command(w, 0xe5, 0, 0, 0);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 0xff);
    ide_command(w, 0xe0, 0, 0, 0);
    ide_command(w, 0xe5, 0, 7, 0);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 0);
    ide_command(w, 0x40, 0, 1, 0); /* needs the medium */
    ide_command(w, 0x98, 0, 7, 0);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 0xff);
    ide_command(w, 0xe6, 0, 0, 0);
    ide_command(w, 0xe5, 0, 7, 0);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 7);
    rig_out(&w->rig, IDE_CONTROL, 4);
    rig_out(&w->rig, IDE_CONTROL, 0);
    ide_wait(w);
    ide_command(w, 0xe5, 0, 7, 0);
    assert_int_equal(rig_in(&w->rig, IDE_COUNT), 0xff);
}

/* ---- SMART ---- */

static uint8_t smart(struct ide_world *w, uint8_t feature, uint8_t count, uint8_t low)
{
    return ide_command(w, 0xb0, feature, count, 0xc24f00u | low);
}

static void smart_pages_sum_up_to_0(void **state)
{
    static const struct {
        uint8_t feature, log;
    } pages[] = {{0xd0, 0}, {0xd1, 0}, {0xd5, 1}, {0xd5, 6}};
    struct ide_world *w = *state;

    for (unsigned n = 0; n < 4; n++) {
        uint8_t page[512], sum = 0;
        assert_int_equal(smart(w, pages[n].feature, 1, pages[n].log), DATA);
        ide_read_data(w, page, 512);
        for (unsigned i = 0; i < 512; i++)
            sum = (uint8_t)(sum + page[i]);
        assert_int_equal(sum, 0);
    }
}

static void smart_status_is_good_until_a_flush_has_failed(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(smart(w, 0xda, 0, 0), OK);
    assert_int_equal(rig_in(&w->rig, IDE_MID), 0x4f);
    assert_int_equal(rig_in(&w->rig, IDE_HIGH), 0xc2);
    w->disk[0].flush_fails = true;
    ide_command(w, 0xe7, 0, 0, 0);
    assert_int_equal(smart(w, 0xda, 0, 0), OK);
    assert_int_equal(rig_in(&w->rig, IDE_MID), 0xf4);
    assert_int_equal(rig_in(&w->rig, IDE_HIGH), 0x2c);
}

static void smart_counts_sectors_that_failed(void **state)
{
    struct ide_world *w = *state;
    uint8_t page[512];

    w->disk[0].bad_to = 512;
    ide_command(w, 0x20, 0, 1, 0);
    ide_command(w, 0x20, 0, 1, 0);
    smart(w, 0xd0, 0, 0);
    ide_read_data(w, page, 512);
    assert_int_equal(page[2], 1);
    assert_int_equal(load32(page + 7), 2);
    assert_int_equal(page[5], 98);
}

static void smart_needs_its_key_and_can_be_turned_off(void **state)
{
    struct ide_world *w = *state;
    uint8_t page[512];

    assert_int_equal(ide_command(w, 0xb0, 0xd0, 0, 0), FAILED);
    expect_error(w, ABRT);
    assert_int_equal(smart(w, 0xd9, 0, 0), OK);
    assert_int_equal(smart(w, 0xd0, 0, 0), FAILED);
    identify(w, page);
    assert_int_equal(load16(page + 85 * 2) & 1, 0);
    assert_int_equal(smart(w, 0xd8, 0, 0), OK);
    assert_int_equal(smart(w, 0xd0, 0, 0), DATA);
    assert_int_equal(smart(w, 0xd5, 1, 0x30), FAILED); /* no such log */
    assert_int_equal(smart(w, 0xd5, 2, 1), FAILED);
    assert_int_equal(smart(w, 0xd4, 0, 0x55), FAILED);
    assert_int_equal(smart(w, 0xd4, 0, 1), OK);
    assert_int_equal(smart(w, 0xd2, 0xf1, 0), OK);
    assert_int_equal(smart(w, 0xd2, 3, 0), FAILED);
    assert_int_equal(smart(w, 0xd6, 1, 0x80), FAILED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(reading_gives_an_interrupt_for_each_sector_and_none_after),
        T(a_count_of_0_means_256),
        T(a_count_of_0_means_65536_in_a_48_bit_command),
        T(writing_gives_an_interrupt_after_each_sector),
        T(multiple_commands_take_blocks_and_a_short_last_one),
        T(set_multiple_refuses_what_is_no_power_of_2_or_too_large),
        T(the_48_bit_commands_move_the_same_sectors),
        T(cylinder_head_and_sector_name_the_same_sectors),
        T(sector_0_and_what_the_geometry_does_not_have_are_not_found),
        T(a_new_geometry_changes_what_addresses_mean),
        T(what_lies_past_the_end_is_not_found_and_nothing_moves),
        T(no_48_bit_address_overflows),
        T(a_sector_that_cannot_be_read_is_named),
        T(a_sector_that_cannot_be_written_is_a_device_fault),
        T(a_read_only_disk_aborts_writes_before_any_data),
        T(flush_cache_flushes_before_it_is_done),
        T(a_flush_that_failed_stays_failed_and_so_do_writes),
        T(without_write_cache_every_write_is_flushed),
        T(identify_tells_sizes_names_and_sums_up_to_0),
        T(large_disks_say_so_in_48_bits_alone),
        T(set_features_is_seen_in_identify),
        T(set_features_refuses_what_is_not_there),
        T(a_soft_reset_reverts_settings_unless_told_not_to),
        T(commands_that_move_nothing_end_well),
        T(unknown_commands_packets_and_nop_are_aborted),
        T(power_modes_are_told_and_sleep_ends_with_a_reset),
        T(smart_pages_sum_up_to_0),
        T(smart_status_is_good_until_a_flush_has_failed),
        T(smart_counts_sectors_that_failed),
        T(smart_needs_its_key_and_can_be_turned_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
