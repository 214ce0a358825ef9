/* piix4_pm.c - power management: ACPI event and control blocks, PM timer, SMI commands.
 *
 * PCI device 8086:7113, an I/O block of 64 bytes where PMBA says, and ports B2h-B3h.
 * Intel 82371AB (PIIX4) data sheet (290562), chapter 7; ACPI 6.4, 4.8. The SMBus half
 * of the chip is not there: its enable bit (D2h) does not stick.
 */
#include "chipset/piix4_pm.h"
#include "base/byteorder.h"
#include "chipset/deadline.h"

enum { PM_HZ = 3579545, TMR_MSB = 23 };
enum { PMBA = 0x40, DEVACTB = 0x58, PMREGMISC = 0x80, PMIOSE = 1, APMC_EN = 1 << 1 };
enum {
    PMSTS = 0,
    PMEN = 2,
    PMCNTRL = 4,
    PMTMR = 8,
    GPSTS = 0xc,
    GPEN = 0xe,
    PCNTRL = 0x10,
    GLBSTS = 0x18,
    DEVSTS = 0x1c,
    GLBEN = 0x20,
    GLBCTL = 0x28,
    DEVCTL = 0x2c,
    GPIREG = 0x30,
    GPOREG = 0x34,
    BLOCK = 0x40
};
enum {
    TMR = 1 << 0,
    BM = 1 << 4,
    GBL = 1 << 5,
    PWRBTN = 1 << 8,
    RTC = 1 << 10,
    WAK = 1 << 15,
    EVENTS = TMR | BM | GBL | PWRBTN | RTC | WAK,
    ENABLES = TMR | GBL | PWRBTN | RTC
};
enum { SCI_EN = 1 << 0, SLP_EN = 1 << 13, SLP_TYP = 7 << 10, CONTROL = 0x1c03 };
enum { SLEEP_OFF = 0, SLEEP_SUSPEND_TO_RAM = 1 };
enum { ACPI_ENABLE = 0xf1, ACPI_DISABLE = 0xf0 };
enum { GPES = 16, POWER_BUTTON = 16 };

#define STATE(_, x)                                                                    \
    _(x, uint16_t, sts, 0, EVENTS, "PMSTS")                                            \
    _(x, uint16_t, en, 0, ENABLES, "PMEN")                                             \
    _(x, uint16_t, control, 0, CONTROL, "PMCNTRL without SLP_EN")                      \
    _(x, uint16_t, gpsts, 0, 0xffff, "GPSTS")                                          \
    _(x, uint16_t, gpen, 0, 0xffff, "GPEN")                                            \
    _(x, uint16_t, gpe, 0, 0xffff, "levels of the general-purpose event pins")         \
    _(x, uint8_t, held, 0, 0xff, "block registers that only hold their value", BLOCK)  \
    _(x, uint8_t, apmc, 0, 0xff, "B2h: the last SMI command")                          \
    _(x, uint8_t, apms, 0, 0xff, "B3h: status that SMM and others pass on")            \
    _(x, uint64_t, carries, 0, UINT64_MAX, "changes of the timer's top bit counted")

struct piix4_pm {
    STATE(STATE_MEMBER, )
    struct pci_function pci;
    struct line sci, smi, power_off;
    struct timer timer;
    struct bus *bus;
    uint16_t wire_gpe; /* the pins as they are: a reset does not move them */
    bool said_sleep;
};

static uint64_t pm_time(const struct piix4_pm *p)
{
    return clock_to_hz(p->bus->clock, p->bus->clock->now, PM_HZ);
}

/* TMR_STS is set whenever bit 23 changes, either way (ACPI 4.8.3.3). */
static void catch_up(struct piix4_pm *p)
{
    uint64_t carries = pm_time(p) >> TMR_MSB;

    if (carries != p->carries)
        p->sts |= TMR;
    p->carries = carries;
}

static void update(struct piix4_pm *p)
{
    struct clock *clock = p->bus->clock;
    bool event = (p->sts & p->en & ENABLES) || (p->gpsts & p->gpen);

    line_set(&p->sci, event && (p->control & SCI_EN));
    if ((p->en & TMR) && !(p->sts & TMR))
        deadline_set(clock, &p->timer,
                     clock_from_hz(clock, (p->carries + 1) << TMR_MSB, PM_HZ));
    else
        timer_stop(clock, &p->timer);
}

static void due(void *owner)
{
    catch_up(owner);
    update(owner);
}

static void sleep(struct piix4_pm *p, unsigned type)
{
    if (type == SLEEP_OFF) {
        line_set(&p->power_off, true);
        line_set(&p->power_off, false);
        return;
    }
    /* PIIX4 encodes S3 as 1 and S1 as 2 to 4; no wake-up path is wired here. */
    log_unimplemented(p->bus->log, "piix4_pm", &p->said_sleep,
                      "sleep states other than soft off");
}

