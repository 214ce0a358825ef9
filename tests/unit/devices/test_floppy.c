/* Tests of devices/floppy.c: an 82077AA through its ports, with a DMA controller. */
#include "tests/unit/chipset/rig.h"
#include "tests/unit/devices/memory_disk.h"

#include "chipset/dma.h"
#include "devices/floppy.h"

enum { IPS = 100000000, DOR = 0x3f2, MSR = 0x3f4, FIFO = 0x3f5, DIR = 0x3f7 };
enum { SIZE = 1440 << 10, TARGET = 0x20000, MOTOR_A = 0x1c, MOTOR_B = 0x2d };

struct world {
    struct rig rig;
    struct device *d, *dma;
    struct memory_disk disk[2];
    struct probe irq;
};

static struct world *world_new(uint64_t a, uint64_t b)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    rig_init(&w->rig, IPS);
    w->dma = rig_add(&w->rig, &dma_class);
    w->d = rig_new(&w->rig, &floppy_class);
    floppy_connect(w->d, w->dma);
    memory_disk_init(&w->disk[0], a);
    memory_disk_init(&w->disk[1], b);
    if (a)
        assert_true(floppy_insert(w->d, 0, &w->disk[0].disk, NULL));
    if (b)
        assert_true(floppy_insert(w->d, 1, &w->disk[1].disk, NULL));
    rig_start(w->d);
    rig_watch(&w->rig, w->d, "irq", &w->irq);
    return w;
}

static void world_free(struct world *w)
{
    assert_int_equal(w->disk[0].outside + w->disk[1].outside, 0);
    device_free(w->d);
    device_free(w->dma);
    memory_disk_free(&w->disk[0]);
    memory_disk_free(&w->disk[1]);
    rig_free(&w->rig);
    free(w);
}

static void settle(struct world *w)
{
    rig_run(&w->rig, IPS / 20);
}

static void send(struct world *w, const uint8_t *bytes, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        assert_int_equal(rig_in(&w->rig, MSR) & 0xc0, 0x80);
        rig_out(&w->rig, FIFO, bytes[k]);
    }
}

/* All that the result phase holds; how many bytes that is. */
static unsigned result(struct world *w, uint8_t to[16])
{
    unsigned n = 0;

    while ((rig_in(&w->rig, MSR) & 0xd0) == 0xd0 && n < 16)
        to[n++] = rig_in(&w->rig, FIFO);
    assert_int_equal(rig_in(&w->rig, MSR) & 0xf0, 0x80);
    return n;
}

/* Out of reset, the four interrupts taken, drive A's motor on, 500 kbit/s. */
static void wake(struct world *w)
{
    uint8_t r[16];

    rig_out(&w->rig, DOR, MOTOR_A);
    rig_out(&w->rig, DIR, 0);
    settle(w);
    for (unsigned n = 0; n < 4; n++) {
        send(w, (uint8_t[]){8}, 1);
        assert_int_equal(result(w, r), 2);
        assert_int_equal(r[0], 0xc0 | n);
    }
    send(w, (uint8_t[]){3, 0xdf, 2}, 3); /* DMA mode */
}

