/* vga.c - a VGA with the Bochs VBE registers on PCI (1234:1111): ports, DAC, BARs.
 *
 * Sources: IBM VGA/XGA Technical Reference (1992); FreeVGA; Bochs VBE interface; QEMU
 * "Standard VGA" specification (BAR 2: EDID at 0, VGA ports at 400h, VBE registers at
 * 500h, byte order at 604h). As on that card, ports and window A0000h answer whatever
 * the PCI command register holds: software that starts without a PCI BIOS counts on it.
 *
 * Not there: the light pen, the shift registers' 16- and 32-bit loads (SR1 bits 2 and
 * 4), the border, and an interrupt line (the pending bit of 3C2h is there).
 */
#include "devices/vga_card.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

/* Regions, in table order. */
enum { REGION_WINDOW, REGION_VBE, REGION_MONO, REGION_VGA, REGION_COLOR, REGION_MMIO };

enum {
    PORT_CR_INDEX_MONO = 0x3b4,
    PORT_CR_MONO,
    PORT_STATUS_MONO = 0x3ba,
    PORT_AR = 0x3c0,
    PORT_AR_READ,
    PORT_MISC_WRITE,
    PORT_SUBSYSTEM,
    PORT_SR_INDEX,
    PORT_SR,
    PORT_DAC_MASK,
    PORT_DAC_READ,
    PORT_DAC_WRITE,
    PORT_DAC,
    PORT_FEATURE,
    PORT_MISC = 0x3cc,
    PORT_GR_INDEX = 0x3ce,
    PORT_GR,
    PORT_CR_INDEX = 0x3d4,
    PORT_CR,
    PORT_STATUS = 0x3da,
};

/* BAR 2. */
enum {
    MMIO_SIZE = 0x1000,
    MMIO_PORTS = 0x400,
    MMIO_PORTS_END = 0x420,
    MMIO_VBE = 0x500,
    MMIO_VBE_END = MMIO_VBE + 2 * VBES,
    MMIO_EXTENDED = 0x600, /* its size in bytes, then the byte order */
    MMIO_ORDER = 0x604,
    MMIO_EXTENDED_END = 0x608,
};
#define ORDER_LITTLE 0x1e1e1e1eu
#define ORDER_BIG 0xbebebebeu

/* ---- interrupt pending, 3C2h bit 7 ---- */

static bool pending(const struct vga *v)
{
    return (v->cr[CR_VRETRACE_END] & CR11_ARM) &&
           (v->retraced || vga_retraces(v) > v->retraces);
}

/* Before and after a register that changes the timing or clears the interrupt. */
static void catch_up(struct vga *v)
{
    v->retraced = pending(v);
}

static void mark(struct vga *v)
{
    v->retraces = vga_retraces(v);
    if (!(v->cr[CR_VRETRACE_END] & CR11_ARM))
        v->retraced = false;
}

/* ---- the colours ---- */

/* Kept left-justified, as in a DAC of 8 bits that is used with 6. */
static unsigned dac_shift(const struct vga *v)
{
    return v->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? 0 : 2;
}

static void dac_put(struct vga *v, uint8_t value)
{
    uint8_t *color = v->dac + 3u * v->dac_write,
            part = (uint8_t)(value << dac_shift(v));

    if (v->dac_part < 2) {
        v->dac_kept[v->dac_part++] = part;
        return;
    }
    color[0] = v->dac_kept[0];
    color[1] = v->dac_kept[1];
    color[2] = part;
    v->dac_part = 0;
    v->dac_write++;
    v->changes++;
}

static uint8_t dac_get(struct vga *v)
{
    uint8_t value = (uint8_t)(v->dac[3u * v->dac_read + v->dac_part] >> dac_shift(v));

    if (++v->dac_part == 3) {
        v->dac_part = 0;
        v->dac_read++;
    }
    return value;
}

/* Bit 4 of 3C2h: the comparator that BIOSes use to find out whether a monitor, here a
 * colour one, loads the outputs. */
static bool sense(const struct vga *v)
{
    return (v->dac[0] >> 2) + (v->dac[1] >> 2) + (v->dac[2] >> 2) < 0x4e;
}

