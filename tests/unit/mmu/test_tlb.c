#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/byteorder.h"
#include "mmu/access.h"

/* RAM of 16 MiB: tables in the first MiB, then data; ROM at 20 MiB; registers above. */
enum { RAM = 16 << 20, ROM = 64 << 10, ROM_AT = 20 << 20, MMIO_AT = 32 << 20 };
enum { PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, PT = 0x4000 /* 8 of them: 16 MiB */ };

struct board {
    struct phys p;
    struct space mmio;
    struct mmu m;
    uint8_t *ram, *rom;
    uint64_t *code;
    struct io log[16];
    unsigned accesses, synced, hits;
};

static enum io_status answer(void *dev, struct io *io)
{
    struct board *b = dev;

    if (!io->write)
        io->value = 0x0807060504030201;
    b->log[b->accesses++ % 16] = *io;
    return IO_DONE;
}

static const struct region registers = {
    .name = "registers", .length = 1 << 20, .access = answer, .max_size = 8, .mmio = true};

static void sync_clock(void *owner)
{
    ((struct board *)owner)->synced++;
}

static void code_written(void *owner, uint32_t page, unsigned offset, unsigned size)
{
    (void)page, (void)offset, (void)size;
    ((struct board *)owner)->hits++;
}

static void map_changed(void *owner)
{
    mmu_drop(&((struct board *)owner)->m);
}

static void set_pte(struct board *b, uint64_t la, uint64_t e)
{
    store64(b->ram + PT + 8 * (la >> 12), e);
}

static uint64_t get_pte(struct board *b, uint64_t la)
{
    return load64(b->ram + PT + 8 * (la >> 12));
}

/* Linear 0 to 16 MiB is itself in 4 KiB pages; 1 GiB upwards in a 1 GiB page of itself;
 * 2 GiB upwards in 2 MiB pages of 0. */
static struct board *board_new(void)
{
    struct board *b = calloc(1, sizeof *b);

    b->ram = calloc(1, RAM);
    b->rom = calloc(1, ROM);
    b->code = calloc(8, (RAM + ROM) / PAGE);
    assert_true(space_init(&b->mmio, true));
    assert_true(space_map(&b->mmio, &registers, b, MMIO_AT, 0) >= 0);
    phys_init(&b->p, &b->mmio, 40);
    b->p.code = b->code;
    b->p.owner = b;
    b->p.code_written = code_written;
    mmu_init(&b->m, &b->p);
    b->p.changed = map_changed;
    phys_map(&b->p, 0, RAM, phys_back(&b->p, "ram", b->ram, RAM), 0,
             WINDOW_READ | WINDOW_WRITE, 0);
    phys_map(&b->p, ROM_AT, ROM, phys_back(&b->p, "rom", b->rom, ROM), 0,
             WINDOW_READ | WINDOW_DROP, 0);
    b->m.before_mmio = sync_clock;
    b->m.owner = b;
    store64(b->ram + PML4, PDPT | 7);
    store64(b->ram + PDPT, PD | 7);
    store64(b->ram + PDPT + 8, 0x40000087);
    store64(b->ram + PDPT + 16, (PD + 0x10000) | 7);
    for (unsigned i = 0; i < 8; i++) {
        store64(b->ram + PD + 8 * i, (uint64_t)(PT + 0x1000 * i) | 7);
        store64(b->ram + PD + 0x10000 + 8 * i, (uint64_t)i << 21 | 0x87);
    }
    for (uint64_t la = 0; la < RAM; la += PAGE)
        set_pte(b, la, la | 7);
    b->m.paging = (struct paging){.mode = PAGING_4LEVEL, .cr3 = PML4, .phys_bits = 40,
                                  .wp = true, .pge = true, .nxe = true, .gigabyte = true};
    mmu_select(&b->m, VIEW_SUPERVISOR, false, false);
    return b;
}

static void board_free(struct board *b)
{
    space_free(&b->mmio);
    free(b->ram);
    free(b->rom);
    free(b->code);
    free(b);
}

