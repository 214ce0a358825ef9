/* serial.c - PC16550D universal asynchronous receiver/transmitter.
 *
 * Eight ports. A received character takes its time on the wire, in virtual time; one that
 * is sent takes a microsecond whatever the divisor says, so that a guest neither waits for
 * a wire that is not there nor loses what it has not sent when it powers off. The
 * receiver takes the next character from the other side one character time after the last
 * when there is room for it.
 *
 * The chip receives whatever DTR and RTS say: they only drive pins (datasheet, MODEM
 * CONTROL REGISTER). So a boot sector that polls LSR without raising them gets what a
 * person types; as in QEMU, and unlike on a wire, what finds no room waits. Input from a
 * file, a pipe or a script has no time of its own: it would all be there at power-on, and
 * be lost to a guest that clears its FIFOs. That side waits for DTR or RTS, as a peer
 * with a handshake does; so what the guest sees of it depends on the guest alone.
 * National Semiconductor PC16550D datasheet.
 */
#include "devices/serial.h"

#include "base/fifo.h"

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, PORTS };

enum {
    IER_RECEIVED = 1, IER_EMPTY = 2, IER_LINE = 4, IER_MODEM = 8,
    IIR_NONE = 1, IIR_MODEM = 0, IIR_EMPTY = 2, IIR_RECEIVED = 4, IIR_LINE = 6,
    IIR_TIMEOUT = 0xc, IIR_FIFOS = 0xc0,
    FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4,
    LCR_STOP = 4, LCR_PARITY = 8, LCR_BREAK = 0x40, LCR_DLAB = 0x80,
    MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 0x10,
    LSR_READY = 1, LSR_OVERRUN = 2, LSR_PARITY = 4, LSR_FRAMING = 8, LSR_BREAK = 0x10,
    LSR_THRE = 0x20, LSR_TEMT = 0x40, LSR_ERRORS = 0x1e,
    MSR_DCTS = 1, MSR_DDSR = 2, MSR_TERI = 4, MSR_DDCD = 8, MSR_DELTAS = 15,
    MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80,
    FIFO_DEPTH = 16,
    CRYSTAL = 1843200,
};

#define STATE(_, x)                                                                      \
    _(x, uint8_t, ier, 0, 0x0f, "interrupt enable")                                      \
    _(x, uint8_t, fcr, 0, 0xc9, "FIFO control: bits kept")                               \
    _(x, uint8_t, lcr, 0, 0xff, "line control")                                          \
    _(x, uint8_t, mcr, 0, 0x1f, "modem control")                                         \
    _(x, uint8_t, lsr, 0, LSR_ERRORS, "line status: the error bits")                     \
    _(x, uint8_t, deltas, 0, MSR_DELTAS, "modem status: the delta bits")                 \
    _(x, uint8_t, scr, 0, 0xff, "scratch")                                               \
    _(x, uint16_t, divisor, 12, 0xffff, "divisor latch")                                 \
    _(x, bool, thre_pending, false, 1, "transmitter-empty interrupt not yet taken")      \
    _(x, bool, timeout, false, 1, "characters lie in the FIFO unread")                   \
    _(x, bool, shifting, false, 1, "a character is on the wire")                         \
    _(x, uint8_t, shift, 0, 0xff, "that character")

struct serial {
    STATE(STATE_MEMBER, )
    struct fifo rx, tx;
    struct timer sent, receive, idle;
    struct line irq;
    struct device *self;
    struct chardev *other;
};

/* ---- time ---- */

static struct clock *clock_of(const struct serial *s)
{
    return s->self->bus->clock;
}

/* Ticks that one character lasts: start, 5 to 8 data, parity, stop bits. */
static uint64_t character_ticks(const struct serial *s)
{
    uint32_t bits = 1 + 5 + (s->lcr & 3) + !!(s->lcr & LCR_PARITY) + 1 + !!(s->lcr & LCR_STOP);
    uint32_t divisor = s->divisor ? s->divisor : 1;
    return clock_from_hz(clock_of(s), (uint64_t)bits * divisor * 16, CRYSTAL);
}

enum { SEND_NS = 1000 };

static unsigned depth(const struct serial *s)
{
    return s->fcr & FCR_ENABLE ? FIFO_DEPTH : 1;
}

static unsigned trigger(const struct serial *s)
{
    static const uint8_t level[4] = {1, 4, 8, 14};
    return s->fcr & FCR_ENABLE ? level[s->fcr >> 6] : 1;
}

/* ---- interrupts ---- */

/* The most urgent source, as IIR bits 3:0 (datasheet, Table IV). */
static uint8_t source(const struct serial *s)
{
    if ((s->ier & IER_LINE) && (s->lsr & LSR_ERRORS))
        return IIR_LINE;
    if ((s->ier & IER_RECEIVED) && fifo_count(&s->rx) >= trigger(s))
        return IIR_RECEIVED;
    if ((s->ier & IER_RECEIVED) && s->timeout)
        return IIR_TIMEOUT;
    if ((s->ier & IER_EMPTY) && s->thre_pending)
        return IIR_EMPTY;
    if ((s->ier & IER_MODEM) && s->deltas)
        return IIR_MODEM;
    return IIR_NONE;
}

