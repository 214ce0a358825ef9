/* test_image_foreign.c - images that qemu-img made are written by us, and qemu-img then
 * finds them sound and with the bytes that were written. */
#include "tests/unit/host/image_model.h"

#include "host/image_unpack.h"

#include <inttypes.h>

static bool qemu_img(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool qemu_img(const char *fmt, ...)
{
    char words[1024], command[1100];
    va_list args;
    int status;

    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    snprintf(command, sizeof command, "qemu-img %s", words);
    status = run_program(command);
    if (status != 0)
        tell_program(command, status);
    return status == 0;
}

static void write_raw(const char *name, const uint8_t *bytes, uint64_t size)
{
    FILE *f = fopen(in_folder(name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, f), size);
    fclose(f);
}

/* steps of random work in three openings, then qemu-img's opinion. */
static void work_on(const char *file, const char *format,
                    const struct image_options *how, uint8_t *start, unsigned steps,
                    bool checks)
{
    struct model m = {.random = UINT64_C(0x1234567) + steps, .bytes = start};
    uint64_t size = 0;

    for (unsigned round = 0; round < 3; round++) {
        m.disk = must_open(how);
        size = m.disk->size;
        model_compare(&m);
        model_run(&m, steps / 3, 200000);
        model_compare(&m);
        must_close(m.disk);
    }
    must_be_sound(file, true);
    write_raw("shadow", m.bytes, size);
    if (checks)
        assert_true(qemu_img("check -q -f %s %s", format, file));
    assert_true(
        qemu_img("compare -f raw -F %s %s %s", format, in_folder("shadow"), file));
}

struct kind {
    const char *format, *options;
    bool checks;
};

static void every_format_of_qemu_img_can_be_written(void **state)
{
    static const struct kind kind[] = {
        {"qcow2", "compat=0.10", true},
        {"qcow2", "compat=1.1", true},
        {"qcow2", "compat=1.1,cluster_size=512", true},
        {"qcow2", "compat=1.1,cluster_size=4096,refcount_bits=1", true},
        {"qcow2", "compat=1.1,cluster_size=8192,refcount_bits=2", true},
        {"qcow2", "compat=1.1,cluster_size=512,refcount_bits=64", true},
        {"qcow2", "compat=1.1,cluster_size=2M,refcount_bits=32", true},
        {"qcow2", "compat=1.1,lazy_refcounts=on", true},
        {"qcow2", "preallocation=metadata", true},
        {"qcow2", "preallocation=full,cluster_size=16k", true},
        {"vmdk", "subformat=monolithicSparse", true},
        {"vmdk", "subformat=monolithicFlat", false},
        {"vdi", "static=off", true},
        {"vdi", "static=on", true},
        {"vpc", "subformat=dynamic,force_size=on", false},
        {"vpc", "subformat=fixed,force_size=on", false},
        {"raw", "preallocation=off", false},
    };
    uint64_t size = UINT64_C(9) << 20;
    uint8_t *bytes = malloc((size_t)size);
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(kind); n++) {
        char file[128];
        struct image_options o = {.file = file, .format = kind[n].format};

        snprintf(file, sizeof file, "%s", in_folder("image"));
        memset(bytes, 0, (size_t)size);
        print_message("%s %s\n", kind[n].format, kind[n].options);
        assert_true(qemu_img("create -f %s -o %s %s %" PRIu64, kind[n].format,
                             kind[n].options, file, size));
        work_on(file, kind[n].format, &o, bytes, 300, kind[n].checks);
        remove(file);
        remove(in_folder("image-flat"));
    }
    free(bytes);
}

static uint8_t *pattern(uint64_t size, uint64_t seed)
{
    uint8_t *bytes = calloc(1, (size_t)size);

    for (uint64_t k = 0; k < size; k++)
        if (k >> 16 & 1)
            bytes[k] = (uint8_t)(k * seed >> 11 & 15);
    return bytes;
}

static void compressed_clusters_are_replaced_when_written(void **state)
{
    static const char *const options[] = {"cluster_size=64k", "cluster_size=4k",
                                          "compat=0.10", "cluster_size=2M"};
    uint64_t size = UINT64_C(5) << 20;
    (void)state;

    if (!image_can_unpack(UNPACK_DEFLATE)) {
        print_message("skipped: no zlib\n");
        skip();
    }
    for (unsigned n = 0; n < ARRAY_SIZE(options); n++) {
        uint8_t *bytes = pattern(size, 7);
        char file[128];
        struct image_options o = {.file = file};

        snprintf(file, sizeof file, "%s", in_folder("packed"));
        write_raw("plain", bytes, size);
        print_message("compressed, %s\n", options[n]);
        assert_true(qemu_img("convert -c -f raw -O qcow2 -o %s %s %s", options[n],
                             in_folder("plain"), file));
        work_on(file, "qcow2", &o, bytes, 150, true);
        free(bytes);
    }
}

