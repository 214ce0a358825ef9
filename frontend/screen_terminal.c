/* screen_terminal.c - the guest's screen and keyboard on the terminal itself.
 *
 * All of it happens in the frame callback, on the machine's thread: what was typed is
 * read, what the screen shows is composed as cells of the terminal, and the cells that
 * changed are written. Sequences are those of ECMA-48 8.3 and XTerm's private modes.
 */
#include "frontend/display.h"
#include "frontend/terminal_keys.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    FRAMES = 50, /* a second */
    COLUMNS_MOST = 400,
    ROWS_MOST = 200,
    TYPED = 1024,        /* bytes of input in hand */
    ESCAPE_PATIENCE = 3, /* frames until an ESC is the key itself */
    MESSAGE_FRAMES = 4 * FRAMES,
    LOOK_FRAMES = FRAMES / 2, /* between looks at a graphics mode's size */
    LINE = 512,               /* a line for the monitor */
    NOTES = 100,              /* lines kept for the end */
    CTRL_A = 1,
    CTRL_D = 4,
    NO_COLOUR = -1,
};

/* The other screen, cleared, no wrapping at the right edge; and back. */
static const char enter[] = "\033[?1049h\033[?7l\033[m\033[2J";
static const char leave[] = "\033[m\033[?7h\033[?25h\033[?1049l";

/* Signal handlers get no argument: the terminal's size changed. */
static volatile sig_atomic_t changed;

struct cell {
    char utf8[4];
    int front, back; /* 00RRGGBBh or NO_COLOUR: the terminal's own */
};

struct screen_terminal {
    struct menura *m;
    bool utf8, true_colour;
    unsigned columns, rows; /* the terminal's */
    struct cell next[ROWS_MOST * COLUMNS_MOST], shown[ROWS_MOST * COLUMNS_MOST];
    bool cursor;
    unsigned cursor_column, cursor_row;
    bool composed; /* next holds the picture of `version` */
    uint64_t version;
    uint64_t frames;

    uint8_t typed[TYPED];
    size_t typed_count;
    unsigned waited; /* frames that an unfinished sequence waits */
    bool escaped;    /* Ctrl-A came */
    bool quit, gone;

    char message[DISPLAY_WHY]; /* on the last row, until frame message_ends */
    uint64_t message_ends;

    bool monitor; /* typing goes to it, and the guest's screen is not shown */
    char line[LINE];
    size_t length;
    unsigned skip; /* within a sequence that the line editor does not know */

    char *out; /* what this frame writes */
    size_t out_size, out_room;
    int front, back; /* the terminal's colours now */
    bool coloured;   /* front and back are known */

    pthread_mutex_t lock; /* for the notes, which any thread may add */
    char *note[NOTES];
    unsigned notes, notes_lost;
};

/* ---- output ---- */

static void put(struct screen_terminal *s, const char *text, size_t n)
{
    if (s->out_room - s->out_size < n) {
        size_t room = (s->out_room + n) * 2;
        char *more = realloc(s->out, room);
        if (!more)
            return; /* less is drawn */
        s->out = more;
        s->out_room = room;
    }
    memcpy(s->out + s->out_size, text, n);
    s->out_size += n;
}