static void put(uint16_t *reg, bool high, uint8_t v)
{
    *reg = (uint16_t)(high ? (*reg & 0xff) | v << 8 : (*reg & 0xff00) | v);
}

static uint8_t byte_of(uint32_t reg, unsigned offset)
{
    return (uint8_t)(reg >> 8 * (offset & 3));
}

static uint8_t read_block(const struct piix4_pm *p, unsigned offset)
{
    switch (offset & ~1u) {
    case PMSTS: return byte_of(p->sts, offset & 1);
    case PMEN: return byte_of(p->en, offset & 1);
    case PMCNTRL: return byte_of(p->control, offset & 1);
    case PMTMR:
    case PMTMR + 2: return byte_of((uint32_t)pm_time(p) & 0xffffff, offset);
    case GPSTS: return byte_of(p->gpsts, offset & 1);
    case GPEN: return byte_of(p->gpen, offset & 1);
    default: return p->held[offset & (BLOCK - 1)];
    }
}

/* A level that is still there sets its status again at once. */
static void sample(struct piix4_pm *p)
{
    p->gpsts |= p->gpe;
}

static void write_block(struct piix4_pm *p, unsigned offset, uint8_t v)
{
    bool high = offset & 1;
    uint16_t clear = (uint16_t)(high ? v << 8 : v);

    switch (offset & ~1u) {
    case PMSTS: p->sts &= (uint16_t)~clear; break;
    case PMEN:
        put(&p->en, high, v);
        p->en &= ENABLES;
        break;
    case PMCNTRL:
        put(&p->control, high, v);
        p->control &= CONTROL;
        if (high && (clear & SLP_EN))
            sleep(p, (p->control & SLP_TYP) >> 10);
        break;
    case GPSTS:
        p->gpsts &= (uint16_t)~clear;
        sample(p);
        break;
    case GPEN: put(&p->gpen, high, v); break;
    case GLBEN:
    case GLBEN + 2:
    case GLBCTL:
    case GLBCTL + 2:
    case DEVCTL:
    case DEVCTL + 2:
    case PCNTRL:
    case PCNTRL + 2:
    case GPOREG:
    case GPOREG + 2: p->held[offset] = v; break;
    default: break; /* the timer, inputs, and status of what is not there */
    }
}

static enum io_status peek_block(const void *dev, struct io *io)
{
    const struct piix4_pm *p = dev;

    if (io->write || (io->offset <= PMSTS + 1 && pm_time(p) >> TMR_MSB != p->carries))
        return IO_DEFER;
    io->value = 0;
    for (unsigned i = 0; i < io->size; i++)
        io->value |= (uint64_t)read_block(p, io->offset + i) << 8 * i;
    return IO_DONE;
}

static enum io_status access_block(void *dev, struct io *io)
{
    struct piix4_pm *p = dev;

    if (peek_block(dev, io) == IO_DONE)
        return IO_DONE;
    catch_up(p);
    if (io->write) {
        for (unsigned i = 0; i < io->size; i++)
            write_block(p, io->offset + i, (uint8_t)(io->value >> 8 * i));
    } else {
        return peek_block(dev, io);
    }
    update(p);
    return IO_DONE;
}

static enum io_status peek_apm(const void *dev, struct io *io)
{
    const struct piix4_pm *p = dev;

    if (io->write)
        return IO_DEFER;
    io->value = io->offset ? p->apms : p->apmc;
    return IO_DONE;
}

static enum io_status access_apm(void *dev, struct io *io)
{
    struct piix4_pm *p = dev;

    if (!io->write)
        return peek_apm(dev, io);
    if (io->offset) {
        p->apms = (uint8_t)io->value;
        return IO_DONE;
    }
    p->apmc = (uint8_t)io->value;
    catch_up(p);
    /* On a real board an SMI handler turns ACPI on and off by setting SCI_EN. Firmware
     * without one (ours, and SeaBIOS, which counts on this) expects the chip to do it.
     */
    if (p->apmc == ACPI_ENABLE)
        p->control |= SCI_EN;
    else if (p->apmc == ACPI_DISABLE)
        p->control &= (uint16_t)~SCI_EN;
    update(p);
    if (p->pci.config[DEVACTB + 3] & APMC_EN) {
        line_set(&p->smi, true);
        line_set(&p->smi, false);
    }
    return IO_DONE;
}

static void moved(void *dev, unsigned n, bool level)
{
    struct piix4_pm *p = dev;
    uint16_t bit = (uint16_t)(n < GPES ? 1u << n : 0);

    p->gpe = (uint16_t)(level ? p->gpe | bit : p->gpe & ~bit);
    p->wire_gpe = p->gpe;
    if (!p->bus)
        return;
    if (n == POWER_BUTTON && level)
        p->sts |= PWRBTN;
    sample(p);
    update(p);
}

