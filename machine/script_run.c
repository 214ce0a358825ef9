/* script_run.c - a script's steps, its waits in the guest's time, its ear at COM1. */
#include "machine/script_run.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOK_NS = 10 * 1000 * 1000, /* between looks at the screen */
    HEARD = 65536,              /* bytes of COM1's output that are kept */
    TOLD_LINES = 5,             /* of them, when a wait runs out */
    TOLD = 400,                 /* bytes of a line in a message */
    ROW_BYTES = SCREEN_COLUMNS * 3 + 1,
};

struct script_run {
    struct menura *m;
    const struct script *script;
    void (*print)(void *to, const char *line);
    void *print_to;
    unsigned next;         /* the step to be done, or that waits */
    bool waits, met, late; /* the step waits; what it waits for came; time ran out */
    bool over;             /* the guest ended the run, by this: */
    enum menura_end how;
    enum menura_end result; /* MENURA_END_COUNT: the script goes on */
    int code;

    struct timer timer;
    uint64_t deadline; /* tick */
    uint64_t shown;    /* the screen's version when a wait last looked */
    bool looked;
    uint64_t still, silent; /* an idle wait: what the screen and `count` were */
    uint64_t still_since;   /* since this tick */

    /* Between COM1 and whatever else it is plugged into. */
    struct chardev port, *other;
    void (*kick)(void *device);
    void *device;
    uint8_t *send; /* SEND_MOST, or NULL before the first */
    size_t came, taken;
    uint8_t heard[HEARD];  /* a ring, without carriage returns */
    uint64_t count, seen;  /* bytes that came; those before `seen` were waited for */
    bool shared, mid_line; /* other is standard output; the guest's line is not ended */
};

static struct clock *clock_of(const struct script_run *r)
{
    return machine_clock(r->m->machine);
}

/* ---- what the user is told ---- */

