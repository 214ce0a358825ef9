/* socket.c - a server for one client at a time, over TCP or a Unix socket. */
#define _GNU_SOURCE
#include "host/socket.h"

#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    RING = 65536,           /* bytes received and not yet fetched */
    PENDING = 1 << 20,      /* bytes to be sent; a client that lets more pile up goes */
    PATIENCE = 500,         /* ms for the last bytes at the end */
    ADDRESS = 256,
};

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set instead */
#endif

struct server {
    int listener, client; /* client: -1 none */
    int wake[2];          /* a byte: the thread looks again */
    char address[ADDRESS];
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* to be removed, or "" */
    void (*attention)(void *to);
    void *to;
    pthread_t thread;
    bool threaded;

    pthread_mutex_t lock; /* for what follows, and changes of client */
    bool opened, closed;  /* events to be fetched: opened, bytes, closed */
    bool hang_up, quit;
    bool tired; /* the host gives no more file handles: not at once again */
    uint8_t ring[RING];
    size_t came, taken; /* counts */
    uint8_t *pending;
    size_t waiting;
};

static void set_flags(int fd)
{
    int on = 1;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    /* Packets are small and each waits for an answer. Refused for a Unix socket. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void ring_bell(struct server *s)
{
    int saved = errno;

    if (write(s->wake[1], "", 1) < 0)
        errno = saved; /* full: it rings already */
}

/* ---- listening ---- */

static bool tcp_name(const char *where, char *host, char *port, struct error *e)
{
    const char *at = where, *colon = strrchr(where, ':');
    size_t n;

    if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strlen(colon + 1) > 5 || strtoul(colon + 1, NULL, 10) > 65535)
        return error_set(e, "'tcp:%.200s' names no port: tcp:HOST:PORT is wanted", where);
    snprintf(port, 8, "%s", colon + 1);
    n = (size_t)(colon - where);
    if (n >= 2 && at[0] == '[' && at[n - 1] == ']') {
        at++;
        n -= 2;
    }
    if (n >= 200)
        return error_set(e, "'tcp:%.200s': the host's name is too long", where);
    snprintf(host, 200, "%.*s", (int)n, at);
    if (!n)
        snprintf(host, 200, "127.0.0.1");
    return true;
}

static void name_address(struct server *s)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    char host[128], port[16];

    if (getsockname(s->listener, (struct sockaddr *)&a, &size) == 0 &&
        getnameinfo((struct sockaddr *)&a, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(s->address, sizeof s->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s",
                 host, port);
}

static bool listen_tcp(struct server *s, const char *where, struct error *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    char host[200], port[8];
    int on = 1, why = 0, found;

    if (!tcp_name(where, host, port, e))
        return false;
    found = getaddrinfo(host, port, &hints, &list);
    if (found)
        return error_set(e, "cannot listen at 'tcp:%s:%s': %s", host, port,
                         gai_strerror(found));
    for (struct addrinfo *a = list; a && s->listener < 0; a = a->ai_next) {
        s->listener = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (s->listener >= 0) {
            setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            if (bind(s->listener, a->ai_addr, a->ai_addrlen) == 0 &&
                listen(s->listener, 4) == 0)
                break;
        }
        why = errno;
        close_fd(&s->listener);
    }
    freeaddrinfo(list);
    if (s->listener < 0) {
        error_set(e, "cannot listen at 'tcp:%s:%s': %s", host, port, strerror(why));
        return why == EADDRINUSE ? error_hint(e, "name another port") : false;
    }
    name_address(s);
    return true;
}

/* A socket that nobody listens at any more: left by a process that was killed. */
static bool is_left_over(const struct sockaddr_un *a)
{
    struct stat st;
    int fd;
    bool dead;

    if (stat(a->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return false;
    dead = connect(fd, (const struct sockaddr *)a, sizeof *a) < 0 && errno == ECONNREFUSED;
    close(fd);
    return dead;
}

static bool listen_unix(struct server *s, const char *path, struct error *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    if (!*path || strlen(path) >= sizeof a.sun_path)
        return error_set(e, "'unix:%.200s': a path of 1 to %d bytes is wanted", path,
                         (int)sizeof a.sun_path - 1);
    memcpy(a.sun_path, path, strlen(path) + 1);
    if (is_left_over(&a))
        unlink(path);
    s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&a, sizeof a) < 0)
        return error_set(e, "cannot listen at 'unix:%s': %s", path, strerror(errno));
    memcpy(s->path, path, strlen(path) + 1);
    snprintf(s->address, sizeof s->address, "%s", path);
    if (listen(s->listener, 4) < 0)
        return error_set(e, "cannot listen at 'unix:%s': %s", path, strerror(errno));
    return true;
}

/* ---- the thread; with the lock held ---- */

static void drop_client(struct server *s)
{
    if (s->client < 0)
        return;
    close_fd(&s->client);
    s->waiting = 0;
    s->closed = true;
    s->hang_up = false;
}

static void accept_client(struct server *s)
{
    int fd = accept(s->listener, NULL, NULL);

    if (fd < 0) {
        s->tired = errno == EMFILE || errno == ENFILE;
        return;
    }
    /* One at a time, and the end of the one before must have been seen. */
    if (s->client >= 0 || s->closed) {
        close(fd);
        return;
    }
    set_flags(fd);
    s->client = fd;
    s->opened = true;
    s->came = s->taken = 0;
}

/* False: the connection is over. */
static bool receive(struct server *s)
{
    size_t at = s->came % RING, room = RING - (s->came - s->taken);
    ssize_t n = recv(s->client, s->ring + at, room < RING - at ? room : RING - at, 0);

    if (n > 0)
        s->came += (size_t)n;
    return n > 0 ||
           (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK));
}