/* ---- ports ---- */

/* Mono or colour addresses for the CRT controller and status 1: one set answers. */
static bool answers(const struct vga *v, unsigned port)
{
    if (!v->subsystem)
        return port == PORT_SUBSYSTEM;
    if (port < PORT_AR)
        return !(v->misc & MISC_COLOR);
    return port < PORT_CR_INDEX || (v->misc & MISC_COLOR);
}

/* 3Bxh as 3Dxh. */
static unsigned color_port(unsigned port)
{
    return port < PORT_AR ? port + 0x20 : port;
}

/* What reads without changing anything. */
static enum io_status peek_port(const struct vga *v, unsigned port, uint8_t *value)
{
    if (!answers(v, port))
        return IO_NONE;
    switch (color_port(port)) {
    case PORT_AR: *value = v->ar_index; break;
    case PORT_AR_READ:
        *value = (v->ar_index & 31) < ARS ? v->ar[v->ar_index & 31] : 0;
        break;
    case PORT_MISC_WRITE: *value = (uint8_t)(pending(v) << 7 | sense(v) << 4); break;
    case PORT_SUBSYSTEM: *value = v->subsystem; break;
    case PORT_SR_INDEX: *value = v->sr_index; break;
    case PORT_SR: *value = v->sr_index < SRS ? v->sr[v->sr_index] : 0; break;
    case PORT_DAC_MASK: *value = v->dac_mask; break;
    case PORT_DAC_READ: *value = v->dac_mode; break;
    case PORT_DAC_WRITE: *value = v->dac_write; break;
    case PORT_FEATURE: *value = v->feature; break;
    case PORT_MISC: *value = v->misc; break;
    case PORT_GR_INDEX: *value = v->gr_index; break;
    case PORT_GR: *value = v->gr_index < GRS ? v->gr[v->gr_index] : 0; break;
    case PORT_CR_INDEX: *value = v->cr_index; break;
    case PORT_CR: *value = v->cr_index < CRS ? v->cr[v->cr_index] : 0; break;
    case PORT_STATUS:
        if (v->ar_data)
            return IO_DEFER;
        *value = vga_status_1(v);
        break;
    case PORT_DAC: return IO_DEFER;
    default: return IO_NONE;
    }
    return IO_DONE;
}

static enum io_status read_port(struct vga *v, unsigned port, uint8_t *value)
{
    enum io_status status = peek_port(v, port, value);

    if (status != IO_DEFER)
        return status;
    if (color_port(port) == PORT_STATUS) {
        v->ar_data = false;
        *value = vga_status_1(v);
    } else {
        *value = dac_get(v);
    }
    return IO_DONE;
}

static void write_sr(struct vga *v, uint8_t value)
{
    static const uint8_t kept[SRS] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};

    if (v->sr_index >= SRS)
        return;
    catch_up(v);
    v->sr[v->sr_index] = value & kept[v->sr_index];
    mark(v);
    if (v->sr[SR_CLOCKING] & (SR1_SHIFT_LOAD | SR1_SHIFT_4))
        log_unimplemented(v->self->bus->log, "vga", &v->said_shift,
                          "shift registers loaded every second or fourth character");
}

static void write_gr(struct vga *v, uint8_t value)
{
    static const uint8_t kept[GRS] = {0xf, 0xf, 0xf, 0x1f, 3, 0x7b, 0xf, 0xf, 0xff};

    if (v->gr_index < GRS)
        v->gr[v->gr_index] = value & kept[v->gr_index];
}

/* Bit 7 of CR11 protects CR0 to CR7, but for the line compare bit in CR7. */
static void write_cr(struct vga *v, uint8_t value)
{
    enum { LINE_COMPARE_8 = 1 << 4 };
    unsigned n = v->cr_index;

    if (n >= CRS)
        return;
    if (n <= CR_OVERFLOW && (v->cr[CR_VRETRACE_END] & CR11_LOCK)) {
        if (n != CR_OVERFLOW)
            return;
        value = (uint8_t)((v->cr[n] & ~LINE_COMPARE_8) | (value & LINE_COMPARE_8));
    }
    catch_up(v);
    v->cr[n] = value;
    mark(v);
}

