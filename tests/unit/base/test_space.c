/* Tests of base/space.c: who answers where, and how accesses are cut to fit. */
#include "base/byteorder.h"
#include "base/space.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A device that is 16 bytes of memory and counts how it was asked. */
struct memory {
    uint8_t bytes[16];
    unsigned accesses;
    uint8_t last_size;
    bool absent;
};

static enum io_status access(void *dev, struct io *io)
{
    struct memory *m = dev;

    m->accesses++;
    m->last_size = io->size;
    if (m->absent)
        return IO_NONE;
    assert_true(io->offset + io->size <= sizeof m->bytes);
    if (io->write)
        store_le(m->bytes + io->offset, io->size, io->value);
    else
        io->value = load_le(m->bytes + io->offset, io->size);
    return IO_DONE;
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct memory *m = dev;

    if (io->write || io->offset >= 8)
        return IO_DEFER;
    io->value = load_le(m->bytes + io->offset, io->size);
    return IO_DONE;
}

static const struct region bytes_wide = {"bytes", 0x100, 16, NULL, access};
static const struct region words_wide = {"words", 0x100, 16, NULL, access, .max_size = 2};
static const struct region mmio8 = {"mmio", 0xfed00000, 16, peek, access, .max_size = 8,
                                    .mmio = true};
static const struct region mmio4 = {"mmio", 0xfed00000, 16, NULL, access, .mmio = true};

static uint64_t in(struct space *s, uint64_t address, unsigned size)
{
    struct io io = {.address = address, .size = (uint8_t)size};
    space_access(s, &io);
    return io.value;
}

static void out(struct space *s, uint64_t address, unsigned size, uint64_t value)
{
    struct io io = {
        .address = address, .size = (uint8_t)size, .write = true, .value = value};
    space_access(s, &io);
}

static struct space *make(bool mmio)
{
    struct space *s = malloc(sizeof *s);
    assert_non_null(s);
    assert_true(space_init(s, mmio));
    return s;
}

static void drop(struct space *s)
{
    space_free(s);
    free(s);
}

static void nobody_reads_as_ones_and_is_counted(void **state)
{
    struct space *s = make(false);
    (void)state;
    assert_int_equal(in(s, 0x100, 1), 0xff);
    assert_int_equal(in(s, 0x100, 4), 0xffffffff);
    out(s, 0x100, 2, 0x1234);
    assert_int_equal(s->unclaimed, 1 + 4 + 2);
    drop(s);
}

static void a_region_that_does_not_decode_reads_as_ones(void **state)
{
    struct space *s = make(false);
    struct memory m = {.absent = true};
    (void)state;
    space_map(s, &words_wide, &m, 0x100, 0);
    assert_int_equal(in(s, 0x100, 2), 0xffff);
    drop(s);
}

static void wide_accesses_are_cut_lowest_address_first(void **state)
{
    struct space *s = make(false);
    struct memory m = {.accesses = 0};
    (void)state;
    space_map(s, &bytes_wide, &m, 0x100, 0);
    out(s, 0x104, 4, 0x11223344);
    assert_int_equal(m.accesses, 4);
    assert_int_equal(m.bytes[4], 0x44);
    assert_int_equal(m.bytes[7], 0x11);
    assert_int_equal(in(s, 0x104, 4), 0x11223344);
    drop(s);
}

static void an_access_over_a_regions_end_goes_to_both_sides(void **state)
{
    struct space *s = make(false);
    struct memory a = {.accesses = 0}, b = {.accesses = 0};
    (void)state;
    space_map(s, &words_wide, &a, 0x100, 0);
    space_map(s, &words_wide, &b, 0x110, 0);
    out(s, 0x10e, 4, 0x11223344);
    assert_int_equal(load16(a.bytes + 14), 0x3344);
    assert_int_equal(load16(b.bytes), 0x1122);
    out(s, 0x11f, 2, 0xaabb);
    assert_int_equal(b.bytes[15], 0xbb);
    assert_int_equal(in(s, 0x11f, 2), 0xffbb);
    drop(s);
}

static void ports_wrap_at_64_kib(void **state)
{
    struct space *s = make(false);
    struct memory m = {.bytes = {0x5a}};
    (void)state;
    space_map(s, &bytes_wide, &m, 0, 0);
    assert_int_equal(in(s, 0xffff, 2), 0x5aff);
    drop(s);
}

static void the_older_of_equals_and_the_higher_priority_win(void **state)
{
    struct space *s = make(false);
    struct memory a = {.bytes = {1}}, b = {.bytes = {2}}, c = {.bytes = {3}};
    int first, third;
    (void)state;
    first = space_map(s, &bytes_wide, &a, 0x100, 0);
    space_map(s, &bytes_wide, &b, 0x100, 0);
    assert_int_equal(in(s, 0x100, 1), 1);
    third = space_map(s, &bytes_wide, &c, 0x100, 1);
    assert_int_equal(in(s, 0x100, 1), 3);
    space_unmap(s, third);
    space_unmap(s, first);
    assert_int_equal(in(s, 0x100, 1), 2);
    first = space_map(s, &bytes_wide, &a, 0x100, 0); /* now the younger, in the old place */
    assert_int_equal(in(s, 0x100, 1), 2);
    space_unmap(s, -1);
    space_unmap(s, SPACE_MAPPINGS);
    drop(s);
}

