/* vga_edid.c - what the monitor says of itself: VESA E-EDID 1.3, one block. */
#include "devices/vga_card.h"

enum { HBLANK = 160, HFRONT = 48, HSYNC = 32, VFRONT = 3, VSYNC = 4, HZ = 60 };

/* Detailed timing, table 3.21: reduced blanking, as flat monitors have. */
static void detailed_timing(uint8_t *d, unsigned width, unsigned height)
{
    unsigned vblank = height * 3 / 100 + 8;
    unsigned clock = (width + HBLANK) * (height + vblank) * HZ / 10000; /* 10 kHz */
    unsigned wide_mm = width * 254 / 960, high_mm = height * 254 / 960; /* 96 dpi */

    store16(d, (uint16_t)clock);
    d[2] = (uint8_t)width;
    d[3] = HBLANK;
    d[4] = (uint8_t)(width >> 8 << 4);
    d[5] = (uint8_t)height;
    d[6] = (uint8_t)vblank;
    d[7] = (uint8_t)(height >> 8 << 4);
    d[8] = HFRONT;
    d[9] = HSYNC;
    d[10] = VFRONT << 4 | VSYNC;
    d[12] = (uint8_t)wide_mm;
    d[13] = (uint8_t)high_mm;
    d[14] = (uint8_t)(wide_mm >> 8 << 4 | high_mm >> 8);
    d[17] = 0x1a; /* separate syncs, horizontal positive */
}

static void descriptor(uint8_t *d, uint8_t tag)
{
    memset(d, 0, 18);
    d[3] = tag;
}

void vga_edid(uint8_t block[EDID_SIZE], unsigned width, unsigned height)
{
    static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    /* Of sRGB, IEC 61966-2-1, in tenths of bits (3.7). */
    static const uint8_t colors[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c,
                                       0x99, 0x26, 0x0f, 0x50, 0x54};
    /* 1280x1024, 1280x960, 1440x900, 1680x1050, 1600x1200, 1920x1080, 1920x1200 at 60
     * Hz; 1152x864 at 75 Hz. Table 3.15: width / 8 - 31, aspect ratio and rate - 60. */
    static const uint8_t standard[16] = {0x81, 0x80, 0x81, 0x40, 0x95, 0x00,
                                         0xb3, 0x00, 0xa9, 0x40, 0xd1, 0xc0,
                                         0xd1, 0x00, 0x71, 0x4f};
    uint8_t *name = block + 90, *limits = block + 72, *none = block + 108, sum = 0;

    width = width < 320 ? 320 : width & ~7u;
    height = height < 200 ? 200 : height;
    memset(block, 0, EDID_SIZE);
    memcpy(block, header, sizeof header);
    block[8] = 13 << 2 | 14 >> 3; /* "MNR": five bits a letter */
    block[9] = (14 & 7) << 5 | 18;
    store16(block + 10, 1);
    block[16] = 1;  /* week */
    block[17] = 36; /* 2026 */
    block[18] = 1;  /* version 1.3 */
    block[19] = 3;
    block[20] = 0x80; /* digital */
    block[21] = (uint8_t)(width * 254 / 9600);
    block[22] = (uint8_t)(height * 254 / 9600);
    block[23] = 120;  /* gamma 2.2 */
    block[24] = 0x0e; /* RGB, sRGB is standard, the first timing is preferred */
    memcpy(block + 25, colors, sizeof colors);
    block[35] = 0xa1; /* 720x400 at 70 Hz, 640x480 and 800x600 at 60 Hz */
    block[36] = 0x08; /* 1024x768 at 60 Hz */
    memcpy(block + 38, standard, sizeof standard);
    detailed_timing(block + 54, width, height);
    descriptor(limits, 0xfd);
    limits[5] = 50; /* Hz, vertical */
    limits[6] = 75;
    limits[7] = 30; /* kHz, horizontal */
    limits[8] = 120;
    limits[9] = 60; /* 600 MHz of dots */
    limits[10] = 0;
    memcpy(limits + 11, "\n      ", 7);
    descriptor(name, 0xfc);
    memcpy(name + 5, "Menura\n      ", 13);
    descriptor(none, 0x10);
    for (unsigned i = 0; i < EDID_SIZE - 1; i++)
        sum = (uint8_t)(sum + block[i]);
    block[EDID_SIZE - 1] = (uint8_t)-sum;
}