static const struct accessor READ = {ACCESS_READ, false, false},
                             WRITE = {ACCESS_WRITE, false, false},
                             USER_READ = {ACCESS_READ, true, false},
                             USER_WRITE = {ACCESS_WRITE, true, false};

static bool touch(struct board *b, uint64_t la, struct accessor how)
{
    struct spans s;
    uint64_t bad;

    return mmu_open(&b->m, la, 1, how, &s, &bad);
}

static void a_write_tag_appears_with_the_first_store(void **state)
{
    struct board *b = board_new();
    (void)state;

    assert_null(probe_read(&b->m, 0x200000, 8));
    assert_true(touch(b, 0x200000, READ));
    assert_ptr_equal(probe_read(&b->m, 0x200ff8, 8), b->ram + 0x200ff8);
    assert_null(probe_read(&b->m, 0x200ff9, 8)); /* crosses */
    assert_null(probe_write(&b->m, 0x200000, 8)); /* D is not set */
    assert_int_equal(get_pte(b, 0x200000) & 0x60, 0x20);
    assert_true(touch(b, 0x200000, WRITE));
    assert_ptr_equal(probe_write(&b->m, 0x200123, 4), b->ram + 0x200123);
    assert_int_equal(get_pte(b, 0x200000) & 0x60, 0x60);
    board_free(b);
}

static void a_stale_entry_serves_until_it_is_flushed(void **state)
{
    struct board *b = board_new();
    struct spans s;
    uint64_t bad;
    (void)state;

    touch(b, 0x300000, READ);
    set_pte(b, 0x300000, 0x400000 | 7);
    mmu_drop(&b->m);
    mmu_open(&b->m, 0x300000, 1, READ, &s, &bad);
    assert_int_equal(s.part[0].where.v, 0x300000);
    mmu_flush_page(&b->m, 0x300abc, 0);
    mmu_open(&b->m, 0x300000, 1, READ, &s, &bad);
    assert_int_equal(s.part[0].where.v, 0x400000);
    board_free(b);
}

/* D has to be set in the tables as they are now. */
static void the_store_that_sets_dirty_walks_again(void **state)
{
    struct board *b = board_new();
    struct spans s;
    uint64_t bad;
    (void)state;

    touch(b, 0x300000, READ);
    set_pte(b, 0x300000, 0x500000 | 7);
    assert_true(mmu_open(&b->m, 0x300000, 1, WRITE, &s, &bad));
    assert_int_equal(s.part[0].where.v, 0x500000);
    assert_ptr_equal(probe_read(&b->m, 0x300000, 1), b->ram + 0x500000);
    board_free(b);
}

static void a_page_fault_voids_what_was_cached(void **state)
{
    struct board *b = board_new();
    (void)state;

    set_pte(b, 0x300000, 0x300000 | 1);
    assert_true(touch(b, 0x300000, READ));
    assert_false(touch(b, 0x300000, WRITE));
    assert_int_equal(b->m.walk.refused, WALK_READ_ONLY);
    assert_null(probe_read(&b->m, 0x300000, 1));
    set_pte(b, 0x300000, 0); /* so the next read walks, and sees this */
    assert_false(touch(b, 0x300000, READ));
    /* A right that was added needs no flush. */
    set_pte(b, 0x301000, 0x301000 | 1);
    assert_true(touch(b, 0x301000, READ));
    set_pte(b, 0x301000, 0x301000 | 3);
    assert_true(touch(b, 0x301000, WRITE));
    board_free(b);
}

