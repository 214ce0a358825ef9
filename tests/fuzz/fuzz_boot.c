/* fuzz_boot.c - kernel files: Linux bzImage, Multiboot, Multiboot 2, PVH and other ELF files.
 *
 * Input: what (1 byte: which options), the command line's length (1), the initrd's length (2),
 * with TOLD a memory map as firmware tells it (80), then the file. A file that is accepted must
 * have given the CPU a sane start; some are then run by a whole machine.
 */
#include "fuzz.h"

#include "base/byteorder.h"
#include "base/error.h"
#include "machine/boot.h"
#include "machine/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RAM = 32 << 20, RUN = 1, LONG_MODE = 2, VGA = 4, INITRD = 8, CMDLINE = 16,
       TOLD = 32, TOLD_RANGES = 4,
       TOLD_BYTES = TOLD_RANGES * MEMORY_RANGE_BYTES };

static void run_machine(const uint8_t *file, size_t size)
{
    char name[64];
    struct error e = {""};
    struct machine_config config = {.ram = RAM, .cpus = 1, .cpu = "max", .kernel = name,
                                    .ips = 1000000, .tsc_hz = 1000000, .no_reboot = true,
                                    .rtc_base = 1000000000};
    struct machine *m;
    FILE *f;

    snprintf(name, sizeof name, "fuzz-boot-%ld.tmp", (long)getpid());
    f = fopen(name, "wb");
    if (!f || fwrite(file, 1, size, f) != size || fclose(f)) {
        perror(name);
        exit(2);
    }
    m = machine_new(&config, &e);
    if (m)
        machine_run(m, 3000);
    else if (!e.text[0])
        fuzz_bug("no machine, and no word why");
    machine_free(m);
    remove(name);
}

static void check(const struct boot_request *q, const struct boot_entry *out)
{
    if (!memchr(out->what, 0, sizeof out->what) || !memchr(out->note, 0, sizeof out->note))
        fuzz_bug("a text without end");
    if (!memory_map_usable(q->map, out->gdt, out->gdt_limit + 1u))
        fuzz_bug("the GDT at %llx is not in RAM", (unsigned long long)out->gdt);
    if (out->mode == BOOT_LONG && !memory_map_usable(q->map, out->cr3, PAGE))
        fuzz_bug("the page tables at %llx are not in RAM", (unsigned long long)out->cr3);
    if (out->mode == BOOT_LONG && !q->long_mode)
        fuzz_bug("long mode on a CPU without it");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input in = {bytes, size};
    unsigned what = (unsigned)fuzz_take(&in, 1);
    unsigned cmdline = (unsigned)fuzz_take(&in, 1);
    size_t initrd = (size_t)fuzz_take(&in, 2);
    const uint8_t *told = what & TOLD && in.left >= TOLD_BYTES ? in.at : NULL;
    const uint8_t *file = in.at + (told ? TOLD_BYTES : 0);
    uint8_t *ram = calloc(1, RAM); /* costs nothing until touched */
    uint64_t *code = calloc(RAM / PAGE, sizeof *code);
    struct phys *phys = calloc(1, sizeof *phys);
    char text[256];
    struct memory_map map;
    struct boot_entry out;
    struct error e = {""};
    struct boot_request q = {.kernel_name = "kernel", .kernel = file,
                             .kernel_size = in.left - (size_t)(file - in.at), .map = &map, .rsdp = 0xe0000, .long_mode = what & LONG_MODE,
                             .vga = what & VGA};

    if (!ram || !code || !phys)
        exit(2);
    phys_init(phys, NULL, 40);
    phys->code = code;
    phys_map(phys, 0, RAM, phys_back(phys, "ram", ram, RAM), 0, WINDOW_READ | WINDOW_WRITE, 0);
    memory_map_make(&map, RAM);
    if (told) {
        memory_map_told(&map, told, TOLD_RANGES);
        for (unsigned n = 1; n < map.count; n++)
            if (map.range[n].base < map.range[n - 1].base + map.range[n - 1].size)
                fuzz_bug("a memory map that overlaps itself");
    }
    if (what & CMDLINE) {
        memset(text, 'x', sizeof text);
        text[cmdline] = 0;
        q.cmdline = text;
    }
    if (what & INITRD) { /* any bytes will do */
        q.modules = 1 + cmdline % 3;
        for (unsigned n = 0; n < q.modules; n++)
            q.module[n] = (struct boot_module){"initrd", ram, initrd * (cmdline + 1) / (n + 1)};
    }
    if (boot_load(&q, phys, &out, &e))
        check(&q, &out);
    else if (!e.text[0])
        fuzz_bug("refused without a word");
    if ((what & RUN) && (what >> 5) == 0)
        run_machine(in.at, in.left);
    free(phys);
    free(code);
    free(ram);
    return 0;
}

/* ---- inputs ---- */

