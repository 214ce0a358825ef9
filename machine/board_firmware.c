/* board_firmware.c - what firmware finds on the board: fw_cfg's items and the CMOS.
 *
 * QEMU docs/specs/fw_cfg, and its "etc/table-loader" (linker/loader commands): the ACPI
 * tables are handed out with addresses counted from their own start, and a script that
 * makes them whole wherever the firmware puts them. CMOS: what BIOSes since the PC/AT keep
 * there, and QEMU's extensions that SeaBIOS reads.
 */
#include "machine/board.h"

#include "base/byteorder.h"
#include "base/error.h"
#include "chipset/piix4_pm.h"
#include "chipset/rtc.h"
#include "devices/fw_cfg.h"

#include <stdlib.h>
#include <string.h>

struct tables *board_make_tables(struct machine *m, uint16_t pm_base, struct error *e)
{
    uint32_t leaf[4];
    struct tables_config config = {.cpus = m->config.cpus, .map = &board_of(m)->map,
                                   .cpu_vendor = m->model.vendor,
                                   .cpu_brand = m->model.brand, .pm_base = pm_base};
    struct tables *t = calloc(1, sizeof *t);

    if (!t) {
        error_set(e, "cannot make the firmware tables: the host has no memory");
        return NULL;
    }
    cpu_cpuid(m->cpu[0], 1, 0, leaf);
    config.cpu_signature = leaf[REG_EAX];
    config.cpu_features = leaf[REG_EDX];
    if (!tables_make(&config, t, e)) {
        free(t);
        return NULL;
    }
    return t;
}

/* ---- the table loader ---- */

enum { COMMAND = 128, COMMANDS = 32, FILE_NAME = 56, RSDP = 36 };
enum loader_command { ALLOCATE = 1, ADD_POINTER, ADD_CHECKSUM };
enum loader_zone { ZONE_HIGH = 1, ZONE_FSEG };

static const char acpi_file[] = "etc/acpi/tables", rsdp_file[] = "etc/acpi/rsdp";

struct loader {
    uint8_t script[COMMANDS * COMMAND];
    unsigned commands;
    uint8_t *acpi; /* addresses in it are being made relative to acpi_at */
    uint64_t acpi_at;
    uint8_t rsdp[RSDP];
};

static uint8_t *command(struct loader *l, enum loader_command which, const char *file)
{
    uint8_t *p = l->script + l->commands++ * COMMAND;

    store32(p, which);
    strncpy((char *)p + 4, file, FILE_NAME - 1);
    return p + 4 + FILE_NAME;
}

static void allocate(struct loader *l, const char *file, uint32_t align,
                     enum loader_zone zone)
{
    uint8_t *p = command(l, ALLOCATE, file);

    store32(p, align);
    p[4] = (uint8_t)zone;
}

/* The address at `field` of `file`'s bytes becomes an offset into the ACPI tables, and the
 * loader adds to it where these are. Returns the offset. */
static uint32_t point(struct loader *l, const char *file, uint8_t *bytes, uint32_t field,
                      unsigned size)
{
    uint64_t at = size == 4 ? load32(bytes + field) : load64(bytes + field);
    uint8_t *p;

    if (!at)
        return 0;
    at -= l->acpi_at;
    if (size == 4)
        store32(bytes + field, (uint32_t)at);
    else
        store64(bytes + field, at);
    p = command(l, ADD_POINTER, file);
    strncpy((char *)p, acpi_file, FILE_NAME - 1);
    store32(p + FILE_NAME, field);
    p[FILE_NAME + 4] = (uint8_t)size;
    return (uint32_t)at;
}

static void checksum(struct loader *l, const char *file, uint8_t *bytes, uint32_t field,
                     uint32_t start, uint32_t length)
{
    uint8_t *p = command(l, ADD_CHECKSUM, file);

    bytes[field] = 0;
    store32(p, field);
    store32(p + 4, start);
    store32(p + 8, length);
}

enum { HEADER = 36, CHECKSUM = 9 };

/* RSDT (entries of 4 bytes) or XSDT (8). Returns the FADT's offset. */
static uint32_t point_list(struct loader *l, uint32_t list, unsigned size)
{
    uint32_t length = load32(l->acpi + list + 4), fadt = 0;

    for (uint32_t at = HEADER; at + size <= length; at += size) {
        uint32_t table = point(l, acpi_file, l->acpi, list + at, size);
        if (!memcmp(l->acpi + table, "FACP", 4))
            fadt = table;
    }
    checksum(l, acpi_file, l->acpi, list + CHECKSUM, list, length);
    return fadt;
}