static void both_pages_of_a_crossing_access_are_checked(void **state)
{
    struct board *b = board_new();
    struct spans s;
    uint64_t bad = 0;
    uint8_t bytes[16];
    (void)state;

    set_pte(b, 0x301000, 0x700000 | 1);
    assert_false(mmu_open(&b->m, 0x300ffa, 16, WRITE, &s, &bad));
    assert_int_equal(bad, 0x301000);
    assert_int_equal(get_pte(b, 0x301000) & 0x60, 0);
    assert_true(mmu_open(&b->m, 0x300ffa, 16, READ, &s, &bad));
    for (unsigned i = 0; i < 6; i++)
        b->ram[0x300ffa + i] = (uint8_t)(1 + i);
    for (unsigned i = 0; i < 10; i++)
        b->ram[0x700000 + i] = (uint8_t)(7 + i);
    spans_read(&b->m, &s, bytes, 16);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(bytes[i], i + 1);
    set_pte(b, 0x300000, 0);
    mmu_flush_all(&b->m);
    assert_false(mmu_open(&b->m, 0x300ffa, 16, READ, &s, &bad));
    assert_int_equal(bad, 0x300ffa);
    set_pte(b, 0x301000, 0x700000 | 3);
    set_pte(b, 0x300000, 0x300000 | 3);
    assert_true(mmu_open(&b->m, 0x300ffd, 8, WRITE, &s, &bad));
    spans_store(&b->m, &s, 8, 0x1122334455667788);
    assert_int_equal(load16(b->ram + 0x300ffd), 0x7788);
    assert_int_equal(b->ram[0x700004], 0x11);
    assert_int_equal(spans_load(&b->m, &s, 8), 0x1122334455667788);
    board_free(b);
}

static void linear_addresses_wrap_at_4_gib_below_4_level_paging(void **state)
{
    struct board *b = board_new();
    struct spans s;
    uint64_t bad;
    (void)state;

    b->m.paging.mode = PAGING_OFF;
    mmu_select(&b->m, VIEW_SUPERVISOR, false, false);
    assert_true(mmu_open(&b->m, 0xfffffffe, 4, READ, &s, &bad));
    assert_int_equal(s.part[1].where.v, 0);
    assert_int_equal(s.part[0].size, 2);
    board_free(b);
}

/* For random rights and CPU settings: an access through caches already filled by others is
 * allowed exactly when the walk allows it, and tags promise nothing that it would refuse. */
static void caches_allow_what_the_walk_allows(void **state)
{
    struct board *b = board_new();
    struct walk w;
    (void)state;

    srand(2);
    b->m.paging.pke = b->m.paging.pks = true;
    for (unsigned round = 0; round < 60000; round++) {
        uint64_t la = 0x800000 + (uint64_t)(rand() % 8) * PAGE;
        struct accessor how = {(enum access_kind)(rand() % 3), rand() & 1, false};
        struct paging *pg = &b->m.paging;
        struct phys_page page;
        paddr where;
        bool expected, ok;

        if (round % 16 == 0) {
            uint64_t e = 1 | (uint64_t)(rand() & 3) << 1 | (uint64_t)(rand() & 1) << 63 |
                         (uint64_t)(rand() & (round < 20000 ? 0 : 3)) << 59;
            set_pte(b, la, la | e);
            mmu_flush_page(&b->m, la, 0);
        }
        if (round % 5 == 0) {
            pg->wp = rand() & 1;
            pg->smep = rand() & 1;
            pg->smap = rand() & 1;
            pg->ac = rand() & 1;
            pg->pkru = (uint32_t)rand() & 0xff;
            pg->pkrs = (uint32_t)rand() & 0xff;
        }
        mmu_select(&b->m,
                   how.user                ? VIEW_USER
                   : pg->smap && !pg->ac ? VIEW_SMAP
                                         : VIEW_SUPERVISOR,
                   how.user, false);
        page_look(pg, &b->p, la, &w);
        expected = page_allows(pg, &w, how);
        if (how.kind == ACCESS_FETCH) {
            const struct l1_fetch *f = &b->m.fetch_view[la >> 12 & (L1_FETCHES - 1)];
            if (f->tag == la)
                assert_true(expected);
            ok = mmu_fetch(&b->m, la, how.user, &page, &where);
            if (ok)
                assert_int_equal(f->tag, la);
        } else {
            if (how.kind == ACCESS_WRITE ? probe_write(&b->m, la, 1) : probe_read(&b->m, la, 1))
                assert_true(expected);
            if (probe_write(&b->m, la, 1))
                assert_non_null(probe_read(&b->m, la, 1));
            ok = touch(b, la, how);
            if (ok) {
                assert_non_null(probe_read(&b->m, la, 1));
                if (how.kind == ACCESS_WRITE)
                    assert_non_null(probe_write(&b->m, la, 1));
            }
        }
        assert_int_equal(ok, expected);
    }
    board_free(b);
}

