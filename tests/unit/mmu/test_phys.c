#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmu/phys.h"

enum { RAM_PAGES = 64, ROM_PAGES = 16 };

/* RAM, ROM and a register file in MMIO that remembers the last store. */
struct board {
    struct phys p;
    struct space mmio;
    uint8_t ram[RAM_PAGES * PAGE], rom[ROM_PAGES * PAGE];
    uint64_t code[RAM_PAGES + ROM_PAGES];
    struct backing *ram_back, *rom_back;
    struct io last;
    unsigned changes, hits;
    uint32_t hit_page;
    unsigned hit_offset, hit_size;
};

static enum io_status answer(void *dev, struct io *io)
{
    struct board *b = dev;

    if (!io->write)
        io->value = 0x1122334455667788;
    b->last = *io;
    return IO_DONE;
}

static const struct region registers = {
    .name = "registers", .length = 1ull << 32, .access = answer, .max_size = 8,
    .mmio = true};

static void changed(void *owner)
{
    ((struct board *)owner)->changes++;
}

static void code_written(void *owner, uint32_t page, unsigned offset, unsigned size)
{
    struct board *b = owner;

    b->hits++;
    b->hit_page = page;
    b->hit_offset = offset;
    b->hit_size = size;
}

static struct board *board_new(void)
{
    struct board *b = calloc(1, sizeof *b);

    assert_true(space_init(&b->mmio, true));
    assert_true(space_map(&b->mmio, &registers, b, 0, 0) >= 0);
    phys_init(&b->p, &b->mmio, 36);
    b->p.code = b->code;
    b->p.owner = b;
    b->p.changed = changed;
    b->p.code_written = code_written;
    b->ram_back = phys_back(&b->p, "ram", b->ram, sizeof b->ram);
    b->rom_back = phys_back(&b->p, "rom", b->rom, sizeof b->rom);
    return b;
}

static void board_free(struct board *b)
{
    space_free(&b->mmio);
    free(b);
}

static void a_higher_window_hides_a_lower_one_until_its_rights_are_zero(void **state)
{
    struct board *b = board_new();
    int high;
    (void)state;

    phys_map(&b->p, 0, sizeof b->ram, b->ram_back, 0, WINDOW_READ | WINDOW_WRITE, 0);
    high = phys_map(&b->p, 0x4000, 0x2000, b->rom_back, 0x1000, WINDOW_READ | WINDOW_DROP, 1);
    assert_ptr_equal(phys_find(&b->p, pa(0x3fff)).host, b->ram + 0x3000);
    assert_ptr_equal(phys_find(&b->p, pa(0x4abc)).host, b->rom + 0x1000);
    assert_int_equal(phys_find(&b->p, pa(0x5000)).number, RAM_PAGES + 2);
    assert_true(phys_find(&b->p, pa(0x5000)).drop);
    assert_ptr_equal(phys_find(&b->p, pa(0x6000)).host, b->ram + 0x6000);

    phys_rights(&b->p, high, 0);
    assert_ptr_equal(phys_find(&b->p, pa(0x4abc)).host, b->ram + 0x4000);
    assert_int_equal(b->p.map_count, 1);
    board_free(b);
}

static void of_equal_windows_the_lower_handle_wins(void **state)
{
    struct board *b = board_new();
    (void)state;

    phys_map(&b->p, 0, 0x2000, b->ram_back, 0, WINDOW_READ, 3);
    phys_map(&b->p, 0x1000, 0x2000, b->rom_back, 0, WINDOW_READ, 3);
    assert_ptr_equal(phys_find(&b->p, pa(0x1000)).host, b->ram + 0x1000);
    assert_ptr_equal(phys_find(&b->p, pa(0x2000)).host, b->rom + 0x1000);
    board_free(b);
}

