/* Tests of host/chars.c: what the guest gets and puts, and what a host can do to that.
 */
#define _GNU_SOURCE
#include "host/chars.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    atomic_uint told, kicks, seen;
    uint8_t refuse; /* typed() keeps this byte from the guest */
};

static void tell(void *to, const char *line)
{
    struct world *w = to;
    assert_true(strlen(line) > 0);
    w->told++;
}

static bool typed(void *to, uint8_t byte)
{
    struct world *w = to;
    w->seen++;
    return byte != w->refuse;
}

static void kick(void *to)
{
    struct world *w = to;
    w->kicks++;
}

static void put(struct chardev *d, const char *text)
{
    d->put(d->owner, (const uint8_t *)text, strlen(text));
}

/* A pause of a millisecond, and whether there may be another. */
static bool again(unsigned *tries)
{
    struct timespec ms = {.tv_nsec = 1000000};
    nanosleep(&ms, NULL);
    return ++*tries < 60000;
}

static int get_soon(struct chardev *d)
{
    unsigned tries = 0;
    int c;

    do {
        d->admit(d->owner);
        c = d->get(d->owner);
    } while (c < 0 && again(&tries));
    return c;
}

/* fd takes the place of standard input or output until put back. */
static int stand_in(int fd, int standard)
{
    int saved = dup(standard);
    dup2(fd, standard);
    return saved;
}

static void put_back(int saved, int standard)
{
    dup2(saved, standard);
    close(saved);
}

static void bytes_from_memory_are_there_at_once_and_fed_ones_once_admitted(void **state)
{
    struct chardev *d = chars_memory("a", 1);
    size_t n;
    (void)state;

    chars_feed(d, "b", 1);
    assert_int_equal(d->get(d->owner), 'a');
    assert_int_equal(d->get(d->owner), -1);
    d->admit(d->owner);
    assert_int_equal(d->get(d->owner), 'b');
    assert_int_equal(d->get(d->owner), -1);
    chars_break(d);
    d->admit(d->owner);
    assert_int_equal(d->get(d->owner), CHARDEV_BREAK);
    put(d, "out");
    assert_memory_equal(chars_written(d, &n), "out", 3);
    assert_int_equal(n, 3);
    chars_free(d);
}

static void a_guest_that_takes_nothing_costs_bounded_memory(void **state)
{
    struct chardev *d = chars_memory(NULL, 0);
    char block[4096] = {0};
    unsigned got = 0;
    size_t n;
    (void)state;

    for (unsigned k = 0; k < 40; k++)
        chars_feed(d, block, sizeof block);
    d->admit(d->owner);
    while (d->get(d->owner) >= 0)
        got++;
    assert_int_equal(got, 65536);
    for (unsigned k = 0; k < 5000; k++)
        d->put(d->owner, (uint8_t *)block, sizeof block);
    chars_written(d, &n);
    assert_int_equal(n, 16 << 20);
    chars_free(d);
}

static void an_unknown_name_is_refused_with_the_known_ones(void **state)
{
    struct error e;
    (void)state;
    assert_null(chars_open("tcp:1", NULL, &e));
    assert_non_null(strstr(e.text, "pty"));
    assert_null(chars_open("file:", NULL, &e));
    assert_null(chars_open("file:/nonexistent/x", NULL, &e));
    assert_non_null(strstr(e.text, "/nonexistent/x"));
}

struct late {
    int fd;
    struct chardev *wake;
};

static void *write_late(void *arg)
{
    struct late *l = arg;
    struct timespec ms = {.tv_nsec = 30000000};

    nanosleep(&ms, NULL);
    if (l->wake)
        chars_wake(l->wake);
    else if (write(l->fd, "xy", 2) == 2)
        close(l->fd);
    return NULL;
}

