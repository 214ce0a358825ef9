/* test_socket.c - host/socket.c with real clients: one at a time, events in order, and
 * clients that do not behave.
 */
#define _GNU_SOURCE
#include "host/socket.h"

#include "host/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static atomic_uint calls;

static void attention(void *to)
{
    (void)to;
    calls++;
}

static struct server *serve(const char *where)
{
    struct error e = {""};
    struct server *s = server_listen(where, attention, NULL, &e);

    if (!s)
        fail_msg("%s", e.text);
    return s;
}

static int connect_tcp(const struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    const char *port = strrchr(server_address(s), ':') + 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* The next event, which comes soon. */
static enum server_event next(struct server *s, void *to, size_t room, size_t *n)
{
    uint64_t end = host_now_ns() + 60000000000u;
    enum server_event event;

    while ((event = server_fetch(s, to, room, n)) == SERVER_NOTHING &&
           host_now_ns() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return event;
}

static enum server_event plain(struct server *s)
{
    uint8_t bytes[64];
    size_t n;

    return next(s, bytes, sizeof bytes, &n);
}

static void bytes_go_both_ways(void **state)
{
    struct server *s = serve("tcp::0");
    int fd = connect_tcp(s);
    char text[64] = "";
    size_t n;

    (void)state;
    assert_int_equal(strncmp(server_address(s), "127.0.0.1:", 10), 0);
    assert_int_equal(plain(s), SERVER_OPENED);
    assert_int_equal(write(fd, "question", 8), 8);
    assert_int_equal(next(s, text, 5, &n), SERVER_BYTES);
    assert_int_equal(n, 5);
    assert_true(server_waiting(s));
    assert_int_equal(next(s, text + 5, 50, &n), SERVER_BYTES);
    assert_string_equal(text, "question");
    assert_false(server_waiting(s));
    assert_true(calls > 0);
    server_send(s, (const uint8_t *)"answer", 6);
    assert_int_equal(read(fd, text, sizeof text), 6);
    close(fd);
    assert_int_equal(plain(s), SERVER_CLOSED);
    assert_false(server_waiting(s));
    server_free(s);
}

static void a_second_client_is_turned_away(void **state)
{
    struct server *s = serve("tcp:127.0.0.1:0");
    int first = connect_tcp(s), second;
    char byte;

    (void)state;
    assert_int_equal(plain(s), SERVER_OPENED);
    second = connect_tcp(s);
    assert_true(read(second, &byte, 1) <= 0);
    close(second);
    assert_int_equal(write(first, "x", 1), 1);
    close(first);
    assert_int_equal(plain(s), SERVER_BYTES); /* what it said last is heard */
    assert_int_equal(plain(s), SERVER_CLOSED);
    first = connect_tcp(s); /* now there is room */
    assert_int_equal(plain(s), SERVER_OPENED);
    close(first);
    server_free(s);
}

static void a_client_that_floods_waits_and_one_that_does_not_read_goes(void **state)
{
    struct server *s = serve("tcp::0");
    int fd = connect_tcp(s);
    uint8_t bytes[4096] = {0};
    size_t n, sum = 0;
    unsigned tries = 0;

    (void)state;
    assert_int_equal(plain(s), SERVER_OPENED);
    for (unsigned k = 0; k < 60; k++) /* more than the ring has */
        assert_int_equal(write(fd, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    while (sum < 60 * sizeof bytes) {
        assert_int_equal(next(s, bytes, sizeof bytes, &n), SERVER_BYTES);
        sum += n;
    }
    while (server_fetch(s, bytes, sizeof bytes, &n) != SERVER_CLOSED && tries++ < 100000)
        server_send(s, bytes, sizeof bytes);
    assert_true(tries < 100000);
    close(fd);
    server_free(s);
}

static void hanging_up_drops_what_was_not_fetched(void **state)
{
    struct server *s = serve("tcp::0");
    int fd = connect_tcp(s);
    char byte;

    (void)state;
    assert_int_equal(plain(s), SERVER_OPENED);
    server_hang_up(s);
    assert_int_equal(plain(s), SERVER_CLOSED);
    assert_true(read(fd, &byte, 1) <= 0);
    close(fd);
    server_free(s);
}

static void the_last_words_go_out(void **state)
{
    struct server *s = serve("tcp::0");
    int fd = connect_tcp(s);
    char text[16] = "";

    (void)state;
    assert_int_equal(plain(s), SERVER_OPENED);
    server_send(s, (const uint8_t *)"end", 3);
    server_free(s);
    assert_int_equal(read(fd, text, sizeof text), 3);
    assert_string_equal(text, "end");
    close(fd);
}

static void a_path_left_by_the_dead_is_taken_over_and_others_are_not(void **state)
{
    char folder[] = "/tmp/menura-socket-XXXXXX", path[64], where[80];
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct server *s;
    struct error e = {""};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/gdb", folder);
    snprintf(where, sizeof where, "unix:%s", path);
    memcpy(a.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd); /* the path stays */
    s = serve(where);
    assert_string_equal(server_address(s), path);
    assert_null(server_listen(where, attention, NULL, &e)); /* somebody lives there */
    assert_non_null(strstr(e.text, path));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    server_free(s);
    close(fd);
    assert_int_equal(access(path, F_OK), -1);
    f = fopen(path, "w"); /* a file is nobody's socket */
    assert_non_null(f);
    fclose(f);
    assert_null(server_listen(where, attention, NULL, &e));
    assert_int_equal(access(path, F_OK), 0);
    remove(path);
    rmdir(folder);
}

static void wrong_places_are_told(void **state)
{
    static const char *const places[] = {
        "tcp:", "tcp::", "tcp::x", "tcp::123456", "tcp::99999", "tcp:no.such.host.invalid:1",
        "unix:", "pipe:x", "", "unix:/nonexistent/socket"};
    char far[300] = "unix:";
    struct error e;

    (void)state;
    for (unsigned n = 0; n < ARRAY_SIZE(places); n++) {
        e.text[0] = 0;
        if (server_listen(places[n], attention, NULL, &e))
            fail_msg("'%s' can be had", places[n]);
        assert_true(strlen(e.text) > 10);
    }
    memset(far + 5, 'x', 250);
    assert_null(server_listen(far, attention, NULL, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(a_second_client_is_turned_away),
        cmocka_unit_test(a_client_that_floods_waits_and_one_that_does_not_read_goes),
        cmocka_unit_test(hanging_up_drops_what_was_not_fetched),
        cmocka_unit_test(the_last_words_go_out),
        cmocka_unit_test(a_path_left_by_the_dead_is_taken_over_and_others_are_not),
        cmocka_unit_test(wrong_places_are_told),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
