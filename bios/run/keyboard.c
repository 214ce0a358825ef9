/* keyboard.c - the 8042, IRQ 1, and INT 16h.
 *
 * Scan codes: RBIL INT 16h table 00006 (shifted, Ctrl, Alt); 8042: IBM PC AT Technical
 * Reference, "Keyboard Controller".
 */
#include "run.h"

enum { DATA = 0x60, STATUS = 0x64, OBF = 1, IBF = 2, AUX = 0x20 };

enum { /* 40:17 */
       RIGHT_SHIFT = 1,
       LEFT_SHIFT = 2,
       CTRL = 4,
       ALT = 8,
       SCROLL_LOCK = 0x10,
       NUM_LOCK = 0x20,
       CAPS_LOCK = 0x40,
       INSERT = 0x80,
};
enum { /* 40:18 */
       LEFT_CTRL = 1,
       LEFT_ALT = 2,
       SYSREQ_DOWN = 4,
       PAUSED = 8,
       SCROLL_DOWN = 0x10,
       NUM_DOWN = 0x20,
       CAPS_DOWN = 0x40,
       INSERT_DOWN = 0x80,
};
enum { /* 40:96 */
       LAST_E1 = 1,
       LAST_E0 = 2,
       RIGHT_CTRL = 4,
       RIGHT_ALT = 8,
       ENHANCED = 0x10,
};

void irq_1(struct regs *r);
void keyboard_services(struct regs *r);

/* ---- the controller ---- */

/* A thousand instructions: a byte from the keyboard takes longer by far, and asking costs
 * an emulator's host much more than counting. */
static void ask_later(void)
{
    u32 n = 500;
    __asm__ volatile("1: dec %0; jnz 1b" : "+r"(n) : : "cc");
}

static bool controller_free(void)
{
    struct deadline d;

    if (!(in8(STATUS) & IBF))
        return true;
    deadline_set(&d, 50);
    while (in8(STATUS) & IBF) {
        if (deadline_over(&d))
            return false;
        ask_later();
    }
    return true;
}

bool controller_command(u8 command)
{
    if (!controller_free())
        return false;
    out8(STATUS, command);
    return true;
}

bool controller_write(u8 v)
{
    if (!controller_free())
        return false;
    out8(DATA, v);
    return true;
}

bool controller_read(u8 *v)
{
    struct deadline d;

    deadline_set(&d, 600); /* a keyboard's self-test takes up to 500 ms */
    while (!(in8(STATUS) & OBF)) {
        if (deadline_over(&d))
            return false;
        ask_later();
    }
    *v = in8(DATA);
    return true;
}

/* To the keyboard, waiting for its acknowledgement. */
static bool keyboard_send(u8 v)
{
    u8 answer;
    return controller_write(v) && controller_read(&answer) && answer == 0xfa;
}

void keyboard_init(void)
{
    u8 v;

    BDA->kbd_start = BDA->kbd_head = BDA->kbd_tail = 0x1e;
    BDA->kbd_end = 0x3e;
    BDA->kbd_mode = ENHANCED;
    for (u32 n = 0; n < 32 && in8(STATUS) & OBF; n++)
        in8(DATA);
    if (!controller_command(0xaa) || !controller_read(&v) || v != 0x55) {
        say("Keyboard controller: no answer to its self-test\n");
        return;
    }
    controller_command(0xad);
    controller_command(0xa7);
    controller_command(0x60);
    controller_write(0x70); /* translate; both ports off; system flag below */
    controller_command(0xae);
    if (keyboard_send(0xff)) {
        if (!controller_read(&v) || v != 0xaa)
            debug_say("keyboard: self-test says %2x\n", v);
        keyboard_send(0xf5);
        keyboard_send(0xf0);
        keyboard_send(2);
        keyboard_send(0xf4);
    } else {
        debug_say("keyboard: none\n");
    }
    controller_command(0x60);
    controller_write(0x65); /* translate, mouse off, system flag, IRQ 1 */
}

/* ---- the buffer ---- */

static bool buffer_put(u16 key)
{
    u16 tail = BDA->kbd_tail, next = (u16)(tail + 2);

    if (next >= BDA->kbd_end)
        next = BDA->kbd_start;
    if (next == BDA->kbd_head)
        return false;
    far16_set(0x40, tail, key);
    BDA->kbd_tail = next;
    return true;
}

static bool buffer_peek(u16 *key)
{
    if (BDA->kbd_head == BDA->kbd_tail)
        return false;
    *key = far16(0x40, BDA->kbd_head);
    return true;
}

