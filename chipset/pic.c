/* pic.c - the interrupt controllers: two 8259As, the second on level 2 of the first.
 *
 * I/O ports 20h-21h and A0h-A1h, and the edge/level registers at 4D0h-4D1h. Intel 8259A
 * data sheet (231468); 82371SB (PIIX3) data sheet, ELCR1 and ELCR2.
 */
#include "chipset/pic.h"

enum { CASCADE = 2, SPURIOUS = 7, MASTER = 0, SLAVE = 1 };
enum { ICW1_IC4 = 1, ICW1_SNGL = 2, ICW1_LTIM = 8, ICW1 = 0x10 };
enum { ICW4_AEOI = 2, ICW4_SFNM = 0x10 };
enum {
    OCW3 = 8,
    OCW3_RIS = 1,
    OCW3_RR = 2,
    OCW3_P = 4,
    OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40
};
enum { EOI = 1, SPECIFIC = 2, ROTATE = 4 }; /* OCW2 bits 7:5 */

#define CHIP_STATE(_, x)                                                               \
    _(x, uint8_t, irr, 0, 0xff, "interrupt request register")                          \
    _(x, uint8_t, isr, 0, 0xff, "in-service register")                                 \
    _(x, uint8_t, imr, 0, 0xff, "interrupt mask register (OCW1)")                      \
    _(x, uint8_t, levels, 0, 0xff, "what the IR pins were last seen to be")            \
    _(x, uint8_t, elcr, 0, 0xff, "1: level triggered")                                 \
    _(x, uint8_t, base, 0, 0xf8, "vector of IR0 (ICW2)")                               \
    _(x, uint8_t, lowest, 7, 7, "the level of lowest priority")                        \
    _(x, uint8_t, expect, 0, 4, "the ICW that the data port takes next; 0: OCW1")      \
    _(x, bool, ic4, false, 1, "ICW1 announced an ICW4")                                \
    _(x, bool, single, false, 1, "ICW1 announced no ICW3")                             \
    _(x, bool, ltim, false, 1, "ICW1: all inputs level triggered")                     \
    _(x, bool, aeoi, false, 1, "automatic end of interrupt")                           \
    _(x, bool, sfnm, false, 1, "special fully nested mode")                            \
    _(x, bool, rotate, false, 1, "rotate in automatic end of interrupt")               \
    _(x, bool, smm, false, 1, "special mask mode")                                     \
    _(x, bool, poll, false, 1, "the next read is a poll")                              \
    _(x, bool, read_isr, false, 1, "the command port reads ISR, not IRR")

struct chip {
    CHIP_STATE(STATE_MEMBER, )
};

struct pic {
    struct chip chip[2];
    struct line intr;
    struct intc intc;
    uint8_t wire[2]; /* the IR pins as they are: a reset does not move them */
};

static const struct field chip_fields[] = {CHIP_STATE(STATE_FIELD, chip){0}};

/* Bits 0, 1, 2, 8 and 13 belong to the board: always edge (PIIX3, ELCR). */
static const uint8_t elcr_mask[2] = {0xf8, 0xde};

static uint8_t level_triggered(const struct chip *c)
{
    return c->ltim ? 0xff : c->elcr;
}

/* The level of highest priority in `set`, or -1. */
static int highest(const struct chip *c, uint8_t set)
{
    for (unsigned i = 1; i <= 8; i++) {
        unsigned n = (c->lowest + i) & 7;
        if (set >> n & 1)
            return (int)n;
    }
    return -1;
}

static unsigned rank(const struct chip *c, int n)
{
    return n < 0 ? 8 : (unsigned)(n - c->lowest - 1) & 7;
}

/* The request that INT stands for, or -1. In special mask mode a masked level in
 * service holds nobody back; in special fully nested mode the slave may interrupt
 * itself. */
static int request(const struct pic *p, unsigned which)
{
    const struct chip *c = &p->chip[which];
    int n = highest(c, c->irr & (uint8_t)~c->imr);
    uint8_t service = c->isr;

    if (c->smm)
        service &= (uint8_t)~c->imr;
    if (c->sfnm && which == MASTER)
        service &= (uint8_t) ~(1u << CASCADE);
    return rank(c, n) < rank(c, highest(c, service)) ? n : -1;
}