static void a_pipe_is_waited_for_and_its_end_lasts(void **state)
{
    struct world w = {0};
    struct chardev *d;
    struct late late;
    pthread_t thread;
    int in[2], saved;
    (void)state;

    assert_int_equal(pipe(in), 0);
    saved = stand_in(in[0], 0);
    d = chars_open("stdio", &(struct chars_hooks){.to = &w, .tell = tell}, NULL);
    assert_non_null(d);
    assert_false(chars_interactive(d));
    assert_null(chars_open("stdio", NULL, NULL));
    late = (struct late){.fd = in[1]};
    pthread_create(&thread, NULL, write_late, &late);
    assert_int_equal(d->get(d->owner), 'x');
    assert_false(chars_ended(d));
    assert_int_equal(d->get(d->owner), 'y');
    assert_int_equal(d->get(d->owner), -1);
    assert_int_equal(d->get(d->owner), -1);
    assert_true(chars_ended(d));
    assert_int_equal(w.told, 0); /* an end is no error */
    pthread_join(thread, NULL);
    chars_free(d);
    put_back(saved, 0);
    close(in[0]);
}

static void a_wait_for_a_pipe_can_be_ended_and_the_device_is_kicked(void **state)
{
    struct world w = {0};
    struct chardev *d;
    struct late late;
    pthread_t thread;
    int in[2], saved;
    (void)state;

    assert_int_equal(pipe(in), 0);
    saved = stand_in(in[0], 0);
    d = chars_open("stdio", NULL, NULL);
    assert_true(chars_listen(d, kick, &w, NULL));
    late = (struct late){.wake = d};
    pthread_create(&thread, NULL, write_late, &late);
    assert_int_equal(d->get(d->owner), -1);
    assert_false(chars_ended(d));
    assert_int_equal(w.kicks, 1);
    pthread_join(thread, NULL);
    assert_int_equal(write(in[1], "z", 1), 1);
    assert_int_equal(d->get(d->owner), 'z');
    chars_free(d);
    put_back(saved, 0);
    close(in[0]);
    close(in[1]);
}

static void a_full_disk_is_told_once(void **state)
{
    struct world w = {0};
    struct chardev *d;
    (void)state;

    if (access("/dev/full", W_OK)) {
        print_message("skipped: no /dev/full here\n");
        skip();
    }
    d = chars_open("file:/dev/full", &(struct chars_hooks){.to = &w, .tell = tell},
                   NULL);
    assert_non_null(d);
    for (unsigned k = 0; k < 3; k++) {
        put(d, "bytes");
        d->flush(d->owner);
    }
    assert_int_equal(w.told, 1);
    assert_int_equal(d->get(d->owner), -1);
    chars_free(d);
    assert_int_equal(w.told, 1);
}

static void a_closed_pipe_is_told_once_and_ends_nothing(void **state)
{
    struct world w = {0};
    struct chardev *d;
    int out[2], saved;
    (void)state;

    assert_int_equal(pipe(out), 0);
    saved = stand_in(out[1], 1);
    close(out[1]);
    d = chars_open("stdio", &(struct chars_hooks){.to = &w, .tell = tell}, NULL);
    close(out[0]);
    for (unsigned k = 0; k < 3; k++) {
        put(d, "bytes");
        d->flush(d->owner);
    }
    chars_free(d);
    put_back(saved, 1);
    assert_int_equal(w.told, 1);
}

static size_t file_size(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n;
    char block[8192];

    assert_non_null(f);
    n = fread(block, 1, sizeof block, f);
    fclose(f);
    return n;
}

static void output_goes_out_when_4_kib_wait_when_flushed_and_at_the_end(void **state)
{
    char name[] = "file:/tmp/menura-chars-XXXXXX", block[4095];
    struct chardev *d;
    (void)state;

    close(mkstemp(name + 5));
    d = chars_open(name, NULL, NULL);
    memset(block, 'b', sizeof block);
    d->put(d->owner, (uint8_t *)block, sizeof block);
    assert_int_equal(file_size(name + 5), 0);
    put(d, "c");
    assert_int_equal(file_size(name + 5), 4096);
    put(d, "de");
    d->flush(d->owner);
    assert_int_equal(file_size(name + 5), 4098);
    put(d, "f");
    chars_free(d);
    assert_int_equal(file_size(name + 5), 4099);
    unlink(name + 5);
}