static int set_up(void **state)
{
    struct world *w = world_new(SIZE, 0);

    wake(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world_free(*state);
    return 0;
}

/* Channel 2: mode 46h writes memory, 4Ah reads it, 42h verifies. */
static void program_dma(struct world *w, uint8_t mode, unsigned bytes)
{
    rig_out(&w->rig, 0xd6, 0xc0);
    rig_out(&w->rig, 0xd4, 0);
    rig_out(&w->rig, 0x0c, 0);
    rig_out(&w->rig, 0x0b, mode);
    rig_out(&w->rig, 0x04, (uint8_t)TARGET);
    rig_out(&w->rig, 0x04, (uint8_t)(TARGET >> 8));
    rig_out(&w->rig, 0x81, TARGET >> 16);
    rig_out(&w->rig, 0x05, (uint8_t)(bytes - 1));
    rig_out(&w->rig, 0x05, (uint8_t)((bytes - 1) >> 8));
    rig_out(&w->rig, 0x0a, 2);
}

static void seek(struct world *w, uint8_t drive, uint8_t cylinder)
{
    uint8_t r[16];

    send(w, (uint8_t[]){0x0f, drive, cylinder}, 3);
    settle(w);
    send(w, (uint8_t[]){8}, 1);
    assert_int_equal(result(w, r), 2);
    assert_int_equal(r[0], 0x20 | drive);
    assert_int_equal(r[1], cylinder);
}

/* READ DATA or its relatives; the result's ST0 to N in r. */
static void transfer(struct world *w, uint8_t code, uint8_t c, uint8_t h, uint8_t s,
                     uint8_t eot, uint8_t r[16])
{
    const uint8_t bytes[9] = {code, (uint8_t)(h << 2), c, h, s, 2, eot, 0x1b, 0xff};

    send(w, bytes, 9);
    assert_int_equal(rig_in(&w->rig, MSR), 0x10);
    settle(w);
    assert_true(w->irq.level);
    assert_int_equal(result(w, r), 7);
    assert_false(w->irq.level);
}

static void expect(const uint8_t *r, const char *bytes)
{
    assert_memory_equal(r, bytes, 7);
}

static const uint8_t *sector(struct world *w, unsigned c, unsigned h, unsigned s)
{
    return w->disk[0].bytes + ((c * 2 + h) * 18 + s - 1) * 512;
}

/* ---- reset and registers ---- */

static void a_reset_ends_with_an_interrupt_and_four_ready_changes(void **state)
{
    struct world *w = world_new(SIZE, 0);
    uint8_t r[16];
    (void)state;

    assert_int_equal(rig_in(&w->rig, MSR), 0);
    rig_out(&w->rig, FIFO, 0x10); /* deaf while in reset */
    rig_out(&w->rig, DOR, 0x0c);
    assert_int_equal(w->irq.rises, 0);
    settle(w);
    assert_int_equal(w->irq.rises, 1);
    wake(w);
    assert_false(w->irq.level);
    send(w, (uint8_t[]){8}, 1);
    assert_int_equal(result(w, r), 1);
    assert_int_equal(r[0], 0x80); /* nothing more to tell */
    world_free(w);
}

static void the_dma_gate_holds_the_interrupt_back(void **state)
{
    struct world *w = world_new(SIZE, 0);
    (void)state;

    rig_out(&w->rig, DOR, 0x04);
    settle(w);
    assert_int_equal(w->irq.rises, 0);
    rig_out(&w->rig, DOR, 0x0c);
    assert_int_equal(w->irq.rises, 1);
    world_free(w);
}

static void the_data_rate_registers_reset_bit_resets_by_itself(void **state)
{
    struct world *w = *state;
    unsigned before = w->irq.rises;

    send(w, (uint8_t[]){0x0f, 0}, 2); /* half a command */
    rig_out(&w->rig, MSR, 0x80);
    settle(w);
    assert_int_equal(w->irq.rises, before + 1);
    assert_int_equal(rig_in(&w->rig, MSR), 0x80);
}

static void with_polling_disabled_a_reset_is_silent(void **state)
{
    struct world *w = *state;
    unsigned before = w->irq.rises;

    send(w, (uint8_t[]){0x13, 0, 0x17, 0}, 4);
    send(w, (uint8_t[]){0x94}, 1);
    assert_int_equal(rig_in(&w->rig, FIFO), 0x10);
    rig_out(&w->rig, DOR, 0x18);
    rig_out(&w->rig, DOR, 0x1c);
    settle(w);
    assert_int_equal(w->irq.rises, before);
}

static void lock_keeps_the_configuration_through_a_software_reset(void **state)
{
    struct world *w = *state;

    for (unsigned locked = 0; locked < 2; locked++) {
        uint8_t r[16];
        send(w, (uint8_t[]){0x13, 0, 0x48, 7}, 4);
        send(w, (uint8_t[]){locked ? 0x94 : 0x14}, 1);
        assert_int_equal(rig_in(&w->rig, FIFO), locked << 4);
        rig_out(&w->rig, DOR, 0x18);
        rig_out(&w->rig, DOR, 0x1c);
        settle(w);
        send(w, (uint8_t[]){0x0e}, 1);
        assert_int_equal(result(w, r), 10);
        assert_int_equal(r[7] >> 7, locked);
        assert_int_equal(r[8], locked ? 0x48 : 0x20);
        assert_int_equal(r[9], locked ? 7 : 0);
    }
}

static void dumpreg_tells_what_commands_have_set(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    send(w, (uint8_t[]){0x03, 0xa1, 0x0a}, 3);
    send(w, (uint8_t[]){0x12, 0x8c | 3}, 2);
    seek(w, 0, 12);
    send(w, (uint8_t[]){0x0e}, 1);
    assert_int_equal(result(w, r), 10);
    assert_memory_equal(r, "\x0c\0\0\0\xa1\x0a\0\x0f\x20\0", 10);
}

static void version_is_that_of_an_enhanced_controller(void **state)
{
    struct world *w = *state;

    send(w, (uint8_t[]){0x10}, 1);
    assert_int_equal(rig_in(&w->rig, FIFO), 0x90);
}

static void scan_and_unknown_commands_are_invalid(void **state)
{
    static const uint8_t codes[] = {0x11, 0x19, 0x1d, 0x18, 0x1f, 0x00, 0x01, 0x0b};
    struct world *w = *state;
    uint8_t r[16];

    for (unsigned n = 0; n < sizeof codes; n++) {
        send(w, &codes[n], 1);
        assert_int_equal(result(w, r), 1);
        assert_int_equal(r[0], 0x80);
    }
    assert_false(w->irq.level);
}

/* ---- reading and writing ---- */

static void reading_a_sector_moves_it_by_dma(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    seek(w, 0, 5);
    program_dma(w, 0x46, 512);
    transfer(w, 0x46, 5, 0, 7, 18, r);
    expect(r, "\0\0\0\5\0\x08\2");
    assert_memory_equal(w->rig.ram + TARGET, sector(w, 5, 0, 7), 512);
    assert_int_equal(w->rig.ram[TARGET + 512], 0);
}

static void multi_track_reads_both_sides(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    seek(w, 0, 79);
    program_dma(w, 0x46, 36 * 512);
    transfer(w, 0xc6, 79, 0, 1, 18, r);
    expect(r, "\4\0\0\x50\0\1\2"); /* the head is the second one */
    assert_memory_equal(w->rig.ram + TARGET, sector(w, 79, 0, 1), 36 * 512);
}

static void without_terminal_count_the_end_of_the_track_is_an_error(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    program_dma(w, 0x46, 0x10000);
    transfer(w, 0x46, 0, 0, 17, 18, r);
    expect(r, "\x40\x80\0\1\0\1\2");
    assert_memory_equal(w->rig.ram + TARGET, sector(w, 0, 0, 17), 1024);
}

static void terminal_count_inside_a_sector_ends_the_read_there(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    program_dma(w, 0x46, 100);
    transfer(w, 0x46, 0, 0, 2, 18, r);
    expect(r, "\0\0\0\0\0\3\2");
    assert_memory_equal(w->rig.ram + TARGET, sector(w, 0, 0, 2), 100);
    assert_int_equal(w->rig.ram[TARGET + 100], 0);
}

static void writing_a_sector_takes_it_by_dma(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    memset(w->rig.ram + TARGET, 0xb1, 1024);
    seek(w, 0, 40);
    program_dma(w, 0x4a, 1024);
    transfer(w, 0x45, 40, 1, 18, 18, r); /* one sector more than there is */
    expect(r, "\x44\x80\0\x29\1\1\2");
    assert_int_equal(sector(w, 40, 1, 18)[511], 0xb1);
    program_dma(w, 0x4a, 10);
    transfer(w, 0x45, 40, 0, 1, 18, r);
    expect(r, "\0\0\0\x28\0\2\2");
    assert_int_equal(sector(w, 40, 0, 1)[9], 0xb1);
    assert_int_equal(sector(w, 40, 0, 1)[10], 0); /* filled with zeroes */
    assert_int_equal(sector(w, 40, 0, 1)[511], 0);
}

static void what_was_written_is_flushed_when_the_motor_stops(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    rig_out(&w->rig, DOR, 0x0c);
    rig_out(&w->rig, DOR, MOTOR_A);
    assert_int_equal(w->disk[0].flushes, 0);
    program_dma(w, 0x4a, 512);
    transfer(w, 0x45, 0, 0, 1, 18, r);
    rig_out(&w->rig, DOR, 0x0c);
    assert_int_equal(w->disk[0].flushes, 1);
}

static void a_write_protected_disk_says_so(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    w->disk[0].disk.read_only = true;
    program_dma(w, 0x4a, 512);
    transfer(w, 0x45, 0, 0, 1, 18, r);
    expect(r, "\x40\2\0\0\0\1\2");
    send(w, (uint8_t[]){0x4d, 0, 2, 18, 0x54, 0xf6}, 6);
    settle(w);
    assert_int_equal(result(w, r), 7);
    assert_int_equal(r[1], 2);
    send(w, (uint8_t[]){4, 0}, 2);
    assert_int_equal(rig_in(&w->rig, FIFO), 0x78);
    assert_int_equal(w->disk[0].writes, 0);
}

static void a_dma_channel_that_is_masked_is_an_overrun(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    transfer(w, 0x46, 0, 0, 1, 18, r);
    expect(r, "\x40\x10\0\0\0\1\2");
    program_dma(w, 0x4a, 512); /* the wrong way */
    transfer(w, 0x46, 0, 0, 1, 18, r);
    expect(r, "\x40\x10\0\0\0\1\2");
}

static void the_dmas_verify_mode_reads_without_moving(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    program_dma(w, 0x42, 1024);
    transfer(w, 0x46, 0, 0, 1, 18, r);
    expect(r, "\0\0\0\0\0\3\2");
    assert_int_equal(w->rig.ram[TARGET + 9], 0);
}

static void what_is_not_on_the_track_is_not_found(void **state)
{
    static const struct {
        uint8_t c, h, s, eot, st1, st2;
    } rows[] = {
        {3, 0, 1, 18, 4, 0x10}, {0, 0, 19, 36, 4, 0},        {0, 0, 0, 18, 4, 0},
        {0, 0, 255, 18, 4, 0},  {255, 1, 255, 255, 4, 0x10},
    };
    struct world *w = *state;
    uint8_t r[16];

    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        program_dma(w, 0x46, 512);
        transfer(w, 0x46, rows[n].c, rows[n].h, rows[n].s, rows[n].eot, r);
        assert_int_equal(r[0] & 0xc0, 0x40);
        assert_int_equal(r[1], rows[n].st1);
        assert_int_equal(r[2], rows[n].st2);
    }
    send(w, (uint8_t[]){0x46, 0, 0, 0, 1, 3, 18, 0x1b, 0xff}, 9); /* 1024 bytes */
    settle(w);
    result(w, r);
    expect(r, "\x40\4\0\0\0\1\3");
    send(w, (uint8_t[]){0x46, 0, 0, 1, 1, 2, 18, 0x1b, 0xff}, 9); /* another head */
    settle(w);
    result(w, r);
    expect(r, "\x40\4\0\0\1\1\2");
}

