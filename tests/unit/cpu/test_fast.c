/* test_fast.c - which instructions have a handler of their own in hot blocks.
 *
 * An instruction that loses its fast handler still does the same, only slower, which no
 * other test sees. fast.def says, for each mnemonic and mode, how many of the encodings
 * below have one, how many of those a twin that sets no flags, and how many handlers it
 * is joined with: as the first of two, and with a block's head. After a change that is
 * meant:
 *
 *   unit_cpu_test_fast -write > tests/unit/cpu/fast.def
 */
#include "base/error.h"
#include "cpu/block.h"
#include "cpu/cpu.h"
#include "cpu/isa.h"
#include "cpu/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MODES = 4, MNEMONICS = 2048, HANDLERS = 2048 };

static const uint32_t modes[MODES] = {
    MODE_CODE64 | MODE_LONG | MODE_PROTECTED | MODE_STACK32 | MODE_FLAT_DATA |
        MODE_FLAT_CODE,
    MODE_CODE32 | MODE_PROTECTED | MODE_STACK32 | MODE_FLAT_DATA | MODE_FLAT_CODE,
    MODE_CODE32 | MODE_PROTECTED | MODE_STACK32,
    MODE_PROTECTED,
};

static const char *const prefixes[] = {"",         "\x66", "\xf3",     "\xf2",
                                       "\x67",     "\x64", "\x48",     "\x41",
                                       "\x66\x41", "\x40", "\xf2\x48", "\xf3\x48"};
enum { LEGACY_PREFIXES = 6 }; /* the others have REX */

/* ModRM, SIB: the register form, base, base with an index, base with a displacement, no
 * base. None goes to the address that a load before it brings: such are not joined. */
static const uint8_t shapes[][2] = {
    {0xc1, 0}, {0x01, 0}, {0x04, 0xb9}, {0x43, 0}, {0x05, 0}};

struct counts {
    unsigned all, fast, quiet, joined;
};

struct handler {
    struct insn i[2];
    bool quiet;
    unsigned mnemonic;
};

static struct {
    const char *name;
    struct counts in[MODES];
} mnemonics[MNEMONICS];
static unsigned mnemonic_count, handler_count;
static struct handler handlers[HANDLERS];
static struct isa_table table;

/* mnemonic_count: not there. */
static unsigned mnemonic_find(const char *name)
{
    unsigned n = 0;

    while (n < mnemonic_count && strcmp(mnemonics[n].name, name) != 0)
        n++;
    return n;
}

static unsigned mnemonic_of(const struct insn *i)
{
    const char *name = isa_rows[i->row].mnemonic;
    unsigned n = mnemonic_find(name);

    assert_true(n < MNEMONICS);
    if (n == mnemonic_count)
        mnemonics[mnemonic_count++].name = name;
    return n;
}

static void keep_handler(const struct insn i[2], insn_fn *run, bool quiet,
                         unsigned mnemonic)
{
    for (unsigned n = 0; n < handler_count; n++)
        if (handlers[n].i[0].run == run)
            return;
    assert_true(handler_count < HANDLERS);
    handlers[handler_count] = (struct handler){{i[0], i[1]}, quiet, mnemonic};
    handlers[handler_count++].i[0].run = run;
}

static void count_one(unsigned mode, const uint8_t bytes[16])
{
    struct insn i[2] = {{0}};
    struct fast f;
    struct counts *c;
    unsigned n;

    if (decode(&table, modes[mode], bytes, 15, 0, i) != DECODE_OK)
        return;
    n = mnemonic_of(&i[0]);
    c = &mnemonics[n].in[mode];
    f = fast_select(&i[0], modes[mode]);
    c->all++;
    c->fast += f.run != NULL;
    c->quiet += f.quiet != NULL;
    if (f.run)
        keep_handler(i, f.run, false, n);
    if (f.quiet)
        keep_handler(i, f.quiet, true, n);
}

