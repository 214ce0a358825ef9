#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/byteorder.h"
#include "mmu/paging.h"

enum { RAM = 1 << 20 };

struct board {
    struct phys p;
    uint8_t ram[RAM];
    uint64_t code[RAM / PAGE];
    struct paging pg;
};

static struct board *board_new(enum paging_mode mode)
{
    struct board *b = calloc(1, sizeof *b);

    phys_init(&b->p, NULL, 40);
    b->p.code = b->code;
    phys_map(&b->p, 0, RAM, phys_back(&b->p, "ram", b->ram, RAM), 0,
             WINDOW_READ | WINDOW_WRITE, 0);
    b->pg = (struct paging){.mode = mode, .cr3 = 0x1000, .phys_bits = 40, .wp = true,
                            .pse = true, .pge = true, .nxe = true, .gigabyte = true};
    return b;
}

static void put(struct board *b, uint64_t where, uint64_t e)
{
    store64(b->ram + where, e);
}

static uint64_t get(struct board *b, uint64_t where)
{
    return load64(b->ram + where);
}

static const uint64_t XD = 1ull << 63;

/* PML5 at 1000h (or PML4), down to a page table at 5000h; linear address 0 to page 9000h. */
static void map_page(struct board *b, uint64_t rights)
{
    uint64_t table = 0x1000;

    if (b->pg.mode == PAGING_5LEVEL) {
        put(b, table, 0x6000 | rights);
        table = 0x6000;
    }
    put(b, table, 0x3000 | rights);
    put(b, 0x3000, 0x4000 | rights);
    put(b, 0x4000, 0x5000 | rights);
    put(b, 0x5000, 0x9000 | rights);
}

/* The rules of SDM vol 3A 4.6 and 4.7, written as the manual lists them. -1: allowed, else
 * the error code. */
static int rules(const struct paging *pg, struct accessor how, bool user_page, bool writable,
                 bool xd, unsigned key)
{
    bool user_access = how.user && !how.implicit;
    bool wd = pg->pkru >> (2 * key + 1) & 1, ad = pg->pkru >> (2 * key) & 1;
    int code = 1, ok;
    bool pk = false;

    if (how.kind == ACCESS_FETCH) {
        if (user_access)
            ok = user_page && !(pg->nxe && xd);
        else if (user_page)
            ok = !pg->smep && !(pg->nxe && xd);
        else
            ok = !(pg->nxe && xd);
        if (pg->nxe || pg->smep)
            code |= 16;
    } else {
        bool key_ok = true;
        if (pg->pke && user_page) {
            if (how.kind == ACCESS_READ)
                key_ok = !ad;
            else if (!user_access && !pg->wp)
                key_ok = !ad;
            else
                key_ok = !ad && !wd;
        }
        pk = !key_ok;
        if (user_access)
            ok = user_page && (how.kind == ACCESS_READ || writable) && key_ok;
        else if (!user_page)
            ok = how.kind == ACCESS_READ || writable || !pg->wp;
        else if (pg->smap && (how.implicit || !pg->ac))
            ok = false;
        else
            ok = key_ok && (how.kind == ACCESS_READ || writable || !pg->wp);
        if (how.kind == ACCESS_WRITE)
            code |= 2;
    }
    if (ok)
        return -1;
    return code | (user_access ? 4 : 0) | (pk ? 32 : 0);
}

static void every_combination_of_rights_follows_the_manual(void **state)
{
    struct board *b = board_new(PAGING_4LEVEL);
    unsigned refused = 0, allowed = 0;
    (void)state;

    b->pg.pke = true;
    for (unsigned pages = 0; pages < 64; pages++) {
        /* U/S, R/W and XD, each at the PDE and at the PTE. */
        uint64_t upper = 1 | (pages & 3) << 1 | (pages & 4 ? XD : 0);
        uint64_t lower = 1 | (pages >> 3 & 3) << 1 | (pages >> 3 & 4 ? XD : 0);
        bool user = upper & lower & 4, writable = upper & lower & 2;
        bool xd = (upper | lower) & XD;
        for (unsigned cpu = 0; cpu < 64; cpu++) {
            b->pg.wp = cpu & 1;
            b->pg.smep = cpu & 2;
            b->pg.smap = cpu & 4;
            b->pg.ac = cpu & 8;
            b->pg.pkru = (cpu >> 4) << 6; /* key 3 */
            for (unsigned n = 0; n < 12; n++) {
                struct accessor how = {(enum access_kind)(n % 3), n / 3 & 1, n / 6};
                struct walk w;
                int expected = rules(&b->pg, how, user, writable, xd, 3);
                map_page(b, 7);
                put(b, 0x4000, 0x5000 | upper);
                put(b, 0x5000, 0x9000 | lower | 3ull << 59);
                bool ok = page_walk(&b->pg, &b->p, 0x123, how, &w);
                assert_int_equal(ok, expected < 0);
                if (ok) {
                    allowed++;
                    assert_int_equal(w.page.v, 0x9000);
                    assert_int_equal(w.refused, WALK_OK);
                    assert_int_equal(get(b, 0x5000) & 0x60,
                                     how.kind == ACCESS_WRITE ? 0x60 : 0x20);
                    assert_int_equal(get(b, 0x4000) & 0x60, 0x20);
                } else {
                    refused++;
                    assert_int_equal(w.error_code, expected);
                    assert_int_not_equal(w.refused, WALK_OK);
                    assert_int_equal(get(b, 0x5000) & 0x60, 0);
                    assert_int_equal(get(b, 0x4000) & 0x60, 0x20); /* it led on */
                }
                /* The same verdict from rights a TLB remembers. */
                w = (struct walk){.writable = writable, .user = user, .executable = !xd,
                                  .pkey = 3};
                assert_int_equal(page_allows(&b->pg, &w, how), ok);
                if (!ok)
                    assert_int_equal(w.error_code, expected);
            }
        }
    }
    assert_true(refused > 10000 && allowed > 5000);
    free(b);
}