/* OUT2 gates the interrupt onto the bus, as every PC wires it. */
static void drive(void *dev)
{
    struct serial *s = dev;
    line_set(&s->irq, source(s) != IIR_NONE && (s->mcr & MCR_OUT2) && !(s->mcr & MCR_LOOP));
}

/* ---- receiving ---- */

static void start_idle(struct serial *s)
{
    s->timeout = false;
    if ((s->fcr & FCR_ENABLE) && fifo_count(&s->rx))
        timer_arm(clock_of(s), &s->idle, clock_of(s)->now + 4 * character_ticks(s));
    else
        timer_stop(clock_of(s), &s->idle);
}

static void take(struct serial *s, uint8_t c)
{
    if (fifo_count(&s->rx) >= depth(s))
        s->lsr |= LSR_OVERRUN;
    else
        fifo_push(&s->rx, c);
    start_idle(s);
    drive(s);
}

/* Will the other side send? A person does; others when the guest has said that it will
 * read. RTS says so; DTR alone does when it is followed by the receive interrupt: Linux
 * raises DTR for its console long before it opens the port for reading, and the opening
 * throws away what had come. */
static bool listening(const struct serial *s)
{
    bool wants = (s->mcr & MCR_RTS) || ((s->mcr & MCR_DTR) && (s->ier & IER_RECEIVED));
    return s->other && (wants || s->other->live) && !(s->mcr & MCR_LOOP);
}

static void start_receive(struct serial *s)
{
    if (listening(s) && !s->receive.armed && fifo_count(&s->rx) < depth(s))
        timer_arm(clock_of(s), &s->receive, clock_of(s)->now + character_ticks(s));
}

static void receive_due(void *dev)
{
    struct serial *s = dev;
    int c;

    if (!listening(s) || fifo_count(&s->rx) >= depth(s))
        return;
    c = s->other->get(s->other->owner);
    if (c < 0)
        return; /* kick() starts it again */
    if (c == CHARDEV_BREAK)
        s->lsr |= LSR_BREAK; /* and a zero character (datasheet, LSR bit 4) */
    take(s, (uint8_t)c);
    start_receive(s);
}

static void kick(void *dev)
{
    start_receive(dev);
}

static void idle_due(void *dev)
{
    struct serial *s = dev;
    s->timeout = fifo_count(&s->rx) != 0;
    drive(s);
}

static uint8_t read_rbr(struct serial *s)
{
    uint8_t c = fifo_count(&s->rx) ? fifo_pop(&s->rx) : 0;
    start_idle(s);
    start_receive(s);
    drive(s);
    return c;
}

/* ---- sending ---- */

static void start_shift(struct serial *s)
{
    if (s->shifting || !fifo_count(&s->tx))
        return;
    s->shift = fifo_pop(&s->tx);
    s->shifting = true;
    if (!fifo_count(&s->tx))
        s->thre_pending = true;
    timer_arm(clock_of(s), &s->sent, clock_after_ns(clock_of(s), SEND_NS));
}

static void sent_due(void *dev)
{
    struct serial *s = dev;

    s->shifting = false;
    if (s->mcr & MCR_LOOP)
        take(s, s->shift);
    else if (s->other && !(s->lcr & LCR_BREAK))
        s->other->put(s->other->owner, &s->shift, 1);
    start_shift(s);
    drive(s);
}

static void write_thr(struct serial *s, uint8_t c)
{
    s->thre_pending = false;
    if (fifo_count(&s->tx) < depth(s))
        fifo_push(&s->tx, c);
    start_shift(s);
    drive(s);
}

/* ---- registers ---- */

static uint8_t lsr(const struct serial *s)
{
    return (uint8_t)(s->lsr | (fifo_count(&s->rx) ? LSR_READY : 0) |
                     (fifo_count(&s->tx) ? 0 : LSR_THRE) |
                     (fifo_count(&s->tx) || s->shifting ? 0 : LSR_TEMT));
}

