/* test_space.c - who answers where, and how wide accesses are split. */
#include "base/space.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

enum { LOG = 16 };

struct chip {
    uint8_t id;
    struct io seen[LOG];
    unsigned count;
};

static enum io_status answer(void *dev, struct io *io)
{
    struct chip *c = dev;

    if (c->count < LOG)
        c->seen[c->count++] = *io;
    if (!io->write)
        io->value = UINT64_C(0x0101010101010101) * c->id;
    return IO_DONE;
}

static enum io_status deaf(void *dev, struct io *io)
{
    (void)dev;
    (void)io;
    return IO_NONE;
}

static enum io_status quick(const void *dev, struct io *io)
{
    if (io->write || io->offset == 0)
        return IO_DEFER;
    io->value = ((const struct chip *)dev)->id;
    return IO_DONE;
}

static const struct region bytes4 = {.name = "bytes", .length = 4, .access = answer};
static const struct region words8 = {
    .name = "words", .length = 8, .access = answer, .max_size = 2};
static const struct region quick2 = {
    .name = "quick", .length = 2, .peek = quick, .access = answer};
static const struct region page = {
    .name = "page", .length = 4096, .access = answer, .mmio = true};
static const struct region wide = {
    .name = "wide", .length = 64, .access = answer, .mmio = true, .max_size = 8};
static const struct region nothing = {.name = "none", .length = 1, .access = deaf};

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

static void where_nobody_answers_reads_give_ones(void **state)
{
    struct space s;
    struct chip c = {.id = 1};
    (void)state;

    assert_true(space_init(&s, false));
    space_map(&s, &nothing, &c, 0x80, 0);
    assert_int_equal(in(&s, 0x60, 1), 0xff);
    assert_int_equal(in(&s, 0x60, 2), 0xffff);
    assert_int_equal(in(&s, 0xffff, 4), 0xffffffff);
    assert_int_equal(in(&s, 0x80, 1), 0xff);
    out(&s, 0x60, 4, 0);
    assert_true(s.unclaimed >= 5);
    space_free(&s);
}

/* An 8-bit ISA card sees a 32-bit access as four bytes, lowest port first. */
static void wide_accesses_are_split_lowest_first(void **state)
{
    struct space s;
    struct chip c = {.id = 7};
    (void)state;

    assert_true(space_init(&s, false));
    space_map(&s, &bytes4, &c, 0x100, 0);
    out(&s, 0x100, 4, 0x44332211);
    assert_int_equal(c.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(c.seen[i].offset, i);
        assert_int_equal(c.seen[i].size, 1);
        assert_int_equal(c.seen[i].value, 0x11 * (i + 1));
    }
    assert_int_equal(in(&s, 0x102, 4), 0xffff0707);
    space_free(&s);
}

static void an_access_across_two_regions_reaches_both(void **state)
{
    struct space s;
    struct chip a = {.id = 0xaa}, b = {.id = 0xbb};
    (void)state;

    assert_true(space_init(&s, false));
    space_map(&s, &words8, &a, 0x100, 0);
    space_map(&s, &bytes4, &b, 0x108, 0);
    assert_int_equal(in(&s, 0x106, 4), 0xbbbbaaaa);
    assert_int_equal(a.seen[0].size, 2);
    assert_int_equal(b.count, 2);
    space_free(&s);
}

static void the_higher_priority_wins_and_then_the_older(void **state)
{
    struct space s;
    struct chip a = {.id = 1}, b = {.id = 2}, c = {.id = 3};
    int high;
    (void)state;

    for (int mmio = 0; mmio < 2; mmio++) {
        const struct region *r = mmio ? &page : &bytes4;

        assert_true(space_init(&s, mmio));
        space_map(&s, r, &a, 0x1000, 0);
        space_map(&s, r, &b, 0x1000, 0);
        assert_int_equal(in(&s, 0x1001, 1), 1);
        high = space_map(&s, r, &c, 0x1002, 1);
        assert_int_equal(in(&s, 0x1001, 1), 1);
        assert_int_equal(in(&s, 0x1002, 1), 3);
        assert_int_equal(in(&s, 0x1000, 4), 0x03030101);
        space_unmap(&s, high);
        assert_int_equal(in(&s, 0x1002, 1), 1);
        space_free(&s);
    }
}

