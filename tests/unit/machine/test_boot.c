#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/byteorder.h"
#include "base/error.h"
#include "machine/boot.h"

enum { RAM = 64 << 20, FILE_ROOM = 64 << 10 };

struct board {
    struct phys p;
    struct memory_map map;
    uint8_t *ram;
    uint64_t *code;
    struct boot_request q;
    struct boot_entry entry;
    struct error e;
    uint8_t file[FILE_ROOM];
};

static struct board *board_new(size_t size)
{
    struct board *b = calloc(1, sizeof *b);

    b->ram = calloc(1, RAM);
    b->code = calloc(8, RAM / PAGE);
    phys_init(&b->p, NULL, 40);
    b->p.code = b->code;
    phys_map(&b->p, 0, RAM, phys_back(&b->p, "ram", b->ram, RAM), 0,
             WINDOW_READ | WINDOW_WRITE, 0);
    memory_map_make(&b->map, RAM);
    b->q = (struct boot_request){.kernel_name = "vmlinuz", .kernel = b->file,
                                 .kernel_size = size, .map = &b->map, .long_mode = true};
    return b;
}

static void board_free(struct board *b)
{
    free(b->ram);
    free(b->code);
    free(b);
}

static bool load(struct board *b)
{
    memset(&b->e, 0, sizeof b->e);
    return boot_load(&b->q, &b->p, &b->entry, &b->e);
}

static void refused(struct board *b, const char *because)
{
    assert_false(load(b));
    if (!strstr(b->e.text, because))
        fail_msg("'%s' does not say '%s'", b->e.text, because);
}

static void give_module(struct board *b, const char *name, const uint8_t *bytes,
                        size_t size)
{
    b->q.module[b->q.modules++] = (struct boot_module){name, bytes, size};
}

/* ---- Linux ---- */

enum { SETUP = 5 * 512, KERNEL = 4096 };

static struct board *linux_new(void)
{
    struct board *b = board_new(SETUP + KERNEL);
    uint8_t *f = b->file;

    f[0x1f1] = 4;
    store32(f + 0x1f4, KERNEL / 16);
    store16(f + 0x1fe, 0xaa55);
    f[0x200] = 0xeb;
    f[0x201] = 0x6a;
    memcpy(f + 0x202, "HdrS", 4);
    store16(f + 0x206, 0x20f);
    store16(f + 0x20e, 0x300);
    strcpy((char *)f + 0x500, "6.1.0-test (root)");
    f[0x211] = 1;
    store32(f + 0x214, 0x100000);
    store32(f + 0x22c, 0x7fffffff);
    store32(f + 0x230, 0x200000);
    f[0x234] = 1;
    store16(f + 0x236, 3);
    store32(f + 0x238, 2047);
    store64(f + 0x258, 0x1000000);
    store32(f + 0x260, 0x800000);
    memset(f + SETUP, 0xc3, KERNEL);
    return b;
}

static void linux_starts_at_its_64_bit_entry_with_the_zero_page(void **state)
{
    struct board *b = linux_new();
    uint8_t initrd[5000];
    const uint8_t *zero;
    uint64_t at;
    (void)state;

    memset(initrd, 0x77, sizeof initrd);
    give_module(b, "", initrd, sizeof initrd);
    b->q.cmdline = "console=ttyS0";
    b->q.rsdp = 0xf1230;
    assert_true(load(b));
    assert_int_equal(b->entry.mode, BOOT_LONG);
    assert_int_equal(b->entry.rip, 0x100200);
    assert_int_equal(b->ram[0x100200], 0xc3);
    assert_string_equal(b->entry.what, "Linux 6.1.0-test, 64-bit boot protocol");
    zero = b->ram + b->entry.gpr[6];
    assert_memory_equal(zero + 0x202, "HdrS", 4);
    assert_string_equal(b->ram + load32(zero + 0x228), "console=ttyS0");
    assert_int_equal(load64(zero + 0x70), 0xf1230);
    assert_int_equal(zero[0x1e8], b->map.count);
    assert_int_equal(zero[0x210], 0xff);
    assert_int_equal(zero[0xf], 0); /* no VGA was promised */
    at = load32(zero + 0x218);
    assert_int_equal(load32(zero + 0x21c), sizeof initrd);
    assert_memory_equal(b->ram + at, initrd, sizeof initrd);
    assert_true(at >= 0x1800000); /* not where the kernel unpacks itself */
    assert_true(at + sizeof initrd <= b->map.tables);

    /* Identity page tables and the selectors of the protocol. */
    assert_int_equal(b->entry.code, 0x10);
    assert_int_equal(b->entry.data, 0x18);
    assert_int_equal(load64(b->ram + b->entry.gdt + 0x10) >> 53 & 1, 1); /* L */
    at = load64(b->ram + b->entry.cr3) & ~0xfffull;
    at = load64(b->ram + at + 8 * 3) & ~0xfffull;
    assert_int_equal(load64(b->ram + at + 8 * 511), 0xffe00083);
    board_free(b);
}

