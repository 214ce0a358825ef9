/* time.c - the host's clocks, and sleeping that another thread can end. */
#define _GNU_SOURCE
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t host_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t host_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t host_date(void)
{
    return (int64_t)time(NULL);
}

int64_t host_local_date(void)
{
    time_t now = time(NULL);
    struct tm t;

    return localtime_r(&now, &t) ? (int64_t)timegm(&t) : (int64_t)now;
}

/* Each sleeper has a place with a pipe of its own: a byte in a shared one could be read by
 * the wrong sleeper. Waking needs only loads and write(), so a signal handler may. Places
 * keep their pipes; there are as many as machines ever slept at once. */
enum { PLACES = 64, LOOK_NS = 10000000 };

static struct {
    _Atomic(atomic_bool *) flag; /* of who sleeps here, or NULL */
    atomic_int wake, listen;     /* the pipe's ends + 1; 0 before it was made */
} place[PLACES];

static void make_pipe(unsigned n)
{
    int ends[2];

    if (atomic_load(&place[n].wake) || pipe(ends) < 0)
        return;
    for (unsigned k = 0; k < 2; k++) {
        fcntl(ends[k], F_SETFL, O_NONBLOCK);
        fcntl(ends[k], F_SETFD, FD_CLOEXEC);
    }
    atomic_store(&place[n].listen, ends[0] + 1);
    atomic_store(&place[n].wake, ends[1] + 1);
}

/* A free place, now the caller's; PLACES when there is none. */
static unsigned sit(atomic_bool *kicked)
{
    unsigned n;

    for (n = 0; n < PLACES; n++) {
        atomic_bool *nobody = NULL;

        if (atomic_compare_exchange_strong(&place[n].flag, &nobody, kicked)) {
            make_pipe(n);
            break;
        }
    }
    return n;
}

void host_kick(atomic_bool *kicked)
{
    int saved = errno;

    atomic_store(kicked, true);
    for (unsigned n = 0; n < PLACES; n++) {
        int wake = atomic_load(&place[n].wake);

        /* Full: the sleeper wakes anyway. */
        if (wake && atomic_load(&place[n].flag) == kicked && write(wake - 1, "", 1) < 0)
            errno = saved;
    }
    errno = saved;
}

void host_wait_kick(atomic_bool *kicked, uint64_t deadline)
{
    unsigned n = sit(kicked);
    int listen = n < PLACES ? atomic_load(&place[n].listen) - 1 : -1;

    while (!atomic_load(kicked)) {
        struct pollfd p = {.fd = listen, .events = POLLIN};
        uint64_t now = host_now_ns(), ns;
        struct timespec left;
        char drain[64];

        if (now >= deadline)
            break;
        ns = deadline - now;
        if (listen < 0 && ns > LOOK_NS)
            ns = LOOK_NS; /* nobody can wake us: look now and then */
        left.tv_sec = ns / 1000000000u > 3600 ? 3600 : (time_t)(ns / 1000000000u);
        left.tv_nsec = (long)(ns % 1000000000u);
        if (ppoll(&p, listen >= 0, &left, NULL) > 0)
            while (read(listen, drain, sizeof drain) > 0)
                ;
    }
    if (n < PLACES)
        atomic_store(&place[n].flag, NULL);
}
