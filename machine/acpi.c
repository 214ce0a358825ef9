/* acpi.c - the ACPI tables of a board with a 440FX, PIIX3, PIIX4, I/O APIC and HPET.
 *
 * ACPI 6.4 chapter 5 (tables of ACPI 2.0 form, which every system since 2000 reads),
 * IA-PC HPET 1.0a 3.2.4. The DSDT is emitted from the board's wiring.
 */
#include "base/byteorder.h"
#include "machine/aml.h"
#include "machine/tables.h"

#include <stdio.h>

enum { HEADER = 36, SLOTS = 32, PINS = 4, LINKS = 4 };
enum { SMI_COMMAND = 0xb2, ACPI_ENABLE = 0xf1, ACPI_DISABLE = 0xf0 };

/* Which of PIRQA (0) to PIRQD a slot's pin is wired to: chipset/pci.c. */
static unsigned pirq_of(unsigned slot, unsigned pin)
{
    return (slot + pin + 3) & 3;
}

/* The ISA IRQs that a PIRQ may be routed to without meeting an ISA device. */
static const uint8_t link_irqs[] = {5, 10, 11};

/* ---- the DSDT ---- */

static void simple_device(struct aml *a, const char *name, const char *id, unsigned uid,
                          const uint16_t ports[][2], unsigned irq)
{
    size_t device = aml_device(a, name), resources;

    aml_name_eisaid(a, "_HID", id);
    if (uid)
        aml_name_integer(a, "_UID", uid);
    aml_name(a, "_CRS");
    resources = aml_resources(a);
    for (unsigned i = 0; ports[i][1]; i++)
        aml_io(a, ports[i][0], (uint8_t)ports[i][1]);
    if (irq)
        aml_irq(a, irq);
    if (!strcmp(name, "TMR"))
        aml_irq(a, 0);
    if (!strcmp(name, "DMA"))
        aml_dma(a, 4); /* the cascade */
    aml_resources_end(a, resources);
    aml_close(a, device);
}

static void isa_devices(struct aml *a, uint16_t pm_base)
{
    const struct {
        const char *name, *id;
        unsigned uid, irq;
        uint16_t ports[7][2]; /* base, length */
    } devices[] = {
        {"PIC", "PNP0000", 0, 2, {{0x20, 2}, {0xa0, 2}, {0x4d0, 2}}},
        {"TMR", "PNP0100", 0, 0, {{0x40, 4}}},
        {"DMA", "PNP0200", 0, 0, {{0x00, 16}, {0x81, 3}, {0x87, 1}, {0x89, 3}, {0x8f, 1},
                                  {0xc0, 32}}},
        {"SPKR", "PNP0800", 0, 0, {{0x61, 1}}},
        {"RTC", "PNP0B00", 0, 8, {{0x70, 2}, {0x72, 2}}},
        {"FPU", "PNP0C04", 0, 13, {{0xf0, 1}}},
        {"KBD", "PNP0303", 0, 1, {{0x60, 1}, {0x64, 1}}},
        {"MOU", "PNP0F13", 0, 12, {{0, 0}}},
        {"COM1", "PNP0501", 1, 4, {{0x3f8, 8}}},
        {"COM2", "PNP0501", 2, 3, {{0x2f8, 8}}},
        /* Fast A20, POST code, SMI command and status, power management. */
        {"MBRD", "PNP0C02", 0, 0, {{0x92, 1}, {0x80, 1}, {0xb2, 2}, {pm_base, 64}}},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
        simple_device(a, devices[i].name, devices[i].id, devices[i].uid, devices[i].ports,
                      devices[i].irq);
}

/* PIRQRC[A:D], configuration registers 60h to 63h of the PIIX3: bit 7 off, else the IRQ. */
static void isa_bridge(struct aml *a, uint16_t pm_base)
{
    size_t device = aml_device(a, "ISA"), field;

    aml_name_integer(a, "_ADR", 0x00010000);
    aml_region(a, "PIRQ", AML_PCI_CONFIG, 0x60, LINKS);
    field = aml_field(a, "PIRQ");
    aml_field_unit(a, "PRQA", 8);
    aml_field_unit(a, "PRQB", 8);
    aml_field_unit(a, "PRQC", 8);
    aml_field_unit(a, "PRQD", 8);
    aml_close(a, field);
    isa_devices(a, pm_base);
    aml_close(a, device);
}

/* _PRT, 6.2.13: {slot, pin, link, 0} with 8259As, {slot, pin, 0, GSI} with the I/O APIC. */
static void routing(struct aml *a, const char *name, bool apic)
{
    size_t all, one;

    aml_name(a, name);
    all = aml_package(a, SLOTS * PINS);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        for (unsigned pin = 0; pin < PINS; pin++) {
            unsigned pirq = pirq_of(slot, pin);
            char link[] = "\\_SB.LNKA";
            link[8] = (char)('A' + pirq);
            one = aml_package(a, 4);
            aml_integer(a, slot << 16 | 0xffff);
            aml_integer(a, pin);
            if (apic)
                aml_integer(a, 0);
            else
                aml_path(a, link);
            aml_integer(a, apic ? BOARD_PIRQ_GSI + pirq : 0);
            aml_close(a, one);
        }
    }
    aml_close(a, all);
}

