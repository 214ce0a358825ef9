/* Every row of isa_mmx.def and isa_sse.def against the processor of an x86-64 host; and
 * a hash of what all of them did, recorded there, on every host.
 *
 * The row itself says how the instruction is encoded; operands are random bits mixed
 * with the values where arithmetic turns.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/cpu/simd_cpu.h"

#include <stdio.h>

enum { ROUNDS = 2000, TRAPS = 1000, HASHED = 200 };
#define RECORDED 0x1f786d45539fc69bull

struct host {
    uint64_t xmm[16][2];
    uint64_t mm[8];
    uint64_t gpr[16];
    uint64_t flags;
    uint64_t code; /* address of the instruction and a RET */
    uint32_t mxcsr;
    uint32_t x87[7]; /* as FNSTENV writes it: FCW, FSW, tags, ... */
    uint8_t memory[64]; /* at RSI and RDI */
};

/* ---- random operands ---- */

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t interesting(void)
{
    static const uint64_t words[] = {
        0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
        0xffffffff,
        0x8000800080008000, 0x7fff7fff7fff7fff, 0x8080808080808080, 0x7f7f7f7f7f7f7f7f,
        0x00ff00ff00ff00ff, 0x8000000000000000, 0x7fffffffffffffff, UINT64_MAX,
        /* doubles: 1, 1.5, -1, huge, tiny, denormals, infinities, NaNs, integers */
        0x3ff0000000000000, 0x3ff8000000000000, 0xbff0000000000000, 0x7fefffffffffffff,
        0x0010000000000000, 0x000fffffffffffff, 0x0000000000000001, 0x8000000000000001,
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
        0xfff8000000000123, 0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000000000,
        0xc1e0000000100000, 0x43e0000000000000, 0xc3e0000000000000, 0x3fe0000000000000,
        0x4004000000000000, 0x3fefffffffffffff,
    };
    static const uint32_t floats[] = {
        0, 0x80000000, 0x3f800000, 0xbf800000, 0x3fc00000, 0x7f7fffff, 0xff7fffff,
        0x00800000, 0x007fffff, 1, 0x80000001, 0x7f800000, 0xff800000, 0x7fc00000,
        0x7f800001, 0xffc00123, 0x4effffff, 0x4f000000, 0xcf000000, 0x5f000000,
        0xdf000000,
        0x3f000000, 0x40200000, 0x3f7fffff, 0x00000005, 0x40490fdb, 0x20000000,
        0x5f800000,
    };
    uint64_t r = random64(), v = random64();

    switch (r & 7) {
    case 0: return words[(r >> 8) % ARRAY_SIZE(words)];
    case 1:
    case 2:
        return floats[(r >> 8) % ARRAY_SIZE(floats)] |
               (uint64_t)floats[(r >> 16) % ARRAY_SIZE(floats)] << 32;
    case 3: /* doubles of like size */
        return (v & 0x800fffffffffffff) | (0x3f8 + (r >> 8 & 15)) << 52;
    case 4: /* floats of like size */
        return (v & 0x807fffff807fffff) | (0x7a + (r >> 8 & 7)) << 23 |
               (0x7a + (r >> 12 & 7)) << 55;
    case 5: return v & 0x0303030303030303; /* strings with repeats and ends */
    case 6: return v & (r >> 8);
    default: return v;
    }
}

/* ---- encoding a row ---- */

struct bytes {
    uint8_t at[15];
    unsigned n;
    bool memory;
};

static void put(struct bytes *b, unsigned v)
{
    b->at[b->n++] = (uint8_t)v;
}

/* Registers: XMM and MM any; general ones RAX, RCX, RDX, RBX. */
static struct bytes encode(const struct isa_row *r)
{
    static const uint8_t prefix[] = {0, 0, 0x66, 0xf3, 0xf2};
    struct bytes b = {.n = 0};
    uint64_t pick = random64();
    unsigned reg = 0, rm = 0, rex = 0, imm = (unsigned)(pick >> 32);
    bool has_rm = false, has_imm = false, may_be_memory = false, must = r->enc & MEM;
    bool wide = false;

