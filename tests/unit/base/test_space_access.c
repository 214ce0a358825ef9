/* Tests of base/space.c: overlaps, and which handler is asked. */
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

static const struct region words_wide = {"words", 0x100,  16,
                                         NULL,    access, .max_size = 2};
static const struct region mmio8 = {"mmio", 0xfed00000,    16,          peek,
                                    access, .max_size = 8, .mmio = true};
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

static void a_region_that_does_not_decode_reads_as_ones(void **state)
{
    struct space *s = make(false);
    struct memory m = {.absent = true};
    (void)state;
    space_map(s, &words_wide, &m, 0x100, 0);
    assert_int_equal(in(s, 0x100, 2), 0xffff);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_that_does_not_decode_reads_as_ones),
        cmocka_unit_test(mmio_overlaps_follow_the_same_rule),
        cmocka_unit_test(eight_bytes_are_two_accesses_where_four_are_the_widest),
        cmocka_unit_test(peek_is_asked_first_and_alone_when_only_peeking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
