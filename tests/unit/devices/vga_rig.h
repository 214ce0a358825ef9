/* vga_rig.h - a VGA on a bench: ports, window, modes of the IBM BIOS, pictures. */
#ifndef TESTS_DEVICES_VGA_RIG_H
#define TESTS_DEVICES_VGA_RIG_H

#include "tests/unit/chipset/rig.h"

#include "base/byteorder.h"
#include "chipset/pci.h"
#include "devices/vga.h"

#include <stdlib.h>

enum { A0000 = 0xa0000, B0000 = 0xb0000, B8000 = 0xb8000, IPS = 100000000 };

struct card {
    struct rig rig;
    struct device *d, *pci;
    uint8_t *memory;
    uint64_t size;
    uint64_t memory_at, rom_at; /* BARs, as the card told */
    unsigned moves, stores;
    uint64_t stored_from, stored_to; /* the last store told */
    struct picture p;
    uint64_t random;
};

/* A BIOS's video parameters: IBM VGA Technical Reference, "BIOS modes". */
struct mode {
    const char *name;
    uint8_t misc, sr[4], cr[25], ar[20], gr[9];
};

#define CR_200(a, b, c, d, e, f, nine, offset, under, mode)                            \
    {                                                                                  \
        a, b, c, d, e, f, 0xbf, 0x1f, 0, nine, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f,     \
            offset, under, 0x96, 0xb9, mode, 0xff                                      \
    }
#define CR_640(nine, offset, under, mode)                                              \
    CR_200(0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, nine, offset, under, mode)
#define CR_320(nine, offset, under, mode)                                              \
    CR_200(0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, nine, offset, under, mode)
#define CR_350(under, mode)                                                            \
    {                                                                                  \
        0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x40, 0, 0, 0, 0, 0, 0,     \
            0x83, 0x85, 0x5d, 0x28, under, 0x63, 0xba, mode, 0xff                      \
    }
#define CR_480(mode)                                                                   \
    {                                                                                  \
        0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0,     \
            0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 0x04, mode, 0xff                          \
    }
#define AR_16(mode, planes)                                                            \
    {                                                                                  \
        0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,     \
            mode, 0, planes, 0                                                         \
    }
#define AR_CGA(planes)                                                                 \
    {                                                                                  \
        0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16,     \
            0x17, 0x01, 0, planes, 0                                                   \
    }
#define AR_LOW(mode)                                                                   \
    {                                                                                  \
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, mode, 0, 15, 0           \
    }

