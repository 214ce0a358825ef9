/* boot_elf.c - ELF kernels: the loader, the PVH entry, and the plain entry.
 *
 * System V ABI, chapters 4 and 5; Xen, x86/HVM direct boot ABI (docs/misc/pvh).
 */
#include "machine/boot_plan.h"

#include <stdio.h>

enum { PT_LOAD = 1, PT_NOTE = 4, EM_386 = 3, EM_X86_64 = 62, ELF_HEADERS = 512 };
enum { XEN_PHYS32_ENTRY = 18 };

struct segment {
    uint32_t type;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

bool elf_is(const struct boot_request *q)
{
    return q->kernel_size >= 4 && !memcmp(q->kernel, "\177ELF", 4);
}

static bool broken(struct boot_plan *p, const char *why)
{
    return error_set(p->e, "cannot start '%s': the ELF file is damaged: %s",
                     p->q->kernel_name, why);
}

static struct segment segment_get(const struct elf_image *elf, unsigned n)
{
    const uint8_t *h = elf->bytes + elf->headers + (uint64_t)n * elf->header_size;

    if (elf->wide)
        return (struct segment){load32(h),       load64(h + 8),  load64(h + 16), load64(h + 24),
                                load64(h + 32), load64(h + 40), load64(h + 48)};
    return (struct segment){load32(h),       load32(h + 4),  load32(h + 8), load32(h + 12),
                            load32(h + 16), load32(h + 20), load32(h + 28)};
}

bool elf_open(struct boot_plan *p, struct elf_image *elf)
{
    const uint8_t *b = p->q->kernel;
    const size_t size = p->q->kernel_size;
    unsigned smallest;

    if (size < 52 || (b[4] == 2 && size < 64))
        return broken(p, "it ends inside its header");
    if (b[4] < 1 || b[4] > 2 || b[5] != 1)
        return error_set(p->e, "cannot start '%s': an ELF file for another kind of machine",
                         p->q->kernel_name);
    *elf = (struct elf_image){.bytes = b, .size = size, .wide = b[4] == 2};
    elf->machine = load16(b + 18);
    if (elf->machine != EM_386 && elf->machine != EM_X86_64)
        return error_set(p->e, "cannot start '%s': an ELF file for another CPU (machine %u)",
                         p->q->kernel_name, elf->machine);
    elf->entry = elf->wide ? load64(b + 24) : load32(b + 24);
    elf->headers = elf->wide ? load64(b + 32) : load32(b + 28);
    elf->header_size = load16(b + (elf->wide ? 54 : 42));
    elf->header_count = load16(b + (elf->wide ? 56 : 44));
    smallest = elf->wide ? 56 : 32;
    if (!elf->header_count)
        return error_set(p->e, "cannot start '%s': an ELF file with nothing to load (an object "
                               "file?)",
                         p->q->kernel_name);
    if (elf->header_size < smallest || elf->header_count > ELF_HEADERS)
        return broken(p, "its program headers make no sense");
    if (!inside(size, elf->headers, (uint64_t)elf->header_size * elf->header_count))
        return broken(p, "its program headers lie outside the file");
    return true;
}

bool elf_load(struct boot_plan *p, struct elf_image *elf)
{
    bool translated = false, any = false;
    uint64_t entry = elf->entry;

    for (unsigned i = 0; i < elf->header_count; i++) {
        struct segment s = segment_get(elf, i);
        if (s.type != PT_LOAD || !s.memsz)
            continue;
        if (s.filesz > s.memsz)
            return broken(p, "a segment has more bytes in the file than in memory");
        if (!inside(elf->size, s.offset, s.filesz))
            return broken(p, "a segment lies outside the file: it was cut short");
        if (!plan_take(p, s.paddr, s.memsz, "a segment") ||
            !plan_write(p, s.paddr, elf->bytes + s.offset, s.filesz) ||
            !plan_zero(p, s.paddr + s.filesz, s.memsz - s.filesz))
            return false;
        any = true;
        /* Kernels linked for the upper half give a virtual entry; nothing is mapped there
         * yet. */
        if (!translated && elf->entry - s.vaddr < s.memsz) {
            entry = elf->entry - s.vaddr + s.paddr;
            translated = true;
        }
    }
    if (!any)
        return error_set(p->e, "cannot start '%s': an ELF file with nothing to load",
                         p->q->kernel_name);
    elf->entry = entry;
    return true;
}

/* The value of the Xen note that names the PVH entry. */
static bool find_pvh(const struct elf_image *elf, uint64_t *entry)
{
    for (unsigned i = 0; i < elf->header_count; i++) {
        struct segment s = segment_get(elf, i);
        uint64_t align = s.align == 8 ? 8 : 4, at = 0;
        if (s.type != PT_NOTE || !inside(elf->size, s.offset, s.filesz))
            continue;
        while (inside(s.filesz, at, 12)) {
            const uint8_t *n = elf->bytes + s.offset + at;
            uint64_t names = load32(n), bytes = load32(n + 4);
            uint64_t desc = (at + 12 + names + align - 1) & ~(align - 1);
            if (!inside(s.filesz, desc, bytes))
                break;
            if (load32(n + 8) == XEN_PHYS32_ENTRY && names == 4 && !memcmp(n + 12, "Xen", 4) &&
                (bytes == 4 || bytes == 8)) {
                *entry = load_le(elf->bytes + s.offset + desc, (unsigned)bytes);
                return true;
            }
            at = (desc + bytes + align - 1) & ~(align - 1);
        }
    }
    return false;
}

static bool pvh_boot(struct boot_plan *p, uint64_t entry)
{
    enum { INFO = 56, MODULE = 32, RANGE = 24 };
    const struct memory_map *map = p->q->map;
    const char *cmdline = plan_cmdline(p);
    const uint64_t size = INFO + MODULE + RANGE * MEMORY_RANGES + strlen(cmdline) + 1;
    uint8_t info[INFO + MODULE + RANGE * MEMORY_RANGES] = {0};
    uint8_t *module = info + INFO, *range = module + MODULE;
    uint64_t at, initrd, initrd_size;

    if (!plan_initrd(p, MEMORY_HOLE, &initrd, &initrd_size) ||
        !plan_low(p, size, 16, 0x10000, MEMORY_HOLE, "the start info", &at))
        return false;
    store32(info, 0x336ec578);
    store32(info + 4, 1);
    store32(info + 12, initrd ? 1 : 0);
    store64(info + 16, initrd ? at + INFO : 0);
    store64(info + 24, at + sizeof info);
    store64(info + 32, p->q->rsdp);
    store64(info + 40, at + INFO + MODULE);
    store32(info + 48, map->count);
    store64(module, initrd);
    store64(module + 8, initrd_size);
    for (unsigned i = 0; i < map->count; i++) {
        store64(range + RANGE * i, map->range[i].base);
        store64(range + RANGE * i + 8, map->range[i].size);
        store32(range + RANGE * i + 16, map->range[i].type);
    }
    if (!plan_write(p, at, info, sizeof info) ||
        !plan_write(p, at + sizeof info, cmdline, strlen(cmdline) + 1) ||
        !plan_enter(p, BOOT_PROTECTED, entry))
        return false;
    p->out->gpr[3] = at; /* EBX */
    snprintf(p->out->what, sizeof p->out->what, "PVH kernel");
    return true;
}

bool elf_boot(struct boot_plan *p)
{
    enum { STACK = 4096 };
    struct elf_image elf;
    uint64_t entry, stack;

    if (!elf_open(p, &elf) || !elf_load(p, &elf))
        return false;
    if (find_pvh(&elf, &entry)) {
        if (entry >= MEMORY_HIGH)
            return broken(p, "its PVH entry lies above 4 GiB");
        return pvh_boot(p, entry);
    }
    if (elf.wide && elf.machine == EM_X86_64 && !p->q->long_mode) {
        error_set(p->e, "cannot start '%s': a 64-bit kernel, and the CPU has no long mode",
                  p->q->kernel_name);
        return error_hint(p->e, "choose another CPU with -cpu, for example -cpu nehalem");
    }
    if (elf.entry >= MEMORY_HIGH)
        return broken(p, "its entry lies above 4 GiB");
    if (p->q->modules)
        snprintf(p->out->note, sizeof p->out->note,
                 "a plain ELF kernel cannot be told of an initrd or a command line");
    if (!plan_low(p, STACK, 16, 0x10000, MEMORY_HOLE, "a stack", &stack) ||
        !plan_enter(p, elf.wide ? BOOT_LONG : BOOT_PROTECTED, elf.entry))
        return false;
    p->out->gpr[4] = stack + STACK;
    snprintf(p->out->what, sizeof p->out->what, "%s-bit ELF kernel", elf.wide ? "64" : "32");
    return true;
}