static void make_script(struct loader *l)
{
    /* Fields of the FADT that hold addresses: ACPI 6.4 Table 5.9. */
    enum { FIRMWARE_CTRL = 36, DSDT = 40, X_FIRMWARE_CTRL = 132, X_DSDT = 140 };
    uint32_t rsdt, xsdt, fadt;

    allocate(l, acpi_file, 64, ZONE_HIGH);
    allocate(l, rsdp_file, 16, ZONE_FSEG);
    rsdt = point(l, rsdp_file, l->rsdp, 16, 4);
    xsdt = point(l, rsdp_file, l->rsdp, 24, 8);
    point_list(l, rsdt, 4);
    fadt = point_list(l, xsdt, 8);
    point(l, acpi_file, l->acpi, fadt + FIRMWARE_CTRL, 4);
    point(l, acpi_file, l->acpi, fadt + DSDT, 4);
    point(l, acpi_file, l->acpi, fadt + X_FIRMWARE_CTRL, 8);
    point(l, acpi_file, l->acpi, fadt + X_DSDT, 8);
    checksum(l, acpi_file, l->acpi, fadt + CHECKSUM, fadt, load32(l->acpi + fadt + 4));
    checksum(l, rsdp_file, l->rsdp, 8, 0, 20);
    checksum(l, rsdp_file, l->rsdp, 32, 0, RSDP);
}

static bool add_acpi(struct device *fw_cfg, struct tables *t)
{
    struct loader l = {.acpi = t->acpi, .acpi_at = t->acpi_at};

    if (!t->acpi_at)
        return true;
    memcpy(l.rsdp, t->legacy + (t->rsdp - BOARD_LEGACY), RSDP);
    make_script(&l);
    return fw_cfg_add_file(fw_cfg, acpi_file, l.acpi, MEMORY_TABLES) &&
           fw_cfg_add_file(fw_cfg, rsdp_file, l.rsdp, RSDP) &&
           fw_cfg_add_file(fw_cfg, "etc/table-loader", l.script, l.commands * COMMAND);
}

/* The firmware places the structures and puts their address and a checksum into the
 * anchor (SMBIOS 2.8, 5.2.1). */
static bool add_smbios(struct device *fw_cfg, const struct tables *t)
{
    enum { ANCHOR = 0x1f };
    const uint8_t *anchor = t->legacy + (t->smbios - BOARD_LEGACY);
    const uint8_t *bytes = t->legacy + (load32(anchor + 24) - BOARD_LEGACY);

    return fw_cfg_add_file(fw_cfg, "etc/smbios/smbios-anchor", anchor, ANCHOR) &&
           fw_cfg_add_file(fw_cfg, "etc/smbios/smbios-tables", bytes, load16(anchor + 22));
}

/* ---- fw_cfg ---- */

/* RAM as firmware finds it, before it has taken its share: "etc/e820". */
static bool add_e820(struct device *fw_cfg, const struct memory_map *map)
{
    enum { ENTRY = 20 }; /* base, size: 64 bits; type: 32 bits */
    const struct {
        uint64_t base, size;
    } ram[2] = {{0, map->low}, {MEMORY_HIGH, map->high}};
    uint8_t bytes[2 * ENTRY];
    uint32_t used = 0;

    for (unsigned n = 0; n < ARRAY_SIZE(ram); n++) {
        if (!ram[n].size)
            continue;
        store64(bytes + used, ram[n].base);
        store64(bytes + used + 8, ram[n].size);
        store32(bytes + used + 16, MEMORY_RAM);
        used += ENTRY;
    }
    return fw_cfg_add_file(fw_cfg, "etc/e820", bytes, used);
}

static bool fill_fw_cfg(struct machine *m, struct tables *t)
{
    struct board *b = board_of(m);
    uint16_t cpus = (uint16_t)m->config.cpus;

    return fw_cfg_add_u16(b->fw_cfg, FW_CFG_CPUS, cpus) &&
           fw_cfg_add_u16(b->fw_cfg, FW_CFG_MAX_CPUS, cpus) &&
           fw_cfg_add_u64(b->fw_cfg, FW_CFG_RAM_SIZE, m->config.ram) &&
           fw_cfg_add_u16(b->fw_cfg, FW_CFG_BOOT_MENU, m->config.boot_menu) &&
           add_e820(b->fw_cfg, &b->map) && add_acpi(b->fw_cfg, t) &&
           add_smbios(b->fw_cfg, t);
}

