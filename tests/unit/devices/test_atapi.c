/* Tests of devices/atapi.c and atapi_reply.c: packets, the medium, its changes. */
#include "tests/unit/devices/ide_world.h"

enum { BLOCKS = 300, SIZE = BLOCKS * 2048 };
enum { GOOD = 0x50, DATA = 0x58, CHECK = 0x51 };

struct sense {
    uint8_t key, asc, ascq;
};

/* A CD-ROM as drive 0, its power-on attention taken. */
static int set_up(void **state)
{
    struct ide_world *w = ide_world_new();

    memory_disk_init(&w->disk[0], SIZE);
    w->disk[0].disk.read_only = true;
    memory_disk_init(&w->disk[1], SIZE / 2);
    ide_plug(w->d, 0, IDE_CDROM, &w->disk[0].disk, NULL);
    ide_world_start(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(w->disk[0].outside + w->disk[1].outside, 0);
    ide_world_free(w);
    return 0;
}

static unsigned byte_count(struct ide_world *w)
{
    return rig_in(&w->rig, IDE_MID) | (unsigned)rig_in(&w->rig, IDE_HIGH) << 8;
}

static uint8_t reason(struct ide_world *w)
{
    return rig_in(&w->rig, IDE_COUNT);
}

/* Sends a packet; the Status that follows. */
static uint8_t packet(struct ide_world *w, const uint8_t cdb[12], bool dma,
                      unsigned limit)
{
    ide_registers(w, dma, 0, (uint64_t)limit << 8, 0xa0);
    rig_out(&w->rig, IDE_STATUS, 0xa0);
    ide_wait(w);
    if (rig_in(&w->rig, IDE_CONTROL) != DATA)
        return rig_in(&w->rig, IDE_STATUS);
    assert_int_equal(reason(w), 1);
    ide_write_data(w, cdb, 12);
    ide_wait(w);
    return rig_in(&w->rig, IDE_STATUS);
}

/* Takes all blocks of an answer; how many bytes came. The Status is left in *end. */
static unsigned take(struct ide_world *w, uint8_t *to, unsigned room, uint8_t *end)
{
    unsigned got = 0;

    for (;;) {
        unsigned n;
        ide_wait(w);
        *end = rig_in(&w->rig, IDE_STATUS);
        if (!(*end & 8))
            return got;
        assert_int_equal(reason(w), 2);
        n = byte_count(w);
        assert_true(n && got + n <= room);
        for (unsigned k = 0; k < n; k += 2) {
            uint16_t v = (uint16_t)rig_io(&w->rig.ports, IDE_DATA, 2, false, 0);
            to[got + k] = (uint8_t)v;
            if (k + 1 < n)
                to[got + k + 1] = (uint8_t)(v >> 8);
        }
        got += n;
    }
}

/* A packet that answers with data, by PIO; -1 when it ended in an error. */
static int ask(struct ide_world *w, const uint8_t cdb[12], uint8_t *to, unsigned room)
{
    uint8_t end = packet(w, cdb, false, 0xfffe);
    unsigned n = 0;

    if (end & 8)
        n = take(w, to, room, &end);
    assert_int_equal(reason(w), 3);
    return end == GOOD ? (int)n : -1;
}

static uint8_t simple(struct ide_world *w, uint8_t opcode, uint8_t byte4)
{
    const uint8_t cdb[12] = {opcode, 0, 0, 0, byte4};
    return packet(w, cdb, false, 0xfffe);
}

static struct sense sense(struct ide_world *w)
{
    const uint8_t cdb[12] = {0x03, 0, 0, 0, 18};
    uint8_t data[18];

    assert_int_equal(ask(w, cdb, data, sizeof data), 18);
    assert_int_equal(data[0], 0x70);
    return (struct sense){data[2], data[12], data[13]};
}

static void expect_sense(struct ide_world *w, uint8_t key, uint8_t asc, uint8_t ascq)
{
    struct sense s = sense(w);
    if (s.key != key || s.asc != asc || s.ascq != ascq)
        fail_msg("sense is %x/%02x/%02x, not %x/%02x/%02x", s.key, s.asc, s.ascq, key,
                 asc, ascq);
}

/* After the unit attention of power-on. */
static void settle(struct ide_world *w)
{
    assert_int_equal(simple(w, 0x00, 0), CHECK);
    assert_int_equal(simple(w, 0x00, 0), GOOD);
}

static void read_10(uint8_t cdb[12], uint32_t lba, unsigned n)
{
    const uint8_t bytes[12] = {0x28,
                               0,
                               (uint8_t)(lba >> 24),
                               (uint8_t)(lba >> 16),
                               (uint8_t)(lba >> 8),
                               (uint8_t)lba,
                               0,
                               (uint8_t)(n >> 8),
                               (uint8_t)n};
    memcpy(cdb, bytes, 12);
}

/* ---- ATA side ---- */

static void
it_shows_the_packet_signature_and_refuses_disk_commands_with_it(void **state)
{
    struct ide_world *w = *state;

    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0);
    assert_int_equal(byte_count(w), 0xeb14);
    for (unsigned n = 0; n < 2; n++) {
        assert_int_equal(ide_command(w, n ? 0x20 : 0xec, 0, 9, 0x123456), CHECK);
        assert_int_equal(rig_in(&w->rig, IDE_ERROR), 4);
        assert_int_equal(byte_count(w), 0xeb14);
        assert_int_equal(reason(w), 1);
    }
}

