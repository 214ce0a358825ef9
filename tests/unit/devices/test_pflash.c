/* Tests of devices/pflash.c through its bus, with an image in memory behind it. */
#include "tests/unit/chipset/rig.h"

#include "devices/pflash.h"

enum { IPS = 1000000, SIZE = 64 << 10, BASE_LOW = 0xff000000 };
enum { READY = 0x80, ERASE_ERROR = 0x20, PROGRAM_ERROR = 0x10 };

struct world {
    struct rig rig;
    struct device *d;
    uint8_t memory[SIZE], image[SIZE];
    struct disk disk;
    unsigned flushes;
    bool broken; /* the host's disk is */
    bool seen;   /* the array is at its address */
    uint64_t stored;
};

static bool image_write(void *owner, uint64_t offset, const void *from, size_t n)
{
    struct world *w = owner;
    if (w->broken)
        return false;
    memcpy(w->image + offset, from, n);
    return true;
}

static bool image_flush(void *owner)
{
    struct world *w = owner;
    w->flushes++;
    return !w->broken;
}

static void array(void *owner, unsigned unit, bool seen)
{
    (void)unit;
    ((struct world *)owner)->seen = seen;
}

static void stored(void *owner, unsigned unit, uint64_t offset, uint64_t n)
{
    (void)unit;
    (void)offset;
    ((struct world *)owner)->stored += n;
}

static void start(struct world *w, bool read_only)
{
    memset(w, 0, sizeof *w);
    rig_init(&w->rig, IPS);
    memset(w->memory, 0xff, SIZE);
    memset(w->image, 0xff, SIZE);
    memcpy(w->memory, "array", 5);
    w->disk = (struct disk){.owner = w, .size = SIZE, .write = image_write,
                            .flush = image_flush};
    w->d = rig_new(&w->rig, &pflash_class);
    pflash_connect(w->d, &(struct pflash_wiring){
                             .owner = w, .memory = w->memory, .size = SIZE,
                             .base = BASE_LOW, .disk = &w->disk, .read_only = read_only,
                             .array = array, .stored = stored});
    rig_start(w->d);
}

static void stop(struct world *w)
{
    device_free(w->d);
    rig_free(&w->rig);
}

static void out(struct world *w, uint64_t offset, uint8_t v)
{
    struct io io = {.address = BASE_LOW + offset, .size = 1, .write = true, .value = v};
    space_access(&w->rig.mmio, &io);
}

static uint8_t in(struct world *w, uint64_t offset)
{
    struct io io = {.address = BASE_LOW + offset, .size = 1};
    space_access(&w->rig.mmio, &io);
    return (uint8_t)io.value;
}

static void after_reset_the_array_is_seen(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    assert_true(w.seen);
    assert_int_equal(in(&w, 1), 'r');
    stop(&w);
}

/* The probe of EDK II's flash driver. */
static void a_cleared_status_reads_zero(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    out(&w, 0, 0x50);
    assert_int_equal(in(&w, 0), 'a');
    out(&w, 0, 0x70);
    assert_false(w.seen);
    assert_int_equal(in(&w, 0), 0);
    out(&w, 0, 0xff);
    assert_true(w.seen);
    stop(&w);
}

static void programming_clears_bits_and_never_sets_them(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    out(&w, 0x100, 0x40);
    out(&w, 0x100, 0xf0);
    assert_int_equal(in(&w, 0x100), READY);
    out(&w, 0x100, 0x10);
    out(&w, 0x100, 0x1f);
    out(&w, 0x100, 0xff);
    assert_int_equal(in(&w, 0x100), 0x10);
    assert_int_equal(w.image[0x100], 0x10);
    stop(&w);
}

static void erasing_sets_one_block(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    memset(w.memory, 0x55, SIZE);
    out(&w, 0x1234, 0x20);
    out(&w, 0x1234, 0xd0);
    out(&w, 0, 0xff);
    assert_int_equal(in(&w, 0x0fff), 0x55);
    assert_int_equal(in(&w, 0x1000), 0xff);
    assert_int_equal(in(&w, 0x1fff), 0xff);
    assert_int_equal(in(&w, 0x2000), 0x55);
    assert_int_equal(w.stored, 4096);
    stop(&w);
}