static bool in_second_level(struct mmu *m, uint64_t page)
{
    const struct {
        struct l2_entry *e;
        unsigned n;
        uint64_t mask;
    } all[] = {{m->l2[0], L2_SETS * L2_WAYS, 0xfff},
               {m->large[0], L2_LARGE_SETS * L2_WAYS, 0x1fffff},
               {m->huge[0], L2_HUGE_SETS * L2_WAYS, 0x3fffffff}};

    for (unsigned a = 0; a < 3; a++)
        for (unsigned i = 0; i < all[a].n; i++)
            if (all[a].e[i].tag == (page & ~all[a].mask) &&
                (all[a].e[i].space == m->space || all[a].e[i].space == m->global_space))
                return true;
    return false;
}

/* One machine keeps four first-level entries and drops them at random, the other keeps
 * all; the same accesses and flushes leave the same second level. */
static void the_second_level_does_not_depend_on_the_first(void **state)
{
    struct board *b[2] = {board_new(), board_new()};
    (void)state;

    b[1]->m.small = 4;
    for (unsigned i = 0; i < 2; i++)
        /* global pages among the others */
        for (uint64_t la = 0x100000; la < RAM; la += 3 * PAGE)
            set_pte(b[i], la, la | 0x107);
    for (unsigned round = 0; round < 40000; round++) {
        unsigned what = (unsigned)rand() % 400, draw = (unsigned)rand();
        uint64_t la;
        switch (rand() % 4) {
        case 0: la = (2ull << 30) + (draw & 0xfff000); break;
        case 1: la = (1ull << 30) + (draw & 0xfff000); break;
        /* a stride that overfills some sets */
        default: la = (draw & 1 ? draw & 0xfff000 : draw & 0xc07000) | 0x100000; break;
        }
        uint16_t pcid = (uint16_t)(rand() % 3);
        for (unsigned i = 0; i < 2; i++) {
            struct mmu *m = &b[i]->m;
            if (what < 2)
                mmu_flush_nonglobal(m);
            else if (what < 3)
                mmu_flush_all(m);
            else if (what < 6)
                mmu_flush_local(m, pcid);
            else if (what < 30)
                mmu_flush_page(m, la, pcid);
            else if (what < 40) {
                m->paging.pcid = pcid;
                mmu_select(m, VIEW_SUPERVISOR, false, false);
            } else if (what < 60)
                set_pte(b[i], la & 0xfff000, (la & 0xffc000) | 7);
            else if (!(what & 1 ? probe_write(m, la, 1) : probe_read(m, la, 1)))
                touch(b[i], la, what & 1 ? WRITE : READ);
        }
        if (what < 60)
            continue;
        if (round % 7 == 0)
            mmu_drop(&b[1]->m);
    }
    for (const struct field *f = mmu_fields; f->name; f++) {
        const uint8_t *one = (uint8_t *)&b[0]->m + f->offset;
        const uint8_t *two = (uint8_t *)&b[1]->m + f->offset;
        assert_memory_equal(one, two, (size_t)f->size * f->count);
    }
    assert_memory_equal(b[0]->ram, b[1]->ram, RAM);
    board_free(b[0]);
    board_free(b[1]);
}

