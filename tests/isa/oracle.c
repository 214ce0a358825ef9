/* oracle.c - every instruction that user mode may execute, against the processor this
 * runs on.
 *
 *   oracle [-n CASES] [-seed N] [-mode 64|32|16] [-undefined] [-avx512] [-v]
 *          [MNEMONIC...]
 *   oracle -case MODE ROW SEED       one encoding again, with everything shown
 *
 * isa_replay is the same against recorded answers, isa_bochs against another emulator.
 *
 * CASES are per row and mode. Every case is asked of Menura several times: stepped, in
 * a cold block, in a hot one. Flags that the row calls undefined are compared with
 * -undefined only: this repository's handlers follow AMD's family 19h (Zen 3) there.
 * -avx512: the rows of AVX-512 alone; only such recordings have its registers.
 */
#define _GNU_SOURCE
#include "tests/isa/oracle_record.h"
#include "tests/isa/row_name.h"

#include "base/byteorder.h"
#include "cpu/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 4096 };
/* After the passes over the instruction alone, it is followed by another in a hot
 * block: TEST, which makes its flags dead, or a conditional branch, which may be fused
 * with it. */
enum { PASS_DEAD_FLAGS = PASSES, PASS_BRANCH, ALL_PASSES };
static const char *const pass_name[ALL_PASSES] = {"step", "cold", "hot", "dead flags",
                                                  "branch"};

/* What the parent tells when the child dies. */
struct progress {
    struct encoding e;
    uint64_t seed;
    unsigned long long cases, failures;
};

static struct {
    uint64_t seed;
    unsigned long long per_row;
    bool undefined, verbose, single, avx512;
    char **wanted;
    int wanted_count;
    struct progress *at;

    const struct oracle_mode *mode;
    unsigned row, end_row; /* end_row: where the batch ends */
    unsigned long long asked; /* in this batch */
    bool collecting;          /* its first run */
    unsigned long long done, number; /* of this row: cases, encodings */
    unsigned state;
    bool have, given_up;
    struct random random; /* makes questions: nothing else may take from it */
    struct random choice;
    struct encoding e;
    struct question q;
    uint8_t pristine[DATA_SIZE];
    uint8_t before[DATA_SIZE]; /* the data area when the case began; Menura's now */
    uint8_t code[24];          /* what stands at e.offset */
    unsigned code_len;
    uint8_t code_area[CODE_SIZE]; /* the code area when the case began */
    unsigned cases[ROWS], failures[ROWS];
    unsigned accepted[128];

    const char *counts; /* a file's name */
    const char *record; /* another's */
    struct tape tape;
    size_t row_at; /* where the row being recorded has its size and count */
    unsigned recorded;
    unsigned recorded_cases;
} run;

/* ---- memory ---- */

static void poke(void *owner, uint64_t la, const uint8_t *bytes, unsigned n)
{
    (void)owner;
    for (unsigned k = 0; k < n; k++) {
        uint64_t at = la + k - DATA_LA;
        if (at >= DATA_SIZE || data_page[at / PAGE] != PAGE_WRITABLE)
            continue;
        native_data()[at] = bytes[k];
        menura_data()[at] = bytes[k];
        run.before[at] = bytes[k];
    }
}

static void fill_data(struct random *r)
{
    uint8_t page[PAGE];

    for (unsigned n = 0; n < DATA_PAGES; n++) {
        for (unsigned k = 0; k < PAGE; k += 8) {
            uint64_t v = random64(r);
            store64(page + k, random64(r) % 3 ? v : v & 0xff);
        }
        memset(run.before + n * PAGE, 0, PAGE);
        if (data_page[n] == PAGE_NONE)
            continue;
        memcpy(run.before + n * PAGE, page, PAGE);
        if (data_page[n] == PAGE_READ_ONLY)
            native_poke_read_only(page);
        else
            memcpy(native_data() + n * PAGE, page, PAGE);
    }
    memcpy(menura_data(), run.before, DATA_SIZE);
    memcpy(run.pristine, run.before, DATA_SIZE);
    native_data_filled();
}