static void a_refusal_names_the_level_and_the_bit(void **state)
{
    struct board *b = board_new(PAGING_4LEVEL);
    struct walk w;
    (void)state;

    map_page(b, 7);
    put(b, 0x3000, 0x4000 | 5); /* the PDPTE denies writes */
    assert_false(page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_WRITE, true, false}, &w));
    assert_int_equal(w.refused, WALK_READ_ONLY);
    assert_int_equal(w.level, 3);
    assert_int_equal(w.bits, 2);
    put(b, 0x4000, 0x5000 | 6);
    assert_false(page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_READ, true, false}, &w));
    assert_int_equal(w.refused, WALK_NOT_PRESENT);
    assert_int_equal(w.level, 2);
    assert_int_equal(w.error_code, 4);
    assert_int_equal(w.count, 3);
    assert_int_equal(w.entry[2].where, 0x4000);
    assert_int_equal(w.entry[2].value, 0x5006);
    free(b);
}

static void supervisor_keys_guard_supervisor_pages(void **state)
{
    struct board *b = board_new(PAGING_4LEVEL);
    struct walk w;
    (void)state;

    map_page(b, 3);
    put(b, 0x5000, 0x9000 | 3 | 5ull << 59);
    b->pg.pkrs = 2u << 10;
    assert_true(page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_WRITE, false, false}, &w));
    b->pg.pks = true;
    assert_true(page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_READ, false, false}, &w));
    assert_false(page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_WRITE, false, false}, &w));
    assert_int_equal(w.refused, WALK_PKEY);
    assert_int_equal(w.error_code, 1 | 2 | 32);
    assert_int_equal(w.bits, 5);
    b->pg.wp = false;
    assert_true(page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_WRITE, false, false}, &w));
    free(b);
}

/* One bit at a time in one entry. Allowed bits as tables 4-8 to 4-20 draw them, for
 * MAXPHYADDR 40. */
static void check_bits(struct board *b, uint64_t where, unsigned size, uint64_t base,
                       uint64_t la, uint64_t reserved)
{
    for (unsigned bit = 1; bit < 8 * size; bit++) {
        struct walk w;
        uint64_t e = base | 1ull << bit;
        bool ok;
        if (bit == 7)
            continue; /* PS changes what the entry is; see the sizes below */
        if (size == 4)
            store32(b->ram + where, (uint32_t)e);
        else
            put(b, where, e);
        ok = page_look(&b->pg, &b->p, la, &w);
        if (reserved >> bit & 1) {
            assert_false(ok);
            assert_int_equal(w.bits, 1ull << bit);
            assert_false(
                page_walk(&b->pg, &b->p, la, (struct accessor){ACCESS_READ, true, false}, &w));
            assert_int_equal(w.error_code, 1 | 4 | 8);
        } else if (!ok) {
            /* Another address bit leads to an empty table. */
            assert_true(w.refused == WALK_NOT_PRESENT || w.refused == WALK_NO_MEMORY);
        }
    }
    if (size == 4)
        store32(b->ram + where, (uint32_t)base);
    else
        put(b, where, base);
}

static uint64_t field(unsigned high, unsigned low)
{
    uint64_t v = 0;
    for (unsigned i = low; i <= high; i++)
        v |= 1ull << i;
    return v;
}

