/* socket.h - a server for one client at a time, over TCP or a Unix socket.
 *
 * A thread of its own accepts, reads and writes; what came waits in a ring until it is
 * fetched, so that the machine's thread alone decides when it counts. A second client is
 * turned away at once. The client is untrusted: what it sends is bounded by the ring, and
 * one that does not read what it is sent loses the connection.
 */
#ifndef HOST_SOCKET_H
#define HOST_SOCKET_H

#include "base/error.h"
#include "base/types.h"

struct server;

/* Listens where "tcp:HOST:PORT" (no HOST: 127.0.0.1; [HOST] for IPv6; port 0: any free
 * one) or "unix:PATH" says. attention(to) is called from another thread whenever there is
 * something to fetch, at last during server_free(). NULL with e filled when it cannot be
 * had. */
struct server *server_listen(const char *where, void (*attention)(void *to), void *to,
                             struct error *e);

/* Ends connection, thread and server; what was sent goes out first, as far as the client
 * takes it within half a second. NULL is harmless. */
void server_free(struct server *s);

/* Where it listens, as text for people: "127.0.0.1:1234". */
const char *server_address(const struct server *s);

enum server_event {
    SERVER_NOTHING,
    SERVER_OPENED, /* a client is there */
    SERVER_BYTES,  /* *n bytes of it are in `to` */
    SERVER_CLOSED, /* it went; what it sent before was fetched */
};

/* The next event, in order. */
enum server_event server_fetch(struct server *s, uint8_t *to, size_t room, size_t *n);

/* Is there anything to fetch? */
bool server_waiting(struct server *s);

/* To the client; never waits. */
void server_send(struct server *s, const uint8_t *bytes, size_t n);

/* Hangs up: SERVER_CLOSED follows, without the bytes that came before. */
void server_hang_up(struct server *s);

#endif
