/* test_image.c - disk images: what a drive may rely on, and what a file may not do. */
#define _GNU_SOURCE
#include "tests/unit/host/image_model.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- the host's disk, as far as a test can break it ---- */

static bool sync_breaks;
static unsigned syncs;

#ifdef __linux__
int fdatasync(int fd)
{
    syncs++;
    if (!sync_breaks)
        return fsync(fd);
    errno = EIO;
    return -1;
}
#define CAN_BREAK_SYNC 1
#else
#define CAN_BREAK_SYNC 0
#endif

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void make_file(const char *path, uint64_t size)
{
    write_file(path, "", 0);
    assert_int_equal(truncate(path, (off_t)size), 0);
}

static uint64_t occupied(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static void refused(const struct image_options *o, const char *why)
{
    struct error e = {{0}};
    struct disk *d = image_open(o, &test_log, &e);

    assert_null(d);
    if (!strstr(e.text, why))
        fail_msg("'%s' is not in: %s", why, e.text);
}

/* ---- tests ---- */

static void what_is_written_is_read(void **state)
{
    static const struct {
        const char *format;
        unsigned cluster;
    } kind[] = {
        {"raw", 0}, {"qcow2", 512}, {"qcow2", 4096}, {"qcow2", 0}, {"qcow2", 2 << 20}};
    uint64_t size = (UINT64_C(12) << 20) + 512;
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(kind); n++) {
        char file[128];
        struct image_options o = {.file = file};
        struct model m = {.random = n + 77, .bytes = calloc(1, (size_t)size)};

        snprintf(file, sizeof file, "%s", in_folder("disk"));
        must_create(file, kind[n].format, size, kind[n].cluster, NULL);
        for (unsigned round = 0; round < 3; round++) {
            m.disk = must_open(&o);
            assert_int_equal(m.disk->size, size);
            assert_string_equal(image_format(m.disk), kind[n].format);
            model_compare(&m);
            model_run(&m, 200, 300000);
            model_compare(&m);
            must_close(m.disk);
            must_be_sound(file, true);
        }
        free(m.bytes);
    }
}

static void ranges_outside_the_disk_are_refused_whole(void **state)
{
    char file[128];
    struct image_options o = {.file = file};
    uint8_t bytes[1024] = {1, 2, 3};
    struct disk *d;
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("small"));
    for (unsigned n = 0; n < 2; n++) {
        must_create(file, n ? "qcow2" : "raw", 1 << 20, 0, NULL);
        bytes[1] = 2;
        d = must_open(&o);
        assert_false(d->write(d->owner, (1 << 20) - 512, bytes, 1024));
        assert_false(d->write(d->owner, UINT64_MAX - 511, bytes, 1024));
        assert_false(d->read(d->owner, 1 << 20, bytes, 512));
        assert_int_equal(bytes[1], 2);
        assert_true(d->read(d->owner, 1 << 20, bytes, 0));
        assert_true(d->read(d->owner, (1 << 20) - 512, bytes, 512));
        assert_int_equal(bytes[1], 0);
        must_close(d);
    }
}

static void a_snapshot_never_touches_the_image(void **state)
{
    static const char *const format[] = {"raw", "qcow2"};
    uint64_t size = UINT64_C(3) << 20;
    (void)state;

    for (unsigned n = 0; n < 2; n++) {
        char file[128], command[512];
        struct image_options o = {.file = file, .snapshot = true};
        struct model m = {.random = 5, .bytes = calloc(1, (size_t)size)};

        snprintf(file, sizeof file, "%s", in_folder("base"));
        must_create(file, format[n], size, 0, NULL);
        snprintf(command, sizeof command, "cp %s %s", file, in_folder("copy"));
        assert_int_equal(system(command), 0);
        assert_int_equal(chmod(file, 0444), 0);
        m.disk = must_open(&o);
        assert_string_equal(image_format(m.disk), format[n]);
        assert_false(m.disk->read_only);
        model_run(&m, 200, 100000);
        model_compare(&m);
        must_close(m.disk);
        snprintf(command, sizeof command, "cmp %s %s", file, in_folder("copy"));
        assert_int_equal(system(command), 0);
        memset(m.bytes, 0, (size_t)size);
        m.disk = must_open(&o);
        model_compare(&m);
        must_close(m.disk);
        free(m.bytes);
        remove(file);
    }
}