static void input(struct chip *c, unsigned n, bool level)
{
    uint8_t bit = (uint8_t)(1u << n);
    bool was = c->levels & bit;

    c->levels = level ? c->levels | bit : c->levels & (uint8_t)~bit;
    /* A request that goes away before its INTA is forgotten, and the INTA finds the
     * spurious level 7 (8259A, "Interrupt sequence"). */
    if (!level)
        c->irr &= (uint8_t)~bit;
    else if (!was || (level_triggered(c) & bit))
        c->irr |= bit;
}

static void update(struct pic *p)
{
    input(&p->chip[MASTER], CASCADE, request(p, SLAVE) >= 0);
    line_set(&p->intr, request(p, MASTER) >= 0);
}

static void moved(void *dev, unsigned n, bool level)
{
    struct pic *p = dev;
    uint8_t bit = (uint8_t)(1u << (n & 7));

    if (n == CASCADE)
        return;
    p->wire[n >> 3] = level ? p->wire[n >> 3] | bit : p->wire[n >> 3] & (uint8_t)~bit;
    input(&p->chip[n >> 3], n & 7, level);
    update(p);
}

/* One chip's INTA: the level, in service from now on unless AEOI. */
static unsigned acknowledge(struct pic *p, unsigned which)
{
    struct chip *c = &p->chip[which];
    int n = request(p, which);
    uint8_t bit;

    if (n < 0)
        return SPURIOUS;
    bit = (uint8_t)(1u << n);
    if (!(level_triggered(c) & bit))
        c->irr &= (uint8_t)~bit;
    if (!c->aeoi)
        c->isr |= bit;
    else if (c->rotate)
        c->lowest = (uint8_t)n;
    return (unsigned)n;
}

uint8_t pic_acknowledge(void *pic)
{
    struct pic *p = pic;
    unsigned n = acknowledge(p, MASTER), which = MASTER;

    if (n == CASCADE) {
        n = acknowledge(p, SLAVE);
        which = SLAVE;
        /* The slave's INT falls with its INTA, so that the next request is an edge. */
        input(&p->chip[MASTER], CASCADE, false);
    }
    line_set(&p->intr, false);
    update(p);
    return (uint8_t)(p->chip[which].base + n);
}

static void end_of_interrupt(struct chip *c, unsigned command)
{
    unsigned n = command & 7;
    uint8_t service = c->smm ? c->isr & (uint8_t)~c->imr : c->isr;
    int top;

    switch (command >> 5) {
    case 0: c->rotate = false; break;
    case ROTATE: c->rotate = true; break;
    case EOI:
    case EOI | ROTATE:
        top = highest(c, service);
        if (top < 0)
            break;
        c->isr &= (uint8_t) ~(1u << top);
        if (command >> 5 & ROTATE)
            c->lowest = (uint8_t)top;
        break;
    case EOI | SPECIFIC: c->isr &= (uint8_t) ~(1u << n); break;
    case EOI | SPECIFIC | ROTATE:
        c->isr &= (uint8_t) ~(1u << n);
        c->lowest = (uint8_t)n;
        break;
    case SPECIFIC | ROTATE: c->lowest = (uint8_t)n; break;
    default: break; /* 010: no operation */
    }
}

static void write_command(struct chip *c, uint8_t v)
{
    if (v & ICW1) {
        /* 8259A, "Initialization command words 1 and 2": a) to f). */
        c->irr = c->isr = c->imr = 0;
        c->lowest = 7;
        c->smm = c->read_isr = c->poll = false;
        c->ic4 = v & ICW1_IC4;
        c->single = v & ICW1_SNGL;
        c->ltim = v & ICW1_LTIM;
        if (!c->ic4)
            c->aeoi = c->sfnm = false;
        c->rotate = false;
        c->expect = 2;
        c->irr = c->levels & level_triggered(c);
    } else if (v & OCW3) {
        if (v & OCW3_P)
            c->poll = true;
        else if (v & OCW3_RR)
            c->read_isr = v & OCW3_RIS;
        if (v & OCW3_ESMM)
            c->smm = v & OCW3_SMM;
    } else {
        end_of_interrupt(c, v);
    }
}

static void write_data(struct chip *c, uint8_t v)
{
    switch (c->expect) {
    case 2:
        c->base = v & 0xf8;
        c->expect = !c->single ? 3 : c->ic4 ? 4 : 0;
        break;
    case 3: /* which levels have slaves: soldered on this board */
        c->expect = c->ic4 ? 4 : 0;
        break;
    case 4:
        c->aeoi = v & ICW4_AEOI;
        c->sfnm = v & ICW4_SFNM;
        c->expect = 0;
        break;
    default: c->imr = v; break;
    }
}

