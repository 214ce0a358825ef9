/* vga.h - what the files of the VGA BIOS share.
 *
 * The code runs in real or virtual-8086 mode, on the caller's stack, with
 *
 *   CS = DS  this ROM: plain pointers reach its constants, and nothing else
 *   SS       the caller's stack: a local variable's address is no plain pointer, so no
 *            function takes one (build.sh looks for it in what the compiler made)
 *   FS       0: interrupt vectors and the BIOS data area
 *   GS       whatever far memory is being touched
 *
 * Clang knows segment registers as address spaces, so that "BDA->mode" is one
 * instruction. There is no writable memory but the BDA: what must be remembered stands
 * there, or in the card's own registers.
 */
#ifndef BIOS_VGA_H
#define BIOS_VGA_H

#include <stdbool.h>
#include <stdint.h>

#define IN_GS __attribute__((address_space(256)))
#define IN_FS __attribute__((address_space(257)))
#define IN_SS __attribute__((address_space(258)))

/* As the entry code of rom.S pushes them, and pops them again. */
struct regs {
    union {
        uint32_t edi;
        uint16_t di;
    };
    union {
        uint32_t esi;
        uint16_t si;
    };
    union {
        uint32_t ebp;
        uint16_t bp;
    };
    uint32_t esp;
    union {
        uint32_t ebx;
        uint16_t bx;
        struct {
            uint8_t bl, bh;
        };
    };
    union {
        uint32_t edx;
        uint16_t dx;
        struct {
            uint8_t dl, dh;
        };
    };
    union {
        uint32_t ecx;
        uint16_t cx;
        struct {
            uint8_t cl, ch;
        };
    };
    union {
        uint32_t eax;
        uint16_t ax;
        struct {
            uint8_t al, ah;
        };
    };
    uint16_t gs, fs, es, ds, ip, cs, flags;
};
typedef struct regs IN_SS *regs; /* the one name for a pointer: its segment matters */

/* ---- I/O ports ---- */

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
    return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

/* The VGA's ports. IBM PS/2 Hardware Interface TR, Video Subsystem, "Registers". */
enum {
    ATTR = 0x3c0, /* index and data take turns; reading input status 1 makes it index */
    ATTR_READ = 0x3c1,
    MISC_WRITE = 0x3c2,
    SEQ = 0x3c4,
    PEL_MASK = 0x3c6,
    PEL_READ_INDEX = 0x3c7, /* reads as the DAC's state */
    PEL_WRITE_INDEX = 0x3c8,
    PEL_DATA = 0x3c9,
    FEATURE_READ = 0x3ca,
    MISC_READ = 0x3cc,
    GFX = 0x3ce,
    CRTC_MONO = 0x3b4,
    CRTC_COLOUR = 0x3d4,
    STATUS1_OFFSET = 6, /* input status 1 and feature control, from the CRTC's index */
};

/* An index and its data go out as one word: the low byte to the index port. */
static inline void reg_write(uint16_t port, uint8_t index, uint8_t v)
{
    outw(port, (uint16_t)(index | v << 8));
}

static inline uint8_t reg_read(uint16_t port, uint8_t index)
{
    outb(port, index);
    return inb((uint16_t)(port + 1));
}

/* The Bochs VBE registers ("DISPI"): index port 1CEh, data port 1CFh, words. */
enum {
    DISPI_INDEX = 0x1ce,
    DISPI_DATA = 0x1cf,

    DISPI_ID = 0,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRT_WIDTH,
    DISPI_VIRT_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_MEMORY_64K,

    DISPI_ID_MIN = 0xb0c2, /* from here on with a linear frame buffer */
    DISPI_ID_MAX = 0xb0cf,
    DISPI_ID_SET = 0xb0c5, /* the dialect spoken here */

    ENABLED = 0x01,
    DAC_8BIT = 0x20,
    LFB = 0x40,
    NO_CLEAR = 0x80,
};

static inline uint16_t dispi_read(uint16_t index)
{
    outw(DISPI_INDEX, index);
    return inw(DISPI_DATA);
}

static inline void dispi_write(uint16_t index, uint16_t v)
{
    outw(DISPI_INDEX, index);
    outw(DISPI_DATA, v);
}

/* ---- far memory ---- */

/* Good until the next call: there is one GS. Offsets are 16 bits; a word at FFFFh is
 * the caller's mistake and faults, as it does in any real-mode program. */
static inline volatile uint8_t IN_GS *far8(uint16_t seg, uint16_t off)
{
    __asm__ volatile("movw %w0, %%gs" : : "r"(seg) : "memory");
    return (volatile uint8_t IN_GS *)(uint32_t)off;
}

static inline uint8_t peek8(uint16_t seg, uint16_t off)
{
    return *far8(seg, off);
}