static void a_cpu_without_long_mode_takes_the_32_bit_entry(void **state)
{
    struct board *b = linux_new();
    (void)state;

    b->q.long_mode = false;
    assert_true(load(b));
    assert_int_equal(b->entry.mode, BOOT_PROTECTED);
    assert_int_equal(b->entry.rip, 0x100000);
    assert_int_equal(b->entry.cr3, 0);
    assert_int_equal(load64(b->ram + b->entry.gdt + 0x10), 0x00cf9b000000ffff);
    store16(b->file + 0x236, 2);
    b->q.long_mode = true;
    assert_true(load(b));
    assert_int_equal(b->entry.mode, BOOT_PROTECTED);
    board_free(b);
}

static void the_initrd_stays_below_the_limit_that_the_kernel_names(void **state)
{
    struct board *b = linux_new();
    uint8_t initrd[100] = {1};
    (void)state;

    give_module(b, "", initrd, sizeof initrd);
    store32(b->file + 0x22c, 0x1fffffff & 0x02ffffff);
    assert_true(load(b));
    assert_int_equal(load32(b->ram + b->entry.gpr[6] + 0x218), 0x2fff000);
    board_free(b);
}

static void damaged_linux_kernels_are_refused_with_the_reason(void **state)
{
    struct board *b = linux_new();
    char line[3000];
    (void)state;

    b->q.kernel_size -= 20;
    refused(b, "cut short");
    b->q.kernel_size = SETUP;
    refused(b, "cut short");
    b->q.kernel_size = SETUP + KERNEL;
    memset(line, 'a', sizeof line);
    line[sizeof line - 1] = 0;
    b->q.cmdline = line;
    refused(b, "at most 2047");
    b->q.cmdline = NULL;
    store32(b->file + 0x260, 0x10000000);
    refused(b, "-m ");
    store32(b->file + 0x260, 0xffffffff);
    store64(b->file + 0x258, 0xffffffffffff0000);
    refused(b, "above 4 GiB");
    store64(b->file + 0x258, 0x1000000);
    store32(b->file + 0x214, 0xf0000000);
    refused(b, "not all RAM");
    store32(b->file + 0x214, 0x100000);
    store16(b->file + 0x206, 0x201);
    refused(b, "2.01");
    board_free(b);
}

static void a_big_initrd_says_how_to_get_more_memory(void **state)
{
    struct board *b = linux_new();
    (void)state;

    give_module(b, "", b->ram, RAM); /* any bytes */
    refused(b, "-m");
    board_free(b);
}

static void what_is_no_kernel_is_refused(void **state)
{
    struct board *b = board_new(512);
    (void)state;

    refused(b, "no kernel");
    b->q.kernel_size = 0;
    refused(b, "empty");
    board_free(b);
}

/* ---- ELF ---- */

static struct board *elf_new(bool wide)
{
    struct board *b = board_new(0x3000);
    uint8_t *f = b->file;