static uint8_t visible(const struct chip *c, unsigned offset)
{
    return offset ? c->imr : c->read_isr ? c->isr : c->irr;
}

static enum io_status peek_chip(const struct chip *c, struct io *io)
{
    if (io->write || c->poll) /* a poll is an INTA */
        return IO_DEFER;
    io->value = visible(c, io->offset);
    return IO_DONE;
}

static enum io_status access_chip(struct pic *p, unsigned which, struct io *io)
{
    struct chip *c = &p->chip[which];

    if (!io->write && !c->poll) {
        io->value = visible(c, io->offset);
        return IO_DONE;
    }
    if (!io->write) {
        c->poll = false;
        io->value = 0;
        if (request(p, which) >= 0)
            io->value = 0x80 | acknowledge(p, which);
    } else if (io->offset) {
        write_data(c, (uint8_t)io->value);
    } else {
        write_command(c, (uint8_t)io->value);
    }
    update(p);
    return IO_DONE;
}

static enum io_status peek_master(const void *dev, struct io *io)
{
    return peek_chip(&((const struct pic *)dev)->chip[MASTER], io);
}

static enum io_status access_master(void *dev, struct io *io)
{
    return access_chip(dev, MASTER, io);
}

static enum io_status peek_slave(const void *dev, struct io *io)
{
    return peek_chip(&((const struct pic *)dev)->chip[SLAVE], io);
}

static enum io_status access_slave(void *dev, struct io *io)
{
    return access_chip(dev, SLAVE, io);
}

static enum io_status peek_elcr(const void *dev, struct io *io)
{
    const struct pic *p = dev;

    if (io->write)
        return IO_DEFER;
    io->value = p->chip[io->offset & 1].elcr;
    return IO_DONE;
}

static enum io_status access_elcr(void *dev, struct io *io)
{
    struct pic *p = dev;
    struct chip *c = &p->chip[io->offset & 1];

    if (!io->write)
        return peek_elcr(dev, io);
    c->elcr = (uint8_t)io->value & elcr_mask[io->offset & 1];
    c->irr |= c->levels & c->elcr;
    update(p);
    return IO_DONE;
}

static void reset(void *dev)
{
    struct pic *p = dev;

    /* The data sheet leaves power-on open; no interrupt comes before ICW1. */
    for (unsigned i = 0; i < 2; i++) {
        p->chip[i].imr = 0xff;
        p->chip[i].levels = p->wire[i];
    }
}

static void drive(void *dev)
{
    struct pic *p = dev;

    for (unsigned i = 0; i < 2; i++)
        p->wire[i] = p->chip[i].levels;
    line_set(&p->intr, request(p, MASTER) >= 0);
}

static bool no_msr_get(void *owner, uint32_t msr, uint64_t *value)
{
    (void)owner, (void)msr, (void)value;
    return false;
}

static bool no_msr_set(void *owner, uint32_t msr, uint64_t value)
{
    (void)owner, (void)msr, (void)value;
    return false;
}

static uint8_t no_tpr_get(void *owner)
{
    (void)owner;
    return 0;
}

static void no_tpr_set(void *owner, uint8_t cr8)
{
    (void)owner, (void)cr8;
}

static uint64_t no_base_get(void *owner)
{
    (void)owner;
    return 0;
}

static bool no_base_set(void *owner, uint64_t value)
{
    (void)owner;
    return value == 0;
}

static bool init(void *dev, struct device *self, struct error *e)
{
    struct pic *p = dev;
    (void)self, (void)e;
    p->intc = (struct intc){p,           pic_acknowledge, no_tpr_get, no_tpr_set,
                            no_base_get, no_base_set,     no_msr_get, no_msr_set};
    return true;
}

struct intc *pic_intc(struct device *pic)
{
    return &((struct pic *)pic->state)->intc;
}

const struct device_class pic_class = {
    .name = "pic",
    .title = "8259A interrupt controllers",
    .size = sizeof(struct pic),
    .fields = (const struct field[]){FIELD_SUBLIST(pic, struct chip, chip, 2,
                                                   chip_fields){0}},
    .regions =
        (const struct region[]){
            {"pic-master", 0x20, 2, peek_master, access_master},
            {"pic-slave", 0xa0, 2, peek_slave, access_slave},
            {"elcr", 0x4d0, 2, peek_elcr, access_elcr},
            {0},
        },
    .pins =
        (const struct pin[]){
            {"int", .offset = offsetof(struct pic, intr)},
            {"ir%u", .moved = moved, .count = 16},
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
};