static void host_bridge(struct aml *a, const struct tables_config *config)
{
    const struct memory_map *map = config->map;
    size_t device = aml_device(a, "PCI0"), resources, method, test;

    aml_name_eisaid(a, "_HID", "PNP0A03");
    aml_name_integer(a, "_UID", 0);
    aml_name(a, "_CRS");
    resources = aml_resources(a);
    aml_bus_range(a, 0, 255);
    aml_io(a, 0xcf8, 8);
    aml_io_range(a, 0, 0xcf7);
    aml_io_range(a, 0xd00, 0xffff);
    aml_memory_range(a, 0xa0000, 0xbffff, true);
    aml_memory_range(a, (uint32_t)(map->high ? MEMORY_HOLE : map->low), 0xfebfffff, false);
    aml_resources_end(a, resources);
    routing(a, "PRTP", false);
    routing(a, "PRTA", true);
    method = aml_method(a, "_PRT", 0, false);
    test = aml_if(a);
    aml_path(a, "\\PICF");
    aml_byte(a, AML_RETURN);
    aml_path(a, "PRTA");
    aml_close(a, test);
    aml_byte(a, AML_RETURN);
    aml_path(a, "PRTP");
    aml_close(a, method);
    isa_bridge(a, config->pm_base);
    aml_close(a, device);
}

/* An interrupt link: how the system routes a PIRQ to an ISA IRQ. 6.2. */
static void link_device(struct aml *a, unsigned n)
{
    /* Where the first interrupt number stands in an extended interrupt descriptor. */
    enum { NUMBER_AT = 5 };
    const uint8_t none = 0;
    char name[] = "LNKA", reg[] = "\\_SB.PCI0.ISA.PRQA";
    size_t device, method, test;

    name[3] = (char)('A' + n);
    reg[17] = (char)('A' + n);
    device = aml_device(a, name);
    aml_name_eisaid(a, "_HID", "PNP0C0F");
    aml_name_integer(a, "_UID", n + 1);
    aml_name(a, "_PRS");
    test = aml_resources(a);
    aml_interrupts(a, link_irqs, ARRAY_SIZE(link_irqs));
    aml_resources_end(a, test);

    method = aml_method(a, "_STA", 0, false);
    test = aml_if(a);
    aml_byte(a, AML_AND);
    aml_path(a, reg);
    aml_integer(a, 0x80);
    aml_byte(a, AML_NOWHERE);
    aml_byte(a, AML_RETURN);
    aml_integer(a, 0x09); /* present, working, not enabled */
    aml_close(a, test);
    aml_byte(a, AML_RETURN);
    aml_integer(a, 0x0b);
    aml_close(a, method);

    method = aml_method(a, "_DIS", 0, false);
    aml_byte(a, AML_OR);
    aml_path(a, reg);
    aml_integer(a, 0x80);
    aml_path(a, reg);
    aml_close(a, method);

    aml_name(a, "BUFF");
    test = aml_resources(a);
    aml_interrupts(a, &none, 1);
    aml_resources_end(a, test);
    method = aml_method(a, "_CRS", 0, true);
    aml_byte(a, AML_CREATE_DWORD_FIELD);
    aml_path(a, "BUFF");
    aml_integer(a, NUMBER_AT);
    aml_path(a, "NUMB");
    aml_byte(a, AML_STORE);
    aml_path(a, reg);
    aml_byte(a, AML_LOCAL0);
    test = aml_if(a);
    aml_byte(a, AML_LESS);
    aml_byte(a, AML_LOCAL0);
    aml_integer(a, 0x80);
    aml_byte(a, AML_STORE);
    aml_byte(a, AML_LOCAL0);
    aml_path(a, "NUMB");
    aml_close(a, test);
    aml_byte(a, AML_RETURN);
    aml_path(a, "BUFF");
    aml_close(a, method);

    method = aml_method(a, "_SRS", 1, true);
    aml_byte(a, AML_CREATE_DWORD_FIELD);
    aml_byte(a, AML_ARG0);
    aml_integer(a, NUMBER_AT);
    aml_path(a, "NUMB");
    aml_byte(a, AML_STORE);
    aml_path(a, "NUMB");
    aml_path(a, reg);
    aml_close(a, method);
    aml_close(a, device);
}

