/* board_video.c - the standard VGA in PCI slot 2, its memory and its BIOS. */
#include "machine/board.h"

#include "base/error.h"
#include "devices/vga.h"
#include "host/host.h"
#include "machine/firmware.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT = 2, STANDARD_MB = 16, ROM_MAX = 256 << 10 };
enum { LEVEL = 1 }; /* of windows: over RAM that firmware maps over */

static void memory_moved(void *owner, uint64_t base)
{
    struct machine *m = owner;

    phys_move(&m->phys, board_of(m)->video_window, base);
}

static void rom_moved(void *owner, uint64_t base)
{
    struct machine *m = owner;

    if (board_of(m)->video_rom)
        phys_move(&m->phys, board_of(m)->video_rom_window, base);
}

static void stored(void *owner, uint64_t offset, unsigned n)
{
    struct machine *m = owner;

    board_stored(m, board_of(m)->video_backing, offset, n);
}

/* The image in a power of two of bytes, as an expansion ROM wants it. */
static bool load_rom(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);
    uint8_t *bytes;
    uint64_t size, room = PAGE;
    struct backing *rom;

    if (!board_read_firmware(m, m->config.vgabios, firmware_vga_bios, "VGA BIOS", ROM_MAX,
                             &bytes, &size, e))
        return false;
    while (room < size)
        room *= 2;
    b->video_rom = malloc(room);
    if (b->video_rom) {
        memset(b->video_rom, 0xff, room);
        memcpy(b->video_rom, bytes, size);
        b->video_rom_size = room;
    }
    free(bytes);
    rom = b->video_rom ? phys_back(&m->phys, "vgabios", b->video_rom, room) : NULL;
    b->video_rom_window = rom ? phys_map(&m->phys, UINT64_MAX, room, rom, 0,
                                         WINDOW_READ | WINDOW_DROP, LEVEL)
                              : -1;
    return b->video_rom_window >= 0 ||
           error_set(e, "cannot place the VGA BIOS: no memory, or too many windows");
}

static bool set_up_monitor(struct machine *m, struct error *e)
{
    const struct machine_config *c = &m->config;
    struct device *d = board_of(m)->vga;

    return (!c->vga_width || device_option(d, "width", c->vga_width, e)) &&
           (!c->vga_height || device_option(d, "height", c->vga_height, e)) &&
           device_option(d, "monitor", !c->vga_no_edid, e);
}

/* A kernel without a graphics card is told of it, or rather its user, who looks for it. */
static enum io_status no_card(void *owner, struct io *io)
{
    struct machine *m = owner;
    struct board *b = board_of(m);

    if (io->write && !b->told_no_card) {
        b->told_no_card = true;
        log_say(&m->log, "vga", LOG_WARN,
                "the guest writes to %llxh, where a graphics card's memory would be: "
                "-vga std plugs one in",
                (unsigned long long)io->address);
    }
    return IO_NONE;
}

static bool map_no_card(struct machine *m, struct error *e)
{
    static const struct region memory = {"no graphics card", 0xa0000, 0x20000, NULL, no_card,
                                         .max_size = 8, .mmio = true};

    return space_map(&m->mmio, &memory, m, memory.base, -1) >= 0 ||
           error_set(e, "too many regions");
}

bool board_add_video(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);
    uint64_t size;

    if (!m->config.vga)
        return !m->config.kernel || map_no_card(m, e);
    if (!(b->vga = board_add(m, &vga_class, "vga", e)) || !set_up_monitor(m, e) ||
        !load_rom(m, e))
        return false;
    b->video_size = size = (uint64_t)(m->config.vga_mb ? m->config.vga_mb : STANDARD_MB)
                           << 20;
    b->video_memory = host_memory(size);
    if (!b->video_memory)
        return error_set(e, "cannot make the graphics card: the host has no memory");
    b->video_backing = phys_back(&m->phys, "vga", b->video_memory, size);
    b->video_window = b->video_backing
                          ? phys_map(&m->phys, UINT64_MAX, size, b->video_backing,
                                     0, WINDOW_READ | WINDOW_WRITE, LEVEL)
                          : -1;
    if (b->video_window < 0)
        return error_set(e, "too many memory windows");
    vga_connect(b->vga, &(struct vga_wiring){
                            .owner = m, .memory = b->video_memory, .size = size,
                            .memory_moved = memory_moved, .rom_moved = rom_moved,
                            .rom_size = b->video_rom_size, .stored = stored});
    return true;
}

bool board_plug_video(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);

    return !b->vga || pci_plug(b->pci, SLOT, 0, vga_pci(b->vga), e);
}

void board_free_video(struct machine *m)
{
    struct board *b = board_of(m);

    if (b->video_memory)
        host_memory_free(b->video_memory, b->video_size);
    free(b->video_rom);
}

const struct screen *board_screen(struct machine *m)
{
    return board_of(m)->vga ? vga_screen(board_of(m)->vga) : NULL;
}