/* The internal snapshot shows the old bytes to the last. */
static void internal_snapshots_keep_what_they_hold(void **state)
{
    static const char *const options[] = {"cluster_size=64k", "cluster_size=512",
                                          "compat=0.10,cluster_size=4k"};
    uint64_t size = UINT64_C(3) << 20;
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(options); n++) {
        uint8_t *bytes = pattern(size, 11);
        char file[128];
        struct image_options o = {.file = file};

        snprintf(file, sizeof file, "%s", in_folder("snapshots"));
        write_raw("before", bytes, size);
        print_message("snapshots, %s\n", options[n]);
        assert_true(qemu_img("convert -f raw -O qcow2 -o %s %s %s", options[n],
                             in_folder("before"), file));
        assert_true(qemu_img("snapshot -c first %s", file));
        work_on(file, "qcow2", &o, bytes, 150, true);
        assert_true(qemu_img("snapshot -c second %s", file));
        write_raw("between", bytes, size);
        work_on(file, "qcow2", &o, bytes, 150, true);
        assert_true(qemu_img("convert -l first -O raw %s %s", file, in_folder("a")));
        assert_true(qemu_img("compare -f raw -F raw %s %s", in_folder("a"),
                             in_folder("before")));
        assert_true(qemu_img("convert -l second -O raw %s %s", file, in_folder("a")));
        assert_true(qemu_img("compare -f raw -F raw %s %s", in_folder("a"),
                             in_folder("between")));
        assert_true(qemu_img("snapshot -d first %s", file));
        assert_true(qemu_img("check -q %s", file));
        free(bytes);
    }
}

static void a_backing_file_shows_where_nothing_was_written(void **state)
{
    static const char *const options[] = {"compat=1.1", "compat=0.10",
                                          "cluster_size=512", "cluster_size=1M"};
    uint64_t size = UINT64_C(4) << 20, more = size + 300 * 512;
    (void)state;

    for (unsigned n = 0; n < ARRAY_SIZE(options); n++) {
        uint8_t *base = pattern(size, 5), *bytes = calloc(1, (size_t)more);
        char file[128];
        struct image_options o = {.file = file};

        snprintf(file, sizeof file, "%s", in_folder("over"));
        memcpy(bytes, base, (size_t)size);
        write_raw("base", base, size);
        print_message("backing, %s\n", options[n]);
        assert_true(qemu_img("create -f qcow2 -o %s -b base -F raw %s %" PRIu64,
                             options[n], file, more));
        work_on(file, "qcow2", &o, bytes, 200, true);
        write_raw("again", base, size);
        assert_true(qemu_img("compare -f raw -F raw %s %s", in_folder("base"),
                             in_folder("again")));
        free(base);
        free(bytes);
    }
}

/* qemu-io kills itself with the refcounts not yet written: dirty bit, lazy refcounts.
 */
static void a_dirty_image_is_counted_anew(void **state)
{
    char file[128], command[512];
    struct image_options o = {.file = file};
    uint8_t bytes[512];
    struct disk *d;
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("dirty"));
    assert_true(qemu_img("create -f qcow2 -o lazy_refcounts=on %s 64M", file));
    snprintf(command, sizeof command,
             "qemu-io -c 'write -P 90 1M 300k' -c flush -c abort %s >/dev/null 2>&1",
             file);
    if (system("qemu-io --version >/dev/null 2>&1") || system(command) == 0) {
        print_message("skipped: no qemu-io that leaves a dirty image\n");
        skip();
    }
    d = must_open(&o);
    assert_true(d->write(d->owner, 10 << 20, bytes, sizeof bytes));
    assert_true(d->read(d->owner, 1 << 20, bytes, sizeof bytes));
    assert_int_equal(bytes[17], 90);
    must_close(d);
    must_be_sound(file, true);
    assert_true(qemu_img("check -q %s", file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_of_qemu_img_can_be_written),
        cmocka_unit_test(compressed_clusters_are_replaced_when_written),
        cmocka_unit_test(internal_snapshots_keep_what_they_hold),
        cmocka_unit_test(a_backing_file_shows_where_nothing_was_written),
        cmocka_unit_test(a_dirty_image_is_counted_anew),
    };

    if (system("qemu-img --version >/dev/null 2>&1")) {
        print_message("skipped: qemu-img is not here\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
