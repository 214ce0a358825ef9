/* bios.h - what every part of the BIOS knows: integers, ports, the BIOS data area, the
 * frame a service gets, and the memory that the two halves share.
 *
 * The BIOS has two halves. `post/` runs once, at power-on, as flat 32-bit code: it
 * finds memory and PCI devices and places tables. `run/` is 16-bit code in segment
 * F000h and stays: the interrupt services. Its data, constants and stack are segment
 * E000h, which stays writable (82441FX, PAM registers). So DS and SS are one segment, a
 * pointer to a local variable is a pointer like any other, and plain C works.
 */
#ifndef BIOS_H
#define BIOS_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#define PACKED __attribute__((packed))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum {
    CODE_SEG = 0xf000,
    DATA_SEG = 0xe000,
    EBDA_SEG = 0x9fc0, /* one KiB */
};

/* ---- ports ---- */

static inline u8 in8(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline u16 in16(u16 port)
{
    u16 v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline u32 in32(u16 port)
{
    u32 v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void out8(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void out16(u16 port, u16 v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void out32(u16 port, u32 v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

/* Where POST is: port 80h, the manufacturing test port of the AT. */
static inline void post_code(u8 code)
{
    out8(0x80, code);
}

/* Bit 7 of port 70h masks NMI: it stays open. */
static inline u8 cmos_read(u8 reg)
{
    out8(0x70, reg);
    return in8(0x71);
}

static inline void cmos_write(u8 reg, u8 v)
{
    out8(0x70, reg);
    out8(0x71, v);
}

enum {
    CMOS_STATUS_A = 0x0a,
    CMOS_STATUS_B = 0x0b,
    CMOS_STATUS_C = 0x0c,
    CMOS_SHUTDOWN = 0x0f,
    CMOS_FLOPPIES = 0x10,
    CMOS_EQUIPMENT = 0x14,
    CMOS_EXTENDED = 0x30, /* KiB above 1 MiB, at most 64 MiB */
    CMOS_CENTURY = 0x32,
    CMOS_ABOVE_16M = 0x34, /* units of 64 KiB; QEMU's use */
    CMOS_BOOT_A =
        0x38, /* QEMU's: third boot device in bits 7:4, bit 0: no signature check */
    CMOS_BOOT_B = 0x3d,   /* QEMU's: second, first boot device */
    CMOS_ABOVE_4G = 0x5b, /* three bytes, units of 64 KiB; QEMU's */
};

/* ---- what the halves share, and memory ---- */

enum { E820_MAX = 32, BOOTORDER_MAX = 1024, ROMS_MAX = 16 };

struct e820 {
    u64 base, size;
    u32 type;
} PACKED;

struct pci_rom {
    u16 bdf;    /* bus, device, function as in configuration mechanism #1 */
    u8 display; /* it is a VGA's: before all others */
};

/* Filled by post/, read by run/. */
struct shared {
    u32 ram_low;  /* bytes below 4 GiB */
    u64 ram_high; /* bytes from 4 GiB on */
    u16 cpus;
    u16 has_fw_cfg;
    u16 pci_last_bus;
    u16 boot_menu; /* the user wants to choose */
    u32 menu_wait; /* milliseconds to wait for the key */
    u32 sercon;    /* serial port that shows the text screen too; 0 none */
    u16 ide_command[4], ide_control[4]; /* channels found on PCI; 0 none */
    u16 ide_count;
    u16 rom_count;
    struct pci_rom rom[ROMS_MAX];
    u32 e820_count;
    struct e820 e820[E820_MAX];
    char bootorder[BOOTORDER_MAX]; /* lines; the last ends in 0 */
};

#ifdef BIOS_POST
extern struct shared shared32; /* its flat address: see bios.ld */
#define shared shared32
#else
extern struct shared shared;
#endif

/* Each half has its own: the compiler calls them by these names too, for structs. */
#ifdef BIOS_POST
#define HALF "post"
#else
#define HALF "run"
#endif
__asm__(".set memset, memset_" HALF "\n.set memcpy, memcpy_" HALF "\n"
        ".set memcmp, memcmp_" HALF);
void *memset(void *to, int v, u32 n) __asm__("memset_" HALF);
void *memcpy(void *to, const void *from, u32 n) __asm__("memcpy_" HALF);
int memcmp(const void *a, const void *b, u32 n) __asm__("memcmp_" HALF);

static inline u32 text_length(const char *s)
{
    u32 n = 0;
    while (s[n])
        n++;
    return n;
}

#endif
