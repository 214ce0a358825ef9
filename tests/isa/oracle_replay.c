/* oracle_replay.c - in the host processor's place: answers that one has given before,
 * from a file (oracle_record.h). There are two: a processor with AVX2 answers about all
 * rows but those of AVX-512, another about these.
 */
#include "tests/isa/oracle_record.h"

#include "base/byteorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct oracle_mode oracle_modes[ORACLE_MODES] = {
    {"64", 64, 0x33, 0x2b, 0x2b, 0, 0},
    {"32", 32, 0x23, 0x2b, 0x2b, 0, 0},
    {"16", 16, 0x07, 0x0f, 0x0f, CODE_LA, DATA_LA},
};

uint64_t native_fs_base, native_gs_base = 0x7654321000ull;
bool native_fs_usable, native_zmm_usable;

static struct {
    struct tape tape;
    unsigned mode;
    const struct isa_row *row; /* whose answers are being read */
    bool failed;
    uint8_t code[CODE_SIZE], data[DATA_SIZE];
} replay;

static bool fail(const char *what)
{
    printf("%s: record them anew with -t record_isa, on an x86-64 host\n", what);
    replay.failed = true;
    return false;
}

void native_end(void)
{
}

void native_data_filled(void)
{
}

unsigned native_batch(void)
{
    return 0;
}

const struct accepted *native_accepted(unsigned *count)
{
    *count = 0;
    return NULL;
}

bool native_failed(void)
{
    return replay.failed;
}

bool native_init(const char **why)
{
    const char *name = native_zmm_usable ? ORACLE_ANSWERS_AVX512 : ORACLE_ANSWERS;
    FILE *f = fopen(name, "rb");
    size_t title = strlen(record_title);
    long size = -1;

    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    *why = native_zmm_usable ? "cannot read " ORACLE_ANSWERS_AVX512
                             : "cannot read " ORACLE_ANSWERS;
    if (size >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        replay.tape = (struct tape){.bytes = malloc((size_t)size + 1),
                                    .size = (size_t)size};
        if (replay.tape.bytes &&
            fread(replay.tape.bytes, 1, (size_t)size, f) != (size_t)size)
            replay.tape.size = 0;
    }
    if (f)
        fclose(f);
    if (!replay.tape.bytes)
        return false;
    if (replay.tape.size < title + 9 ||
        memcmp(replay.tape.bytes, record_title, title) != 0) {
        fail("these are no answers of this format");
        return true;
    }
    return true;
}

bool native_enter(const struct oracle_mode *m, const char **why)
{
    (void)why;
    replay.mode = (unsigned)(m - oracle_modes);
    return true;
}

/* The row's answers, from their first on. */
static bool find_row(const struct isa_row *row, uint32_t *cases, struct tape *out)
{
    struct tape t = replay.tape;
    uint64_t key = row_key(row);

    t.at = strlen(record_title) + 8;
    for (;;) {
        unsigned mode = (unsigned)tape_get(&t, 1);
        uint64_t its = tape_get(&t, 8);
        uint32_t size = (uint32_t)tape_get(&t, 4);
        *cases = (uint32_t)tape_get(&t, 4);
        if (t.bad || mode == 0 || size > t.size - t.at)
            return false;
        *out = t;
        out->size = t.at + size;
        if (mode == replay.mode + 1 && its == key)
            return true;
        t.at += size;
    }
}

unsigned long long native_cases(const struct isa_row *row, const char **why)
{
    /* Asked again and again about the same row. */
    static const struct isa_row *last;
    static unsigned last_mode;
    static uint32_t cases;
    struct tape t;

    *why = "no answers recorded";
    if (row != last || replay.mode != last_mode) {
        last = row;
        last_mode = replay.mode;
        if (!find_row(row, &cases, &t))
            cases = 0;
    }
    return cases;
}

unsigned native_words(void)
{
    return native_zmm_usable ? 8 : 4;
}

uint8_t *native_code(void)
{
    return replay.code;
}

uint8_t *native_data(void)
{
    return replay.data;
}

void native_poke_read_only(const uint8_t *page)
{
    for (unsigned n = 0; n < DATA_PAGES; n++)
        if (data_page[n] == PAGE_READ_ONLY)
            memcpy(replay.data + n * PAGE, page, PAGE);
}

static bool answer_to(const struct question *q, unsigned long long *number,
                      struct tape *t, struct answer *a)
{
    uint32_t cases;

    if (q->e->row != replay.row) {
        replay.row = q->e->row;
        *number = 0;
        if (!find_row(q->e->row, &cases, t))
            return fail("a row's answers are gone");
    }
    if (q->number != *number) {
        *number = q->number;
        if (tape_get_number(t) != q->number)
            return fail("the answers are to other encodings");
    }
    if (!replay_answer(t, q, q->e, a, replay.data))
        return fail("the answers are to other questions");
    return true;
}

void native_run(native_next *next, void *owner)
{
    struct question q;
    struct answer a;
    struct tape t;
    unsigned long long number = 0;
    bool more;

    replay.row = NULL;
    if (replay.failed)
        return;
    more = next(owner, NULL, &q);
    while (more && answer_to(&q, &number, &t, &a))
        more = next(owner, &a, &q);
}
