/* terminal_keys.c - from bytes and escape sequences back to keys.
 *
 * ECMA-48 5.4 (control sequences), XTerm Control Sequences, "PC-Style Function Keys"
 * and "VT220-Style Function Keys"; console_codes(4) for the Linux console's F1 to F5.
 */
#include "frontend/terminal_keys.h"

#include <stdio.h>
#include <string.h>

enum { ESC = 27, SEQUENCE_MOST = 32 };

static const char *named(char c)
{
    static const struct {
        char c;
        const char *name;
    } names[] = {
        {' ', "spc"},  {'-', "minus"},      {'\r', "ret"},      {'\n', "ret"},
        {'\t', "tab"}, {'\b', "backspace"}, {127, "backspace"}, {ESC, "esc"},
    };

    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (names[n].c == c)
            return names[n].name;
    return NULL;
}

/* One byte, with Alt or not. */
static void plain_key(uint8_t byte, bool alt, char name[TERMINAL_KEYS])
{
    static const char above[] = "!@#$%^&*()_+{}:\"~|<>?";
    static const char below[] = "1234567890-=[];'`\\,./";
    const char *prefix = "", *text;
    char c = (char)byte, one[2] = {0};

    name[0] = 0;
    if (byte >= 128)
        return; /* no key of a US keyboard types it */
    if (c && (text = strchr(above, c))) {
        prefix = "shift-";
        c = below[text - above];
    } else if (c >= 'A' && c <= 'Z') {
        prefix = "shift-";
        c = (char)(c | 0x20);
    } else if (byte < ' ' && !named(c)) {
        static const char others[] = "\\]6-"; /* 1Ch to 1Fh, as terminals have them */
        prefix = "ctrl-";
        c = byte == 0 ? ' ' : byte < ESC ? (char)(byte + 'a' - 1) : others[byte - 0x1c];
    }
    one[0] = c;
    snprintf(name, TERMINAL_KEYS, "%s%s%s", alt ? "alt-" : "", prefix,
             named(c) ? named(c) : one);
}

/* By the final byte of a CSI or SS3 sequence. */
static const char *by_letter(uint8_t final)
{
    switch (final) {
    case 'A': return "up";
    case 'B': return "down";
    case 'C': return "right";
    case 'D': return "left";
    case 'E': return "kp_5";
    case 'F': return "end";
    case 'H': return "home";
    case 'M': return "kp_enter"; /* SS3 only */
    case 'P': return "f1";
    case 'Q': return "f2";
    case 'R': return "f3";
    case 'S': return "f4";
    case 'Z': return "shift-tab";
    default: return NULL;
    }
}

/* By the number before ~. */
static const char *by_number(unsigned n)
{
    static const char *const names[] = {
        [1] = "home",  [2] = "insert", [3] = "delete", [4] = "end",  [5] = "pgup",
        [6] = "pgdn",  [7] = "home",   [8] = "end",    [11] = "f1",  [12] = "f2",
        [13] = "f3",   [14] = "f4",    [15] = "f5",    [17] = "f6",  [18] = "f7",
        [19] = "f8",   [20] = "f9",    [21] = "f10",   [23] = "f11", [24] = "f12",
        [29] = "menu",
    };
    return n < sizeof names / sizeof *names ? names[n] : NULL;
}

/* modifiers: XTerm's, 1 and 1 for Shift, 2 for Alt, 4 for Ctrl. */
static void finish(const char *key, unsigned modifiers, char name[TERMINAL_KEYS])
{
    unsigned down = modifiers > 1 && modifiers <= 8 ? modifiers - 1 : 0;

    name[0] = 0;
    if (key)
        snprintf(name, TERMINAL_KEYS, "%s%s%s%s", down & 4 ? "ctrl-" : "",
                 down & 2 ? "alt-" : "", down & 1 ? "shift-" : "", key);
}

/* After ESC [. */
static size_t control_sequence(const uint8_t *byte, size_t n, bool over,
                               char name[TERMINAL_KEYS])
{
    unsigned parameter[2] = {0, 0}, which = 0;

    name[0] = 0;
    if (n >= 4 && byte[2] == '[') { /* the Linux console's F1 to F5 */
        if (byte[3] >= 'A' && byte[3] <= 'E')
            snprintf(name, TERMINAL_KEYS, "f%d", byte[3] - 'A' + 1);
        return 4;
    }
    if (n == 3 && byte[2] == '[')
        return over ? 3 : 0;
    for (size_t at = 2; at < n && at < SEQUENCE_MOST; at++) {
        uint8_t b = byte[at];
        if (b >= '0' && b <= '9' && which < 2 && parameter[which] < 1000)
            parameter[which] = parameter[which] * 10 + (unsigned)(b - '0');
        else if (b == ';')
            which++;
        else if (b >= 0x40 && b <= 0x7e) {
            finish(b == '~' ? by_number(parameter[0]) : by_letter(b), parameter[1],
                   name);
            return at + 1;
        } else if (b < 0x20)
            return at; /* no sequence after all */
    }
    return over || n >= SEQUENCE_MOST ? n : 0;
}

size_t terminal_key(const uint8_t *byte, size_t n, bool over, char name[TERMINAL_KEYS])
{
    plain_key(byte[0], false, name);
    if (byte[0] != ESC)
        return 1;
    if (n == 1)
        return over ? 1 : 0;
    if ((byte[1] == '[' || byte[1] == 'O') && n == 2 && !over)
        return 0;
    if (byte[1] == '[' && n > 2)
        return control_sequence(byte, n, over, name);
    if (byte[1] == 'O' && n > 2) {
        finish(by_letter(byte[2]), 0, name);
        return 3;
    }
    if (byte[1] == ESC) /* Escape typed twice; the second one may begin a sequence */
        return 1;
    plain_key(byte[1], true, name);
    return 2;
}