static void what_is_no_disk_is_refused_with_a_reason(void **state)
{
    char file[128];
    struct image_options o = {.file = file};
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("odd"));
    refused(&o, "menura disk create");
    make_file(file, 0);
    refused(&o, "is empty");
    o.format = "zip";
    refused(&o, "no image format");
    o.format = NULL;
    write_file(file, "vhdxfile and more", 17);
    refused(&o, "VHDX");
    o.format = "raw";
    must_close(must_open(&o));
    o.format = "qcow2";
    refused(&o, "no qcow2 header");
    o.format = NULL;
    o.cap = 100;
    make_file(file, 512);
    refused(&o, "too large");
    remove(file);
    assert_int_equal(mkfifo(file, 0600), 0);
    refused(&o, "no regular file");
    remove(file);
    o.file = folder;
    refused(&o, folder);
}

static void a_file_that_ends_inside_a_sector_is_filled_up_when_written(void **state)
{
    char file[128];
    struct image_options o = {.file = file};
    uint8_t bytes[512];
    struct disk *d;
    struct stat st;
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("odd"));
    memset(bytes, 7, sizeof bytes);
    write_file(file, bytes, 100);
    d = must_open(&o);
    assert_int_equal(d->size, 512);
    assert_true(d->read(d->owner, 0, bytes, 512));
    assert_true(bytes[99] == 7 && bytes[100] == 0 && bytes[511] == 0);
    bytes[511] = 9;
    assert_true(d->write(d->owner, 0, bytes, 512));
    must_close(d);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_size, 512);
}

static void one_writer_or_many_readers(void **state)
{
    char file[128], me[64];
    struct image_options write_it = {.file = file},
                         read_it = {.file = file, .read_only = true};
    struct image_options apart = {.file = file, .snapshot = true};
    struct disk *d, *other;
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("shared"));
    must_create(file, "raw", 1 << 20, 0, NULL);
    d = must_open(&write_it);
    refused(&write_it, "in use by this process");
    refused(&read_it, "in use");
    snprintf(me, sizeof me, "process %lld", (long long)getpid());
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct error e = {{0}};
        struct disk *mine = image_open(&write_it, NULL, &e);
        bool named = !mine && (strstr(e.text, me) || strstr(e.text, "another process"));
#ifdef __linux__
        named = named && (strstr(e.text, me) || access("/proc/locks", R_OK));
#endif
        _exit(named ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    must_close(d);

    d = must_open(&read_it);
    other = must_open(&apart);
    refused(&write_it, "in use");
    must_close(d);
    refused(&write_it, "in use");
    must_close(other);
    must_close(must_open(&write_it));
}

/* CVE-2008-2004: the next opening would believe the header that a guest wrote. */
static void a_raw_disk_does_not_become_another_format(void **state)
{
    static const char header[] = "QFI\xfb";
    char file[128];
    struct image_options o = {.file = file};
    uint8_t bytes[1024] = {0};
    struct disk *d;
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("raw"));
    must_create(file, "raw", 1 << 20, 0, NULL);
    d = must_open(&o);
    memcpy(bytes, header, 4);
    lines_said = 0;
    assert_false(d->write(d->owner, 0, bytes, 1024));
    assert_false(d->write(d->owner, 0, bytes, 2) &&
                 d->write(d->owner, 2, bytes + 2, 2));
    assert_int_equal(lines_said, 1);
    memcpy(bytes + 512, "conectix", 8);
    assert_false(d->write(d->owner, (1 << 20) - 1024, bytes, 1024));
    assert_true(d->write(d->owner, 512, bytes, 1024));
    must_close(d);
    o.format = "raw";
    d = must_open(&o);
    assert_true(d->write(d->owner, 0, bytes, 1024));
    must_close(d);
}