static void reserved_bits_are_the_manuals(void **state)
{
    (void)state;
    for (unsigned nxe = 0; nxe < 2; nxe++) {
        uint64_t xd = nxe ? 0 : XD;
        struct board *b = board_new(PAGING_5LEVEL);
        b->pg.nxe = nxe;
        map_page(b, 7);
        check_bits(b, 0x1000, 8, 0x6007, 0, field(51, 40) | xd);
        check_bits(b, 0x6000, 8, 0x3007, 0, field(51, 40) | xd);
        check_bits(b, 0x3000, 8, 0x4007, 0, field(51, 40) | xd);
        check_bits(b, 0x4000, 8, 0x5007, 0, field(51, 40) | xd);
        check_bits(b, 0x5000, 8, 0x9007, 0, field(51, 40) | xd);
        check_bits(b, 0x4000, 8, 0x87, 0, field(51, 40) | field(20, 13) | xd); /* 2 MiB */
        check_bits(b, 0x3000, 8, 0x87, 0, field(51, 40) | field(29, 13) | xd); /* 1 GiB */
        free(b);

        b = board_new(PAGING_PAE);
        b->pg.nxe = nxe;
        b->pg.pdpte[0] = 0x4001;
        put(b, 0x4000, 0x5007);
        put(b, 0x5000, 0x9007);
        check_bits(b, 0x4000, 8, 0x5007, 0, field(62, 40) | xd);
        check_bits(b, 0x5000, 8, 0x9007, 0, field(62, 40) | xd);
        check_bits(b, 0x4000, 8, 0x87, 0, field(62, 40) | field(20, 13) | xd);
        free(b);
    }
}

static void a_4_mib_page_reaches_as_far_as_maxphyaddr(void **state)
{
    struct board *b = board_new(PAGING_32);
    struct walk w;
    (void)state;

    check_bits(b, 0x1004, 4, 0x87, 0x400000, field(21, 21));
    b->pg.phys_bits = 36;
    check_bits(b, 0x1004, 4, 0x87, 0x400000, field(21, 17));
    b->pg.phys_bits = 32;
    check_bits(b, 0x1004, 4, 0x87, 0x400000, field(21, 13));
    b->pg.phys_bits = 36;
    store32(b->ram + 0x1004, 0x0081e087); /* bits 16:13 = 1111b */
    assert_true(page_look(&b->pg, &b->p, 0x7fffff, &w));
    assert_int_equal(w.page.v, 0xf00800000);
    assert_int_equal(w.shift, 22);
    b->pg.pse = false; /* then bit 7 means nothing, and this is a table in no memory */
    assert_true(page_look(&b->pg, &b->p, 0x7fffff, &w));
    assert_int_equal(w.shift, 12);
    free(b);
}

static void ps_is_reserved_where_no_page_of_that_size_exists(void **state)
{
    struct board *b = board_new(PAGING_5LEVEL);
    struct walk w;
    const uint64_t entry[] = {0x1000, 0x6000, 0x3000};
    (void)state;

    b->pg.gigabyte = false;
    for (unsigned i = 0; i < ARRAY_SIZE(entry); i++) {
        map_page(b, 7);
        put(b, entry[i], get(b, entry[i]) | 0x80);
        assert_false(page_look(&b->pg, &b->p, 0, &w));
        assert_int_equal(w.refused, WALK_RESERVED);
        assert_int_equal(w.bits, 0x80);
        assert_int_equal(w.level, 5 - i);
    }
    free(b);
}

static void each_page_size_is_found_where_the_manual_puts_it(void **state)
{
    struct board *b = board_new(PAGING_5LEVEL);
    struct walk w;
    /* indices 300, 5, 6, 7, 8 */
    uint64_t la = 300ull << 48 | 5ull << 39 | 6ull << 30 | 7ull << 21 | 8ull << 12 | 0xabc;
    (void)state;

    put(b, 0x1000 + 8 * 300, 0x6000 | 3);
    put(b, 0x6000 + 8 * 5, 0x3000 | 3);
    put(b, 0x3000 + 8 * 6, 0x4000 | 3);
    put(b, 0x4000 + 8 * 7, 0x5000 | 3);
    put(b, 0x5000 + 8 * 8, 0xff12345000 | 0x103);
    assert_true(page_look(&b->pg, &b->p, la, &w));
    assert_int_equal(w.page.v, 0xff12345000);
    assert_int_equal(w.shift, 12);
    assert_true(w.global && w.writable && !w.user && w.executable && !w.dirty);
    assert_int_equal(w.count, 5);
    put(b, 0x4000 + 8 * 7, 0xff12201083); /* bit 12 is PAT, no address */
    assert_true(page_look(&b->pg, &b->p, la, &w));
    assert_int_equal(w.page.v, 0xff12200000);
    assert_int_equal(w.shift, 21);
    put(b, 0x3000 + 8 * 6, 0xff40001083);
    assert_true(page_look(&b->pg, &b->p, la, &w));
    assert_int_equal(w.page.v, 0xff40000000);
    assert_int_equal(w.shift, 30);
    b->pg.pge = false;
    assert_true(page_look(&b->pg, &b->p, la, &w));
    assert_false(w.global);
    free(b);
}

