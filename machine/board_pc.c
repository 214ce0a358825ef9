/* board_pc.c - the board: an i440FX PC, wired like its schematic.
 *
 * Read it top to bottom: the chips, their wires, the memory map, reset.
 */
#include "machine/board.h"

#include "base/snapshot.h"
#include "chipset/dma.h"
#include "chipset/ferr.h"
#include "chipset/hpet.h"
#include "chipset/i440fx.h"
#include "chipset/ioapic.h"
#include "chipset/lapic.h"
#include "chipset/pci.h"
#include "chipset/pic.h"
#include "chipset/piix3.h"
#include "chipset/piix3_ide.h"
#include "chipset/piix4_pm.h"
#include "chipset/pit.h"
#include "chipset/port61.h"
#include "chipset/port92.h"
#include "chipset/rtc.h"
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/fw_cfg.h"
#include "devices/i8042.h"
#include "devices/keyboard.h"
#include "devices/mouse.h"
#include "devices/serial.h"
#include "machine/boot.h"
#include "cpu/segment.h"
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what chips tell the board ---- */

/* Port 92h and the keyboard controller both can open the gate. */
static void a20_moved(void *to, unsigned n, bool level)
{
    struct machine *m = to;
    struct board *b = board_of(m);
    (void)n;
    (void)level;
    phys_set_a20(&m->phys, device_pin(b->port92, "a20")->level ||
                               device_pin(b->i8042, "a20")->level);
}

static void reset_moved(void *to, unsigned n, bool level)
{
    struct machine *m = to;
    (void)n;
    if (!level)
        return;
    if (m->config.no_reboot)
        machine_end(m, END_RESET);
    else
        m->reset_wanted = true;
    if (m->running) {
        m->running->leave = true;
        m->running->leave_slice = true;
    }
}

/* The chipset's SMI# reaches the boot processor alone: firmware for this chipset moves no
 * other CPU's SMBASE. */
static void smi_moved(void *to, unsigned n, bool level)
{
    (void)n;
    cpu_pin(((struct machine *)to)->cpu[0], CPU_SMI, level);
}

static void power_moved(void *to, unsigned n, bool level)
{
    (void)n;
    if (level)
        machine_end(to, END_POWER_OFF);
}

/* INIT from port 92h or the keyboard controller reaches the boot processor. */
static void init_moved(void *to, unsigned n, bool level)
{
    struct machine *m = to;
    (void)n;
    if (level) {
        lapic_init_pin(board_of(m)->lapic[0]);
        cpu_pin(m->cpu[0], CPU_INIT, true);
    }
}

static void debug_exit_told(void *owner, uint32_t value)
{
    struct machine *m = owner;
    m->exit_value = value;
    machine_end(m, END_DEBUG_EXIT);
}

static void ferr(void *owner, struct cpu *c)
{
    struct machine *m = owner;
    cpu_sync_clock(c);
    ferr_assert(board_of(m)->ferr);
}

static void send_msi(void *owner, uint64_t address, uint32_t data)
{
    struct machine *m = owner;
    apic_bus_msi(&board_of(m)->apics, address, data);
}

static void smm(void *owner, bool entered)
{
    board_smm(owner, entered);
}

static void sipi(void *cpu, uint8_t vector)
{
    cpu_sipi(cpu, vector);
}

static uint64_t tsc_adjust(void *cpu)
{
    return ((struct cpu *)cpu)->tsc_adjust;
}

/* ---- making ---- */

struct device *board_add(struct machine *m, const struct device_class *class,
                         const char *name, struct error *e)
{
    struct device *d;

    if (m->devices == MACHINE_DEVICES) {
        error_set(e, "too many devices: '%s' is one too many", name);
        return NULL;
    }
    d = device_new(class, name, &m->bus, e);
    if (d)
        m->device[m->devices++] = d;
    return d;
}

static void wire(struct device *d, const char *pin,
                 void (*moved)(void *to, unsigned n, bool level), void *to, unsigned n)
{
    struct line *l = device_pin(d, pin);
    if (l) {
        l->moved = moved;
        l->to = to;
        l->n = n;
    }
}

