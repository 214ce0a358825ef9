/* i8042.c - the 8042 as keyboard and auxiliary device controller.
 *
 * Data at port 60h, status and commands at 64h. A byte from a peripheral takes the time
 * of its eleven bits, and comes only when the one before has been read. IBM PS/2
 * Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller";
 * commands that IBM does not list: OSDev wiki, "8042" PS/2 Controller.
 */
#include "devices/i8042.h"

#include "base/fifo.h"
#include "devices/scancodes.h"

enum { PORT_DATA = 0x60, PORT_STATUS = 0x64 };

enum {
    BYTE_NS = 900000, /* 11 bits at 12.2 kHz */
    RAM_BYTES = 32,
};

enum status {
    STATUS_OBF = 1 << 0,
    STATUS_SYS = 1 << 2,
    STATUS_COMMAND = 1 << 3,  /* the last write went to 64h */
    STATUS_UNLOCKED = 1 << 4, /* the key switch */
    STATUS_AUX = 1 << 5,      /* the byte is from the auxiliary device */
};

/* The command byte, which is byte 0 of the controller's RAM. */
enum command_byte {
    CB_IRQ_KEYBOARD = 1 << 0,
    CB_IRQ_AUX = 1 << 1,
    CB_SYS = 1 << 2,
    CB_KEYBOARD_OFF = 1 << 4,
    CB_AUX_OFF = 1 << 5,
    CB_TRANSLATE = 1 << 6,
};

enum output_port {
    OUT_RUN = 1 << 0, /* 0 resets the CPU */
    OUT_A20 = 1 << 1,
    OUT_IRQ_KEYBOARD = 1 << 4, /* these two show the interrupt pins */
    OUT_IRQ_AUX = 1 << 5,
    OUT_LATCHED = 0xcf,
};

enum command {
    READ_RAM = 0x20,
    WRITE_RAM = 0x60,
    PASSWORD_TEST = 0xa4,
    PASSWORD_LOAD = 0xa5,
    AUX_OFF = 0xa7,
    AUX_ON = 0xa8,
    AUX_TEST = 0xa9,
    SELF_TEST = 0xaa,
    KEYBOARD_TEST = 0xab,
    KEYBOARD_OFF = 0xad,
    KEYBOARD_ON = 0xae,
    READ_INPUT = 0xc0,
    READ_OUTPUT = 0xd0,
    WRITE_OUTPUT = 0xd1,
    WRITE_KEYBOARD_BUFFER = 0xd2,
    WRITE_AUX_BUFFER = 0xd3,
    WRITE_AUX = 0xd4,
    A20_OFF = 0xdd,
    A20_ON = 0xdf,
    READ_TEST = 0xe0,
    PULSE = 0xf0,
};

#define STATE(_, x)                                                                    \
    _(x, uint8_t, ram, 0, 0xff, "byte 0 is the command byte", RAM_BYTES)               \
    _(x, uint8_t, data, 0, 0xff, "the output buffer")                                  \
    _(x, bool, full, false, 1, "the output buffer holds a byte")                       \
    _(x, bool, from_aux, false, 1, "it came from the auxiliary device")                \
    _(x, bool, commanded, true, 1, "the last write went to port 64h")                  \
    _(x, uint8_t, command, 0, 0xff, "the command that waits for its byte, or 0")       \
    _(x, bool, breaking, false, 1, "translation: F0h came, a code follows")            \
    _(x, uint8_t, output, OUT_RUN | OUT_A20 | 0xcc, OUT_LATCHED, "the output port")

struct i8042 {
    STATE(STATE_MEMBER, )
    struct fifo keyboard_answers, aux_answers; /* the controller's own bytes */
    struct timer arrival;
    struct line irq[I8042_PORTS], a20, reset;
    struct device *self;
    struct ps2_wire *wire[I8042_PORTS];
};

static uint8_t *command_byte(struct i8042 *k)
{
    return &k->ram[0];
}

static void drive(void *dev)
{
    struct i8042 *k = dev;

    line_set(&k->irq[I8042_KEYBOARD],
             k->full && !k->from_aux && (k->ram[0] & CB_IRQ_KEYBOARD));
    line_set(&k->irq[I8042_AUX], k->full && k->from_aux && (k->ram[0] & CB_IRQ_AUX));
    line_set(&k->a20, k->output & OUT_A20);
}

/* ---- from the peripherals ---- */

static bool port_waits(const struct i8042 *k, unsigned port)
{
    uint8_t off = port == I8042_AUX ? CB_AUX_OFF : CB_KEYBOARD_OFF;
    const struct ps2_wire *w = k->wire[port];

    return w && !(k->ram[0] & off) && w->waiting(w->peripheral);
}

