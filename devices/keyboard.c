/* keyboard.c - an enhanced PS/2 keyboard.
 *
 * It sends scan codes of set 1, 2 or 3 and answers commands. IBM PS/2 Hardware
 * Interface Technical Reference, "Keyboards (101- and 102-Key)". Not modelled: the
 * Shift codes that IBM's keyboard wraps around the arrow block while Num Lock or Shift
 * is on.
 */
#include "devices/keyboard.h"

#include "base/error.h"
#include "base/fifo.h"
#include "devices/scancodes.h"

enum {
    ROOM = 16,           /* bytes of scan codes the keyboard holds */
    DEFAULT_RATE = 0x2b, /* 500 ms, 10.9 a second */
    BAT_NS = 10000000,   /* the self test; real ones take 300 ms and more, which nobody
                            needs */
    RATE_HZ = 240,       /* repetition periods count in 1/240 s: 4.17 ms */
};

enum command {
    SET_LEDS = 0xed,
    ECHO = 0xee,
    SELECT_SET = 0xf0,
    READ_ID = 0xf2,
    SET_RATE = 0xf3,
    ENABLE = 0xf4,
    DEFAULT_DISABLE = 0xf5,
    SET_DEFAULT = 0xf6,
    ALL_TYPEMATIC = 0xf7,
    ALL_MAKE_BREAK = 0xf8,
    ALL_MAKE = 0xf9,
    ALL_TYPEMATIC_MAKE_BREAK = 0xfa,
    KEY_TYPEMATIC = 0xfb,
    KEY_MAKE_BREAK = 0xfc,
    KEY_MAKE = 0xfd,
    RESEND = 0xfe,
    RESET = 0xff,
};

enum { ACK = 0xfa, BAT_PASSED = 0xaa };

/* Row `keys` has a bit set per key number or code of set 3. */
#define STATE(_, x)                                                                    \
    _(x, uint8_t, set, 2, 3, "scan code set in use")                                   \
    _(x, bool, enabled, true, 1, "keys are scanned")                                   \
    _(x, uint8_t, leds, 0, 7, "Caps, Num, Scroll Lock lights")                         \
    _(x, uint8_t, rate, DEFAULT_RATE, 0x7f, "delay and rate of repetition")            \
    _(x, uint8_t, command, 0, 0xff, "the command that waits for its byte, or 0")       \
    _(x, uint8_t, last, 0, 0xff, "the byte sent last")                                 \
    _(x, uint8_t, repeats, 0, 0xff, "key that repeats, or 0")                          \
    _(x, bool, overrun, false, 1, "the overrun code was sent for the keys lost now")   \
    _(x, uint8_t, held, 0, 0xff, "keys that are down: a bit for each", SCAN_KEYS / 8)  \
    _(x, uint8_t, no_break, 0, 0xff, "set 3: codes without a break code",              \
      SCAN_KEYS / 8)                                                                   \
    _(x, uint8_t, no_repeat, 0, 0xff, "set 3: codes that do not repeat", SCAN_KEYS / 8)

struct keyboard {
    STATE(STATE_MEMBER, )
    struct fifo answers, codes;
    struct timer repetition, test;
    struct device *self;
    struct ps2_wire wire;
    uint8_t typematic; /* option */
};

static struct clock *clock_of(const struct keyboard *k)
{
    return k->self->bus->clock;
}

/* ---- bit sets of 256 ---- */

static bool has(const uint8_t *set, unsigned n)
{
    return set[n / 8 % (SCAN_KEYS / 8)] >> n % 8 & 1;
}

static void put(uint8_t *set, unsigned n, bool in)
{
    uint8_t *byte = &set[n / 8 % (SCAN_KEYS / 8)];
    *byte = (uint8_t)(in ? *byte | 1 << n % 8 : *byte & ~(1 << n % 8));
}

static void put_all(uint8_t *set, bool in)
{
    for (unsigned n = 0; n < SCAN_KEYS; n++)
        put(set, n, in);
}

/* ---- scan codes ---- */

/* One key's make or break code: at most 8 bytes. */
struct sequence {
    uint8_t bytes[8];
    unsigned count;
};

static void add(struct sequence *s, unsigned byte)
{
    if (s->count < sizeof s->bytes)
        s->bytes[s->count++] = (uint8_t)byte;
}

static void add_code(struct sequence *s, unsigned set, uint16_t code, bool down)
{
    if (code & SCAN_EXTENDED)
        add(s, 0xe0);
    if (set == 1) {
        add(s, scan_translate((uint8_t)code) | (down ? 0u : 0x80u));
        return;
    }
    if (!down)
        add(s, 0xf0);
    add(s, code & 0xff);
}

/* Print Screen is SysRq with Alt; without Shift and Ctrl it wraps itself in a Shift. */
static void print_screen(const struct keyboard *k, struct sequence *s, bool down)
{
    const uint16_t shift = SCAN_EXTENDED | 0x12, code = SCAN_EXTENDED | 0x7c;

    if (has(k->held, KEY_LEFT_ALT) || has(k->held, KEY_RIGHT_ALT)) {
        add_code(s, k->set, 0x84, down);
        return;
    }
    if (has(k->held, KEY_LEFT_CTRL) || has(k->held, KEY_RIGHT_CTRL) ||
        has(k->held, KEY_LEFT_SHIFT) || has(k->held, KEY_RIGHT_SHIFT)) {
        add_code(s, k->set, code, down);
        return;
    }
    add_code(s, k->set, down ? shift : code, down);
    add_code(s, k->set, down ? code : shift, down);
}

