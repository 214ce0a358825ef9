/* chars.c - byte streams of the host: terminal, pipe, file, pty, nothing, memory.
 *
 * A thread of its own reads what is typed and sends out what has waited long enough.
 * Input goes reader -> ring -> admit() -> get(), so that the machine's thread alone
 * decides when the guest sees it. A pipe or file is read by get() itself, on the
 * machine's thread.
 */
#define _GNU_SOURCE
#include "host/chars.h"

#include "host/host.h"
#include "host/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    PENDING = 4096, /* bytes of output kept back */
    RING = 65536,   /* typed and not yet taken: what is more is lost */
    READ = 4096,
    LATENCY = 20000000, /* ns of host time until output goes out */
    PTY_LOOK = 100,     /* ms between looks for a client */
    PTY_PATIENCE = 100, /* ms that a client may keep the machine waiting */
    MEMORY = 16 << 20,
};

/* A pipe that is ready takes this many bytes without blocking. */
#ifdef PIPE_BUF
enum { CHUNK = PIPE_BUF };
#else
enum { CHUNK = 512 };
#endif

enum kind { KIND_NULL, KIND_TERMINAL, KIND_STREAM, KIND_FILE, KIND_PTY, KIND_MEMORY };

struct chars {
    struct chardev dev; /* first: a struct chardev * is one of these */
    enum kind kind;
    struct chars_hooks hooks;
    char name[PATH_MAX];
    int in, out; /* -1: none */
    atomic_bool ended;

    pthread_mutex_t lock; /* for what follows, up to the machine's own part */
    uint8_t pending[PENDING];
    unsigned waiting; /* bytes in pending */
    uint64_t since;   /* host time of the first of them */
    bool lost;        /* the output failed: told, and nothing goes there any more */
    bool told_slow, told_full, lent, quit;
    uint16_t ring[RING];
    size_t came, admitted, taken; /* counts, never wrapping in a lifetime */
    uint8_t *kept;                /* KIND_MEMORY: what the guest put */
    size_t kept_size, kept_room;

    /* The machine's thread alone. */
    uint8_t *ahead; /* read and not yet taken */
    size_t ahead_at, ahead_size;

    pthread_t thread;
    bool threaded;
    void (*kick)(void *to);
    void *kick_to;
    int wake[2];  /* a byte: the thread looks again */
    int hurry[2]; /* a byte: whoever waits for the host gives up */
};

static struct chars *chars_of(struct chardev *d)
{
    return (struct chars *)d->owner;
}

/* The process has one standard input. */
static atomic_flag stdio_taken = ATOMIC_FLAG_INIT;

static void tell(struct chars *c, const char *what, int error)
{
    char line[PATH_MAX + 256];

    if (!c->hooks.tell)
        return;
    if (error)
        snprintf(line, sizeof line, "%s: %s: %s", c->name, strerror(error), what);
    else
        snprintf(line, sizeof line, "%s: %s", c->name, what);
    c->hooks.tell(c->hooks.to, line);
}

/* ---- wake-up pipes ---- */

static void ring_bell(const int pair[2])
{
    char byte = 0;
    int saved = errno;

    if (write(pair[1], &byte, 1) < 0)
        errno = saved; /* full: it rings already */
}

static bool drain_bell(const int pair[2])
{
    char bytes[64];
    bool rang = false;

    while (read(pair[0], bytes, sizeof bytes) > 0)
        rang = true;
    return rang;
}