/* As it was, so that no case depends on those before it. */
static void clear_data(void)
{
    for (unsigned at = 0; at < DATA_SIZE; at += PAGE)
        if (data_page[at / PAGE] == PAGE_WRITABLE) {
            memcpy(run.before + at, run.pristine + at, PAGE);
            memcpy(native_data() + at, run.pristine + at, PAGE);
            memcpy(menura_data() + at, run.pristine + at, PAGE);
        }
}

static unsigned code_room(void)
{
    unsigned room = CODE_SIZE - run.e.offset;
    return run.code_len < room ? run.code_len : room;
}

static void put_code(const uint8_t *bytes, unsigned n)
{
    unsigned room;
    memcpy(run.code, bytes, n);
    run.code_len = n;
    room = code_room();
    memcpy(run.code_area + run.e.offset, bytes, room);
    memcpy(native_code() + run.e.offset, bytes, room);
    menura_code(run.e.offset, bytes, room);
}

static void clear_code(void)
{
    uint8_t filler[24];
    memset(filler, FILLER, sizeof filler);
    if (run.code_len)
        put_code(filler, run.code_len);
    run.code_len = 0;
}

/* The bytes of [first, end) that the host's run changed. */
struct range {
    unsigned first, end;
};

static struct range changed(void)
{
    struct range c = {DATA_SIZE, 0};

    for (unsigned n = 0; n < DATA_PAGES; n++) {
        const uint8_t *now = native_data() + n * PAGE, *then = run.before + n * PAGE;
        unsigned first = 0, end = PAGE;
        if (data_page[n] != PAGE_WRITABLE || memcmp(now, then, PAGE) == 0)
            continue;
        while (now[first] == then[first])
            first++;
        while (now[end - 1] == then[end - 1])
            end--;
        if (n * PAGE + first < c.first)
            c.first = n * PAGE + first;
        c.end = n * PAGE + end;
    }
    return c;
}

/* ---- telling ---- */

static void print_bytes(const uint8_t *bytes, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        printf("%02x%s", bytes[k], k + 1 < n ? " " : "");
}