/* Pause sends make and break at once, or with Ctrl is Break. It has no break code. */
static void pause(const struct keyboard *k, struct sequence *s, bool down)
{
    bool ctrl = has(k->held, KEY_LEFT_CTRL) || has(k->held, KEY_RIGHT_CTRL);

    if (!down)
        return;
    for (unsigned n = 0; n < 2; n++) {
        if (ctrl) {
            add_code(s, k->set, SCAN_EXTENDED | 0x7e, n == 0);
            continue;
        }
        add(s, 0xe1);
        add_code(s, k->set, 0x14, n == 0);
        add_code(s, k->set, 0x77, n == 0);
    }
}

static void make_sequence(const struct keyboard *k, struct sequence *s, unsigned key,
                          bool down)
{
    if (k->set == 3) {
        uint8_t code = scan_set3(key);
        if (code && (down || !has(k->no_break, code)))
            add_code(s, 3, code, down);
    } else if (key == KEY_PRINT_SCREEN) {
        print_screen(k, s, down);
    } else if (key == KEY_PAUSE) {
        pause(k, s, down);
    } else if (scan_set2(key)) {
        add_code(s, k->set, scan_set2(key), down);
    }
}

/* Make codes stop at what a real keyboard holds; break codes may use the rest of the
 * queue, so that no key sticks because the guest was slow. */
static void send_key(struct keyboard *k, unsigned key, bool down)
{
    struct sequence s = {.count = 0};
    unsigned room = down ? ROOM : FIFO_BYTES;

    if (!k->enabled)
        return;
    make_sequence(k, &s, key, down);
    if (fifo_count(&k->codes) + s.count > room) {
        if (!k->overrun)
            fifo_push(&k->codes, k->set == 1 ? 0xff : 0x00);
        k->overrun = true;
        ps2_attention(&k->wire);
        return;
    }
    k->overrun = false;
    for (unsigned n = 0; n < s.count; n++)
        fifo_push(&k->codes, s.bytes[n]);
    if (s.count)
        ps2_attention(&k->wire);
}

/* ---- repetition ---- */

static uint64_t delay_ticks(const struct keyboard *k)
{
    return clock_from_hz(clock_of(k), (k->rate >> 5 & 3) + 1u, 4);
}

/* (8 + A) * 2^B * 4.17 ms, A the low three bits, B the next two. */
static uint64_t period_ticks(const struct keyboard *k)
{
    return clock_from_hz(clock_of(k),
                         (uint64_t)(8 + (k->rate & 7)) << (k->rate >> 3 & 3), RATE_HZ);
}

static void stop_repetition(struct keyboard *k)
{
    k->repeats = 0;
    timer_stop(clock_of(k), &k->repetition);
}

static bool may_repeat(const struct keyboard *k, unsigned key)
{
    if (key == KEY_PAUSE)
        return false;
    return k->set != 3 || !has(k->no_repeat, scan_set3(key));
}

static void repeat_due(void *dev)
{
    struct keyboard *k = dev;

    if (!k->repeats || !k->enabled)
        return;
    /* A repetition that finds no room is not an overrun: it just does not happen. */
    if (fifo_count(&k->codes) == 0)
        send_key(k, k->repeats, true);
    timer_arm(clock_of(k), &k->repetition, clock_of(k)->now + period_ticks(k));
}

static void start_repetition(struct keyboard *k, unsigned key)
{
    stop_repetition(k);
    if (!k->typematic || !k->enabled || !may_repeat(k, key))
        return;
    k->repeats = (uint8_t)key;
    timer_arm(clock_of(k), &k->repetition, clock_of(k)->now + delay_ticks(k));
}

void keyboard_key(struct device *d, unsigned key, bool down)
{
    struct keyboard *k = d->state;
    bool was;

    if (!key || key >= SCAN_KEYS)
        return;
    was = has(k->held, key);
    if (was == down) {
        if (down && !k->typematic && may_repeat(k, key))
            send_key(k, key, true);
        return;
    }
    put(k->held, key, down);
    send_key(k, key, down);
    if (down)
        start_repetition(k, key);
    else if (k->repeats == key)
        stop_repetition(k);
}

unsigned keyboard_leds(const struct device *d)
{
    return ((const struct keyboard *)d->state)->leds;
}

/* ---- commands ---- */

static void answer(struct keyboard *k, uint8_t byte)
{
    fifo_push(&k->answers, byte);
}

static void set_default(struct keyboard *k)
{
    fifo_clear(&k->codes);
    k->overrun = false;
    k->rate = DEFAULT_RATE;
    put_all(k->no_break, false);
    put_all(k->no_repeat, false);
    stop_repetition(k);
}