static void identify_packet_device_says_what_it_is(void **state)
{
    struct ide_world *w = *state;
    uint8_t id[512];

    assert_int_equal(ide_command(w, 0xa1, 0, 0, 0), DATA);
    ide_read_data(w, id, 512);
    assert_int_equal(load16(id), 0x85c0);
    assert_memory_equal(id + 54, "EMUNARC -DOR", 12);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), GOOD);
}

static void device_reset_is_taken_while_busy(void **state)
{
    struct ide_world *w = *state;

    ide_registers(w, 0, 0, 0xfffe00, 0xa0);
    rig_out(&w->rig, IDE_STATUS, 0xa0);
    rig_out(&w->rig, IDE_STATUS, 0x08);
    ide_wait(w);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), 0);
    assert_int_equal(byte_count(w), 0xeb14);
    assert_int_equal(w->irq.rises, 0);
}

static void other_commands_are_aborted(void **state)
{
    static const uint8_t commands[] = {0x00, 0x30, 0xc8, 0xe7, 0x91};
    struct ide_world *w = *state;

    for (unsigned n = 0; n < sizeof commands; n++) {
        assert_int_equal(ide_command(w, commands[n], 0, 1, 0), CHECK);
        assert_int_equal(rig_in(&w->rig, IDE_ERROR), 4);
    }
    assert_int_equal(ide_command(w, 0xef, 0x03, 0x22, 0), GOOD);
    assert_int_equal(ide_command(w, 0xe1, 0, 0, 0), GOOD);
}

/* ---- attention and sense ---- */

static void power_on_is_told_once_and_inquiry_does_not_take_it(void **state)
{
    struct ide_world *w = *state;
    const uint8_t inquiry[12] = {0x12, 0, 0, 0, 36};
    uint8_t data[36];

    assert_int_equal(ask(w, inquiry, data, sizeof data), 36);
    assert_int_equal(data[0], 5);
    assert_int_equal(data[1], 0x80);
    assert_memory_equal(data + 8, "MENURA  ", 8);
    assert_int_equal(simple(w, 0x00, 0), CHECK);
    assert_int_equal(rig_in(&w->rig, IDE_ERROR), 0x60);
    expect_sense(w, 6, 0x29, 0);
    expect_sense(w, 0, 0, 0);
    assert_int_equal(simple(w, 0x00, 0), GOOD);
}

static void sense_alone_takes_a_pending_attention(void **state)
{
    struct ide_world *w = *state;

    expect_sense(w, 6, 0x29, 0);
    assert_int_equal(simple(w, 0x00, 0), GOOD);
}

static void unknown_packets_are_illegal_requests(void **state)
{
    struct ide_world *w = *state;

    settle(w);
    assert_int_equal(simple(w, 0xfe, 0), CHECK);
    assert_int_equal(rig_in(&w->rig, IDE_ERROR), 0x50);
    expect_sense(w, 5, 0x20, 0);
}

/* ---- reading ---- */