static void the_wrong_rate_or_encoding_finds_no_address_mark(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    rig_out(&w->rig, DIR, 2);
    transfer(w, 0x46, 0, 0, 1, 18, r);
    assert_int_equal(r[1], 1);
    rig_out(&w->rig, DIR, 0);
    transfer(w, 0x06, 0, 0, 1, 18, r);
    assert_int_equal(r[1], 1);
    program_dma(w, 0x46, 512);
    transfer(w, 0x46, 0, 0, 1, 18, r);
    assert_int_equal(r[1], 0);
}

static void without_motor_medium_or_drive_a_command_ends_in_the_end(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    rig_out(&w->rig, DOR, 0x0c);
    transfer(w, 0x46, 0, 0, 1, 18, r);
    expect(r, "\x40\1\0\0\0\1\2");
    rig_out(&w->rig, DOR, 0xfc);
    assert_true(floppy_insert(w->d, 0, NULL, NULL));
    transfer(w, 0x46, 0, 0, 1, 18, r);
    assert_int_equal(r[1], 1);
    send(w, (uint8_t[]){0x4a, 3}, 2);
    settle(w);
    result(w, r);
    assert_int_equal(r[0], 0x43);
}

static void a_sector_that_the_host_cannot_read_is_a_data_error(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    w->disk[0].bad_from = 512;
    w->disk[0].bad_to = 1024;
    program_dma(w, 0x46, 2048);
    transfer(w, 0x46, 0, 0, 1, 18, r);
    expect(r, "\x40\x20\x20\0\0\2\2");
    program_dma(w, 0x4a, 512);
    transfer(w, 0x45, 0, 0, 2, 18, r);
    expect(r, "\x40\x20\x20\0\0\2\2");
}