static void buffer_drop(void)
{
    u16 next = (u16)(BDA->kbd_head + 2);
    BDA->kbd_head = next >= BDA->kbd_end ? BDA->kbd_start : next;
}

u16 keyboard_try(void)
{
    u16 key;
    if (!buffer_peek(&key))
        return 0;
    buffer_drop();
    return key;
}

/* ---- scan codes ---- */

enum { NONE = 0 };
#define SAME(scan, low, high, ctrl)                                                    \
    {                                                                                  \
        (u16)((scan) << 8 | (low)), (u16)((scan) << 8 | (high)), ctrl,                 \
            (u16)((scan) << 8)                                                         \
    }

/* Plain, Shift, Ctrl, Alt. 0: no key of its own. Letters follow Caps Lock. */
static const u16 keys[0x59][4] = {
    [0x01] = {0x011b, 0x011b, 0x011b, 0x0100},
    [0x02] = {0x0231, 0x0221, NONE, 0x7800},
    [0x03] = {0x0332, 0x0340, 0x0300, 0x7900},
    [0x04] = {0x0433, 0x0423, NONE, 0x7a00},
    [0x05] = {0x0534, 0x0524, NONE, 0x7b00},
    [0x06] = {0x0635, 0x0625, NONE, 0x7c00},
    [0x07] = {0x0736, 0x075e, 0x071e, 0x7d00},
    [0x08] = {0x0837, 0x0826, NONE, 0x7e00},
    [0x09] = {0x0938, 0x092a, NONE, 0x7f00},
    [0x0a] = {0x0a39, 0x0a28, NONE, 0x8000},
    [0x0b] = {0x0b30, 0x0b29, NONE, 0x8100},
    [0x0c] = {0x0c2d, 0x0c5f, 0x0c1f, 0x8200},
    [0x0d] = {0x0d3d, 0x0d2b, NONE, 0x8300},
    [0x0e] = {0x0e08, 0x0e08, 0x0e7f, 0x0e00},
    [0x0f] = {0x0f09, 0x0f00, 0x9400, 0xa500},
    [0x10] = SAME(0x10, 'q', 'Q', 0x1011),
    [0x11] = SAME(0x11, 'w', 'W', 0x1117),
    [0x12] = SAME(0x12, 'e', 'E', 0x1205),
    [0x13] = SAME(0x13, 'r', 'R', 0x1312),
    [0x14] = SAME(0x14, 't', 'T', 0x1414),
    [0x15] = SAME(0x15, 'y', 'Y', 0x1519),
    [0x16] = SAME(0x16, 'u', 'U', 0x1615),
    [0x17] = SAME(0x17, 'i', 'I', 0x1709),
    [0x18] = SAME(0x18, 'o', 'O', 0x180f),
    [0x19] = SAME(0x19, 'p', 'P', 0x1910),
    [0x1a] = {0x1a5b, 0x1a7b, 0x1a1b, 0x1a00},
    [0x1b] = {0x1b5d, 0x1b7d, 0x1b1d, 0x1b00},
    [0x1c] = {0x1c0d, 0x1c0d, 0x1c0a, 0x1c00},
    [0x1e] = SAME(0x1e, 'a', 'A', 0x1e01),
    [0x1f] = SAME(0x1f, 's', 'S', 0x1f13),
    [0x20] = SAME(0x20, 'd', 'D', 0x2004),
    [0x21] = SAME(0x21, 'f', 'F', 0x2106),
    [0x22] = SAME(0x22, 'g', 'G', 0x2207),
    [0x23] = SAME(0x23, 'h', 'H', 0x2308),
    [0x24] = SAME(0x24, 'j', 'J', 0x240a),
    [0x25] = SAME(0x25, 'k', 'K', 0x250b),
    [0x26] = SAME(0x26, 'l', 'L', 0x260c),
    [0x27] = {0x273b, 0x273a, NONE, 0x2700},
    [0x28] = {0x2827, 0x2822, NONE, 0x2800},
    [0x29] = {0x2960, 0x297e, NONE, 0x2900},
    [0x2b] = {0x2b5c, 0x2b7c, 0x2b1c, 0x2b00},
    [0x2c] = SAME(0x2c, 'z', 'Z', 0x2c1a),
    [0x2d] = SAME(0x2d, 'x', 'X', 0x2d18),
    [0x2e] = SAME(0x2e, 'c', 'C', 0x2e03),
    [0x2f] = SAME(0x2f, 'v', 'V', 0x2f16),
    [0x30] = SAME(0x30, 'b', 'B', 0x3002),
    [0x31] = SAME(0x31, 'n', 'N', 0x310e),
    [0x32] = SAME(0x32, 'm', 'M', 0x320d),
    [0x33] = {0x332c, 0x333c, NONE, 0x3300},
    [0x34] = {0x342e, 0x343e, NONE, 0x3400},
    [0x35] = {0x352f, 0x353f, NONE, 0x3500},
    [0x37] = {0x372a, 0x372a, 0x9600, 0x3700},
    [0x39] = {0x3920, 0x3920, 0x3920, 0x3920},
    [0x3b] = {0x3b00, 0x5400, 0x5e00, 0x6800},
    [0x3c] = {0x3c00, 0x5500, 0x5f00, 0x6900},
    [0x3d] = {0x3d00, 0x5600, 0x6000, 0x6a00},
    [0x3e] = {0x3e00, 0x5700, 0x6100, 0x6b00},
    [0x3f] = {0x3f00, 0x5800, 0x6200, 0x6c00},
    [0x40] = {0x4000, 0x5900, 0x6300, 0x6d00},
    [0x41] = {0x4100, 0x5a00, 0x6400, 0x6e00},
    [0x42] = {0x4200, 0x5b00, 0x6500, 0x6f00},
    [0x43] = {0x4300, 0x5c00, 0x6600, 0x7000},
    [0x44] = {0x4400, 0x5d00, 0x6700, 0x7100},
    /* The keypad: with Num Lock, Shift and plain change places. Alt: below. */
    [0x47] = {0x4700, 0x4737, 0x7700, NONE},
    [0x48] = {0x4800, 0x4838, 0x8d00, NONE},
    [0x49] = {0x4900, 0x4939, 0x8400, NONE},
    [0x4a] = {0x4a2d, 0x4a2d, 0x8e00, 0x4a00},
    [0x4b] = {0x4b00, 0x4b34, 0x7300, NONE},
    [0x4c] = {0x4cf0, 0x4c35, 0x8f00, NONE},
    [0x4d] = {0x4d00, 0x4d36, 0x7400, NONE},
    [0x4e] = {0x4e2b, 0x4e2b, 0x9000, 0x4e00},
    [0x4f] = {0x4f00, 0x4f31, 0x7500, NONE},
    [0x50] = {0x5000, 0x5032, 0x9100, NONE},
    [0x51] = {0x5100, 0x5133, 0x7600, NONE},
    [0x52] = {0x5200, 0x5230, 0x9200, NONE},
    [0x53] = {0x5300, 0x532e, 0x9300, NONE},
    [0x56] = {0x565c, 0x567c, NONE, NONE},
    [0x57] = {0x8500, 0x8700, 0x8900, 0x8b00},
    [0x58] = {0x8600, 0x8800, 0x8a00, 0x8c00},
};