static void a_chain_of_backing_files_has_an_end(void **state)
{
    char file[128], name[32], below[32];
    struct image_options o = {.file = file, .read_only = true};
    (void)state;

    for (unsigned n = 0; n < 19; n++) {
        struct image_create c = {.file = file,
                                 .format = n ? "qcow2" : "raw",
                                 .size = 1 << 20,
                                 .replace = true};
        struct error e = {{0}};
        snprintf(name, sizeof name, "chain-%u", n);
        snprintf(below, sizeof below, "chain-%u", n - 1);
        snprintf(file, sizeof file, "%s", in_folder(name));
        c.backing = n ? below : NULL;
        if (n == 17) {
            assert_false(image_create(&c, &e) && image_open(&o, &test_log, &e));
            break;
        }
        must(image_create(&c, &e), &e);
    }
    /* And in a circle: 3 over 5 over 4 over 3. */
    snprintf(file, sizeof file, "%s", in_folder("chain-5"));
    assert_int_equal(rename(file, in_folder("chain-2")), 0);
    snprintf(file, sizeof file, "%s", in_folder("chain-4"));
    refused(&o, "circle");
}

static void only_files_of_the_images_folder_lie_below(void **state)
{
    char file[128], outside[128];
    struct image_options o = {.file = file};
    struct image_create c = {.file = file,
                             .format = "qcow2",
                             .size = 1 << 20,
                             .backing_anywhere = true,
                             .replace = true};
    struct error e = {{0}};
    (void)state;

    assert_int_equal(mkdir(in_folder("sub"), 0700), 0);
    snprintf(outside, sizeof outside, "%s", in_folder("secret"));
    must_create(outside, "raw", 1 << 20, 0, NULL);
    snprintf(file, sizeof file, "%s", in_folder("sub/over"));
    c.backing = "../secret";
    must(image_create(&c, &e), &e);
    refused(&o, "outside its folder");
    o.backing_anywhere = true;
    must_close(must_open(&o));
    o.backing_anywhere = false;

    c.backing = outside; /* an absolute name */
    must(image_create(&c, &e), &e);
    refused(&o, "outside its folder");
    snprintf(file, sizeof file, "%s", in_folder("over"));
    must(image_create(&c, &e), &e);
    must_close(must_open(&o)); /* of the same folder: good */

    c.backing = "nowhere";
    assert_false(image_create(&c, &e));
    c.backing = "secret";
    c.backing_anywhere = false;
    must(image_create(&c, &e), &e);
    must_close(must_open(&o));
}

static void names_of_protocols_are_refused(void **state)
{
    static const char *const bad[] = {"json:{\"driver\":\"file\"}", "nbd://host/x",
                                      "fat:/etc", "file:secret"};
    char file[128];
    struct image_options o = {.file = file};
    uint8_t name[4] = {0, 0, 0, 64};
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(bad); n++) {
        FILE *f;
        snprintf(file, sizeof file, "%s", in_folder("protocol"));
        must_create(file, "qcow2", 1 << 20, 0, NULL);
        f = fopen(file, "r+b");
        fseek(f, 14, SEEK_SET); /* backing_file_offset 4096, and its length */
        fwrite("\x10\x00\0\0\0", 1, 5, f);
        fseek(f, 16, SEEK_SET);
        name[3] = (uint8_t)strlen(bad[n]);
        fwrite(name, 1, 4, f);
        fseek(f, 4096, SEEK_SET);
        fwrite(bad[n], 1, strlen(bad[n]), f);
        fclose(f);
        refused(&o, "no file name");
    }
}

static void discarding_a_raw_disk_makes_a_hole(void **state)
{
    char file[128];
    struct image_options o = {.file = file};
    uint8_t *bytes = malloc(1 << 20);
    uint64_t before;
    struct disk *d;
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("holes"));
    must_create(file, "raw", 4 << 20, 0, NULL);
    assert_true(occupied(file) < 65536);
    memset(bytes, 3, 1 << 20);
    d = must_open(&o);
    assert_true(d->write(d->owner, 1 << 20, bytes, 1 << 20));
    assert_true(d->flush(d->owner));
    before = occupied(file);
    d->discard(d->owner, 1 << 20, 1 << 20);
    assert_true(d->read(d->owner, 1 << 20, bytes, 1 << 20));
    if (bytes[0] == 3) {
        must_close(d);
        free(bytes);
        print_message("skipped: the host makes no holes here\n");
        skip();
    }
    assert_true(occupied(file) < before);
    must_close(d);
    free(bytes);
}