static void processors(struct aml *a, unsigned cpus)
{
    for (unsigned i = 0; i < cpus; i++) {
        char name[16];
        size_t device;
        snprintf(name, sizeof name, "C%03X", i);
        device = aml_device(a, name);
        aml_name(a, "_HID");
        aml_string(a, "ACPI0007");
        aml_name_integer(a, "_UID", i);
        aml_close(a, device);
    }
}

static void dsdt_body(struct aml *a, const struct tables_config *config)
{
    size_t scope, method, package, resources, device;

    /* _PIC tells which interrupt controllers the system uses: 0 8259A, 1 I/O APIC. */
    aml_name_integer(a, "\\PICF", 0);
    method = aml_method(a, "\\_PIC", 1, false);
    aml_byte(a, AML_STORE);
    aml_byte(a, AML_ARG0);
    aml_path(a, "\\PICF");
    aml_close(a, method);

    /* Soft off: SLP_TYP 0 on a PIIX4. */
    aml_name(a, "\\_S5");
    package = aml_package(a, 4);
    for (unsigned i = 0; i < 4; i++)
        aml_integer(a, 0);
    aml_close(a, package);

    scope = aml_scope(a, "\\_SB");
    host_bridge(a, config);
    for (unsigned i = 0; i < LINKS; i++)
        link_device(a, i);
    device = aml_device(a, "HPET");
    aml_name_eisaid(a, "_HID", "PNP0103");
    aml_name_integer(a, "_UID", 0);
    aml_name(a, "_CRS");
    resources = aml_resources(a);
    aml_memory(a, 0xfed00000, 0x400);
    aml_resources_end(a, resources);
    aml_close(a, device);
    processors(a, config->cpus);
    aml_close(a, scope);
}

/* ---- tables ---- */

static uint8_t *room(struct tables *t, size_t size, size_t align)
{
    size_t at = (t->acpi_used + align - 1) & ~(align - 1);

    if (size > MEMORY_TABLES - MEMORY_NVS - at) {
        t->full = true;
        return t->acpi;
    }
    t->acpi_used = at + size;
    return t->acpi + at;
}

static uint64_t address(const struct tables *t, const uint8_t *p)
{
    return t->acpi_at + (uint64_t)(p - t->acpi);
}

static void seal(uint8_t *p, const char *signature, uint32_t length, uint8_t revision)
{
    memcpy(p, signature, 4);
    store32(p + 4, length);
    p[8] = revision;
    p[9] = 0;
    memcpy(p + 10, "MENURA", 6);
    memcpy(p + 16, "MENURAPC", 8);
    store32(p + 24, 1);
    memcpy(p + 28, "MNRA", 4);
    store32(p + 32, 1);
    p[9] = (uint8_t)-bytes_sum(p, length);
}

static uint8_t *dsdt_make(const struct tables_config *config, struct tables *t)
{
    size_t at = (t->acpi_used + 15) & ~(size_t)15;
    struct aml a = {.bytes = t->acpi + at + HEADER,
                    .room = MEMORY_TABLES - MEMORY_NVS - at - HEADER};
    uint8_t *p;

    dsdt_body(&a, config);
    t->full |= a.full;
    p = room(t, HEADER + a.size, 16);
    seal(p, "DSDT", (uint32_t)(HEADER + a.size), 2);
    return p;
}

/* Generic Address Structure in I/O space, 5.2.3.2. */
static void gas_io(uint8_t *p, unsigned port, unsigned bits)
{
    p[0] = 1;
    p[1] = (uint8_t)bits;
    p[3] = bits == 8 ? 1 : bits == 16 ? 2 : 3; /* access size */
    store64(p + 4, port);
}

static uint8_t *fadt_make(struct tables *t, uint16_t pm_base, uint64_t facs,
                          uint64_t dsdt)
{
    enum { LENGTH = 244 };
    enum { WBINVD = 1, PROC_C1 = 1 << 2, SLP_BUTTON = 1 << 5, RESET_REG_SUP = 1 << 10 };
    enum { LEGACY_DEVICES = 1, HAS_8042 = 2, NO_C2 = 101, NO_C3 = 1001 };
    uint8_t *p = room(t, LENGTH, 16);

    store32(p + 36, (uint32_t)facs);
    store32(p + 40, (uint32_t)dsdt);
    p[45] = 1; /* a desktop */
    store16(p + 46, BOARD_SCI);
    store32(p + 48, SMI_COMMAND);
    p[52] = ACPI_ENABLE;
    p[53] = ACPI_DISABLE;
    store32(p + 56, pm_base);       /* PM1a event block */
    store32(p + 64, pm_base + 4u);  /* PM1a control block */
    store32(p + 76, pm_base + 8u);  /* PM timer, 24 bits */
    store32(p + 80, pm_base + 12u); /* GPE0: GPSTS, GPEN */
    p[88] = 4;
    p[89] = 2;
    p[91] = 4;
    p[92] = 4;
    store16(p + 96, NO_C2);
    store16(p + 98, NO_C3);
    p[108] = 0x32; /* CMOS index of the century */
    store16(p + 109, LEGACY_DEVICES | HAS_8042);
    store32(p + 112, WBINVD | PROC_C1 | SLP_BUTTON | RESET_REG_SUP);
    gas_io(p + 116, 0xcf9, 8);
    p[128] = 6; /* reset the CPU, hard */
    store64(p + 140, dsdt);
    gas_io(p + 148, pm_base, 32);
    gas_io(p + 172, pm_base + 4u, 16);
    gas_io(p + 208, pm_base + 8u, 32);
    gas_io(p + 220, pm_base + 12u, 32);
    p[223] = 1; /* GPE registers are accessed by bytes */
    seal(p, "FACP", LENGTH, 3);
    return p;
}

