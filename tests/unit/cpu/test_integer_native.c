/* The integer instructions against the processor the test runs on: the same bytes, the
 * same registers, the same flags. Undefined flags are compared only on the family the
 * handlers follow (AMD Zen 3, family 19h). */
#include "int_bench.h"

#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/mman.h>

/* RBX stands at its place; RSP and RBP are not loaded. */
enum { A, C, D, B, SI, DI, N8, N9, REGS };
struct native {
    uint64_t reg[REGS], flags;
};

static uint8_t *page;

/* Runs the bytes in `page` natively. */
static void native_run(struct native *r)
{
    void *code = page;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "push %%rbp\n\tpush %%rbx\n\tpush %[code]\n\t"
                     "mov %[r], %%rbp\n\t"
                     "push 64(%%rbp)\n\tpopfq\n\t"
                     "mov 0(%%rbp), %%rax\n\tmov 8(%%rbp), %%rcx\n\t"
                     "mov 16(%%rbp), %%rdx\n\tmov 24(%%rbp), %%rbx\n\t"
                     "mov 32(%%rbp), %%rsi\n\tmov 40(%%rbp), %%rdi\n\t"
                     "mov 48(%%rbp), %%r8\n\tmov 56(%%rbp), %%r9\n\t"
                     "call *(%%rsp)\n\t"
                     "pushfq\n\tpop 64(%%rbp)\n\tcld\n\t"
                     "mov %%rax, 0(%%rbp)\n\tmov %%rcx, 8(%%rbp)\n\t"
                     "mov %%rdx, 16(%%rbp)\n\tmov %%rbx, 24(%%rbp)\n\t"
                     "mov %%rsi, 32(%%rbp)\n\tmov %%rdi, 40(%%rbp)\n\t"
                     "mov %%r8, 48(%%rbp)\n\tmov %%r9, 56(%%rbp)\n\t"
                     "add $8, %%rsp\n\tpop %%rbx\n\tpop %%rbp\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : [r] "+a"(r), [code] "+d"(code)
                     :
                     : "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory");
}

static uint64_t seed = 88172645463325252ull;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Random bits, small numbers, and numbers about the edges of each width. */
static uint64_t random_operand(void)
{
    static const uint8_t widths[] = {7, 8, 15, 16, 31, 32, 63, 64};
    uint64_t edge;

    switch (random64() % 5) {
    case 0: return random64();
    case 1: return random64() % 40;
    case 2: return 0 - random64() % 40;
    case 3: return random64() >> random64() % 64;
    default:
        edge = random64() % 8;
        edge = widths[edge] == 64 ? 0 : 1ull << widths[edge];
        return edge + random64() % 5 - 2;
    }
}

enum { GUEST = 0x40000, AREA = 4096 };
static const uint16_t gpr_of[REGS] = {RAX, RCX, RDX, RBX, RSI, RDI, R8, R9};
static bool zen3; /* its undefined flags are known; Zen 4 has others (BSF of zero) */
static uint8_t *area; /* the native twin of guest memory at GUEST */
static unsigned compared, refused;

static void check_case(struct bench *b, const uint8_t *bytes, unsigned n,
                       struct native before, bool memory)
{
    const struct isa_row *row = NULL;
    struct native r = before;
    struct cpu *c = b->cpu;
    uint64_t emulated[REGS], mask, flags;
    int how;

