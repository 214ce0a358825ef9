/* run.h - what the 16-bit parts know of each other. */
#ifndef BIOS_RUN_H
#define BIOS_RUN_H

#include "bios.h"

#define REGISTER(n)                                                                    \
    union {                                                                            \
        u32 e##n##x;                                                                   \
        u16 n##x;                                                                      \
        struct {                                                                       \
            u8 n##l, n##h;                                                             \
        };                                                                             \
    }
#define INDEX(n)                                                                       \
    union {                                                                            \
        u32 e##n;                                                                      \
        u16 n;                                                                         \
    }

/* The caller's registers, as entry.S saves them; what a service changes comes back. */
struct regs {
    u16 gs, fs, es, ds;
    INDEX(di);
    INDEX(si);
    INDEX(bp);
    u32 esp;
    REGISTER(b);
    REGISTER(d);
    REGISTER(c);
    REGISTER(a);
    u16 handler, ip, cs, flags;
};
_Static_assert(sizeof(struct regs) == 48, "entry.S counts on it");

enum { CARRY = 1, ZERO = 0x40, IRQS = 0x200 };

static inline void set_carry(struct regs *r, bool on)
{
    r->flags = (u16)(on ? r->flags | CARRY : r->flags & ~CARRY);
}

/* ---- far memory ----
 *
 * Offsets are below 64 KiB: a segment in real mode ends there. */

static inline u8 far8(u16 segment, u32 offset)
{
    u8 v;
    __asm__ volatile("movw %1, %%gs; movb %%gs:(%2), %0"
                     : "=q"(v)
                     : "r"(segment), "r"(offset & 0xffff)
                     : "memory");
    return v;
}

static inline u16 far16(u16 segment, u32 offset)
{
    u16 v;
    __asm__ volatile("movw %1, %%gs; movw %%gs:(%2), %0"
                     : "=r"(v)
                     : "r"(segment), "r"(offset & 0xffff)
                     : "memory");
    return v;
}

static inline u32 far32(u16 segment, u32 offset)
{
    u32 v;
    __asm__ volatile("movw %1, %%gs; movl %%gs:(%2), %0"
                     : "=r"(v)
                     : "r"(segment), "r"(offset & 0xffff)
                     : "memory");
    return v;
}

static inline void far8_set(u16 segment, u32 offset, u8 v)
{
    __asm__ volatile("movw %1, %%gs; movb %0, %%gs:(%2)"
                     :
                     : "q"(v), "r"(segment), "r"(offset & 0xffff)
                     : "memory");
}

static inline void far16_set(u16 segment, u32 offset, u16 v)
{
    __asm__ volatile("movw %1, %%gs; movw %0, %%gs:(%2)"
                     :
                     : "r"(v), "r"(segment), "r"(offset & 0xffff)
                     : "memory");
}

static inline void far32_set(u16 segment, u32 offset, u32 v)
{
    __asm__ volatile("movw %1, %%gs; movl %0, %%gs:(%2)"
                     :
                     : "r"(v), "r"(segment), "r"(offset & 0xffff)
                     : "memory");
}

void far_copy(u16 to_segment, u16 to, u16 from_segment, u16 from, u16 n);
void far_fill(u16 segment, u16 at, u8 v, u16 n);

/* ---- the BIOS data area, segment 40h (RBIL MEMORY.LST); FS holds 40h ---- */

