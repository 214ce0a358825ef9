/* post.h - the 32-bit half: flat addresses, one run at power-on. */
#ifndef BIOS_POST_H
#define BIOS_POST_H

#include "bios.h"

#define FLAT(address) ((u8 *)(address))

static inline u16 get16(const void *at)
{
    u16 v;
    __builtin_memcpy(&v, at, 2);
    return v;
}

static inline u32 get32(const void *at)
{
    u32 v;
    __builtin_memcpy(&v, at, 4);
    return v;
}

static inline void put32(void *at, u32 v)
{
    __builtin_memcpy(at, &v, 4);
}

void debug_text(const char *s);
void debug_hex(u32 v);

/* fw_cfg.c */
enum {
    FW_RAM_SIZE = 0x03,
    FW_CPUS = 0x05,
    FW_BOOT_MENU = 0x0e,
    FW_MAX_CPUS = 0x0f,
    FW_DIRECTORY = 0x19,
};
struct fw_file {
    char name[56];
    u32 size;
    u16 key;
};
bool fw_there(void);
/* Selects an item; fw_read() goes on in it. */
void fw_select(u16 key);
void fw_read(void *to, u32 n);
bool fw_find(const char *name, struct fw_file *f);
bool fw_nth(u32 n, const char *prefix, struct fw_file *f);
/* A file's bytes, at most room of them; how many. */
u32 fw_load(const char *name, void *to, u32 room);
u32 fw_number(const char *name, u32 standard);

/* memory.c: what is taken from the top of low RAM and from F0000h; 0: no room. */
void find_memory(u32 unused);
u8 *take_high(u32 size, u32 align);
u8 *take_legacy(u32 size, u32 align);
void e820_add(u64 base, u64 size, u32 type);
void e820_take(u64 base, u64 size, u32 type);

/* cpu.c */
void set_up_cpu(void);
bool cpu_has_apic(void);

/* pci.c */
u32 pci_read(u16 bdf, u16 offset);
u16 pci_read16(u16 bdf, u16 offset);
u8 pci_read8(u16 bdf, u16 offset);
void pci_write(u16 bdf, u16 offset, u32 v);
void pci_write16(u16 bdf, u16 offset, u16 v);
void pci_write8(u16 bdf, u16 offset, u8 v);
void find_devices(u32 unused);
/* The ISA IRQs of PIRQA to PIRQD. */
extern const u8 pirq_irqs[4];

/* tables.c, loader.c, mp.c, roms.c */
u8 sum_of(const void *at, u32 n);
void make_mp_table(void);
void place_tables(u32 unused);
bool load_tables(void);
u32 rom_from_pci(u32 where);
u32 rom_from_fw_cfg(u32 where);

enum { PM_BASE = 0x600, SMB_BASE = 0x700 };

#endif