    for (unsigned k = 0; k < REGS; k++)
        c->gpr[gpr_of[k]] = before.reg[k];
    if (memory) {
        memcpy(b->ram + GUEST, area, AREA);
        c->gpr[RSI] = GUEST + before.reg[SI];
        c->gpr[RDI] = GUEST + before.reg[DI];
        r.reg[SI] = (uintptr_t)area + before.reg[SI];
        r.reg[DI] = (uintptr_t)area + before.reg[DI];
    }
    bench_set_flags(c, before.flags);
    how = bench_run(b, bytes, n, 1000000, &row);
    if (how == VEC_DE) {
        refused++;
        return; /* natively it would be a signal */
    }
    if (how != BENCH_OK || c->rip != BENCH_RIP + n)
        fail_msg("%02x %02x %02x %02x: vector %d rip %llx", bytes[0], bytes[1],
                 bytes[2], bytes[3], how, (unsigned long long)c->rip);
    memcpy(page, bytes, n);
    page[n] = 0xc3;
    native_run(&r);
    for (unsigned k = 0; k < REGS; k++)
        emulated[k] = c->gpr[gpr_of[k]];
    if (memory) {
        emulated[SI] -= GUEST;
        emulated[DI] -= GUEST;
        r.reg[SI] -= (uintptr_t)area;
        r.reg[DI] -= (uintptr_t)area;
    }
    mask = F_OSZAPC | FLAG_DF;
    if (!zen3)
        mask &= ~(uint64_t)row->undefined;
    flags = bench_flags(c);
    compared++;
    for (unsigned k = 0; k < REGS; k++)
        if (emulated[k] != r.reg[k])
            fail_msg(
                "%s %02x %02x %02x %02x: register %u is %llx, natively %llx (a %llx c "
                "%llx d %llx flags %llx)",
                row->mnemonic, bytes[0], bytes[1], bytes[2], bytes[3], k,
                (unsigned long long)emulated[k], (unsigned long long)r.reg[k],
                (unsigned long long)before.reg[A], (unsigned long long)before.reg[C],
                (unsigned long long)before.reg[D], (unsigned long long)before.flags);
    if ((flags ^ r.flags) & mask)
        fail_msg(
            "%s %02x %02x %02x %02x: flags %llx, natively %llx, before %llx (a %llx c "
            "%llx d %llx)",
            row->mnemonic, bytes[0], bytes[1], bytes[2], bytes[3],
            (unsigned long long)(flags & mask), (unsigned long long)(r.flags & mask),
            (unsigned long long)before.flags, (unsigned long long)before.reg[A],
            (unsigned long long)before.reg[C], (unsigned long long)before.reg[D]);
    if (memory && memcmp(b->ram + GUEST, area, AREA))
        fail_msg("%s %02x %02x %02x %02x: memory differs", row->mnemonic, bytes[0],
                 bytes[1], bytes[2], bytes[3]);
}

static struct native random_state(void)
{
    struct native r;

    for (unsigned k = 0; k < REGS; k++)
        r.reg[k] = random_operand();
    r.flags = 0x202 | (random64() & F_OSZAPC);
    return r;
}

/* Memory operands lie at [RSI], in the middle of the area. */
static void check_random(struct bench *b, const uint8_t *bytes, unsigned n,
                         unsigned times, bool memory)
{
    for (unsigned k = 0; k < times; k++) {
        struct native r = random_state();
        if (memory) {
            for (unsigned m = 0; m < AREA; m += 8) {
                uint64_t v = random_operand();
                memcpy(area + m, &v, 8);
            }
            r.reg[SI] = AREA / 2 + random64() % 8;
            r.reg[DI] = AREA / 2 + random64() % 8;
        }
        check_case(b, bytes, n, r, memory);
    }
}

/* An opcode with each operand size, with register and with memory r/m, ModRM.reg `reg`
 * and `imms` random immediate bytes (doubled as "z" says for size 16 and more). */
enum { IMM_NONE, IMM_8, IMM_Z };
struct form {
    uint8_t lead[3]; /* mandatory prefix, 0F, map; 0 for none */
    uint8_t op;
    int8_t reg; /* -1: a register operand */
    uint8_t imm;
    bool byte; /* no operand sizes */
    bool locked;
};

static unsigned put_lead(uint8_t *to, const struct form *f, uint8_t size)
{
    unsigned n = 0;

    if (size == 0x66)
        to[n++] = size;
    if (f->lead[0])
        to[n++] = f->lead[0];
    if (size == 0x48)
        to[n++] = size;
    if (f->lead[1])
        to[n++] = f->lead[1];
    if (f->lead[2])
        to[n++] = f->lead[2];
    to[n++] = f->op;
    return n;
}