static void reading_by_pio_keeps_to_the_byte_count_limit(void **state)
{
    static const unsigned limits[] = {2048, 2049, 2, 65534, 65535, 4096, 3000, 512};
    struct ide_world *w = *state;
    static uint8_t got[5 * 2048];
    uint8_t cdb[12], end;

    settle(w);
    read_10(cdb, 17, 5);
    for (unsigned n = 0; n < ARRAY_SIZE(limits); n++) {
        memset(got, 0, sizeof got);
        assert_int_equal(packet(w, cdb, false, limits[n]), DATA);
        assert_true(byte_count(w) <= limits[n] && byte_count(w) % 2 == 0);
        assert_int_equal(take(w, got, sizeof got, &end), sizeof got);
        assert_int_equal(end, GOOD);
        assert_int_equal(reason(w), 3);
        assert_memory_equal(got, w->disk[0].bytes + 17 * 2048, sizeof got);
    }
}

static void every_block_and_the_end_have_an_interrupt(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[3 * 2048], cdb[12], end;
    unsigned before;

    settle(w);
    before = w->irq.rises;
    read_10(cdb, 0, 3);
    packet(w, cdb, false, 2048);
    take(w, got, sizeof got, &end);
    assert_int_equal(w->irq.rises - before, 4);
}

static void a_byte_count_limit_of_0_or_1_aborts_what_would_send(void **state)
{
    struct ide_world *w = *state;
    uint8_t cdb[12];

    settle(w);
    read_10(cdb, 0, 1);
    for (unsigned limit = 0; limit < 2; limit++) {
        assert_int_equal(packet(w, cdb, false, limit), CHECK);
        assert_int_equal(rig_in(&w->rig, IDE_ERROR), 4);
    }
    assert_int_equal(simple(w, 0x00, 0), GOOD); /* sends nothing */
    memset(cdb, 0, 12);
    assert_int_equal(packet(w, cdb, false, 0), GOOD);
}

static void reading_by_dma_gives_one_interrupt(void **state)
{
    struct ide_world *w = *state;
    uint8_t cdb[12];
    unsigned before;

    settle(w);
    before = w->irq.rises;
    read_10(cdb, 3, 200);
    ide_master_start(w, 200 * 2048);
    assert_int_equal(packet(w, cdb, true, 0), GOOD);
    assert_int_equal(w->irq.rises - before, 1);
    assert_memory_equal(w->memory.bytes, w->disk[0].bytes + 3 * 2048, 200 * 2048);
    assert_int_equal(reason(w), 3);
}

static void answers_too_can_come_by_dma(void **state)
{
    struct ide_world *w = *state;
    const uint8_t capacity[12] = {0x25};

    settle(w);
    ide_master_start(w, 8);
    assert_int_equal(packet(w, capacity, true, 0), GOOD);
    assert_memory_equal(w->memory.bytes, "\0\0\1\x2b\0\0\x08\0", 8);
}

static void the_read_commands_read_the_same_sectors(void **state)
{
    static const uint8_t cdbs[][12] = {
        {0x08, 0, 0, 9, 2},
        {0x28, 0, 0, 0, 0, 9, 0, 0, 2},
        {0xa8, 0, 0, 0, 0, 9, 0, 0, 0, 2},
        {0xbe, 0, 0, 0, 0, 9, 0, 0, 2, 0x10},
        {0xbe, 8, 0, 0, 0, 9, 0, 0, 2, 0x10},
        {0xb9, 0, 0, 0, 2, 9, 0, 2, 11, 0x10},
    };
    struct ide_world *w = *state;
    uint8_t got[2 * 2048];

    settle(w);
    for (unsigned n = 0; n < ARRAY_SIZE(cdbs); n++) {
        memset(got, 0, sizeof got);
        assert_int_equal(ask(w, cdbs[n], got, sizeof got), sizeof got);
        assert_memory_equal(got, w->disk[0].bytes + 9 * 2048, sizeof got);
    }
}

static void reading_nothing_is_no_error(void **state)
{
    static const uint8_t cdbs[][12] = {
        {0x28, 0, 0, 0, 0, 9}, {0xa8}, {0xbe, 0, 0, 0, 0, 9, 0, 0, 2, 0}};
    struct ide_world *w = *state;
    uint8_t got[16];

    settle(w);
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(ask(w, cdbs[n], got, sizeof got), 0);
    assert_int_equal(w->disk[0].reads, 0);
}

