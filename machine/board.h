/* board.h - the PC board's own struct, for the files that make it up: board_pc.c (chips
 * and wires), board_memory.c (what stands where in the address space), board_firmware.c
 * (what firmware finds), board_kernel.c (-kernel), board_drives.c, board_video.c.
 */
#ifndef MACHINE_BOARD_H
#define MACHINE_BOARD_H

#include "chipset/apic_bus.h"
#include "machine/boot.h"
#include "machine/internal.h"
#include "machine/memory_map.h"
#include "machine/tables.h"

enum { PAM_SEGMENTS = 13 };

struct board {
    struct apic_bus apics;
    struct device *lapic[MACHINE_CPUS];
    struct device *ferr, *pic, *pit, *rtc, *dma, *ioapic, *hpet, *port61, *port92;
    struct device *pci, *i440fx, *piix3, *pm, *serial[MACHINE_SERIALS];
    struct device *i8042, *keyboard, *mouse, *fw_cfg;
    char name[MACHINE_CPUS][16];
    struct memory_map map;
    uint8_t *kernel, *module[BOOT_MODULES]; /* the files, kept for resets */
    uint64_t kernel_size, module_size[BOOT_MODULES];
    char *module_names; /* texts behind each other: module_name[] points into it */
    const char *module_name[BOOT_MODULES];
    unsigned modules;
    bool told; /* the user knows what is booted */
    struct boot_entry entry; /* of a kernel that is loaded, for board_enter_kernel() */

    /* board_drives.c */
    struct device *ide, *channel[2], *floppy;
    struct disk *disk[MACHINE_DRIVES]; /* as config.drive */
    uint8_t *flash[MACHINE_PFLASH];
    uint64_t flash_size[MACHINE_PFLASH];
    struct backing *flash_backing[MACHINE_PFLASH];
    int flash_window[MACHINE_PFLASH];

    /* board_video.c; vga NULL: none */
    struct device *vga;
    uint8_t *video_memory, *video_rom;
    uint64_t video_size, video_rom_size;
    struct backing *video_backing;
    int video_window, video_rom_window;
    bool told_no_card;

    /* board_firmware.c: what fw_cfg's ACPI tables say */
    uint16_t acpi_pm_base;

    /* board_memory.c */
    uint8_t *rom; /* the firmware's image: rom_size bytes, a multiple of PAGE */
    uint64_t rom_size;
    int pam[PAM_SEGMENTS], smram; /* windows */
    bool smram_enabled, smram_open, smram_closed;
    bool smm; /* the CPU whose turn it is, is in SMM */
};

static inline struct board *board_of(struct machine *m)
{
    return m->board;
}

/* board_pc.c: a new device, started with all others. */
struct device *board_add(struct machine *m, const struct device_class *class,
                         const char *name, struct error *e);

/* ---- board_memory.c ---- */

/* Before devices start: RAM, firmware, and the i440FX's wires to them. */
bool board_map_memory(struct machine *m, struct error *e);
void board_free_memory(struct machine *m);
/* A firmware file by path, or by name in the usual folders; name NULL: the library's own.
 * free() it. */
bool board_read_firmware(struct machine *m, const char *name,
                         const uint8_t *(*own)(size_t *n), const char *what, uint64_t cap,
                         uint8_t **bytes, uint64_t *size, struct error *e);
/* The last 128 KiB of the firmware are seen below 1 MiB too. */
bool board_show_rom_below(struct machine *m, struct backing *rom, struct error *e);
/* A device stored to [offset, offset + n) of a backing: code decoded from there goes. */
void board_stored(struct machine *m, struct backing *b, uint64_t offset, uint64_t n);
/* Shadow RAM all readable and writable, as firmware leaves it for a kernel. */
void board_open_shadow(struct machine *m);
/* A CPU entered or left SMM, or another one's turn began. */
void board_smm(struct machine *m, bool in_smm);

/* ---- board_drives.c ---- */

/* Images and controllers; before devices start. */
bool board_add_drives(struct machine *m, struct error *e);
/* The CMOS bytes about floppies; after devices started. */
void board_tell_drives(struct machine *m);
void board_close_disks(struct machine *m);
/* The image that a drive's configuration names. */
struct disk *board_open_image(struct machine *m, const struct drive_config *d,
                              struct error *e);

/* ---- board_video.c ---- */

bool board_add_video(struct machine *m, struct error *e);
bool board_plug_video(struct machine *m, struct error *e);
void board_free_video(struct machine *m);

/* ---- board_kernel.c ---- */

/* After board_tell_firmware(): the files, and what firmware needs to start them. */
bool board_read_kernel(struct machine *m, struct error *e);
void board_free_kernel(struct machine *m);
/* At reset: the kernel starts, if there is one and no firmware. */
bool board_start_kernel(struct machine *m, struct error *e);

/* ---- board_firmware.c ---- */

/* After devices started: fw_cfg's items and the CMOS. */
bool board_tell_firmware(struct machine *m, struct error *e);
/* The tables of this machine, power management at pm_base; free() them. */
struct tables *board_make_tables(struct machine *m, uint16_t pm_base, struct error *e);

#endif