/* SMRAM that is closed to data (82441FX, D_CLS). */
static void a_window_for_code_is_seen_by_fetches_alone(void **state)
{
    struct board *b = board_new();
    int high;
    (void)state;

    phys_map(&b->p, 0x1000, 0x1000, b->ram_back, 0, WINDOW_READ | WINDOW_WRITE, 0);
    assert_false(b->p.code_apart);
    high = phys_map(&b->p, 0x1000, 0x2000, b->rom_back, 0, WINDOW_CODE | WINDOW_UNDER, 1);
    assert_true(b->p.code_apart);
    assert_ptr_equal(phys_find(&b->p, pa(0x1008)).host, b->ram);
    assert_true(phys_find(&b->p, pa(0x1008)).write);
    assert_null(phys_find(&b->p, pa(0x2008)).host); /* below: MMIO */
    assert_ptr_equal(phys_find_code(&b->p, pa(0x1008)).host, b->rom);
    assert_ptr_equal(phys_find_code(&b->p, pa(0x2008)).host, b->rom + 0x1000);
    assert_int_equal(phys_find_code(&b->p, pa(0x2008)).number, RAM_PAGES + 1);
    assert_null(phys_find_code(&b->p, pa(0x3000)).host);

    phys_rights(&b->p, high, 0);
    assert_false(b->p.code_apart);
    assert_ptr_equal(phys_find_code(&b->p, pa(0x1008)).host, b->ram);
    board_free(b);
}

static void what_no_window_covers_is_mmio(void **state)
{
    struct board *b = board_new();
    (void)state;

    phys_map(&b->p, 0x1000, 0x1000, b->ram_back, 0, WINDOW_READ | WINDOW_WRITE, 0);
    assert_null(phys_find(&b->p, pa(0x2000)).host);
    assert_int_equal(phys_load(&b->p, pa(0x2004), 4), 0x55667788);
    phys_store(&b->p, pa(0xfff), 1, 0x1234);
    assert_true(b->last.write);
    assert_int_equal(b->last.address, 0xfff);
    assert_int_equal(b->last.value, 0x34);
    board_free(b);
}

static void stores_to_rom_vanish_or_reach_the_flash_chip(void **state)
{
    struct board *b = board_new();
    int w;
    (void)state;

    w = phys_map(&b->p, 0, 0x1000, b->rom_back, 0, WINDOW_READ | WINDOW_DROP, 0);
    phys_store(&b->p, pa(8), 4, 0xabcd);
    assert_int_equal(b->rom[8], 0);
    assert_false(b->last.write);
    phys_rights(&b->p, w, WINDOW_READ);
    phys_store(&b->p, pa(8), 4, 0xabcd);
    assert_int_equal(b->last.value, 0xabcd);
    assert_int_equal(b->rom[8], 0);
    board_free(b);
}

/* How a BIOS copies itself: PAM set to write RAM and read what lies below. */
static void a_pass_through_window_reads_rom_and_writes_ram(void **state)
{
    struct board *b = board_new();
    int pam;
    (void)state;

    b->rom[5] = 0x5a;
    phys_map(&b->p, 0x8000, 0x2000, b->rom_back, 0, WINDOW_READ | WINDOW_DROP, 0);
    pam = phys_map(&b->p, 0x8000, 0x1000, b->ram_back, 0x8000,
                   WINDOW_WRITE | WINDOW_UNDER, 1);
    assert_int_equal(phys_load(&b->p, pa(0x8005), 1), 0x5a);
    phys_store(&b->p, pa(0x8005), 1, phys_load(&b->p, pa(0x8005), 1));
    assert_int_equal(b->ram[0x8005], 0x5a);
    assert_false(phys_find(&b->p, pa(0x8000)).write);
    phys_rights(&b->p, pam, WINDOW_READ | WINDOW_UNDER);
    phys_store(&b->p, pa(0x8005), 1, 0);
    assert_int_equal(phys_load(&b->p, pa(0x8005), 1), 0x5a);
    assert_true(phys_find(&b->p, pa(0x8000)).drop);
    board_free(b);
}