    memcpy(f, "\177ELF", 4);
    f[4] = wide ? 2 : 1;
    f[5] = f[6] = 1;
    store16(f + 16, 2);
    store16(f + 18, wide ? 62 : 3);
    if (wide) {
        store64(f + 24, 0xffffffff80200010);
        store64(f + 32, 64);
        store16(f + 54, 56);
        store16(f + 56, 1);
        store32(f + 64, 1);
        store64(f + 64 + 8, 0x1000);
        store64(f + 64 + 16, 0xffffffff80200000);
        store64(f + 64 + 24, 0x200000);
        store64(f + 64 + 32, 0x2000);
        store64(f + 64 + 40, 0x5000);
    } else {
        store32(f + 24, 0x200010);
        store32(f + 28, 52);
        store16(f + 42, 32);
        store16(f + 44, 1);
        store32(f + 52, 1);
        store32(f + 52 + 4, 0x1000);
        store32(f + 52 + 8, 0x200000);
        store32(f + 52 + 12, 0x200000);
        store32(f + 52 + 16, 0x2000);
        store32(f + 52 + 20, 0x5000);
    }
    memset(f + 0x1000, 0x90, 0x2000);
    return b;
}

static void an_elf_kernel_starts_where_its_entry_is_in_memory(void **state)
{
    struct board *b = elf_new(true);
    (void)state;

    memset(b->ram + 0x202000, 0xff, 0x3000);
    assert_true(load(b));
    assert_int_equal(b->entry.mode, BOOT_LONG);
    assert_int_equal(b->entry.rip, 0x200010);
    assert_int_equal(b->ram[0x201fff], 0x90);
    assert_int_equal(b->ram[0x202000], 0);
    assert_int_equal(b->ram[0x204fff], 0);
    assert_true(b->entry.gpr[4] > 0);
    b->q.long_mode = false;
    refused(b, "long mode");
    board_free(b);

    b = elf_new(false);
    assert_true(load(b));
    assert_int_equal(b->entry.mode, BOOT_PROTECTED);
    assert_int_equal(b->entry.rip, 0x200010);
    board_free(b);
}

static void damaged_elf_files_are_refused_with_the_reason(void **state)
{
    struct board *b = elf_new(true);
    uint8_t *h = b->file + 64;
    (void)state;

    store64(h + 8, UINT64_MAX - 0xfff);
    refused(b, "outside the file");
    store64(h + 8, 0x1000);
    store64(h + 32, 0x2001);
    refused(b, "cut short");
    store64(h + 32, 0x6000);
    refused(b, "more bytes in the file");
    store64(h + 32, 0x2000);
    store64(h + 40, UINT64_MAX);
    refused(b, "not all RAM");
    store64(h + 40, 0x5000);
    store64(h + 24, 0xfffff000);
    refused(b, "not all RAM");
    store64(h + 24, 0x200000);
    store64(b->file + 32, UINT64_MAX - 10);
    refused(b, "program headers");
    store64(b->file + 32, 64);
    store16(b->file + 56, 0);
    refused(b, "nothing to load");
    store16(b->file + 56, 2); /* the second is the first once more */
    memcpy(h + 56, h, 56);
    refused(b, "overlaps");
    store16(b->file + 18, 183);
    refused(b, "another CPU");
    b->q.kernel_size = 60;
    refused(b, "ends inside");
    board_free(b);
}

static void a_pvh_note_gives_a_32_bit_entry_and_the_start_info(void **state)
{
    struct board *b = elf_new(true);
    uint8_t *h = b->file + 64 + 56, *n = b->file + 0x800, *info;
    uint8_t initrd[3] = {1, 2, 3};
    (void)state;

    store16(b->file + 56, 2);
    store32(h, 4);
    store64(h + 8, 0x800);
    store64(h + 32, 0x40);
    store64(h + 48, 4);
    store32(n, 4); /* another note first */
    store32(n + 4, 4);
    store32(n + 8, 1);
    memcpy(n + 12, "GNU", 4);
    store32(n + 20, 4);
    store32(n + 24, 8);
    store32(n + 28, 18);
    memcpy(n + 32, "Xen", 4);
    store64(n + 36, 0x200123);
    give_module(b, "", initrd, sizeof initrd);
    b->q.cmdline = "quiet";
    b->q.rsdp = 0xf0010;
    assert_true(load(b));
    assert_int_equal(b->entry.mode, BOOT_PROTECTED);
    assert_int_equal(b->entry.rip, 0x200123);
    info = b->ram + b->entry.gpr[3];
    assert_int_equal(load32(info), 0x336ec578);
    assert_int_equal(load32(info + 12), 1);
    assert_memory_equal(b->ram + load64(b->ram + load64(info + 16)), initrd, 3);
    assert_string_equal(b->ram + load64(info + 24), "quiet");
    assert_int_equal(load64(info + 32), 0xf0010);
    assert_int_equal(load32(info + 48), b->map.count);
    assert_int_equal(load64(b->ram + load64(info + 40) + 8), b->map.range[0].size);
    board_free(b);
}

