/* board_kernel.c - -kernel: at reset, without firmware, or by the firmware's hand.
 *
 * Without firmware the board does what firmware would have done to the chips, places
 * the tables, and the boot processor starts in the kernel. With firmware (-bios, or a
 * graphics card, which wants its BIOS) the machine starts at the reset vector as
 * always; POST finds an option ROM in fw_cfg, boots from it first, and that asks for
 * the kernel through fw_cfg's "etc/menura/kernel", with the memory map that the
 * firmware tells software. OVMF needs no ROM: it takes Linux kernels from QEMU's items
 * of fw_cfg.
 */
#include "machine/board.h"

#include "chipset/dma.h"
#include "chipset/piix3_ide.h"
#include "chipset/piix4_pm.h"
#include "cpu/segment.h"
#include "devices/fw_cfg.h"
#include "devices/i8042.h"
#include "host/host.h"
#include "machine/boot_plan.h"
#include "machine/firmware.h"

#include <stdlib.h>
#include <string.h>

static const char rom_file[] = "genroms/kernel.rom";
static const char first_of_all[] = "/rom@genroms/kernel.rom\n";
static const char map_file[] = "etc/menura/kernel";

/* What is the same whenever the kernel starts. */
static struct boot_request request(struct machine *m)
{
    struct board *b = board_of(m);

    struct boot_request q = {.kernel_name = m->config.kernel,
                             .kernel = b->kernel,
                             .kernel_size = b->kernel_size,
                             .modules = b->modules,
                             .cmdline = m->config.append,
                             .map = &b->map,
                             .long_mode = cpu_model_has(&m->model, CPUID_LM),
                             .vga = m->config.firmware && m->config.vga};

    for (unsigned n = 0; n < b->modules; n++)
        q.module[n] =
            (struct boot_module){b->module_name[n], b->module[n], b->module_size[n]};
    return q;
}

static void tell_user(struct machine *m, const struct boot_entry *entry)
{
    struct board *b = board_of(m);

    if (b->told)
        return;
    log_say(&m->log, "boot", LOG_INFO, "%s", entry->what);
    if (entry->note[0])
        log_say(&m->log, "boot", LOG_WARN, "%s", entry->note);
    b->told = true;
}

static void set_flat(struct segment *s, uint16_t selector, uint16_t attr,
                     uint32_t limit)
{
    s->selector = selector;
    s->attr = attr;
    s->base = 0;
    s->limit = limit;
    s->usable = true;
}

/* The boot processor as a boot loader would leave it. */
static void enter(struct cpu *c, const struct boot_entry *in)
{
    enum {
        CODE = SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_ACCESSED,
        DATA = SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED | SEG_DB | SEG_G,
        TASK = SEG_P | 0xb
    };
    bool wide = in->mode == BOOT_LONG;

    memcpy(c->gpr, in->gpr, sizeof c->gpr);
    c->rip = in->rip;
    c->gdtr_base = in->gdt;
    c->gdtr_limit = in->gdt_limit;
    set_flat(&c->seg[CS], in->code, CODE | SEG_G | (wide ? SEG_L : SEG_DB), 0xffffffff);
    for (unsigned s = 0; s < SREGS; s++)
        if (s != CS)
            set_flat(&c->seg[s], in->data, DATA, 0xffffffff);
    set_flat(&c->tr, in->task, TASK, 103);
    c->cr0 = wide ? 0x80000011 : 0x11;
    if (wide) {
        c->cr3 = in->cr3;
        c->cr4 = 0x20;
        c->efer = 0x500;
    }
    c->cpl = 0;
    cpu_derive(c);
    for (unsigned s = 0; s < SREGS; s++)
        seg_derive(c, (enum sreg)s);
    cpu_derive(c);
    c->page = NO_PAGE;
}

/* ---- without firmware ---- */

/* What firmware would have done to the chips. */
static void set_up_chips(struct machine *m)
{
    struct board *b = board_of(m);
    struct io a20 = {.address = 0x92, .size = 1, .write = true, .value = 2};

    board_open_shadow(m);
    space_access(&m->ports, &a20); /* the gate open, and its port says so */
    dma_set_up(b->dma);
    piix3_ide_enable(b->ide);
    piix4_pm_set_base(b->pm, BOARD_PM_BASE);
    i8042_set_up(b->i8042);
}