static void every_first_level_entry_has_its_second_level_entry(void **state)
{
    struct board *b = board_new();
    struct mmu *m = &b->m;
    (void)state;

    for (unsigned round = 0; round < 20000; round++) {
        unsigned draw = (unsigned)rand();
        uint64_t la = (draw & 0xfff000) + ((uint64_t)(draw >> 24 & 1) << 31);
        switch (rand() % 60) {
        case 0: mmu_flush_local(m, (uint16_t)(draw >> 28 & 1)); break;
        case 1:
            m->paging.pcid = draw >> 28 & 1;
            mmu_select(m, draw >> 27 & 1 ? VIEW_USER : VIEW_SUPERVISOR, false, false);
            break;
        case 2:
        case 3:
        case 4: mmu_flush_page(m, la, m->paging.pcid); break;
        case 5: set_pte(b, la & 0xfff000, draw >> 25 & 1 ? 0 : (la & 0xfff000) | 7); break;
        default:
            touch(b, la, m->data_view == VIEW_USER ? USER_READ : READ);
            {
                struct phys_page p;
                paddr where;
                mmu_fetch(m, la ^ 0x5000, false, &p, &where);
            }
        }
        if (round % 50)
            continue;
        for (unsigned i = 0; i < VIEW_COUNT * L1_ENTRIES; i++) {
            uint64_t tag = m->data[i / L1_ENTRIES][i % L1_ENTRIES].read;
            if (!(tag & 1))
                assert_true(in_second_level(m, tag));
        }
        for (unsigned i = 0; i < 2 * L1_FETCHES; i++) {
            uint64_t tag = m->fetch[i / L1_FETCHES][i % L1_FETCHES].tag;
            if (!(tag & 1))
                assert_true(in_second_level(m, tag));
        }
    }
    board_free(b);
}

static void the_small_mode_keeps_no_more_than_asked(void **state)
{
    struct board *b = board_new();
    (void)state;

    b->m.small = 16;
    for (unsigned round = 0; round < 3000; round++) {
        unsigned valid = 0;
        uint64_t la = (uint64_t)((unsigned)rand() & 0xfff000);
        if (rand() % 50 == 0)
            mmu_flush_page(&b->m, la, 0);
        touch(b, la, READ);
        assert_non_null(probe_read(&b->m, la, 1));
        for (unsigned i = 0; i < VIEW_COUNT * L1_ENTRIES; i++)
            valid += !(b->m.data[i / L1_ENTRIES][i % L1_ENTRIES].read & 1);
        assert_true(valid <= 16);
    }
    board_free(b);
}

static void flushes_reach_their_pcid_and_spare_global_pages(void **state)
{
    struct board *b = board_new();
    struct mmu *m = &b->m;
    (void)state;

    set_pte(b, 0x200000, 0x200000 | 0x107);
    for (uint16_t pcid = 0; pcid < 2; pcid++) {
        m->paging.pcid = pcid;
        mmu_select(m, VIEW_SUPERVISOR, false, false);
        touch(b, 0x200000, READ);
        touch(b, 0x300000, READ);
    }
    assert_true(in_second_level(m, 0x300000));
    mmu_flush_local(m, 0);
    assert_true(in_second_level(m, 0x300000)); /* of PCID 1 */
    mmu_flush_local(m, 1);
    assert_false(in_second_level(m, 0x300000));
    assert_true(in_second_level(m, 0x200000));
    mmu_flush_nonglobal(m);
    assert_true(in_second_level(m, 0x200000));
    mmu_flush_page(m, 0x200000, 1);
    assert_false(in_second_level(m, 0x200000));
    touch(b, 0x200000, READ);
    mmu_flush_all(m);
    assert_false(in_second_level(m, 0x200000));
    assert_int_equal(m->flushes, 5);
    /* Eras wrap; what was void stays void. */
    touch(b, 0x300000, READ);
    for (unsigned i = 0; i < 65535 + 5; i++) {
        mmu_flush_local(m, 1);
        assert_false(in_second_level(m, 0x300000));
    }
    board_free(b);
}

static void invlpg_drops_a_large_page_whole(void **state)
{
    struct board *b = board_new();
    struct mmu *m = &b->m;
    (void)state;

    touch(b, 0x80000000, READ);
    touch(b, 0x801ff000, READ);
    mmu_flush_page(m, 0x80100000, 0);
    assert_null(probe_read(m, 0x80000000, 1));
    assert_null(probe_read(m, 0x801ff000, 1));

    /* A 4 MiB page is cached in two pieces. */
    store32(b->ram + 0x9000, 0x00400087);
    m->paging.mode = PAGING_32;
    m->paging.pse = true;
    m->paging.cr3 = 0x9000;
    mmu_flush_all(m);
    mmu_select(m, VIEW_SUPERVISOR, false, false);
    touch(b, 0x100000, READ);
    touch(b, 0x300000, READ);
    assert_ptr_equal(probe_read(m, 0x300010, 1), b->ram + 0x700010);
    mmu_flush_page(m, 0x100000, 0);
    assert_null(probe_read(m, 0x300000, 1));
    assert_false(in_second_level(m, 0x300000));
    board_free(b);
}