static bool is_keypad(u8 scan)
{
    return scan >= 0x47 && scan <= 0x53 && scan != 0x4a && scan != 0x4e;
}

/* A key after E0: the cursor block, keypad Enter and slash. */
static u16 extended_key(u8 scan, u8 shift)
{
    if (scan == 0x1c)
        return shift & ALT ? 0xa600 : shift & CTRL ? 0xe00a : 0xe00d;
    if (scan == 0x35)
        return shift & ALT ? 0xa400 : shift & CTRL ? 0x9500 : 0xe02f;
    if (!is_keypad(scan) || scan == 0x4c)
        return NONE;
    if (shift & ALT)
        return (u16)((scan + 0x50) << 8);
    if (shift & CTRL)
        return (u16)(keys[scan][2] | 0xe0);
    return (u16)(scan << 8 | 0xe0);
}

static u16 plain_key(u8 scan, u8 shift)
{
    bool shifted = shift & (LEFT_SHIFT | RIGHT_SHIFT);
    const u16 *k;
    u8 low;

    if (scan >= ARRAY_SIZE(keys))
        return NONE;
    k = keys[scan];
    if (shift & ALT)
        return k[3];
    if (shift & CTRL)
        return k[2];
    low = (u8)k[0];
    if (low >= 'a' && low <= 'z' && shift & CAPS_LOCK)
        shifted = !shifted;
    if (is_keypad(scan) && shift & NUM_LOCK)
        shifted = !shifted;
    return k[shifted];
}

/* Lights: commands go out with interrupts off, answers are taken here. */
static void show_lights(void)
{
    u8 lights = BDA->shift[0] >> 4 & 7;

    if ((BDA->kbd_leds & 7) == lights)
        return;
    BDA->kbd_leds = (u8)((BDA->kbd_leds & ~7) | lights);
    if (keyboard_send(0xed))
        keyboard_send(lights);
}

