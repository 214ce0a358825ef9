/* board_memory.c - what stands where in the board's physical address space: RAM, the
 * firmware's ROM, shadow RAM and SMRAM as the i440FX switches them.
 *
 * Intel 82441FX data sheet (290549), chapter 4.1 and the PAM and SMRAM registers.
 */
#include "machine/board.h"

#include "base/error.h"
#include "chipset/i440fx.h"
#include "host/host.h"
#include "machine/firmware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEGACY_VIDEO = 0xa0000, /* adapters' memory, and SMRAM behind it: 128 KiB */
    SHADOW = 0xc0000,       /* to 1 MiB: ROMs, and shadow RAM over them */
    ONE_MIB = 0x100000,
    ROM_BELOW_1M = 128 << 10, /* the end of the ROM, seen again below 1 MiB */
    ROM_MAX = 16 << 20,
};

/* Of windows: the ROM, shadow RAM over it, SMRAM over all. */
enum { ROM_LEVEL, SHADOW_LEVEL, SMRAM_LEVEL };

static unsigned pam_index(uint64_t base)
{
    return base >= 0xf0000 ? 0 : 1 + (unsigned)(base - SHADOW) / 0x4000;
}

static void pam(void *owner, uint64_t base, uint64_t size, bool read, bool write)
{
    struct machine *m = owner;
    unsigned rights;
    (void)size;

    if (read)
        rights = WINDOW_READ | (write ? WINDOW_WRITE : WINDOW_DROP);
    else
        rights = write ? WINDOW_WRITE | WINDOW_UNDER : 0;
    phys_rights(&m->phys, board_of(m)->pam[pam_index(base)], rights);
}

static void show_smram(struct machine *m)
{
    struct board *b = board_of(m);
    bool shown = b->smram_enabled && (b->smram_open || b->smm);
    unsigned rights = !shown            ? 0
                      : b->smram_closed ? WINDOW_CODE | WINDOW_UNDER
                                        : WINDOW_READ | WINDOW_WRITE;

    if (m->phys.windows[b->smram].rights != rights)
        phys_rights(&m->phys, b->smram, rights);
}

static void smram(void *owner, bool enabled, bool open, bool closed)
{
    struct machine *m = owner;
    struct board *b = board_of(m);

    b->smram_enabled = enabled;
    b->smram_open = open;
    b->smram_closed = closed && !open; /* both at once is forbidden: data wins */
    show_smram(m);
}

void board_smm(struct machine *m, bool in_smm)
{
    struct board *b = board_of(m);

    if (b->smm == in_smm)
        return;
    b->smm = in_smm;
    show_smram(m);
}

static bool map_ram(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);
    struct phys *p = &m->phys;
    struct backing *ram = &p->backings[0];
    enum { RAM = WINDOW_READ | WINDOW_WRITE };
    bool good = phys_map(p, 0, LEGACY_VIDEO, ram, 0, RAM, SHADOW_LEVEL) >= 0;

    for (unsigned n = 0; good && n < PAM_SEGMENTS; n++) {
        uint64_t base = n ? SHADOW + (n - 1) * 0x4000ull : 0xf0000;
        b->pam[n] = phys_map(p, base, n ? 0x4000 : 0x10000, ram, base, 0, SHADOW_LEVEL);
        good = b->pam[n] >= 0;
    }
    b->smram = good ? phys_map(p, LEGACY_VIDEO, SHADOW - LEGACY_VIDEO, ram, LEGACY_VIDEO,
                               0, SMRAM_LEVEL)
                    : -1;
    good = b->smram >= 0 &&
           (b->map.low == ONE_MIB || phys_map(p, ONE_MIB, b->map.low - ONE_MIB, ram, ONE_MIB,
                                              RAM, SHADOW_LEVEL) >= 0) &&
           (!b->map.high ||
            phys_map(p, MEMORY_HIGH, b->map.high, ram, b->map.low, RAM, SHADOW_LEVEL) >= 0);
    return good || error_set(e, "too many memory windows");
}

bool board_show_rom_below(struct machine *m, struct backing *rom, struct error *e)
{
    uint64_t below = rom->size < ROM_BELOW_1M ? rom->size : ROM_BELOW_1M;

    return phys_map(&m->phys, ONE_MIB - below, below, rom, rom->size - below,
                    WINDOW_READ | WINDOW_DROP, ROM_LEVEL) >= 0 ||
           error_set(e, "too many memory windows");
}