static void fill(struct i8042 *k, uint8_t byte, bool aux)
{
    k->data = byte;
    k->from_aux = aux;
    k->full = true;
    drive(k);
}

/* Gets the next byte on its way, if there is one and room for it. */
static void pump(void *dev)
{
    struct i8042 *k = dev;
    struct clock *clock = k->self->bus->clock;

    if (k->full)
        return;
    if (fifo_count(&k->keyboard_answers))
        fill(k, fifo_pop(&k->keyboard_answers), false);
    else if (fifo_count(&k->aux_answers))
        fill(k, fifo_pop(&k->aux_answers), true);
    else if (!k->arrival.armed &&
             (port_waits(k, I8042_KEYBOARD) || port_waits(k, I8042_AUX)))
        timer_arm(clock, &k->arrival, clock_after_ns(clock, BYTE_NS));
}

/* Set 2 to set 1. False: F0h, which becomes the top bit of the next code. */
static bool translate(struct i8042 *k, uint8_t *byte)
{
    if (!(k->ram[0] & CB_TRANSLATE)) {
        k->breaking = false;
        return true;
    }
    if (*byte == 0xf0) {
        k->breaking = true;
        return false;
    }
    *byte = (uint8_t)(scan_translate(*byte) | (k->breaking ? 0x80 : 0));
    k->breaking = false;
    return true;
}

static void arrived(void *dev)
{
    struct i8042 *k = dev;
    struct ps2_wire *w;
    uint8_t byte;

    if (!k->full && port_waits(k, I8042_KEYBOARD)) {
        w = k->wire[I8042_KEYBOARD];
        byte = w->send(w->peripheral);
        if (translate(k, &byte))
            fill(k, byte, false);
    } else if (!k->full && port_waits(k, I8042_AUX)) {
        w = k->wire[I8042_AUX];
        fill(k, w->send(w->peripheral), true);
    }
    pump(k);
}

static void to_peripheral(struct i8042 *k, unsigned port, uint8_t byte)
{
    struct ps2_wire *w = k->wire[port];

    /* Sending needs the clock: the port is on from now. */
    *command_byte(k) &= (uint8_t) ~(port == I8042_AUX ? CB_AUX_OFF : CB_KEYBOARD_OFF);
    if (w)
        w->receive(w->peripheral, byte);
    else
        fifo_push(port == I8042_AUX ? &k->aux_answers : &k->keyboard_answers, 0xfe);
}

/* ---- commands ---- */

static void pulse_reset(struct i8042 *k)
{
    line_set(&k->reset, true);
    line_set(&k->reset, false);
}

static void write_output(struct i8042 *k, uint8_t value)
{
    k->output = (value & OUT_LATCHED) | OUT_RUN;
    if (!(value & OUT_RUN))
        pulse_reset(k);
}

static uint8_t read_output(const struct i8042 *k)
{
    return (uint8_t)(k->output | (k->full && !k->from_aux ? OUT_IRQ_KEYBOARD : 0) |
                     (k->full && k->from_aux ? OUT_IRQ_AUX : 0));
}

static void answer(struct i8042 *k, uint8_t byte)
{
    fifo_push(&k->keyboard_answers, byte);
}

static void do_command(struct i8042 *k, uint8_t command)
{
    uint8_t *cb = command_byte(k);

    k->commanded = true;
    k->command = 0;
    if (command >= READ_RAM && command < READ_RAM + RAM_BYTES) {
        answer(k, k->ram[command - READ_RAM]);
        return;
    }
    if (command >= WRITE_RAM && command < WRITE_RAM + RAM_BYTES) {
        k->command = command;
        return;
    }
    if (command >= PULSE) {
        if (!(command & OUT_RUN))
            pulse_reset(k);
        return;
    }
    switch (command) {
    case PASSWORD_TEST: answer(k, 0xf1); break; /* none is set */
    case AUX_OFF: *cb |= CB_AUX_OFF; break;
    case AUX_ON: *cb &= (uint8_t)~CB_AUX_OFF; break;
    case AUX_TEST:
    case KEYBOARD_TEST: answer(k, 0x00); break;
    case SELF_TEST:
        *cb |= CB_SYS;
        answer(k, 0x55);
        break;
    case KEYBOARD_OFF: *cb |= CB_KEYBOARD_OFF; break;
    case KEYBOARD_ON: *cb &= (uint8_t)~CB_KEYBOARD_OFF; break;
    case READ_INPUT: answer(k, 0x80); break; /* the key switch is open */
    case READ_OUTPUT: answer(k, read_output(k)); break;
    case A20_OFF: k->output &= (uint8_t)~OUT_A20; break;
    case A20_ON: k->output |= OUT_A20; break;
    case READ_TEST: answer(k, 0x00); break;
    case PASSWORD_LOAD:
    case WRITE_OUTPUT:
    case WRITE_KEYBOARD_BUFFER:
    case WRITE_AUX_BUFFER:
    case WRITE_AUX: k->command = command; break;
    default:
        log_guest(k->self->bus->log, k->self->name,
                  "command %02Xh is not known: ignored", command);
        break;
    }
}