static bool make_bell(int pair[2])
{
    if (pipe(pair) < 0) {
        pair[0] = pair[1] = -1;
        return false;
    }
    for (unsigned n = 0; n < 2; n++) {
        fcntl(pair[n], F_SETFL, O_NONBLOCK);
        fcntl(pair[n], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- output: called with the lock held ---- */

/* Waits until `out` takes bytes. False: give up on what is pending. */
static bool wait_writable(struct chars *c)
{
    struct pollfd p[2] = {{.fd = c->out, .events = POLLOUT},
                          {.fd = c->hurry[0], .events = POLLIN}};
    int n = poll(p, 2, c->kind == KIND_PTY ? PTY_PATIENCE : -1);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (p[0].revents & POLLHUP && c->kind == KIND_PTY)
        return false; /* no client: as a line with nothing at its other end */
    if (p[0].revents)
        return true; /* errors too: write() will say which */
    if (p[1].revents)
        drain_bell(c->hurry);
    if (n == 0) {
        if (!c->told_slow)
            tell(c, "nobody reads; output is lost", 0);
        c->told_slow = true;
    }
    return false;
}

static void lose_output(struct chars *c, int error)
{
    if (c->lost)
        return;
    c->lost = true;
    tell(c, "what the guest sends from now on is lost", error);
}

static void write_out(struct chars *c)
{
    unsigned done = 0;

    while (done < c->waiting && !c->lost && wait_writable(c)) {
        unsigned left = c->waiting - done;
        ssize_t n = write(c->out, c->pending + done, left < CHUNK ? left : CHUNK);
        if (n >= 0)
            done += (unsigned)n;
        else if (errno == EIO && c->kind == KIND_PTY)
            break;
        else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
            lose_output(c, errno);
    }
    c->waiting = 0;
}

static void keep(struct chars *c, const uint8_t *bytes, size_t n)
{
    size_t room = c->kept_room ? c->kept_room : 4096;

    if (n > MEMORY - c->kept_size)
        n = MEMORY - c->kept_size;
    while (room - c->kept_size < n)
        room *= 2;
    if (room != c->kept_room) {
        uint8_t *more = realloc(c->kept, room);
        if (!more)
            return;
        c->kept = more;
        c->kept_room = room;
    }
    if (n)
        memcpy(c->kept + c->kept_size, bytes, n);
    c->kept_size += n;
}

static void put(void *owner, const uint8_t *bytes, size_t n)
{
    struct chars *c = owner;

    pthread_mutex_lock(&c->lock);
    if (c->kind == KIND_MEMORY)
        keep(c, bytes, n);
    else if (c->out >= 0 && !c->lost)
        for (size_t k = 0; k < n; k++) {
            if (!c->waiting) {
                c->since = host_now_ns();
                if (c->threaded)
                    ring_bell(c->wake);
            }
            c->pending[c->waiting++] = bytes[k];
            if (c->waiting == PENDING)
                write_out(c);
        }
    if (c->waiting && !c->threaded && host_now_ns() - c->since >= LATENCY)
        write_out(c);
    pthread_mutex_unlock(&c->lock);
}

static void flush(void *owner)
{
    struct chars *c = owner;

    pthread_mutex_lock(&c->lock);
    if (c->waiting)
        write_out(c);
    pthread_mutex_unlock(&c->lock);
}

/* ---- input ---- */

static void call_kick(struct chars *c)
{
    if (c->kick)
        c->kick(c->kick_to);
}

/* With the lock held. */
static void enqueue(struct chars *c, uint16_t value)
{
    if (c->came - c->taken < RING) {
        c->ring[c->came++ % RING] = value;
        return;
    }
    if (!c->told_full)
        tell(c, "the guest takes no input; what is typed is lost", 0);
    c->told_full = true;
}

static void admit(void *owner)
{
    struct chars *c = owner;

    pthread_mutex_lock(&c->lock);
    c->admitted = c->came;
    drain_bell(c->hurry); /* heard: the machine is between instructions now */
    pthread_mutex_unlock(&c->lock);
}

static int from_ring(struct chars *c)
{
    int value = -1;

    pthread_mutex_lock(&c->lock);
    if (c->taken != c->admitted) {
        bool was_full = c->came - c->taken == RING;
        value = c->ring[c->taken++ % RING];
        if (was_full && c->threaded)
            ring_bell(c->wake);
    }
    pthread_mutex_unlock(&c->lock);
    return value;
}

/* Is there something to read now, or the end? Waits for it up to timeout ms. */
static bool readable(struct chars *c, int timeout)
{
    struct pollfd p[2] = {{.fd = c->in, .events = POLLIN},
                          {.fd = c->hurry[0], .events = POLLIN}};

    return poll(p, 2, timeout) > 0 && p[0].revents;
}

/* Waits for the host. False: ended, or called away. */
static bool read_ahead(struct chars *c)
{
    ssize_t n;

    if (!readable(c, 0)) {
        flush(c); /* an answer that is waited for must be seen first */
        while (!readable(c, -1))
            if (drain_bell(c->hurry)) {
                call_kick(c); /* so that the device asks again, later */
                return false;
            }
    }
    do
        n = read(c->in, c->ahead, READ);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        call_kick(c);
        return false;
    }
    if (n < 0)
        tell(c, "its input ends here", errno);
    if (n <= 0)
        c->ended = true;
    c->ahead_at = 0;
    c->ahead_size = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static int get(void *owner)
{
    struct chars *c = owner;
    int value = from_ring(c);

    if (value >= 0)
        return value;
    if (c->ahead_at == c->ahead_size &&
        (c->kind != KIND_STREAM || c->ended || !read_ahead(c)))
        return -1;
    return c->ahead[c->ahead_at++];
}

/* ---- the thread ---- */

/* With the lock held, which it drops while hooks run. */
static void read_typed(struct chars *c)
{
    uint8_t bytes[READ];
    size_t room = c->hooks.typed ? sizeof bytes : RING - (c->came - c->taken);
    ssize_t n = read(c->in, bytes, room < sizeof bytes ? room : sizeof bytes);
    int error = errno;

    if (n < 0 && (error == EINTR || error == EAGAIN || error == EWOULDBLOCK))
        return;
    if (n <= 0 && c->kind == KIND_PTY)
        return; /* the client left; another may come */
    if (n <= 0) {
        c->ended = true;
        tell(c, "the terminal went away; no more input", n < 0 ? error : 0);
        return;
    }
    for (ssize_t k = 0; k < n; k++) {
        bool wanted = true;
        if (c->kind == KIND_TERMINAL && c->hooks.typed) {
            pthread_mutex_unlock(&c->lock);
            wanted = c->hooks.typed(c->hooks.to, bytes[k]);
            pthread_mutex_lock(&c->lock);
        }
        if (wanted)
            enqueue(c, bytes[k]);
    }
    call_kick(c);
}

static bool has_client(const struct chars *c)
{
    struct pollfd p = {.fd = c->in};

    return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

/* ms until pending output must go, -1 for never; sends it when it is time. */
static int output_patience(struct chars *c)
{
    uint64_t waited;

    if (!c->waiting)
        return -1;
    waited = host_now_ns() - c->since;
    if (waited < LATENCY)
        return (int)((LATENCY - waited) / 1000000 + 1);
    write_out(c);
    return -1;
}

/* But reading the terminal from the background must stop the process, not fail. */
static void leave_signals_to_others(void)
{
    static const int own[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                              SIGABRT, SIGTTIN, SIGTTOU};
    sigset_t rest;

    sigfillset(&rest);
    for (unsigned n = 0; n < ARRAY_SIZE(own); n++)
        sigdelset(&rest, own[n]);
    pthread_sigmask(SIG_BLOCK, &rest, NULL);
}

static void *serve(void *owner)
{
    struct chars *c = owner;

    leave_signals_to_others();
    pthread_mutex_lock(&c->lock);
    while (!c->quit) {
        struct pollfd p[2] = {{.fd = c->wake[0], .events = POLLIN}, {.fd = -1}};
        int timeout = output_patience(c);
        bool reads = (c->kind == KIND_TERMINAL || c->kind == KIND_PTY) && !c->ended &&
                     !c->lent && (c->hooks.typed || c->came - c->taken < RING);

        if (reads && c->kind == KIND_PTY && !has_client(c)) {
            reads = false;
            if (timeout < 0 || timeout > PTY_LOOK)
                timeout = PTY_LOOK;
        }
        if (reads)
            p[1] = (struct pollfd){.fd = c->in, .events = POLLIN};
        pthread_mutex_unlock(&c->lock);
        poll(p, 2, timeout);
        if (p[0].revents)
            drain_bell(c->wake);
        pthread_mutex_lock(&c->lock);
        if (p[1].revents && !c->lent && !c->quit)
            read_typed(c);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void end_thread(struct chars *c)
{
    if (!c->threaded)
        return;
    pthread_mutex_lock(&c->lock);
    c->quit = true;
    pthread_mutex_unlock(&c->lock);
    ring_bell(c->wake);
    pthread_join(c->thread, NULL);
    c->threaded = c->quit = false;
    c->kick = NULL;
}

bool chars_listen(struct chardev *d, void (*kick)(void *to), void *to, struct error *e)
{
    struct chars *c = chars_of(d);

    end_thread(c);
    c->kick = kick;
    c->kick_to = to;
    if (!kick || c->kind == KIND_NULL || c->kind == KIND_MEMORY)
        return true;
    c->threaded = true;
    if (pthread_create(&c->thread, NULL, serve, c)) {
        c->threaded = false;
        return error_set(e, "cannot serve %s: the host gives no thread", c->name);
    }
    return true;
}

/* ---- making ---- */

static pthread_once_t pipes_ready = PTHREAD_ONCE_INIT;

/* A closed pipe is an error of one write, not the end of the process. */
static void ignore_closed_pipes(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
        now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static struct chars *make(enum kind kind, const char *name,
                          const struct chars_hooks *hooks)
{
    struct chars *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    pthread_once(&pipes_ready, ignore_closed_pipes);
    c->dev = (struct chardev){
        .owner = c, .put = put, .get = get, .flush = flush, .admit = admit};
    c->kind = kind;
    if (hooks)
        c->hooks = *hooks;
    snprintf(c->name, sizeof c->name, "%s", name);
    c->in = c->out = -1;
    c->wake[0] = c->wake[1] = c->hurry[0] = c->hurry[1] = -1;
    c->ahead = malloc(READ);
    pthread_mutex_init(&c->lock, NULL);
    if (!c->ahead || !make_bell(c->wake) || !make_bell(c->hurry)) {
        chars_free(&c->dev);
        return NULL;
    }
    return c;
}

void chars_free(struct chardev *d)
{
    struct chars *c = d ? chars_of(d) : NULL;

    if (!c)
        return;
    end_thread(c);
    flush(c);
    if (c->kind == KIND_TERMINAL)
        terminal_cooked();
    if (c->kind == KIND_TERMINAL || c->kind == KIND_STREAM) {
        if (c->in >= 0)
            atomic_flag_clear(&stdio_taken);
    } else if (c->out >= 0 && close(c->out) < 0 && errno != EINTR) {
        lose_output(c, errno); /* some file systems say so only now */
    }
    for (unsigned n = 0; n < 2; n++) {
        close_fd(&c->wake[n]);
        close_fd(&c->hurry[n]);
    }
    pthread_mutex_destroy(&c->lock);
    free(c->ahead);
    free(c->kept);
    free(c);
}

static bool open_stdio(struct chars *c, struct error *e)
{
    if (atomic_flag_test_and_set(&stdio_taken)) {
        c->kind = KIND_NULL; /* not this one's to give back */
        return error_set(e, "stdio is in use already: only one device can have it");
    }
    c->in = STDIN_FILENO;
    c->out = STDOUT_FILENO;
    if (terminal_raw(STDIN_FILENO))
        c->kind = KIND_TERMINAL;
    return true;
}

bool chars_take_terminal(const char *enter, const char *leave, struct error *e)
{
    if (atomic_flag_test_and_set(&stdio_taken))
        return error_set(e, "a device has the terminal already");
    if (terminal_full_screen(STDIN_FILENO, STDOUT_FILENO, enter, leave))
        return true;
    atomic_flag_clear(&stdio_taken);
    return error_set(e, "standard input and output are not a terminal");
}

void chars_give_terminal(void)
{
    terminal_cooked();
    atomic_flag_clear(&stdio_taken);
}

static bool open_file(struct chars *c, const char *path, struct error *e)
{
    c->ended = true;
    c->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return c->out >= 0 || error_set(e, "cannot write '%s': %s", path, strerror(errno));
}

/* The slave is opened once and left: raw, so that nothing is echoed back to the guest,
 * and so that from now on a missing client shows as a hang-up. */
static bool open_pty(struct chars *c, struct error *e)
{
    struct termios mode;
    const char *path;
    int slave;

    c->in = c->out = posix_openpt(O_RDWR | O_NOCTTY);
    if (c->in < 0 || grantpt(c->in) < 0 || unlockpt(c->in) < 0 ||
        !(path = ptsname(c->in)))
        return error_set(e, "cannot make a pty: %s", strerror(errno));
    snprintf(c->name, sizeof c->name, "%s", path);
    fcntl(c->in, F_SETFD, FD_CLOEXEC);
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    slave = open(c->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || tcgetattr(slave, &mode) < 0) {
        close_fd(&slave);
        return error_set(e, "cannot make a pty: %s", strerror(errno));
    }
    cfmakeraw(&mode);
    tcsetattr(slave, TCSANOW, &mode);
    close(slave);
    return true;
}

struct chardev *chars_open(const char *name, const struct chars_hooks *hooks,
                           struct error *e)
{
    bool file = !strncmp(name, "file:", 5), good = true;
    enum kind kind = KIND_NULL;
    struct chars *c;

    if (file)
        kind = KIND_FILE;
    else if (!strcmp(name, "stdio"))
        kind = KIND_STREAM;
    else if (!strcmp(name, "pty"))
        kind = KIND_PTY;
    else if (strcmp(name, "null")) {
        error_set(e, "no character device is called '%s'", name);
        error_hint(e, "there are: stdio, pty, null, file:PATH");
        return NULL;
    }
    if (file && (!name[5] || strlen(name) >= PATH_MAX)) {
        error_set(e, "'%s' names no file: file:PATH is wanted", name);
        return NULL;
    }
    c = make(kind, file ? name + 5 : name, hooks);
    if (!c) {
        error_set(e, "cannot open %s: the host has no memory or no file handles", name);
        return NULL;
    }
    switch (kind) {
    case KIND_FILE: good = open_file(c, name + 5, e); break;
    case KIND_STREAM: good = open_stdio(c, e); break;
    case KIND_PTY: good = open_pty(c, e); break;
    default: c->ended = true; break;
    }
    c->dev.live = chars_interactive(&c->dev);
    if (good)
        return &c->dev;
    chars_free(&c->dev);
    return NULL;
}

struct chardev *chars_memory(const void *bytes, size_t n)
{
    struct chars *c = make(KIND_MEMORY, "memory", NULL);
    uint8_t *ahead = c && n > READ ? realloc(c->ahead, n) : NULL;

    if (!c)
        return NULL;
    if (ahead)
        c->ahead = ahead;
    else if (n > READ) {
        chars_free(&c->dev);
        return NULL;
    }
    if (n)
        memcpy(c->ahead, bytes, n);
    c->ahead_size = n;
    return &c->dev;
}

/* ---- the rest of the front end's side ---- */

void chars_feed(struct chardev *d, const void *bytes, size_t n)
{
    struct chars *c = chars_of(d);

    pthread_mutex_lock(&c->lock);
    for (size_t k = 0; k < n; k++)
        enqueue(c, ((const uint8_t *)bytes)[k]);
    pthread_mutex_unlock(&c->lock);
    call_kick(c);
}

void chars_break(struct chardev *d)
{
    struct chars *c = chars_of(d);

    pthread_mutex_lock(&c->lock);
    enqueue(c, CHARDEV_BREAK);
    pthread_mutex_unlock(&c->lock);
    call_kick(c);
    if (c->kind == KIND_STREAM)
        ring_bell(c->hurry); /* a get() that waits takes it */
}

const uint8_t *chars_written(const struct chardev *d, size_t *n)
{
    const struct chars *c = d->owner;
    *n = c->kept_size;
    return c->kept;
}

void chars_lend(struct chardev *d, bool lent)
{
    struct chars *c = chars_of(d);

    pthread_mutex_lock(&c->lock);
    c->lent = lent;
    if (c->kind == KIND_TERMINAL && lent) {
        if (c->waiting)
            write_out(c);
        terminal_cooked();
    } else if (c->kind == KIND_TERMINAL) {
        terminal_raw(c->in);
    }
    pthread_mutex_unlock(&c->lock);
    ring_bell(c->wake);
}

void chars_wake(struct chardev *d)
{
    ring_bell(chars_of(d)->hurry);
}

bool chars_interactive(const struct chardev *d)
{
    const struct chars *c = d->owner;
    return c->kind == KIND_TERMINAL || c->kind == KIND_PTY;
}

bool chars_ended(const struct chardev *d)
{
    const struct chars *c = d->owner;
    return c->ended && c->ahead_at == c->ahead_size;
}

const char *chars_path(const struct chardev *d)
{
    const struct chars *c = d->owner;
    return c->name;
}