static void check_form(struct bench *b, const struct form *f)
{
    static const uint8_t sizes[] = {0, 0x66, 0x48};

    for (unsigned s = 0; s < (f->byte ? 1u : 3u); s++)
        for (unsigned variant = 0; variant < 40; variant++) {
            bool memory = variant % 3 == 2;
            uint8_t bytes[16];
            unsigned n = 0, imm = 0, reg = f->reg >= 0 ? (unsigned)f->reg : variant % 4;
            unsigned rm = memory ? 6 : (variant / 4) % 4;
            if (f->locked && memory && variant % 2)
                bytes[n++] = 0xf0;
            n += put_lead(bytes + n, f, sizes[s]);
            /* Byte registers 4 to 7 are AH, CH, DH, BH. */
            if (f->byte && !memory && variant & 1) {
                rm += 4;
                reg += f->reg < 0 ? 4 : 0;
            }
            bytes[n++] = (uint8_t)((memory ? 0 : 0xc0) | reg << 3 | rm);
            if (f->imm == IMM_8)
                imm = 1;
            else if (f->imm == IMM_Z)
                imm = f->byte ? 1 : sizes[s] == 0x66 ? 2 : 4;
            for (; imm; imm--)
                bytes[n++] = (uint8_t)random_operand();
            check_random(b, bytes, n, 40, memory);
        }
}

static void check_forms(struct bench *b, const struct form *f, unsigned count)
{
    compared = refused = 0;
    for (unsigned k = 0; k < count; k++)
        check_form(b, &f[k]);
}

static struct bench bench;

/* Of family 19h, by CPUID.1:EAX: models 10h to 1Fh and from 60h on are Zen 4. */
static bool is_zen3_model(unsigned eax)
{
    unsigned model = (eax >> 4 & 15) | (eax >> 12 & 0xf0);
    return model < 0x10 || (model >= 0x20 && model < 0x60);
}

static int set_up(void **state)
{
    unsigned a = 0, bb = 0, cc = 0, d = 0;

    bench_init(&bench);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area = malloc(AREA);
    if (page == MAP_FAILED || !area)
        return -1;
    __get_cpuid(0, &a, &bb, &cc, &d);
    zen3 = cc == 0x444d4163; /* "cAMD" */
    __get_cpuid(1, &a, &bb, &cc, &d);
    zen3 = zen3 && (a >> 8 & 15) + (a >> 20 & 255) == 0x19 && is_zen3_model(a);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    munmap(page, 4096);
    free(area);
    return 0;
}

static void the_two_operand_group_gives_the_hosts_results_and_flags(void **state)
{
    for (unsigned n = 0; n < 8; n++) {
        const int8_t g = (int8_t)n;
        const uint8_t op = (uint8_t)(8 * n);
        const bool lock = n != 7;
        const struct form f[] = {
            {{0}, op, -1, 0, true, lock},
            {{0}, (uint8_t)(op + 1), -1, 0, false, lock},
            {{0}, (uint8_t)(op + 2), -1, 0, true, false},
            {{0}, (uint8_t)(op + 3), -1, 0, false, false},
            {{0}, 0x80, g, IMM_8, true, lock},
            {{0}, 0x81, g, IMM_Z, false, lock},
            {{0}, 0x83, g, IMM_8, false, lock},
        };
        check_forms(*state, f, ARRAY_SIZE(f));
    }
    assert_true(compared > 1000);
}

static void one_operand_arithmetic_gives_the_hosts_results_and_flags(void **state)
{
    static const struct form f[] = {
        {{0}, 0x84, -1, 0, true, false},    {{0}, 0x85, -1, 0, false, false},
        {{0}, 0xf6, 0, IMM_8, true, false}, {{0}, 0xf7, 0, IMM_Z, false, false},
        {{0}, 0xf6, 2, 0, true, true},      {{0}, 0xf7, 2, 0, false, true},
        {{0}, 0xf6, 3, 0, true, true},      {{0}, 0xf7, 3, 0, false, true},
        {{0}, 0xfe, 0, 0, true, true},      {{0}, 0xff, 0, 0, false, true},
        {{0}, 0xfe, 1, 0, true, true},      {{0}, 0xff, 1, 0, false, true},
    };
    check_forms(*state, f, ARRAY_SIZE(f));
    assert_true(compared > 1000);
}

