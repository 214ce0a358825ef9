/* rom.c - option ROMs: of PCI functions, from fw_cfg, and what they bring to boot from.
 *
 * PCI Firmware Specification 3.0, 5.2 (a ROM may shrink); Plug and Play BIOS 1.0A,
 * chapter 3 (expansion header); BIOS Boot Specification 1.01 (BEV, BCV).
 */
#include "run.h"

enum { FIRST = 0xc000, END = 0xe000, BLOCK = 512, ALIGN_SEG = 0x80 }; /* 2 KiB */
enum { PAM1 = 0x5a };

/* post/roms.c: copies an image to where it shall run; its size in bytes, 0 for none. */
extern u8 rom_from_pci[], rom_from_fw_cfg[];

struct boot_vector boot_vectors[VECTORS_MAX];
u8 boot_vector_count;
static u16 next = FIRST;
static struct regs connection[VECTORS_MAX]; /* BCVs: called when all ROMs are there */
static u8 connections;

static bool sum_is_zero(u16 segment)
{
    u32 paragraphs = far8(segment, 2) * (BLOCK / 16u);
    u8 sum = 0;

    for (; paragraphs; paragraphs--, segment++)
        for (u32 n = 0; n < 16; n++)
            sum = (u8)(sum + far8(segment, n));
    return !sum;
}

static void copy_name(char *to, u32 room, u16 segment, u16 at)
{
    u32 n = 0;
    char c;

    while (at && n + 1 < room && (c = (char)far8(segment, at++)) >= ' ')
        to[n++] = c;
    to[n] = 0;
}

/* "$PnP" at word 1Ah. Of a header: 06 next, 10 product, 16 BCV, 1A BEV. */
static void read_headers(u16 segment, u16 bdf)
{
    u16 at = far16(segment, 0x1a);

    for (u32 hops = 0; at && hops < 8; hops++, at = far16(segment, at + 6u)) {
        u16 bcv, bev;
        if (far32(segment, at) != 0x506e5024)
            return;
        bcv = far16(segment, at + 0x16u);
        bev = far16(segment, at + 0x1au);
        if (bcv && connections < VECTORS_MAX) {
            connection[connections].cs = segment;
            connection[connections].ip = bcv;
            connection[connections++].ax = bdf;
        }
        if (bev && boot_vector_count < VECTORS_MAX) {
            struct boot_vector *v = &boot_vectors[boot_vector_count++];
            v->segment = segment;
            v->offset = bev;
            v->bdf = bdf;
            copy_name(v->name, sizeof v->name, segment, far16(segment, at + 0x10u));
            if (!v->name[0])
                copy_name(v->name, sizeof v->name, segment, far16(segment, at + 0x0eu));
        }
    }
}

static void call_rom(struct regs *r)
{
    r->es = CODE_SEG;
    r->di = PNP_STRUCTURE;
    r->bx = 0xffff;
    r->dx = 0xffff;
    r->flags = 2;
    call_far(r, false);
    irqs_off();
}

/* An image stands at `next`, size bytes of it. Runs it and keeps what it wants to keep.
 */
static bool run_rom(u32 size, u16 bdf)
{
    struct regs r = {0};
    u16 segment = next;
    u32 kept;

    if (!size || far16(segment, 0) != 0xaa55)
        return false;
    if (far8(segment, 2) * (u32)BLOCK > size || !sum_is_zero(segment)) {
        debug_say("option ROM of %x: its checksum is wrong\n", bdf);
        return false;
    }
    r.cs = segment;
    r.ip = 3;
    r.ax = bdf;
    call_rom(&r);
    kept = far8(segment, 2) * (u32)BLOCK;
    debug_say("option ROM of %x at %x: %u bytes, %u kept\n", bdf, segment, size, kept);
    if (!kept)
        return true; /* it has copied itself elsewhere, or does not want to stay */
    read_headers(segment, bdf);
    next = (u16)((segment + kept / 16 + ALIGN_SEG - 1) & ~(ALIGN_SEG - 1));
    return true;
}

/* Where to put it and how much room there is, for post/roms.c. */
static u32 place(u32 which)
{
    return which | (u32)next << 16;
}

bool roms_display(void)
{
    for (u16 n = 0; n < shared.rom_count; n++)
        if (shared.rom[n].display &&
            run_rom(call32((u32)rom_from_pci, place(shared.rom[n].bdf)),
                    shared.rom[n].bdf))
            return true;
    return false;
}

/* 82441FX, PAM1 to PAM4: two 16 KiB pieces each; what holds a ROM is read-only, the
 * rest is nobody's. */
static void protect(void)
{
    for (u16 n = 0; n < 8; n++) {
        u16 reg = (u16)(PAM1 + n / 2), from = (u16)(FIRST + n * 0x400);
        u8 v, shift = n & 1 ? 4 : 0;
        out32(0xcf8, 0x80000000 | (reg & 0xfcu));
        v = in8(0xcfc + (reg & 3));
        v = (u8)((v & ~(3 << shift)) | (from < next ? 1 << shift : 0));
        out8(0xcfc + (reg & 3), v);
    }
}

void roms_init(void)
{

    for (u16 n = 0; n < shared.rom_count; n++)
        if (!shared.rom[n].display)
            run_rom(call32((u32)rom_from_pci, place(shared.rom[n].bdf)),
                    shared.rom[n].bdf);
    for (u16 n = 0; n < 32; n++) {
        u32 size = call32((u32)rom_from_fw_cfg, place(n));
        if (size == 0xffffffff)
            break;
        run_rom(size, 0);
    }
    for (u8 n = 0; n < connections; n++)
        call_rom(&connection[n]);
    protect();
}