/* A lock key toggles when it goes down, not while it repeats. */
static void lock_key(u8 lock, u8 down, bool make)
{
    if (!make) {
        BDA->shift[1] &= (u8)~down;
    } else if (!(BDA->shift[1] & down)) {
        BDA->shift[1] |= down;
        BDA->shift[0] ^= lock;
    }
}

static void flag(volatile u8 __attribute__((address_space(257))) * at, u8 bit, bool on)
{
    *at = (u8)(on ? *at | bit : *at & ~bit);
}

static void alt_key(bool right, bool make)
{
    if (right)
        flag(&BDA->kbd_mode, RIGHT_ALT, make);
    else
        flag(&BDA->shift[1], LEFT_ALT, make);
    flag(&BDA->shift[0], ALT, BDA->kbd_mode & RIGHT_ALT || BDA->shift[1] & LEFT_ALT);
    if (!make && BDA->keypad) { /* Alt and digits: a character by its number */
        buffer_put(BDA->keypad);
        BDA->keypad = 0;
    }
}

static void ctrl_key(bool right, bool make)
{
    if (right)
        flag(&BDA->kbd_mode, RIGHT_CTRL, make);
    else
        flag(&BDA->shift[1], LEFT_CTRL, make);
    flag(&BDA->shift[0], CTRL, BDA->kbd_mode & RIGHT_CTRL || BDA->shift[1] & LEFT_CTRL);
}

static void break_key(void)
{
    struct regs to = {0};

    BDA->kbd_head = BDA->kbd_tail = BDA->kbd_start;
    BDA->ctrl_break |= 0x80;
    buffer_put(0);
    call_int(0x1b, &to);
    irqs_off();
}

/* Pause: the machine stands until another key. */
static void pause_key(void)
{
    BDA->shift[1] |= PAUSED;
    eoi(1);
    controller_command(0xae);
    while (BDA->shift[1] & PAUSED)
        irq_wait();
}

static void alt_digit(u8 scan)
{
    static const u8 digits[] = {7, 8, 9, 0xff, 4, 5, 6, 0xff, 1, 2, 3, 0};
    u8 digit = scan - 0x47 < (int)sizeof digits ? digits[scan - 0x47] : 0xff;

    if (digit <= 9)
        BDA->keypad = (u8)(BDA->keypad * 10 + digit);
}

static void system_request(bool make)
{
    struct regs to = {0};

    if (make == !!(BDA->shift[1] & SYSREQ_DOWN))
        return;
    flag(&BDA->shift[1], SYSREQ_DOWN, make);
    to.ah = 0x85; /* INT 15h/85h: AL = 0 pressed, 1 released */
    to.al = !make;
    call_int(0x15, &to);
    irqs_off();
}

/* Keys that make a character. */
static void make_key(u8 scan, bool e0)
{
    u8 shift = BDA->shift[0];
    u16 key;

    if (BDA->shift[1] & PAUSED) {
        BDA->shift[1] &= (u8)~PAUSED;
        return;
    }
    if (scan == 0x53 && (shift & (CTRL | ALT)) == (CTRL | ALT)) {
        BDA->warm_boot = 0x1234;
        controller_command(0xfe);
        out8(0x92, in8(0x92) | 1); /* should the controller not do it */
        return;
    }
    if (e0 && scan == 0x37) { /* Print Screen */
        struct regs to = {0};
        if (shift & CTRL) {
            buffer_put(0x7200);
        } else {
            call_int(0x05, &to);
            irqs_off();
        }
        return;
    }
    if (e0 && scan == 0x46) {
        break_key();
        return;
    }
    if (shift & ALT && !e0 && is_keypad(scan)) {
        alt_digit(scan);
        return;
    }
    if (scan == 0x52)
        lock_key(INSERT, INSERT_DOWN, true);
    key = e0 ? extended_key(scan, shift) : plain_key(scan, shift);
    if (key)
        buffer_put(key);
}