static bool add_lapics(struct machine *m, struct board *b, struct error *e)
{
    /* No firmware opens LINT0 for a direct boot, nor on a CPU whose APIC nobody can see: that
     * one's INTR pin is the 8259s'. */
    bool wired = m->config.kernel || !cpu_model_has(&m->model, CPUID_APIC);

    for (unsigned n = 0; n < m->config.cpus; n++) {
        struct device *d;
        snprintf(b->name[n], sizeof b->name[n], "lapic%u", n);
        d = b->lapic[n] = board_add(m, &lapic_class, b->name[n], e);
        if (!d || !device_option(d, "apic_id", n, e) ||
            !device_option(d, "bsp", n == 0, e) ||
            !device_option(d, "virtual_wire", n == 0 && wired, e) ||
            !device_option(d, "x2apic", cpu_model_has(&m->model, CPUID_X2APIC), e) ||
            !device_option(d, "tsc_deadline", cpu_model_has(&m->model, CPUID_TSC_DEADLINE), e) ||
            !device_option(d, "bus_hz", CRYSTAL_HZ, e) ||
            !device_option(d, "physbits", m->model.phys_bits, e))
            return false;
        lapic_connect(d, &(struct lapic_wiring){
                             .bus = &b->apics, .tsc_hz = m->config.tsc_hz, .cpu = m->cpu[n],
                             .sipi = sipi, .tsc_adjust = tsc_adjust, .pic = b->pic->state,
                             .acknowledge = pic_acknowledge});
        wire(d, "intr", cpu_pin, m->cpu[n], CPU_INTR);
        wire(d, "nmi", cpu_pin, m->cpu[n], CPU_NMI);
        wire(d, "smi", cpu_pin, m->cpu[n], CPU_SMI);
        wire(d, "init", cpu_pin, m->cpu[n], CPU_INIT);
        m->intc[n] = m->cpu[n]->intc = lapic_intc(d);
    }
    return true;
}

static bool add_serials(struct machine *m, struct board *b, struct error *e)
{
    static const char *const name[MACHINE_SERIALS] = {"com1", "com2"};

    for (unsigned n = 0; n < MACHINE_SERIALS; n++) {
        b->serial[n] = board_add(m, &serial_class, name[n], e);
        if (!b->serial[n])
            return false;
        serial_connect(b->serial[n], m->config.serial[n]);
    }
    return true;
}

static bool add_debug(struct machine *m, struct error *e)
{
    struct device *d;

    if (m->config.debugcon) {
        d = board_add(m, &debugcon_class, "debugcon", e);
        if (!d)
            return false;
        debugcon_connect(d, m->config.debugcon);
    }
    if (m->config.debug_exit) {
        d = board_add(m, &debug_exit_class, "isa-debug-exit", e);
        if (!d)
            return false;
        debug_exit_connect(d, debug_exit_told, m);
    }
    return true;
}

/* ---- the schematic ---- */

struct wire_row {
    const char *from, *out, *to, *in;
};