static uint64_t address(struct fuzz_random *r)
{
    return fuzz_one_in(r, 4) ? fuzz_number(r) : 0x100000 + (fuzz_next(r) & 0x1fff000);
}

static uint64_t length(struct fuzz_random *r)
{
    return fuzz_one_in(r, 4) ? fuzz_number(r) : fuzz_below(r, 0x3000);
}

/* Linux boot protocol: Documentation/arch/x86/boot.rst. */
static size_t make_linux(struct fuzz_random *r, uint8_t *f)
{
    size_t size = 512 * (2 + fuzz_below(r, 8)) + fuzz_below(r, 0x4000);

    memset(f, 0, size);
    f[0x1f1] = (uint8_t)(fuzz_one_in(r, 8) ? fuzz_next(r) : fuzz_below(r, 6));
    store32(f + 0x1f4, (uint32_t)length(r) / 16);
    store16(f + 0x1fe, 0xaa55);
    store16(f + 0x200, 0x66eb);
    memcpy(f + 0x202, "HdrS", 4);
    store16(f + 0x206, fuzz_one_in(r, 3) ? (uint16_t)fuzz_below(r, 0x210) : 0x20f);
    store16(f + 0x20e, (uint16_t)length(r));
    f[0x211] = (uint8_t)fuzz_next(r) | 1;
    store32(f + 0x214, (uint32_t)address(r));
    store32(f + 0x22c, fuzz_one_in(r, 2) ? 0x7fffffff : (uint32_t)fuzz_number(r));
    store32(f + 0x230, 1u << fuzz_below(r, 26));
    f[0x234] = (uint8_t)fuzz_below(r, 2);
    f[0x235] = (uint8_t)fuzz_below(r, 32);
    store16(f + 0x236, (uint16_t)fuzz_next(r));
    store32(f + 0x238, fuzz_one_in(r, 3) ? (uint32_t)fuzz_number(r) : 2047);
    store32(f + 0x248, (uint32_t)length(r));
    store32(f + 0x24c, (uint32_t)length(r));
    store64(f + 0x258, address(r));
    store32(f + 0x260, (uint32_t)length(r) * 16);
    return size;
}

static size_t make_elf(struct fuzz_random *r, uint8_t *f)
{
    bool wide = fuzz_one_in(r, 2);
    unsigned count = fuzz_below(r, 6), header = wide ? 64 : 52, each = wide ? 56 : 32;
    size_t size = header + count * each + fuzz_below(r, 0x4000);

    memset(f, 0, size);
    memcpy(f, "\x7f"
              "ELF",
           4);
    f[4] = wide ? 2 : 1;
    f[5] = f[6] = 1;
    store16(f + 16, 2);
    store16(f + 18, wide ? 62 : 3);
    store32(f + 20, 1);
    if (wide) {
        store64(f + 24, address(r));
        store64(f + 32, fuzz_one_in(r, 8) ? fuzz_number(r) : header);
        store16(f + 54, fuzz_one_in(r, 8) ? (uint16_t)fuzz_number(r) : each);
        store16(f + 56, fuzz_one_in(r, 8) ? (uint16_t)fuzz_number(r) : count);
    } else {
        store32(f + 24, (uint32_t)address(r));
        store32(f + 28, fuzz_one_in(r, 8) ? (uint32_t)fuzz_number(r) : header);
        store16(f + 42, fuzz_one_in(r, 8) ? (uint16_t)fuzz_number(r) : each);
        store16(f + 44, fuzz_one_in(r, 8) ? (uint16_t)fuzz_number(r) : count);
    }
    for (unsigned n = 0; n < count; n++) {
        uint8_t *p = f + header + n * each;
        uint64_t at = address(r), in_file = length(r), size_there = length(r);
        uint64_t from = fuzz_one_in(r, 4) ? length(r) : fuzz_below(r, (uint32_t)size);
        unsigned type = fuzz_one_in(r, 4) ? 4 : 1;
        if (from < size && in_file > size - from && !fuzz_one_in(r, 4))
            in_file = fuzz_below(r, (uint32_t)(size - from));
        if (n == 0 && !fuzz_one_in(r, 4)) { /* the entry is in the first */
            store64(f + 24, wide ? at : (at & 0xffffffff) | (uint64_t)load32(f + 28) << 32);
            size_there += in_file + 1;
        }
        store32(p, type); /* PT_NOTE, PT_LOAD */
        if (wide) {
            store64(p + 8, from);
            store64(p + 16, fuzz_one_in(r, 2) ? at : address(r));
            store64(p + 24, at);
            store64(p + 32, in_file);
            store64(p + 40, fuzz_one_in(r, 2) ? in_file : size_there);
            store64(p + 48, 1ull << fuzz_below(r, 16));
        } else {
            store32(p + 4, (uint32_t)from);
            store32(p + 8, (uint32_t)(fuzz_one_in(r, 2) ? at : address(r)));
            store32(p + 12, (uint32_t)at);
            store32(p + 16, (uint32_t)in_file);
            store32(p + 20, (uint32_t)(fuzz_one_in(r, 2) ? in_file : size_there));
        }
    }
    /* A PVH note somewhere: "Xen", type 18 (XEN_ELFNOTE_PHYS32_ENTRY). */
    if (count > 1 && fuzz_one_in(r, 3) && size > header + count * each + 32) {
        uint8_t *p = f + header + count * each, *of = f + header + each;
        store32(of, 4);
        store32(of + (wide ? 8 : 4), header + count * each);
        store32(of + (wide ? 32 : 16), 20);
        store32(p, fuzz_one_in(r, 4) ? (uint32_t)fuzz_number(r) : 4);
        store32(p + 4, fuzz_one_in(r, 4) ? (uint32_t)fuzz_number(r) : 4);
        store32(p + 8, 18);
        memcpy(p + 12, "Xen", 4);
        store32(p + 16, wide ? load32(f + 24) : (uint32_t)address(r));
    }
    return size;
}