static inline uint16_t peek16(uint16_t seg, uint16_t off)
{
    return *(volatile uint16_t IN_GS *)far8(seg, off);
}

static inline uint32_t peek32(uint16_t seg, uint16_t off)
{
    return *(volatile uint32_t IN_GS *)far8(seg, off);
}

static inline void poke8(uint16_t seg, uint16_t off, uint8_t v)
{
    *far8(seg, off) = v;
}

static inline void poke16(uint16_t seg, uint16_t off, uint16_t v)
{
    *(volatile uint16_t IN_GS *)far8(seg, off) = v;
}

static inline void poke32(uint16_t seg, uint16_t off, uint32_t v)
{
    *(volatile uint32_t IN_GS *)far8(seg, off) = v;
}

/* n bytes (not 0) upwards; the same segment for both. */
static inline void copy8(uint16_t seg, uint16_t to, uint16_t from, uint16_t n)
{
    __asm__ volatile("pushw %%ds\n\tpushw %%es\n\t"
                     "movw %w3, %%ds\n\tmovw %w3, %%es\n\t"
                     "rep movsb\n\tpopw %%es\n\tpopw %%ds"
                     : "+D"(to), "+S"(from), "+c"(n)
                     : "a"(seg)
                     : "memory");
}

/* n words of v. */
static inline void fill16(uint16_t seg, uint16_t to, uint16_t v, uint16_t n)
{
    __asm__ volatile("pushw %%es\n\tmovw %w3, %%es\n\trep stosw\n\tpopw %%es"
                     : "+D"(to), "+c"(n)
                     : "a"(v), "b"(seg)
                     : "memory");
}

static inline uint16_t rom_segment(void)
{
    uint16_t cs;
    __asm__("movw %%cs, %0" : "=r"(cs));
    return cs;
}

/* A far pointer to a constant of this ROM; anything of it stands below 64 KiB. */
static inline uint32_t rom_far(const void *p)
{
    return (uint32_t)rom_segment() << 16 | (uint16_t)(uint32_t)p;
}

/* ---- what is remembered ---- */

/* The video part of the BIOS data area. Ralf Brown's MEM 0040h:0010h, :0049h and on. */
struct bda {
    uint8_t before[0x10];
    uint16_t equipment; /* bits 5-4: 3 monochrome, 2 80 columns, 1 40 columns */
    uint8_t between[0x37];
    uint8_t mode; /* VBE_MODE: what the DISPI registers say */
    uint16_t columns;
    uint16_t page_size; /* in bytes */
    uint16_t page_start;
    uint16_t cursor[8];    /* row << 8 | column, a word for each page */
    uint16_t cursor_shape; /* start << 8 | end, in the caller's lines */
    uint8_t page;
    uint16_t crtc;       /* 3B4h or 3D4h */
    uint8_t mode_select; /* what the CGA's 3D8h would hold */
    uint8_t palette;     /* what the CGA's 3D9h would hold */
    uint8_t between2[0x1d];
    uint8_t last_row; /* rows - 1 */
    uint16_t char_height;
    uint8_t control; /* CONTROL_* */
    uint8_t switches;
    uint8_t flags; /* FLAG_* */
    uint8_t dcc;   /* an index into display_codes */
    uint8_t between3[0x1d];
    uint32_t save_pointer; /* far, see save_table in tables.c */
} __attribute__((packed));

#define BDA ((volatile struct bda IN_FS *)0x400)
#define VECTOR(n) (((volatile uint32_t IN_FS *)0)[n])

enum {
    CONTROL_NO_CURSOR_EMULATION = 0x01,
    CONTROL_256K = 0x60,
    CONTROL_NO_CLEAR = 0x80, /* the last mode was set with AL bit 7 */

    FLAG_VGA = 0x01,
    FLAG_GRAY = 0x02,
    FLAG_MONO = 0x04,
    FLAG_KEEP_PALETTE = 0x08,
    FLAG_400_LINES = 0x10, /* with neither: 350 */
    FLAG_200_LINES = 0x80,
    FLAG_SWITCH = 0x40, /* display switching possible */

    VBE_MODE = 0x7f, /* no VGA mode; bit 7 stays free for function 0Fh */
};

/* How a mode keeps its picture. */
enum kind { TEXT, CGA, PLANAR, LINEAR };

/* One row of the video parameter table; the layout is the interface's, programs patch
 * copies of it. IBM PS/2 BIOS Interface TR, INT 10h, "Video Parameter Table". */
struct parameters {
    uint8_t columns, last_row, char_height;
    uint16_t page_size;
    uint8_t seq[4]; /* SR1-SR4 */
    uint8_t misc;
    uint8_t crtc[25];
    uint8_t attr[20];
    uint8_t gfx[9];
} __attribute__((packed));