static void write_ar(struct vga *v, uint8_t value)
{
    unsigned n = v->ar_index & 31;

    v->ar_data = !v->ar_data;
    if (v->ar_data) {
        v->ar_index = value & 0x3f;
        return;
    }
    /* While the palette feeds the screen it cannot be written. */
    if (n < AR_MODE && !(v->ar_index & AR_SOURCE))
        v->ar[n] = value & 0x3f;
    else if (n == AR_MODE)
        v->ar[n] = value & 0xef;
    else if (n == AR_OVERSCAN)
        v->ar[n] = value;
    else if (n == AR_PLANES)
        v->ar[n] = value & 0x3f;
    else if (n == AR_PANNING || n == AR_COLOR_SELECT)
        v->ar[n] = value & 0x0f;
}

static enum io_status write_port(struct vga *v, unsigned port, uint8_t value)
{
    if (!answers(v, port))
        return IO_NONE;
    port = color_port(port);
    if (port != PORT_DAC)
        v->changes++;
    switch (port) {
    case PORT_AR:
    case PORT_AR_READ: write_ar(v, value); break;
    case PORT_MISC_WRITE:
        catch_up(v);
        v->misc = value;
        mark(v);
        break;
    case PORT_SUBSYSTEM: v->subsystem = value & 1; break;
    case PORT_SR_INDEX: v->sr_index = value & 7; break;
    case PORT_SR: write_sr(v, value); break;
    case PORT_DAC_MASK: v->dac_mask = value; break;
    case PORT_DAC_READ:
        v->dac_read = value;
        v->dac_mode = DAC_READ;
        v->dac_part = 0;
        break;
    case PORT_DAC_WRITE:
        v->dac_write = value;
        v->dac_mode = DAC_WRITE;
        v->dac_part = 0;
        break;
    case PORT_DAC: dac_put(v, value); break;
    case PORT_GR_INDEX: v->gr_index = value & 15; break;
    case PORT_GR: write_gr(v, value); break;
    case PORT_CR_INDEX: v->cr_index = value & 0x3f; break;
    case PORT_CR: write_cr(v, value); break;
    case PORT_STATUS: v->feature = value; break;
    default: return IO_NONE;
    }
    return IO_DONE;
}

static enum io_status peek_ports(const void *dev, struct io *io)
{
    uint8_t value;
    enum io_status status;

    if (io->write)
        return IO_DEFER;
    status = peek_port(dev, (unsigned)io->address, &value);
    if (status == IO_DONE)
        io->value = value;
    return status;
}

static enum io_status access_ports(void *dev, struct io *io)
{
    uint8_t value;
    enum io_status status;

    if (io->write)
        return write_port(dev, (unsigned)io->address, (uint8_t)io->value);
    status = read_port(dev, (unsigned)io->address, &value);
    if (status == IO_DONE)
        io->value = value;
    return status;
}

/* ---- 1CEh index, 1CFh and 1D0h data; 16 bits, and bytes for what is asked that way
 * ---- */

static enum io_status peek_vbe(const void *dev, struct io *io)
{
    const struct vga *v = dev;
    uint16_t value = io->offset ? vga_vbe_read(v, v->vbe_index) : v->vbe_index;

    if (io->write)
        return IO_DEFER;
    io->value = io->offset == 3 ? value >> 8 : value;
    return IO_DONE;
}

static void write_vbe(struct vga *v, unsigned index, uint16_t value)
{
    catch_up(v);
    vga_vbe_write(v, index, value);
    mark(v);
}

static enum io_status access_vbe(void *dev, struct io *io)
{
    struct vga *v = dev;
    uint16_t value = (uint16_t)io->value, was;

    if (!io->write)
        return peek_vbe(dev, io);
    if (io->offset == 0) {
        v->vbe_index = value;
        return IO_DONE;
    }
    was = vga_vbe_read(v, v->vbe_index);
    if (io->size == 1 && io->offset == 3)
        value = (uint16_t)((was & 0xff) | value << 8);
    else if (io->size == 1)
        value = (uint16_t)((was & 0xff00) | (value & 0xff));
    write_vbe(v, v->vbe_index, value);
    return IO_DONE;
}

