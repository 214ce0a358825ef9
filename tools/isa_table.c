/* isa_table.c - prints docs/isa.md: every row of cpu/isa.def, as a table for people, with
 * how often the tests execute it, from the file that tests/isa/executions.sh made.
 *
 * A test compares its output with the page that is checked in; `cmake --build DIR -t
 * isa_page` writes it anew.
 */
#include "cpu/isa.h"
#include "cpu/model.h"
#include "tests/isa/row_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char bytes[96];
};

static void add(struct text *t, const char *s)
{
    size_t used = strlen(t->bytes);
    snprintf(t->bytes + used, sizeof t->bytes - used, "%s", s);
}

static void word(struct text *t, bool wanted, const char *s)
{
    if (!wanted)
        return;
    if (t->bytes[0])
        add(t, " ");
    add(t, s);
}

/* VEX or EVEX, and the lengths if not all are legal. */
static void prefix(struct text *t, const struct isa_row *r)
{
    static const struct {
        uint64_t bit;
        const char *length;
    } lengths[] = {{L0, "128"}, {L1, "256"}, {L2, "512"}};
    const char *before = ".";

    word(t, r->enc & VEX, "VEX");
    word(t, r->enc & EVEX, "EVEX");
    for (unsigned n = 0; n < ARRAY_SIZE(lengths); n++)
        if (r->enc & lengths[n].bit) {
            add(t, before);
            add(t, lengths[n].length);
            before = "/";
        }
}

static struct text encoding(const struct isa_row *r)
{
    static const char *const maps[8] = {"", "0F ", "0F 38 ", "0F 3A "};
    static const char *const prefixes[8] = {"", "NP", "66", "F3", "F2", "NP/66"};
    struct text t = {""};
    char part[32];

    prefix(&t, r);
    word(&t, ENC_PREFIX(r->enc) != 0, prefixes[ENC_PREFIX(r->enc)]);
    word(&t, r->enc & W0, "W0");
    word(&t, r->enc & W1, "W1");
    snprintf(part, sizeof part, "%s%02X%s", maps[ENC_MAP(r->enc)],
             (unsigned)ENC_OPCODE(r->enc),
             r->enc & PLUSR  ? "+r"
             : r->enc & COND ? "+cc"
                             : "");
    word(&t, true, part);
    snprintf(part, sizeof part, "/%u", (unsigned)(r->enc >> 13 & 7));
    word(&t, r->enc & REG(0), part);
    snprintf(part, sizeof part, "rm=%u", (unsigned)(r->enc >> 17 & 7));
    word(&t, r->enc & RM(0), part);
    word(&t, r->enc & MEM, "mem");
    word(&t, r->enc & NOMEM, "reg");
    word(&t, r->enc & OS16, "os16");
    word(&t, r->enc & OS32, "os32");
    word(&t, r->enc & OS64, "os64");
    word(&t, r->enc & AS16, "as16");
    word(&t, r->enc & AS32, "as32");
    word(&t, r->enc & AS64, "as64");
    return t;
}

static struct text operands(const struct isa_row *r)
{
    struct text t = {""};

    for (unsigned n = 0; n < ARRAY_SIZE(r->operand) && r->operand[n]; n++) {
        if (n)
            add(&t, ", ");
        add(&t, operand_info[r->operand[n]].name);
    }
    return t;
}

static struct text flags(unsigned f)
{
    static const struct {
        unsigned flag;
        const char *letter;
    } letters[] = {{F_OF, "O"}, {F_SF, "S"}, {F_ZF, "Z"}, {F_AF, "A"},
                   {F_PF, "P"}, {F_CF, "C"}, {F_DF, "D"}};
    struct text t = {""};

    for (unsigned n = 0; n < ARRAY_SIZE(letters); n++)
        if (f & letters[n].flag)
            add(&t, letters[n].letter);
    return t;
}

static struct text traits(const struct isa_row *r)
{
    static const struct {
        enum trait trait;
        const char *name;
    } names[] = {
        {T_LOCK, "lock"},       {T_REP, "rep"},       {T_NO64, "not-64"},
        {T_ONLY64, "only-64"},  {T_D64, "d64"},       {T_F64, "f64"},
        {T_PROT, "protected"},  {T_CPL0, "cpl0"},     {T_ENDS, "ends"},
        {T_ALIGN16, "align16"}, {T_X87WAIT, "waits"}, {T_NOIMPL, "#UD"},
        {T_BCST, "bcst"},       {T_ER, "er"},         {T_SAE, "sae"},
        {T_NOMASK, "no-mask"},  {T_NEEDMASK, "mask"},
    };
    struct text t = {""};