static void output_goes_out_by_itself_in_time(void **state)
{
    char name[] = "file:/tmp/menura-chars-XXXXXX";
    struct world w = {0};
    struct chardev *d;
    unsigned tries = 0;
    (void)state;

    close(mkstemp(name + 5));
    d = chars_open(name, NULL, NULL);
    assert_true(chars_listen(d, kick, &w, NULL));
    put(d, "hello");
    while (file_size(name + 5) < 5 && again(&tries))
        ;
    assert_int_equal(file_size(name + 5), 5);
    chars_free(d);
    unlink(name + 5);
}

static void a_pty_serves_one_client_after_another(void **state)
{
    struct world w = {0};
    struct chardev *d =
        chars_open("pty", &(struct chars_hooks){.to = &w, .tell = tell}, NULL);
    (void)state;

    assert_non_null(d);
    assert_true(chars_interactive(d));
    assert_true(chars_listen(d, kick, &w, NULL));
    put(d, "nobody there");
    d->flush(d->owner);
    for (unsigned k = 0; k < 2; k++) {
        int client = open(chars_path(d), O_RDWR | O_NOCTTY);
        struct pollfd p = {.fd = client, .events = POLLIN};
        char byte;

        assert_true(client >= 0);
        assert_int_equal(write(client, "k", 1), 1);
        assert_int_equal(get_soon(d), 'k');
        assert_int_equal(d->get(d->owner), -1); /* no echo of what was put */
        put(d, "o");
        d->flush(d->owner);
        assert_int_equal(poll(&p, 1, 3000), 1);
        assert_int_equal(read(client, &byte, 1), 1);
        assert_int_equal(byte, 'o');
        close(client);
    }
    assert_false(chars_ended(d));
    assert_true(w.kicks >= 2);
    assert_int_equal(w.told, 0);
    chars_free(d);
}

/* ---- the terminal: a pty in the place of standard input ---- */

static int make_terminal(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(*slave >= 0);
    return master;
}

static bool is_raw(int fd)
{
    struct termios t;
    assert_int_equal(tcgetattr(fd, &t), 0);
    return !(t.c_lflag & (ICANON | ECHO | ISIG));
}

/* Runs `body` in a process whose controlling terminal is the slave, in the foreground
 * of a session led by another process (else it could not be suspended). */
static pid_t run_at_terminal(int master, int slave,
                             void (*body)(struct world *w, struct chardev *d))
{
    pid_t leader = fork();

    if (leader == 0) {
        pid_t child;
        int status;
        close(master);
        setsid();
        signal(SIGHUP, SIG_IGN);
        ioctl(slave, TIOCSCTTY, 0);
        signal(SIGTTOU, SIG_IGN);
        child = fork();
        if (child == 0) {
            static struct world w = {.refuse = 'q'};
            struct chardev *d;
            setpgid(0, 0);
            tcsetpgrp(slave, getpid());
            signal(SIGTTOU, SIG_DFL);
            signal(SIGHUP, SIG_DFL);
            dup2(slave, 0);
            dup2(slave, 1);
            d = chars_open(
                "stdio", &(struct chars_hooks){.to = &w, .tell = tell, .typed = typed},
                NULL);
            if (!d || !chars_interactive(d) || !chars_listen(d, kick, &w, NULL))
                _exit(90);
            body(&w, d);
            exit(0);
        }
        /* A shell's part: when the child stops, look, then go on. */
        while (waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status)) {
            if (is_raw(slave))
                _exit(91);
            kill(child, SIGCONT);
        }
        _exit(WIFSIGNALED(status) ? WTERMSIG(status) : 40 + WEXITSTATUS(status));
    }
    return leader;
}

static int exit_of(pid_t leader)
{
    int status;
    assert_int_equal(waitpid(leader, &status, 0), leader);
    return WEXITSTATUS(status);
}

static void check(bool good, int code)
{
    if (!good)
        _exit(code);
}

static void plain_exit(struct world *w, struct chardev *d)
{
    (void)w;
    (void)d;
    check(is_raw(0), 1);
}