static const struct mode mode_1 = {
    "1",
    0x67,
    {8, 3, 0, 2},
    {0x2d, 0x27, 0x28, 0x90, 0x2b, 0xa0, 0xbf, 0x1f, 0,    0x4f, 0x0d, 0x0e, 0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x14, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
    {0,    1,    2,    3,    4,    5,    0x14, 7, 0x38, 0x39,
     0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 0x0f, 8},
    {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff}};
static const struct mode mode_3 = {
    "3",
    0x67,
    {0, 3, 0, 2},
    {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0,    0x4f, 0x0d, 0x0e, 0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
    {0,    1,    2,    3,    4,    5,    0x14, 7, 0x38, 0x39,
     0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 0x0f, 8},
    {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff}};
static const struct mode mode_4 = {"4",          0x63,
                                   {9, 3, 0, 2}, CR_320(0xc1, 0x14, 0, 0xa2),
                                   AR_CGA(3),    {0, 0, 0, 0, 0, 0x30, 0x0f, 0, 0xff}};
static const struct mode mode_6 = {"6",
                                   0x63,
                                   {1, 1, 0, 6},
                                   CR_640(0xc1, 0x28, 0, 0xc2),
                                   {0,    0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
                                    0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
                                    0x17, 0x17, 0x01, 0,    1,    0},
                                   {0, 0, 0, 0, 0, 0, 0x0d, 0, 0xff}};
static const struct mode mode_7 = {
    "7",
    0x66,
    {0, 3, 0, 2},
    {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0,    0x4f, 0x0d, 0x0e, 0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x0d, 0x96, 0xb9, 0xa3, 0xff},
    {0,    8,    8,    8,    8,    8,    8,    8, 0x10, 0x18,
     0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x0e, 0, 0x0f, 8},
    {0, 0, 0, 0, 0, 0x10, 0x0a, 0, 0xff}};
static const struct mode mode_d = {"Dh",          0x63,
                                   {9, 15, 0, 6}, CR_320(0xc0, 0x14, 0, 0xe3),
                                   AR_CGA(15),    {0, 0, 0, 0, 0, 0, 5, 15, 0xff}};
static const struct mode mode_e = {"Eh",          0x63,
                                   {1, 15, 0, 6}, CR_640(0xc0, 0x28, 0, 0xe3),
                                   AR_CGA(15),    {0, 0, 0, 0, 0, 0, 5, 15, 0xff}};
static const struct mode mode_f = {
    "Fh",
    0xa2,
    {1, 15, 0, 6},
    CR_350(0x0f, 0xe3),
    {0, 8, 0, 0, 0x18, 0x18, 0, 0, 0, 8, 0, 0, 0, 0x18, 0, 0, 0x0b, 0, 5, 0},
    {0, 0, 0, 0, 0, 0, 5, 5, 0xff}};
static const struct mode mode_10 = {"10h",         0xa3,
                                    {1, 15, 0, 6}, CR_350(0x0f, 0xe3),
                                    AR_16(1, 15),  {0, 0, 0, 0, 0, 0, 5, 15, 0xff}};
static const struct mode mode_11 = {"11h",
                                    0xe3,
                                    {1, 15, 0, 6},
                                    CR_480(0xc3),
                                    {0,    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
                                     0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
                                     0x3f, 0x3f, 0x01, 0,    1,    0},
                                    {0, 0, 0, 0, 0, 0, 5, 1, 0xff}};
static const struct mode mode_12 = {"12h",         0xe3,
                                    {1, 15, 0, 6}, CR_480(0xe3),
                                    AR_16(1, 15),  {0, 0, 0, 0, 0, 0, 5, 15, 0xff}};
static const struct mode mode_13 = {"13h",          0x63,
                                    {1, 15, 0, 14}, CR_640(0x41, 0x28, 0x40, 0xa3),
                                    AR_LOW(0x41),   {0, 0, 0, 0, 0, 0x40, 5, 15, 0xff}};

/* ---- ports ---- */

static inline void out_pair(struct card *c, uint16_t port, uint8_t index, uint8_t value)
{
    rig_out(&c->rig, port, index);
    rig_out(&c->rig, (uint16_t)(port + 1), value);
}

static inline uint8_t in_pair(struct card *c, uint16_t port, uint8_t index)
{
    rig_out(&c->rig, port, index);
    return rig_in(&c->rig, (uint16_t)(port + 1));
}

static inline uint16_t crtc_port(struct card *c)
{
    return rig_in(&c->rig, 0x3cc) & 1 ? 0x3d4 : 0x3b4;
}

static inline void sr(struct card *c, uint8_t index, uint8_t value)
{
    out_pair(c, 0x3c4, index, value);
}

static inline void gr(struct card *c, uint8_t index, uint8_t value)
{
    out_pair(c, 0x3ce, index, value);
}

static inline void cr(struct card *c, uint8_t index, uint8_t value)
{
    out_pair(c, crtc_port(c), index, value);
}

static inline uint8_t status_1(struct card *c)
{
    return rig_in(&c->rig, (uint16_t)(crtc_port(c) + 6));
}

/* With the palette away from the screen meanwhile. */
static inline void ar(struct card *c, uint8_t index, uint8_t value)
{
    status_1(c);
    rig_out(&c->rig, 0x3c0, index);
    rig_out(&c->rig, 0x3c0, value);
    rig_out(&c->rig, 0x3c0, 0x20);
}

static inline void dac(struct card *c, uint8_t index, uint8_t r, uint8_t g, uint8_t b)
{
    rig_out(&c->rig, 0x3c8, index);
    rig_out(&c->rig, 0x3c9, r);
    rig_out(&c->rig, 0x3c9, g);
    rig_out(&c->rig, 0x3c9, b);
}

static inline void vbe(struct card *c, uint16_t index, uint16_t value)
{
    (void)rig_io(&c->rig.ports, 0x1ce, 2, true, index);
    (void)rig_io(&c->rig.ports, 0x1cf, 2, true, value);
}

static inline uint16_t vbe_get(struct card *c, uint16_t index)
{
    (void)rig_io(&c->rig.ports, 0x1ce, 2, true, index);
    return (uint16_t)rig_io(&c->rig.ports, 0x1d0, 2, false, 0);
}

enum {
    ID,
    XRES,
    YRES,
    BPP,
    ENABLE,
    BANK,
    VIRT_WIDTH,
    VIRT_HEIGHT,
    X_OFFSET,
    Y_OFFSET,
    MEMORY
};
enum { ENABLED = 1, GETCAPS = 2, DAC_8 = 0x20, LFB = 0x40, NOCLEAR = 0x80 };

static inline void vbe_mode(struct card *c, unsigned x, unsigned y, unsigned bits)
{
    vbe(c, ENABLE, 0);
    vbe(c, XRES, (uint16_t)x);
    vbe(c, YRES, (uint16_t)y);
    vbe(c, BPP, (uint16_t)bits);
    vbe(c, ENABLE, ENABLED | LFB);
    status_1(c);
    rig_out(&c->rig, 0x3c0, 0x20);
}

static inline void set_mode(struct card *c, const struct mode *m)
{
    sr(c, 0, 1);
    rig_out(&c->rig, 0x3c2, m->misc);
    for (uint8_t i = 0; i < 4; i++)
        sr(c, (uint8_t)(i + 1), m->sr[i]);
    sr(c, 0, 3);
    cr(c, 0x11, 0);
    for (uint8_t i = 0; i < 25; i++)
        cr(c, i, m->cr[i]);
    status_1(c);
    for (uint8_t i = 0; i < 20; i++) {
        rig_out(&c->rig, 0x3c0, i);
        rig_out(&c->rig, 0x3c0, m->ar[i]);
    }
    rig_out(&c->rig, 0x3c0, 0x14);
    rig_out(&c->rig, 0x3c0, 0);
    rig_out(&c->rig, 0x3c0, 0x20);
    for (uint8_t i = 0; i < 9; i++)
        gr(c, i, m->gr[i]);
    rig_out(&c->rig, 0x3c6, 0xff);
}

/* ---- memory and pictures ---- */

static inline void poke(struct card *c, uint64_t address, unsigned size, uint64_t value)
{
    (void)rig_io(&c->rig.mmio, address, size, true, value);
}

static inline uint64_t peek(struct card *c, uint64_t address, unsigned size)
{
    return rig_io(&c->rig.mmio, address, size, false, 0);
}

/* The four maps at an address. */
static inline uint32_t maps(const struct card *c, uint32_t address)
{
    return load32(c->memory + (size_t)4 * address);
}

static inline uint64_t any(struct card *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return c->random;
}

static inline void draw_at(struct card *c, uint64_t now_ns)
{
    const struct screen *s = vga_screen(c->d);
    s->draw(s->owner, &c->p, now_ns);
}

static inline uint64_t version(struct card *c)
{
    const struct screen *s = vga_screen(c->d);
    return s->version(s->owner);
}

static inline uint32_t pixel(const struct card *c, unsigned x, unsigned y)
{
    assert_true(x < c->p.width && y < c->p.height);
    return c->p.pixel[(size_t)y * c->p.width + x];
}

/* A colour that tells every DAC entry from every other: 6 bits each. */
static inline uint32_t test_color(unsigned index)
{
    unsigned r = index & 63, g = index >> 2 & 63, b = index * 7 & 63;
    return (r << 2 | r >> 4) << 16 | (g << 2 | g >> 4) << 8 | (b << 2 | b >> 4);
}

static inline void test_colors(struct card *c)
{
    for (unsigned i = 0; i < 256; i++)
        dac(c, (uint8_t)i, i & 63, i >> 2 & 63, i * 7 & 63);
}

/* What the palette of mode m makes of a 4-bit colour. */
static inline uint32_t mode_color(const struct mode *m, unsigned color)
{
    return test_color(m->ar[color & m->ar[0x12] & 15]);
}

static inline void card_memory_moved(void *owner, uint64_t base)
{
    struct card *c = owner;
    c->memory_at = base;
    c->moves++;
}

static inline void card_rom_moved(void *owner, uint64_t base)
{
    ((struct card *)owner)->rom_at = base;
}

static inline void card_stored(void *owner, uint64_t offset, unsigned n)
{
    struct card *c = owner;
    assert_true(n && offset <= c->size && n <= c->size - offset);
    c->stores++;
    c->stored_from = offset;
    c->stored_to = offset + n;
}

/* With a monitor that prefers width x height; 0: none that says anything. */
static inline struct card *card_with(uint64_t size, unsigned width, unsigned height)
{
    struct card *c = calloc(1, sizeof *c);

    assert_non_null(c);
    rig_init(&c->rig, IPS);
    c->random = 88172645463325252ull;
    c->size = size;
    c->memory = calloc(1, size);
    c->p.pixel = malloc((size_t)SCREEN_WIDTH * SCREEN_HEIGHT * sizeof *c->p.pixel);
    assert_true(c->memory && c->p.pixel);
    c->d = rig_new(&c->rig, &vga_class);
    c->memory_at = c->rom_at = UINT64_MAX;
    vga_connect(c->d, &(struct vga_wiring){.owner = c,
                                           .memory = c->memory,
                                           .size = size,
                                           .memory_moved = card_memory_moved,
                                           .rom_moved = card_rom_moved,
                                           .rom_size = 0x8000,
                                           .stored = card_stored});
    assert_true(device_option(c->d, "monitor", width != 0, NULL));
    assert_true(device_option(c->d, "width", width, NULL));
    assert_true(device_option(c->d, "height", height, NULL));
    rig_start(c->d);
    c->pci = rig_add(&c->rig, &pci_class);
    assert_true(pci_plug(c->pci, 2, 0, vga_pci(c->d), NULL));
    return c;
}

static inline struct card *card_new(uint64_t size)
{
    return card_with(size, 1024, 768);
}

static inline void card_free(struct card *c)
{
    device_free(c->d);
    device_free(c->pci);
    rig_free(&c->rig);
    free(c->memory);
    free(c->p.pixel);
    free(c);
}

static inline void config(struct card *c, unsigned offset, uint32_t value)
{
    rig_out32(&c->rig, 0xcf8, 0x80001000u | (offset & 0xfc));
    rig_out32(&c->rig, 0xcfc, value);
}

static inline uint32_t config_get(struct card *c, unsigned offset)
{
    rig_out32(&c->rig, 0xcf8, 0x80001000u | (offset & 0xfc));
    return rig_in32(&c->rig, 0xcfc);
}

#endif
