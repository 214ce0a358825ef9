/* monitor_input.c - pressing keys and moving the mouse. */
#include "debug/monitor.h"

#include <stdlib.h>
#include <string.h>

enum { MOVE_MOST = 10000, BUTTONS_ALL = 7 };

void monitor_sendkey(struct monitor *m, char *argument)
{
    if (!*argument)
        monitor_say(m, "sendkey KEYS: names joined by -, as in ctrl-alt-delete");
    else if (!m->keys)
        monitor_say(m, "this machine has no keyboard");
    else if (!m->keys(m->owner, argument))
        monitor_say(m, "there is no key '%s', or too many wait", argument);
}

/* In place. */
static size_t unescape(char *text)
{
    char *to = text;

    for (const char *at = text; *at; at++) {
        char c = *at;
        if (c == '\\' && at[1]) {
            at++;
            c = *at == 'n' ? '\n' : *at == 't' ? '\t' : *at;
        }
        *to++ = c;
    }
    return (size_t)(to - text);
}

void monitor_type(struct monitor *m, char *argument)
{
    size_t n = unescape(argument), taken;

    if (!n) {
        monitor_say(m, "type TEXT: \\n is Return, \\t Tab, \\\\ a backslash");
    } else if (!m->type) {
        monitor_say(m, "this machine has no keyboard");
    } else if ((taken = m->type(m->owner, argument, n)) < n) {
        monitor_say(m, "too much waits to be typed: %u of %u characters were taken",
                    (unsigned)taken, (unsigned)n);
    }
}

/* A whole number from least to most; *at goes behind it. */
static bool whole(char **at, int least, int most, int *v)
{
    char *end;
    int64_t n = strtoll(*at, &end, 10);

    if (end == *at || (*end && *end != ' ') || n < least || n > most)
        return false;
    *v = (int)n;
    *at = end + strspn(end, " ");
    return true;
}

void monitor_mouse_move(struct monitor *m, char *argument)
{
    int dx, dy, wheel = 0;

    if (!whole(&argument, -MOVE_MOST, MOVE_MOST, &dx) ||
        !whole(&argument, -MOVE_MOST, MOVE_MOST, &dy) ||
        (*argument && !whole(&argument, -MOVE_MOST, MOVE_MOST, &wheel)) || *argument)
        monitor_say(m, "mouse_move DX DY [WHEEL]: counts from %d to %d", -MOVE_MOST,
                    MOVE_MOST);
    else if (!m->mouse)
        monitor_say(m, "this machine has no mouse");
    else
        m->mouse(m->owner, dx, dy, wheel, m->buttons);
}

void monitor_mouse_button(struct monitor *m, char *argument)
{
    int buttons;

    if (!whole(&argument, 0, BUTTONS_ALL, &buttons) || *argument) {
        monitor_say(m, "mouse_button N: 1 left, 2 right, 4 middle, or a sum");
    } else if (!m->mouse) {
        monitor_say(m, "this machine has no mouse");
    } else {
        m->buttons = (unsigned)buttons;
        m->mouse(m->owner, 0, 0, 0, m->buttons);
    }
}