static void say(struct screen_terminal *s, const char *fmt, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

static void say(struct screen_terminal *s, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put(s, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

static void flush(struct screen_terminal *s)
{
    size_t done = 0;

    while (done < s->out_size) {
        ssize_t n = write(STDOUT_FILENO, s->out + done, s->out_size - done);
        struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
        if (n >= 0)
            done += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            poll(&p, 1, 100);
        else if (errno != EINTR)
            break; /* the terminal is gone: reading will tell */
    }
    s->out_size = 0;
}

static bool takes_output(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&p, 1, 0) > 0 && p.revents & POLLOUT;
}

/* ---- colours ---- */

/* The 16 colours of a VGA's text modes, by attribute, and their SGR numbers: PC order
 * has blue in bit 0, ANSI has red there. */
static const struct {
    int rgb;
    unsigned char sgr; /* for the front; 10 more for the back */
} colours[16] = {
    {0x000000, 30}, {0x0000aa, 34}, {0x00aa00, 32}, {0x00aaaa, 36},
    {0xaa0000, 31}, {0xaa00aa, 35}, {0xaa5500, 33}, {0xaaaaaa, 37},
    {0x555555, 90}, {0x5555ff, 94}, {0x55ff55, 92}, {0x55ffff, 96},
    {0xff5555, 91}, {0xff55ff, 95}, {0xffff55, 93}, {0xffffff, 97},
};

static int component_distance(int a, int b, int shift)
{
    int d = (a >> shift & 0xff) - (b >> shift & 0xff);
    return d * d;
}

static void set_colour(struct screen_terminal *s, int rgb, unsigned back)
{
    unsigned best = 0;
    int least = INT32_MAX;

    if (rgb == NO_COLOUR) {
        say(s, "\033[%um", 39 + back);
        return;
    }
    for (unsigned n = 0; n < 16; n++) {
        int far = component_distance(rgb, colours[n].rgb, 16) +
                  component_distance(rgb, colours[n].rgb, 8) +
                  component_distance(rgb, colours[n].rgb, 0);
        if (far < least) {
            least = far;
            best = n;
        }
    }
    if (least && s->true_colour)
        say(s, "\033[%u;2;%d;%d;%dm", 38 + back, rgb >> 16 & 0xff, rgb >> 8 & 0xff,
            rgb & 0xff);
    else
        say(s, "\033[%um", colours[best].sgr + back);
}

/* ---- cells ---- */

/* Code page 437 where the terminal knows no UTF-8. */
static char ascii(uint8_t code)
{
    if (code >= ' ' && code < 127)
        return (char)code;
    if (code == 0 || code == 0xff)
        return ' ';
    if (code == 0xb3 || code == 0xba)
        return '|';
    if (code == 0xc4 || code == 0xcd)
        return '-';
    if ((code >= 0xb0 && code <= 0xb2) || (code >= 0xdb && code <= 0xdf))
        return '#';
    return code > 0xb2 && code < 0xdb ? '+' : '?';
}

static void blank(struct cell *c, size_t n)
{
    for (size_t k = 0; k < n; k++)
        c[k] = (struct cell){" ", NO_COLOUR, NO_COLOUR};
}

static bool is_same(const struct cell *a, const struct cell *b)
{
    return a->front == b->front && a->back == b->back && !strcmp(a->utf8, b->utf8);
}

static struct cell *cell_at(struct screen_terminal *s, unsigned column, unsigned row)
{
    return &s->next[(size_t)row * s->columns + column];
}

/* ASCII over a row of the terminal. */
static void write_over(struct screen_terminal *s, unsigned row, const char *text)
{
    for (unsigned n = 0; n < s->columns; n++) {
        struct cell *c = cell_at(s, n, row);
        *c = (struct cell){{*text ? *text : ' ', 0}, 0x000000, 0xaaaaaa};
        text += *text != 0;
    }
}

/* Where to begin so that `wanted` of `all` is among the `room` shown. */
static unsigned first_shown(unsigned all, unsigned room, unsigned wanted)
{
    return all <= room || wanted < room ? 0 : wanted - room + 1;
}

static void compose_text(struct screen_terminal *s, const struct menura_text *t)
{
    unsigned column = first_shown(t->columns, s->columns, t->cursor ? t->column : 0);
    unsigned row = first_shown(t->rows, s->rows, t->cursor ? t->row : 0);

    for (unsigned y = 0; y < s->rows && row + y < t->rows; y++)
        for (unsigned x = 0; x < s->columns && column + x < t->columns; x++) {
            const struct menura_cell *from =
                &t->cell[(size_t)(row + y) * t->columns + column + x];
            struct cell *c = cell_at(s, x, y);
            if (s->utf8)
                memcpy(c->utf8, from->utf8, sizeof c->utf8);
            else
                c->utf8[0] = ascii(from->code), c->utf8[1] = 0;
            c->front = (int)(from->front & 0xffffff);
            c->back = (int)(from->back & 0xffffff);
        }
    s->cursor = t->cursor && t->column - column < s->columns && t->row - row < s->rows;
    s->cursor_column = t->column - column;
    s->cursor_row = t->row - row;
}

static void compose(struct screen_terminal *s)
{
    struct menura_picture p;
    struct menura_text t;
    char text[DISPLAY_WHY];

    blank(s->next, (size_t)s->rows * s->columns);
    s->cursor = false;
    if (menura_screen_text(s->m, &t)) {
        compose_text(s, &t);
    } else {
        if (menura_screen(s->m, &p))
            snprintf(text, sizeof text,
                     " %ux%u pixels: Ctrl-A s, or screendump FILE after Ctrl-A c,"
                     " makes a picture",
                     p.width, p.height);
        else
            snprintf(text, sizeof text, " the guest shows nothing");
        write_over(s, s->rows / 2, text);
    }
    if (*s->message)
        write_over(s, s->rows - 1, s->message);
}

static void draw(struct screen_terminal *s)
{
    unsigned column = 0, row = s->rows; /* where the terminal writes next: unknown */

    for (unsigned y = 0; y < s->rows; y++)
        for (unsigned x = 0; x < s->columns; x++) {
            const struct cell *c = cell_at(s, x, y);
            struct cell *old = &s->shown[(size_t)y * s->columns + x];
            if (is_same(c, old))
                continue;
            if (x != column || y != row)
                say(s, "\033[%u;%uH", y + 1, x + 1);
            if (!s->coloured || c->front != s->front)
                set_colour(s, c->front, 0);
            if (!s->coloured || c->back != s->back)
                set_colour(s, c->back, 10);
            s->front = c->front;
            s->back = c->back;
            s->coloured = true;
            put(s, c->utf8, strlen(c->utf8));
            *old = *c;
            row = y;
            column = x + 1 < s->columns ? x + 1 : s->columns;
        }
    if (s->cursor)
        say(s, "\033[%u;%uH\033[?25h", s->cursor_row + 1, s->cursor_column + 1);
    else
        say(s, "\033[?25l");
    flush(s);
}

/* The terminal shows nothing that is known. */
static void begin_anew(struct screen_terminal *s)
{
    struct winsize size = {0};

    changed = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row)
        size = (struct winsize){.ws_col = 80, .ws_row = 25};
    s->columns = size.ws_col < COLUMNS_MOST ? size.ws_col : COLUMNS_MOST;
    s->rows = size.ws_row < ROWS_MOST ? size.ws_row : ROWS_MOST;
    blank(s->shown, (size_t)s->rows * s->columns);
    s->coloured = false;
    s->composed = false;
    say(s, "\033[m\033[2J");
}

static void show(struct screen_terminal *s)
{
    uint64_t version = menura_screen_version(s->m);
    struct menura_text t;

    if (*s->message && s->frames >= s->message_ends) {
        *s->message = 0;
        s->composed = false;
    }
    if (s->composed && version == s->version)
        return;
    /* A picture's size is all that is shown of it: not worth drawing it each time. */
    if (s->composed && s->frames % LOOK_FRAMES && !menura_screen_text(s->m, &t))
        return;
    if (!takes_output())
        return;
    compose(s);
    draw(s);
    s->composed = true;
    s->version = version;
}

static void tell(struct screen_terminal *s, const char *text)
{
    snprintf(s->message, sizeof s->message, "%s", text);
    for (char *c = s->message; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 127)
            *c = '?';
    s->message_ends = s->frames + MESSAGE_FRAMES;
    s->composed = false;
}

/* ---- the monitor ---- */

static void print_line(void *to, const char *text)
{
    struct screen_terminal *s = to;

    put(s, text, strlen(text));
    put(s, "\r\n", 2);
}

static void switch_user(struct screen_terminal *s)
{
    s->monitor = !s->monitor;
    s->length = 0;
    if (s->monitor) {
        put(s, leave, sizeof leave - 1);
        say(s, "monitor: 'help' lists the commands, Ctrl-A c goes back\r\n(menura) ");
    } else {
        say(s, "\r\n");
        put(s, enter, sizeof enter - 1);
        begin_anew(s);
    }
    flush(s);
}

/* A sequence sends ESC [ ... and a letter: none of it belongs into the line. */
static bool is_skipped(struct screen_terminal *s, uint8_t byte)
{
    if (byte == 27)
        s->skip = 1;
    else if (s->skip == 1)
        s->skip = byte == '[' || byte == 'O' ? 2 : 0;
    else if (s->skip == 2 && byte >= 0x40)
        s->skip = 0;
    else
        return s->skip != 0;
    return true;
}

static void edit(struct screen_terminal *s, uint8_t byte)
{
    if (is_skipped(s, byte))
        return;
    if (byte == '\r' || byte == '\n') {
        s->line[s->length] = 0;
        s->length = 0;
        say(s, "\r\n");
        flush(s);
        menura_command(s->m, s->line, print_line, s);
        say(s, "(menura) ");
    } else if ((byte == '\b' || byte == 127) && s->length) {
        s->length--;
        say(s, "\b \b");
    } else if (byte == CTRL_D && !s->length) {
        switch_user(s);
    } else if (byte >= ' ' && byte != 127 && s->length + 1 < sizeof s->line) {
        s->line[s->length++] = (char)byte;
        put(s, (const char *)&byte, 1);
    }
    flush(s);
}

/* ---- input ---- */

/* The byte after Ctrl-A. */
static void obey(struct screen_terminal *s, uint8_t byte)
{
    static const char help[] =
        " Ctrl-A and: x quit, c monitor, s screenshot, d Ctrl-Alt-Del,"
        " l draw anew, a Ctrl-A itself";
    char text[DISPLAY_WHY];

    switch (byte) {
    case 'x':
        s->quit = true;
        menura_stop(s->m);
        break;
    case 'c': switch_user(s); break;
    case 's':
        display_screenshot(s->m, text);
        if (s->monitor)
            say(s, "\r\n%s\r\n(menura) ", text);
        else
            tell(s, text);
        flush(s);
        break;
    case 'd': menura_keys(s->m, "ctrl-alt-delete"); break;
    case 'l': changed = 1; break;
    case 'a':
    case CTRL_A: menura_keys(s->m, "ctrl-a"); break;
    case 'h':
    case '?':
        if (s->monitor)
            say(s, "\r\n%s\r\n(menura) ", help);
        else
            tell(s, help);
        flush(s);
        break;
    default: break;
    }
}

static void read_typed(struct screen_terminal *s)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t n;

    if (s->typed_count == TYPED || s->gone || poll(&p, 1, 0) <= 0)
        return;
    n = read(STDIN_FILENO, s->typed + s->typed_count, TYPED - s->typed_count);
    if (n > 0) {
        s->typed_count += (size_t)n;
        s->waited = 0;
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
        s->gone = true; /* nobody can see or end it any more */
        menura_stop(s->m);
    }
}