static void mmio_overlaps_follow_the_same_rule(void **state)
{
    struct space *s = make(true);
    struct memory a = {.bytes = {1}}, b = {.bytes = {2}};
    int high;
    (void)state;
    space_map(s, &mmio8, &a, 0xfed00000, 0);
    high = space_map(s, &mmio8, &b, 0xfecffff8, 1);
    assert_int_equal(in(s, 0xfed00000, 1), 0); /* b's ninth byte */
    assert_int_equal(in(s, 0xfecffff8, 1), 2);
    space_unmap(s, high);
    assert_int_equal(in(s, 0xfed00000, 1), 1);
    assert_int_equal(in(s, 0xfecffff8, 1), 0xff);
    drop(s);
}

static void an_mmio_region_at_the_end_of_the_address_space_answers(void **state)
{
    struct space *s = make(true);
    struct memory m = {.bytes = {[15] = 0x77}};
    (void)state;
    space_map(s, &mmio8, &m, UINT64_MAX - 15, 0);
    assert_int_equal(in(s, UINT64_MAX, 1), 0x77);
    assert_int_equal(in(s, UINT64_MAX, 4) & 0xff, 0x77); /* the rest wraps to 0 */
    drop(s);
}

static void eight_bytes_are_two_accesses_where_four_are_the_widest(void **state)
{
    struct space *s = make(true);
    struct memory m = {.accesses = 0};
    (void)state;
    space_map(s, &mmio4, &m, 0xfed00000, 0);
    out(s, 0xfed00008, 8, 0x1122334455667788);
    assert_int_equal(m.accesses, 2);
    assert_int_equal(in(s, 0xfed00008, 8), 0x1122334455667788);
    out(s, 0xfed00001, 4, 0xaabbccdd); /* crooked: in naturally aligned pieces */
    assert_int_equal(in(s, 0xfed00001, 4), 0xaabbccdd);
    drop(s);
}

static void peek_is_asked_first_and_alone_when_only_peeking(void **state)
{
    struct space *s = make(true);
    struct memory m = {.bytes = {0x42}};
    struct io io = {.address = 0xfed00000, .size = 1};
    struct mapping *map;
    (void)state;
    space_map(s, &mmio8, &m, 0xfed00000, 0);
    assert_int_equal(in(s, 0xfed00000, 1), 0x42);
    assert_int_equal(m.accesses, 0);
    in(s, 0xfed00008, 1);
    assert_int_equal(m.accesses, 1);
    map = space_find(s, 0xfed00000);
    assert_int_equal(map->peeked, 1);
    assert_int_equal(map->accessed, 1);
    assert_int_equal(space_peek(s, &io), IO_DONE);
    assert_int_equal(io.value, 0x42);
    io.address = 0xfed00008;
    assert_int_equal(space_peek(s, &io), IO_DEFER);
    io.address = 0xfed0000e; /* over the end */
    io.size = 4;
    assert_int_equal(space_peek(s, &io), IO_DEFER);
    io.address = 0xfec00000;
    assert_int_equal(space_peek(s, &io), IO_NONE);
    assert_int_equal(m.accesses, 1);
    drop(s);
}

static void a_full_space_refuses_and_freed_places_serve_again(void **state)
{
    struct space *s = make(true);
    struct memory m = {.accesses = 0};
    (void)state;
    for (unsigned n = 0; n < SPACE_MAPPINGS; n++)
        assert_true(space_map(s, &mmio8, &m, n * 16ull, 0) >= 0);
    assert_int_equal(space_map(s, &mmio8, &m, 0x100000, 0), -1);
    space_unmap(s, 17);
    assert_int_equal(space_map(s, &mmio8, &m, 0x100000, 0), 17);
    drop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_reads_as_ones_and_is_counted),
        cmocka_unit_test(a_region_that_does_not_decode_reads_as_ones),
        cmocka_unit_test(wide_accesses_are_cut_lowest_address_first),
        cmocka_unit_test(an_access_over_a_regions_end_goes_to_both_sides),
        cmocka_unit_test(ports_wrap_at_64_kib),
        cmocka_unit_test(the_older_of_equals_and_the_higher_priority_win),
        cmocka_unit_test(mmio_overlaps_follow_the_same_rule),
        cmocka_unit_test(an_mmio_region_at_the_end_of_the_address_space_answers),
        cmocka_unit_test(eight_bytes_are_two_accesses_where_four_are_the_widest),
        cmocka_unit_test(peek_is_asked_first_and_alone_when_only_peeking),
        cmocka_unit_test(a_full_space_refuses_and_freed_places_serve_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