    for (unsigned k = 0; k < 4 && r->operand[k]; k++) {
        const struct operand_info *o = &operand_info[r->operand[k]];
        wide |= o->size == SZ_Y;
        switch (o->class) {
        case OC_V: reg = pick >> 4 & 15; break;
        case OC_P: reg = pick >> 4 & 7; break;
        case OC_G: reg = pick >> 4 & 3; break;
        case OC_W: may_be_memory = true; /* fall through */
        case OC_U: rm = pick >> 8 & 15; has_rm = true; break;
        case OC_Q: may_be_memory = true; /* fall through */
        case OC_N: rm = pick >> 8 & 7; has_rm = true; break;
        case OC_E: may_be_memory = true; /* fall through */
        case OC_R: rm = pick >> 8 & 3; has_rm = true; break;
        case OC_M: must = true; has_rm = true; break;
        case OC_I: has_imm = true; break;
        default: break;
        }
    }
    if (r->enc & 1ull << 12)
        reg = r->enc >> 13 & 7;
    b.memory = must || (may_be_memory && !(r->enc & NOMEM) && pick & 1);
    if (b.memory)
        rm = 6; /* RSI */
    if (prefix[ENC_PREFIX(r->enc)])
        put(&b, prefix[ENC_PREFIX(r->enc)]);
    rex = (wide && pick & 2 ? 8u : 0u) | (reg & 8 ? 4u : 0u) | (rm & 8 ? 1u : 0u);
    if (rex)
        put(&b, 0x40 | rex);
    put(&b, 0x0f);
    if (ENC_MAP(r->enc) > 1)
        put(&b, ENC_MAP(r->enc) == 2 ? 0x38 : 0x3a);
    put(&b, ENC_OPCODE(r->enc));
    if (has_rm)
        put(&b, (b.memory ? 0 : 0xc0) | (reg & 7) << 3 | (rm & 7));
    if (has_imm) /* mostly small: what a shift or an index looks at */
        put(&b, pick >> 12 & 1 ? imm & 0xff : imm & 0x1f);
    return b;
}

static void set_up(struct rig *r, const struct host *before)
{
    struct cpu *c = &r->cpu;

    for (unsigned k = 0; k < 16; k++) {
        c->v[k].q[0] = before->xmm[k][0];
        c->v[k].q[1] = before->xmm[k][1];
        c->v[k].q[2] = ~(uint64_t)k; /* the upper half of YMM stays */
        c->gpr[k] = before->gpr[k];
    }
    c->gpr[RSI] = c->gpr[RDI] = DATA;
    for (unsigned k = 0; k < 8; k++)
        mmx_set(c, k, before->mm[k]);
    c->ftw = 0xff;
    c->fsw = 0;
    c->mxcsr = before->mxcsr;
    lazy_put(&c->lazy, (uint32_t)before->flags & F_OSZAPC);
    memcpy(r->ram + DATA, before->memory, 64);
}

static void make_operands(struct host *h)
{
    uint64_t *x = &h->xmm[0][0];

    for (unsigned k = 0; k < 32; k++)
        x[k] = interesting();
    if (random64() & 1) /* shift counts */
        for (unsigned k = 0; k < 32; k += 2)
            x[k] = random64() & 63;
    for (unsigned k = 0; k < 8; k++)
        h->mm[k] = random64() & 1 ? interesting() : random64() & 63;
    for (unsigned k = 0; k < 16; k++)
        h->gpr[k] = random64() & 1 ? interesting() : random64() % 20 - 2;
    for (unsigned k = 0; k < 64; k += 8)
        store64(h->memory + k, interesting());
    h->flags = 0x202 | (random64() & F_OSZAPC);
}