static void scan_code(u8 code)
{
    bool make = !(code & 0x80), e0 = BDA->kbd_mode & LAST_E0;
    u8 scan = code & 0x7f;

    if (BDA->kbd_mode & LAST_E1) { /* Pause: E1 1D 45 E1 9D C5 */
        if (scan == 0x1d)
            return;
        BDA->kbd_mode &= (u8)~LAST_E1;
        if (make && scan == 0x45 && !(BDA->shift[1] & PAUSED))
            pause_key();
        return;
    }
    BDA->kbd_mode &= (u8)~LAST_E0;
    switch (scan) {
    case 0x2a:
    case 0x36:
        if (!e0) /* after E0 they frame a cursor key */
            flag(&BDA->shift[0], scan == 0x2a ? LEFT_SHIFT : RIGHT_SHIFT, make);
        return;
    case 0x1d: ctrl_key(e0, make); return;
    case 0x38: alt_key(e0, make); return;
    case 0x3a: lock_key(CAPS_LOCK, CAPS_DOWN, make); return;
    case 0x45:
        if (make && BDA->shift[0] & CTRL)
            pause_key();
        else
            lock_key(NUM_LOCK, NUM_DOWN, make);
        return;
    case 0x46:
        if (make && !e0 && BDA->shift[0] & CTRL)
            break_key();
        else if (!e0)
            lock_key(SCROLL_LOCK, SCROLL_DOWN, make);
        else if (make)
            make_key(scan, e0);
        return;
    case 0x54: system_request(make); return;
    default: break;
    }
    if (make)
        make_key(scan, e0);
    else if (scan == 0x52)
        lock_key(INSERT, INSERT_DOWN, false);
}

/* IRQ 1. INT 15h/4Fh may change or swallow the code (carry clear). */
void irq_1(struct regs *r)
{
    struct regs to = {0};
    u8 status = in8(STATUS), code;
    (void)r;

    if (!(status & OBF) || status & AUX) {
        eoi(1);
        return;
    }
    controller_command(0xad);
    code = in8(DATA);
    to.ah = 0x4f;
    to.al = code;
    to.ip = far16(0, 0x15 * 4);
    to.cs = far16(0, 0x15 * 4 + 2);
    to.flags = 2 | CARRY;
    call_far(&to, true);
    irqs_off();
    if (to.flags & CARRY) {
        code = to.al;
        if (code == 0xe0)
            BDA->kbd_mode |= LAST_E0;
        else if (code == 0xe1)
            BDA->kbd_mode |= LAST_E1;
        else
            scan_code(code);
    }
    controller_command(0xae);
    show_lights();
    eoi(1);
}

/* ---- INT 16h ---- */

/* What a program written for 83 keys gets: no E0 and F0 bytes, no new keys (false). */
static bool old_key(u16 *key)
{
    u8 scan = (u8)(*key >> 8), c = (u8)*key;

    if (scan == 0xe0) { /* keypad Enter, slash */
        *key = (u16)((c == '/' ? 0x35 : 0x1c) << 8 | c);
        return true;
    }
    if (c == 0xf0 && scan)
        return false;
    if (c == 0xe0 && scan) {
        *key &= 0xff00;
        return true;
    }
    return scan <= 0x84 || !scan;
}

static void new_key(u16 *key)
{
    if ((*key & 0xff) == 0xf0 && *key >> 8) /* F0 only tells old from new */
        *key &= 0xff00;
}

static void wait_key(struct regs *r, bool extended)
{
    u16 key;

    for (;;) {
        while (!buffer_peek(&key))
            irq_wait();
        buffer_drop();
        if (extended) {
            new_key(&key);
            break;
        }
        if (old_key(&key))
            break;
    }
    r->ax = key;
}

static void test_key(struct regs *r, bool extended)
{
    u16 key;

    while (buffer_peek(&key)) {
        if (extended) {
            new_key(&key);
        } else if (!old_key(&key)) {
            buffer_drop();
            continue;
        }
        r->ax = key;
        r->flags &= (u16)~ZERO;
        return;
    }
    r->flags |= ZERO;
    irqs_on(); /* a program that polls with interrupts off still gets its keys */
    __asm__ volatile("nop");
    irqs_off();
}

void keyboard_services(struct regs *r)
{
    switch (r->ah) {
    case 0x00: wait_key(r, false); break;
    case 0x01: test_key(r, false); break;
    case 0x02: r->al = BDA->shift[0]; break;
    case 0x03: /* typematic rate */
        if (r->al == 5 && keyboard_send(0xf3))
            keyboard_send((u8)((r->bh & 3) << 5 | (r->bl & 31)));
        break;
    case 0x05: r->al = !buffer_put(r->cx); break;
    case 0x09: r->al = 0x30; break; /* AH=0Ah and 10h-12h are there: RBIL table 00585 */
    case 0x0a: r->bx = 0x41ab; break; /* an MF2 keyboard, translated */
    case 0x10: wait_key(r, true); break;
    case 0x11: test_key(r, true); break;
    case 0x12:
        r->al = BDA->shift[0];
        r->ah =
            (u8)((BDA->shift[1] & 0x73) | (BDA->kbd_mode & (RIGHT_CTRL | RIGHT_ALT)) |
                 (BDA->shift[1] & SYSREQ_DOWN ? 0x80 : 0));
        break;
    default: break;
    }
}