struct bda {
    u16 com[4];    /* 00 */
    u16 lpt[3];    /* 08 */
    u16 ebda;      /* 0E segment */
    u16 equipment; /* 10 */
    u8 unused12;
    u16 memory; /* 13 KiB */
    u16 unused15;
    u8 shift[2];         /* 17 */
    u8 keypad;           /* 19 Alt + digits */
    u16 kbd_head;        /* 1A */
    u16 kbd_tail;        /* 1C */
    u16 kbd_buffer[16];  /* 1E */
    u8 floppy_recal;     /* 3E bit 7: interrupt came */
    u8 floppy_motor;     /* 3F */
    u8 floppy_timeout;   /* 40 ticks until motors stop */
    u8 floppy_status;    /* 41 */
    u8 floppy_result[7]; /* 42 */
    u8 mode;             /* 49 */
    u16 columns;         /* 4A */
    u16 page_size;       /* 4C */
    u16 page_start;      /* 4E */
    u8 cursor[8][2];     /* 50 column, row */
    u16 cursor_shape;    /* 60 */
    u8 page;             /* 62 */
    u16 crtc;            /* 63 */
    u8 mode_select;      /* 65 */
    u8 palette;          /* 66 */
    u32 reset_return;    /* 67 */
    u8 last_irq;         /* 6B */
    u32 ticks;           /* 6C since midnight */
    u8 midnight;         /* 70 */
    u8 ctrl_break;       /* 71 bit 7 */
    u16 warm_boot;       /* 72 1234h */
    u8 disk_status;      /* 74 */
    u8 disk_count;       /* 75 */
    u8 disk_control;     /* 76 */
    u8 disk_port;        /* 77 */
    u8 lpt_timeout[4];   /* 78 */
    u8 com_timeout[4];   /* 7C */
    u16 kbd_start;       /* 80 */
    u16 kbd_end;         /* 82 */
    u8 rows;             /* 84 less one */
    u16 char_height;     /* 85 */
    u8 video_control;    /* 87 */
    u8 video_switches;   /* 88 */
    u8 video_modeset;    /* 89 */
    u8 video_dcc;        /* 8A */
    u8 floppy_rate;      /* 8B */
    u8 ide_status;       /* 8C */
    u8 ide_error;        /* 8D */
    u8 ide_done;         /* 8E FFh when the disk's interrupt came */
    u8 floppy_info;      /* 8F */
    u8 floppy_media[4];  /* 90 */
    u8 floppy_track[2];  /* 94 */
    u8 kbd_mode;         /* 96 */
    u8 kbd_leds;         /* 97 */
    u32 wait_flag;       /* 98 where INT 15h/83h reports */
    u32 wait_us;         /* 9C */
    u8 wait_active;      /* A0 */
} PACKED;
_Static_assert(sizeof(struct bda) == 0xa1, "the BDA's layout is history");

#define BDA ((struct bda volatile __attribute__((address_space(257))) *)0)

/* "$PnP" in F000h: option ROMs and boot sectors get its address in ES:DI. */
enum { PNP_STRUCTURE = 0xe010 };

/* EBDA: 00 its size in KiB; 22 the PS/2 mouse's area. */
enum { EBDA_MOUSE = 0x22 };

/* ---- entry.S ---- */

u32 call32(u32 function, u32 argument);
void small_limits(void);
void call_far(struct regs *r, u32 with_flags);
__attribute__((noreturn)) void boot_jump(u32 segment_offset, u32 dl, u32 es_di);
__attribute__((noreturn)) void run_anew(void (*function)(void));

static inline u16 offset_of(const void *code)
{
    return (u16)(u32)code;
}

/* INT n with r's registers; interrupts are off when it returns. */
void call_int(u8 n, struct regs *r);