static general_fn *const tested[] = {
#define INSN(enc, mnemonic, handler, operands, feature, flags, traits) op_##handler,
#include "cpu/isa_mmx.def"
#include "cpu/isa_sse.def"
#undef INSN
};

/* VEX rows may share a handler; the native oracle has them (tests/isa). */
static bool under_test(const struct isa_row *row)
{
    if (row->enc & (VEX | EVEX))
        return false;
    for (unsigned t = 0; t < ARRAY_SIZE(tested); t++)
        if (row->general == tested[t])
            return true;
    return false;
}

/* ---- on any host ---- */

static uint64_t hash(uint64_t h, uint64_t v) /* FNV-1a by words */
{
    return (h ^ v) * 0x100000001b3;
}

/* Rounding, FTZ, DAZ, sticky flags; all masked. Every other time as most software has
 * it; the host's FPU may serve then. */
static uint32_t some_mxcsr(int round)
{
    uint32_t v = (uint32_t)random64();
    return round & 1 ? 0x1fa0 : 0x1f80 | (v & 0xe07f);
}

static uint64_t row_hash(struct rig *r, const struct isa_row *row, uint64_t h)
{
    static struct host before;
    const struct cpu *c = &r->cpu;

    for (int round = 0; round < HASHED; round++) {
        struct bytes b = encode(row);
        make_operands(&before);
        before.mxcsr = some_mxcsr(round);
        set_up(r, &before);
        h = hash(h, (uint64_t)rig_run(r, b.at, b.n));
        for (unsigned k = 0; k < 16; k++)
            h = hash(hash(h, c->v[k].q[0]), c->v[k].q[1]);
        for (unsigned k = 0; k < 8; k++)
            h = hash(hash(h, c->st[k].sig), c->gpr[k]);
        for (unsigned k = 0; k < 64; k += 8)
            h = hash(h, load64(r->ram + DATA + k));
        h = hash(hash(h, c->mxcsr), lazy_get(&c->lazy) | (uint64_t)c->ftw << 32);
    }
    return h;
}

/* What is recorded was found equal to a real processor's by the tests below, but for
 * the approximations, whose bits are ours. A changed row changes it: run those. */
static void every_row_does_the_same_on_every_host(void **state)
{
    struct rig *r = rig_new();
    uint64_t h = 0xcbf29ce484222325;

    (void)state;
    seed = 0x9e3779b97f4a7c15;
    for (unsigned k = 0; k < isa_row_count; k++)
        if (under_test(&isa_rows[k]))
            h = row_hash(r, &isa_rows[k], h);
    if (h != RECORDED)
        fail_msg("the hash is %016llx", (unsigned long long)h);
    rig_free(r);
}

#if defined(__x86_64__) && defined(__linux__)
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

/* Loads all, runs the instruction, stores all. R12 holds the struct; RSP, R12 to R15
 * are not operands. */