static void multiplication_gives_the_hosts_results_and_flags(void **state)
{
    static const struct form f[] = {
        {{0}, 0xf6, 4, 0, true, false},         {{0}, 0xf7, 4, 0, false, false},
        {{0}, 0xf6, 5, 0, true, false},         {{0}, 0xf7, 5, 0, false, false},
        {{0, 0x0f}, 0xaf, -1, 0, false, false}, {{0}, 0x69, -1, IMM_Z, false, false},
        {{0}, 0x6b, -1, IMM_8, false, false},
    };
    check_forms(*state, f, ARRAY_SIZE(f));
    assert_true(compared > 1000);
}

static void division_gives_the_hosts_results_and_flags(void **state)
{
    static const struct form f[] = {
        {{0}, 0xf6, 6, 0, true, false},
        {{0}, 0xf7, 6, 0, false, false},
        {{0}, 0xf6, 7, 0, true, false},
        {{0}, 0xf7, 7, 0, false, false},
    };
    check_forms(*state, f, ARRAY_SIZE(f));
    assert_true(compared > 1000);
    assert_true(refused > 100);
}

static void shifts_and_rotates_give_the_hosts_results_and_flags(void **state)
{
    for (unsigned n = 0; n < 8; n++) {
        const int8_t g = (int8_t)n;
        const struct form f[] = {
            {{0}, 0xc0, g, IMM_8, true, false}, {{0}, 0xc1, g, IMM_8, false, false},
            {{0}, 0xd0, g, 0, true, false},     {{0}, 0xd1, g, 0, false, false},
            {{0}, 0xd2, g, 0, true, false},     {{0}, 0xd3, g, 0, false, false},
        };
        check_forms(*state, f, ARRAY_SIZE(f));
    }
    assert_true(compared > 1000);
}

static void double_shifts_give_the_hosts_results_and_flags(void **state)
{
    static const struct form f[] = {
        {{0, 0x0f}, 0xa4, -1, IMM_8, false, false},
        {{0, 0x0f}, 0xa5, -1, 0, false, false},
        {{0, 0x0f}, 0xac, -1, IMM_8, false, false},
        {{0, 0x0f}, 0xad, -1, 0, false, false},
    };
    check_forms(*state, f, ARRAY_SIZE(f));
    assert_true(compared > 1000);
}

/* With a memory operand the bit offset must stay in the area. */
static void bit_instructions_give_the_hosts_results_and_flags(void **state)
{
    static const struct form immediate[] = {
        {{0, 0x0f}, 0xba, 4, IMM_8, false, false},
        {{0, 0x0f}, 0xba, 5, IMM_8, false, true},
        {{0, 0x0f}, 0xba, 6, IMM_8, false, true},
        {{0, 0x0f}, 0xba, 7, IMM_8, false, true},
        {{0, 0x0f}, 0xbc, -1, 0, false, false},
        {{0, 0x0f}, 0xbd, -1, 0, false, false},
    };
    static const uint8_t ops[] = {0xa3, 0xab, 0xb3, 0xbb};
    static const uint8_t sizes[] = {0x3e, 0x66, 0x48};
    struct bench *b = *state;

    check_forms(b, immediate, ARRAY_SIZE(immediate));
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++)
        for (unsigned s = 0; s < 3; s++) {
            const uint8_t reg[] = {sizes[s], 0x0f, ops[k], 0xc0 | 1 << 3 | 2};
            const uint8_t mem[] = {sizes[s], 0x0f, ops[k], 1 << 3 | 6};
            check_random(b, reg, 4, 1000, false);
            for (unsigned n = 0; n < 1000; n++) {
                struct native r = random_state();
                uint64_t far = random64() % 16000 - 8000;
                uint64_t mask = s == 1 ? 0xffff : s == 0 ? 0xffffffff : ~0ull;
                r.reg[C] = (r.reg[C] & ~mask) | (far & mask);
                r.reg[SI] = AREA / 2;
                r.reg[DI] = 0;
                check_case(b, mem, 4, r, true);
            }
        }
    assert_true(compared > 1000);
}