/* The sorted table against the plain definition, over random maps with overlaps. */
static void a_search_finds_what_a_scan_finds(void **state)
{
    static struct region r[24];
    struct space s;
    struct chip c = {.id = 1};
    uint64_t seed = 99;
    int handles[24];
    (void)state;

    assert_true(space_init(&s, true));
    for (unsigned i = 0; i < 24; i++)
        handles[i] = -1;
    for (unsigned round = 0; round < 3000; round++) {
        unsigned i;
        struct mapping *best = NULL;
        uint64_t where;

        seed = seed * UINT64_C(6364136223846793005) + 1;
        i = (unsigned)(seed >> 40) % 24;
        if (handles[i] >= 0) {
            space_unmap(&s, handles[i]);
            handles[i] = -1;
        } else {
            r[i] = (struct region){.name = "r",
                                   .length = (seed >> 50) % 60,
                                   .access = answer,
                                   .mmio = true};
            handles[i] = space_map(&s, &r[i], &c, (seed >> 20) % 300,
                                   (int)(seed >> 30 & 1));
        }
        where = (seed >> 12) % 370;
        for (unsigned k = 0; k < SPACE_MAPPINGS; k++) {
            struct mapping *m = &s.maps[k];

            if (m->used && where >= m->base && where < m->base + m->length &&
                (!best || m->priority > best->priority ||
                 (m->priority == best->priority && m->order < best->order)))
                best = m;
        }
        assert_ptr_equal(space_find(&s, where), best);
    }
    space_free(&s);
}

static void a_mapping_at_the_very_top_does_not_wrap(void **state)
{
    struct space s;
    struct chip c = {.id = 5};
    (void)state;

    assert_true(space_init(&s, true));
    space_map(&s, &page, &c, UINT64_MAX - 15, 0);
    assert_int_equal(in(&s, UINT64_MAX, 1), 5);
    in(&s, UINT64_MAX, 4);
    assert_null(space_find(&s, 0));
    assert_null(space_find(&s, 4000));
    space_free(&s);
}

static void a_wide_region_takes_eight_bytes_at_once(void **state)
{
    struct space s;
    struct chip c = {.id = 5}, d = {.id = 6};
    (void)state;

    assert_true(space_init(&s, true));
    space_map(&s, &wide, &c, 0x1000, 0);
    space_map(&s, &page, &d, 0x2000, 0);
    assert_true(in(&s, 0x1008, 8) == UINT64_C(0x0505050505050505));
    assert_int_equal(c.count, 1);
    out(&s, 0x2000, 8, UINT64_C(0x1122334455667788));
    assert_int_equal(d.count, 2);
    assert_int_equal(d.seen[0].value, 0x55667788);
    assert_int_equal(d.seen[1].value, 0x11223344);
    space_free(&s);
}

static void peek_is_tried_first_and_counted(void **state)
{
    struct space s;
    struct chip c = {.id = 9};
    struct io io = {.address = 0x301, .size = 1};
    int handle;
    (void)state;

    assert_true(space_init(&s, false));
    handle = space_map(&s, &quick2, &c, 0x300, 0);
    assert_int_equal(space_peek(&s, &io), IO_DONE);
    assert_int_equal(io.value, 9);
    io.address = 0x300;
    assert_int_equal(space_peek(&s, &io), IO_DEFER);
    assert_int_equal(in(&s, 0x301, 1), 9);
    assert_int_equal(c.count, 0);
    in(&s, 0x300, 1);
    assert_int_equal(c.count, 1);
    assert_int_equal(s.maps[handle].peeked, 2);
    assert_int_equal(s.maps[handle].accessed, 1);
    io.address = 0x400;
    assert_int_equal(space_peek(&s, &io), IO_NONE);
    assert_int_equal(io.value, 0xff);
    space_free(&s);
}

static void a_full_map_refuses_and_survives(void **state)
{
    struct space s;
    struct chip c = {.id = 9};
    (void)state;

    assert_true(space_init(&s, true));
    for (unsigned i = 0; i < SPACE_MAPPINGS; i++)
        assert_true(space_map(&s, &page, &c, i * 4096u, 0) >= 0);
    assert_int_equal(space_map(&s, &page, &c, 0, 0), -1);
    space_unmap(&s, 7);
    assert_int_equal(space_map(&s, &page, &c, 7 * 4096u, 0), 7);
    space_free(&s);
}

static void count_change(void *owner)
{
    ++*(unsigned *)owner;
}

static void the_memory_map_is_told_of_every_change(void **state)
{
    struct space s;
    struct chip c = {.id = 9};
    unsigned changes = 0;
    (void)state;

    assert_true(space_init(&s, true));
    s.changed = count_change;
    s.owner = &changes;
    space_unmap(&s, space_map(&s, &page, &c, 0x1000, 0));
    assert_int_equal(changes, 2);
    space_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nobody_answers_reads_give_ones),
        cmocka_unit_test(wide_accesses_are_split_lowest_first),
        cmocka_unit_test(an_access_across_two_regions_reaches_both),
        cmocka_unit_test(the_higher_priority_wins_and_then_the_older),
        cmocka_unit_test(a_search_finds_what_a_scan_finds),
        cmocka_unit_test(a_mapping_at_the_very_top_does_not_wrap),
        cmocka_unit_test(a_wide_region_takes_eight_bytes_at_once),
        cmocka_unit_test(peek_is_tried_first_and_counted),
        cmocka_unit_test(a_full_map_refuses_and_survives),
        cmocka_unit_test(the_memory_map_is_told_of_every_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