static void looking_changes_no_bit(void **state)
{
    struct board *b = board_new(PAGING_4LEVEL);
    struct walk w;
    (void)state;

    map_page(b, 7);
    assert_true(page_look(&b->pg, &b->p, 0x77, &w));
    assert_int_equal(get(b, 0x1000), 0x3007);
    assert_int_equal(get(b, 0x5000), 0x9007);
    free(b);
}

/* All ones have reserved bits set as long as MAXPHYADDR is below 52. */
static void tables_outside_memory_read_as_ones(void **state)
{
    struct board *b = board_new(PAGING_4LEVEL);
    struct walk w;
    (void)state;

    map_page(b, 7);
    put(b, 0x3000, 0x7ff000000 | 7);
    assert_false(page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_READ, false, false}, &w));
    assert_int_equal(w.refused, WALK_NO_MEMORY);
    assert_int_equal(w.error_code, 1 | 8);
    assert_int_equal(w.level, 2);
    assert_int_equal(get(b, 0x1000), 0x3027);
    free(b);
}

static void pdptes_are_loaded_whole_or_not_at_all(void **state)
{
    struct board *b = board_new(PAGING_PAE);
    (void)state;

    b->pg.cr3 = 0x1020;
    put(b, 0x1020, 0x4001);
    put(b, 0x1028, 0x1e6); /* not present: no bit is looked at */
    put(b, 0x1030, 0x6e19); /* PWT, PCD and ignored bits 11:9 */
    assert_true(paging_load_pdptes(&b->pg, &b->p));
    assert_int_equal(b->pg.pdpte[0], 0x4001);
    assert_int_equal(b->pg.pdpte[2], 0x6e19);
    for (unsigned bit = 1; bit < 64; bit++) {
        bool reserved = (bit >= 1 && bit <= 2) || (bit >= 5 && bit <= 8) || bit >= 40;
        put(b, 0x1020, 0x4001 | 1ull << bit);
        b->pg.pdpte[0] = 0xdead;
        assert_int_equal(paging_load_pdptes(&b->pg, &b->p), !reserved);
        if (reserved)
            assert_int_equal(b->pg.pdpte[0], 0xdead);
    }
    free(b);
}

static void a20_masks_table_addresses_too(void **state)
{
    struct board *b = board_new(PAGING_32);
    struct walk w;
    (void)state;

    b->pg.cr3 = 0x101000;
    store32(b->ram + 0x1000, 0x102003);
    store32(b->ram + 0x2000, 0x109003);
    assert_false(page_look(&b->pg, &b->p, 0, &w) && w.page.v == 0x109000);
    phys_set_a20(&b->p, false);
    assert_true(page_look(&b->pg, &b->p, 0, &w));
    assert_int_equal(w.page.v, 0x109000); /* the caller masks where it leads */
    free(b);
}

static unsigned told;

static void count(void *owner, uint32_t page, unsigned offset, unsigned size)
{
    (void)owner;
    assert_int_equal(page, 5);
    assert_int_equal(offset, 0);
    assert_int_equal(size, 8);
    told++;
}

static void marking_an_entry_beside_code_is_told(void **state)
{
    struct board *b = board_new(PAGING_4LEVEL);
    struct walk w;
    (void)state;

    map_page(b, 7);
    b->code[5] = 1;
    b->p.code_written = count;
    told = 0;
    page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_READ, false, false}, &w);
    assert_int_equal(told, 1);
    page_walk(&b->pg, &b->p, 0, (struct accessor){ACCESS_READ, false, false}, &w);
    assert_int_equal(told, 1); /* already marked: no write */
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_of_rights_follows_the_manual),
        cmocka_unit_test(a_refusal_names_the_level_and_the_bit),
        cmocka_unit_test(supervisor_keys_guard_supervisor_pages),
        cmocka_unit_test(reserved_bits_are_the_manuals),
        cmocka_unit_test(a_4_mib_page_reaches_as_far_as_maxphyaddr),
        cmocka_unit_test(ps_is_reserved_where_no_page_of_that_size_exists),
        cmocka_unit_test(each_page_size_is_found_where_the_manual_puts_it),
        cmocka_unit_test(looking_changes_no_bit),
        cmocka_unit_test(tables_outside_memory_read_as_ones),
        cmocka_unit_test(pdptes_are_loaded_whole_or_not_at_all),
        cmocka_unit_test(a20_masks_table_addresses_too),
        cmocka_unit_test(marking_an_entry_beside_code_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
