/* library_gdb.c - a gdb at the other end of a socket, and the machine it debugs.
 *
 * The socket's thread only fills a ring and stops the machine between two instructions;
 * everything else happens on the machine's thread, in menura_run().
 */
#include "machine/library.h"

#include "debug/gdb.h"
#include "host/socket.h"

#include <stdlib.h>
#include <string.h>

struct gdb_server {
    struct gdb gdb;
    struct server *socket;
    /* A triple fault is a stop first: what led to it can be looked at. Going on ends the
     * run so. MENURA_END_COUNT: none is put off. */
    enum menura_end put_off;
};

static void attention(void *to)
{
    machine_stop(to);
}

/* ---- what the protocol asks for ---- */

static struct cpu *gdb_cpu(void *owner, unsigned n)
{
    return machine_cpu(((struct menura *)owner)->machine, n);
}

static unsigned gdb_last(void *owner)
{
    return ((struct menura *)owner)->machine->turn;
}

static bool gdb_running(void *owner)
{
    return ((struct menura *)owner)->running;
}

static void gdb_stop(void *owner)
{
    ((struct menura *)owner)->running = false;
}

static void gdb_go_on(void *owner)
{
    struct menura *m = owner;

    m->running = !m->broken;
    if (m->gdb->put_off != MENURA_END_COUNT) {
        m->stepped = m->gdb->put_off;
        m->gdb->put_off = MENURA_END_COUNT;
    }
    machine_kick(m->machine); /* what came in meanwhile */
}

static void gdb_hold(void *owner, unsigned cpu, bool held)
{
    machine_hold(((struct menura *)owner)->machine, cpu, held);
}

static void gdb_end(void *owner)
{
    atomic_store(&((struct menura *)owner)->console.quit, true);
}

/* Commands that run the machine belong to gdb itself: it would not know. */
static bool runs_machine(const char *text)
{
    static const char *const words[] = {"cont", "c", "step", "stop", "s"};
    size_t n;

    text += strspn(text, " ");
    n = strcspn(text, " ");
    for (unsigned k = 0; k < ARRAY_SIZE(words); k++)
        if (strlen(words[k]) == n && !memcmp(words[k], text, n))
            return true;
    return false;
}

static bool gdb_command(void *owner, const char *text,
                        void (*line)(void *to, const char *text), void *to)
{
    struct menura *m = owner;

    if (runs_machine(text)) {
        line(to, "gdb runs and stops the machine: use its continue, stepi and Ctrl-C");
        return false;
    }
    return menura_command(m, text, line, to);
}

static void gdb_send(void *owner, const uint8_t *bytes, size_t n)
{
    server_send(((struct menura *)owner)->gdb->socket, bytes, n);
}

static void gdb_hang_up(void *owner)
{
    server_hang_up(((struct menura *)owner)->gdb->socket);
}

/* ---- life ---- */

bool library_listen_gdb(struct menura *m, struct error *e)
{
    const struct gdb_world world = {
        .cpus = m->machine->config.cpus,
        .cpu = gdb_cpu,
        .last = gdb_last,
        .running = gdb_running,
        .stop = gdb_stop,
        .go_on = gdb_go_on,
        .hold = gdb_hold,
        .end = gdb_end,
        .command = gdb_command,
        .send = gdb_send,
        .hang_up = gdb_hang_up,
        .owner = m,
    };
    char line[512];

    m->gdb = calloc(1, sizeof *m->gdb);
    if (!m->gdb)
        return error_set(e, "cannot make a gdb server: the host has no memory");
    gdb_init(&m->gdb->gdb, &world);
    m->gdb->put_off = MENURA_END_COUNT;
    m->gdb->socket = server_listen(m->options->gdb, attention, m->machine, e);
    if (!m->gdb->socket)
        return false;
    snprintf(line, sizeof line, "a gdb may connect to %.400s",
             server_address(m->gdb->socket));
    library_say(m, MENURA_INFO, "gdb", line);
    return true;
}

void library_free_gdb(struct menura *m)
{
    if (m->gdb)
        server_free(m->gdb->socket);
    free(m->gdb);
    m->gdb = NULL;
}

bool library_gdb_waiting(const struct menura *m)
{
    return m->gdb && server_waiting(m->gdb->socket);
}

/* ---- while running ---- */

static void stop_for(struct menura *m, const struct cpu *c, bool points,
                     enum gdb_signal signal)
{
    m->running = false;
    /* Not the thread that gdb asks about: that changes behind its user's back. */
    m->monitor.current = c->number;
    gdb_stopped(&m->gdb->gdb, c, points, signal);
}

void library_obey_gdb(struct menura *m)
{
    uint8_t bytes[4096];
    size_t n;

    if (!m->gdb)
        return;
    /* The monitor's stop, or a power-off that leaves the machine there. */
    if (m->gdb->gdb.running && !m->running)
        stop_for(m, m->machine->cpu[m->machine->turn], false, GDB_INT);
    /* Once it goes on, what comes after is for later: an instruction was promised. */
    do {
        switch (server_fetch(m->gdb->socket, bytes, sizeof bytes, &n)) {
        case SERVER_OPENED: gdb_connected(&m->gdb->gdb); break;
        case SERVER_BYTES: gdb_input(&m->gdb->gdb, bytes, n); break;
        case SERVER_CLOSED: gdb_closed(&m->gdb->gdb); break;
        case SERVER_NOTHING: return;
        }
    } while (!atomic_load(&m->console.quit));
}

/* The CPU that a triple fault shut down, or the one that ran last. */
static const struct cpu *shut_down(const struct machine *m)
{
    for (unsigned n = 0; n < m->config.cpus; n++)
        if (m->cpu[n]->activity == ACTIVITY_SHUTDOWN)
            return m->cpu[n];
    return m->cpu[m->turn];
}

bool library_gdb_takes(struct menura *m, enum machine_end end)
{
    if (!m->gdb || !m->gdb->gdb.connected || !m->gdb->gdb.running)
        return false;
    switch (end) {
    case END_POINT:
        stop_for(m, machine_stopped_cpu(m->machine), true, GDB_TRAP);
        return true;
    case END_TRIPLE_FAULT:
        m->gdb->put_off = MENURA_END_TRIPLE_FAULT;
        gdb_say(&m->gdb->gdb, "triple fault: 'monitor info faults' explains it");
        stop_for(m, shut_down(m->machine), false, GDB_SEGV);
        return true;
    case END_IDLE_FOREVER:
        gdb_say(&m->gdb->gdb, "every CPU is halted for ever");
        stop_for(m, m->machine->cpu[m->machine->turn], false, GDB_INT);
        return true;
    default: return false;
    }
}

void library_gdb_ended(struct menura *m, enum menura_end end)
{
    if (m->gdb && end != MENURA_END_COUNT)
        gdb_ended(&m->gdb->gdb, (uint8_t)menura_exit_code(m, end));
}
