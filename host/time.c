/* time.c - the host's clocks, and sleeping that another thread can end. */
#define _GNU_SOURCE
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
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

/* One pipe for all sleepers of the process: a byte in it wakes them, and each looks at
 * its own flag. Only write() is needed to wake, so a signal handler may. */
static int wake[2] = {-1, -1};
static pthread_once_t wake_made = PTHREAD_ONCE_INIT;

static void make_wake(void)
{
    if (pipe(wake) == 0)
        for (unsigned n = 0; n < 2; n++) {
            fcntl(wake[n], F_SETFL, O_NONBLOCK);
            fcntl(wake[n], F_SETFD, FD_CLOEXEC);
        }
}

void host_kick(atomic_bool *kicked)
{
    char byte = 0;
    int saved = errno;

    atomic_store(kicked, true);
    if (wake[1] >= 0 && write(wake[1], &byte, 1) < 0)
        errno = saved; /* full: the sleepers wake anyway */
    errno = saved;
}

void host_wait_kick(atomic_bool *kicked, uint64_t deadline)
{
    pthread_once(&wake_made, make_wake);
    while (!atomic_load(kicked)) {
        struct pollfd p = {.fd = wake[0], .events = POLLIN};
        uint64_t now = host_now_ns();
        struct timespec left;
        char drain[64];

        if (now >= deadline)
            return;
        left.tv_sec = (time_t)((deadline - now) / 1000000000u);
        left.tv_nsec = (long)((deadline - now) % 1000000000u);
        if (left.tv_sec > 3600)
            left.tv_sec = 3600;
        if (ppoll(&p, wake[0] >= 0, &left, NULL) > 0)
            while (read(wake[0], drain, sizeof drain) > 0)
                ;
    }
}
