/* console.c - Ctrl-A keys, and a line editor that needs no more than backspace. */
#include "machine/console.h"

#include <string.h>

enum {
    CTRL_A = 1, CTRL_C = 3, CTRL_D = 4, CTRL_H = 8, CTRL_U = 21, CTRL_W = 23, ESCAPE = 27,
    DELETE = 127,
};

static void print(struct console *c, const char *text)
{
    c->print(c->to, text);
}

void console_prompt(struct console *c)
{
    if (atomic_load(&c->monitor))
        print(c, "(menura) ");
}

static void switch_user(struct console *c)
{
    bool monitor = !atomic_load(&c->monitor);

    if (!monitor && !c->guest) {
        print(c, "\r\nno serial port is on this terminal\r\n");
        monitor = true;
    } else if (monitor) {
        print(c, "\r\nmonitor: 'help' lists the commands, Ctrl-A c goes back\r\n");
    } else {
        print(c, "\r\n");
    }
    atomic_store(&c->monitor, monitor);
    c->length = 0;
    console_prompt(c);
}

/* The byte after Ctrl-A. True: it is the guest's. */
static bool escaped(struct console *c, uint8_t byte)
{
    switch (byte) {
    case 'x':
        atomic_store(&c->quit, true);
        c->attention(c->to);
        return false;
    case 'c': switch_user(c); return false;
    case 'b': c->send_break(c->to); return false;
    case CTRL_A: return !atomic_load(&c->monitor);
    case 'h': case '?':
        print(c, "\r\nCtrl-A x       quit"
                 "\r\nCtrl-A c       to the monitor and back"
                 "\r\nCtrl-A b       send a break"
                 "\r\nCtrl-A Ctrl-A  send Ctrl-A"
                 "\r\nCtrl-A h       this list\r\n");
        console_prompt(c);
        return false;
    default: return false;
    }
}

static void rub_out(struct console *c)
{
    if (c->length) {
        c->length--;
        print(c, "\b \b");
    }
}

static void end_line(struct console *c)
{
    unsigned filled = atomic_load(&c->filled);

    print(c, "\r\n");
    if (filled - atomic_load(&c->taken) == CONSOLE_LINES) {
        print(c, "too many commands are waiting: this one is dropped\r\n");
    } else {
        memcpy(c->lines[filled % CONSOLE_LINES], c->line, c->length);
        c->lines[filled % CONSOLE_LINES][c->length] = 0;
        atomic_store(&c->filled, filled + 1);
        c->attention(c->to);
    }
    c->length = 0;
}

/* A cursor key sends ESC [ ... and a letter: none of it belongs into the line. */
static bool skipped(struct console *c, uint8_t byte)
{
    if (byte == ESCAPE)
        c->skip = 1;
    else if (c->skip == 1)
        c->skip = byte == '[' || byte == 'O' ? 2 : 0;
    else if (c->skip == 2 && byte >= 0x40)
        c->skip = 0;
    else
        return c->skip != 0;
    return true;
}

static void edit(struct console *c, uint8_t byte)
{
    char echo[2] = {(char)byte, 0};

    if (skipped(c, byte))
        return;
    switch (byte) {
    case '\r': case '\n': end_line(c); break;
    case CTRL_H: case DELETE: rub_out(c); break;
    case CTRL_C: case CTRL_U:
        while (c->length)
            rub_out(c);
        break;
    case CTRL_W:
        while (c->length && c->line[c->length - 1] == ' ')
            rub_out(c);
        while (c->length && c->line[c->length - 1] != ' ')
            rub_out(c);
        break;
    case CTRL_D:
        if (!c->length)
            switch_user(c);
        break;
    default:
        if (byte >= ' ' && c->length + 1 < sizeof c->line) {
            c->line[c->length++] = (char)byte;
            print(c, echo);
        }
    }
}

bool console_typed(struct console *c, uint8_t byte)
{
    if (c->escaped) {
        c->escaped = false;
        return escaped(c, byte);
    }
    if (byte == CTRL_A) {
        c->escaped = true;
        return false;
    }
    if (!atomic_load(&c->monitor))
        return true;
    edit(c, byte);
    return false;
}

const char *console_line(struct console *c)
{
    unsigned taken = atomic_load(&c->taken);

    return taken == atomic_load(&c->filled) ? NULL : c->lines[taken % CONSOLE_LINES];
}

void console_done(struct console *c)
{
    atomic_fetch_add(&c->taken, 1);
}