static void a_page_with_code_or_a_watchpoint_gets_no_write_tag(void **state)
{
    struct board *b = board_new();
    struct spans s;
    uint64_t bad;
    (void)state;

    assert_true(mmu_open(&b->m, 0x200000, 8, WRITE, &s, &bad));
    b->code[0x200] = 1;
    mmu_drop_write(&b->m, 0x200);
    assert_null(probe_write(&b->m, 0x200000, 1));
    assert_non_null(probe_read(&b->m, 0x200000, 1));
    assert_true(mmu_open(&b->m, 0x200000, 8, WRITE, &s, &bad));
    assert_null(probe_write(&b->m, 0x200000, 1));
    spans_store(&b->m, &s, 8, 5);
    assert_int_equal(b->hits, 1);
    assert_int_equal(b->ram[0x200000], 5);

    b->m.watched[2] = 0x300000;
    mmu_drop(&b->m);
    assert_true(touch(b, 0x300000, WRITE));
    assert_null(probe_read(&b->m, 0x300000, 1));
    assert_null(probe_write(&b->m, 0x300000, 1));
    board_free(b);
}

static void rom_is_read_in_place_and_not_written(void **state)
{
    struct board *b = board_new();
    struct spans s;
    uint64_t bad;
    (void)state;

    b->rom[4] = 9;
    set_pte(b, 0x300000, ROM_AT | 7);
    assert_true(mmu_open(&b->m, 0x300004, 1, WRITE, &s, &bad));
    assert_true(s.part[0].drop);
    assert_int_equal(spans_load(&b->m, &s, 1), 9); /* the read of a read-modify-write */
    spans_store(&b->m, &s, 1, 7);
    assert_int_equal(b->rom[4], 9);
    assert_non_null(probe_read(&b->m, 0x300004, 1));
    assert_null(probe_write(&b->m, 0x300004, 1));
    assert_int_equal(b->accesses, 0);
    board_free(b);
}

static void mmio_moves_in_aligned_pieces_after_one_sync(void **state)
{
    struct board *b = board_new();
    struct spans s;
    uint64_t bad;
    uint8_t bytes[16];
    static const struct {
        uint64_t at;
        unsigned size;
    } pieces[] = {{3, 1}, {4, 4}, {8, 8}, {16, 2}, {18, 1}};
    (void)state;

    set_pte(b, 0x300000, MMIO_AT | 7);
    assert_true(mmu_open(&b->m, 0x300003, 16, READ, &s, &bad));
    assert_null(s.part[0].host);
    assert_null(probe_read(&b->m, 0x300003, 1));
    spans_read(&b->m, &s, bytes, 16);
    assert_int_equal(b->synced, 1);
    assert_int_equal(b->accesses, ARRAY_SIZE(pieces));
    for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
        assert_int_equal(b->log[i].address, MMIO_AT + pieces[i].at);
        assert_int_equal(b->log[i].size, pieces[i].size);
    }
    assert_int_equal(bytes[4], 4);  /* the fourth byte of the second piece */
    assert_int_equal(bytes[5], 1);
    assert_true(mmu_open(&b->m, 0x300008, 4, WRITE, &s, &bad));
    spans_store(&b->m, &s, 4, 0xaabbccdd);
    assert_int_equal(b->log[5].value, 0xaabbccdd);
    assert_true(b->log[5].write);
    assert_int_equal(spans_load(&b->m, &s, 4), 0x04030201);
    board_free(b);
}