static uint8_t *madt_entry(uint8_t *p, uint8_t type, uint8_t length)
{
    p[0] = type;
    p[1] = length;
    return p + length;
}

static uint8_t *madt_make(const struct tables_config *config, struct tables *t)
{
    enum { LAPIC = 8, IOAPIC = 12, OVERRIDE = 10, LAPIC_NMI = 6, OVERRIDES = 2 };
    enum { ACTIVE_HIGH = 1, LEVEL = 3 << 2 };
    const uint32_t length = 44 + LAPIC * config->cpus + IOAPIC + OVERRIDE * OVERRIDES + LAPIC_NMI;
    uint8_t *p = room(t, length, 16), *e = p + 44;

    store32(p + 36, 0xfee00000);
    store32(p + 40, 1); /* there are 8259As too */
    for (unsigned i = 0; i < config->cpus; i++) {
        e[2] = (uint8_t)i;
        e[3] = (uint8_t)i;
        store32(e + 4, 1); /* enabled */
        e = madt_entry(e, 0, LAPIC);
    }
    store32(e + 4, 0xfec00000);
    e = madt_entry(e, 1, IOAPIC);
    store32(e + 4, 2); /* ISA IRQ 0 comes in on pin 2 */
    e = madt_entry(e, 2, OVERRIDE);
    e[3] = BOARD_SCI;
    store32(e + 4, BOARD_SCI);
    store16(e + 8, ACTIVE_HIGH | LEVEL);
    e = madt_entry(e, 2, OVERRIDE);
    e[2] = 0xff; /* all processors */
    e[5] = 1;    /* LINT1 */
    madt_entry(e, 4, LAPIC_NMI);
    seal(p, "APIC", length, 1);
    return p;
}

static uint8_t *hpet_make(struct tables *t)
{
    enum { LENGTH = 56 };
    uint8_t *p = room(t, LENGTH, 16);

    /* Vendor 8086h, legacy replacement, 64-bit counter, three comparators, revision 1. */
    store32(p + 36, 0x8086a201);
    p[41] = 64;
    store64(p + 44, 0xfed00000);
    seal(p, "HPET", LENGTH, 1);
    return p;
}

void acpi_make(const struct tables_config *config, struct tables *t)
{
    uint8_t *list[3], *dsdt, *facs, *rsdt, *xsdt, *rsdp;
    const unsigned n = ARRAY_SIZE(list);

    t->acpi_at = config->map->tables;
    if (!t->acpi_at)
        return;
    /* The FACS changes while the system runs, so it stands in the part that stays its. */
    facs = t->acpi + MEMORY_TABLES - MEMORY_NVS;
    memcpy(facs, "FACS", 4);
    store32(facs + 4, 64);
    facs[32] = 1;

    dsdt = dsdt_make(config, t);
    list[0] = fadt_make(t, config->pm_base, address(t, facs), address(t, dsdt));
    list[1] = madt_make(config, t);
    list[2] = hpet_make(t);
    rsdt = room(t, HEADER + 4 * n, 16);
    xsdt = room(t, HEADER + 8 * n, 16);
    if (t->full)
        return;
    for (unsigned i = 0; i < n; i++) {
        store32(rsdt + HEADER + 4 * i, (uint32_t)address(t, list[i]));
        store64(xsdt + HEADER + 8 * i, address(t, list[i]));
    }
    seal(rsdt, "RSDT", HEADER + 4 * n, 1);
    seal(xsdt, "XSDT", HEADER + 8 * n, 1);

    t->rsdp = tables_legacy(t, 36, 16, &rsdp);
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "MENURA", 6);
    rsdp[15] = 2;
    store32(rsdp + 16, (uint32_t)address(t, rsdt));
    store32(rsdp + 20, 36);
    store64(rsdp + 24, address(t, xsdt));
    rsdp[8] = (uint8_t)-bytes_sum(rsdp, 20);
    rsdp[32] = (uint8_t)-bytes_sum(rsdp, 36);
}