static void tell(struct script_run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void tell(struct script_run *r, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    /* The guest's bytes must not move the terminal's cursor. */
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '.';
    library_say(r->m, MENURA_ERROR, "script", line);
}

static void print_line(struct script_run *r, const char *line)
{
    if (r->print) {
        r->print(r->print_to, line);
        return;
    }
    if (r->shared) { /* the guest's text first, and on lines of its own */
        r->other->flush(r->other->owner);
        if (r->mid_line)
            putchar('\n');
        r->mid_line = false;
    }
    puts(line);
    fflush(stdout);
}

static void print_answer(void *to, const char *line)
{
    print_line(to, line);
}

static void print_text(struct script_run *r, const char *text, size_t n)
{
    char line[SCRIPT_TEXT_MOST + 1];
    size_t length = 0;

    for (size_t k = 0; k < n; k++)
        if (text[k] != '\n') {
            line[length++] = text[k];
        } else {
            line[length] = 0;
            print_line(r, line);
            length = 0;
        }
    line[length] = 0;
    if (length || !n || text[n - 1] != '\n')
        print_line(r, line);
}

/* ---- the screen ---- */

static bool contains(const char *text, size_t size, const char *what, size_t n)
{
    for (size_t at = 0; n <= size && at <= size - n; at++)
        if (text[at] == *what && !memcmp(text + at, what, n))
            return true;
    return false;
}

static size_t row_text(const struct menura_text *t, unsigned row, char to[ROW_BYTES])
{
    size_t n = 0;

    for (unsigned column = 0; column < t->columns; column++) {
        const char *c = t->cell[row * t->columns + column].utf8;
        while (*c)
            to[n++] = *c++;
    }
    to[n] = 0;
    return n;
}

static bool on_screen(struct script_run *r, const struct script_step *s)
{
    struct menura_text t;
    char row[ROW_BYTES];

    if (!menura_screen_text(r->m, &t))
        return false;
    for (unsigned n = 0; n < t.rows; n++)
        if (contains(row, row_text(&t, n, row), s->text, s->size))
            return true;
    return false;
}

/* Gives each row to line(), without blanks at its end; empty ones at the end are left
 * out. */
static void show_screen(struct script_run *r,
                        void (*line)(struct script_run *r, const char *text))
{
    struct menura_text t;
    const struct picture *p;
    char row[ROW_BYTES];
    unsigned rows = 0;

    if (!menura_screen_text(r->m, &t)) {
        p = library_still(r->m, 0);
        snprintf(row, sizeof row, "(the screen shows no text: %u x %u pixels)",
                 p ? p->width : 0, p ? p->height : 0);
        line(r, row);
        return;
    }
    for (unsigned n = 0; n < t.rows; n++)
        if (strspn(row, " ") < row_text(&t, n, row) && row[strspn(row, " ")])
            rows = n + 1;
    for (unsigned n = 0; n < rows; n++) {
        size_t end = row_text(&t, n, row);
        while (end && row[end - 1] == ' ')
            end--;
        row[end] = 0;
        line(r, row);
    }
}

static void tell_row(struct script_run *r, const char *row)
{
    tell(r, "| %.*s", TOLD, row);
}

/* ---- COM1 ---- */

static uint8_t heard(const struct script_run *r, uint64_t at)
{
    return r->heard[at % HEARD];
}

/* The oldest byte that is kept. */
static uint64_t oldest(const struct script_run *r)
{
    return r->count < HEARD ? 0 : r->count - HEARD;
}

static bool stands_at(const struct script_run *r, uint64_t at,
                      const struct script_step *s)
{
    for (size_t n = 0; n < s->size; n++)
        if (heard(r, at + n) != (uint8_t)s->text[n])
            return false;
    return true;
}

/* The first place from `at` on, or UINT64_MAX. */
static uint64_t find(const struct script_run *r, uint64_t at,
                     const struct script_step *s)
{
    for (; at + s->size <= r->count; at++)
        if (stands_at(r, at, s))
            return at;
    return UINT64_MAX;
}

static const struct script_step *waiting_step(const struct script_run *r)
{
    return r->waits && !r->met ? &r->script->step[r->next] : NULL;
}

static void hear(struct script_run *r, uint8_t byte)
{
    const struct script_step *s = waiting_step(r);

    if (byte == '\r')
        return;
    r->heard[r->count++ % HEARD] = byte;
    if (r->seen < oldest(r))
        r->seen = oldest(r);
    if (s && s->what == SCRIPT_WAIT_SERIAL && r->count - r->seen >= s->size &&
        stands_at(r, r->count - s->size, s)) {
        r->seen = r->count;
        r->met = true;
        machine_stop(r->m->machine);
    }
}

static void port_put(void *owner, const uint8_t *bytes, size_t n)
{
    struct script_run *r = owner;

    for (size_t k = 0; k < n; k++)
        hear(r, bytes[k]);
    if (n)
        r->mid_line = bytes[n - 1] != '\n';
    r->other->put(r->other->owner, bytes, n);
}

static int port_get(void *owner)
{
    struct script_run *r = owner;

    return r->taken == r->came ? -1 : r->send[r->taken++ % SEND_MOST];
}

static void port_flush(void *owner)
{
    struct script_run *r = owner;

    if (r->other->flush)
        r->other->flush(r->other->owner);
}

/* The machine's thread was woken by its host: no reason for COM1 to look for input. */
static void ignore_kick(void *device)
{
    (void)device;
}

static bool send(struct script_run *r, const struct script_step *s)
{
    if (!r->send)
        r->send = malloc(SEND_MOST);
    if (!r->send || s->size > SEND_MOST - (r->came - r->taken))
        return false;
    for (size_t n = 0; n < s->size; n++)
        r->send[r->came++ % SEND_MOST] = (uint8_t)s->text[n];
    r->kick(r->device);
    return true;
}

static void tell_heard(struct script_run *r)
{
    uint64_t at = r->count, end;
    unsigned lines = 0;

    if (!r->count) {
        tell(r, "the serial port has sent nothing");
        return;
    }
    /* A newline at the very end begins no line. */
    for (; at > oldest(r); at--)
        if (heard(r, at - 1) == '\n' && at != r->count && ++lines == TOLD_LINES)
            break;
    tell(r, "the last lines of the serial port:");
    for (; at < r->count; at = end + 1) {
        char line[TOLD + 1];
        size_t n = 0;
        for (end = at; end < r->count && heard(r, end) != '\n'; end++)
            if (n < TOLD)
                line[n++] = heard(r, end) ? (char)heard(r, end) : ' ';
        line[n] = 0;
        tell(r, "| %s", line);
    }
}

/* ---- waiting ---- */

/* A number that changes when the screen does. */
static uint64_t picture_of(struct script_run *r)
{
    uint64_t shown = menura_screen_version(r->m), hash = 0xcbf29ce484222325u;
    struct menura_text t;

    if (r->looked && shown == r->shown)
        return r->still;
    r->looked = true;
    r->shown = shown;
    if (!menura_screen_text(r->m, &t))
        return shown;
    for (unsigned n = 0; n < t.columns * t.rows; n++)
        hash = (hash ^ (t.cell[n].code | t.cell[n].attribute << 8)) * 0x100000001b3u;
    return (hash ^ (t.column | t.row << 8)) * 0x100000001b3u;
}

static bool is_idle(struct script_run *r, const struct script_step *s)
{
    uint64_t now = clock_of(r)->now, picture = picture_of(r);
    bool same = picture == r->still && r->silent == r->count &&
                typing_over(&r->m->machine->typing);

    r->silent = r->count;
    r->still = picture;
    if (!same)
        r->still_since = now;
    return clock_to_hz(clock_of(r), now - r->still_since, 1000000000u) >= s->ns;
}

/* Is what the step waits for there? Asked at its beginning and at each look. */
static bool look(struct script_run *r, const struct script_step *s)
{
    uint64_t at;

    switch (s->what) {
    case SCRIPT_WAIT_SCREEN:
        if (r->looked && menura_screen_version(r->m) == r->shown)
            return false;
        r->looked = true;
        r->shown = menura_screen_version(r->m);
        return on_screen(r, s);
    case SCRIPT_WAIT_SERIAL: /* what came before; what comes is heard */
        at = find(r, r->seen, s);
        if (at != UINT64_MAX)
            r->seen = at + s->size;
        return at != UINT64_MAX;
    case SCRIPT_WAIT_IDLE: return is_idle(r, s);
    case SCRIPT_SLEEP: return clock_of(r)->now >= r->deadline;
    default: return false;
    }
}

static void arm(struct script_run *r, const struct script_step *s)
{
    uint64_t when = r->deadline;

    if (s->what == SCRIPT_WAIT_SCREEN || s->what == SCRIPT_WAIT_IDLE) {
        uint64_t soon = clock_after_ns(clock_of(r), LOOK_NS);
        when = soon < when ? soon : when;
    }
    timer_arm(clock_of(r), &r->timer, when);
}

static void due(void *owner)
{
    struct script_run *r = owner;
    const struct script_step *s = waiting_step(r);

    if (!s)
        return;
    r->met = look(r, s);
    if (!r->met && clock_of(r)->now < r->deadline) {
        arm(r, s);
        return;
    }
    r->late = !r->met;
    machine_stop(r->m->machine);
}

static void begin_wait(struct script_run *r, const struct script_step *s)
{
    r->deadline =
        clock_after_ns(clock_of(r), s->what == SCRIPT_SLEEP ? s->ns : s->within);
    r->looked = r->late = false;
    r->still_since = clock_of(r)->now;
    r->waits = true;
    r->met = look(r, s);
    if (!r->met)
        arm(r, s);
}

static bool fail(struct script_run *r, const char *why)
{
    const struct script_step *s = &r->script->step[r->next];

    tell(r, "%s:%u: %.*s: %.*s", r->script->name, s->line, TOLD, s->source,
         (int)strcspn(why, "\n"), why);
    while (*(why += strcspn(why, "\n"))) { /* the way out */
        why++;
        tell(r, "%.*s", (int)strcspn(why, "\n"), why);
    }
    r->result = MENURA_END_SCRIPT_FAILED;
    return false;
}

static void tell_state(struct script_run *r, const struct script_step *s)
{
    if (s->what == SCRIPT_WAIT_SERIAL || s->what == SCRIPT_EXPECT_SERIAL) {
        tell_heard(r);
    } else {
        tell(r, "the screen:");
        show_screen(r, tell_row);
    }
}

/* Nobody is there who could let a stopped machine go on. */
static bool stuck(const struct script_run *r)
{
    return !r->m->running && !r->m->typing && !r->m->script && !r->m->gdb;
}

/* True: the step is done. */
static bool wait(struct script_run *r, const struct script_step *s)
{
    if (r->over)
        return (s->what == SCRIPT_WAIT_END && s->number >> r->how & 1) ||
               fail(r, menura_end_text(r->how));
    if (!r->waits)
        begin_wait(r, s);
    if (r->met) {
        timer_stop(clock_of(r), &r->timer);
        r->waits = false;
        return true;
    }
    if (r->late) {
        fail(r, "it did not come in time");
        tell_state(r, s);
    } else if (stuck(r)) {
        fail(r, "the machine is stopped, so no time passes: 'send monitor \"cont\"'");
    }
    return false;
}

/* ---- steps ---- */

static bool expect(struct script_run *r, const struct script_step *s, bool is)
{
    if (is)
        return true;
    fail(r, "it is not so");
    tell_state(r, s);
    return false;
}

static bool expect_hash(struct script_run *r, const struct script_step *s)
{
    uint64_t hash = menura_hash(r->m);
    char why[64];

    if (hash == s->number)
        return true;
    snprintf(why, sizeof why, "the hash is %016llx", (unsigned long long)hash);
    return fail(r, why);
}

static bool type(struct script_run *r, const struct script_step *s)
{
    return typing_text(&r->m->machine->typing, s->text, s->size) == s->size ||
           fail(r, "too much waits to be typed: wait for its effect before");
}

static bool command(struct script_run *r, const struct script_step *s)
{
    return menura_command(r->m, s->text, print_answer, r) ||
           fail(r, "the monitor did not understand");
}

/* True: it is done, and the next one's turn. False: it waits, or the script failed. */
static bool obey(struct script_run *r, const struct script_step *s)
{
    switch (s->what) {
    case SCRIPT_WAIT_SERIAL:
    case SCRIPT_WAIT_SCREEN:
    case SCRIPT_WAIT_IDLE:
    case SCRIPT_WAIT_END:
    case SCRIPT_SLEEP: return wait(r, s);
    case SCRIPT_TYPE: return type(r, s);
    case SCRIPT_KEY:
        return menura_keys(r->m, s->text) ||
               fail(r, "too much waits to be typed: wait for its effect before");
    case SCRIPT_SERIAL:
        return send(r, s) ||
               fail(
                   r,
                   "the guest does not read what was sent: wait for its effect before");
    case SCRIPT_MONITOR: return command(r, s);
    case SCRIPT_EXPECT_SCREEN: return expect(r, s, on_screen(r, s));
    case SCRIPT_EXPECT_NO_SCREEN: return expect(r, s, !on_screen(r, s));
    case SCRIPT_EXPECT_SERIAL: return expect(r, s, find(r, oldest(r), s) != UINT64_MAX);
    case SCRIPT_EXPECT_NO_SERIAL:
        return find(r, oldest(r), s) == UINT64_MAX || fail(r, "it was sent");
    case SCRIPT_EXPECT_HASH: return expect_hash(r, s);
    case SCRIPT_SCREENSHOT:
        return library_screenshot(r->m, s->text, clock_now_ns(clock_of(r))) ||
               fail(r, menura_error(r->m));
    case SCRIPT_SCREEN: show_screen(r, print_line); return true;
    case SCRIPT_PRINT: print_text(r, s->text, s->size); return true;
    case SCRIPT_CHANGE:
        return menura_insert(r->m, s->drive, s->text, NULL, MENURA_WRITES_AS_BEFORE,
                             false) ||
               fail(r, menura_error(r->m));
    case SCRIPT_EJECT:
        return menura_eject(r->m, s->drive, false) || fail(r, menura_error(r->m));
    case SCRIPT_SAVE: return menura_save(r->m, s->text) || fail(r, menura_error(r->m));
    case SCRIPT_EXIT:
        r->code = (int)s->number;
        r->result = MENURA_END_SCRIPT;
        return false;
    case SCRIPT_COMMANDS: break;
    }
    return true;
}

enum menura_end script_run_go(struct script_run *r)
{
    while (r->result == MENURA_END_COUNT) {
        if (r->next == r->script->steps)
            r->result = MENURA_END_SCRIPT;
        else if (!obey(r, &r->script->step[r->next]))
            break;
        else
            r->next++;
        /* A monitor's quit, or a step of it that ended the run, comes first. */
        if (atomic_load(&r->m->console.quit) || r->m->stepped != MENURA_END_COUNT)
            return MENURA_END_COUNT;
    }
    return r->result;
}

enum menura_end script_run_ended(struct script_run *r, enum menura_end end)
{
    const struct script_step *s = waiting_step(r);
    char why[200];

    if (r->result != MENURA_END_COUNT)
        return r->result;
    timer_stop(clock_of(r), &r->timer);
    r->over = true;
    r->how = end;
    if (r->waits && r->met) /* what it waits for came with the end */
        r->next++;
    r->waits = false;
    if (!s || (s->what == SCRIPT_WAIT_END && s->number >> end & 1))
        return script_run_go(r);
    snprintf(why, sizeof why, "the run ended before: %s", menura_end_text(end));
    fail(r, why);
    tell_state(r, s);
    return r->result;
}

int script_run_code(const struct script_run *r)
{
    return r->code;
}

/* ---- life ---- */

struct script_run *script_run_new(struct menura *m, const struct script *s,
                                  void (*print)(void *to, const char *line), void *to)
{
    struct script_run *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->m = m;
    r->script = s;
    r->print = print;
    r->print_to = to;
    r->result = MENURA_END_COUNT;
    r->timer = (struct timer){.due = due, .owner = r};
    return r;
}

void script_run_free(struct script_run *r)
{
    if (!r)
        return;
    if (r->m->machine)
        timer_stop(clock_of(r), &r->timer);
    free(r->send);
    free(r);
}

struct chardev *script_run_port(struct script_run *r, struct chardev *other,
                                bool shared)
{
    r->other = other;
    r->shared = shared;
    r->port = (struct chardev){
        .owner = r, .put = port_put, .get = port_get, .flush = port_flush};
    return &r->port;
}

void script_run_start(struct script_run *r)
{
    r->kick = r->port.kick;
    r->device = r->port.device;
    if (r->kick)
        r->port.kick = ignore_kick;
}