static void reset_command(struct keyboard *k)
{
    fifo_clear(&k->answers);
    set_default(k);
    k->set = 2;
    k->leds = 0;
    k->enabled = false; /* until the test has passed */
    answer(k, ACK);
    timer_arm(clock_of(k), &k->test, clock_after_ns(clock_of(k), BAT_NS));
}

static void test_due(void *dev)
{
    struct keyboard *k = dev;
    k->enabled = true;
    answer(k, BAT_PASSED);
    ps2_attention(&k->wire);
}

static void set_all(struct keyboard *k, bool no_break, bool no_repeat)
{
    put_all(k->no_break, no_break);
    put_all(k->no_repeat, no_repeat);
}

static void do_command(struct keyboard *k, uint8_t command)
{
    k->command = 0;
    switch (command) {
    case ECHO: answer(k, ECHO); return;
    case RESEND: answer(k, k->last); return;
    case RESET: reset_command(k); return;
    case SELECT_SET: fifo_clear(&k->codes); /* fall through */
    case SET_LEDS:
    case SET_RATE:
    case KEY_TYPEMATIC:
    case KEY_MAKE_BREAK:
    case KEY_MAKE: k->command = command; break;
    case READ_ID:
        answer(k, ACK);
        answer(k, 0xab);
        answer(k, 0x83);
        return;
    case ENABLE:
        fifo_clear(&k->codes);
        k->enabled = true;
        break;
    case DEFAULT_DISABLE:
        set_default(k);
        k->enabled = false;
        break;
    case SET_DEFAULT: set_default(k); break;
    case ALL_TYPEMATIC: set_all(k, true, false); break;
    case ALL_MAKE_BREAK: set_all(k, false, true); break;
    case ALL_MAKE: set_all(k, true, true); break;
    case ALL_TYPEMATIC_MAKE_BREAK: set_all(k, false, false); break;
    default: answer(k, RESEND); return;
    }
    answer(k, ACK);
}

static void do_option(struct keyboard *k, uint8_t byte)
{
    uint8_t command = k->command;

    k->command = 0;
    switch (command) {
    case SET_LEDS: k->leds = byte & 7; break;
    case SET_RATE: k->rate = byte & 0x7f; break;
    case SELECT_SET:
        if (byte > 3) {
            answer(k, RESEND);
            return;
        }
        answer(k, ACK);
        if (byte)
            k->set = byte;
        else
            answer(k, k->set);
        return;
    default: /* a list of codes of set 3, until the next command */
        put(k->no_break, byte, command != KEY_MAKE_BREAK);
        put(k->no_repeat, byte, command != KEY_TYPEMATIC);
        k->command = command;
        break;
    }
    answer(k, ACK);
}

/* A command may come where an option was expected, and takes its place. */
static void receive(void *dev, uint8_t byte)
{
    struct keyboard *k = dev;

    if (k->command && byte < SET_LEDS)
        do_option(k, byte);
    else
        do_command(k, byte);
    ps2_attention(&k->wire);
}

/* ---- the wire ---- */

/* Scanning rests while a command waits for its option. */
static bool waiting(const void *dev)
{
    const struct keyboard *k = dev;
    return fifo_count(&k->answers) || (fifo_count(&k->codes) && !k->command);
}

static uint8_t send(void *dev)
{
    struct keyboard *k = dev;
    k->last = fifo_pop(fifo_count(&k->answers) ? &k->answers : &k->codes);
    return k->last;
}

bool keyboard_idle(const struct device *d)
{
    const struct keyboard *k = d->state;
    return !fifo_count(&k->answers) && !fifo_count(&k->codes);
}

struct ps2_wire *keyboard_wire(struct device *d)
{
    return &((struct keyboard *)d->state)->wire;
}

/* ---- the device ---- */

static bool init(void *dev, struct device *self, struct error *e)
{
    struct keyboard *k = dev;
    (void)e;
    k->self = self;
    k->wire.peripheral = k;
    k->wire.receive = receive;
    k->wire.waiting = waiting;
    k->wire.send = send;
    k->repetition = (struct timer){.due = repeat_due, .owner = k};
    k->test = (struct timer){.due = test_due, .owner = k};
    return true;
}

static bool valid(const void *dev, struct error *e)
{
    const struct keyboard *k = dev;
    return k->set || error_set(e, "the snapshot's keyboard uses scan code set 0");
}

const struct device_class keyboard_class = {
    .name = "keyboard",
    .title = "PS/2 keyboard",
    .size = sizeof(struct keyboard),
    .fields =
        (const struct field[]){
            STATE(STATE_FIELD, keyboard)
                FIELD_SUBLIST(keyboard, struct fifo, answers, 1, fifo_fields)
                    FIELD_SUBLIST(keyboard, struct fifo, codes, 1, fifo_fields)
                        FIELD_TIMER_ROW(keyboard, repetition, "the held key repeats")
                            FIELD_TIMER_ROW(keyboard, test, "the self test ends"){0}},
    .options =
        (const struct option[]){
            OPTION(keyboard, typematic, 1, 1, "a held key repeats by itself"), {0}},
    .init = init,
    .valid = valid,
};