static void write_data(struct i8042 *k, uint8_t byte)
{
    uint8_t command = k->command;

    k->commanded = false;
    k->command = 0;
    switch (command) {
    case 0: to_peripheral(k, I8042_KEYBOARD, byte); break;
    case PASSWORD_LOAD: /* until a zero byte; passwords are not kept */
        if (byte)
            k->command = command;
        break;
    case WRITE_OUTPUT: write_output(k, byte); break;
    case WRITE_KEYBOARD_BUFFER: fifo_push(&k->keyboard_answers, byte); break;
    case WRITE_AUX_BUFFER: fifo_push(&k->aux_answers, byte); break;
    case WRITE_AUX: to_peripheral(k, I8042_AUX, byte); break;
    default:
        if (command >= WRITE_RAM && command < WRITE_RAM + RAM_BYTES)
            k->ram[command - WRITE_RAM] = byte;
        break;
    }
}

/* ---- ports ---- */

static enum io_status peek_status(const void *dev, struct io *io)
{
    const struct i8042 *k = dev;

    if (io->write)
        return IO_DEFER;
    io->value = STATUS_UNLOCKED | (k->full ? STATUS_OBF : 0) |
                (k->ram[0] & CB_SYS ? STATUS_SYS : 0) |
                (k->commanded ? STATUS_COMMAND : 0) |
                (k->full && k->from_aux ? STATUS_AUX : 0);
    return IO_DONE;
}

static enum io_status access_status(void *dev, struct io *io)
{
    struct i8042 *k = dev;

    if (!io->write)
        return peek_status(dev, io);
    do_command(k, (uint8_t)io->value);
    drive(k);
    pump(k);
    return IO_DONE;
}

/* An empty buffer keeps what it held, and reading it changes nothing. */
static enum io_status peek_data(const void *dev, struct io *io)
{
    const struct i8042 *k = dev;

    if (io->write || k->full)
        return IO_DEFER;
    io->value = k->data;
    return IO_DONE;
}

static enum io_status access_data(void *dev, struct io *io)
{
    struct i8042 *k = dev;

    if (peek_data(k, io) == IO_DONE)
        return IO_DONE;
    if (io->write) {
        write_data(k, (uint8_t)io->value);
    } else {
        io->value = k->data;
        k->full = false;
    }
    drive(k);
    pump(k);
    return IO_DONE;
}

/* ---- the device ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct i8042 *k = dev;
    (void)e;
    k->self = self;
    k->arrival = (struct timer){.due = arrived, .owner = k};
    return true;
}

/* Both ports are off until the BIOS has tested them. */
static void reset(void *dev)
{
    struct i8042 *k = dev;
    *command_byte(k) = CB_KEYBOARD_OFF | CB_AUX_OFF;
}

void i8042_plug(struct device *d, unsigned port, struct ps2_wire *wire)
{
    struct i8042 *k = d->state;
    k->wire[port] = wire;
    wire->controller = k;
    wire->attention = pump;
}

void i8042_set_up(struct device *d)
{
    struct i8042 *k = d->state;
    *command_byte(k) = CB_TRANSLATE | CB_AUX_OFF | CB_SYS | CB_IRQ_KEYBOARD;
    drive(k);
    pump(k);
}

const struct device_class i8042_class = {
    .name = "i8042",
    .title = "Keyboard and mouse controller",
    .size = sizeof(struct i8042),
    .fields =
        (const struct field[]){
            STATE(STATE_FIELD, i8042)
                FIELD_SUBLIST(i8042, struct fifo, keyboard_answers, 1, fifo_fields)
                    FIELD_SUBLIST(i8042, struct fifo, aux_answers, 1, fifo_fields)
                        FIELD_TIMER_ROW(i8042, arrival,
                                        "a peripheral's byte is on the wire"){0}},
    .regions =
        (const struct region[]){
            {"i8042-data", PORT_DATA, 1, peek_data, access_data},
            {"i8042-status", PORT_STATUS, 1, peek_status, access_status},
            {0}},
    .pins =
        (const struct pin[]){
            {"irq1", .offset = offsetof(struct i8042, irq[I8042_KEYBOARD])},
            {"irq12", .offset = offsetof(struct i8042, irq[I8042_AUX])},
            {"a20", .offset = offsetof(struct i8042, a20)},
            {"reset", .offset = offsetof(struct i8042, reset)},
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
};