/* ACPI, SMBIOS and MP tables, as firmware would leave them. */
static bool place_tables(struct machine *m, uint64_t *rsdp, struct error *e)
{
    struct tables *t = board_make_tables(m, BOARD_PM_BASE, e);
    bool good = t && tables_place(t, &m->phys, e);

    if (good)
        *rsdp = t->rsdp;
    free(t);
    return good;
}

bool board_start_kernel(struct machine *m, struct error *e)
{
    struct boot_request q = request(m);
    struct boot_entry entry;

    if (!m->config.kernel || m->config.firmware)
        return true;
    set_up_chips(m);
    if (!place_tables(m, &q.rsdp, e) || !boot_load(&q, &m->phys, &entry, e))
        return false;
    tell_user(m, &entry);
    enter(m->cpu[0], &entry);
    return true;
}

/* ---- by the firmware's hand ---- */

/* ACPI 6.4, 5.2.5.1: on a 16-byte boundary from E0000h to FFFFFh. */
static uint64_t find_rsdp(struct machine *m)
{
    enum { SUMMED = 20 };
    uint8_t bytes[SUMMED];

    for (uint64_t at = 0xe0000; at < 0x100000; at += 16) {
        uint8_t sum = 0;
        if (!phys_read(&m->phys, pa(at), bytes, sizeof bytes) ||
            memcmp(bytes, "RSD PTR ", 8))
            continue;
        for (unsigned n = 0; n < SUMMED; n++)
            sum = (uint8_t)(sum + bytes[n]);
        if (!sum)
            return at;
    }
    return 0;
}

/* The guest asks for the kernel: it is loaded now, and entered behind this instruction.
 */
static bool asked(void *owner, const uint8_t *bytes, uint32_t n)
{
    struct machine *m = owner;
    struct board *b = board_of(m);
    struct memory_map map = b->map;
    struct boot_request q = request(m);
    struct error e;

    q.map = &map;
    q.rsdp = find_rsdp(m);
    if (n % MEMORY_RANGE_BYTES ||
        !memory_map_told(&map, bytes, n / MEMORY_RANGE_BYTES)) {
        log_guest(&m->log, "boot", "the firmware's memory map makes no sense");
        return false;
    }
    if (!boot_load(&q, &m->phys, &b->entry, &e)) {
        log_guest(&m->log, "boot", "%s", e.text);
        return false;
    }
    tell_user(m, &b->entry);
    machine_enter_kernel(m);
    return true;
}

void board_enter_kernel(struct machine *m)
{
    struct cpu *c = m->cpu[0];

    cpu_init_reset(c);
    enter(c, &board_of(m)->entry);
}

static bool add_for_roms(struct machine *m)
{
    struct board *b = board_of(m);
    static const uint8_t room[4096];
    size_t size;
    const uint8_t *rom = firmware_kernel_rom(&size);

    if (!fw_cfg_add_file(b->fw_cfg, rom_file, rom, (uint32_t)size) ||
        !fw_cfg_add_file(b->fw_cfg, "bootorder", first_of_all, sizeof first_of_all) ||
        !fw_cfg_add_file(b->fw_cfg, map_file, room, sizeof room))
        return false;
    fw_cfg_on_write(b->fw_cfg, map_file, asked, m);
    return true;
}

