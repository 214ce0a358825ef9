/* boot_plan.h - what the kernel loaders share: room in RAM, and bytes of untrusted files. */
#ifndef MACHINE_BOOT_PLAN_H
#define MACHINE_BOOT_PLAN_H

#include "base/byteorder.h"
#include "base/error.h"
#include "machine/boot.h"

enum { BOOT_PIECES = 96 + BOOT_MODULES };

struct boot_plan {
    const struct boot_request *q;
    struct phys *phys;
    struct boot_entry *out;
    struct error *e;
    struct {
        uint64_t base, end;
    } taken[BOOT_PIECES];
    unsigned count;
};

/* All functions that return bool: false with the plan's error filled. */

/* Takes [base, base + size), which must be free RAM. what: "the kernel". */
bool plan_take(struct boot_plan *p, uint64_t base, uint64_t size, const char *what);

/* Takes the lowest (highest) free piece of RAM in [min, max). align is a power of two. */
bool plan_low(struct boot_plan *p, uint64_t size, uint64_t align, uint64_t min,
              uint64_t max, const char *what, uint64_t *at);
bool plan_high(struct boot_plan *p, uint64_t size, uint64_t align, uint64_t min,
               uint64_t max, const char *what, uint64_t *at);

/* Into taken RAM. */
bool plan_write(struct boot_plan *p, uint64_t at, const void *bytes, uint64_t size);
bool plan_zero(struct boot_plan *p, uint64_t at, uint64_t size);

/* Makes the GDT, and with mode BOOT_LONG the page tables, and fills those parts of out. */
bool plan_enter(struct boot_plan *p, enum boot_mode mode, uint64_t rip);

/* The first module, as high as it goes below max; *at is 0 when there is none. */
bool plan_initrd(struct boot_plan *p, uint64_t max, uint64_t *at, uint64_t *size);

/* The request's command line, never NULL. */
const char *plan_cmdline(const struct boot_plan *p);

/* Is [offset, offset + n) inside a file of size bytes? */
static inline bool inside(uint64_t size, uint64_t offset, uint64_t n)
{
    return offset <= size && n <= size - offset;
}

/* boot_elf.c. entry is physical. */
struct elf_image {
    const uint8_t *bytes;
    size_t size;
    bool wide; /* ELF64 */
    uint16_t machine;
    uint64_t entry, headers;
    unsigned header_size, header_count;
};
bool elf_is(const struct boot_request *q);
bool elf_open(struct boot_plan *p, struct elf_image *elf);
bool elf_load(struct boot_plan *p, struct elf_image *elf);
bool elf_boot(struct boot_plan *p);

/* boot_linux.c, boot_multiboot.c. *_is look at the content alone. */
bool linux_is(const struct boot_request *q);
bool linux_boot(struct boot_plan *p);
bool multiboot_is(const struct boot_request *q, size_t *header);
bool multiboot_boot(struct boot_plan *p, size_t header);
bool multiboot2_is(const struct boot_request *q, size_t *header);
bool multiboot2_boot(struct boot_plan *p, size_t header);

#endif