static void killed(struct world *w, struct chardev *d)
{
    (void)w;
    (void)d;
    check(is_raw(0), 1);
    kill(getpid(), SIGTERM);
    pause();
}

static void suspended(struct world *w, struct chardev *d)
{
    unsigned tries = 0;
    (void)w;
    (void)d;
    check(is_raw(0), 1);
    kill(getpid(), SIGTSTP);
    while (!is_raw(0) && again(&tries))
        ;
    check(is_raw(0), 2);
}

static void typing(struct world *w, struct chardev *d)
{
    put(d, "go");
    d->flush(d->owner);
    check(get_soon(d) == 'a', 1);
    check(get_soon(d) == 3, 2); /* Ctrl-C is a byte */
    check(get_soon(d) == 'b', 3);
    check(w->seen == 4, 4);
    chars_lend(d, true);
    check(!is_raw(0), 5);
    chars_lend(d, false);
    check(is_raw(0), 6);
}

static void gone(struct world *w, struct chardev *d)
{
    unsigned tries = 0;
    signal(SIGHUP, SIG_IGN);
    put(d, "go");
    d->flush(d->owner);
    while (!chars_ended(d) && again(&tries))
        ;
    check(chars_ended(d), 1);
    check(d->get(d->owner) == -1, 2);
    check(w->told == 1, 3);
    put(d, "x");
    d->flush(d->owner);
    put(d, "x");
    d->flush(d->owner);
    check(w->told == 2, 4); /* once for input, once for output */
}

static void the_terminal_is_given_back_at_exit_at_death_and_when_suspended(void **state)
{
    int slave, master = make_terminal(&slave);
    (void)state;

    assert_int_equal(exit_of(run_at_terminal(master, slave, plain_exit)), 40);
    assert_false(is_raw(slave));
    assert_int_equal(exit_of(run_at_terminal(master, slave, killed)), SIGTERM);
    assert_false(is_raw(slave));
    assert_int_equal(exit_of(run_at_terminal(master, slave, suspended)), 40);
    assert_false(is_raw(slave));
    close(slave);
    close(master);
}

static void wait_for_go(int master)
{
    struct pollfd p = {.fd = master, .events = POLLIN};
    char text[16];
    assert_int_equal(poll(&p, 1, 3000), 1);
    assert_true(read(master, text, sizeof text) > 0);
}

static void typed_bytes_pass_the_filter_first(void **state)
{
    int slave, master = make_terminal(&slave);
    pid_t leader = run_at_terminal(master, slave, typing);
    (void)state;

    wait_for_go(master);
    assert_int_equal(write(master, "a\003qb", 4), 4);
    assert_int_equal(exit_of(leader), 40);
    close(slave);
    close(master);
}

static void a_terminal_that_goes_away_is_told_once(void **state)
{
    int slave, master = make_terminal(&slave);
    pid_t leader = run_at_terminal(master, slave, gone);
    (void)state;

    wait_for_go(master);
    close(slave);
    close(master);
    assert_int_equal(exit_of(leader), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            bytes_from_memory_are_there_at_once_and_fed_ones_once_admitted),
        cmocka_unit_test(a_guest_that_takes_nothing_costs_bounded_memory),
        cmocka_unit_test(an_unknown_name_is_refused_with_the_known_ones),
        cmocka_unit_test(a_pipe_is_waited_for_and_its_end_lasts),
        cmocka_unit_test(a_wait_for_a_pipe_can_be_ended_and_the_device_is_kicked),
        cmocka_unit_test(a_full_disk_is_told_once),
        cmocka_unit_test(a_closed_pipe_is_told_once_and_ends_nothing),
        cmocka_unit_test(output_goes_out_when_4_kib_wait_when_flushed_and_at_the_end),
        cmocka_unit_test(output_goes_out_by_itself_in_time),
        cmocka_unit_test(a_pty_serves_one_client_after_another),
        cmocka_unit_test(
            the_terminal_is_given_back_at_exit_at_death_and_when_suspended),
        cmocka_unit_test(typed_bytes_pass_the_filter_first),
        cmocka_unit_test(a_terminal_that_goes_away_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