static bool stop_halfway(void *to, uint64_t done, uint64_t all)
{
    unsigned *calls = to;
    (void)all;
    ++*calls;
    return done < 2 << 20;
}

static void converting_keeps_bytes_and_holes(void **state)
{
    static const struct {
        const char *format;
        unsigned cluster;
    } kind[] = {{"raw", 0}, {"qcow2", 0}, {"qcow2", 512}, {"qcow2", 1 << 20}};
    char from[128], to[128];
    struct image_options o = {.file = from}, result = {.file = to};
    uint64_t size = UINT64_C(64) << 20;
    struct model m = {.random = 3, .bytes = calloc(1, (size_t)size)};
    unsigned calls = 0;
    struct error e = {{0}};
    (void)state;

    snprintf(from, sizeof from, "%s", in_folder("from"));
    snprintf(to, sizeof to, "%s", in_folder("to"));
    must_create(from, "qcow2", size, 0, NULL);
    m.disk = must_open(&o);
    for (unsigned n = 0; n < 20; n++) {
        uint64_t at = next_random(&m.random) % (size - 9000) / 512 * 512;
        memset(m.bytes + at, (int)n + 1, 8192);
        assert_true(m.disk->write(m.disk->owner, at, m.bytes + at, 8192));
    }
    must_close(m.disk);
    for (unsigned n = 0; n < ARRAY_SIZE(kind); n++) {
        struct image_create c = {
            .file = to, .format = kind[n].format, .cluster = kind[n].cluster};
        must(image_convert(&o, &c, NULL, NULL, &test_log, &e), &e);
        assert_true(occupied(to) < (kind[n].cluster > 65536 ? 32 << 20 : 3 << 20));
        m.disk = must_open(&result);
        model_compare(&m);
        must_close(m.disk);
        must_be_sound(to, true);
        assert_false(image_convert(&o, &c, NULL, NULL, &test_log, &e));
        assert_non_null(strstr(e.text, "already"));
        c.replace = true;
        must(image_convert(&o, &c, NULL, NULL, &test_log, &e), &e);
        remove(to);
        assert_false(image_convert(&o, &c, stop_halfway, &calls, &test_log, &e));
        assert_int_not_equal(access(to, F_OK), 0);
    }
    assert_true(calls > 3);
    snprintf(to, sizeof to, "ls %s | grep -q tmp", folder);
    assert_int_not_equal(system(to), 0); /* nothing unfinished is left */
    free(m.bytes);
}

/* A limit on the file's size stands for a full disk: EFBIG instead of ENOSPC. */
static void a_full_disk_fails_writes_and_loses_nothing(void **state)
{
    static const char *const format[] = {"raw", "qcow2"};
    struct rlimit none, small;
    (void)state;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &none);
    for (unsigned n = 0; n < 2; n++) {
        char file[128];
        struct image_options o = {.file = file};
        uint8_t *bytes = malloc(65536), *back = malloc(65536);
        unsigned good = 0, bad = 0;
        struct disk *d;

        snprintf(file, sizeof file, "%s", in_folder("full"));
        must_create(file, format[n], 8 << 20, 4096 * n, NULL);
        d = must_open(&o);
        small = none;
        small.rlim_cur = 2 << 20;
        setrlimit(RLIMIT_FSIZE, &small);
        lines_said = 0;
        for (unsigned k = 0; k < 64; k++) {
            memset(bytes, (int)k + 1, 65536);
            if (d->write(d->owner, k * 65536, bytes, 65536)) {
                assert_int_equal(bad, 0);
                good++;
            } else {
                bad++;
            }
        }
        assert_true(good > 20 && bad > 20);
        assert_int_equal(lines_said, 1);
        assert_non_null(strstr(last_line, "until there is room"));
        assert_true(d->flush(d->owner));
        setrlimit(RLIMIT_FSIZE, &none);
        memset(bytes, 99, 65536);
        assert_true(d->write(d->owner, 7 << 20, bytes, 65536));
        must_close(d);
        must_be_sound(file, true);
        d = must_open(&o);
        for (unsigned k = 0; k < good; k++) {
            memset(bytes, (int)k + 1, 65536);
            assert_true(d->read(d->owner, k * 65536, back, 65536));
            assert_memory_equal(bytes, back, 65536);
        }
        must_close(d);
        remove(file);
        free(bytes);
        free(back);
    }
}

