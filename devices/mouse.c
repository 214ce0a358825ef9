/* mouse.c - a PS/2 mouse, as IntelliMouse when its driver asks for that.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Auxiliary Device Controller"; the
 * wheel and the fourth and fifth buttons as Microsoft added them (a sequence of sample
 * rates unlocks them and changes the identification).
 */
#include "devices/mouse.h"

#include "base/fifo.h"

enum command {
    SCALING_1_1 = 0xe6,
    SCALING_2_1 = 0xe7,
    SET_RESOLUTION = 0xe8,
    STATUS_REQUEST = 0xe9,
    SET_STREAM = 0xea,
    READ_DATA = 0xeb,
    RESET_WRAP = 0xec,
    SET_WRAP = 0xee,
    SET_REMOTE = 0xf0,
    READ_ID = 0xf2,
    SET_RATE = 0xf3,
    ENABLE = 0xf4,
    DISABLE = 0xf5,
    SET_DEFAULT = 0xf6,
    RESEND = 0xfe,
    RESET = 0xff,
};

enum { ACK = 0xfa, BAT_PASSED = 0xaa };
enum { ID_PLAIN = 0, ID_WHEEL = 3, ID_FIVE = 4 };
enum { STREAM, REMOTE };

enum {
    REST = 0x8000,     /* no movement, in the counters below */
    FARTHEST = 0x7fff, /* the most that waits */
    STEP = 255,        /* the most one packet carries: nine bits with sign */
    NOTCHES = 7,       /* the most wheel one packet carries */
    BUTTONS = 0x1f,
    BAT_NS = 10000000,
    PACKETS = 12, /* bytes of packets that may wait: three of four bytes */
};

#define STATE(_, x)                                                                    \
    _(x, uint16_t, dx, REST, 0xffff, "movement not yet sent, right, from 8000h")       \
    _(x, uint16_t, dy, REST, 0xffff, "movement not yet sent, up, from 8000h")          \
    _(x, uint16_t, dz, REST, 0xffff,                                                   \
      "wheel not yet sent, towards the user, from 8000h")                              \
    _(x, uint8_t, buttons, 0, BUTTONS, "buttons that are down")                        \
    _(x, uint8_t, told, 0, BUTTONS, "buttons as sent last")                            \
    _(x, uint8_t, id, ID_PLAIN, ID_FIVE, "identification: 0, 3 wheel, 4 five buttons") \
    _(x, uint8_t, unlock, 0, 0xff, "how far the sequence of rates has come")           \
    _(x, uint8_t, mode, STREAM, REMOTE, "1: sends only when asked")                    \
    _(x, bool, wrap, false, 1, "echoes what it gets")                                  \
    _(x, bool, enabled, false, 1, "reports in stream mode")                            \
    _(x, bool, scaling, false, 1, "2:1")                                               \
    _(x, uint8_t, resolution, 2, 3, "counts per millimetre, as a power of two")        \
    _(x, uint8_t, rate, 100, 0xff, "reports a second")                                 \
    _(x, uint8_t, command, 0, 0xff, "the command that waits for its byte, or 0")       \
    _(x, uint8_t, last, 0, 0xff, "the byte sent last")

struct mouse {
    STATE(STATE_MEMBER, )
    struct fifo answers, packets;
    struct timer sample, test;
    struct device *self;
    struct ps2_wire wire;
};

static struct clock *clock_of(const struct mouse *m)
{
    return m->self->bus->clock;
}

/* ---- movement ---- */

static int clamp(int64_t v, int most)
{
    return v > most ? most : v < -most ? -most : (int)v;
}

static void move(uint16_t *counter, int64_t by)
{
    *counter = (uint16_t)(REST + clamp((int64_t)*counter - REST + by, FARTHEST));
}

/* Takes at most `most` from a counter. */
static int take(uint16_t *counter, int most)
{
    int v = clamp((int)*counter - REST, most);
    move(counter, -v);
    return v;
}