static void counts_of_bits_give_the_hosts_results_and_flags(void **state)
{
    static const struct form popcnt = {{0xf3, 0x0f}, 0xb8, -1, 0, false, false};
    static const struct form lzcnt = {{0xf3, 0x0f}, 0xbd, -1, 0, false, false};
    static const struct form tzcnt = {{0xf3, 0x0f}, 0xbc, -1, 0, false, false};
    struct bench *b = *state;

    if (__builtin_cpu_supports("popcnt"))
        check_form(b, &popcnt);
    b->model.features[CPUID_LZCNT / 64] &= ~(1ull << (CPUID_LZCNT % 64));
    b->model.features[CPUID_BMI1 / 64] &= ~(1ull << (CPUID_BMI1 % 64));
    if (__builtin_cpu_supports("bmi")) {
        b->model.features[CPUID_LZCNT / 64] |= 1ull << (CPUID_LZCNT % 64);
        b->model.features[CPUID_BMI1 / 64] |= 1ull << (CPUID_BMI1 % 64);
    }
    check_form(b, &lzcnt);
    check_form(b, &tzcnt);
    memset(b->model.features, 0xff, sizeof b->model.features);
    assert_true(compared > 1000);
}

static void conditions_give_the_hosts_results(void **state)
{
    for (unsigned cc = 0; cc < 16; cc++) {
        const struct form f[] = {
            {{0, 0x0f}, (uint8_t)(0x90 + cc), 0, 0, true, false},
            {{0, 0x0f}, (uint8_t)(0x40 + cc), -1, 0, false, false},
        };
        check_forms(*state, f, ARRAY_SIZE(f));
    }
    assert_true(compared > 1000);
}

static void moves_and_exchanges_give_the_hosts_results(void **state)
{
    static const struct form f[] = {
        {{0}, 0x86, -1, 0, true, true},         {{0}, 0x87, -1, 0, false, true},
        {{0}, 0x88, -1, 0, true, false},        {{0}, 0x89, -1, 0, false, false},
        {{0}, 0x8a, -1, 0, true, false},        {{0}, 0x8b, -1, 0, false, false},
        {{0}, 0xc6, 0, IMM_8, true, false},     {{0}, 0xc7, 0, IMM_Z, false, false},
        {{0}, 0x63, -1, 0, false, false},       {{0, 0x0f}, 0xb6, -1, 0, false, false},
        {{0, 0x0f}, 0xb7, -1, 0, false, false}, {{0, 0x0f}, 0xbe, -1, 0, false, false},
        {{0, 0x0f}, 0xbf, -1, 0, false, false}, {{0, 0x0f}, 0xb0, -1, 0, true, true},
        {{0, 0x0f}, 0xb1, -1, 0, false, true},  {{0, 0x0f}, 0xc0, -1, 0, true, true},
        {{0, 0x0f}, 0xc1, -1, 0, false, true},
    };
    static const uint8_t plain[] = {0x98, 0x99, 0x90, 0x91, 0x92, 0x9e,
                                    0x9f, 0xf5, 0xf8, 0xf9, 0xfc, 0xfd};
    struct bench *b = *state;

    check_forms(b, f, ARRAY_SIZE(f));
    for (unsigned k = 0; k < ARRAY_SIZE(plain); k++) {
        const uint8_t one[] = {0x3e, plain[k]}, two[] = {0x66, plain[k]},
                      three[] = {0x48, plain[k]}, four[] = {0x49, plain[k]};
        check_random(b, one, 2, 200, false);
        check_random(b, two, 2, 200, false);
        check_random(b, three, 2, 200, false);
        if ((plain[k] & 0xf8) == 0x90 && plain[k] < 0x92) /* R8, R9 */
            check_random(b, four, 2, 200, false);
    }
    for (unsigned k = 0; k < 4; k++) { /* BSWAP */
        const uint8_t plain32[] = {0x0f, (uint8_t)(0xc8 + k)};
        const uint8_t wide[] = {0x48, 0x0f, (uint8_t)(0xc8 + k)};
        check_random(b, plain32, 2, 200, false);
        check_random(b, wide, 3, 200, false);
    }
    assert_true(compared > 1000);
}

