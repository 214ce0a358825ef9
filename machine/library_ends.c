/* library_ends.c - the serial ports' other ends: the terminal, files, the caller. */
#include "machine/library.h"

#include "host/chars.h"

#include <stdlib.h>
#include <string.h>

static void tell_user(void *to, const char *line)
{
    library_say(to, MENURA_WARNING, "host", line);
}

/* ---- the terminal ---- */

static void attention(void *to)
{
    struct menura *m = to;
    machine_stop(m->machine);
    chars_wake(m->stdio);
}

static void send_break(void *to)
{
    struct menura *m = to;
    chars_break(m->stdio);
}

static void print(void *to, const char *text)
{
    (void)to;
    fputs(text, stdout);
    fflush(stdout);
}

/* ---- the serial ports' other ends ---- */

static void port_put(void *owner, const uint8_t *bytes, size_t n)
{
    struct port *p = owner;
    p->put(p->to, bytes, n);
}

static int port_get(void *owner)
{
    struct port *p = owner;
    return p->taken == p->came ? -1 : p->ring[p->taken++ % SEND_MOST];
}

size_t menura_serial_send(struct menura *m, unsigned port, const uint8_t *bytes,
                          size_t n)
{
    struct port *p = port < MACHINE_SERIALS ? m->port[port] : NULL;
    size_t done = 0;

    if (!p)
        return 0;
    while (done < n && p->came - p->taken < SEND_MOST)
        p->ring[p->came++ % SEND_MOST] = bytes[done++];
    machine_kick(m->machine);
    return done;
}

static struct chardev *make_port(struct menura *m, const struct menura_config *c,
                                 unsigned n)
{
    struct port *p = m->port[n] = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->put = c->put[n];
    p->to = c->put_to[n];
    p->dev = (struct chardev){.owner = p, .put = port_put, .get = port_get};
    return &p->dev;
}

static bool typed(void *to, uint8_t byte)
{
    struct menura *m = to;
    return console_typed(&m->console, byte);
}

static struct chardev *open_chars(struct menura *m, const char *name, struct error *e)
{
    struct chars_hooks hooks = {.to = m, .tell = tell_user, .typed = typed};
    struct chardev *d = chars_open(name, &hooks, e);

    if (d)
        m->chars[m->chars_count++] = d;
    if (d && !strcmp(name, "pty")) {
        char line[512];
        snprintf(line, sizeof line, "the pseudo-terminal is %.400s", chars_path(d));
        library_say(m, MENURA_INFO, "serial", line);
    }
    return d;
}

/* The terminal, for whoever wants it: one serial port reads it, others only write. */
static struct chardev *open_stdio(struct menura *m, struct error *e)
{
    if (!m->stdio)
        m->stdio = open_chars(m, "stdio", e);
    return m->stdio;
}

static void forward_put(void *owner, const uint8_t *bytes, size_t n)
{
    struct chardev *to = owner;
    to->put(to->owner, bytes, n);
}

static int forward_get(void *owner)
{
    (void)owner;
    return -1;
}

static bool open_serial(struct menura *m, const struct menura_config *c, unsigned n,
                        struct chardev **to, struct error *e)
{
    const char *name = m->options->serial[n];

    *to = NULL;
    if (c->put[n])
        *to = make_port(m, c, n);
    else if (!name || !strcmp(name, "none"))
        return true;
    else if (strcmp(name, "stdio"))
        *to = open_chars(m, name, e);
    else if (m->console.guest)
        return error_set(
            e, "-serial stdio: the terminal has the other serial port already");
    else if ((*to = open_stdio(m, e)))
        m->console.guest = true;
    return *to || (c->put[n] && error_set(e, "the host has no memory"));
}

static bool open_debugcon(struct menura *m, struct chardev **to, struct error *e)
{
    const char *name = m->options->debugcon;

    *to = NULL;
    if (!name)
        return true;
    if (strcmp(name, "stdio"))
        return (*to = open_chars(m, name, e)) != NULL;
    if (!open_stdio(m, e))
        return false;
    m->forward =
        (struct chardev){.owner = m->stdio, .put = forward_put, .get = forward_get};
    *to = &m->forward;
    return true;
}

bool library_open_ends(struct menura *m, const struct menura_config *c,
                       struct machine_config *config, struct error *e)
{
    m->console.to = m;
    m->console.attention = attention;
    m->console.send_break = send_break;
    m->console.print = print;
    for (unsigned n = 0; n < MACHINE_SERIALS; n++)
        if (!open_serial(m, c, n, &config->serial[n], e))
            return false;
    if (!open_debugcon(m, &config->debugcon, e))
        return false;
    if (m->options->monitor_stdio && !open_stdio(m, e))
        return false;
    m->typing = m->stdio && chars_interactive(m->stdio);
    m->script = m->options->monitor_stdio && !m->typing;
    if (m->script && m->console.guest) {
        error_set(e,
                  "standard input is no terminal: it cannot feed both the serial port "
                  "and the monitor");
        return error_hint(e, "give -serial none, or -serial file:PATH");
    }
    return true;
}
