/* typing.c - turns text and names of keys into keys going down and up.
 *
 * A key is down for HOLD and up for as long; the next one waits until the guest has
 * read the codes of the last, so that nothing is lost in a full queue.
 */
#include "machine/typing.h"

#include "devices/keyboard.h"
#include "devices/scancodes.h"

#include <stdlib.h>
#include <string.h>

enum { HOLD_NS = 10 * 1000 * 1000, KEYS_TOGETHER = 4 };

struct stroke {
    uint8_t key[KEYS_TOGETHER]; /* Linux numbers, pressed in this order; 0 ends */
};

/* Linux numbers (linux/input-event-codes.h). */
enum { ESC = 1, MINUS = 12, BACKSPACE = 14, TAB = 15, ENTER = 28, SPACE = 57, F1 = 59,
       NUM_LOCK = 69, F11 = 87 };

/* ---- one stroke after the other ---- */

static void arm(struct typing *t)
{
    timer_arm(t->clock, &t->timer, clock_after_ns(t->clock, HOLD_NS));
}

static void press(struct typing *t, const struct stroke *s, bool down)
{
    for (unsigned n = 0; n < KEYS_TOGETHER; n++) {
        unsigned key = s->key[down ? n : KEYS_TOGETHER - 1 - n];
        if (key)
            keyboard_key(t->keyboard, key, down);
    }
}

static void due(void *owner)
{
    struct typing *t = owner;

    if (!t->down && !keyboard_idle(t->keyboard)) {
        arm(t);
        return;
    }
    t->down = !t->down;
    press(t, &t->waiting[t->gone % TYPING_MOST], t->down);
    if (!t->down)
        t->gone++;
    if (t->down || t->gone != t->came)
        arm(t);
}

static bool add(struct typing *t, const struct stroke *s)
{
    if (!t->waiting)
        t->waiting = calloc(TYPING_MOST, sizeof *t->waiting);
    if (!t->waiting || t->came - t->gone == TYPING_MOST)
        return false;
    t->waiting[t->came++ % TYPING_MOST] = *s;
    if (!t->timer.armed)
        arm(t);
    return true;
}

void typing_init(struct typing *t, struct clock *clock, struct device *keyboard)
{
    *t = (struct typing){.clock = clock, .keyboard = keyboard,
                         .timer = {.due = due, .owner = t}};
}

void typing_free(struct typing *t)
{
    if (t->clock)
        timer_stop(t->clock, &t->timer);
    free(t->waiting);
    t->waiting = NULL;
}

bool typing_over(const struct typing *t)
{
    return t->came == t->gone;
}

/* ---- text ---- */

/* The keys of a US keyboard's main block in the order of their numbers from ESC on, as
 * they are and with Shift; a blank where a key types nothing. */
static const char plain[] = " 1234567890-=  qwertyuiop[]  asdfghjkl;'` \\zxcvbnm,./";
static const char shifted[] = " !@#$%^&*()_+  QWERTYUIOP{}  ASDFGHJKL:\"~ |ZXCVBNM<>?";

static struct stroke stroke_of(char c)
{
    const char *at;

    switch (c) {
    case '\n':
    case '\r': return (struct stroke){{ENTER}};
    case '\t': return (struct stroke){{TAB}};
    case '\b':
    case 0x7f: return (struct stroke){{BACKSPACE}};
    case 0x1b: return (struct stroke){{ESC}};
    case ' ': return (struct stroke){{SPACE}};
    case 0: return (struct stroke){{0}};
    default: break;
    }
    if ((at = strchr(plain, c)))
        return (struct stroke){{(uint8_t)(ESC + (at - plain))}};
    if ((at = strchr(shifted, c)))
        return (struct stroke){{KEY_LEFT_SHIFT, (uint8_t)(ESC + (at - shifted))}};
    if (c > 0 && c < 0x1b) { /* Ctrl and a letter */
        at = strchr(plain, c - 1 + 'a');
        return (struct stroke){{KEY_LEFT_CTRL, (uint8_t)(ESC + (at - plain))}};
    }
    return (struct stroke){{0}};
}