static void no_address_or_length_reaches_past_the_medium(void **state)
{
    static const uint8_t cdbs[][12] = {
        {0x28, 0, 0, 0, 1, 0x2c, 0, 0, 1},
        {0x28, 0, 0, 0, 1, 0x2b, 0, 0, 2},
        {0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff},
        {0x28, 0, 0x80, 0, 0, 0, 0, 0, 1},
        {0xa8, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff},
        {0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        {0xbe, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10},
        {0x08, 0x1f, 0xff, 0xff, 0},
        {0xb9, 0, 0, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0x10},
        {0x2b, 0, 0, 0, 1, 0x2c},
        {0x2f, 0, 0, 0, 1, 0x2b, 0, 0, 2},
    };
    struct ide_world *w = *state;

    settle(w);
    for (unsigned n = 0; n < ARRAY_SIZE(cdbs); n++) {
        assert_int_equal(packet(w, cdbs[n], false, 2048), CHECK);
        expect_sense(w, 5, 0x21, 0);
    }
    assert_int_equal(w->disk[0].reads, 0);
}

static void what_is_not_on_the_medium_is_refused(void **state)
{
    static const uint8_t cdbs[][12] = {
        {0xbe, 0, 0, 0, 0, 9, 0, 0, 2, 0xf8},    /* raw sectors */
        {0xbe, 0, 0, 0, 0, 9, 0, 0, 2, 0x10, 1}, /* subchannel */
        {0xb9, 0, 0, 0, 0, 9, 0, 2, 11, 0x10},   /* before the first sector */
        {0x43, 0, 5, 0, 0, 0, 0, 0, 99},         /* CD-TEXT */
        {0x43, 0, 0, 0, 0, 0, 2, 0, 99},         /* track 2 */
        {0x46, 3, 0, 0, 0, 0, 0, 0, 99},
        {0x4a, 0, 0, 0, 16, 0, 0, 0, 8},    /* asynchronous */
        {0x5a, 0, 0x05, 0, 0, 0, 0, 0, 99}, /* write parameters */
        {0x12, 1, 0x80, 0, 36},
    };
    struct ide_world *w = *state;

    settle(w);
    for (unsigned n = 0; n < ARRAY_SIZE(cdbs); n++) {
        assert_int_equal(packet(w, cdbs[n], false, 0xfffe), CHECK);
        expect_sense(w, 5, 0x24, 0);
    }
}

static void an_unreadable_sector_is_a_medium_error(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[4 * 2048], cdb[12], end;

    settle(w);
    w->disk[0].bad_from = 11 * 2048;
    w->disk[0].bad_to = 12 * 2048;
    read_10(cdb, 10, 4);
    assert_int_equal(packet(w, cdb, false, 2048), DATA);
    assert_int_equal(take(w, got, sizeof got, &end), 2048);
    assert_int_equal(end, CHECK);
    expect_sense(w, 3, 0x11, 0);
}

/* ---- answers ---- */

static void capacity_is_the_last_sector_and_2048(void **state)
{
    struct ide_world *w = *state;
    const uint8_t cdb[12] = {0x25};
    uint8_t got[8];

    settle(w);
    assert_int_equal(ask(w, cdb, got, 8), 8);
    assert_memory_equal(got, "\0\0\1\x2b\0\0\x08\0", 8);
}

static void answers_are_cut_by_the_allocation_length(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[36];

    for (unsigned n = 0; n < 36; n++) {
        const uint8_t cdb[12] = {0x12, 0, 0, 0, (uint8_t)n};
        assert_int_equal(ask(w, cdb, got, sizeof got), n);
    }
}

static void a_small_limit_cuts_an_answer_into_blocks(void **state)
{
    struct ide_world *w = *state;
    const uint8_t cdb[12] = {0x12, 0, 0, 0, 35};
    uint8_t got[36], end;

    assert_int_equal(packet(w, cdb, false, 4), DATA);
    assert_int_equal(byte_count(w), 4);
    assert_int_equal(take(w, got, sizeof got, &end), 35);
    assert_memory_equal(got + 8, "MENURA  CD-ROM", 14);
}

static void the_table_of_contents_has_one_data_track(void **state)
{
    static const struct {
        uint8_t cdb[12];
        int n;
        const char *bytes;
    } rows[] = {
        {{0x43, 0, 0, 0, 0, 0, 0, 0, 99},
         20,
         "\0\x12\1\1\0\x14\1\0\0\0\0\0\0\x14\xaa\0\0\0\1\x2c"},
        {{0x43, 2, 0, 0, 0, 0, 1, 0, 99},
         20,
         "\0\x12\1\1\0\x14\1\0\0\0\2\0\0\x14\xaa\0\0\0\6\0"},
        {{0x43, 0, 0, 0, 0, 0, 0xaa, 0, 99}, 12, "\0\x0a\1\1\0\x14\xaa\0\0\0\1\x2c"},
        {{0x43, 0, 1, 0, 0, 0, 0, 0, 99}, 12, "\0\x0a\1\1\0\x14\1\0\0\0\0\0"},
        {{0x43, 0, 0, 0, 0, 0, 0, 0, 99, 0x40}, 12, "\0\x0a\1\1\0\x14\1\0\0\0\0\0"},
        {{0x43, 0, 2, 0, 0, 0, 0, 0, 15}, 15, "\0\x2e\1\1\1\x14\0\xa0\0\0\0\0\1\0\0"},
        {{0x43, 0, 0, 0, 0, 0, 0, 0, 4}, 4, "\0\x12\1\1"},
    };
    struct ide_world *w = *state;

    settle(w);
    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        uint8_t got[99];
        assert_int_equal(ask(w, rows[n].cdb, got, sizeof got), rows[n].n);
        assert_memory_equal(got, rows[n].bytes, (size_t)rows[n].n);
    }
}