static uint8_t modem_lines(const struct serial *s)
{
    if (s->mcr & MCR_LOOP)
        return (uint8_t)((s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) |
                         (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
    return s->other ? MSR_CTS | MSR_DSR | MSR_DCD : 0;
}

static uint8_t iir(const struct serial *s)
{
    return (uint8_t)(source(s) | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0));
}

/* Registers whose reading changes nothing. */
static bool plain_read(const struct serial *s, unsigned offset, uint64_t *value)
{
    bool dlab = s->lcr & LCR_DLAB;

    switch (offset) {
    case RBR:
        if (!dlab)
            return false;
        *value = s->divisor & 0xff;
        return true;
    case IER: *value = dlab ? s->divisor >> 8 : s->ier; return true;
    case IIR: *value = iir(s); return (*value & 15) != IIR_EMPTY;
    case LCR: *value = s->lcr; return true;
    case MCR: *value = s->mcr; return true;
    case LSR: *value = lsr(s); return !(s->lsr & LSR_ERRORS);
    case MSR: *value = modem_lines(s) | s->deltas; return !s->deltas;
    default: *value = s->scr; return true;
    }
}

static enum io_status peek(const void *dev, struct io *io)
{
    uint64_t value;
    if (io->write || !plain_read(dev, io->offset, &value))
        return IO_DEFER;
    io->value = value;
    return IO_DONE;
}

static uint8_t read_register(struct serial *s, unsigned offset)
{
    uint64_t value = 0;

    if (!plain_read(s, offset, &value)) {
        switch (offset) {
        case RBR: return read_rbr(s);
        case IIR: s->thre_pending = false; break;
        case LSR: s->lsr = 0; break;
        case MSR: s->deltas = 0; break;
        }
        drive(s);
    }
    return (uint8_t)value;
}

static void write_fcr(struct serial *s, uint8_t v)
{
    if ((v ^ s->fcr) & FCR_ENABLE)
        v |= FCR_CLEAR_RX | FCR_CLEAR_TX;
    if (v & FCR_CLEAR_RX) {
        fifo_clear(&s->rx);
        start_idle(s);
    }
    if (v & FCR_CLEAR_TX) {
        fifo_clear(&s->tx);
        s->thre_pending = true;
    }
    s->fcr = v & (v & FCR_ENABLE ? 0xc9 : 0);
    start_receive(s);
}

/* The other side takes a while to see that it may send: systems raise RTS before they
 * have finished setting the port up (Linux clears the FIFOs once more after it). */
enum { NOTICE_NS = 20000000 };

static void write_mcr(struct serial *s, uint8_t v)
{
    uint8_t before = modem_lines(s), change;
    bool was_listening = listening(s);

    s->mcr = v & 0x1f;
    if (!was_listening && listening(s))
        timer_arm(clock_of(s), &s->receive, clock_after_ns(clock_of(s), NOTICE_NS));
    change = before ^ modem_lines(s);
    s->deltas |= (uint8_t)((change >> 4) & (MSR_DCTS | MSR_DDSR | MSR_DDCD));
    if ((before & MSR_RI) && (change & MSR_RI))
        s->deltas |= MSR_TERI;
    start_receive(s);
}

static void write_register(struct serial *s, unsigned offset, uint8_t v)
{
    bool dlab = s->lcr & LCR_DLAB;

    switch (offset) {
    case RBR:
        if (!dlab) {
            write_thr(s, v);
            return;
        }
        s->divisor = (uint16_t)((s->divisor & 0xff00) | v);
        break;
    case IER:
        if (dlab) {
            s->divisor = (uint16_t)((s->divisor & 0xff) | v << 8);
            break;
        }
        /* Enabling it while the holding register is empty gives the interrupt at once. */
        if (!(s->ier & IER_EMPTY) && (v & IER_EMPTY) && !fifo_count(&s->tx))
            s->thre_pending = true;
        s->ier = v & 0x0f;
        start_receive(s);
        break;
    case IIR: write_fcr(s, v); break;
    case LCR: s->lcr = v; break;
    case MCR: write_mcr(s, v); break;
    case SCR: s->scr = v; break;
    default: break; /* LSR and MSR: factory test, ignored */
    }
    drive(s);
}

static enum io_status access(void *dev, struct io *io)
{
    struct serial *s = dev;

    if (io->write)
        write_register(s, io->offset, (uint8_t)io->value);
    else
        io->value = read_register(s, io->offset);
    return IO_DONE;
}

/* ---- the device ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct serial *s = dev;
    (void)e;
    s->self = self;
    s->sent = (struct timer){.due = sent_due, .owner = s};
    s->receive = (struct timer){.due = receive_due, .owner = s};
    s->idle = (struct timer){.due = idle_due, .owner = s};
    return true;
}

void serial_connect(struct device *d, struct chardev *other)
{
    struct serial *s = d->state;
    s->other = other;
    if (other) {
        other->device = s;
        other->kick = kick;
    }
}

const struct device_class serial_class = {
    .name = "serial",
    .title = "16550A serial port",
    .size = sizeof(struct serial),
    .fields = (const struct field[]){
        STATE(STATE_FIELD, serial)
        FIELD_SUBLIST(serial, struct fifo, rx, 1, fifo_fields)
        FIELD_SUBLIST(serial, struct fifo, tx, 1, fifo_fields)
        FIELD_TIMER_ROW(serial, sent, "the character on the wire has left")
        FIELD_TIMER_ROW(serial, receive, "the next character is taken")
        FIELD_TIMER_ROW(serial, idle, "four characters of silence")
        {0}},
    .regions = (const struct region[]){
        {"serial", 0, PORTS, peek, access, .unmapped = true}, {0}},
    .pins = (const struct pin[]){{"irq", .offset = offsetof(struct serial, irq)}, {0}},
    .init = init,
    .drive = drive,
};