bool typing_has(char c)
{
    return stroke_of(c).key[0] != 0;
}

size_t typing_text(struct typing *t, const char *text, size_t n)
{
    size_t taken = 0;

    for (; taken < n; taken++) {
        struct stroke s = stroke_of(text[taken]);
        if (s.key[0] && !add(t, &s))
            break;
    }
    return taken;
}

/* ---- names ---- */

/* As QEMU's sendkey has them; letters and digits are themselves. */
static const struct {
    const char *name;
    uint8_t key;
} names[] = {
    {"shift", KEY_LEFT_SHIFT}, {"shift_r", KEY_RIGHT_SHIFT}, {"alt", KEY_LEFT_ALT},
    {"alt_r", KEY_RIGHT_ALT}, {"altgr", KEY_RIGHT_ALT}, {"ctrl", KEY_LEFT_CTRL},
    {"ctrl_r", KEY_RIGHT_CTRL}, {"menu", 127}, {"esc", ESC}, {"minus", MINUS},
    {"equal", 13}, {"backspace", BACKSPACE}, {"tab", TAB}, {"bracket_left", 26},
    {"bracket_right", 27}, {"ret", ENTER}, {"semicolon", 39}, {"apostrophe", 40},
    {"grave_accent", 41}, {"backslash", 43}, {"comma", 51}, {"dot", 52}, {"slash", 53},
    {"asterisk", 55}, {"spc", SPACE}, {"caps_lock", 58}, {"num_lock", NUM_LOCK},
    {"scroll_lock", 70}, {"kp_divide", 98}, {"kp_multiply", 55}, {"kp_subtract", 74},
    {"kp_add", 78}, {"kp_enter", 96}, {"kp_decimal", 83}, {"kp_0", 82}, {"kp_1", 79},
    {"kp_2", 80}, {"kp_3", 81}, {"kp_4", 75}, {"kp_5", 76}, {"kp_6", 77}, {"kp_7", 71},
    {"kp_8", 72}, {"kp_9", 73}, {"less", 86}, {"print", KEY_PRINT_SCREEN},
    {"sysrq", KEY_PRINT_SCREEN}, {"home", 102}, {"pgup", 104}, {"pgdn", 109}, {"end", 107},
    {"left", 105}, {"up", 103}, {"down", 108}, {"right", 106}, {"insert", 110},
    {"delete", 111}, {"pause", KEY_PAUSE}, {"meta_l", 125}, {"meta_r", 126},
};

static unsigned key_of(const char *name, size_t n)
{
    const char *at;

    if (n == 1 && *name != ' ' && (at = strchr(plain, *name)) && *at)
        return (unsigned)(ESC + (at - plain));
    if (n >= 2 && n <= 3 && name[0] == 'f') {
        unsigned f = 0;
        for (size_t k = 1; k < n; k++)
            f = name[k] >= '0' && name[k] <= '9' ? f * 10 + (unsigned)(name[k] - '0') : 99;
        if (f >= 1 && f <= 10)
            return F1 + f - 1;
        if (f == 11 || f == 12)
            return F11 + f - 11;
    }
    for (size_t k = 0; k < ARRAY_SIZE(names); k++)
        if (strlen(names[k].name) == n && !memcmp(names[k].name, name, n))
            return names[k].key;
    return 0;
}

static bool chord(const char *keys, struct stroke *s)
{
    *s = (struct stroke){{0}};
    for (unsigned n = 0; n < KEYS_TOGETHER; n++) {
        size_t length = strcspn(keys, "-");
        unsigned key = key_of(keys, length);
        if (!key)
            return false;
        s->key[n] = (uint8_t)key;
        keys += length;
        if (!*keys)
            return true;
        keys++;
    }
    return false;
}

bool typing_names_keys(const char *keys)
{
    struct stroke s;

    return chord(keys, &s);
}

bool typing_keys(struct typing *t, const char *keys)
{
    struct stroke s;

    return chord(keys, &s) && add(t, &s);
}