/* The ACPI tables tell where the firmware has put the power management's ports: ours and
 * SeaBIOS take the usual place, OVMF another. It does that before it reads them. */
static void renew_acpi(void *owner)
{
    struct machine *m = owner;
    struct board *b = board_of(m);
    uint16_t base = piix4_pm_base(b->pm);
    struct tables *t;
    struct error e;

    base = base ? base : BOARD_PM_BASE;
    if (base == b->acpi_pm_base)
        return;
    t = board_make_tables(m, base, &e);
    if (t && add_acpi(b->fw_cfg, t))
        b->acpi_pm_base = base;
    free(t);
}

/* ---- CMOS ---- */

enum {
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KIB = 0x15,
    CMOS_EXTENDED_KIB = 0x17,       /* above 1 MiB, at most 63 MiB */
    CMOS_EXTENDED_KIB_POST = 0x30,  /* the same, as POST found it */
    CMOS_ABOVE_16M = 0x34,          /* in 64 KiB, below 4 GiB */
    CMOS_ABOVE_4G = 0x5b,           /* in 64 KiB, three bytes */
    CMOS_BOOT_THIRD = 0x38,         /* bits 7:4; bit 0: no floppy signature check */
    CMOS_BOOT = 0x3d,               /* first and second device */
    CMOS_CPUS = 0x5f,               /* more than one by so many */
};

static void set16(struct device *rtc, unsigned index, uint64_t v)
{
    rtc_set_cmos(rtc, index, (uint8_t)v);
    rtc_set_cmos(rtc, index + 1, (uint8_t)(v >> 8));
}

/* As the BIOS counts boot devices in the CMOS. */
static unsigned boot_code(char letter)
{
    static const char letters[] = "acdn";
    const char *at = letter ? strchr(letters, letter) : NULL;

    return at ? (unsigned)(at - letters) + 1 : 0;
}

static void fill_boot_order(struct machine *m)
{
    enum { NO_SIGNATURE_CHECK = 1 };
    const char *order = *m->config.boot_order ? m->config.boot_order : "cad";
    unsigned code[3] = {0};

    for (unsigned n = 0; n < 3 && order[n]; n++)
        code[n] = boot_code(order[n]);
    rtc_set_cmos(board_of(m)->rtc, CMOS_BOOT, (uint8_t)(code[0] | code[1] << 4));
    rtc_set_cmos(board_of(m)->rtc, CMOS_BOOT_THIRD,
                 (uint8_t)(code[2] << 4 | NO_SIGNATURE_CHECK));
}

static void fill_cmos(struct machine *m)
{
    struct board *b = board_of(m);
    uint64_t extended = (b->map.low - (1 << 20)) >> 10;
    uint64_t above = b->map.low > 16 << 20 ? (b->map.low - (16 << 20)) >> 16 : 0;

    if (extended > 63 << 10)
        extended = 63 << 10;
    set16(b->rtc, CMOS_BASE_KIB, 640);
    set16(b->rtc, CMOS_EXTENDED_KIB, extended);
    set16(b->rtc, CMOS_EXTENDED_KIB_POST, extended);
    set16(b->rtc, CMOS_ABOVE_16M, above);
    set16(b->rtc, CMOS_ABOVE_4G, b->map.high >> 16);
    rtc_set_cmos(b->rtc, CMOS_ABOVE_4G + 2, (uint8_t)(b->map.high >> 32));
    rtc_set_cmos(b->rtc, CMOS_CPUS, (uint8_t)(m->config.cpus - 1));
    fill_boot_order(m);
    rtc_set_cmos(b->rtc, CMOS_EQUIPMENT, 0x06); /* a mathematics coprocessor, a mouse */
}

bool board_tell_firmware(struct machine *m, struct error *e)
{
    struct tables *t = board_make_tables(m, BOARD_PM_BASE, e);
    struct board *b = board_of(m);
    bool good;

    if (!t)
        return false;
    good = fill_fw_cfg(m, t);
    free(t);
    if (!good)
        return error_set(e, "cannot fill fw_cfg: the host has no memory");
    b->acpi_pm_base = BOARD_PM_BASE;
    fw_cfg_before_reads(b->fw_cfg, renew_acpi, m);
    fill_cmos(m);
    board_tell_drives(m);
    return true;
}