static void crc32_gives_the_hosts_results(void **state)
{
    static const struct form f[] = {
        {{0xf2, 0x0f, 0x38}, 0xf0, -1, 0, false, false},
        {{0xf2, 0x0f, 0x38}, 0xf1, -1, 0, false, false},
    };
    if (!__builtin_cpu_supports("sse4.2")) {
        print_message("skipped: the host has no CRC32 instruction\n");
        skip();
    }
    check_forms(*state, f, ARRAY_SIZE(f));
    assert_true(compared > 1000);
}

static void adcx_and_adox_give_the_hosts_results_and_flags(void **state)
{
    unsigned a = 0, ebx = 0, ecx = 0, d = 0;

    if (!__get_cpuid_count(7, 0, &a, &ebx, &ecx, &d) || !(ebx & 1 << 19)) {
        print_message("skipped: the host has no ADX\n");
        skip();
    }
    compared = 0;
    for (unsigned k = 0; k < 4; k++) {
        const uint8_t bytes[] = {
            k & 1 ? 0xf3 : 0x66, k & 2 ? 0x48 : 0x40, 0x0f, 0x38, 0xf6, 0xca};
        check_random(*state, bytes, sizeof bytes, 1000, false);
    }
    assert_true(compared > 1000);
}

static void string_instructions_give_the_hosts_results(void **state)
{
    static const uint8_t ops[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa,
                                  0xab, 0xac, 0xad, 0xae, 0xaf};
    static const uint8_t sizes[] = {0x3e, 0x66, 0x48};
    static const uint8_t reps[] = {0x3e, 0xf2, 0xf3};
    struct bench *b = *state;

    compared = 0;
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++)
        for (unsigned n = 0; n < 4500; n++) {
            /* REX must come last. */
            const uint8_t size = sizes[n % 3], rep = reps[n / 3 % 3];
            const uint8_t bytes[] = {rep, size, ops[k]};
            struct native r = random_state();
            unsigned kinds = n % 2 ? 2 : 256;
            for (unsigned m = 0; m < AREA; m++)
                area[m] = (uint8_t)(random64() % kinds);
            r.reg[C] = random64() % 40;
            r.reg[SI] = 1024 + random64() % 1024;
            r.reg[DI] =
                n % 4 ? r.reg[SI] + random64() % 64 - 32 : random64() % 512 + 512;
            r.reg[A] = n % 5 ? random64() % 2 * 0x0101010101010101 : r.reg[A];
            if (random64() & 1)
                r.flags |= FLAG_DF;
            check_case(b, bytes, 3, r, true);
        }
    assert_true(compared > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_operand_group_gives_the_hosts_results_and_flags),
        cmocka_unit_test(one_operand_arithmetic_gives_the_hosts_results_and_flags),
        cmocka_unit_test(multiplication_gives_the_hosts_results_and_flags),
        cmocka_unit_test(division_gives_the_hosts_results_and_flags),
        cmocka_unit_test(shifts_and_rotates_give_the_hosts_results_and_flags),
        cmocka_unit_test(double_shifts_give_the_hosts_results_and_flags),
        cmocka_unit_test(bit_instructions_give_the_hosts_results_and_flags),
        cmocka_unit_test(counts_of_bits_give_the_hosts_results_and_flags),
        cmocka_unit_test(conditions_give_the_hosts_results),
        cmocka_unit_test(moves_and_exchanges_give_the_hosts_results),
        cmocka_unit_test(crc32_gives_the_hosts_results),
        cmocka_unit_test(adcx_and_adox_give_the_hosts_results_and_flags),
        cmocka_unit_test(string_instructions_give_the_hosts_results),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
#else
int main(void)
{
    printf("skipped: the host is not x86-64 Linux\n");
    return 77;
}
#endif