/* ---- Multiboot ---- */

static void a_multiboot_elf_kernel_is_told_of_memory_and_modules(void **state)
{
    struct board *b = elf_new(false);
    uint8_t *h = b->file + 0x1000, *info, *module;
    uint8_t initrd[6000] = {9};
    (void)state;

    store32(h, 0x1badb002);
    store32(h + 4, 3);
    store32(h + 8, (uint32_t) - (0x1badb002 + 3));
    b->q.kernel_name = "kernel.elf";
    give_module(b, "disk", initrd, sizeof initrd);
    give_module(b, "empty file", initrd, 0);
    give_module(b, "disk again", initrd, 5);
    b->q.cmdline = "a=b";
    assert_true(load(b));
    assert_int_equal(b->entry.gpr[0], 0x2badb002);
    info = b->ram + b->entry.gpr[3];
    assert_int_equal(load32(info + 4), 639);
    assert_int_equal(load32(info + 8), (b->map.tables - (1 << 20)) >> 10);
    assert_string_equal(b->ram + load32(info + 16), "kernel.elf a=b");
    assert_int_equal(load32(info + 20), 3);
    module = b->ram + load32(info + 24);
    assert_int_equal(load32(module) % 4096, 0);
    assert_int_equal(load32(module + 4) - load32(module), sizeof initrd);
    assert_string_equal(b->ram + load32(module + 8), "disk");
    assert_int_equal(load32(module + 16), load32(module + 20));
    assert_string_equal(b->ram + load32(module + 24), "empty file");
    assert_int_equal(load32(module + 36) - load32(module + 32), 5);
    assert_int_equal(b->ram[load32(module + 32)], 9);
    assert_string_equal(b->ram + load32(module + 40), "disk again");
    assert_int_equal(load32(info + 44), 24 * b->map.count);
    assert_int_equal(load32(b->ram + load32(info + 48)), 20);
    assert_string_equal(b->ram + load32(info + 64), "Menura");
    board_free(b);
}

static void a_multiboot_image_goes_where_its_header_says(void **state)
{
    struct board *b = board_new(0x2000);
    uint8_t *h = b->file + 0x40;
    const uint32_t flags = 1 << 16;
    (void)state;

    store32(h, 0x1badb002);
    store32(h + 4, flags);
    store32(h + 8, (uint32_t) - (0x1badb002 + flags));
    store32(h + 12, 0x300020); /* the header */
    store32(h + 16, 0x300000); /* from file offset 20h */
    store32(h + 20, 0x301000);
    store32(h + 24, 0x302000);
    store32(h + 28, 0x300044);
    b->file[0x20] = 0xab;
    b->ram[0x301fff] = 1;
    assert_true(load(b));
    assert_int_equal(b->entry.rip, 0x300044);
    assert_int_equal(b->ram[0x300000], 0xab);
    assert_int_equal(b->ram[0x301fff], 0);
    store32(h + 16, 0x200000);
    refused(b, "load address");
    store32(h + 16, 0x300000);
    store32(h + 20, 0x2fffff);
    refused(b, "before it begins");
    store32(h + 20, 0x303000);
    refused(b, "cut short");
    store32(h + 20, 0x301000);
    store32(h + 24, 0x300800);
    refused(b, "bss");
    board_free(b);
}