/* A VBE mode of the card; text modes have bits 0 and count characters. */
struct vbe_mode {
    uint16_t number, width, height;
    uint8_t bits, row; /* row: of the parameter table, text modes only */
};

/* ---- the files ---- */

/* tables.c */
extern const struct parameters parameter_table[];
extern const uint32_t save_table[];
extern const uint8_t static_functions[16];
extern const uint8_t display_codes[16][2];
extern const struct vbe_mode vbe_modes[];
enum { TEXT_132X25 = 29, TEXT_132X43, TEXT_132X50, TEXT_132X60, TEXT_80X60 };

/* fonts.c, made of font.txt */
extern const uint8_t font8x8[256 * 8], font8x14[256 * 14], font8x16[256 * 16];
extern const uint8_t no_alternates[];

/* mode.c */
enum kind kind_now(void);
void set_mode(uint8_t mode);
/* The registers of one row of the parameter table, wherever that stands. */
void load_registers(uint8_t row);
void set_text_mode(uint8_t row, uint8_t mode, bool clear);
void screen_on(void);
uint16_t fresh_attr(void); /* makes ATTR expect an index; the port of input status 1 */

/* dac.c */
void palette_call(regs r); /* AH=10h */
void load_dac(uint8_t mode);
void dac_write(uint8_t i, uint8_t red, uint8_t green, uint8_t blue);
uint8_t attr_read(uint8_t i);
void attr_write(uint8_t i, uint8_t v);
void set_colour(uint8_t what, uint8_t v); /* AH=0Bh */

/* font.c */
void font_call(regs r); /* AH=11h */
void load_font(uint32_t font, uint8_t height, uint16_t n, uint16_t first,
               uint8_t block);
/* Line i of character c, as graphics modes draw it. */
uint8_t glyph_row(uint8_t c, uint8_t i);

/* text.c */
void set_cursor_shape(uint8_t start, uint8_t end);
void set_cursor(uint8_t page, uint8_t row, uint8_t column);
void set_page(uint8_t page);
void scroll(bool up, uint8_t page, uint8_t lines, uint8_t fill, uint16_t upper_left,
            uint16_t lower_right);
uint16_t read_char(uint8_t page); /* attribute << 8 | character under the cursor */
void write_chars(uint8_t page, uint8_t c, uint8_t attribute, bool with_attribute,
                 uint16_t n);
void teletype(uint8_t page, uint8_t c, uint8_t attribute, bool with_attribute);
void write_string(regs r); /* AH=13h */

/* pixel.c */
void put_pixel(uint8_t page, uint16_t x, uint16_t y, uint8_t colour);
uint8_t get_pixel(uint8_t page, uint16_t x, uint16_t y);
void draw_glyph(uint8_t page, uint16_t column, uint16_t row, uint8_t c, uint8_t colour,
                uint8_t back);
uint8_t read_glyph(uint8_t page, uint16_t column, uint16_t row);
/* One line of pixels (of characters in text modes), n characters from one on. */
void copy_line(enum kind k, uint16_t start, uint16_t to, uint16_t from, uint16_t column,
               uint16_t n);
void fill_line(enum kind k, uint16_t start, uint16_t y, uint16_t column, uint16_t n,
               uint8_t fill);

/* state.c */
uint16_t state_blocks(uint8_t what); /* in units of 64 bytes */
void state_save(uint8_t what, uint16_t seg, uint16_t off);
void state_restore(uint8_t what, uint16_t seg, uint16_t off);

/* select.c */
void select_call(regs r);        /* AH=12h */
void display_call(regs r);       /* AH=1Ah */
void functionality_call(regs r); /* AH=1Bh */

/* vbe.c and edid.c */
void vbe_call(regs r); /* AH=4Fh */
bool vbe_present(void);
bool vbe_active(void);
void vbe_leave(void);
uint16_t vbe_pixel_bytes(uint16_t bits);
void ddc_call(regs r); /* AX=4F15h */
void edid_init(uint16_t address);
uint32_t pci_bar(uint8_t bar);

/* rom.S */
extern uint16_t volatile pci_address[2]; /* bus << 8 | device and function, and its
                                            complement */
extern uint8_t volatile edid_found[128]; /* the card's, or nothing */
extern const uint8_t edid_default[128];
extern const uint8_t int10_entry[], int05_entry[], window_function[];
extern const uint8_t pm_table[], pm_end[];
/* Copies n bytes from physical memory over 1 MiB into this ROM; false in virtual-8086
 * mode. Real mode only, for the time of initialization. */
bool copy_high(uint16_t to, uint32_t from, uint16_t n) __attribute__((regparm(3)));
uint8_t print_char(uint8_t c); /* INT 17h AH=00h on printer 0; its status */

#endif