    for (unsigned n = 0; n < ARRAY_SIZE(names); n++)
        word(&t, r->traits & names[n].trait, names[n].name);
    return t;
}

/* clang-format off */
static const char *const intro =
    "# Instructions\n"
    "\n"
    "Made from `cpu/isa.def` by `tools/isa_table.c`; a test compares them. One row is one\n"
    "form of an instruction, %u in all.\n"
    "\n"
    "- **encoding**: the mandatory prefix (NP: none of 66, F2, F3; NP/66: neither F2 nor\n"
    "  F3), the opcode map and opcode, `+r` a register and `+cc` a condition in its low\n"
    "  bits, `/n` ModRM.reg, `rm=n` ModRM.rm, `mem` or `reg` for ModRM.mod, W0 and W1 for\n"
    "  REX.W, `os` and `as` with a number for forms of one operand or address size.\n"
    "- **operands**: the letters of the Intel manual (SDM vol 2 A.2) and of\n"
    "  `cpu/operand.def`.\n"
    "- **needs**: the CPU feature (`cpu/cpuid.def`); `base` is in every model. `-cpu help`\n"
    "  lists the models.\n"
    "- **reads, writes, undefined**: the flags O S Z A P C D.\n"
    "- **traits**: `lock` LOCK is legal with memory; `rep` F2 and F3 repeat; `not-64`,\n"
    "  `only-64` modes; `d64`, `f64` operand size 64 by default, or always, in 64-bit mode;\n"
    "  `protected` #UD in real and virtual-8086 mode; `cpl0` privileged; `ends` ends a\n"
    "  block of decoded code; `align16` memory must be aligned; `waits` pending x87 errors\n"
    "  come first; `#UD` the row claims the encoding and raises #UD. EVEX: `bcst` one\n"
    "  element of memory may stand for all, `er` embedded rounding, `sae` exceptions can be\n"
    "  suppressed, `no-mask` k1 to k7 are #UD, `mask` k0 is.\n"
    "\n"
    "How often each row is tested, as `tests/isa/executions.sh` counted it last: **CPU**, cases\n"
    "asked of real processors and compared with Menura; **Bochs**, cases asked of Bochs, a\n"
    "second opinion on vectors; **guest**, executions in the guest kernels, which check what\n"
    "user mode cannot ask. `./test` repeats a part of the first two, and all of the third in\n"
    "many ways. %u of the rows have at least %u in one of the three.\n"
    "\n"
    "| encoding | mnemonic | operands | needs | reads | writes | undefined | traits | CPU | Bochs | guest |\n"
    "|---|---|---|---|---|---|---|---|---:|---:|---:|\n";
/* clang-format on */

enum { OFTEN = 1000 };

struct tested {
    unsigned long long cpu, bochs, guest;
};

/* Fills t, by row, from the file. A row that it does not name has zeros. */
static bool read_executions(const char *file, struct tested *t)
{
    FILE *from = fopen(file, "r");
    char line[200];

    if (!from)
        return false;
    while (fgets(line, sizeof line, from)) {
        struct tested now;
        char name[100];

        if (sscanf(line, "%99s %llu %llu %llu", name, &now.cpu, &now.bochs, &now.guest) != 4)
            continue;
        for (unsigned n = 0; n < isa_row_count; n++)
            if (!strcmp(row_name(&isa_rows[n]).text, name))
                t[n] = now;
    }
    return fclose(from) == 0;
}

int main(int argc, char **argv)
{
    struct tested *t = calloc(isa_row_count, sizeof *t);
    unsigned often = 0;

    if (argc != 2 || !t || !read_executions(argv[1], t)) {
        fprintf(stderr, "usage: isa_table tests/isa/executions.txt\n");
        return 1;
    }
    for (unsigned n = 0; n < isa_row_count; n++)
        often += t[n].cpu >= OFTEN || t[n].bochs >= OFTEN || t[n].guest >= OFTEN;
    printf(intro, isa_row_count, often, OFTEN);
    for (unsigned n = 0; n < isa_row_count; n++) {
        const struct isa_row *r = &isa_rows[n];
        printf("| `%s` | %s | %s | %s | %s | %s | %s | %s | %llu | %llu | %llu |\n", encoding(r).bytes,
               r->mnemonic, operands(r).bytes,
               cpu_feature_name(r->feature),
               flags(r->reads).bytes, flags(r->writes).bytes, flags(r->undefined).bytes,
               traits(r).bytes, t[n].cpu, t[n].bochs, t[n].guest);
    }
    free(t);
    return fflush(stdout) ? 1 : 0;
}