static void multiboot_2_tags_lead_to_the_end(void **state)
{
    struct board *b = elf_new(true);
    uint8_t *h = b->file + 0x1000, *info;
    uint8_t initrd[10] = {7};
    unsigned seen = 0, modules = 0;
    uint32_t at = 8, total;
    (void)state;

    store32(h, 0xe85250d6);
    store32(h + 4, 0);
    store32(h + 8, 40);
    store32(h + 12, (uint32_t) - (0xe85250d6 + 40));
    memset(h + 16, 0, 24);
    store16(h + 16, 1); /* wants the memory map and the command line */
    store32(h + 20, 16);
    store32(h + 24, 6);
    store32(h + 28, 1);
    store32(h + 36, 8);
    give_module(b, "module-name", initrd, sizeof initrd);
    give_module(b, "module-name", initrd, sizeof initrd);
    b->q.cmdline = "hello world";
    b->q.rsdp = 0xf0000;
    assert_true(load(b));
    assert_int_equal(b->entry.gpr[0], 0x36d76289);
    assert_int_equal(b->entry.gpr[3] % 8, 0);
    assert_int_equal(b->entry.mode, BOOT_PROTECTED);
    info = b->ram + b->entry.gpr[3];
    total = load32(info);
    for (;;) {
        uint32_t type = load32(info + at), size = load32(info + at + 4);
        assert_true(size >= 8 && at + size <= total);
        seen |= 1u << type;
        if (type == 1)
            assert_string_equal(info + at + 8, "hello world");
        if (type == 3) {
            assert_int_equal(b->ram[load32(info + at + 8)], 7);
            assert_string_equal(info + at + 16, "module-name");
            modules++;
        }
        at += (size + 7) & ~7u;
        if (type == 0)
            break;
    }
    assert_int_equal(at, total);
    assert_int_equal(modules, 2);
    assert_int_equal(seen, 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 14 |
                               1 << 15);
    store32(h + 24, 7); /* VBE information, required */
    refused(b, "type 7");
    store32(h + 24, 6);
    store32(h + 20, 1 << 30);
    refused(b, "reaches over");
    store32(h + 20, 16);
    store16(h + 32, 77);
    refused(b, "tag 77");
    board_free(b);
}

/* Bytes changed at random, files cut at random: an answer, in bounds (the sanitizers look). */
static void damaged_files_never_do_harm(void **state)
{
    (void)state;

    srand(3);
    for (unsigned round = 0; round < 1500; round++) {
        struct board *b;
        unsigned limit;
        switch (round % 4) {
        case 0: b = linux_new(); break;
        case 1: b = elf_new(true); break;
        case 2: b = elf_new(false); break;
        default:
            b = elf_new(round & 4);
            store32(b->file + 0x1000, 0xe85250d6);
            store32(b->file + 0x1004, 0);
            memset(b->file + 0x1010, 0, 64);
            store32(b->file + 0x1008, 80);
            store32(b->file + 0x100c, (uint32_t) - (0xe85250d6 + 80));
        }
        limit = round % 4 == 3 ? 0x1050 : 0x2a0;
        for (unsigned i = 0; i < 6; i++) {
            unsigned at = (unsigned)rand() % limit;
            if (round % 4 == 3)
                at = 0x1010 + (unsigned)rand() % 0x40;
            b->file[at] = (uint8_t)(rand() & 1 ? rand() : rand() & 1 ? 0xff : 0);
        }
        if (rand() % 3 == 0)
            b->q.kernel_size = (size_t)rand() % b->q.kernel_size + 1;
        b->q.cmdline = "x";
        if (!load(b))
            assert_true(b->e.text[0]);
        board_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_starts_at_its_64_bit_entry_with_the_zero_page),
        cmocka_unit_test(a_cpu_without_long_mode_takes_the_32_bit_entry),
        cmocka_unit_test(the_initrd_stays_below_the_limit_that_the_kernel_names),
        cmocka_unit_test(damaged_linux_kernels_are_refused_with_the_reason),
        cmocka_unit_test(a_big_initrd_says_how_to_get_more_memory),
        cmocka_unit_test(what_is_no_kernel_is_refused),
        cmocka_unit_test(an_elf_kernel_starts_where_its_entry_is_in_memory),
        cmocka_unit_test(damaged_elf_files_are_refused_with_the_reason),
        cmocka_unit_test(a_pvh_note_gives_a_32_bit_entry_and_the_start_info),
        cmocka_unit_test(a_multiboot_elf_kernel_is_told_of_memory_and_modules),
        cmocka_unit_test(a_multiboot_image_goes_where_its_header_says),
        cmocka_unit_test(multiboot_2_tags_lead_to_the_end),
        cmocka_unit_test(damaged_files_never_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