/* ---- BAR 2 ---- */

static bool inside(const struct io *io, uint32_t from, uint32_t to)
{
    return io->offset >= from && io->offset + io->size <= to;
}

static uint32_t extended(const struct vga *v, uint32_t offset)
{
    if (offset < MMIO_ORDER)
        return MMIO_EXTENDED_END - MMIO_EXTENDED;
    return v->big_endian ? ORDER_BIG : ORDER_LITTLE;
}

static enum io_status peek_mmio(const void *dev, struct io *io)
{
    const struct vga *v = dev;

    if (io->write)
        return IO_DEFER;
    io->value = 0;
    for (unsigned i = 0; i < io->size; i++) {
        uint32_t at = io->offset + i;
        uint8_t byte = 0;

        if (at < EDID_SIZE) {
            byte = v->edid[at];
        } else if (at >= MMIO_PORTS && at < MMIO_PORTS_END) {
            enum io_status status = peek_port(v, PORT_AR + at - MMIO_PORTS, &byte);
            if (status == IO_DEFER)
                return status;
            if (status == IO_NONE)
                byte = 0xff;
        } else if (at >= MMIO_VBE && at < MMIO_VBE_END) {
            byte = (uint8_t)(vga_vbe_read(v, (at - MMIO_VBE) / 2) >> 8 * (at & 1));
        } else if (at >= MMIO_EXTENDED && at < MMIO_EXTENDED_END) {
            byte = (uint8_t)(extended(v, at) >> 8 * (at & 3));
        }
        io->value |= (uint64_t)byte << 8 * i;
    }
    return IO_DONE;
}

static void write_mmio(struct vga *v, const struct io *io)
{
    for (unsigned i = 0; i < io->size; i++)
        if (io->offset + i >= MMIO_PORTS && io->offset + i < MMIO_PORTS_END)
            write_port(v, PORT_AR + io->offset + i - MMIO_PORTS,
                       (uint8_t)(io->value >> 8 * i));
    if (inside(io, MMIO_VBE, MMIO_VBE_END) && io->offset % 2 == 0)
        for (unsigned i = 0; i + 2 <= io->size; i += 2)
            write_vbe(v, (io->offset + i - MMIO_VBE) / 2,
                      (uint16_t)(io->value >> 8 * i));
    if (io->offset == MMIO_ORDER && io->size == 4) {
        if ((uint32_t)io->value == ORDER_BIG)
            v->big_endian = true;
        else if ((uint32_t)io->value == ORDER_LITTLE)
            v->big_endian = false;
        v->changes++;
    }
}

static enum io_status access_mmio(void *dev, struct io *io)
{
    struct vga *v = dev;

    if (io->write) {
        write_mmio(v, io);
        return IO_DONE;
    }
    if (peek_mmio(v, io) == IO_DONE)
        return IO_DONE;
    io->value = 0;
    for (unsigned i = 0; i < io->size; i++) {
        struct io part = {.offset = io->offset + i, .size = 1};
        uint8_t byte;

        if (peek_mmio(v, &part) == IO_DEFER &&
            read_port(v, PORT_AR + part.offset - MMIO_PORTS, &byte) == IO_DONE)
            part.value = byte;
        io->value |= (part.value & 0xff) << 8 * i;
    }
    return IO_DONE;
}

/* ---- life ---- */

static void bar_moved(void *owner, unsigned bar, uint64_t base)
{
    struct vga *v = owner;

    v->changes++;
    if (bar == PCI_ROM && v->wiring.rom_moved)
        v->wiring.rom_moved(v->wiring.owner, base);
    else if (bar == 0 && v->wiring.memory_moved)
        v->wiring.memory_moved(v->wiring.owner, base);
}

static bool wired_well(const struct vga_wiring *w)
{
    bool power = w->size && !(w->size & (w->size - 1));
    return w->memory && power && w->size >= 256 << 10 && w->size <= 64 << 20;
}