static void a_transfer_moves_all_bytes_or_none(void **state)
{
    struct board *b = board_new();
    uint8_t buffer[0x3000];
    (void)state;

    memset(buffer, 0xee, sizeof buffer);
    phys_map(&b->p, 0x1000, 0x2000, b->ram_back, 0x5000, WINDOW_READ | WINDOW_WRITE, 0);
    phys_map(&b->p, 0x3000, 0x1000, b->rom_back, 0, WINDOW_READ | WINDOW_DROP, 0);
    assert_false(phys_write(&b->p, pa(0x2800), buffer, 0x1000)); /* ends in ROM */
    assert_int_equal(b->ram[0x6800], 0);
    assert_true(phys_poke(&b->p, pa(0x2800), buffer, 0x1000));
    assert_int_equal(b->ram[0x6fff], 0xee);
    assert_int_equal(b->rom[0x7ff], 0xee);
    assert_int_equal(b->rom[0x800], 0);
    assert_false(phys_read(&b->p, pa(0x3ff0), buffer, 0x20)); /* ends in a hole */
    assert_true(phys_read(&b->p, pa(0x1000), buffer, sizeof buffer));
    assert_int_equal(buffer[0x1000], 0);
    assert_int_equal(buffer[0x27ff], 0xee);
    assert_false(phys_read(&b->p, pa(UINT64_MAX - 3), buffer, 8)); /* wraps */
    assert_true(phys_read(&b->p, pa(0x999000), buffer, 0));
    board_free(b);
}

static void only_a_write_that_hits_a_code_chunk_is_told(void **state)
{
    struct board *b = board_new();
    uint8_t bytes[2 * PAGE] = {0};
    (void)state;

    phys_map(&b->p, 0, sizeof b->ram, b->ram_back, 0, WINDOW_READ | WINDOW_WRITE, 0);
    b->code[3] = 1ull << 2; /* bytes 128 to 191 */
    phys_store(&b->p, pa(0x3000 + 120), 8, 1);
    phys_store(&b->p, pa(0x3000 + 192), 8, 1);
    assert_int_equal(b->hits, 0);
    phys_store(&b->p, pa(0x3000 + 191), 1, 1);
    assert_int_equal(b->hits, 1);
    phys_store(&b->p, pa(0x3000 + 124), 8, 1); /* the last bytes reach into it */
    assert_int_equal(b->hits, 2);
    phys_write(&b->p, pa(0x2800), bytes, sizeof bytes); /* DMA over three pages */
    assert_int_equal(b->hits, 3);
    assert_int_equal(b->hit_page, 3);
    assert_int_equal(b->hit_offset, 0);
    assert_int_equal(b->hit_size, PAGE);
    board_free(b);
}

static void guests_cannot_place_a_window_over_the_end_of_addresses(void **state)
{
    struct board *b = board_new();
    int w;
    (void)state;

    w = phys_map(&b->p, 0, 0x4000, b->ram_back, 0, WINDOW_READ, 0);
    phys_move(&b->p, w, UINT64_MAX - 0xfff);
    assert_int_equal(b->p.map_count, 0);
    phys_move(&b->p, w, 0x1234);
    assert_int_equal(b->p.map_count, 0);
    phys_move(&b->p, w, 0x7000);
    assert_non_null(phys_find(&b->p, pa(0xafff)).host);
    assert_int_equal(phys_map(&b->p, 0, 0x2000, b->ram_back, sizeof b->ram - 0x1000, 1, 0), -1);
    assert_int_equal(phys_map(&b->p, 0, 0x1000, b->ram_back, UINT64_MAX - 0xfff, 1, 0), -1);
    board_free(b);
}

static void the_owner_hears_of_each_change_and_of_no_other(void **state)
{
    struct board *b = board_new();
    int w = phys_map(&b->p, 0, 0x1000, b->ram_back, 0, WINDOW_READ, 0);
    unsigned before = b->changes;
    (void)state;

    phys_rights(&b->p, w, WINDOW_READ);
    phys_move(&b->p, w, 0);
    phys_set_a20(&b->p, true);
    assert_int_equal(b->changes, before);
    phys_set_a20(&b->p, false);
    phys_rights(&b->p, w, 0);
    assert_int_equal(b->changes, before + 2);
    board_free(b);
}