static const struct wire_row schematic[] = {
    /* Interrupt sources to the ISA bridge, which hands them to both controllers. */
    {"pit", "out0", "hpet", "pit"}, /* which may replace them (legacy replacement) */
    {"rtc", "irq", "hpet", "rtc"},
    {"hpet", "irq0", "piix3", "irq0"},
    {"hpet", "irq8", "piix3", "irq8"},
    {"i8042", "irq1", "piix3", "irq1"},
    {"i8042", "irq12", "piix3", "irq12"},
    {"com1", "irq", "piix3", "irq4"},
    {"com2", "irq", "piix3", "irq3"},
    {"floppy", "irq", "piix3", "irq6"},
    {"piix4-pm", "sci", "piix3", "irq9"},
    {"ide0", "irq", "piix3-ide", "irq0"},
    {"ide1", "irq", "piix3-ide", "irq1"},
    {"piix3-ide", "run0", "ide0", "run"},
    {"piix3-ide", "run1", "ide1", "run"},
    {"piix3-ide", "off0", "ide0", "off"},
    {"piix3-ide", "off1", "ide1", "off"},
    {"piix3-ide", "irq14", "piix3", "irq14"},
    {"piix3-ide", "irq15", "piix3", "irq15"},
    {"ferr", "irq", "piix3", "irq13"},
    {"pci", "pirq0", "piix3", "pirq0"},
    {"pci", "pirq1", "piix3", "pirq1"},
    {"pci", "pirq2", "piix3", "pirq2"},
    {"pci", "pirq3", "piix3", "pirq3"},
    /* The 8259s' INT is every CPU's LINT0; NMI its LINT1. */
    {"pic", "int", "lapic0", "lint0"},
    {"port61", "nmi", "lapic0", "lint1"},
    {"rtc", "nmi_mask", "port61", "nmi_mask"},
    /* Timer 2 and the speaker port. */
    {"port61", "gate2", "pit", "gate2"},
    {"pit", "out2", "port61", "out2"},
};

static struct device *find(struct machine *m, const char *name)
{
    for (unsigned n = 0; n < m->devices; n++)
        if (!strcmp(m->device[n]->name, name))
            return m->device[n];
    return NULL;
}

static bool join_all(struct machine *m, struct error *e)
{
    struct board *b = board_of(m);
    char out[8], in[8];

    for (unsigned n = 0; n < ARRAY_SIZE(schematic); n++) {
        const struct wire_row *w = &schematic[n];
        if (!device_join(find(m, w->from), w->out, find(m, w->to), w->in, e))
            return false;
    }
    for (unsigned n = 0; n < 16; n++) {
        if (n == 2)
            continue; /* the cascade */
        snprintf(out, sizeof out, "pic%u", n);
        snprintf(in, sizeof in, "ir%u", n);
        if (!device_join(b->piix3, out, b->pic, in, e))
            return false;
    }
    for (unsigned n = 0; n < 24; n++) { /* the last four are the HPET's alone */
        snprintf(out, sizeof out, "gsi%u", n);
        snprintf(in, sizeof in, "in%u", n);
        if (!device_join(n < 20 ? b->piix3 : b->hpet, out, b->ioapic, in, e))
            return false;
    }
    wire(b->port92, "a20", a20_moved, m, 0);
    wire(b->port92, "init", init_moved, m, 0);
    wire(b->i8042, "a20", a20_moved, m, 0);
    wire(b->i8042, "reset", reset_moved, m, 0);
    wire(b->pci, "reset", reset_moved, m, 0);
    wire(b->pci, "init", init_moved, m, 0);
    wire(b->pm, "power_off", power_moved, m, 0);
    wire(b->pm, "smi", smi_moved, m, 0);
    return true;
}