/* As QEMU hands out a Linux kernel: its real-mode part by itself. */
static bool add_for_ovmf(struct machine *m)
{
    enum { SETUP_SECTS = 0x1f1, SECTOR = 512 };
    struct board *b = board_of(m);
    struct boot_request q = request(m);
    const char *cmdline = m->config.append ? m->config.append : "";
    uint32_t setup, initrd = (uint32_t)q.module[0].size;

    if (!linux_is(&q))
        return true;
    setup = (b->kernel[SETUP_SECTS] ? b->kernel[SETUP_SECTS] + 1u : 5u) * SECTOR;
    if (setup > b->kernel_size || b->kernel_size > UINT32_MAX ||
        q.module[0].size > UINT32_MAX)
        return true;
    return fw_cfg_add_u32(b->fw_cfg, FW_CFG_SETUP_SIZE, setup) &&
           fw_cfg_add_bytes(b->fw_cfg, FW_CFG_SETUP_DATA, b->kernel, setup) &&
           fw_cfg_add_u32(b->fw_cfg, FW_CFG_KERNEL_SIZE,
                          (uint32_t)b->kernel_size - setup) &&
           fw_cfg_add_bytes(b->fw_cfg, FW_CFG_KERNEL_DATA, b->kernel + setup,
                            (uint32_t)b->kernel_size - setup) &&
           fw_cfg_add_u32(b->fw_cfg, FW_CFG_INITRD_SIZE, initrd) &&
           fw_cfg_add_bytes(b->fw_cfg, FW_CFG_INITRD_DATA, q.module[0].bytes, initrd) &&
           fw_cfg_add_u32(b->fw_cfg, FW_CFG_CMDLINE_SIZE,
                          (uint32_t)strlen(cmdline) + 1) &&
           fw_cfg_add_bytes(b->fw_cfg, FW_CFG_CMDLINE_DATA, cmdline,
                            (uint32_t)strlen(cmdline) + 1);
}

/* ---- the files ---- */

/* A file that no firmware could start is refused at once. */
static bool check(struct machine *m, struct error *e)
{
    struct boot_request q = request(m);
    struct boot_entry entry;

    q.rsdp = board_of(m)->map.tables ? 1 : 0; /* there will be one */
    return boot_load(&q, NULL, &entry, e);
}

/* -initrd names several modules with their arguments where the kernel is for Multiboot:
 * "FILE ARGUMENTS,FILE", and ",," is a comma (as QEMU has it). */
static bool name_modules(struct machine *m, bool list, struct error *e)
{
    struct board *b = board_of(m);
    const char *from = m->config.initrd;
    char *to = malloc(strlen(from) + 1);

    if (!to)
        return error_set(e, "cannot load the modules: the host has no memory");
    b->module_names = to;
    b->module_name[b->modules++] = to;
    for (; *from; from++) {
        if (list && *from == ',' && from[1] != ',') {
            if (b->modules == BOOT_MODULES)
                return error_set(e, "-initrd: more than %u modules", BOOT_MODULES);
            *to++ = 0;
            b->module_name[b->modules++] = to;
            continue;
        }
        if (list && *from == ',')
            from++;
        *to++ = *from;
    }
    *to = 0;
    return true;
}

static bool read_modules(struct machine *m, bool list, struct error *e)
{
    struct board *b = board_of(m);

    if (!name_modules(m, list, e))
        return false;
    for (unsigned n = 0; n < b->modules; n++) {
        char file[4096];
        size_t length =
            list ? strcspn(b->module_name[n], " ") : strlen(b->module_name[n]);

        if (length >= sizeof file)
            return error_set(e, "-initrd: a file's name is too long");
        memcpy(file, b->module_name[n], length);
        file[length] = 0;
        if (!host_read_file(file, list ? "module" : "initrd", m->config.ram,
                            &b->module[n], &b->module_size[n], e))
            return false;
    }
    return true;
}

bool board_read_kernel(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);
    const struct machine_config *c = &m->config;
    struct boot_request q;
    size_t header;
    bool list;

    if (c->initrd && !c->kernel)
        return error_set(e, "-initrd needs a -kernel");
    if (!c->kernel)
        return true;
    if (!host_read_file(c->kernel, "kernel", c->ram, &b->kernel, &b->kernel_size, e))
        return false;
    q = request(m);
    list = !linux_is(&q) && (multiboot_is(&q, &header) || multiboot2_is(&q, &header));
    if (c->initrd && !read_modules(m, list, e))
        return false;
    if (!c->firmware)
        return true;
    return check(m, e) && ((add_for_roms(m) && add_for_ovmf(m)) ||
                           error_set(e, "cannot fill fw_cfg: the host has no memory"));
}

void board_free_kernel(struct machine *m)
{
    struct board *b = board_of(m);

    free(b->kernel);
    for (unsigned n = 0; n < b->modules; n++)
        free(b->module[n]);
    free(b->module_names);
}