/* The sorted map against asking every window for every page. */
static void the_resolved_map_agrees_with_the_windows(void **state)
{
    struct board *b = board_new();
    int handle[PHYS_WINDOWS];
    unsigned count = 0;
    (void)state;

    srand(1);
    for (unsigned round = 0; round < 300; round++) {
        bool rom = rand() & 1;
        unsigned pages = 1 + (unsigned)rand() % 8;
        if (count < 40 && rand() % 3)
            handle[count++] = phys_map(&b->p, (uint64_t)(rand() % 60) * PAGE,
                                       (uint64_t)pages * PAGE, rom ? b->rom_back : b->ram_back,
                                       (uint64_t)(rand() % 8) * PAGE, (unsigned)rand() % 16,
                                       rand() % 5);
        else if (count)
            phys_unmap(&b->p, handle[--count]);
        for (uint64_t page = 0; page < 70; page++) {
            uint64_t a = page * PAGE;
            const uint8_t *reads = NULL, *writes = NULL;
            bool drop = false, read_done = false, write_done = false;
            for (int priority = 4; priority >= 0; priority--) {
                for (unsigned i = 0; i < PHYS_WINDOWS; i++) {
                    const struct window *w = &b->p.windows[i];
                    if (!w->used || !w->rights || w->priority != priority || a < w->base ||
                        a >= w->base + w->size)
                        continue;
                    if (!read_done && w->rights & WINDOW_READ)
                        reads = w->backing->bytes + w->offset + (a - w->base);
                    if (!write_done && w->rights & WINDOW_WRITE)
                        writes = w->backing->bytes + w->offset + (a - w->base);
                    else if (!write_done && w->rights & WINDOW_DROP)
                        drop = true;
                    read_done |= w->rights & WINDOW_READ || !(w->rights & WINDOW_UNDER);
                    write_done |= w->rights & (WINDOW_WRITE | WINDOW_DROP) ||
                                  !(w->rights & WINDOW_UNDER);
                }
            }
            struct phys_page p = phys_find(&b->p, pa(a + 5));
            const struct resolved *r = phys_resolve(&b->p, a);
            assert_ptr_equal(p.host, reads);
            assert_ptr_equal(r && r->store ? r->store + (a - r->base) : NULL, writes);
            assert_int_equal(p.drop, drop);
            assert_int_equal(p.write, reads && reads == writes);
        }
    }
    board_free(b);
}

static void the_hash_sees_bytes_and_their_page_but_not_zero_pages(void **state)
{
    struct board *b = board_new();
    uint64_t empty, one;
    (void)state;

    empty = phys_hash(&b->p, 7);
    assert_int_equal(empty, 7);
    b->ram[0x2345] = 1;
    one = phys_hash(&b->p, 7);
    assert_int_not_equal(one, empty);
    b->ram[0x2345] = 0;
    b->ram[0x3345] = 1;
    assert_int_not_equal(phys_hash(&b->p, 7), one);
    board_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_higher_window_hides_a_lower_one_until_its_rights_are_zero),
        cmocka_unit_test(of_equal_windows_the_lower_handle_wins),
        cmocka_unit_test(a_window_for_code_is_seen_by_fetches_alone),
        cmocka_unit_test(what_no_window_covers_is_mmio),
        cmocka_unit_test(stores_to_rom_vanish_or_reach_the_flash_chip),
        cmocka_unit_test(a_pass_through_window_reads_rom_and_writes_ram),
        cmocka_unit_test(a_transfer_moves_all_bytes_or_none),
        cmocka_unit_test(only_a_write_that_hits_a_code_chunk_is_told),
        cmocka_unit_test(guests_cannot_place_a_window_over_the_end_of_addresses),
        cmocka_unit_test(the_owner_hears_of_each_change_and_of_no_other),
        cmocka_unit_test(the_resolved_map_agrees_with_the_windows),
        cmocka_unit_test(the_hash_sees_bytes_and_their_page_but_not_zero_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