bool board_init(struct machine *m, struct error *e)
{
    struct board *b = m->board = calloc(1, sizeof *b);

    if (!b)
        return error_set(e, "cannot make the board: the host has no memory");
    m->bus.msi = send_msi;
    if (!(b->pic = board_add(m, &pic_class, "pic", e)) || !add_lapics(m, b, e) ||
        !(b->ioapic = board_add(m, &ioapic_class, "ioapic", e)) ||
        !(b->pit = board_add(m, &pit_class, "pit", e)) ||
        !(b->port61 = board_add(m, &port61_class, "port61", e)) ||
        !(b->port92 = board_add(m, &port92_class, "port92", e)) ||
        !(b->ferr = board_add(m, &ferr_class, "ferr", e)) ||
        !(b->rtc = board_add(m, &rtc_class, "rtc", e)) ||
        !(b->dma = board_add(m, &dma_class, "dma", e)) ||
        !(b->hpet = board_add(m, &hpet_class, "hpet", e)) ||
        !(b->i8042 = board_add(m, &i8042_class, "i8042", e)) ||
        !(b->keyboard = board_add(m, &keyboard_class, "keyboard", e)) ||
        !(b->mouse = board_add(m, &mouse_class, "mouse", e)) ||
        !(b->fw_cfg = board_add(m, &fw_cfg_class, "fw_cfg", e)) ||
        !(b->pci = board_add(m, &pci_class, "pci", e)) ||
        !(b->i440fx = board_add(m, &i440fx_class, "i440fx", e)) ||
        !(b->piix3 = board_add(m, &piix3_class, "piix3", e)) ||
        !(b->pm = board_add(m, &piix4_pm_class, "piix4-pm", e)) || !add_serials(m, b, e) ||
        !add_debug(m, e) || !board_map_memory(m, e) || !board_add_drives(m, e) ||
        !board_add_video(m, e))
        return false;
    ioapic_connect(b->ioapic, &b->apics);
    for (unsigned n = 0; n < m->config.cpus; n++) {
        m->cpu[n]->ferr = ferr;
        m->cpu[n]->smm = smm;
    }
    i8042_plug(b->i8042, I8042_KEYBOARD, keyboard_wire(b->keyboard));
    i8042_plug(b->i8042, I8042_AUX, mouse_wire(b->mouse));
    if (!device_option(b->rtc, "base_time", (uint64_t)m->config.rtc_base, e) ||
        !join_all(m, e))
        return false;
    for (unsigned n = 0; n < m->devices; n++)
        if (!device_start(m->device[n], e))
            return false;
    device_map(b->serial[0], 0, 0x3f8);
    device_map(b->serial[1], 0, 0x2f8);
    if (m->config.debugcon && m->config.debugcon_port)
        device_map(find(m, "debugcon"), 0, m->config.debugcon_port);
    if (m->config.debug_exit)
        device_map(find(m, "isa-debug-exit"), 0, m->config.debug_exit_port);
    return pci_plug(b->pci, 0, 0, i440fx_pci(b->i440fx), e) &&
           pci_plug(b->pci, 1, 0, piix3_pci(b->piix3), e) &&
           pci_plug(b->pci, 1, 1, piix3_ide_pci(b->ide), e) &&
           pci_plug(b->pci, 1, 3, piix4_pm_pci(b->pm), e) && board_plug_video(m, e) &&
           board_tell_firmware(m, e) && board_read_kernel(m, e);
}

void board_free(struct machine *m)
{
    struct board *b = board_of(m);

    if (!b)
        return;
    board_close_disks(m);
    board_free_video(m);
    board_free_memory(m);
    board_free_kernel(m);
    free(b);
    m->board = NULL;
}

bool board_reset(struct machine *m, struct error *e)
{
    for (unsigned n = 0; n < m->devices; n++)
        device_reset(m->device[n]);
    for (unsigned n = 0; n < m->config.cpus; n++) {
        cpu_reset(m->cpu[n]);
        m->cpu[n]->random = m->config.seed + 0x9e3779b97f4a7c15ull * (n + 1);
        if (n)
            m->cpu[n]->activity = ACTIVITY_WAIT_SIPI;
        cpu_derive(m->cpu[n]);
    }
    return board_start_kernel(m, e);
}

/* ---- the outside ---- */

struct device *board_keyboard(struct machine *m)
{
    return board_of(m)->keyboard;
}

struct device *board_mouse(struct machine *m)
{
    return board_of(m)->mouse;
}

void board_turn(struct machine *m, unsigned n)
{
    board_smm(m, m->cpu[n]->in_smm);
    board_of(m)->apics.current = (uint8_t)n;
}

void board_outside(struct machine *m)
{
    for (unsigned n = 0; n < MACHINE_SERIALS; n++) {
        struct chardev *c = m->config.serial[n];
        if (c && c->admit)
            c->admit(c->owner);
        if (c && c->kick)
            c->kick(c->device);
    }
}

void board_flush(struct machine *m)
{
    for (unsigned n = 0; n < MACHINE_SERIALS; n++)
        if (m->config.serial[n] && m->config.serial[n]->flush)
            m->config.serial[n]->flush(m->config.serial[n]->owner);
    if (m->config.debugcon && m->config.debugcon->flush)
        m->config.debugcon->flush(m->config.debugcon->owner);
}