/* 2:1 scaling, in stream mode only: small movements count less. */
static int scale(const struct mouse *m, int v)
{
    static const uint8_t small[6] = {0, 1, 1, 3, 6, 9};
    int size = v < 0 ? -v : v;

    if (!m->scaling || m->mode != STREAM)
        return v;
    size = size < 6 ? small[size] : 2 * size;
    if (size > STEP)
        size = STEP;
    return v < 0 ? -size : size;
}

static bool changed(const struct mouse *m)
{
    return m->dx != REST || m->dy != REST || (m->id && m->dz != REST) ||
           m->buttons != m->told;
}

static void packet(struct mouse *m, struct fifo *to)
{
    int x = scale(m, take(&m->dx, STEP)), y = scale(m, take(&m->dy, STEP)), z;

    fifo_push(
        to, (uint8_t)((m->buttons & 7) | 8 | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)));
    fifo_push(to, (uint8_t)(x & 0xff));
    fifo_push(to, (uint8_t)(y & 0xff));
    m->told = m->buttons;
    if (m->id == ID_PLAIN) {
        m->dz = REST;
        return;
    }
    z = take(&m->dz, NOTCHES);
    if (m->id == ID_FIVE)
        fifo_push(
            to, (uint8_t)((z & 0x0f) | (m->buttons & (MOUSE_SIDE | MOUSE_EXTRA)) << 1));
    else
        fifo_push(to, (uint8_t)(z & 0xff));
}

/* At most one packet per sample time, and none while older ones wait. */
static void report(struct mouse *m)
{
    uint32_t rate = m->rate ? m->rate : 100;

    if (m->mode != STREAM || !m->enabled || !changed(m) || m->sample.armed)
        return;
    if (fifo_count(&m->packets) <= PACKETS - 4) {
        packet(m, &m->packets);
        ps2_attention(&m->wire);
    }
    timer_arm(clock_of(m), &m->sample,
              clock_of(m)->now + clock_from_hz(clock_of(m), 1, rate));
}

static void sample_due(void *dev)
{
    report(dev);
}

void mouse_move(struct device *d, int dx, int dy, int wheel, unsigned buttons)
{
    struct mouse *m = d->state;

    move(&m->dx, dx);
    move(&m->dy, -(int64_t)dy);
    move(&m->dz, -(int64_t)wheel);
    m->buttons = buttons & BUTTONS;
    report(m);
}

/* ---- commands ---- */

static void answer(struct mouse *m, uint8_t byte)
{
    fifo_push(&m->answers, byte);
}

static void forget_movement(struct mouse *m)
{
    m->dx = m->dy = m->dz = REST;
    fifo_clear(&m->packets);
}

static void set_default(struct mouse *m)
{
    forget_movement(m);
    m->rate = 100;
    m->resolution = 2;
    m->scaling = m->enabled = m->wrap = false;
    m->mode = STREAM;
    timer_stop(clock_of(m), &m->sample);
}

static void reset_command(struct mouse *m)
{
    set_default(m);
    m->id = ID_PLAIN;
    m->unlock = 0;
    fifo_clear(&m->answers);
    answer(m, ACK);
    timer_arm(clock_of(m), &m->test, clock_after_ns(clock_of(m), BAT_NS));
}

static void test_due(void *dev)
{
    struct mouse *m = dev;
    answer(m, BAT_PASSED);
    answer(m, m->id);
    ps2_attention(&m->wire);
}

/* 200, 100, 80 unlock the wheel; 200, 200, 80 the buttons on the side. unlock is the
 * rates so far, two bits each: 1 for 200, 2 for 100, 3 for 80. */
static void set_rate(struct mouse *m, uint8_t rate)
{
    unsigned digit = rate == 200 ? 1 : rate == 100 ? 2 : rate == 80 ? 3 : 0;

    m->rate = rate;
    m->unlock = (uint8_t)((m->unlock << 2 | digit) & 0x3f);
    if (m->unlock == (1 << 4 | 2 << 2 | 3) && m->id < ID_WHEEL)
        m->id = ID_WHEEL;
    else if (m->unlock == (1 << 4 | 1 << 2 | 3))
        m->id = ID_FIVE;
}