/* The block answers where PMBA says while PMREGMISC enables it, whatever the command
 * register holds (82371AB, PMBA). */
static uint16_t base_of(const struct piix4_pm *p)
{
    return p->pci.config[PMREGMISC] & PMIOSE ? load16(p->pci.config + PMBA) & 0xffc0 : 0;
}

static void follow_base(struct piix4_pm *p)
{
    uint16_t base = base_of(p);

    device_map(p->pci.self, 0, base ? base : UINT64_MAX);
}

static void written(void *owner, unsigned offset, unsigned size)
{
    if ((offset < PMBA + 4 && offset + size > PMBA) ||
        (offset <= PMREGMISC && offset + size > PMREGMISC))
        follow_base(owner);
}

static bool init(void *dev, struct device *self, struct error *e)
{
    static const struct pci_identity identity = {.vendor = 0x8086,
                                                 .device = 0x7113,
                                                 .revision = 3,
                                                 .class_code = 0x068000,
                                                 .interrupt_pin = 1};
    struct piix4_pm *p = dev;
    struct pci_function *f = &p->pci;
    (void)e;

    p->bus = self->bus;
    p->timer.due = due;
    p->timer.owner = p;
    pci_function_init(f, self, p, &identity);
    pci_writable(f, PCI_COMMAND, 2, 0, 0x0001);
    pci_writable(f, PCI_STATUS, 2, 0x0280, 0);
    pci_writable(f, PMBA, 4, 1, 0xffc0);
    pci_writable(f, 0x44, 4, 0, 0xffffffff); /* CNTA */
    pci_writable(f, 0x48, 4, 0, 0xffffffff); /* CNTB */
    pci_writable(f, 0x4c, 4, 0, 0xffffffff); /* GPICTL */
    pci_writable(f, 0x50, 4, 0, 0xffffffff); /* DEVRESD */
    pci_writable(f, 0x54, 4, 0, 0xffffffff); /* DEVACTA */
    pci_writable(f, DEVACTB, 4, 0, 0xffffffff);
    for (unsigned at = 0x5c; at < PMREGMISC; at += 4) /* DEVRESA to DEVRESJ */
        pci_writable(f, at, 4, 0, 0xffffffff);
    pci_writable(f, PMREGMISC, 1, 0, PMIOSE);
    pci_writable(f, 0x90, 4, 1, 0xfff0); /* SMBBA */
    f->written = written;
    return true;
}

static void reset(void *dev)
{
    struct piix4_pm *p = dev;

    pci_function_reset(&p->pci);
    p->carries = pm_time(p) >> TMR_MSB;
    p->gpe = p->wire_gpe;
}

static void drive(void *dev)
{
    struct piix4_pm *p = dev;

    p->wire_gpe = p->gpe;
    pci_function_drive(&p->pci);
    follow_base(p);
    update(p);
}

static void release(void *dev)
{
    struct piix4_pm *p = dev;

    if (p->bus)
        timer_stop(p->bus->clock, &p->timer);
}

struct pci_function *piix4_pm_pci(struct device *d)
{
    return &((struct piix4_pm *)d->state)->pci;
}

uint16_t piix4_pm_base(struct device *d)
{
    return base_of(d->state);
}

void piix4_pm_set_base(struct device *d, uint16_t base)
{
    struct piix4_pm *p = d->state;

    store16(p->pci.config + PMBA, (uint16_t)((base & 0xffc0) | 1));
    p->pci.config[PMREGMISC] |= PMIOSE;
    follow_base(p);
}

const struct device_class piix4_pm_class = {
    .name = "piix4_pm",
    .title = "82371AB power management",
    .size = sizeof(struct piix4_pm),
    .fields = (const struct field[]){STATE(STATE_FIELD, piix4_pm) FIELD_TIMER_ROW(
        piix4_pm, timer, "PM timer's carry")
                                         FIELD_SUBLIST(piix4_pm, struct pci_function,
                                                       pci, 1, pci_function_fields){0}},
    .regions =
        (const struct region[]){
            {"pm", 0, BLOCK, peek_block, access_block, .max_size = 4, .unmapped = true},
            {"apm", 0xb2, 2, peek_apm, access_apm},
            {0},
        },
    .pins =
        (const struct pin[]){
            {"intx", .offset = offsetof(struct piix4_pm, pci.intx)},
            {"sci", .offset = offsetof(struct piix4_pm, sci)},
            {"smi", .offset = offsetof(struct piix4_pm, smi)},
            {"power_off", .offset = offsetof(struct piix4_pm, power_off)},
            {"gpe%u", .moved = moved, .count = GPES},
            {"power_button", .moved = moved, .n = POWER_BUTTON},
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
    .free = release,
};