static inline void irqs_on(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void irqs_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

/* One interrupt (or a few) pass. Interrupts are off before and after. */
static inline void irq_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* ---- parts ---- */

/* text.c: %s %c %u %x %X with widths %2x %4x %8x %02u; on the screen and port E9h. */
void say(const char *format, ...);
void debug_say(const char *format, ...); /* port E9h only */
void text_to_screen(char c);

/* clock.c */
struct deadline {
    u32 left; /* PIT counts */
    u16 last;
};
void deadline_set(struct deadline *d, u32 milliseconds);
bool deadline_over(struct deadline *d);
void delay_us(u32 us);
void clock_init(void);
void eoi(u8 irq);
void pics_init(void);
void dma_init(void);

/* keyboard.c */
void keyboard_init(void);
u16 keyboard_try(void); /* takes a key from the buffer; 0: none */
bool controller_command(u8 command);
bool controller_write(u8 v);
bool controller_read(u8 *v);
void mouse_services(struct regs *r); /* mouse.c: INT 15h/C2h */

/* ata.c: a drive on an IDE channel. */
enum drive_kind { DRIVE_NONE, DRIVE_DISK, DRIVE_CD };
struct drive {
    u8 kind;
    u8 slave;
    u8 channel;
    u8 lba48;
    u16 command, control;                  /* ports */
    u64 sectors;                           /* of 512 bytes; CD: 0 */
    u16 cylinders, heads, spt;             /* as the drive tells */
    u16 log_cylinders, log_heads, log_spt; /* as INT 13h tells */
    char model[41];
    struct edd_interface {
        u16 port, control;
        u8 head, reserved, irq, block, dma, pio;
        u16 flags, zero;
        u8 revision, checksum;
    } PACKED dpte; /* EDD 3, 2.8: device parameter table extension */
};
enum { DISKS = 8 };
struct drives {
    struct drive disk[DISKS], cd[DISKS];
    u8 disks, cds;
};
extern struct drives drives;
void ata_init(void);

enum disk_op { OP_READ, OP_WRITE, OP_VERIFY };
/* Returns an INT 13h status; *done sectors were moved. CDs: 2048-byte sectors. */
u8 ata_transfer(const struct drive *d, enum disk_op op, u64 lba, u16 count, u16 segment,
                u16 offset, u16 *done);
u8 atapi_read(const struct drive *d, u32 lba, u16 count, u16 segment, u16 offset,
              u16 *done);
u8 atapi_ready(const struct drive *d);
u8 atapi_packet(const struct drive *d, const u8 packet[12], u16 segment, u16 offset,
                u32 bytes);
u8 ata_reset_drive(const struct drive *d);
void ata_flush(const struct drive *d);

/* disk.c, floppy.c, cdemu.c: INT 13h. Statuses are RBIL table 00234's. */
enum disk_status {
    DISK_OK = 0x00,
    DISK_BAD_COMMAND = 0x01,
    DISK_NO_MARK = 0x02,
    DISK_PROTECTED = 0x03,
    DISK_NOT_FOUND = 0x04,
    DISK_RESET_FAILED = 0x05,
    DISK_CHANGED = 0x06,
    DISK_DMA_OVERRUN = 0x08,
    DISK_DMA_BOUNDARY = 0x09,
    DISK_NO_MEDIA_TYPE = 0x0c,
    DISK_CRC = 0x10,
    DISK_CONTROLLER = 0x20,
    DISK_SEEK = 0x40,
    DISK_NOT_LOCKED = 0xb0,
    DISK_LOCKED = 0xb1,
    DISK_NO_MEDIUM = 0x31,
    DISK_TIMEOUT = 0x80,
    DISK_NOT_READY = 0xaa,
};
void disk_return(struct regs *r, u8 status);
void disk_init(void);
void floppy_init(void);
u8 floppy_count(void);
void floppy_tick(void);
u8 floppy_type(u8 drive);
void floppy_command(struct regs *r); /* INT 13h for DL 0 and 1 */
const char *disk_status_text(u8 status);

/* El Torito emulation. */
struct emulation {
    u8 active, media, drive, cd;
    u32 image; /* first 2048-byte sector */
    u16 load_segment, sectors;
    u16 cylinders, heads, spt; /* of the emulated disk */
    u8 controller;
    u16 spec;
};
extern struct emulation emulation;
void emulation_command(struct regs *r);
bool emulation_is(u8 drive);
void emulation_end(void);
/* Reads the boot catalog and loads the boot image. NULL, or why not. */
const char *cd_load(u8 cd, u16 *segment, u8 *drive);

/* serial.c */
void serial_init(void);
/* rom.c */
void roms_init(void);
bool roms_display(void);
enum { VECTORS_MAX = 8 };
struct boot_vector {
    u16 segment, offset; /* BEV */
    u16 bdf;
    char name[40];
};
extern struct boot_vector boot_vectors[VECTORS_MAX];
extern u8 boot_vector_count;
/* boot.c */
void boot_order_init(void);
void boot_menu(void);
/* video.c */
void video_init(void);
bool video_is_ours(void);

/* pcibios.c: INT 1Ah/B1h */
void pci_services(struct regs *r);

#endif