/* One key, command or byte for the monitor; how many bytes that was. */
static size_t take(struct screen_terminal *s, const uint8_t *byte, size_t n)
{
    char keys[TERMINAL_KEYS];
    size_t used;

    if (s->escaped) {
        s->escaped = false;
        obey(s, *byte);
        return 1;
    }
    if (*byte == CTRL_A) {
        s->escaped = true;
        return 1;
    }
    if (s->monitor) {
        edit(s, *byte);
        return 1;
    }
    used = terminal_key(byte, n, s->waited >= ESCAPE_PATIENCE, keys);
    if (used && *keys)
        menura_keys(s->m, keys);
    return used;
}

static void take_typed(struct screen_terminal *s)
{
    size_t done = 0, used;

    while (done < s->typed_count &&
           (used = take(s, s->typed + done, s->typed_count - done)) > 0)
        done += used;
    memmove(s->typed, s->typed + done, s->typed_count - done);
    s->typed_count -= done;
    if (s->typed_count)
        s->waited++;
}

static void frame(void *to, struct menura *m)
{
    struct screen_terminal *s = to;
    bool resumed = menura_terminal_resumed();

    s->m = m;
    s->frames++;
    if ((changed || resumed) && !s->monitor) {
        begin_anew(s);
    } else if (resumed) { /* `enter` was written */
        put(s, leave, sizeof leave - 1);
        say(s, "(menura) %.*s", (int)s->length, s->line);
        flush(s);
    }
    read_typed(s);
    take_typed(s);
    if (!s->monitor)
        show(s);
}