static void run_on_host(struct host *h)
{
    __asm__ volatile(
        "sub $256, %%rsp\n"
        "mov %0, %%r12\n"
        "movq 256(%%r12), %%mm0\n movq 264(%%r12), %%mm1\n"
        "movq 272(%%r12), %%mm2\n movq 280(%%r12), %%mm3\n"
        "movq 288(%%r12), %%mm4\n movq 296(%%r12), %%mm5\n"
        "movq 304(%%r12), %%mm6\n movq 312(%%r12), %%mm7\n"
        "emms\n"
        "ldmxcsr %c3(%%r12)\n"
        "movdqu 0(%%r12), %%xmm0\n movdqu 16(%%r12), %%xmm1\n"
        "movdqu 32(%%r12), %%xmm2\n movdqu 48(%%r12), %%xmm3\n"
        "movdqu 64(%%r12), %%xmm4\n movdqu 80(%%r12), %%xmm5\n"
        "movdqu 96(%%r12), %%xmm6\n movdqu 112(%%r12), %%xmm7\n"
        "movdqu 128(%%r12), %%xmm8\n movdqu 144(%%r12), %%xmm9\n"
        "movdqu 160(%%r12), %%xmm10\n movdqu 176(%%r12), %%xmm11\n"
        "movdqu 192(%%r12), %%xmm12\n movdqu 208(%%r12), %%xmm13\n"
        "movdqu 224(%%r12), %%xmm14\n movdqu 240(%%r12), %%xmm15\n"
        "push %c1(%%r12)\n popfq\n"
        "mov 320(%%r12), %%rax\n mov 328(%%r12), %%rcx\n mov 336(%%r12), %%rdx\n"
        "mov 344(%%r12), %%rbx\n mov 368(%%r12), %%rsi\n mov 376(%%r12), %%rdi\n"
        "mov 384(%%r12), %%r8\n mov 392(%%r12), %%r9\n mov 400(%%r12), %%r10\n"
        "mov 408(%%r12), %%r11\n"
        "call *%c2(%%r12)\n"
        "mov %%rax, 320(%%r12)\n mov %%rcx, 328(%%r12)\n mov %%rdx, 336(%%r12)\n"
        "mov %%rbx, 344(%%r12)\n mov %%r8, 384(%%r12)\n mov %%r9, 392(%%r12)\n"
        "mov %%r10, 400(%%r12)\n mov %%r11, 408(%%r12)\n"
        "pushfq\n pop %c1(%%r12)\n cld\n"
        "stmxcsr %c3(%%r12)\n"
        "movdqu %%xmm0, 0(%%r12)\n movdqu %%xmm1, 16(%%r12)\n"
        "movdqu %%xmm2, 32(%%r12)\n movdqu %%xmm3, 48(%%r12)\n"
        "movdqu %%xmm4, 64(%%r12)\n movdqu %%xmm5, 80(%%r12)\n"
        "movdqu %%xmm6, 96(%%r12)\n movdqu %%xmm7, 112(%%r12)\n"
        "movdqu %%xmm8, 128(%%r12)\n movdqu %%xmm9, 144(%%r12)\n"
        "movdqu %%xmm10, 160(%%r12)\n movdqu %%xmm11, 176(%%r12)\n"
        "movdqu %%xmm12, 192(%%r12)\n movdqu %%xmm13, 208(%%r12)\n"
        "movdqu %%xmm14, 224(%%r12)\n movdqu %%xmm15, 240(%%r12)\n"
        "fnstenv %c4(%%r12)\n"
        "movq %%mm0, 256(%%r12)\n movq %%mm1, 264(%%r12)\n"
        "movq %%mm2, 272(%%r12)\n movq %%mm3, 280(%%r12)\n"
        "movq %%mm4, 288(%%r12)\n movq %%mm5, 296(%%r12)\n"
        "movq %%mm6, 304(%%r12)\n movq %%mm7, 312(%%r12)\n"
        "emms\n"
        "add $256, %%rsp\n"
        :
        : "r"(h), "i"(offsetof(struct host, flags)), "i"(offsetof(struct host, code)),
          "i"(offsetof(struct host, mxcsr)), "i"(offsetof(struct host, x87))
        : "rax", "rcx", "rdx", "rbx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
          "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
    __asm__ volatile("ldmxcsr %0" : : "m"((const uint32_t){0x1f80}));
}

/* A bit for each empty x87 register. */
static unsigned host_empty(const struct host *h)
{
    unsigned empty = 0;
    for (unsigned n = 0; n < 8; n++)
        empty |= ((h->x87[2] >> 2 * n & 3) == 3 ? 1u : 0u) << n;
    return empty;
}

/* ---- the comparison ---- */

static void show(const struct isa_row *row, const struct bytes *b,
                 const struct host *before)
{
    fprintf(stderr, "%s:", row->mnemonic);
    for (unsigned k = 0; k < b->n; k++)
        fprintf(stderr, " %02x", b->at[k]);
    fprintf(stderr, "  mxcsr %04x\n", before->mxcsr);
}

static void differs(const struct isa_row *row, const struct bytes *b,
                    const struct host *before, const char *what, unsigned n,
                    uint64_t ours, uint64_t theirs)
{
    show(row, b, before);
    for (unsigned k = 0; k < 16; k++)
        fprintf(stderr, "  xmm%-2u %016llx %016llx\n", k,
                (unsigned long long)before->xmm[k][1],
                (unsigned long long)before->xmm[k][0]);
    for (unsigned k = 0; k < 8; k++)
        fprintf(stderr, "  mm%u %016llx\n", k, (unsigned long long)before->mm[k]);
    for (unsigned k = 0; k < 32; k += 8)
        fprintf(stderr, "  memory %016llx\n",
                (unsigned long long)load64(before->memory + k));
    fail_msg("%s: %s%u is %016llx, the host has %016llx", row->mnemonic, what, n,
             (unsigned long long)ours, (unsigned long long)theirs);
}

static void same_on_both(struct rig *r, const struct isa_row *row, uint8_t *page,
                         int rounds)
{
    static struct host before;
    static _Alignas(64) struct host after;
    struct cpu *c = &r->cpu;

    for (int round = 0; round < rounds; round++) {
        struct bytes b = encode(row);
        uint32_t flags_defined = row->writes;
        int vector;

        make_operands(&before);
        before.mxcsr = some_mxcsr(round);
        before.code = (uint64_t)(uintptr_t)page;
        memcpy(page, b.at, b.n);
        page[b.n] = 0xc3;

        after = before;
        after.gpr[RSI] = after.gpr[RDI] = (uint64_t)(uintptr_t)after.memory;
        run_on_host(&after);

        set_up(r, &before);
        vector = rig_run(r, b.at, b.n);
        if (vector != -1)
            show(row, &b, &before);
        assert_int_equal(vector, -1);
        for (unsigned k = 0; k < 32; k++)
            if (c->v[k / 2].q[k % 2] != after.xmm[k / 2][k % 2])
                differs(row, &b, &before, "xmm", k / 2, c->v[k / 2].q[k % 2],
                        after.xmm[k / 2][k % 2]);
        for (unsigned k = 0; k < 16; k++)
            if (c->v[k].q[2] != ~(uint64_t)k)
                differs(row, &b, &before, "upper", k, c->v[k].q[2], ~(uint64_t)k);
        for (unsigned k = 0; k < 8; k++)
            if (mmx_get(c, k) != after.mm[k])
                differs(row, &b, &before, "mm", k, mmx_get(c, k), after.mm[k]);
        for (unsigned k = 0; k < 4; k++)
            if (c->gpr[k] != after.gpr[k])
                differs(row, &b, &before, "gpr", k, c->gpr[k], after.gpr[k]);
        for (unsigned k = 0; k < 64; k += 8)
            if (load64(r->ram + DATA + k) != load64(after.memory + k))
                differs(row, &b, &before, "memory", k, load64(r->ram + DATA + k),
                        load64(after.memory + k));
        if (c->mxcsr != after.mxcsr)
            differs(row, &b, &before, "mxcsr", 0, c->mxcsr, after.mxcsr);
        if (c->ftw != host_empty(&after))
            differs(row, &b, &before, "empty", 0, c->ftw, host_empty(&after));
        if (((lazy_get(&c->lazy) ^ after.flags) & F_OSZAPC) &&
            (flags_defined || (lazy_get(&c->lazy) ^ before.flags) & F_OSZAPC))
            differs(row, &b, &before, "flags", 0, lazy_get(&c->lazy), after.flags);
    }
}

/* ---- unmasked exceptions: SIGFPE on the host ---- */

static sigjmp_buf trapped;
static uint32_t trapped_mxcsr;

static void on_trap(int number, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    (void)number;
    (void)info;
    trapped_mxcsr = u->uc_mcontext.fpregs->mxcsr;
    siglongjmp(trapped, 1);
}

static void same_traps_on_both(struct rig *r, const struct isa_row *row, uint8_t *page,
                               int rounds)
{
    static struct host before;
    static _Alignas(64) struct host after;
    static volatile bool trap;

    for (volatile int round = 0; round < rounds; round++) {
        struct bytes b = encode(row);
        int vector;

        make_operands(&before);
        before.mxcsr = (uint32_t)random64() & 0xffc0;
        before.code = (uint64_t)(uintptr_t)page;
        memcpy(page, b.at, b.n);
        page[b.n] = 0xc3;
        after = before;
        after.gpr[RSI] = after.gpr[RDI] = (uint64_t)(uintptr_t)after.memory;
        trap = false;
        if (sigsetjmp(trapped, 1) == 0) {
            run_on_host(&after);
        } else {
            trap = true;
            __asm__ volatile("emms");
        }
        set_up(r, &before);
        vector = rig_run(r, b.at, b.n);
        if (vector != (trap ? VEC_XM : -1))
            differs(row, &b, &before, "vector", 0, (uint64_t)vector,
                    trap ? VEC_XM : UINT64_MAX);
        if (trap && r->cpu.mxcsr != trapped_mxcsr)
            differs(row, &b, &before, "mxcsr at #XM ", 0, r->cpu.mxcsr, trapped_mxcsr);
        for (unsigned k = 0; trap && k < 32; k++)
            if (r->cpu.v[k / 2].q[k % 2] != before.xmm[k / 2][k % 2])
                differs(row, &b, &before, "after #XM xmm", k / 2,
                        r->cpu.v[k / 2].q[k % 2], before.xmm[k / 2][k % 2]);
    }
}

static bool approximate(const struct isa_row *row)
{
    return row->general == op_sse_rcpps || row->general == op_sse_rcpss ||
           row->general == op_sse_rsqrtps || row->general == op_sse_rsqrtss;
}

/* A page for code; the test is skipped where the host gives none. */
static uint8_t *code_page(void)
{
    uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED)
        return page;
    print_message("skipped: the host gives no page that is writable and executable\n");
    skip();
    return NULL;
}

