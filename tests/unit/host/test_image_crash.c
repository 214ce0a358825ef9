/* test_image_crash.c - a process that writes and flushes is killed, or the host loses
 * power: no checker finds an error afterwards, and every flushed write is there.
 *
 * Power loss is played: writes are recorded, and what came since the last sync reaches
 * the disk in any order, as any subset of its sectors.
 */
#define _GNU_SOURCE
#include "tests/unit/host/image_model.h"

#include "base/byteorder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

enum {
    DISK = 12 << 20,
    SECTORS = DISK / 512,
    PERIOD = 12, /* operations between two flushes */
    MOST = 96 << 10,
#ifdef MENURA_EMULATED_HOST
    KILLS = 6,
    CUTS = 20,
#else
    KILLS = 20,
    CUTS = 60,
#endif
};

/* ---- what is done to the disk: operation n is the same for everybody ---- */

struct operation {
    uint64_t first, n; /* sectors */
    bool discard;
};

static struct operation operation_of(uint32_t n)
{
    uint64_t r = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    struct operation o;

    for (unsigned k = 0; k < 4; k++)
        next_random(&r);
    o.n = next_random(&r) % (MOST / 512) + 1;
    if (next_random(&r) % 2)
        o.n = o.n % 16 + 1;
    o.discard = next_random(&r) % 10 == 0;
    if (o.discard)
        o.n = 512;
    o.first = next_random(&r) % (SECTORS - o.n + 1);
    if (o.discard || next_random(&r) % 3 == 0)
        o.first = o.first / 128 * 128;
    return o;
}

static void fill(uint8_t *bytes, struct operation o, uint32_t n)
{
    for (uint64_t s = 0; s < o.n; s++)
        for (unsigned k = 0; k < 512; k += 8) {
            store32(bytes + s * 512 + k, n + 1);
            store32(bytes + s * 512 + k + 4, (uint32_t)(o.first + s));
        }
}

static bool do_operation(struct disk *d, uint32_t n)
{
    static uint8_t bytes[MOST];
    struct operation o = operation_of(n);

    if (o.discard) {
        if (d->discard)
            d->discard(d->owner, o.first * 512, o.n * 512);
        return true;
    }
    fill(bytes, o, n);
    return d->write(d->owner, o.first * 512, bytes, (size_t)o.n * 512);
}

/* What each sector may hold: the number of an operation + 1, or 0 for zeroes. */
struct state {
    uint32_t holds[SECTORS];
    bool or_zero[SECTORS];
};

static void apply(struct state *s, uint32_t n)
{
    struct operation o = operation_of(n);

    for (uint64_t k = o.first; k < o.first + o.n; k++) {
        if (o.discard)
            s->or_zero[k] = true;
        else {
            s->holds[k] = n + 1;
            s->or_zero[k] = false;
        }
    }
}

/* Whether one of the operations [from, to) leaves `value` in the sector. */
static bool may_hold(uint64_t sector, uint32_t value, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n < to; n++) {
        struct operation o = operation_of(n);
        if (sector >= o.first && sector < o.first + o.n &&
            value == (o.discard ? 0 : n + 1))
            return true;
    }
    return false;
}

/* All operations below `sure` were flushed; those below `begun` may have been begun.
 * What is found becomes the state. */
static void compare(struct disk *d, struct state *s, uint32_t sure, uint32_t begun)
{
    uint8_t bytes[512], same[512];

    for (uint64_t k = 0; k < SECTORS; k++) {
        struct operation one = {.first = k, .n = 1};
        uint32_t value;

        assert_true(d->read(d->owner, k * 512, bytes, 512));
        value = load32(bytes);
        memset(same, 0, sizeof same);
        if (value)
            fill(same, one, value - 1);
        assert_memory_equal(bytes, same, 512);
        if (value != s->holds[k] && !(value == 0 && s->or_zero[k]) &&
            !may_hold(k, value, sure, begun))
            fail_msg("sector %u holds operation %u, not %u (flushed: %u)", (unsigned)k,
                     (unsigned)value, (unsigned)s->holds[k], (unsigned)sure);
        s->holds[k] = value;
        s->or_zero[k] = false;
    }
}