static void mode_pages_have_the_lengths_they_say(void **state)
{
    struct ide_world *w = *state;
    uint8_t got[200];

    settle(w);
    for (unsigned n = 0; n < 2; n++) {
        const uint8_t six[12] = {0x1a, 0, 0x3f, 0, 200};
        const uint8_t ten[12] = {0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 200};
        int got_n = ask(w, n ? ten : six, got, sizeof got), at = n ? 8 : 4;

        assert_int_equal(n ? got[0] << 8 | (got[1] + 2) : got[0] + 1, got_n);
        assert_int_equal(got[at], 0x01);
        at += 2 + got[at + 1];
        assert_int_equal(got[at], 0x0e);
        at += 2 + got[at + 1];
        assert_int_equal(got[at], 0x2a);
        at += 2 + got[at + 1];
        assert_int_equal(at, got_n);
    }
}

static void saved_mode_pages_do_not_exist(void **state)
{
    struct ide_world *w = *state;
    const uint8_t cdb[12] = {0x5a, 0, 0xea, 0, 0, 0, 0, 0, 200};

    settle(w);
    assert_int_equal(packet(w, cdb, false, 0xfffe), CHECK);
    expect_sense(w, 5, 0x39, 0);
}

static void configuration_tells_the_current_profile(void **state)
{
    struct ide_world *w = *state;
    const uint8_t all[12] = {0x46, 0, 0, 0, 0, 0, 0, 0, 200};
    const uint8_t one[12] = {0x46, 2, 0, 0x1e, 0, 0, 0, 0, 200};
    uint8_t got[200];
    int n = ask(w, all, got, sizeof got);

    assert_true(n > 40);
    assert_int_equal(got[3] + 4, n);
    assert_int_equal(got[7], 0x08);
    assert_int_equal(ask(w, one, got, sizeof got), 12);
    assert_memory_equal(got + 8, "\0\x1e\1\0", 4);
    assert_true(ide_change(w->d, 0, NULL, false));
    ask(w, all, got, sizeof got);
    assert_int_equal(got[7], 0);
}

static void a_large_medium_is_a_dvd(void **state)
{
    struct ide_world *w = *state;
    const uint8_t structure[12] = {0xad, 0, 0, 0, 0, 0, 0, 0, 0x10, 0};
    const uint8_t all[12] = {0x46, 0, 0, 0, 0, 0, 0, 0, 200};
    static uint8_t got[4096];

    settle(w);
    assert_int_equal(packet(w, structure, false, 0xfffe), CHECK);
    expect_sense(w, 5, 0x30, 2);
    w->disk[0].disk.size = 4ull << 30;
    ask(w, all, got, sizeof got);
    assert_int_equal(got[7], 0x10);
    assert_int_equal(ask(w, structure, got, sizeof got), 2052);
    assert_int_equal(got[0] << 8 | got[1], 2050);
    assert_memory_equal(got + 8, "\0\3\0\0\0\x22\xff\xff", 8);
    w->disk[0].disk.size = SIZE;
}