static void a_failed_sync_is_never_forgiven(void **state)
{
    char file[128];
    struct image_options o = {.file = file};
    uint8_t bytes[512] = {1};
    struct error e = {{0}};
    struct disk *d;
    (void)state;

    if (!CAN_BREAK_SYNC) {
        print_message("skipped: syncs cannot be made to fail here\n");
        skip();
    }
    snprintf(file, sizeof file, "%s", in_folder("sync"));
    for (unsigned n = 0; n < 2; n++) {
        must_create(file, n ? "qcow2" : "raw", 1 << 20, 0, NULL);
        d = must_open(&o);
        assert_true(d->write(d->owner, 0, bytes, 512));
        lines_said = 0;
        sync_breaks = true;
        assert_false(d->flush(d->owner));
        sync_breaks = false;
        assert_false(d->flush(d->owner));
        assert_false(d->write(d->owner, 512, bytes, 512));
        assert_true(d->read(d->owner, 0, bytes, 512));
        assert_int_equal(lines_said, 1);
        assert_false(image_close(d, &e));
        assert_non_null(strstr(e.text, "sync"));
        must_close(must_open(&o)); /* opened again, it works */
    }
}

static void the_cache_mode_decides_when_to_sync(void **state)
{
    static const char *const format[] = {"raw", "qcow2"};
    uint8_t bytes[512] = {1};
    (void)state;

    if (!CAN_BREAK_SYNC) {
        print_message("skipped: syncs cannot be counted here\n");
        skip();
    }
    for (unsigned n = 0; n < 2; n++) {
        char file[128];
        struct image_options o = {.file = file};
        struct disk *d;

        snprintf(file, sizeof file, "%s", in_folder("cache"));
        must_create(file, format[n], 1 << 20, 0, NULL);
        d = must_open(&o);
        syncs = 0;
        assert_true(d->write(d->owner, 0, bytes, 512));
        assert_int_equal(syncs, 0);
        assert_true(d->flush(d->owner));
        assert_true(syncs > 0);
        must_close(d);
        o.cache = IMAGE_WRITETHROUGH;
        d = must_open(&o);
        syncs = 0;
        assert_true(d->write(d->owner, 0, bytes, 512));
        assert_true(syncs > 0);
        must_close(d);
        o.cache = IMAGE_UNSAFE;
        d = must_open(&o);
        syncs = 0;
        assert_true(d->write(d->owner, 65536, bytes, 512));
        assert_true(d->flush(d->owner));
        must_close(d);
        assert_int_equal(syncs, 0);
    }
}

static void a_read_only_disk_is_not_written(void **state)
{
    char file[128];
    struct image_options o = {.file = file, .read_only = true};
    uint8_t bytes[512] = {1};
    struct disk *d;
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("rom"));
    must_create(file, "raw", 1 << 20, 0, NULL);
    assert_int_equal(chmod(file, 0444), 0);
    d = must_open(&o);
    assert_true(d->read_only);
    assert_false(d->write(d->owner, 0, bytes, 512));
    assert_true(d->flush(d->owner));
    must_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(ranges_outside_the_disk_are_refused_whole),
        cmocka_unit_test(a_snapshot_never_touches_the_image),
        cmocka_unit_test(what_is_no_disk_is_refused_with_a_reason),
        cmocka_unit_test(a_file_that_ends_inside_a_sector_is_filled_up_when_written),
        cmocka_unit_test(one_writer_or_many_readers),
        cmocka_unit_test(a_raw_disk_does_not_become_another_format),
        cmocka_unit_test(a_chain_of_backing_files_has_an_end),
        cmocka_unit_test(only_files_of_the_images_folder_lie_below),
        cmocka_unit_test(names_of_protocols_are_refused),
        cmocka_unit_test(discarding_a_raw_disk_makes_a_hole),
        cmocka_unit_test(converting_keeps_bytes_and_holes),
        cmocka_unit_test(a_full_disk_fails_writes_and_loses_nothing),
        cmocka_unit_test(a_failed_sync_is_never_forgiven),
        cmocka_unit_test(the_cache_mode_decides_when_to_sync),
        cmocka_unit_test(a_read_only_disk_is_not_written),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