static bool has_qemu_img(void)
{
    return system("qemu-img --version >/dev/null 2>&1") == 0;
}

/* Leaks are allowed. 3: qemu-img found nothing but leaks. It knows no raw and VHD
 * checks, and in a VDI it takes the header's count of blocks, which may be late, for an
 * error. */
static void must_have_no_errors(const char *file, const char *format, bool qemu,
                                uint64_t *leaks)
{
    struct image_check found;
    struct error e = {{0}};
    char command[256];
    int status;

    must(image_check(file, false, &found, count_line, NULL, &e), &e);
    assert_int_equal(found.errors, 0);
    *leaks += found.leaks;
    if (!qemu || (strcmp(format, "qcow2") && strcmp(format, "vmdk")))
        return;
    snprintf(command, sizeof command, "qemu-img check -f %s %s", format, file);
    status = run_program(command);
    if (status != 0 && status != 3) {
        tell_program(command, status);
        fail_msg("qemu-img finds the image wrong, or could not look");
    }
}

static void must_repair(const char *file)
{
    struct image_check found;
    struct error e = {{0}};

    must(image_check(file, true, &found, count_line, NULL, &e), &e);
    must(image_check(file, false, &found, count_line, NULL, &e), &e);
    assert_int_equal(found.errors, 0);
    assert_int_equal(found.leaks, 0);
}

struct kind {
    const char *name, *format;
    unsigned cluster;
    bool backing;
    const char *options; /* made by qemu-img, with these */
};

static const struct kind kinds[] = {
    {"qcow2", "qcow2", 65536, false},
    {"qcow2, small clusters", "qcow2", 512, false},
    {"qcow2 over another", "qcow2", 4096, true},
    {"raw", "raw", 0, false},
    {"vdi", "vdi", 1, false, "static=off"},
    {"vhd", "vpc", 2, false, "subformat=dynamic,force_size=on"},
    {"vmdk", "vmdk", 3, false, "subformat=monolithicSparse"},
};

/* False: it cannot be made here. */
static bool make(const struct kind *k, char *file, size_t room)
{
    char command[256];

    snprintf(file, room, "%s", in_folder("disk"));
    if (k->options) {
        snprintf(command, sizeof command, "qemu-img create -q -f %s -o %s %s %d",
                 k->format, k->options, file, DISK);
        return has_qemu_img() && system(command) == 0;
    }
    if (k->backing)
        must_create(in_folder("below"), "qcow2", DISK, 0, NULL);
    must_create(file, k->format, DISK, k->cluster, k->backing ? "below" : NULL);
    return true;
}

/* ---- the host's calls, seen ---- */

#if defined(__linux__) && defined(__GLIBC__) && defined(__LP64__)
#define CAN_CUT 1

static bool is_recorded(int fd);
static void record(uint64_t offset, uint64_t n, const void *bytes);
static void settle(void);

static unsigned writes_left; /* of this process, then it kills itself; 0: never */

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
    if (writes_left && --writes_left == 0)
        kill(getpid(), SIGKILL);
    if (is_recorded(fd))
        record((uint64_t)offset, n, bytes);
    return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t n)
{
    if (is_recorded(fd))
        record((uint64_t)offset, (uint64_t)n, NULL);
    return (int)syscall(SYS_fallocate, fd, mode, offset, n);
}

/* The host's own disk may be slow: nothing needs to go there. */
int fdatasync(int fd)
{
    if (is_recorded(fd))
        settle();
    return 0;
}
#else
#define CAN_CUT 0
static unsigned writes_left;
#endif

/* ---- kill -9 ---- */

/* Killed from outside, or, since that seldom hits a write of tables, by itself in front
 * of some write. */