static void read_track_begins_with_sector_1(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    program_dma(w, 0x46, 1024);
    transfer(w, 0x42, 0, 0, 9, 18, r);
    assert_int_equal(r[0], 0);
    assert_memory_equal(w->rig.ram + TARGET, sector(w, 0, 0, 1), 1024);
}

static void verify_needs_no_dma(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    transfer(w, 0x56, 0, 0, 1, 18, r);
    expect(r, "\0\0\0\1\0\1\2");
    send(w, (uint8_t[]){0x56, 0x80, 0, 0, 1, 2, 18, 0x1b, 3}, 9); /* three sectors */
    settle(w);
    result(w, r);
    expect(r, "\0\0\0\0\0\4\2");
    w->disk[0].bad_to = 512;
    transfer(w, 0x56, 0, 0, 1, 18, r);
    assert_int_equal(r[1], 0x20);
}

static void read_deleted_meets_ordinary_sectors(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    program_dma(w, 0x46, 2048);
    transfer(w, 0x4c, 0, 0, 1, 18, r);
    expect(r, "\0\0\x40\0\0\2\2");
    assert_memory_equal(w->rig.ram + TARGET, sector(w, 0, 0, 1), 512);
    transfer(w, 0x6c, 0, 0, 1, 18, r); /* skips them all */
    expect(r, "\x40\x80\0\1\0\1\2");
}