static void armed_alignment_checks_see_no_tags(void **state)
{
    struct board *b = board_new();
    (void)state;

    mmu_select(&b->m, VIEW_USER, true, true);
    assert_true(touch(b, 0x300000, USER_WRITE));
    assert_null(probe_read(&b->m, 0x300000, 1));
    mmu_select(&b->m, VIEW_USER, true, false);
    assert_true(touch(b, 0x300000, USER_WRITE));
    assert_non_null(probe_read(&b->m, 0x300000, 1));
    board_free(b);
}

/* GDT reads while CPL is 3 must not lend user code the supervisor's page. */
static void an_implicit_access_leaves_the_user_view_alone(void **state)
{
    struct board *b = board_new();
    (void)state;

    set_pte(b, 0x300000, 0x300000 | 3);
    mmu_select(&b->m, VIEW_USER, true, false);
    assert_true(touch(b, 0x300000, (struct accessor){ACCESS_WRITE, true, true}));
    assert_null(probe_read(&b->m, 0x300000, 1));
    assert_false(touch(b, 0x300000, USER_READ));
    board_free(b);
}

static void a20_folds_the_odd_mebibytes(void **state)
{
    struct board *b = board_new();
    struct spans s;
    uint64_t bad;
    paddr where;
    (void)state;

    b->m.paging.mode = PAGING_OFF;
    mmu_select(&b->m, VIEW_SUPERVISOR, false, false);
    touch(b, 0x100000, READ);
    assert_ptr_equal(probe_read(&b->m, 0x100000, 1), b->ram + 0x100000);
    phys_set_a20(&b->p, false);
    assert_null(probe_read(&b->m, 0x100000, 1));
    assert_true(mmu_open(&b->m, 0x10ffef, 1, READ, &s, &bad));
    assert_int_equal(s.part[0].where.v, 0xffef);
    assert_ptr_equal(probe_read(&b->m, 0x10f000, 1), b->ram + 0xf000);
    assert_true(mmu_debug_translate(&b->m, 0x100123, &where));
    assert_int_equal(where.v, 0x123);
    board_free(b);
}

static void a_debugger_sees_the_tables_and_leaves_no_trace(void **state)
{
    struct board *b = board_new();
    paddr where;
    (void)state;

    assert_true(mmu_debug_translate(&b->m, 0x80345678, &where));
    assert_int_equal(where.v, 0x345678);
    assert_false(in_second_level(&b->m, 0x80345000));
    assert_int_equal(load64(b->ram + PML4) & 0x20, 0);
    set_pte(b, 0x1000, 0);
    assert_false(mmu_debug_translate(&b->m, 0x1000, &where));
    board_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_tag_appears_with_the_first_store),
        cmocka_unit_test(a_stale_entry_serves_until_it_is_flushed),
        cmocka_unit_test(the_store_that_sets_dirty_walks_again),
        cmocka_unit_test(a_page_fault_voids_what_was_cached),
        cmocka_unit_test(both_pages_of_a_crossing_access_are_checked),
        cmocka_unit_test(linear_addresses_wrap_at_4_gib_below_4_level_paging),
        cmocka_unit_test(caches_allow_what_the_walk_allows),
        cmocka_unit_test(the_second_level_does_not_depend_on_the_first),
        cmocka_unit_test(every_first_level_entry_has_its_second_level_entry),
        cmocka_unit_test(the_small_mode_keeps_no_more_than_asked),
        cmocka_unit_test(flushes_reach_their_pcid_and_spare_global_pages),
        cmocka_unit_test(invlpg_drops_a_large_page_whole),
        cmocka_unit_test(a_page_with_code_or_a_watchpoint_gets_no_write_tag),
        cmocka_unit_test(rom_is_read_in_place_and_not_written),
        cmocka_unit_test(mmio_moves_in_aligned_pieces_after_one_sync),
        cmocka_unit_test(armed_alignment_checks_see_no_tags),
        cmocka_unit_test(an_implicit_access_leaves_the_user_view_alone),
        cmocka_unit_test(a20_folds_the_odd_mebibytes),
        cmocka_unit_test(a_debugger_sees_the_tables_and_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
