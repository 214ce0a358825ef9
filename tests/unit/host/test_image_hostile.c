/* test_image_hostile.c - images made to hurt: whatever their bytes say, opening,
 * reading, writing, checking and repairing them ends, in bounded memory, without
 * touching what does not belong to the image. (Under the sanitizers, that is most of
 * what is tested.) */
#include "tests/unit/host/image_model.h"

#include "base/byteorder.h"
#include "host/image_unpack.h"

#include <time.h>

#ifdef MENURA_EMULATED_HOST
enum { ROUNDS = 60 };
#else
enum { ROUNDS = 500 };
#endif

static void be(uint8_t *p, unsigned size, uint64_t v)
{
    for (unsigned n = 0; n < size; n++)
        p[n] = (uint8_t)(v >> (size - 1 - n) * 8);
}

/* ---- small images of each format, by hand ---- */

enum { SMALL = 256 << 10 };

struct sample {
    const char *name;
    uint8_t *bytes;
    size_t size;
    size_t tables; /* mutations go mostly below it */
};

static struct sample from_file(const char *name, const char *path, size_t tables)
{
    struct sample s = {.name = name, .tables = tables};
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    s.bytes = calloc(1, 8 << 20);
    s.size = fread(s.bytes, 1, 8 << 20, f);
    fclose(f);
    return s;
}

static struct sample qcow2(unsigned cluster, bool backing)
{
    char file[128];
    struct image_options o = {.file = file};
    uint8_t bytes[20000];
    struct disk *d;

    snprintf(file, sizeof file, "%s", in_folder("sample"));
    must_create(in_folder("below"), "raw", 1 << 20, 0, NULL);
    must_create(file, "qcow2", 1 << 20, cluster, backing ? "below" : NULL);
    d = must_open(&o);
    memset(bytes, 0x5a, sizeof bytes);
    for (unsigned n = 0; n < 9; n++)
        assert_true(d->write(d->owner, n * 110000, bytes, sizeof bytes));
    must_close(d);
    return from_file("qcow2", file, cluster * 8);
}

static struct sample vdi(void)
{
    struct sample s = {
        .name = "vdi", .bytes = calloc(1, SMALL), .size = SMALL, .tables = 1024};
    uint8_t *p = s.bytes;

    store32(p + 0x40, 0xbeda107f);
    store32(p + 0x44, 0x00010001);
    store32(p + 0x48, 0x190);
    store32(p + 0x4c, 1);
    store32(p + 0x154, 512);
    store32(p + 0x158, 1024);
    store32(p + 0x168, 512);
    store64(p + 0x170, 1 << 20);
    store32(p + 0x178, 16384);
    store32(p + 0x180, 64);
    store32(p + 0x184, 3);
    memset(p + 512, 0xff, 512);
    for (unsigned n = 0; n < 3; n++)
        store32(p + 512 + n * 20, n);
    return s;
}

static void vhd_sum(uint8_t *p, size_t n, size_t at)
{
    uint32_t sum = 0;

    be(p + at, 4, 0);
    for (size_t k = 0; k < n; k++)
        sum += p[k];
    be(p + at, 4, ~sum);
}

static void vhd_footer(uint8_t *p, unsigned type)
{
    memcpy(p, "conectix", 8);
    be(p + 8, 4, 2);
    be(p + 12, 4, 0x10000);
    be(p + 16, 8, type == 2 ? UINT64_MAX : 512);
    memcpy(p + 28, "win ", 4);
    be(p + 40, 8, type == 2 ? SMALL - 512 : 1 << 20);
    be(p + 48, 8, type == 2 ? SMALL - 512 : 1 << 20);
    be(p + 60, 4, type);
    vhd_sum(p, 512, 64);
}

static struct sample vhd(unsigned type)
{
    struct sample s = {
        .name = "vpc", .bytes = calloc(1, SMALL), .size = SMALL, .tables = 2048};
    uint8_t *p = s.bytes, *h = p + 512;

    vhd_footer(p + SMALL - 512, type);
    if (type == 2)
        return s;
    vhd_footer(p, type);
    memcpy(h, "cxsparse", 8);
    be(h + 8, 8, UINT64_MAX);
    be(h + 16, 8, 1536);
    be(h + 24, 4, 0x10000);
    be(h + 28, 4, 16);
    be(h + 32, 4, 65536);
    vhd_sum(h, 1024, 36);
    memset(p + 1536, 0xff, 512);
    be(p + 1536 + 8, 4, 4);
    memset(p + 2048, 0xf0, 512);
    return s;
}