static void read_id_sees_one_sector_after_the_other(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    seek(w, 0, 33);
    for (unsigned n = 1; n <= 19; n++) {
        send(w, (uint8_t[]){0x4a, 4}, 2);
        settle(w);
        assert_int_equal(result(w, r), 7);
        assert_memory_equal(r, "\4\0\0\x21\1", 5);
        assert_int_equal(r[5], n > 18 ? 1 : n);
        assert_int_equal(r[6], 2);
    }
}

static void formatting_fills_the_sectors_that_are_named(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    for (unsigned n = 0; n < 18; n++) {
        const uint8_t id[4] = {2, 1, (uint8_t)(18 - n), 2};
        memcpy(w->rig.ram + TARGET + 4 * n, id, 4);
    }
    seek(w, 0, 2);
    program_dma(w, 0x4a, 72);
    send(w, (uint8_t[]){0x4d, 4, 2, 18, 0x54, 0xf6}, 6);
    settle(w);
    assert_int_equal(result(w, r), 7);
    assert_int_equal(r[0], 4);
    for (unsigned n = 0; n < 18 * 512; n++)
        assert_int_equal(sector(w, 2, 1, 1)[n], 0xf6);
    assert_int_not_equal(sector(w, 2, 0, 18)[511], 0xf6);
    assert_int_not_equal(sector(w, 3, 0, 1)[9], 0xf6);
}

static void a_format_that_the_image_cannot_hold_is_refused(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    for (unsigned n = 0; n < 4; n++) {
        static const uint8_t ids[4][4] = {
            {1, 0, 1, 2}, {0, 1, 1, 2}, {0, 0, 19, 2}, {0, 0, 1, 3}};
        memcpy(w->rig.ram + TARGET, ids[n], 4);
        program_dma(w, 0x4a, 72);
        send(w, (uint8_t[]){0x4d, 0, 2, 18, 0x54, 0xf6}, 6);
        settle(w);
        assert_int_equal(result(w, r), 7);
        assert_int_equal(r[0], 0x40);
    }
    assert_int_equal(w->disk[0].writes, 0);
}

/* ---- without DMA ---- */

static void without_dma_the_fifo_moves_the_bytes(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    send(w, (uint8_t[]){3, 0xdf, 3}, 3);
    send(w, (uint8_t[]){0x46, 0, 0, 0, 17, 2, 18, 0x1b, 0xff}, 9);
    for (unsigned s = 17; s <= 18; s++) {
        settle(w);
        assert_true(w->irq.level);
        for (unsigned n = 0; n < 512; n++) {
            assert_int_equal(rig_in(&w->rig, MSR), 0xf0);
            assert_int_equal(rig_in(&w->rig, FIFO), sector(w, 0, 0, s)[n]);
        }
        if (s == 17)
            assert_int_equal(rig_in(&w->rig, MSR), 0x10);
    }
    assert_int_equal(result(w, r), 7);
    expect(r, "\x40\x80\0\1\0\1\2"); /* nobody gives terminal count */
    send(w, (uint8_t[]){0x45, 0, 0, 0, 18, 2, 18, 0x1b, 0xff}, 9);
    settle(w);
    for (unsigned n = 0; n < 512; n++) {
        assert_int_equal(rig_in(&w->rig, MSR), 0xb0);
        rig_out(&w->rig, FIFO, 0x66);
    }
    assert_int_equal(result(w, r), 7);
    assert_int_equal(sector(w, 0, 0, 18)[511], 0x66);
}