static void count_opcode(unsigned mode, const char *prefix, bool two_bytes, unsigned op)
{
    for (unsigned shape = 0; shape < ARRAY_SIZE(shapes); shape++)
        for (unsigned reg = 0; reg < 8; reg++) {
            uint8_t bytes[16] = {0};
            unsigned n = 0;
            for (const char *p = prefix; *p; p++)
                bytes[n++] = (uint8_t)*p;
            if (two_bytes)
                bytes[n++] = 0x0f;
            bytes[n++] = (uint8_t)op;
            bytes[n++] = (uint8_t)(shapes[shape][0] | reg << 3);
            bytes[n++] = shapes[shape][1];
            bytes[n] = 0x10;
            count_one(mode, bytes);
        }
}

/* Every handler before every other, and behind a block's head. */
static void count_pairs(unsigned mode)
{
    for (unsigned a = 0; a < handler_count; a++) {
        const struct handler *one = &handlers[a];
        unsigned *joined = &mnemonics[one->mnemonic].in[mode].joined;
        *joined += fast_head(one->i, one->quiet, modes[mode]) != NULL;
        for (unsigned b = 0; b < handler_count; b++) {
            const struct handler *two = &handlers[b];
            struct insn first = one->i[0]; /* fast_fuse() rewrites it */
            *joined +=
                fast_pair(one->i, one->quiet, two->i, two->quiet, modes[mode]) != NULL;
            *joined += fast_pair_with(one->i, one->quiet, two->i, modes[mode]) != NULL;
            *joined += fast_fuse(&first, two->i) != NULL;
        }
    }
}

static void count_all(void)
{
    struct cpu_model model;
    struct error e;

    assert_true(cpu_model_parse("max", &model, &e));
    assert_true(isa_table_init(&table, &model));
    for (unsigned mode = 0; mode < MODES; mode++) {
        unsigned count = mode ? LEGACY_PREFIXES : ARRAY_SIZE(prefixes);
        handler_count = 0;
        for (unsigned p = 0; p < count; p++)
            for (unsigned op = 0; op < 512; op++) {
                if (!mode && op >= 0x40 && op < 0x50)
                    continue; /* REX */
                count_opcode(mode, prefixes[p], op >= 256, op & 255);
            }
        count_pairs(mode);
    }
    isa_table_free(&table);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool any_fast(unsigned n)
{
    for (unsigned mode = 0; mode < MODES; mode++)
        if (mnemonics[n].in[mode].fast)
            return true;
    return false;
}

static void write_line(FILE *to, unsigned n)
{
    fprintf(to, "FAST(\"%s\"", mnemonics[n].name);
    for (unsigned mode = 0; mode < MODES; mode++) {
        const struct counts *c = &mnemonics[n].in[mode];
        fprintf(to, ", {%u, %u, %u, %u}", c->all, c->fast, c->quiet, c->joined);
    }
    fputs(")\n", to);
}

static void write_all(void)
{
    count_all();
    qsort(mnemonics, mnemonic_count, sizeof mnemonics[0], by_name);
    puts("/* FAST(mnemonic, {encodings, with a fast handler, of these with a quiet "
         "twin,\n"
         " * handlers it is joined with} in 64-bit, 32-bit flat, 32-bit and 16-bit "
         "mode):\n"
         " * made by test_fast.c, which says how. */");
    for (unsigned n = 0; n < mnemonic_count; n++)
        if (any_fast(n))
            write_line(stdout, n);
}

static const struct {
    const char *name;
    struct counts in[MODES];
} wanted[] = {
#define FAST(name, ...) {name, {__VA_ARGS__}},
#include "tests/unit/cpu/fast.def"
#undef FAST
};

static void each_has_the_handlers_that_it_had(void **state)
{
    unsigned wrong = 0, have = 0;
    (void)state;

    count_all();
    for (unsigned n = 0; n < mnemonic_count; n++)
        have += any_fast(n);
    for (unsigned w = 0; w < ARRAY_SIZE(wanted); w++) {
        unsigned n = mnemonic_find(wanted[w].name);
        assert_true(n < mnemonic_count);
        if (memcmp(mnemonics[n].in, wanted[w].in, sizeof wanted[w].in) == 0)
            continue;
        wrong++;
        fprintf(stderr, "now ");
        write_line(stderr, n);
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(have, ARRAY_SIZE(wanted));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_the_handlers_that_it_had),
    };

    if (argc > 1 && strcmp(argv[1], "-write") == 0) {
        write_all();
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
