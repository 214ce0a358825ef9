/* image_model.h - a disk image beside a plain array that should show the same bytes. */
#ifndef IMAGE_MODEL_H
#define IMAGE_MODEL_H

#include "host/image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct model {
    struct disk *disk;
    uint8_t *bytes;
    uint64_t random;
};

static char folder[64];
static unsigned lines_said;
static char last_line[1024];

static void hear(void *to, const char *part, enum log_level level, const char *line)
{
    (void)to;
    (void)part;
    (void)level;
    lines_said++;
    snprintf(last_line, sizeof last_line, "%s", line);
}

static struct log test_log = {.sink = hear, .level = LOG_INFO, .lines_left = 1000};

static int make_folder(void **state)
{
    const char *where = getenv("TMPDIR");
    (void)state;

    snprintf(folder, sizeof folder, "%.40s/menura-test-XXXXXX",
             where && strlen(where) < 40 ? where : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : -1;
}

/* A path in the test's folder: the last four stay good. */
static const char *in_folder(const char *name)
{
    static char path[4][192];
    static unsigned turn;
    char *p = path[turn++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

/* Runs it and keeps what it says. Its exit code, or -1: it could not run, or was killed. */
static inline int run_program(const char *command)
{
    char line[1300];
    int status;

    snprintf(line, sizeof line, "%s >%s/said 2>&1", command, folder);
    status = system(line);
    return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The last one failed: what it said. */
static inline void tell_program(const char *command, int status)
{
    FILE *said = fopen(in_folder("said"), "r");
    char line[256];

    print_message("%s: exit code %d%s%s\n", command, status, status < 0 ? ", " : "",
                  status < 0 && errno ? strerror(errno) : "");
    while (said && fgets(line, sizeof line, said))
        print_message("  %s", line);
    if (said)
        fclose(said);
}

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void must(bool good, const struct error *e)
{
    if (!good)
        fail_msg("%s", e->text);
}

static inline struct disk *must_open(const struct image_options *o)
{
    struct error e = {{0}};
    struct disk *d = image_open(o, &test_log, &e);

    must(d != NULL, &e);
    return d;
}

static inline void must_close(struct disk *d)
{
    struct error e = {{0}};
    must(image_close(d, &e), &e);
}

static inline void must_create(const char *file, const char *format, uint64_t size,
                               unsigned cluster, const char *backing)
{
    struct image_create c = {.file = file,
                             .format = format,
                             .size = size,
                             .cluster = cluster,
                             .backing = backing,
                             .replace = true};
    struct error e = {{0}};

    must(image_create(&c, &e), &e);
}

static inline void count_line(void *to, const char *text)
{
    (void)to;
    if (!strstr(text, "no tables"))
        print_message("check: %s\n", text);
}

static inline void must_be_sound(const char *file, bool leaks_too)
{
    struct image_check found;
    struct error e = {{0}};

    must(image_check(file, false, &found, count_line, NULL, &e), &e);
    assert_int_equal(found.errors, 0);
    if (leaks_too)
        assert_int_equal(found.leaks, 0);
}

/* Writes, discards, flushes and reads at random; each read agrees with the array. */
static inline void model_run(struct model *m, unsigned steps, size_t most)
{
    struct disk *d = m->disk;
    uint8_t *piece = malloc(most);

    for (unsigned n = 0; n < steps; n++) {
        uint64_t r = next_random(&m->random), at, size;
        unsigned what = r % 16;

        size = (next_random(&m->random) % most / 512 + 1) * 512;
        if (next_random(&m->random) % 4 == 0)
            size = size > 4096 ? 4096 : size;
        if (size > most)
            size = most;
        if (size > d->size)
            size = d->size;
        at = next_random(&m->random) % (d->size - size + 1) / 512 * 512;
        if (next_random(&m->random) % 4 == 0)
            at = at / 65536 * 65536;
        if (what < 8) {
            for (uint64_t k = 0; k < size; k++)
                m->bytes[at + k] = (uint8_t)(r >> (k % 7 * 8)) ^ (uint8_t)(k >> 9);
            assert_true(d->write(d->owner, at, m->bytes + at, (size_t)size));
        } else if (what < 9 && d->discard) {
            d->discard(d->owner, at, size);
            assert_true(d->read(d->owner, at, piece, (size_t)size));
            for (uint64_t k = 0; k < size; k++)
                assert_true(piece[k] == m->bytes[at + k] || piece[k] == 0);
            memcpy(m->bytes + at, piece, (size_t)size);
        } else if (what < 10) {
            assert_true(d->flush(d->owner));
        } else {
            assert_true(d->read(d->owner, at, piece, (size_t)size));
            assert_memory_equal(piece, m->bytes + at, (size_t)size);
        }
    }
    free(piece);
}

static inline void model_compare(struct model *m)
{
    uint8_t *piece = malloc(65536);

    for (uint64_t at = 0; at < m->disk->size; at += 65536) {
        size_t n = m->disk->size - at < 65536 ? (size_t)(m->disk->size - at) : 65536;
        assert_true(m->disk->read(m->disk->owner, at, piece, n));
        assert_memory_equal(piece, m->bytes + at, n);
    }
    free(piece);
}

#endif