static bool transmit(struct server *s)
{
    ssize_t n = send(s->client, s->pending, s->waiting, MSG_NOSIGNAL);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
    s->waiting -= (size_t)n;
    memmove(s->pending, s->pending + n, s->waiting);
    return true;
}

static void leave_signals_to_others(void)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t rest;

    sigfillset(&rest);
    for (unsigned n = 0; n < ARRAY_SIZE(own); n++)
        sigdelset(&rest, own[n]);
    pthread_sigmask(SIG_BLOCK, &rest, NULL);
}

static void work(struct server *s, const struct pollfd p[3])
{
    if (p[0].revents)
        for (char bytes[64]; read(s->wake[0], bytes, sizeof bytes) > 0;)
            ;
    if (p[1].revents)
        accept_client(s);
    if (s->hang_up)
        drop_client(s);
    if (s->client < 0 || p[2].fd != s->client)
        return;
    if (((p[2].revents & (POLLIN | POLLHUP | POLLERR)) && !receive(s)) ||
        (s->waiting && !transmit(s)))
        drop_client(s);
}

static void *serve(void *owner)
{
    struct server *s = owner;

    leave_signals_to_others();
    pthread_mutex_lock(&s->lock);
    while (!s->quit) {
        struct pollfd p[3] = {{.fd = s->wake[0], .events = POLLIN},
                              {.fd = s->listener, .events = POLLIN},
                              {.fd = s->client}};
        bool news;

        if (s->came - s->taken < RING)
            p[2].events |= POLLIN;
        else if (!s->waiting)
            p[2].fd = -1; /* a hang-up would be told over and over */
        if (s->waiting)
            p[2].events |= POLLOUT;
        if (s->closed || s->tired)
            p[1].fd = -1; /* the next client waits until that was fetched */
        pthread_mutex_unlock(&s->lock);
        poll(p, 3, s->tired ? 100 : -1);
        pthread_mutex_lock(&s->lock);
        s->tired = false;
        work(s, p);
        news = s->opened || s->closed || s->came != s->taken;
        pthread_mutex_unlock(&s->lock);
        if (news)
            s->attention(s->to);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- the owner's side ---- */

struct server *server_listen(const char *where, void (*attention)(void *to), void *to,
                             struct error *e)
{
    struct server *s = calloc(1, sizeof *s);
    bool good;

    if (!s) {
        error_set(e, "cannot listen at '%s': the host has no memory", where);
        return NULL;
    }
    s->listener = s->client = s->wake[0] = s->wake[1] = -1;
    s->attention = attention;
    s->to = to;
    pthread_mutex_init(&s->lock, NULL);
    s->pending = malloc(PENDING);
    if (!s->pending || pipe(s->wake) < 0) {
        good = error_set(e, "cannot listen at '%s': the host has no memory or no file "
                            "handles", where);
    } else if (!strncmp(where, "tcp:", 4)) {
        good = listen_tcp(s, where + 4, e);
    } else if (!strncmp(where, "unix:", 5)) {
        good = listen_unix(s, where + 5, e);
    } else {
        error_set(e, "cannot listen at '%s'", where);
        good = error_hint(e, "there are: tcp:HOST:PORT, unix:PATH");
    }
    if (good) {
        set_flags(s->wake[0]);
        set_flags(s->wake[1]);
        set_flags(s->listener);
        s->threaded = pthread_create(&s->thread, NULL, serve, s) == 0;
        good = s->threaded || error_set(e, "the host gives no thread");
    }
    if (good)
        return s;
    server_free(s);
    return NULL;
}

/* The last words. */
static void drain(struct server *s)
{
    uint64_t end = host_now_ns() + PATIENCE * 1000000ull;

    while (s->client >= 0 && s->waiting && host_now_ns() < end) {
        struct pollfd p = {.fd = s->client, .events = POLLOUT};
        poll(&p, 1, 50);
        if (!transmit(s))
            break;
    }
}

void server_free(struct server *s)
{
    if (!s)
        return;
    if (s->threaded) {
        pthread_mutex_lock(&s->lock);
        s->quit = true;
        pthread_mutex_unlock(&s->lock);
        ring_bell(s);
        pthread_join(s->thread, NULL);
    }
    drain(s);
    close_fd(&s->client);
    close_fd(&s->listener);
    close_fd(&s->wake[0]);
    close_fd(&s->wake[1]);
    if (s->path[0])
        unlink(s->path);
    pthread_mutex_destroy(&s->lock);
    free(s->pending);
    free(s);
}

const char *server_address(const struct server *s)
{
    return s->address;
}

enum server_event server_fetch(struct server *s, uint8_t *to, size_t room, size_t *n)
{
    enum server_event event = SERVER_NOTHING;

    pthread_mutex_lock(&s->lock);
    *n = 0;
    if (s->opened) {
        s->opened = false;
        event = SERVER_OPENED;
    } else if (s->came != s->taken) {
        while (*n < room && s->came != s->taken)
            to[(*n)++] = s->ring[s->taken++ % RING];
        event = SERVER_BYTES;
    } else if (s->closed) {
        s->closed = false;
        event = SERVER_CLOSED;
    }
    pthread_mutex_unlock(&s->lock);
    if (event != SERVER_NOTHING)
        ring_bell(s); /* there is room again */
    return event;
}

bool server_waiting(struct server *s)
{
    bool some;

    pthread_mutex_lock(&s->lock);
    some = s->opened || s->closed || s->came != s->taken;
    pthread_mutex_unlock(&s->lock);
    return some;
}

void server_send(struct server *s, const uint8_t *bytes, size_t n)
{
    pthread_mutex_lock(&s->lock);
    if (s->client >= 0 && !s->hang_up) {
        if (n > PENDING - s->waiting) {
            s->hang_up = true; /* it does not read */
        } else {
            memcpy(s->pending + s->waiting, bytes, n);
            s->waiting += n;
            if (!transmit(s))
                s->hang_up = true;
        }
    }
    pthread_mutex_unlock(&s->lock);
    ring_bell(s);
}

void server_hang_up(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    s->hang_up = s->client >= 0;
    s->taken = s->came;
    pthread_mutex_unlock(&s->lock);
    ring_bell(s);
}