/* ---- life ---- */

static void note_change(int number)
{
    (void)number;
    changed = 1;
}

static void close_terminal(void *state)
{
    struct screen_terminal *s = state;

    if (s->monitor)
        flush(s);
    menura_terminal_give();
    signal(SIGWINCH, SIG_DFL);
    for (unsigned n = 0; n < s->notes; n++) {
        fprintf(stderr, "%s\n", s->note[n]);
        free(s->note[n]);
    }
    if (s->notes_lost)
        fprintf(stderr, "menura: and %u more lines\n", s->notes_lost);
    pthread_mutex_destroy(&s->lock);
    free(s->out);
    free(s);
}

static void *open_terminal(struct menura_config *c, char why[DISPLAY_WHY])
{
    struct screen_terminal *s = calloc(1, sizeof *s);
    const char *colour = getenv("COLORTERM");
    struct sigaction action = {.sa_handler = note_change, .sa_flags = SA_RESTART};

    if (!s) {
        snprintf(why, DISPLAY_WHY, "the host has no memory");
        return NULL;
    }
    setlocale(LC_CTYPE, "");
    s->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    setlocale(LC_CTYPE, "C");
    s->true_colour =
        colour && (!strcmp(colour, "truecolor") || !strcmp(colour, "24bit"));
    if (!menura_terminal_take(c, enter, leave)) {
        snprintf(why, DISPLAY_WHY, "-display terminal: %.200s", menura_config_error(c));
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    sigemptyset(&action.sa_mask);
    sigaction(SIGWINCH, &action, NULL);
    begin_anew(s);
    flush(s);
    tell(s, " Ctrl-A h: what else can be done here; Ctrl-A x: quit");
    menura_config_frame(c, FRAMES, frame, s);
    return s;
}

static enum menura_end run(void *state, struct menura *m)
{
    struct screen_terminal *s = state;
    enum menura_end end = menura_run(m, MENURA_NO_LIMIT);

    return end == MENURA_END_STOPPED && s->quit ? MENURA_END_QUIT : end;
}

/* Kept for the end: here it would be written into the guest's screen. */
static void keep_note(void *state, const char *line)
{
    struct screen_terminal *s = state;
    size_t n = strlen(line) + 1;

    pthread_mutex_lock(&s->lock);
    if (s->notes < NOTES && (s->note[s->notes] = malloc(n)))
        memcpy(s->note[s->notes++], line, n);
    else
        s->notes_lost++;
    pthread_mutex_unlock(&s->lock);
}

const struct display display_terminal = {
    .name = "terminal",
    .other_name = "curses",
    .open = open_terminal,
    .run = run,
    .close = close_terminal,
    .say = keep_note,
};