static void write_until_killed(const char *file, uint32_t n, unsigned writes, int tell)
{
    struct image_options o = {.file = file};
    struct error e = {""};
    struct disk *d = image_open(&o, NULL, &e);
    uint8_t word[4];

    if (!d) {
        fprintf(stderr, "%s\n", e.text);
        _exit(1);
    }
    writes_left = writes;
    for (;; n++) {
        if (!do_operation(d, n) || (n % PERIOD == 0 && !d->flush(d->owner)))
            _exit(2);
        store32(word, n);
        if (n % PERIOD == 0 && write(tell, word, sizeof word) != sizeof word)
            _exit(3);
    }
}

static void kill_at_random(const struct kind *k, unsigned kills, bool qemu)
{
    static struct state s;
    char file[128];
    struct image_options o = {.file = file};
    uint64_t random = UINT64_C(88172645463325252) + k->cluster, leaks = 0;
    uint32_t next = 0;

    memset(&s, 0, sizeof s);
    if (!make(k, file, sizeof file)) {
        print_message("skipped: %s: no qemu-img to make one\n", k->name);
        return;
    }
    for (unsigned n = 0; n < kills; n++) {
        struct timespec pause = {.tv_nsec = (long)(next_random(&random) % 40000000)};
        unsigned writes = n % 2 ? (unsigned)(next_random(&random) % 300) + 1 : 0;
        uint32_t first = next, sure = next;
        uint8_t word[4];
        int ends[2], status;
        pid_t child;
        struct disk *d;

        assert_int_equal(pipe(ends), 0);
        fflush(NULL);
        child = fork();
        if (child < 0) /* and kill(-1, ...) would be everybody's end */
            fail_msg("no process to be killed: %s", strerror(errno));
        if (child == 0)
            write_until_killed(file, first, CAN_CUT ? writes : 0, ends[1]);
        close(ends[1]);
        if (!CAN_CUT || !writes) {
            nanosleep(&pause, NULL);
            kill(child, SIGKILL);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status))
            fail_msg("%s: instead of being killed the writer gave up, exit code %d",
                     k->name, WEXITSTATUS(status));
        while (read(ends[0], word, sizeof word) == sizeof word)
            sure = load32(word) + 1;
        close(ends[0]);
        for (uint32_t j = first; j < sure; j++)
            apply(&s, j);
        must_have_no_errors(file, k->format, qemu, &leaks);
        next = (sure + PERIOD) / PERIOD * PERIOD + 1;
        d = must_open(&o);
        compare(d, &s, sure, next);
        must_close(d);
    }
    print_message("%s: %u kills, %u operations, %u leaked clusters seen\n", k->name,
                  kills, (unsigned)next, (unsigned)leaks);
}

static void a_killed_process_leaves_sound_images(void **state)
{
    unsigned kills = getenv("MENURA_LONG") ? 200 : KILLS;
    bool qemu = has_qemu_img();
    (void)state;

    if (!qemu)
        print_message("qemu-img is not here: it is not asked\n");
    for (unsigned n = 0; n < ARRAY_SIZE(kinds); n++)
        kill_at_random(&kinds[n], kills, qemu);
}

/* ---- power loss ---- */

#if CAN_CUT
struct pending {
    uint64_t offset, n;
    uint8_t *bytes; /* NULL: a hole */
};

static struct {
    ino_t file; /* 0: nothing is recorded */
    uint8_t *durable, *frozen;
    uint64_t size, frozen_size, random;
    struct pending *pending;
    unsigned count, writes, cut_at;
} power;

enum { DURABLE = 64 << 20 };

static bool is_recorded(int fd)
{
    struct stat st;
    return power.file && fstat(fd, &st) == 0 && st.st_ino == power.file;
}

static void land(uint8_t *to, const struct pending *p, uint64_t at, uint64_t n)
{
    if (p->bytes)
        memcpy(to + p->offset + at, p->bytes + at, (size_t)n);
    else
        memset(to + p->offset + at, 0, (size_t)n);
}

/* The power goes now: each sector written since the last sync is there, or not. */
static void freeze(void)
{
    unsigned chance = (unsigned)(next_random(&power.random) % 5); /* of 4 */

    memcpy(power.frozen, power.durable, (size_t)power.size);
    power.frozen_size = power.size;
    for (unsigned n = 0; n < power.count; n++) {
        const struct pending *p = &power.pending[n];
        for (uint64_t at = 0; at < p->n; at += 512)
            if (next_random(&power.random) % 4 < chance)
                land(power.frozen, p, at, p->n - at < 512 ? p->n - at : 512);
    }
}