/* The image ends at 4 GiB. */
static bool map_rom(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);
    struct backing *rom = phys_back(&m->phys, "rom", b->rom, b->rom_size);

    if (!rom || phys_map(&m->phys, MEMORY_HIGH - b->rom_size, b->rom_size, rom, 0,
                         WINDOW_READ | WINDOW_DROP, ROM_LEVEL) < 0)
        return error_set(e, "too many memory windows");
    return board_show_rom_below(m, rom, e);
}

void board_stored(struct machine *m, struct backing *b, uint64_t offset, uint64_t n)
{
    while (n) {
        unsigned at = (unsigned)(offset % PAGE);
        unsigned size = n < PAGE - at ? (unsigned)n : PAGE - at;
        phys_stored(&m->phys, b->first + (uint32_t)(offset / PAGE), at, size);
        offset += size;
        n -= size;
    }
}

/* A bare name is sought in folders after the current one. */
static const char *find_firmware(const struct machine_config *c, const char *name,
                                 char *path, size_t room)
{
    const char *const folder[] = {c->firmware_folder, "/usr/share/seabios",
                                  "/usr/share/ovmf", "/usr/share/OVMF",
                                  "/usr/share/qemu"};

    if (strchr(name, '/') || host_is_file(name))
        return name;
    for (unsigned n = 0; n < ARRAY_SIZE(folder); n++) {
        if (!folder[n])
            continue;
        snprintf(path, room, "%s/%s", folder[n], name);
        if (host_is_file(path))
            return path;
    }
    return name;
}

static bool copy_own(const uint8_t *(*own)(size_t *n), const char *what, uint8_t **bytes,
                     uint64_t *size, struct error *e)
{
    size_t n;
    const uint8_t *image = own(&n);

    if (!n)
        return error_set(e, "this build of Menura has no %s of its own", what);
    *bytes = malloc(n);
    if (!*bytes)
        return error_set(e, "cannot load the %s: the host has no memory", what);
    memcpy(*bytes, image, n);
    *size = n;
    return true;
}

bool board_read_firmware(struct machine *m, const char *name,
                         const uint8_t *(*own)(size_t *n), const char *what, uint64_t cap,
                         uint8_t **bytes, uint64_t *size, struct error *e)
{
    char path[4096];
    const char *file;

    if (!name)
        return copy_own(own, what, bytes, size, e);
    file = find_firmware(&m->config, name, path, sizeof path);
    if (!host_read_file(file, what, cap, bytes, size, e))
        return false;
    if (*size)
        return true;
    free(*bytes);
    return error_set(e, "%s '%s' is empty", what, file);
}

/* Images end where the reset vector is: a size that is no multiple of a page is filled
 * up at its beginning. */
static bool read_rom(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);
    uint8_t *bytes;
    uint64_t size, room;

    if (!board_read_firmware(m, m->config.bios, firmware_bios, "BIOS", ROM_MAX, &bytes,
                             &size, e))
        return false;
    room = (size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    b->rom = malloc(room);
    if (b->rom) {
        memset(b->rom, 0xff, room - size);
        memcpy(b->rom + room - size, bytes, size);
        b->rom_size = room;
    }
    free(bytes);
    return b->rom || error_set(e, "cannot load the firmware: the host has no memory");
}

static bool wants_rom(const struct machine_config *c)
{
    bool flash = false;

    for (unsigned n = 0; n < c->drives; n++)
        flash |= c->drive[n].interface == DRIVE_PFLASH;
    return c->bios || (c->firmware && !flash);
}

bool board_map_memory(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);

    memory_map_make(&b->map, m->config.ram);
    if (!map_ram(m, e) || (wants_rom(&m->config) && (!read_rom(m, e) || !map_rom(m, e))))
        return false;
    i440fx_connect(b->i440fx, &(struct i440fx_wiring){m, pam, smram});
    return true;
}

void board_free_memory(struct machine *m)
{
    free(board_of(m)->rom);
}

void board_open_shadow(struct machine *m)
{
    enum { PAM0 = 0x59, BOTH = 3 };
    struct pci_function *f = i440fx_pci(board_of(m)->i440fx);

    pci_config_write(f, PAM0, 1, BOTH << 4);
    for (unsigned n = 1; n <= 6; n++)
        pci_config_write(f, PAM0 + n, 1, BOTH | BOTH << 4);
}