static bool init(void *dev, struct device *self, struct error *e)
{
    static const struct pci_identity identity = {.vendor = 0x1234,
                                                 .device = 0x1111,
                                                 .revision = 2, /* 600h is there */
                                                 .class_code = 0x030000,
                                                 .subsystem_vendor = 0x1234,
                                                 .subsystem = 0x1111};
    struct vga *v = dev;

    v->self = self;
    if (!wired_well(&v->wiring))
        return error_set(e, "%s: video memory is a power of two from 256 KiB to 64 MiB",
                         self->name);
    v->shadow = calloc(1, sizeof *v->shadow);
    if (v->shadow)
        v->shadow->bytes = calloc(1, v->wiring.size);
    if (!v->shadow || !v->shadow->bytes)
        return error_set(e, "the host has no memory for %s", self->name);
    v->screen = vga_screen_functions;
    v->screen.owner = v;
    if (v->monitor)
        vga_edid(v->edid, v->width, v->height);
    pci_function_init(&v->pci, self, v, &identity);
    v->pci.bar_moved = bar_moved;
    pci_bar(&v->pci, 0, PCI_BAR_MEMORY | PCI_BAR_PREFETCH, v->wiring.size,
            PCI_NO_REGION);
    pci_bar(&v->pci, 2, PCI_BAR_MEMORY, 0, REGION_MMIO);
    if (v->wiring.rom_size)
        pci_bar(&v->pci, PCI_ROM, PCI_BAR_MEMORY, v->wiring.rom_size, PCI_NO_REGION);
    return true;
}

static void reset(void *dev)
{
    struct vga *v = dev;

    pci_function_reset(&v->pci);
    vga_vbe_reset(v);
}

static void drive(void *dev)
{
    struct vga *v = dev;

    v->changes++;
    pci_function_drive(&v->pci);
}

static void release(void *dev)
{
    struct vga *v = dev;

    if (v->shadow)
        free(v->shadow->bytes);
    free(v->shadow);
}

static void info(const void *dev, char *text, size_t room)
{
    const struct vga *v = dev;
    char what[80], where[40] = "not mapped";

    vga_describe(v, what, sizeof what);
    if (v->pci.bar[0].base != UINT64_MAX)
        snprintf(where, sizeof where, "at %llxh",
                 (unsigned long long)v->pci.bar[0].base);
    snprintf(text, room, "%s; %llu KiB of video memory, linear frame buffer %s", what,
             (unsigned long long)(v->wiring.size >> 10), where);
}

void vga_connect(struct device *d, const struct vga_wiring *w)
{
    ((struct vga *)d->state)->wiring = *w;
}

struct pci_function *vga_pci(struct device *d)
{
    return &((struct vga *)d->state)->pci;
}

const struct screen *vga_screen(const struct device *d)
{
    return &((const struct vga *)d->state)->screen;
}

const struct device_class vga_class = {
    .name = "vga",
    .title = "Standard VGA",
    .size = sizeof(struct vga),
    .fields = (const struct field[]){VGA_STATE(STATE_FIELD, vga) FIELD_SUBLIST(
        vga, struct pci_function, pci, 1, pci_function_fields){0}},
    .regions =
        (const struct region[]){
            {"vga_window", 0xa0000, 0x20000, vga_window_peek, vga_window, .max_size = 8,
             .mmio = true},
            {"vbe", 0x1ce, 4, peek_vbe, access_vbe, .max_size = 2},
            {"vga_mono", 0x3b4, 8, peek_ports, access_ports},
            {"vga", 0x3c0, 16, peek_ports, access_ports},
            {"vga_color", 0x3d4, 8, peek_ports, access_ports},
            {"vga_mmio", 0, MMIO_SIZE, peek_mmio, access_mmio, .max_size = 4,
             .mmio = true, .unmapped = true},
            {0},
        },
    .options =
        (const struct option[]){
            OPTION(vga, width, 1024, SCREEN_WIDTH, "preferred by the monitor, pixels"),
            OPTION(vga, height, 768, SCREEN_HEIGHT, "preferred by the monitor, lines"),
            OPTION(vga, monitor, 1, 1, "there is one that says so (EDID)"),
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
    .free = release,
    .info = info,
};
