/* boot.h - starting a kernel without firmware or boot loader.
 *
 * boot_load() finds out by content what a kernel file is (a Linux bzImage, Multiboot 2,
 * Multiboot, an ELF file with a PVH note, another ELF file), places it and what it wants to
 * be told into RAM, and says in which state the CPU starts. The files are untrusted.
 */
#ifndef MACHINE_BOOT_H
#define MACHINE_BOOT_H

#include "machine/memory_map.h"
#include "mmu/phys.h"

struct error;

enum { BOOT_MODULES = 32 };

struct boot_module {
    const char *name; /* with its arguments, if it has any */
    const uint8_t *bytes;
    size_t size;
};

struct boot_request {
    const char *kernel_name; /* for messages and Multiboot's command line */
    const uint8_t *kernel;
    size_t kernel_size;
    struct boot_module module[BOOT_MODULES]; /* Linux and PVH: the initrd */
    unsigned modules;
    const char *cmdline; /* NULL is empty */
    const struct memory_map *map;
    uint64_t rsdp;      /* physical address of the ACPI root pointer; 0: no ACPI */
    bool long_mode;     /* the CPU has it */
    bool vga;           /* 80x25 text at B8000h is there and switched on */
};

enum boot_mode {
    BOOT_PROTECTED, /* CR0.PE, no paging */
    BOOT_LONG,      /* 64-bit mode: CR0.PE PG, CR4.PAE, EFER.LME LMA, identity paging */
};

/* The state of the boot processor; what is not named is as after RESET, interrupts off.
 * Segments are flat: CS is code, the five others are `data`. A20 is on. */
struct boot_entry {
    enum boot_mode mode;
    uint64_t rip;
    uint64_t gpr[16]; /* in the order of the register numbers: RAX RCX RDX RBX RSP ... */
    uint64_t gdt;     /* GDTR base, in RAM */
    uint16_t gdt_limit;
    uint16_t code, data, task; /* selectors in that GDT; task is a busy 32-bit TSS at 0 */
    uint64_t cr3;     /* BOOT_LONG: maps the first 4 GiB to themselves */
    char what[128];   /* "Linux 6.1.0-18-amd64, 64-bit boot protocol" */
    char note[256];   /* something the kernel asked for that it did not get; or "" */
};

/* False, with e filled, when the files are not usable. May have written to RAM then.
 * Called again after each reset. phys NULL: nothing is written, only looked at. */
bool boot_load(const struct boot_request *q, struct phys *phys, struct boot_entry *out,
               struct error *e);

#endif