static void the_medium_can_go_in_the_middle_of_a_write(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    send(w, (uint8_t[]){3, 0xdf, 3}, 3);
    send(w, (uint8_t[]){0x45, 0, 0, 0, 18, 2, 18, 0x1b, 0xff}, 9);
    settle(w);
    assert_true(floppy_insert(w->d, 0, NULL, NULL));
    for (unsigned n = 0; n < 512; n++)
        rig_out(&w->rig, FIFO, 0x66);
    assert_int_equal(result(w, r), 7);
    assert_int_equal(r[1], 1);
    assert_int_equal(w->disk[0].writes, 0);
}

/* ---- seeking ---- */

static void recalibrate_goes_to_cylinder_0(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    seek(w, 0, 60);
    send(w, (uint8_t[]){7, 0}, 2);
    assert_int_equal(rig_in(&w->rig, MSR), 0x81);
    settle(w);
    assert_int_equal(rig_in(&w->rig, MSR), 0x80);
    send(w, (uint8_t[]){8}, 1);
    result(w, r);
    assert_memory_equal(r, "\x20\0", 2);
    send(w, (uint8_t[]){4, 0}, 2);
    assert_int_equal(rig_in(&w->rig, FIFO), 0x38);
}

static void a_drive_that_is_not_there_never_reports_track_0(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    send(w, (uint8_t[]){7, 1}, 2);
    settle(w);
    send(w, (uint8_t[]){8}, 1);
    result(w, r);
    assert_memory_equal(r, "\x71\0", 2);
    send(w, (uint8_t[]){4, 1}, 2);
    assert_int_equal(rig_in(&w->rig, FIFO), 0x29);
}

static void relative_seeks_step_both_ways_and_stop_at_the_ends(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    seek(w, 0, 10);
    send(w, (uint8_t[]){0xcf, 0, 5}, 3); /* inwards */
    settle(w);
    send(w, (uint8_t[]){8}, 1);
    result(w, r);
    assert_memory_equal(r, "\x20\x0f", 2);
    send(w, (uint8_t[]){0x8f, 0, 200}, 3);
    settle(w);
    send(w, (uint8_t[]){8}, 1);
    result(w, r);
    send(w, (uint8_t[]){4, 0}, 2);
    assert_int_equal(rig_in(&w->rig, FIFO), 0x38);
}

static void two_seeks_at_once_report_one_after_the_other(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    send(w, (uint8_t[]){0x0f, 0, 20}, 3);
    send(w, (uint8_t[]){0x0f, 1, 30}, 3);
    assert_int_equal(rig_in(&w->rig, MSR), 0x83);
    settle(w);
    send(w, (uint8_t[]){8}, 1);
    result(w, r);
    assert_memory_equal(r, "\x20\x14", 2);
    assert_true(w->irq.level);
    send(w, (uint8_t[]){8}, 1);
    result(w, r);
    assert_memory_equal(r, "\x21\x1e", 2);
    assert_false(w->irq.level);
}

static void implied_seeks_go_to_the_commands_cylinder(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    send(w, (uint8_t[]){0x13, 0, 0x47, 0}, 4);
    program_dma(w, 0x46, 512);
    transfer(w, 0x46, 44, 0, 3, 18, r);
    expect(r, "\0\0\0\x2c\0\4\2");
    assert_memory_equal(w->rig.ram + TARGET, sector(w, 44, 0, 3), 512);
}

/* ---- media ---- */

static void the_change_line_drops_with_a_step_while_a_disk_is_in(void **state)
{
    struct world *w = *state;

    assert_int_equal(rig_in(&w->rig, DIR), 0x80);
    seek(w, 0, 1);
    assert_int_equal(rig_in(&w->rig, DIR), 0);
    assert_true(floppy_insert(w->d, 0, NULL, NULL));
    assert_int_equal(rig_in(&w->rig, DIR), 0x80);
    seek(w, 0, 2);
    assert_int_equal(rig_in(&w->rig, DIR), 0x80);
    assert_true(floppy_insert(w->d, 0, &w->disk[0].disk, NULL));
    seek(w, 0, 2); /* no step */
    assert_int_equal(rig_in(&w->rig, DIR), 0x80);
    seek(w, 0, 1);
    assert_int_equal(rig_in(&w->rig, DIR), 0);
}