static struct sample vmdk(bool compressed)
{
    struct sample s = {
        .name = "vmdk", .bytes = calloc(1, SMALL), .size = SMALL, .tables = 16384};
    uint8_t *p = s.bytes;

    memcpy(p, "KDMV", 4);
    store32(p + 4, 1);
    store32(p + 8, compressed ? 0x30001 : 3);
    store64(p + 12, 2048);
    store64(p + 20, 16);
    store64(p + 28, 1);
    store64(p + 36, 2);
    store32(p + 44, 512);
    store64(p + 48, 4);
    store64(p + 56, 5);
    store64(p + 64, 32);
    store16(p + 77, compressed);
    strcpy((char *)p + 512, "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\n"
                            "createType=\"monolithicSparse\"\n");
    store32(p + 4 * 512, 8);
    store32(p + 5 * 512, 12);
    for (unsigned n = 0; n < 5; n++) {
        store32(p + 8 * 512 + n * 12, 32 + n * 16);
        store32(p + 12 * 512 + n * 12, 32 + n * 16);
        store64(p + (32 + n * 16) * 512, n * 3 * 16);
        store32(p + (32 + n * 16) * 512 + 8, 100);
    }
    return s;
}

static struct sample descriptor(void)
{
    static const char text[] = "# Disk DescriptorFile\nversion=1\nCID=1\n"
                               "parentCID=ffffffff\ncreateType=\"monolithicFlat\"\n"
                               "RW 2048 FLAT \"below\" 0\n";
    struct sample s = {.name = "vmdk",
                       .bytes = calloc(1, 4096),
                       .size = sizeof text - 1,
                       .tables = sizeof text - 1};

    memcpy(s.bytes, text, sizeof text - 1);
    return s;
}

/* ---- using them ---- */

static void put_file(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void quiet(void *to, const char *text)
{
    (void)to;
    assert_true(strlen(text) < 1024);
}

/* Everything a guest and `menura disk` can do; only that it ends matters. */
static bool use(const char *file, const char *format, uint64_t *random)
{
    struct image_options o = {.file = file, .format = format, .cache = IMAGE_UNSAFE};
    struct image_check found;
    static uint8_t bytes[70000];
    struct error e = {{0}};
    struct disk *d;

    o.read_only = next_random(random) % 4 == 0;
    o.snapshot = next_random(random) % 4 == 0;
    if (next_random(random) % 4 == 0)
        image_info(file, quiet, NULL, &e);
    if (next_random(random) % 4 == 0)
        image_check(file, next_random(random) % 2, &found, quiet, NULL, &e);
    d = image_open(&o, &test_log, &e);
    if (!d) {
        assert_true(e.text[0]);
        o.read_only = true;
        d = image_open(&o, &test_log, &e);
    }
    if (!d)
        return false;
    for (unsigned n = 0; n < 40; n++) {
        uint64_t at = next_random(random) % d->size / 512 * 512;
        uint64_t size = (next_random(random) % sizeof bytes / 512 + 1) * 512;
        at = n % 2 ? at : at % (1 << 20);
        size = size < d->size - at ? size : d->size - at;
        if (size > sizeof bytes)
            size = sizeof bytes / 512 * 512;
        switch (next_random(random) % 4) {
        case 0: d->write(d->owner, at, bytes, (size_t)size); break;
        case 1:
            if (d->discard)
                d->discard(d->owner, at, size);
            break;
        case 2: d->flush(d->owner); break;
        default: d->read(d->owner, at, bytes, (size_t)size); break;
        }
    }
    image_close(d, &e);
    return true;
}

static void mutate(uint8_t *p, size_t size, size_t tables, uint64_t *random)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   2,
                                   511,
                                   512,
                                   0x10000,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   UINT64_C(0x7fffffffffffffff),
                                   UINT64_MAX,
                                   UINT64_C(0x8000000000010000),
                                   UINT64_C(0x4000000000000000)};
    unsigned n = 1 + next_random(random) % 3;

    while (n--) {
        size_t most = next_random(random) % 8 ? tables : size;
        size_t at =
            (size_t)(next_random(random) % (next_random(random) % 3 ? 128 : most));
        unsigned width = 1u << next_random(random) % 4;
        uint64_t v = odd[next_random(random) % ARRAY_SIZE(odd)];

        if (next_random(random) % 3 == 0)
            v = next_random(random) >> next_random(random) % 64;
        at -= at % width;
        if (at + width > size)
            continue;
        if (next_random(random) % 2)
            store_le(p + at, width, v);
        else
            be(p + at, width, v);
    }
}

