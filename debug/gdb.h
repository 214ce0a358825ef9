/* gdb.h - the remote serial protocol of gdb: bytes in, bytes out (gdb manual, appendix
 * "gdb Remote Serial Protocol").
 *
 * CPUs are threads: CPU n is thread n + 1. All stop together. No sockets, no threads and
 * no heap here: whoever owns the connection feeds gdb_input() between instructions, and
 * does what the functions of struct gdb_world ask. The peer is untrusted: a packet that
 * is too long, malformed or unknown gets an error or an empty answer.
 */
#ifndef DEBUG_GDB_H
#define DEBUG_GDB_H

#include "cpu/points.h"

enum {
    GDB_PACKET = 16384,  /* bytes of a packet's data, either way */
    GDB_DESCRIPTION = 24576,
    GDB_CPUS = 64,
};

/* What the server asks of whoever runs the machine. */
struct gdb_world {
    unsigned cpus; /* at most GDB_CPUS */
    struct cpu *(*cpu)(void *owner, unsigned n);
    unsigned (*last)(void *owner); /* the CPU that ran last */
    bool (*running)(void *owner);
    void (*stop)(void *owner); /* the whole machine, before the next instruction */
    void (*go_on)(void *owner);
    void (*hold)(void *owner, unsigned cpu, bool held); /* as machine_hold() */
    void (*end)(void *owner);
    /* A monitor command; lines of its answer go to line(). False: refused, which was told
     * too. */
    bool (*command)(void *owner, const char *text,
                    void (*line)(void *to, const char *text), void *to);
    void (*send)(void *owner, const uint8_t *bytes, size_t n); /* to the peer */
    void (*hang_up)(void *owner); /* the peer talks nonsense: end the connection */
    void *owner;
};

/* Signals of the protocol (include/gdb/signals.def of gdb). */
enum gdb_signal { GDB_INT = 2, GDB_TRAP = 5, GDB_SEGV = 11 };

struct gdb {
    struct gdb_world world;
    struct points points;

    bool connected, running; /* running: a stop reply is owed */
    bool no_ack, physical;
    bool tells_kind;      /* the peer understands swbreak and hwbreak */
    unsigned cpu, resumed; /* Hg, Hc; resumed == GDB_CPUS: all */
    unsigned listed;      /* qsThreadInfo goes on here */
    uint8_t nacks;        /* in a row */

    /* Why it stopped last. */
    uint8_t signal;
    struct cpu_stop stop;

    enum { GDB_IDLE, GDB_DATA, GDB_SUM1, GDB_SUM2 } phase;
    bool too_long;
    uint8_t sum, given;
    size_t length;
    uint8_t packet[GDB_PACKET + 1];

    size_t used;                     /* of answer: "$data#xx" */
    uint8_t answer[GDB_PACKET + 8];
    size_t described;                /* bytes of description */
    char description[GDB_DESCRIPTION];
};

void gdb_init(struct gdb *g, const struct gdb_world *world);

/* Somebody connected: the machine stops. The connection ended: the machine goes on, with
 * all points removed. */
void gdb_connected(struct gdb *g);
void gdb_closed(struct gdb *g);

/* What the peer sent. */
void gdb_input(struct gdb *g, const uint8_t *bytes, size_t n);

/* The machine has stopped at this CPU, with this signal; by points, as c->stop says, or
 * for another reason. Told only when the peer waits for it. */
void gdb_stopped(struct gdb *g, const struct cpu *c, bool points, enum gdb_signal signal);

/* A line for the user of the peer, while it waits for a stop. */
void gdb_say(struct gdb *g, const char *text);

/* The machine has ended with this exit code. */
void gdb_ended(struct gdb *g, uint8_t code);

#endif