static void every_format_has_its_drive_type_and_reads(void **state)
{
    static const struct {
        unsigned kib, cylinders, heads, sectors, rate, type;
    } rows[] = {{160, 40, 1, 8, 2, 1},   {180, 40, 1, 9, 2, 1},
                {320, 40, 2, 8, 2, 1},   {360, 40, 2, 9, 2, 1},
                {720, 80, 2, 9, 2, 4},   {1200, 80, 2, 15, 0, 2},
                {1440, 80, 2, 18, 0, 4}, {1680, 80, 2, 21, 0, 4},
                {1722, 82, 2, 21, 0, 4}, {2880, 80, 2, 36, 3, 5}};
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        struct world *w = world_new(rows[n].kib << 10, 0);
        unsigned last = rows[n].kib * 2 - 1, h = rows[n].heads - 1;
        uint8_t r[16];

        assert_int_equal(floppy_cmos_type(w->d, 0), rows[n].type);
        assert_int_equal(floppy_cmos_type(w->d, 1), 0);
        wake(w);
        rig_out(&w->rig, DIR, (uint8_t)rows[n].rate);
        seek(w, 0, (uint8_t)(rows[n].cylinders - 1));
        program_dma(w, 0x46, 512);
        transfer(w, 0x46, (uint8_t)(rows[n].cylinders - 1), (uint8_t)h,
                 (uint8_t)rows[n].sectors, (uint8_t)rows[n].sectors, r);
        assert_int_equal(r[0], h << 2);
        assert_memory_equal(w->rig.ram + TARGET, w->disk[0].bytes + 512ul * last, 512);
        world_free(w);
    }
}

static void a_360k_disk_in_a_high_density_drive_takes_two_steps_a_cylinder(void **state)
{
    struct world *w = world_new(1200 << 10, 0);
    struct memory_disk small;
    uint8_t r[16];
    (void)state;

    memory_disk_init(&small, 360 << 10);
    wake(w);
    assert_true(floppy_insert(w->d, 0, &small.disk, NULL));
    rig_out(&w->rig, DIR, 1);
    seek(w, 0, 20);
    program_dma(w, 0x46, 512);
    transfer(w, 0x46, 10, 0, 1, 9, r);
    assert_int_equal(r[0], 0);
    assert_memory_equal(w->rig.ram + TARGET, small.bytes + 10 * 2 * 9 * 512, 512);
    world_free(w);
    memory_disk_free(&small);
}

/* Rescue disks come as such files. */
static void a_short_image_is_the_beginning_of_a_disk(void **state)
{
    struct world *w = world_new(1000000, 0);
    uint8_t r[16];
    (void)state;

    wake(w);
    seek(w, 0, 0);
    program_dma(w, 0x46, 512);
    transfer(w, 0x46, 0, 0, 1, 1, r);
    assert_memory_equal(w->rig.ram + TARGET, w->disk[0].bytes, 512);
    memset(w->rig.ram + TARGET, 0x55, 512);
    seek(w, 0, 79);
    program_dma(w, 0x46, 512);
    transfer(w, 0x46, 79, 1, 18, 18, r);
    for (unsigned n = 0; n < 512; n++)
        assert_int_equal(w->rig.ram[TARGET + n], 0);
    world_free(w);
}

static void no_floppy_is_empty_or_larger_than_all(void **state)
{
    struct world *w = *state;
    struct error e = {""};

    w->disk[1].disk.size = 3000000;
    w->disk[1].disk.name = "odd.img";
    assert_false(floppy_insert(w->d, 0, &w->disk[1].disk, &e));
    assert_non_null(strstr(e.text, "odd.img"));
    assert_false(floppy_insert(w->d, 1, &w->disk[0].disk, &e)); /* no such drive */
    assert_false(floppy_insert(w->d, 2, &w->disk[0].disk, &e));
}

static void the_second_drive_reads_its_own_disk(void **state)
{
    struct world *w = world_new(SIZE, 720 << 10);
    uint8_t r[16];
    (void)state;

    wake(w);
    rig_out(&w->rig, DOR, MOTOR_B);
    rig_out(&w->rig, DIR, 2);
    seek(w, 1, 7);
    program_dma(w, 0x46, 512);
    send(w, (uint8_t[]){0x46, 5, 7, 1, 4, 2, 9, 0x1b, 0xff}, 9);
    settle(w);
    assert_int_equal(result(w, r), 7);
    expect(r, "\5\0\0\7\1\5\2");
    assert_memory_equal(w->rig.ram + TARGET, w->disk[1].bytes + (15 * 9 + 3) * 512,
                        512);
    world_free(w);
}