static void survive(struct sample s)
{
    char file[128];
    uint8_t *bytes = malloc(s.size);
    uint64_t random = s.size * 31 + (uint8_t)s.name[1];
    unsigned opened = 0, rounds = getenv("MENURA_LONG") ? ROUNDS * 40 : ROUNDS;
    time_t begin = time(NULL);

    snprintf(file, sizeof file, "%s", in_folder("mutant"));
    for (unsigned n = 0; n < rounds; n++) {
        size_t size = s.size;

        memcpy(bytes, s.bytes, size);
        if (n) /* the first is as it should be */
            mutate(bytes, size, s.tables < size ? s.tables : size, &random);
        if (s.bytes[0] == 'c' && n % 2) { /* else the sums refuse nearly all */
            vhd_sum(bytes, 512, 64);
            vhd_sum(bytes + 512, 1024, 36);
        }
        if (n % 16 == 15)
            size = (size_t)(next_random(&random) % size);
        put_file(file, bytes, size);
        test_log.lines_left = 1000;
        opened += use(file, s.name, &random);
        if (n == 0)
            assert_int_equal(opened, 1);
        remove(file);
    }
    print_message("%s: %u of %u were opened, %d s\n", s.name, opened, rounds,
                  (int)(time(NULL) - begin));
    free(bytes);
    free(s.bytes);
}

static void mutated_qcow2_images_do_no_harm(void **state)
{
    (void)state;
    survive(qcow2(512, false));
    survive(qcow2(4096, true));
    survive(qcow2(65536, false));
}

static void mutated_vdi_images_do_no_harm(void **state)
{
    (void)state;
    survive(vdi());
}

static void mutated_vhd_images_do_no_harm(void **state)
{
    (void)state;
    survive(vhd(2));
    survive(vhd(3));
}

static void mutated_vmdk_images_do_no_harm(void **state)
{
    (void)state;
    must_create(in_folder("below"), "raw", 1 << 20, 0, NULL);
    survive(vmdk(false));
    if (image_can_unpack(UNPACK_ZLIB))
        survive(vmdk(true));
    else
        print_message("skipped: compressed ones, no zlib\n");
    survive(descriptor());
}

/* ---- by design, not by chance ---- */

static void refused_after(struct sample s, size_t at, unsigned size, uint64_t v,
                          const char *why)
{
    char file[128];
    struct image_options o = {.file = file};
    struct error e = {{0}};

    snprintf(file, sizeof file, "%s", in_folder("bad"));
    be(s.bytes + at, size, v);
    put_file(file, s.bytes, s.size);
    assert_null(image_open(&o, &test_log, &e));
    if (!strstr(e.text, why))
        fail_msg("'%s' is not in: %s", why, e.text);
    free(s.bytes);
}

static void features_that_are_not_known_are_named(void **state)
{
    (void)state;
    refused_after(qcow2(4096, false), 72, 8, 4, "external data file");
    refused_after(qcow2(4096, false), 72, 8, 16, "subclusters");
    refused_after(qcow2(4096, false), 72, 8, 0x100, "100h");
    refused_after(qcow2(4096, false), 72, 8, 2, "marked as damaged");
    refused_after(qcow2(4096, false), 32, 4, 1, "encrypted");
    refused_after(qcow2(4096, false), 4, 4, 1, "version 1");
    refused_after(qcow2(4096, false), 4, 4, 4, "version 4");
    refused_after(vhd(4), 8, 4, 2, "differencing");
}

/* CVE-2014-0143, 0145, 0147 and others: sizes from the header, taken at their word. */
static void tables_outside_the_file_are_refused(void **state)
{
    (void)state;
    refused_after(qcow2(4096, false), 36, 4, 0x7fffffff, "L1 table");
    refused_after(qcow2(512, false), 36, 4, 1, "too small");
    refused_after(qcow2(4096, false), 40, 8, UINT64_C(1) << 60, "L1 table");
    refused_after(qcow2(4096, false), 48, 8, 0, "refcount table");
    refused_after(qcow2(4096, false), 56, 4, 0xffffffff, "refcount table");
    refused_after(qcow2(4096, false), 60, 4, 0xffff, "snapshots");
    refused_after(qcow2(4096, false), 20, 4, 63, "clusters");
    refused_after(qcow2(4096, false), 96, 4, 7, "refcounts");
    refused_after(qcow2(4096, true), 16, 4, 5000, "name");
}