static void record(uint64_t offset, uint64_t n, const void *bytes)
{
    struct pending *p;

    assert_true(offset + n <= DURABLE);
    if (power.writes++ == power.cut_at)
        freeze();
    power.pending = realloc(power.pending, (power.count + 1) * sizeof *power.pending);
    p = &power.pending[power.count++];
    *p = (struct pending){offset, n, NULL};
    if (bytes) {
        p->bytes = malloc((size_t)n);
        memcpy(p->bytes, bytes, (size_t)n);
    }
    if (offset + n > power.size)
        power.size = offset + n;
}

static void settle(void)
{
    for (unsigned n = 0; n < power.count; n++) {
        land(power.durable, &power.pending[n], 0, power.pending[n].n);
        free(power.pending[n].bytes);
    }
    power.count = 0;
}

static void start_recording(const char *file)
{
    struct stat st;
    FILE *f = fopen(file, "rb");

    assert_int_equal(stat(file, &st), 0);
    memset(power.durable, 0, (size_t)power.size); /* nothing was ever behind it */
    power.size = fread(power.durable, 1, DURABLE, f);
    fclose(f);
    power.file = st.st_ino;
    power.writes = 0;
}

static void put_frozen(const char *file)
{
    FILE *f = fopen(file, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(power.frozen, 1, (size_t)power.frozen_size, f),
                     power.frozen_size);
    fclose(f);
}

static void cut_power(const struct kind *k, unsigned cuts)
{
    static struct state s;
    char file[128];
    struct image_options o = {.file = file};
    uint32_t next = 0;
    uint64_t leaks = 0;

    memset(&s, 0, sizeof s);
    if (!make(k, file, sizeof file)) {
        print_message("skipped: %s: no qemu-img to make one\n", k->name);
        return;
    }
    power.durable = calloc(1, DURABLE);
    power.frozen = malloc(DURABLE);
    power.size = 0;
    power.random = 4711 + k->cluster;
    for (unsigned n = 0; n < cuts; n++) {
        uint32_t first = next, sure = next, begun = next;
        struct disk *d = must_open(&o);

        power.cut_at = (unsigned)(next_random(&power.random) % 120);
        start_recording(file);
        while (power.writes <= power.cut_at) {
            begun = next + 1;
            assert_true(do_operation(d, next));
            if (next % PERIOD == 0) {
                assert_true(d->flush(d->owner));
                if (power.writes <= power.cut_at)
                    sure = next + 1;
            }
            next++;
        }
        power.file = 0;
        must_close(d);
        settle();
        put_frozen(file);
        for (uint32_t j = first; j < sure; j++)
            apply(&s, j);
        must_have_no_errors(file, k->format, n % 20 == 0 && has_qemu_img(), &leaks);
        if (n % 20 == 19) /* what every cut leaks would fill DURABLE in the end */
            must_repair(file);
        d = must_open(&o);
        compare(d, &s, sure, begun);
        must_close(d);
    }
    print_message("%s: power cut %u times, %u operations, %u leaked clusters seen\n",
                  k->name, cuts, (unsigned)next, (unsigned)leaks);
    free(power.durable);
    free(power.frozen);
}
#else
static void cut_power(const struct kind *k, unsigned cuts)
{
    (void)k;
    (void)cuts;
}
#endif

static void power_loss_leaves_sound_images(void **state)
{
    unsigned cuts = getenv("MENURA_LONG") ? CUTS * 10 : CUTS;
    (void)state;

    if (!CAN_CUT) {
        print_message("skipped: this host's calls cannot be recorded\n");
        skip();
    }
    for (unsigned n = 0; n < ARRAY_SIZE(kinds); n++)
        cut_power(&kinds[n], cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_leaves_sound_images),
        cmocka_unit_test(power_loss_leaves_sound_images),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