static void a_command_goes_on_after_restore(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    program_dma(w, 0x46, 4096);
    send(w, (uint8_t[]){0x46, 0, 0, 0}, 4);
    rig_transfer(w->d, w->d);
    send(w, (uint8_t[]){1, 2, 18, 0x1b, 0xff}, 5);
    rig_run(&w->rig, IPS / 4000); /* one or two sectors */
    rig_transfer(w->d, w->d);
    settle(w);
    assert_int_equal(result(w, r), 7);
    assert_int_equal(r[0], 0);
    assert_memory_equal(w->rig.ram + TARGET, sector(w, 0, 0, 1), 4096);
}

/* The class of CVE-2015-3456: more bytes than any command takes. */
static void no_number_of_bytes_overruns_the_fifo(void **state)
{
    struct world *w = *state;
    uint8_t r[16];

    for (unsigned code = 0; code < 256; code++) {
        for (unsigned n = 0; n < 3000; n++)
            rig_out(&w->rig, FIFO, (uint8_t)(n ? 0x8e : code));
        for (unsigned n = 0; n < 100; n++)
            rig_in(&w->rig, FIFO);
        settle(w);
        rig_out(&w->rig, DOR, 0x18);
        rig_out(&w->rig, DOR, MOTOR_A);
        settle(w);
    }
    send(w, (uint8_t[]){0x10}, 1);
    assert_int_equal(result(w, r), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_ends_with_an_interrupt_and_four_ready_changes),
        cmocka_unit_test(the_dma_gate_holds_the_interrupt_back),
        T(the_data_rate_registers_reset_bit_resets_by_itself),
        T(with_polling_disabled_a_reset_is_silent),
        T(lock_keeps_the_configuration_through_a_software_reset),
        T(dumpreg_tells_what_commands_have_set),
        T(version_is_that_of_an_enhanced_controller),
        T(scan_and_unknown_commands_are_invalid),
        T(reading_a_sector_moves_it_by_dma),
        T(multi_track_reads_both_sides),
        T(without_terminal_count_the_end_of_the_track_is_an_error),
        T(terminal_count_inside_a_sector_ends_the_read_there),
        T(writing_a_sector_takes_it_by_dma),
        T(what_was_written_is_flushed_when_the_motor_stops),
        T(a_write_protected_disk_says_so),
        T(a_dma_channel_that_is_masked_is_an_overrun),
        T(the_dmas_verify_mode_reads_without_moving),
        T(what_is_not_on_the_track_is_not_found),
        T(the_wrong_rate_or_encoding_finds_no_address_mark),
        T(without_motor_medium_or_drive_a_command_ends_in_the_end),
        T(a_sector_that_the_host_cannot_read_is_a_data_error),
        T(read_track_begins_with_sector_1),
        T(verify_needs_no_dma),
        T(read_deleted_meets_ordinary_sectors),
        T(read_id_sees_one_sector_after_the_other),
        T(formatting_fills_the_sectors_that_are_named),
        T(a_format_that_the_image_cannot_hold_is_refused),
        T(without_dma_the_fifo_moves_the_bytes),
        T(the_medium_can_go_in_the_middle_of_a_write),
        T(recalibrate_goes_to_cylinder_0),
        T(a_drive_that_is_not_there_never_reports_track_0),
        T(relative_seeks_step_both_ways_and_stop_at_the_ends),
        T(two_seeks_at_once_report_one_after_the_other),
        T(implied_seeks_go_to_the_commands_cylinder),
        T(the_change_line_drops_with_a_step_while_a_disk_is_in),
        cmocka_unit_test(every_format_has_its_drive_type_and_reads),
        cmocka_unit_test(
            a_360k_disk_in_a_high_density_drive_takes_two_steps_a_cylinder),
        cmocka_unit_test(a_short_image_is_the_beginning_of_a_disk),
        T(no_floppy_is_empty_or_larger_than_all),
        cmocka_unit_test(the_second_drive_reads_its_own_disk),
        T(a_command_goes_on_after_restore),
        T(no_number_of_bytes_overruns_the_fifo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
