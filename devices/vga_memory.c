/* vga_memory.c - the window A0000h-BFFFFh: how the CPU reads and writes video memory.
 *
 * IBM VGA/XGA Technical Reference, graphics controller and sequencer; FreeVGA,
 * "Accessing the VGA Display Memory". The four maps are handled at once, as the bytes
 * of a word.
 */
#include "devices/vga_card.h"

/* Bit n of x to all bits of byte n. */
static uint32_t expand(uint8_t x)
{
    return ((x & 15u) * 0x00204081u & 0x01010101u) * 0xffu;
}

static uint32_t repeat(uint8_t x)
{
    return x * 0x01010101u;
}

/* GR6 3:2, memory map select: false when the card does not answer at this offset from
 * A0000h; else *at is the offset in the map. */
static bool in_map(const struct vga *v, uint32_t offset, uint32_t *at)
{
    static const struct {
        uint32_t base, size;
    } map[4] = {
        {0x00000, 0x20000}, {0x00000, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    unsigned n = v->gr[GR_MISCELLANEOUS] >> 2 & 3;

    *at = offset - map[n].base;
    return *at < map[n].size && (v->misc & MISC_RAM) && v->subsystem;
}

static uint64_t linear_address(const struct vga *v, uint32_t at)
{
    return ((uint64_t)v->vbe[VBE_BANK] << 16) + at;
}

/* The map address behind an offset in the window. In the chained modes the low bits
 * choose the map, and higher ones take their place in the map address: chain-4 uses
 * every fourth address of each map, which is what the CRT controller's doubleword mode
 * shows. */
static uint64_t map_address(const struct vga *v, uint32_t at, bool odd_even)
{
    bool whole = !(v->gr[GR_MISCELLANEOUS] & 0xc); /* 128 KiB: A16 is there */

    if (v->sr[SR_MEMORY_MODE] & SR4_CHAIN_4)
        at = (at & 0xfffc) | (at >> 16 & 3);
    else if (odd_even && (v->gr[GR_MISCELLANEOUS] & GR6_CHAIN_ODD_EVEN))
        /* Every BIOS sets the page bit for the page that starts at address 0. */
        at = (at & ~1u) | (whole ? at >> 16 & 1 : !(v->misc & MISC_PAGE));
    if (vga_vbe_on(v))
        return (uint64_t)v->vbe[VBE_BANK] << 16 | (at & 0xffff);
    return at & 0xffff; /* 256 KiB */
}

/* ---- reading ---- */

static uint8_t read_byte(struct vga *v, uint32_t at)
{
    bool chain_4 = v->sr[SR_MEMORY_MODE] & SR4_CHAIN_4;
    bool odd_even = v->gr[GR_MODE] & GR5_ODD_EVEN;
    unsigned map = v->gr[GR_READ_MAP] & 3;
    uint32_t differs;

    v->latch = load32(vga_unit(v, map_address(v, at, odd_even)));
    if (v->gr[GR_MODE] & GR5_READ_MODE_1) {
        differs = (v->latch ^ expand(v->gr[GR_COLOR_COMPARE])) &
                  expand(v->gr[GR_COLOR_DONT_CARE]);
        differs |= differs >> 16;
        return (uint8_t) ~(differs | differs >> 8);
    }
    if (chain_4)
        map = at & 3;
    else if (odd_even)
        map = (map & 2) | (at & 1);
    return (uint8_t)(v->latch >> 8 * map);
}

/* ---- writing ---- */

static void changed(struct vga *v, const uint8_t *unit, unsigned n)
{
    v->changes++;
    if (v->wiring.stored)
        v->wiring.stored(v->wiring.owner, (uint64_t)(unit - v->wiring.memory), n);
}

/* The graphics controller's and sequencer's registers as a write needs them, widened to
 * the four maps. */
struct writing {
    unsigned mode, function, turn;
    uint32_t set, enabled, mask;
    uint32_t maps;
};

static struct writing find_writing(const struct vga *v)
{
    return (struct writing){.mode = v->gr[GR_MODE] & GR5_WRITE_MODE,
                            .function = v->gr[GR_ROTATE] >> 3 & 3,
                            .turn = v->gr[GR_ROTATE] & 7,
                            .set = expand(v->gr[GR_SET_RESET]),
                            .enabled = expand(v->gr[GR_ENABLE_SET_RESET]),
                            .mask = repeat(v->gr[GR_BIT_MASK]),
                            .maps = expand(v->sr[SR_MAP_MASK] & 15)};
}

static inline uint32_t rotated(const struct writing *w, uint8_t value)
{
    return repeat((uint8_t)(value >> w->turn | value << (8 - w->turn)));
}

/* What the graphics controller makes of a byte: four bytes, one for each map. */
static inline uint32_t compose(const struct writing *w, uint8_t value, uint32_t latch)
{
    uint32_t mask = w->mask, data;

    switch (w->mode) {
    case 0: data = (rotated(w, value) & ~w->enabled) | (w->set & w->enabled); break;
    case 1: return latch;
    case 2: data = expand(value); break;
    default:
        mask &= rotated(w, value);
        data = w->set;
        break;
    }
    switch (w->function) {
    case 1: data &= latch; break;
    case 2: data |= latch; break;
    case 3: data ^= latch; break;
    default: break;
    }
    return (data & mask) | (latch & ~mask);
}

static inline void write_unit(uint8_t *unit, uint32_t data, uint32_t maps)
{
    store32(unit, (data & maps) | (load32(unit) & ~maps));
}

static void write_byte(struct vga *v, const struct writing *w, uint32_t at,
                       uint8_t value)
{
    bool chain_4 = v->sr[SR_MEMORY_MODE] & SR4_CHAIN_4;
    bool odd_even = !(v->sr[SR_MEMORY_MODE] & SR4_SEQUENTIAL);
    uint32_t maps = w->maps;
    uint8_t *unit;

    if (chain_4)
        maps &= 0xffu << 8 * (at & 3);
    else if (odd_even)
        maps &= at & 1 ? 0xff00ff00 : 0x00ff00ff;
    if (!maps)
        return;
    unit = vga_unit(v, map_address(v, at, odd_even));
    write_unit(unit, compose(w, value, v->latch), maps);
    changed(v, unit, 4);
}

/* In the state that mode 13h leaves, four bytes are four bytes. */
static bool plain_chain_4(const struct vga *v)
{
    return (v->sr[SR_MEMORY_MODE] & SR4_CHAIN_4) && (v->sr[SR_MAP_MASK] & 15) == 15 &&
           !(v->gr[GR_MODE] & GR5_WRITE_MODE) && !(v->gr[GR_ROTATE] & 0x1f) &&
           !(v->gr[GR_ENABLE_SET_RESET] & 15) && v->gr[GR_BIT_MASK] == 0xff;
}

/* Bytes that follow one another do so in all maps. */
static bool side_by_side(const struct vga *v, uint32_t at, unsigned size)
{
    return (v->sr[SR_MEMORY_MODE] & (SR4_CHAIN_4 | SR4_SEQUENTIAL)) == SR4_SEQUENTIAL &&
           (at & 0xffff) + size <= 0x10000;
}

/* `size` bytes to units that follow one another. What most programs do, write mode 0
 * without a latch in it, is said to the compiler. */
static void write_units(uint8_t *unit, const struct writing *w, uint32_t latch,
                        uint64_t value, unsigned size)
{
    bool no_latch = w->mode == 0 && w->function == 0 && w->mask == ~0u;
    uint32_t set = w->set & w->enabled, from_cpu = ~w->enabled;

    for (unsigned i = 0; i < size; i++, unit += 4, value >>= 8) {
        uint32_t data = no_latch ? (rotated(w, (uint8_t)value) & from_cpu) | set
                                 : compose(w, (uint8_t)value, latch);
        write_unit(unit, data, w->maps);
    }
}

static void write_planar(struct vga *v, uint32_t at, unsigned size, uint64_t value)
{
    struct writing w = find_writing(v);
    uint8_t *unit;

    if (side_by_side(v, at, size)) {
        unit = vga_unit(v, map_address(v, at, false));
        write_units(unit, &w, v->latch, value, size);
        if (w.maps)
            changed(v, unit, 4 * size);
    } else if (size >= 4 && at % 4 == 0 && plain_chain_4(v)) {
        for (unsigned i = 0; i < size; i += 4) {
            unit = vga_unit(v, map_address(v, at + i, false));
            store32(unit, (uint32_t)(value >> 8 * i));
            changed(v, unit, 4);
        }
    } else {
        for (unsigned i = 0; i < size; i++)
            write_byte(v, &w, at + i, (uint8_t)(value >> 8 * i));
    }
}

/* ---- the region ---- */

/* An access that ends outside the map, or around the end of memory, goes byte by byte.
 */
static bool straight(const struct vga *v, const struct io *io, uint32_t *at)
{
    uint32_t last;

    return in_map(v, io->offset, at) && in_map(v, io->offset + io->size - 1, &last) &&
           last == *at + io->size - 1;
}

static uint8_t *linear(const struct vga *v, uint32_t at, unsigned size)
{
    uint64_t offset = linear_address(v, at) & (v->wiring.size - 1);

    return size <= v->wiring.size - offset ? v->wiring.memory + offset : NULL;
}

/* Reading loads the latches, but not where pixels lie in a row. */
enum io_status vga_window_peek(const void *dev, struct io *io)
{
    const struct vga *v = dev;
    const uint8_t *from;
    uint32_t at;

    if (io->write || !vga_linear(v) || !straight(v, io, &at))
        return IO_DEFER;
    from = linear(v, at, io->size);
    if (!from)
        return IO_DEFER;
    io->value = load_le(from, io->size);
    return IO_DONE;
}

static enum io_status one_byte(struct vga *v, struct io *io)
{
    uint8_t *byte;
    uint32_t at;

    if (!in_map(v, io->offset, &at))
        return IO_NONE;
    if (!vga_linear(v)) {
        if (io->write)
            write_planar(v, at, 1, io->value);
        else
            io->value = read_byte(v, at);
        return IO_DONE;
    }
    byte = linear(v, at, 1);
    if (!io->write) {
        io->value = *byte;
        return IO_DONE;
    }
    *byte = (uint8_t)io->value;
    changed(v, byte, 1);
    return IO_DONE;
}

static enum io_status by_bytes(struct vga *v, struct io *io)
{
    enum io_status any = IO_NONE;
    uint64_t value = 0;

    for (unsigned i = 0; i < io->size; i++) {
        struct io part = {.offset = io->offset + i,
                          .size = 1,
                          .write = io->write,
                          .value = io->value >> 8 * i};
        if (one_byte(v, &part) == IO_DONE)
            any = IO_DONE;
        else
            part.value = 0xff;
        value |= (part.value & 0xff) << 8 * i;
    }
    if (!io->write)
        io->value = value;
    return any;
}

enum io_status vga_window(void *dev, struct io *io)
{
    struct vga *v = dev;
    uint8_t *bytes;
    uint32_t at;

    if (!straight(v, io, &at))
        return by_bytes(v, io);
    if (vga_linear(v)) {
        bytes = linear(v, at, io->size);
        if (!bytes)
            return by_bytes(v, io);
        if (!io->write) {
            io->value = load_le(bytes, io->size);
            return IO_DONE;
        }
        store_le(bytes, io->size, io->value);
        changed(v, bytes, io->size);
        return IO_DONE;
    }
    if (!io->write)
        return by_bytes(v, io);
    write_planar(v, at, io->size, io->value);
    return IO_DONE;
}