static void erasing_wants_its_confirmation(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    out(&w, 0, 0x20);
    out(&w, 0, 0x00);
    assert_int_equal(in(&w, 0) & (ERASE_ERROR | PROGRAM_ERROR),
                     ERASE_ERROR | PROGRAM_ERROR);
    assert_int_equal(w.memory[0], 'a');
    stop(&w);
}

static void the_write_buffer_programs_what_it_was_given(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    out(&w, 0x210, 0xe8);
    assert_int_equal(in(&w, 0x210), READY);
    out(&w, 0x210, 2); /* three bytes */
    out(&w, 0x210, 1);
    out(&w, 0x211, 2);
    out(&w, 0x213, 3);
    out(&w, 0x210, 0xd0);
    out(&w, 0x210, 0xff);
    assert_int_equal(in(&w, 0x210), 1);
    assert_int_equal(in(&w, 0x211), 2);
    assert_int_equal(in(&w, 0x212), 0xff);
    assert_int_equal(in(&w, 0x213), 3);
    stop(&w);
}

static void a_write_buffer_stays_in_its_block(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    out(&w, 0x2f0, 0xe8);
    out(&w, 0x2f0, 1);
    out(&w, 0x2f0, 1);
    out(&w, 0x300, 2);
    assert_int_equal(in(&w, 0) & PROGRAM_ERROR, PROGRAM_ERROR);
    out(&w, 0, 0xff);
    assert_int_equal(in(&w, 0x2f0), 0xff);
    assert_int_equal(in(&w, 0x300), 0xff);
    stop(&w);
}

static void a_protected_flash_refuses(void **state)
{
    struct world w;
    (void)state;
    start(&w, true);
    out(&w, 0, 0x40);
    out(&w, 0, 0);
    assert_int_equal(in(&w, 0), READY | PROGRAM_ERROR);
    out(&w, 0, 0x20);
    out(&w, 0, 0xd0);
    assert_int_equal(in(&w, 0) & ERASE_ERROR, ERASE_ERROR);
    assert_int_equal(w.memory[0], 'a');
    stop(&w);
}

static void what_was_programmed_is_flushed_with_read_array(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    out(&w, 0, 0x40);
    out(&w, 0, 0);
    assert_int_equal(w.flushes, 0);
    out(&w, 0, 0xff);
    assert_int_equal(w.flushes, 1);
    out(&w, 0, 0xff);
    assert_int_equal(w.flushes, 1);
    stop(&w);
}

static void a_host_that_cannot_write_is_a_program_error(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    w.broken = true;
    out(&w, 0, 0x40);
    out(&w, 0, 0);
    assert_int_equal(in(&w, 0), READY | PROGRAM_ERROR);
    stop(&w);
}

static void cfi_tells_size_and_blocks(void **state)
{
    struct world w;
    (void)state;
    start(&w, false);
    out(&w, 0x55, 0x98);
    assert_int_equal(in(&w, 0x10), 'Q');
    assert_int_equal(in(&w, 0x11), 'R');
    assert_int_equal(in(&w, 0x12), 'Y');
    assert_int_equal(in(&w, 0x27), 16);
    assert_int_equal(in(&w, 0x2d) | in(&w, 0x2e) << 8, SIZE / 4096 - 1);
    assert_int_equal((in(&w, 0x2f) | in(&w, 0x30) << 8) * 256, 4096);
    out(&w, 0, 0x90);
    assert_int_equal(in(&w, 0), 0x89);
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_reset_the_array_is_seen),
        cmocka_unit_test(a_cleared_status_reads_zero),
        cmocka_unit_test(programming_clears_bits_and_never_sets_them),
        cmocka_unit_test(erasing_sets_one_block),
        cmocka_unit_test(erasing_wants_its_confirmation),
        cmocka_unit_test(the_write_buffer_programs_what_it_was_given),
        cmocka_unit_test(a_write_buffer_stays_in_its_block),
        cmocka_unit_test(a_protected_flash_refuses),
        cmocka_unit_test(what_was_programmed_is_flushed_with_read_array),
        cmocka_unit_test(a_host_that_cannot_write_is_a_program_error),
        cmocka_unit_test(cfi_tells_size_and_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
