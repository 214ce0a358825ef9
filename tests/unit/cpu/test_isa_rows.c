/* test_isa_rows.c - isa.def as a whole: no two of its rows claim one encoding.
 *
 * The decoder takes the first row that matches. Here it decodes each encoding a second
 * time, with a table whose chain begins behind the row it found: nothing may be left to
 * find.
 */
#include "base/error.h"
#include "cpu/cpu.h"
#include "cpu/isa.h"
#include "cpu/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *name;
    uint32_t mode;
} modes[] = {
    {"64-bit", MODE_CODE64 | MODE_LONG | MODE_PROTECTED | MODE_STACK32},
    {"compatibility", MODE_LONG | MODE_CODE32 | MODE_PROTECTED | MODE_STACK32},
    {"32-bit", MODE_CODE32 | MODE_PROTECTED | MODE_STACK32},
    {"16-bit", MODE_PROTECTED},
    {"real", 0},
    {"virtual-8086", MODE_VM86},
};

/* All that row_matches() can tell apart. REX.W counts in 64-bit mode only. */
static const char *const prefixes[] = {"",         "\x66",     "\xf3",     "\xf2",
                                       "\x67",     "\x66\xf3", "\x66\xf2", "\x66\x67",
                                       "\x48",     "\x66\x48", "\xf3\x48", "\xf2\x48",
                                       "\x67\x48"};

/* The same as one byte behind C4: W, vvvv (unused, then register 5), L and pp. */
static const char *const vex[] = {
    "\x78", "\x79", "\x7a", "\x7b", "\x7c", "\x7d", "\x7e", "\x7f", "\xf8",
    "\xf9", "\xfa", "\xfb", "\xfc", "\xfd", "\xfe", "\xff", "\x50", "\x51",
    "\x52", "\x53", "\x54", "\x55", "\x56", "\x57", "\xd0", "\xd1", "\xd2",
    "\xd3", "\xd4", "\xd5", "\xd6", "\xd7"};

/* And the last byte of an EVEX prefix: L'L, with V' not set; the last one with an opmask,
 * which gathers want. */
static const uint8_t evex[] = {0x08, 0x28, 0x48, 0x49};

static struct isa_table table;
static unsigned found, clashes;
static bool *seen;

static unsigned write_evex(uint8_t bytes[16], unsigned prefix, unsigned map, unsigned op,
                           unsigned modrm)
{
    unsigned n = 0;

    memset(bytes, 0, 16);
    bytes[n++] = 0x62;
    bytes[n++] = (uint8_t)(0xf0 | (map - ISA_EVEX));
    bytes[n++] = (uint8_t)vex[prefix / ARRAY_SIZE(evex)][0];
    bytes[n++] = evex[prefix % ARRAY_SIZE(evex)];
    bytes[n++] = (uint8_t)op;
    bytes[n++] = (uint8_t)modrm;
    return n;
}

static unsigned write_code(uint8_t bytes[16], const char *prefix, unsigned map,
                           unsigned op, unsigned modrm)
{
    static const uint8_t escapes[4][2] = {{0}, {0}, {0x38}, {0x3a}};
    unsigned n = 0;

    memset(bytes, 0, 16);
    if (map > ISA_VEX) {
        bytes[n++] = 0xc4;
        bytes[n++] = (uint8_t)(0xe0 | (map - ISA_VEX));
    }
    while (*prefix)
        bytes[n++] = (uint8_t)*prefix++;
    if (map && map < ISA_VEX)
        bytes[n++] = 0x0f;
    if (map > 1 && map < ISA_VEX)
        bytes[n++] = escapes[map][0];
    bytes[n++] = (uint8_t)op;
    bytes[n++] = (uint8_t)modrm;
    return n;
}

static void check(unsigned mode, unsigned prefix, unsigned map, unsigned op, unsigned modrm)
{
    uint16_t *first = &table.first[map][op], kept = *first;
    uint8_t bytes[16];
    struct insn one[2], two[2];
    unsigned n = map > ISA_EVEX
                     ? write_evex(bytes, prefix, map, op, modrm)
                     : write_code(bytes, map > ISA_VEX ? vex[prefix] : prefixes[prefix], map,
                                  op, modrm);

    if (mode == 0 && map == 0 && (op & 0xf0) == 0x40)
        return; /* a REX prefix */
    if (decode(&table, modes[mode].mode, bytes, 15, 0, one) != DECODE_OK)
        return;
    found++;
    seen[one[0].row] = true;
    *first = table.next[one[0].row * 16 + (op - ENC_OPCODE(isa_rows[one[0].row].enc))];
    if (decode(&table, modes[mode].mode, bytes, 15, 0, two) == DECODE_OK &&
        clashes++ < 20) {
        fprintf(stderr, "%s:", modes[mode].name);
        for (unsigned k = 0; k < n; k++)
            fprintf(stderr, " %02x", bytes[k]);
        fprintf(stderr, ": row %u %s and row %u %s\n", one[0].row,
                isa_rows[one[0].row].mnemonic, two[0].row,
                isa_rows[two[0].row].mnemonic);
    }
    *first = kept;
}

static unsigned prefix_count(unsigned map, unsigned mode)
{
    if (map > ISA_EVEX) /* with vvvv unused, and used */
        return ARRAY_SIZE(vex) * ARRAY_SIZE(evex);
    return map > ISA_VEX ? ARRAY_SIZE(vex) : mode ? 8 : ARRAY_SIZE(prefixes);
}

/* Rows of every feature, whether a model has it or not. */
static void make_table(void)
{
    struct cpu_model model;
    struct error e;

    assert_true(cpu_model_parse("max", &model, &e));
    memset(model.features, 0xff, sizeof model.features);
    assert_true(isa_table_init(&table, &model));
}

static void no_two_rows_claim_one_encoding_in_one_mode(void **state)
{
    (void)state;
    make_table();
    found = clashes = 0;
    seen = calloc(isa_row_count, sizeof *seen);
    assert_non_null(seen);
    for (unsigned map = 0; map < ISA_MAPS; map++)
        for (unsigned op = 0; op < 256; op++) {
            unsigned last = table.shape[map][op] & SHAPE_MODRM ? 255 : 0;
            if (!table.shape[map][op])
                continue;
            for (unsigned mode = 0; mode < ARRAY_SIZE(modes); mode++)
                for (unsigned p = 0; p < prefix_count(map, mode); p++)
                    for (unsigned modrm = 0; modrm <= last; modrm++)
                        check(mode, p, map, op, modrm);
        }
    assert_int_equal(clashes, 0);
    assert_true(found > 1000000);
    isa_table_free(&table);
}

/* One that is not is hidden by the rows above it, or contradicts itself. */
static void every_row_is_found_by_some_encoding(void **state)
{
    unsigned missing = 0;
    (void)state;
    for (unsigned n = 0; n < isa_row_count; n++)
        if (!seen[n] && missing++ < 20)
            fprintf(stderr, "row %u %s is never decoded\n", n, isa_rows[n].mnemonic);
    free(seen);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_rows_claim_one_encoding_in_one_mode),
        cmocka_unit_test(every_row_is_found_by_some_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