static void every_row_does_what_the_host_does(void **state)
{
    uint8_t *page = code_page();
    struct rig *r = rig_new();
    unsigned seen = 0;

    (void)state;
    for (unsigned k = 0; k < isa_row_count; k++) {
        if (!under_test(&isa_rows[k]))
            continue;
        seen++;
        if (!approximate(&isa_rows[k]))
            same_on_both(r, &isa_rows[k], page, ROUNDS);
    }
    assert_int_equal(seen, ARRAY_SIZE(tested));
    munmap(page, 4096);
    rig_free(r);
}

static void unmasked_exceptions_trap_where_the_host_traps(void **state)
{
    uint8_t *page = code_page();
    struct rig *r = rig_new();
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO}, old;

    (void)state;
    sigaction(SIGFPE, &action, &old);
    for (unsigned k = 0; k < isa_row_count; k++)
        if (under_test(&isa_rows[k]) && (isa_rows[k].traits & T_SSE) &&
            !approximate(&isa_rows[k]))
            same_traps_on_both(r, &isa_rows[k], page, TRAPS);
    sigaction(SIGFPE, &old, NULL);
    munmap(page, 4096);
    rig_free(r);
}

#else

static void every_row_does_what_the_host_does(void **state)
{
    (void)state;
    print_message("skipped: the host is no x86-64 Linux\n");
    skip();
}

static void unmasked_exceptions_trap_where_the_host_traps(void **state)
{
    (void)state;
    print_message("skipped: the host is no x86-64 Linux\n");
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_does_the_same_on_every_host),
        cmocka_unit_test(every_row_does_what_the_host_does),
        cmocka_unit_test(unmasked_exceptions_trap_where_the_host_traps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