/* A guest that could write there could name another backing file. */
static void data_never_goes_where_the_header_or_a_table_is(void **state)
{
    static const uint64_t place[] = {4096, 8192, 12288};
    char file[128];
    struct image_options o = {.file = file};
    struct error e = {{0}};
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("overlap"));
    for (unsigned n = 0; n < ARRAY_SIZE(place); n++) {
        struct sample s = qcow2(4096, false);
        uint64_t l1 = 0, l2;
        uint8_t before[4096], bytes[512] = {0xee};
        struct image_check found;
        struct disk *d;
        FILE *f;

        for (unsigned k = 0; k < 8; k++)
            l1 = l1 << 8 | s.bytes[40 + k];
        l2 = 0;
        for (unsigned k = 0; k < 8; k++)
            l2 = l2 << 8 | s.bytes[l1 + k];
        l2 &= UINT64_C(0x00fffffffffffe00);
        be(s.bytes + l2, 8, place[n] | UINT64_C(1) << 63);
        memcpy(before, s.bytes + place[n], 4096);
        put_file(file, s.bytes, s.size);
        must(image_check(file, false, &found, quiet, NULL, &e), &e);
        assert_true(found.errors > 0);
        d = must_open(&o);
        lines_said = 0;
        assert_false(d->write(d->owner, 0, bytes, 512));
        assert_false(
            d->write(d->owner, 500000, bytes, 512)); /* nothing more is written */
        assert_true(d->read(d->owner, 110000 / 512 * 512, bytes, 512));
        assert_int_equal(lines_said, 2);
        assert_false(image_close(d, &e));
        f = fopen(file, "rb");
        fseek(f, (long)place[n], SEEK_SET);
        assert_int_equal(fread(s.bytes, 1, 4096, f), 4096);
        fclose(f);
        assert_memory_equal(before, s.bytes, 4096);
        assert_null(image_open(&o, &test_log, &e)); /* the corrupt bit */
        free(s.bytes);
    }
}

static void repair_gives_leaks_back_and_counts_what_is_used(void **state)
{
    char file[128];
    struct image_options o = {.file = file};
    struct sample s = qcow2(4096, false);
    struct image_check found;
    struct error e = {{0}};
    struct disk *d;
    uint8_t bytes[512];
    uint64_t block = 0;
    (void)state;

    snprintf(file, sizeof file, "%s", in_folder("repair"));
    for (unsigned k = 0; k < 8; k++)
        block = block << 8 | s.bytes[4096 + k];
    be(s.bytes + block + 2 * 6, 2, 0);    /* used, but free */
    be(s.bytes + block + 2 * 7, 2, 5);    /* used once, counted 5 times */
    be(s.bytes + block + 2 * 1500, 2, 1); /* counted, not used */
    put_file(file, s.bytes, s.size);
    must(image_check(file, false, &found, quiet, NULL, &e), &e);
    assert_int_equal(found.errors, 1);
    assert_int_equal(found.leaks, 1);
    must(image_check(file, true, &found, quiet, NULL, &e), &e);
    assert_int_equal(found.errors + found.leaks, 0);
    must_be_sound(file, true);
    d = must_open(&o);
    assert_true(d->read(d->owner, 0, bytes, 512));
    assert_int_equal(bytes[0], 0x5a);
    must_close(d);
    /* All refcounts gone. */
    memset(s.bytes + 4096, 0, 4096);
    put_file(file, s.bytes, s.size);
    must(image_check(file, true, &found, quiet, NULL, &e), &e);
    assert_int_equal(found.errors + found.leaks, 0);
    must_be_sound(file, true);
    free(s.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_that_are_not_known_are_named),
        cmocka_unit_test(tables_outside_the_file_are_refused),
        cmocka_unit_test(data_never_goes_where_the_header_or_a_table_is),
        cmocka_unit_test(repair_gives_leaks_back_and_counts_what_is_used),
        cmocka_unit_test(mutated_qcow2_images_do_no_harm),
        cmocka_unit_test(mutated_vdi_images_do_no_harm),
        cmocka_unit_test(mutated_vhd_images_do_no_harm),
        cmocka_unit_test(mutated_vmdk_images_do_no_harm),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