static void answer_status(struct mouse *m)
{
    uint8_t b = m->buttons;

    answer(m, ACK);
    answer(m, (uint8_t)((m->mode == REMOTE) << 6 | m->enabled << 5 | m->scaling << 4 |
                        !!(b & MOUSE_LEFT) << 2 | !!(b & MOUSE_MIDDLE) << 1 |
                        !!(b & MOUSE_RIGHT)));
    answer(m, m->resolution);
    answer(m, m->rate);
}

static void do_option(struct mouse *m, uint8_t byte)
{
    uint8_t command = m->command;

    m->command = 0;
    if (command == SET_RATE)
        set_rate(m, byte);
    else if (byte <= 3)
        m->resolution = byte;
    else {
        answer(m, RESEND);
        return;
    }
    answer(m, ACK);
}

static void do_command(struct mouse *m, uint8_t command)
{
    fifo_clear(&m->packets); /* a command ends what was being sent */
    switch (command) {
    case SCALING_1_1: m->scaling = false; break;
    case SCALING_2_1: m->scaling = true; break;
    case SET_RESOLUTION:
    case SET_RATE: m->command = command; break;
    case STATUS_REQUEST: answer_status(m); return;
    case SET_STREAM:
        forget_movement(m);
        m->mode = STREAM;
        break;
    case READ_DATA:
        answer(m, ACK);
        packet(m, &m->answers);
        return;
    case RESET_WRAP: m->wrap = false; break;
    case SET_WRAP: m->wrap = true; break;
    case SET_REMOTE:
        forget_movement(m);
        m->mode = REMOTE;
        break;
    case READ_ID:
        answer(m, ACK);
        answer(m, m->id);
        return;
    case ENABLE:
        forget_movement(m);
        m->enabled = true;
        break;
    case DISABLE:
        forget_movement(m);
        m->enabled = false;
        break;
    case SET_DEFAULT: set_default(m); break;
    case RESEND: answer(m, m->last); return;
    case RESET: reset_command(m); return;
    default: answer(m, RESEND); return;
    }
    answer(m, ACK);
}

static void receive(void *dev, uint8_t byte)
{
    struct mouse *m = dev;

    if (m->wrap && byte != RESET && byte != RESET_WRAP)
        answer(m, byte);
    else if (m->command)
        do_option(m, byte);
    else
        do_command(m, byte);
    ps2_attention(&m->wire);
}

/* ---- the wire ---- */

static bool waiting(const void *dev)
{
    const struct mouse *m = dev;
    return fifo_count(&m->answers) || fifo_count(&m->packets);
}

static uint8_t send(void *dev)
{
    struct mouse *m = dev;

    m->last = fifo_pop(fifo_count(&m->answers) ? &m->answers : &m->packets);
    return m->last;
}

struct ps2_wire *mouse_wire(struct device *d)
{
    return &((struct mouse *)d->state)->wire;
}

/* ---- the device ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct mouse *m = dev;
    (void)e;
    m->self = self;
    m->wire.peripheral = m;
    m->wire.receive = receive;
    m->wire.waiting = waiting;
    m->wire.send = send;
    m->sample = (struct timer){.due = sample_due, .owner = m};
    m->test = (struct timer){.due = test_due, .owner = m};
    return true;
}

const struct device_class mouse_class = {
    .name = "mouse",
    .title = "PS/2 mouse",
    .size = sizeof(struct mouse),
    .fields =
        (const struct field[]){
            STATE(STATE_FIELD, mouse)
                FIELD_SUBLIST(mouse, struct fifo, answers, 1, fifo_fields)
                    FIELD_SUBLIST(mouse, struct fifo, packets, 1, fifo_fields)
                        FIELD_TIMER_ROW(mouse, sample, "the next report may go")
                            FIELD_TIMER_ROW(mouse, test, "the self test ends"){0}},
    .init = init,
};