/* Multiboot 1: header of flags and addresses, somewhere in the first 8 KiB. */
static void add_multiboot(struct fuzz_random *r, uint8_t *f, size_t size)
{
    uint32_t flags = fuzz_one_in(r, 2) ? 0x10003 : (uint32_t)fuzz_next(r) & 0x1000f;
    size_t at = fuzz_below(r, 64) * 4 + 128;

    if (size < at + 48)
        return;
    store32(f + at, 0x1badb002);
    store32(f + at + 4, flags);
    store32(f + at + 8, 0 - 0x1badb002 - flags);
    for (unsigned n = 0; n < 5; n++)
        store32(f + at + 12 + 4 * n, (uint32_t)address(r));
    for (unsigned n = 0; n < 4; n++)
        store32(f + at + 32 + 4 * n, (uint32_t)fuzz_number(r));
}

/* Multiboot 2: a header of tags. */
static void add_multiboot2(struct fuzz_random *r, uint8_t *f, size_t size)
{
    size_t at = fuzz_below(r, 64) * 8 + 128, end = at + 16;
    uint32_t room;

    if (size < at + 512)
        return;
    for (unsigned n = fuzz_below(r, 6); n; n--) {
        uint32_t tag = 8 * (1 + fuzz_below(r, 6));
        store16(f + end, (uint16_t)fuzz_below(r, 12));
        store16(f + end + 2, (uint16_t)fuzz_below(r, 2));
        store32(f + end + 4, fuzz_one_in(r, 6) ? (uint32_t)fuzz_number(r) : tag);
        for (uint32_t k = 8; k < tag; k += 4)
            store32(f + end + k, (uint32_t)(fuzz_one_in(r, 2) ? address(r) : fuzz_below(r, 20)));
        end += tag;
    }
    store64(f + end, 8ull << 32);
    end += 8;
    room = fuzz_one_in(r, 8) ? (uint32_t)fuzz_number(r) : (uint32_t)(end - at);
    store32(f + at, 0xe85250d6);
    store32(f + at + 4, fuzz_one_in(r, 8) ? 4 : 0);
    store32(f + at + 8, room);
    store32(f + at + 12, 0 - 0xe85250d6 - load32(f + at + 4) - room);
}

/* RAM in two pieces, as on a PC, and things around it; sometimes nonsense. */
static void make_map(struct fuzz_random *r, uint8_t *to)
{
    static const uint64_t edge[] = {0, 0x9fc00, 0xf0000, 1 << 20, RAM - 0x10000, RAM,
                                    MEMORY_HOLE, MEMORY_HIGH, UINT64_MAX};
    uint64_t at = 0;

    for (unsigned n = 0; n < TOLD_RANGES; n++, to += MEMORY_RANGE_BYTES) {
        uint64_t end = edge[fuzz_below(r, ARRAY_SIZE(edge))];
        if (!fuzz_below(r, 8))
            end += fuzz_next(r);
        store64(to, at);
        store64(to + 8, fuzz_below(r, 8) && end < at ? 0 : end - at);
        store32(to + 16, fuzz_below(r, 3) ? MEMORY_RAM : (uint32_t)fuzz_below(r, 6));
        at = end > at || !fuzz_below(r, 8) ? end : at;
    }
}

size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room)
{
    uint8_t *f = bytes + 4;
    size_t size;
    (void)room;

    store32(bytes, (uint32_t)fuzz_next(r));
    if (bytes[0] & TOLD) {
        make_map(r, f);
        f += TOLD_BYTES;
    }
    switch (fuzz_below(r, 4)) {
    case 0: size = make_linux(r, f); break;
    case 1: size = make_elf(r, f); break;
    case 2:
        size = make_elf(r, f);
        add_multiboot(r, f, size);
        break;
    default:
        size = make_elf(r, f);
        add_multiboot2(r, f, size);
        break;
    }
    return (size_t)(f - bytes) + size;
}