static void small_answers_have_their_shape(void **state)
{
    static const struct {
        uint8_t cdb[12];
        int n;
        const char *bytes;
    } rows[] = {
        {{0x42, 0, 0x40, 1, 0, 0, 0, 0, 99},
         16,
         "\0\x15\0\x0c\1\x14\1\1\0\0\0\0\0\0\0\0"},
        {{0x42, 0, 0, 1, 0, 0, 0, 0, 99}, 4, "\0\x15\0\0"},
        {{0x42, 0, 0x40, 2, 0, 0, 0, 0, 99}, 24, "\0\x15\0\x14\2\0"},
        {{0x42, 0, 0x40, 3, 0, 0, 0, 0, 99}, 24, "\0\x15\0\x14\3\x14"},
        {{0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 99}, 8, "\0\0\0\0\0\1"},
        {{0x51, 0, 0, 0, 0, 0, 0, 0, 99}, 34, "\0\x20\x0e\1\1\1"},
        {{0x4a, 1, 0, 0, 16, 0, 0, 0, 99}, 8, "\0\6\4\x10\0\2"},
        {{0x4a, 1, 0, 0, 2, 0, 0, 0, 99}, 4, "\0\2\x80\x10"},
    };
    struct ide_world *w = *state;

    settle(w);
    for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
        uint8_t got[99];
        assert_int_equal(ask(w, rows[n].cdb, got, sizeof got), rows[n].n);
        assert_memory_equal(got, rows[n].bytes, rows[n].n < 6 ? (size_t)rows[n].n : 6);
    }
}

/* ---- the tray ---- */

static uint8_t media_event(struct ide_world *w, uint8_t *status)
{
    const uint8_t cdb[12] = {0x4a, 1, 0, 0, 16, 0, 0, 0, 8};
    uint8_t got[8];

    assert_int_equal(ask(w, cdb, got, sizeof got), 8);
    *status = got[5];
    return got[4];
}

static void a_changed_medium_is_told_as_attention_and_as_event(void **state)
{
    struct ide_world *w = *state;
    const uint8_t cdb[12] = {0x25};
    uint8_t got[8], status;

    settle(w);
    assert_true(ide_change(w->d, 0, &w->disk[1].disk, false));
    assert_int_equal(media_event(w, &status), 2);
    assert_int_equal(status, 2);
    assert_int_equal(media_event(w, &status), 0);
    assert_int_equal(simple(w, 0x00, 0), CHECK);
    expect_sense(w, 6, 0x28, 0);
    ask(w, cdb, got, 8);
    assert_memory_equal(got, "\0\0\0\x95", 4);
}

static void without_a_medium_it_is_not_ready(void **state)
{
    struct ide_world *w = *state;
    uint8_t cdb[12], status;

    settle(w);
    assert_true(ide_change(w->d, 0, NULL, false));
    assert_int_equal(media_event(w, &status), 3);
    assert_int_equal(status, 0);
    assert_int_equal(simple(w, 0x00, 0), CHECK);
    assert_int_equal(rig_in(&w->rig, IDE_ERROR), 0x20);
    expect_sense(w, 2, 0x3a, 1);
    read_10(cdb, 0, 1);
    assert_int_equal(packet(w, cdb, false, 2048), CHECK);
    expect_sense(w, 2, 0x3a, 1);
}

static void the_guest_opens_and_closes_the_tray(void **state)
{
    struct ide_world *w = *state;

    settle(w);
    assert_int_equal(simple(w, 0x1b, 2), GOOD);
    assert_true(ide_tray_open(w->d, 0));
    assert_int_equal(simple(w, 0x00, 0), CHECK);
    expect_sense(w, 2, 0x3a, 2);
    assert_int_equal(simple(w, 0x1b, 3), GOOD);
    assert_false(ide_tray_open(w->d, 0));
    assert_int_equal(simple(w, 0x00, 0), CHECK);
    expect_sense(w, 6, 0x28, 0);
    assert_int_equal(simple(w, 0x00, 0), GOOD);
}

static void a_locked_door_stays_shut_but_for_force(void **state)
{
    struct ide_world *w = *state;
    uint8_t status;

    settle(w);
    assert_int_equal(simple(w, 0x1e, 1), GOOD);
    assert_int_equal(simple(w, 0x1b, 2), CHECK);
    expect_sense(w, 5, 0x53, 2);
    assert_true(ide_tray_locked(w->d, 0));
    assert_false(ide_change(w->d, 0, NULL, false));
    assert_int_equal(media_event(w, &status), 1); /* MMC-3, 6.7.2.5: the button */
    assert_int_equal(media_event(w, &status), 0);
    assert_int_equal(simple(w, 0x00, 0), GOOD);
    assert_true(ide_change(w->d, 0, NULL, true));
    assert_int_equal(simple(w, 0x00, 0), CHECK);
    assert_true(ide_change(w->d, 0, &w->disk[1].disk, false)); /* none to protect */
    assert_int_equal(simple(w, 0x1e, 0), CHECK);
    assert_int_equal(simple(w, 0x1e, 0), GOOD);
    assert_true(ide_change(w->d, 0, &w->disk[0].disk, false));
}

