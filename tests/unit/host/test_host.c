/* test_host.c - memory, files and waking. */
#include "host/host.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], first[128], second[128];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/menura-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(first, sizeof first, "%s/first", folder);
    snprintf(second, sizeof second, "%s/second", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void sixteen_gib_cost_nothing_until_touched(void **state)
{
    uint64_t size = UINT64_C(16) << 30;
    uint8_t *p = sizeof(void *) > 4 ? host_memory(size) : NULL;
    (void)state;

    if (!p) {
        print_message("skipped: the host does not give 16 GiB of address space\n");
        skip();
    }
    assert_int_equal(p[0] | p[size / 2] | p[size - 1], 0);
    host_memory_free(p, size);
}

static void a_file_is_read_whole_or_refused(void **state)
{
    struct error e;
    uint8_t *bytes, *big = calloc(1, 200001);
    uint64_t size;
    (void)state;

    assert_false(host_read_file(first, "kernel", 100, &bytes, &size, &e));
    assert_non_null(strstr(e.text, "kernel"));
    assert_true(host_write_file(first, "old", 3, &e));
    big[200000] = 7;
    assert_true(host_write_file(first, big, 200001, &e));
    assert_false(host_read_file(first, "kernel", 200000, &bytes, &size, &e));
    assert_true(host_read_file(first, "kernel", 200001, &bytes, &size, &e));
    assert_int_equal(size, 200001);
    assert_int_equal(bytes[200000], 7);
    free(bytes);
    free(big);
    unlink(first);
    assert_false(host_read_file(folder, "kernel", 100, &bytes, &size, &e));
}

static void writing_follows_a_link_and_keeps_permissions(void **state)
{
    struct error e;
    struct stat st;
    mode_t old = umask(077);
    (void)state;

    assert_true(host_write_file(first, "1", 1, &e));
    umask(old);
    assert_int_equal(stat(first, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(symlink("first", second), 0);
    assert_true(host_write_file(second, "22", 2, &e));
    assert_int_equal(lstat(second, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(first, &st), 0);
    assert_int_equal(st.st_size, 2);
    assert_int_equal(st.st_mode & 0777, 0600);
    unlink(first);
    unlink(second);
}

/* As root, a rename would replace the device for the whole system. */
static void what_is_no_file_is_never_replaced(void **state)
{
    struct error e;
    (void)state;

    assert_int_equal(mkfifo(first, 0600), 0);
    assert_false(host_write_file(first, "1", 1, &e));
    assert_non_null(strstr(e.text, "not a regular file"));
    unlink(first);
    assert_false(host_write_file("/nowhere/x", "1", 1, &e));
    assert_non_null(strstr(e.text, "/nowhere/x"));
}

struct sleeper {
    pthread_t thread;
    atomic_bool kicked;
    uint64_t deadline;
    bool was_kicked;
};

static void *sleep_on(void *arg)
{
    struct sleeper *s = arg;

    host_wait_kick(&s->kicked, s->deadline);
    s->was_kicked = atomic_load(&s->kicked);
    return NULL;
}

/* Many machines of one process: no one's kick is lost to another. */
static void every_sleeper_is_woken_by_its_own_kick(void **state)
{
    enum { N = 70 }; /* more than there are pipes for */
    static struct sleeper s[N];
    uint64_t begin = host_now_ns();
    (void)state;

    for (unsigned n = 0; n < N; n++) {
        s[n].deadline = begin + UINT64_C(30000000000);
        assert_int_equal(pthread_create(&s[n].thread, NULL, sleep_on, &s[n]), 0);
    }
    usleep(20000);
    for (unsigned n = 0; n < N; n++)
        host_kick(&s[n].kicked);
    for (unsigned n = 0; n < N; n++) {
        pthread_join(s[n].thread, NULL);
        assert_true(s[n].was_kicked);
    }
    assert_true(host_now_ns() - begin < UINT64_C(20000000000));
}

static void a_wait_ends_at_its_deadline_and_never_before(void **state)
{
    atomic_bool kicked = false;
    uint64_t begin = host_now_ns();
    (void)state;

    host_wait_kick(&kicked, begin + 3500000);
    assert_true(host_now_ns() - begin >= 3500000);
    host_kick(&kicked);
    host_wait_kick(&kicked, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_gib_cost_nothing_until_touched),
        cmocka_unit_test(a_file_is_read_whole_or_refused),
        cmocka_unit_test(writing_follows_a_link_and_keeps_permissions),
        cmocka_unit_test(what_is_no_file_is_never_replaced),
        cmocka_unit_test(every_sleeper_is_woken_by_its_own_kick),
        cmocka_unit_test(a_wait_ends_at_its_deadline_and_never_before),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