static void print_regs(const char *who, const struct regs *r)
{
    static const char *const name[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                       "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                       "r12", "r13", "r14", "r15"};
    printf("  %s:", who);
    for (unsigned n = 0; n < 16; n++)
        printf("%s%s=%" PRIx64, n % 8 ? " " : "\n    ", name[n], r->gpr[n]);
    printf("\n    rip=%" PRIx64 " flags=%" PRIx64
           " fcw=%x fsw=%x empty=%02x mxcsr=%x\n   ",
           r->rip, r->flags, r->fcw, r->fsw, r->ftw, r->mxcsr);
    for (unsigned n = 0; n < 8; n++)
        printf(" R%u=%04x:%016" PRIx64, n, r->st[n].se, r->st[n].sig);
    printf("\n   ");
    for (unsigned n = 0; n < (native_words() == 8 ? 32u : 16u); n++) {
        printf(" %c%u=", "xyz"[native_words() / 4], n);
        for (unsigned h = native_words(); h-- > 0;)
            printf("%016" PRIx64 "%s", r->zmm[n][h], h ? ":" : "");
    }
    for (unsigned n = 0; native_words() == 8 && n < 8; n++)
        printf(" k%u=%" PRIx64, n, r->k[n]);
    printf("\n");
}

/* ---- comparing ---- */

static char difference[400];
static unsigned differs; /* D_* */

static void differ(unsigned kind, const char *what, uint64_t native, uint64_t menura)
{
    size_t used = strlen(difference);
    differs |= kind;
    snprintf(difference + used, sizeof difference - used,
             " %s is %" PRIx64 ", natively %" PRIx64 ";", what, menura, native);
}

/* From TASK_SIZE_MAX on, where its own half begins one page early. */
static bool is_host_kernel(uint64_t la)
{
    return la >= 0x7ffffffff000;
}

/* How the instruction ended: by the vector it raised, or by what comes next. */
static void compare_end(enum pass pass, const struct answer *n, const struct answer *m)
{
    uint32_t error = n->error;
    bool same_way = pass == PASS_STEP || !run.q.step;

    if (n->vector == VEC_DB && !same_way) {
        uint64_t la = run.mode->code_base + n->out.rip;
        if (m->vector == VEC_GP && m->error == 0)
            return; /* the filler's */
        if (m->vector == VEC_PF && m->cr2 == la && (m->error & 0x10))
            return; /* there is no code where it jumped to */
        differ(D_VECTOR, "vector", (uint64_t)n->vector, (uint64_t)(int64_t)m->vector);
        return;
    }
    if (n->vector != m->vector) {
        differ(D_VECTOR, "vector", (uint64_t)n->vector, (uint64_t)(int64_t)m->vector);
        return;
    }
    if (n->vector == VEC_PF && is_host_kernel(n->cr2)) /* Linux hides what is mapped */
        error = (error & ~1u) | (m->error & 1);
    if (error != m->error)
        differ(D_ERROR, "error code", error, m->error);
    if (n->cr2 != m->cr2)
        differ(D_CR2, "CR2", n->cr2, m->cr2);
}

static void compare_flags(enum pass pass, const struct answer *n,
                          const struct answer *m)
{
    uint64_t mask = 0x3f7fd7;
    /* Of the instruction itself, not of one behind it. */
    bool fault = n->vector != VEC_DB && n->out.rip == run.q.in.rip;

    if (pass != PASS_STEP || !run.q.step)
        mask &= ~(uint64_t)(FLAG_TF | FLAG_RF);
    if (!run.undefined && !fault)
        mask &= ~(uint64_t)run.e.row->undefined;
    if ((n->out.flags ^ m->out.flags) & mask)
        differ(D_FLAGS, "flags", n->out.flags & mask, m->out.flags & mask);
}

static void compare_regs(const struct regs *n, const struct regs *m)
{
    bool wide = run.mode->bits == 64;
    uint64_t mask = wide ? ~0ull : 0xffffffffull;
    char name[32];

    for (unsigned k = 0; k < (wide ? 16u : 8u); k++)
        if ((n->gpr[k] ^ m->gpr[k]) & mask) {
            snprintf(name, sizeof name, "gpr%u", k);
            differ(D_GPR, name, n->gpr[k] & mask, m->gpr[k] & mask);
        }
    if ((n->rip ^ m->rip) & mask)
        differ(D_RIP, "rip", n->rip, m->rip);
    if (n->mxcsr != m->mxcsr)
        differ(D_MXCSR, "mxcsr", n->mxcsr, m->mxcsr);
    for (unsigned k = 0; k < 32; k++)
        for (unsigned h = 0; h < native_words(); h++)
            if (n->zmm[k][h] != m->zmm[k][h]) {
                snprintf(name, sizeof name, "zmm%u.q%u", k, h);
                differ(D_ZMM, name, n->zmm[k][h], m->zmm[k][h]);
            }
    for (unsigned k = 0; k < 8; k++)
        if (n->k[k] != m->k[k]) {
            snprintf(name, sizeof name, "k%u", k);
            differ(D_OPMASK, name, n->k[k], m->k[k]);
        }
    if (n->fcw != m->fcw)
        differ(D_FCW, "fcw", n->fcw, m->fcw);
    if (n->fsw != m->fsw)
        differ(D_FSW, "fsw", n->fsw, m->fsw);
    if (n->ftw != m->ftw)
        differ(D_TAGS, "empty", n->ftw, m->ftw);
    for (unsigned k = 0; k < 8; k++) {
        if (n->st[k].se == m->st[k].se && n->st[k].sig == m->st[k].sig)
            continue;
        snprintf(name, sizeof name, "R%u", k);
        differ(D_ST, name, n->st[k].se, m->st[k].se);
        differ(D_ST, name, n->st[k].sig, m->st[k].sig);
    }
}

static void compare_memory(void)
{
    const uint8_t *n = native_data(), *m = menura_data();

    if (memcmp(native_code(), menura_code_area(), CODE_SIZE) != 0)
        differ(D_MEMORY, "the code area", 0, 1);
    for (unsigned p = 0; p < DATA_PAGES; p++) {
        if (data_page[p] != PAGE_WRITABLE || !memcmp(n + p * PAGE, m + p * PAGE, PAGE))
            continue;
        for (unsigned k = p * PAGE; k < (p + 1) * PAGE; k++)
            if (n[k] != m[k]) {
                char name[32];
                snprintf(name, sizeof name, "byte at %x", DATA_LA + k);
                differ(D_MEMORY, name, n[k], m[k]);
                return;
            }
    }
}

/* Does the instruction run again, or run on, where the step ended? */
static bool pass_says_nothing(enum pass pass, const struct answer *n)
{
    const char *name = run.e.row->mnemonic;
    uint64_t into = n->out.rip - run.q.in.rip;

    if (pass == PASS_STEP || !run.q.step)
        return false;
    if (n->vector == VEC_DB && into < run.e.len)
        return true;
    if ((run.e.row->traits & T_REP) && (run.e.insn[0].form & (FORM_REP | FORM_REPNE)))
        return true;
    return strcmp(name, "POPF") == 0 || strcmp(name, "PUSHF") == 0;
}

static void fail(unsigned pass, const struct answer *n, const struct answer *m)
{
    unsigned *count = &run.failures[run.row];

    run.at->failures++;
    if ((*count)++ >= 2 && !run.verbose)
        return;
    printf("%s-bit %s ", run.mode->name, run.e.row->mnemonic);
    print_bytes(run.e.bytes, run.e.len);
    printf(" (%s):%s case %s %u 0x%" PRIx64 " state %u\n", pass_name[pass], difference,
           run.mode->name, run.row, run.at->seed, run.state);
    if (run.single) {
        print_regs("before", &run.q.in);
        printf("  natively: vector %d error %x cr2 %" PRIx64 "\n", n->vector, n->error,
               n->cr2);
        print_regs("natively", &n->out);
        printf("  Menura: vector %d error %x cr2 %" PRIx64 "\n", m->vector, m->error,
               m->cr2);
        print_regs("Menura", &m->out);
    }
    fflush(stdout);
}

static const struct accepted *accepted_at(unsigned n)
{
    unsigned more;
    const struct accepted *its = native_accepted(&more);

    if (n < oracle_accepted_count)
        return &oracle_accepted[n];
    n -= oracle_accepted_count;
    return n < more ? &its[n] : NULL;
}

static bool is_accepted(const struct answer *n, const struct answer *m)
{
    struct judged j = {&run.e, &run.q, n, m, differs};
    const struct accepted *a;

    for (unsigned k = 0; (a = accepted_at(k)) != NULL; k++)
        if (a->is(&j)) {
            run.accepted[k]++;
            return true;
        }
    return false;
}

static bool compare_pass(enum pass pass, const struct answer *n, struct answer *m)
{
    difference[0] = 0;
    differs = 0;
    compare_end(pass, n, m);
    compare_flags(pass, n, m);
    compare_regs(&n->out, &m->out);
    compare_memory();
    return differs == 0;
}

/* Some stores reach the code area: through RIP, or by accident. */
static bool code_changed(void)
{
    return memcmp(native_code(), run.code_area, CODE_SIZE) != 0;
}

static void restore_code(void)
{
    if (memcmp(menura_code_area(), run.code_area, CODE_SIZE) != 0)
        menura_code(0, run.code_area, CODE_SIZE);
}

static void restore_memory(struct range c)
{
    restore_code();
    if (c.first < c.end)
        memcpy(menura_data() + c.first, run.before + c.first, c.end - c.first);
}

/* What the host's run changed is what the next case begins with. A scatter may change
 * pages with a hole between them. */
static void keep_memory(struct range c)
{
    for (unsigned at = c.first, end; at < c.end; at = end) {
        end = (at / PAGE + 1) * PAGE < c.end ? (at / PAGE + 1) * PAGE : c.end;
        if (data_page[at / PAGE] != PAGE_WRITABLE)
            continue;
        memcpy(run.before + at, native_data() + at, end - at);
        memcpy(menura_data() + at, native_data() + at, end - at);
    }
}

/* The instruction and what follows it, as one hot block. */
static void run_followed(const uint8_t *suffix, unsigned n, struct range c,
                         struct answer *m)
{
    uint8_t code[24];

    memcpy(code, run.e.bytes, run.e.len);
    memcpy(code + run.e.len, suffix, n);
    clear_code();
    put_code(code, run.e.len + n);
    menura_run(&run.q, PASS_COLD, m); /* which builds the block */
    restore_memory(c);
    menura_run(&run.q, PASS_HOT, m);
    clear_code();
}

/* By a CS override: what judge_followed() puts behind the instruction was not there. */
static bool may_have_read_code(void)
{
    const struct insn *i = &run.e.insn[0];

    return INSN_SEG(i) == CS &&
           ((i->form & FORM_MEM) || isa_uses(run.e.row, OC_X) ||
            strcmp(run.e.row->mnemonic, "XLAT") == 0);
}

static void judge_followed(const struct answer *n, struct range c)
{
    static const uint8_t test[] = {0x85, 0xc0};
    uint8_t branch[] = {0x70, 1, FILLER, FILLER};
    unsigned pass = PASS_DEAD_FLAGS + (unsigned)(random64(&run.choice) & 1);
    unsigned cc = (unsigned)(random64(&run.choice) & 15);
    struct lazy_flags flags;
    struct answer expected = *n, m;

    bool done = n->vector == VEC_DB || (n->vector == VEC_GP && !run.q.step);

    if (!done || pass_says_nothing(PASS_HOT, n) ||
        n->out.rip != run.q.in.rip + run.e.len || run.e.offset % PAGE > PAGE - 32)
        return;
    if (may_have_read_code())
        return;
    /* No condition reads AF. */
    if (pass == PASS_BRANCH && (run.e.row->undefined & ~F_AF) && !run.undefined)
        return;
    expected.out.rip += 2;
    if (pass == PASS_DEAD_FLAGS) {
        run_followed(test, sizeof test, c, &m);
        expected.out.flags = m.out.flags;
    } else {
        branch[0] |= cc;
        lazy_put(&flags, (uint32_t)n->out.flags);
        expected.out.rip += lazy_cond(&flags, cc);
        run_followed(branch, sizeof branch, c, &m);
    }
    if (!compare_pass(PASS_HOT, &expected, &m) && !is_accepted(&expected, &m))
        fail(pass, &expected, &m);
    if (differs)
        memcpy(menura_data(), run.before, DATA_SIZE);
    restore_memory(c);
}

static void judge(const struct answer *n)
{
    struct range c = changed();
    bool differing = false, in_code = code_changed();

    for (enum pass pass = 0; pass < PASSES; pass++) {
        struct answer m;
        /* What the step has made of the code behind it runs in the other passes. */
        if (pass_says_nothing(pass, n) || (in_code && pass != PASS_STEP && run.q.step))
            continue;
        menura_run(&run.q, pass, &m);
        if (compare_pass(pass, n, &m)) {
            restore_memory(c);
            continue;
        }
        if (!is_accepted(n, &m))
            fail(pass, n, &m);
        memcpy(menura_data(), run.before, DATA_SIZE);
        restore_code();
        differing = true;
        if (!run.single)
            break;
    }
    if (!differing && !in_code && random64(&run.choice) % 4 == 0)
        judge_followed(n, c);
    if (in_code)
        memcpy(native_code(), run.code_area, CODE_SIZE);
    keep_memory(c);
    run.cases[run.row]++;
    run.at->cases++;
}

/* ---- recording (oracle_record.h) ---- */

static void record_row_end(void)
{
    if (!run.row_at || run.tape.bad)
        return;
    tape_put_number(&run.tape, 0);
    store32(run.tape.bytes + run.row_at, (uint32_t)(run.tape.at - run.row_at - 8));
    store32(run.tape.bytes + run.row_at + 4, run.recorded_cases);
    run.row_at = 0;
}

static void record_encoding(void)
{
    if (!run.record)
        return;
    if (!run.row_at || run.recorded != run.row) {
        record_row_end();
        tape_put(&run.tape, 1, (uint64_t)(run.mode - oracle_modes) + 1);
        tape_put(&run.tape, 8, row_key(&isa_rows[run.row]));
        run.row_at = run.tape.at;
        tape_put(&run.tape, 8, 0);
        run.recorded = run.row;
        run.recorded_cases = 0;
    }
    run.recorded_cases += STATES;
    tape_put_number(&run.tape, run.number);
}

static bool record_begin(void)
{
    enum { ROOM = 64 << 20 };
    if (!run.record)
        return true;
    if (native_batch()) {
        printf("only answers of real processors are recorded\n");
        return false;
    }
    run.tape = (struct tape){.bytes = calloc(1, ROOM), .size = ROOM};
    if (!run.tape.bytes)
        return false;
    for (const char *c = record_title; *c; c++)
        tape_put(&run.tape, 1, (uint8_t)*c);
    tape_put(&run.tape, 8, run.seed);
    return true;
}

static bool record_end(void)
{
    FILE *f;
    bool good;

    if (!run.record)
        return true;
    tape_put(&run.tape, 1, 0);
    f = fopen(run.record, "wb");
    good = f && !run.tape.bad &&
           fwrite(run.tape.bytes, 1, run.tape.at, f) == run.tape.at;
    if (!f || fclose(f) || !good)
        printf("cannot write %s\n", run.record);
    else
        printf("%zu bytes in %s\n", run.tape.at, run.record);
    free(run.tape.bytes);
    return good;
}

/* ---- one after the other ---- */

static bool is_wanted(const struct isa_row *row)
{
    const char *why;
    if (row_excluded(row) || (run.avx512 && !(row->traits & T_EVEX)) ||
        !native_cases(row, &why))
        return false;
    for (int n = 0; n < run.wanted_count; n++)
        if (strcasecmp(run.wanted[n], row->mnemonic) == 0)
            return true;
    return run.wanted_count == 0;
}

/* Seeds are spread, so that two of them have no encodings in common: seed ^ number of
 * neighbours would be the same numbers in another order. */
static uint64_t seed_of(unsigned row, unsigned long long number)
{
    uint64_t seed = 1 + (run.seed - 1) * 0x9e3779b97f4a7c15ull;
    struct random r = {seed ^ row_key(&isa_rows[row]) ^ (uint64_t)run.mode->bits << 56 ^
                       number};
    return random64(&r);
}

static bool row_is_done(void)
{
    const char *why;
    unsigned long long cases;

    if (run.given_up || !is_wanted(&isa_rows[run.row]))
        return true;
    cases = native_cases(&isa_rows[run.row], &why);
    if (cases > run.per_row)
        cases = run.per_row;
    return run.done >= cases || run.number > 2 * cases + 10;
}

static void begin_row(unsigned row)
{
    run.row = row;
    run.done = run.number = 0;
    run.given_up = false;
}

/* The next encoding, of this row or a later one. */
static bool next_encoding(void)
{
    clear_code();
    clear_data();
    for (;;) {
        if (run.single) {
            if (run.done)
                return false;
        } else {
            while (run.row < run.end_row && row_is_done()) {
                begin_row(run.row + 1);
                if (run.collecting && run.asked >= native_batch())
                    run.end_row = run.row;
            }
            if (run.row >= run.end_row)
                return false;
            run.at->seed = seed_of(run.row, run.number);
        }
        run.number++;
        run.random.state = run.at->seed;
        run.choice.state = ~run.at->seed;
        if (generate_encoding(&run.random, run.mode, &isa_rows[run.row], &run.e)) {
            record_encoding();
            return true;
        }
        if (run.single)
            return false;
        run.given_up = run.number > 3 && run.done == 0; /* not in this mode */
    }
}

static bool next(void *owner, const struct answer *answer, struct question *q)
{
    (void)owner;
    if (answer) {
        if (run.record)
            record_answer(&run.tape, &run.q, &run.e, answer, run.before,
                          code_changed() ? NULL : native_data());
        if (answer->vector != NOT_RECORDED)
            judge(answer);
        run.done++;
        run.asked++;
        run.state++;
    }
    if (!run.have || run.state >= STATES) {
        run.have = true;
        run.state = 0;
        if (!next_encoding())
            return false;
    }
    if (native_batch())
        clear_data();
    generate_state(&run.random, &run.e, &run.q, poke, NULL);
    run.at->e = run.e;
    if (run.code_len != run.e.len || memcmp(run.code, run.e.bytes, run.e.len))
        put_code(run.e.bytes, run.e.len);
    if (random64(&run.random) % 16 == 0)
        menura_forget();
    run.q.e = &run.e;
    run.q.number = run.number;
    *q = run.q;
    return true;
}

static void run_batch(unsigned row, bool collecting)
{
    run.collecting = collecting;
    run.asked = 0;
    run.have = false;
    begin_row(row);
    native_run(next, NULL);
}

static void run_mode(const struct oracle_mode *m)
{
    struct random r = {run.seed};
    const char *why = "";
    unsigned row = run.single ? run.row : 0;

    run.mode = m;
    if (!native_enter(m, &why)) {
        printf("%s-bit mode skipped: %s\n", m->name, why);
        return;
    }
    menura_enter(m);
    fill_data(&r);
    do {
        run.end_row = isa_row_count;
        if (native_batch())
            run_batch(row, true);
        run_batch(row, false);
        row = run.end_row;
    } while (row < isa_row_count);
    record_row_end();
}

/* ---- the whole ---- */

/* How many cases each row had, for tests/isa/executions.sh. */
static bool write_counts(void)
{
    FILE *to = run.counts ? fopen(run.counts, "w") : NULL;

    if (!to)
        return !run.counts;
    for (unsigned n = 0; n < isa_row_count; n++)
        if (run.cases[n])
            fprintf(to, "%s %u\n", row_name(&isa_rows[n]).text, run.cases[n]);
    return fclose(to) == 0;
}

static void summary(double seconds)
{
    unsigned rows = 0, wrong = 0;

    for (unsigned n = 0; n < isa_row_count; n++) {
        rows += run.cases[n] != 0;
        if (!run.failures[n])
            continue;
        wrong++;
        printf("row %u %s: %u of %u cases differ\n", n, isa_rows[n].mnemonic,
               run.failures[n], run.cases[n]);
    }
    if (!run.wanted_count && !run.single)
        for (unsigned n = 0; n < isa_row_count; n++) {
            const char *why = "";
            if (row_excluded(&isa_rows[n]) || run.cases[n])
                continue;
            if (native_cases(&isa_rows[n], &why))
                why = "no encoding found";
            if (why)
                printf("row %u %s: not run: %s\n", n, isa_rows[n].mnemonic, why);
        }
    for (unsigned n = 0; accepted_at(n); n++)
        if (run.accepted[n])
            printf("%8u accepted: %s\n", run.accepted[n], accepted_at(n)->reason);
    printf("%llu cases of %u rows (seed %" PRIu64
           "), %llu differ in %u rows; %.0f cases a "
           "second\n",
           run.at->cases, rows, run.seed, run.at->failures, wrong,
           (double)run.at->cases / seconds);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int work(const char *mode)
{
    struct cpu_model model;
    const char *why = "";
    double start = now();

    if (!cpu_model_parse("max", &model, NULL))
        return 2;
    /* Every row there is, whatever the models advertise yet. */
    model.features[0] = model.features[1] = UINT64_MAX;
    if (run.record)
        native_fs_usable = native_zmm_usable = false;
    if (run.avx512)
        native_zmm_usable = true;
    if (!native_init(&why)) {
        printf("skipped: %s\n", why);
        return 77;
    }
    if (native_failed()) {
        native_end();
        return 1;
    }
    if (accepted_at(ARRAY_SIZE(run.accepted))) {
        printf("more rules than run.accepted has room for\n");
        return 2;
    }
    if (!menura_init(&model) || !record_begin())
        return 2;
    memset(native_code(), FILLER, CODE_SIZE);
    memset(run.code_area, FILLER, CODE_SIZE);
    for (unsigned n = 0; n < ORACLE_MODES; n++)
        if (!mode || strcmp(mode, oracle_modes[n].name) == 0)
            run_mode(&oracle_modes[n]);
    summary(now() - start);
    native_end();
    if (!write_counts())
        printf("%s could not be written\n", run.counts);
    return run.at->failures != 0 || native_failed() || !record_end();
}

/* In a child, whose death the parent can tell about. */
static int watched(const char *mode)
{
    int status;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        int result = work(mode);
        fflush(stdout);
        _exit(result);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return 2;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    printf("died of signal %d after %llu cases, at %s row %u (%s) ", WTERMSIG(status),
           run.at->cases, run.at->e.mode ? run.at->e.mode->name : "?",
           run.at->e.row ? (unsigned)(run.at->e.row - isa_rows) : 0,
           run.at->e.row ? run.at->e.row->mnemonic : "?");
    print_bytes(run.at->e.bytes, run.at->e.len);
    printf(", seed 0x%" PRIx64 "\n", run.at->seed);
    return 1;
}

int main(int argc, char **argv)
{
    const char *mode = NULL;

    run.per_row = 2000;
    run.seed = 1;
    run.at = mmap(NULL, sizeof *run.at, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.at == MAP_FAILED)
        return 2;
    for (int n = 1; n < argc; n++) {
        if (strcmp(argv[n], "-n") == 0 && n + 1 < argc) {
            run.per_row = strtoull(argv[++n], NULL, 0);
        } else if (strcmp(argv[n], "-seed") == 0 && n + 1 < argc) {
            run.seed = strtoull(argv[++n], NULL, 0);
        } else if (strcmp(argv[n], "-mode") == 0 && n + 1 < argc) {
            mode = argv[++n];
        } else if (strcmp(argv[n], "-counts") == 0 && n + 1 < argc) {
            run.counts = argv[++n];
        } else if (strcmp(argv[n], "-record") == 0 && n + 1 < argc) {
            run.record = argv[++n];
        } else if (strcmp(argv[n], "-undefined") == 0) {
            run.undefined = true;
        } else if (strcmp(argv[n], "-avx512") == 0) {
            run.avx512 = true;
        } else if (strcmp(argv[n], "-v") == 0) {
            run.verbose = true;
        } else if (strcmp(argv[n], "-case") == 0 && n + 3 < argc) {
            run.single = run.verbose = true;
            mode = argv[++n];
            run.row = (unsigned)strtoul(argv[++n], NULL, 0) % isa_row_count;
            run.at->seed = strtoull(argv[++n], NULL, 0);
        } else {
            run.wanted = argv + n;
            run.wanted_count = argc - n;
            break;
        }
    }
    return watched(mode);
}