static void taking_the_medium_away_ends_a_transfer(void **state)
{
    struct ide_world *w = *state;
    uint8_t cdb[12], got[2048];

    settle(w);
    read_10(cdb, 0, 4);
    assert_int_equal(packet(w, cdb, false, 2048), DATA);
    ide_read_data(w, got, 100);
    assert_true(ide_change(w->d, 0, NULL, true));
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), CHECK);
    expect_sense(w, 2, 0x3a, 1);
    ide_change(w->d, 0, &w->disk[0].disk, true);
    simple(w, 0x00, 0);
    assert_int_equal(packet(w, cdb, true, 0), DATA); /* waits for the bus master */
    assert_true(ide_change(w->d, 0, &w->disk[1].disk, true));
    ide_master_start(w, 4 * 2048);
    ide_wait(w);
    assert_int_equal(w->memory.calls, 0);
    assert_int_equal(rig_in(&w->rig, IDE_STATUS), CHECK);
}

static void only_a_cd_rom_can_be_changed(void **state)
{
    struct ide_world *w = *state;

    assert_false(ide_change(w->d, 1, &w->disk[1].disk, true));
    assert_false(ide_change(w->d, 2, &w->disk[1].disk, true));
}

static void a_packet_transfer_survives_a_snapshot(void **state)
{
    struct ide_world *w = *state;
    struct device *d = rig_new(&w->rig, &ide_class);
    uint8_t cdb[12], got[3 * 2048], end;

    settle(w);
    read_10(cdb, 5, 3);
    assert_int_equal(packet(w, cdb, false, 3000), DATA);
    ide_read_data(w, got, 1000);
    ide_plug(d, 0, IDE_CDROM, &w->disk[0].disk, NULL);
    ide_connect(d, &(struct bus_master){.owner = &w->memory, .move = ide_memory_move});
    rig_start(d);
    rig_transfer(w->d, d);
    device_free(w->d);
    w->d = w->memory.ide = d;
    ide_read_data(w, got + 1000, 2000);
    assert_int_equal(take(w, got + 3000, sizeof got - 3000, &end), sizeof got - 3000);
    assert_memory_equal(got, w->disk[0].bytes + 5 * 2048, sizeof got);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_shows_the_packet_signature_and_refuses_disk_commands_with_it),
        T(identify_packet_device_says_what_it_is),
        T(device_reset_is_taken_while_busy),
        T(other_commands_are_aborted),
        T(power_on_is_told_once_and_inquiry_does_not_take_it),
        T(sense_alone_takes_a_pending_attention),
        T(unknown_packets_are_illegal_requests),
        T(reading_by_pio_keeps_to_the_byte_count_limit),
        T(every_block_and_the_end_have_an_interrupt),
        T(a_byte_count_limit_of_0_or_1_aborts_what_would_send),
        T(reading_by_dma_gives_one_interrupt),
        T(answers_too_can_come_by_dma),
        T(the_read_commands_read_the_same_sectors),
        T(reading_nothing_is_no_error),
        T(no_address_or_length_reaches_past_the_medium),
        T(what_is_not_on_the_medium_is_refused),
        T(an_unreadable_sector_is_a_medium_error),
        T(capacity_is_the_last_sector_and_2048),
        T(answers_are_cut_by_the_allocation_length),
        T(a_small_limit_cuts_an_answer_into_blocks),
        T(the_table_of_contents_has_one_data_track),
        T(mode_pages_have_the_lengths_they_say),
        T(saved_mode_pages_do_not_exist),
        T(configuration_tells_the_current_profile),
        T(a_large_medium_is_a_dvd),
        T(small_answers_have_their_shape),
        T(a_changed_medium_is_told_as_attention_and_as_event),
        T(without_a_medium_it_is_not_ready),
        T(the_guest_opens_and_closes_the_tray),
        T(a_locked_door_stays_shut_but_for_force),
        T(taking_the_medium_away_ends_a_transfer),
        T(only_a_cd_rom_can_be_changed),
        T(a_packet_transfer_survives_a_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
