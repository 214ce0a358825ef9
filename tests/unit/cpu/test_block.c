/* Blocks as the run loop runs them: joined neighbours, patched code, RF. Each program also
 * runs in blocks of one instruction, and must end the same way. */
#include "control_world.h"

#include "cpu/block.h"

enum {
    PDPT = PML4 + PAGE, PD = PDPT + PAGE, DATA = 0x20000, DATA_SIZE = 0x4000,
    STACK = 0x30000, SLICE = 100000,
};

struct engine {
    struct world *w;
    struct code_cache *cache;
    struct cpu *cpu;
    struct cpu **cpus;
};

static void written(void *owner, uint32_t page, unsigned at, unsigned size)
{
    code_cache_written(owner, page, at, size);
}

/* 64-bit code at level 0, memory mapped one to one by a 2 MiB page. */
static struct engine engine_new(bool one_by_one)
{
    struct engine e = {.w = world_new(),
                       .cache = calloc(1, sizeof *e.cache),
                       .cpus = calloc(1, sizeof *e.cpus)};
    struct cpu *c = e.cpu = &e.w->cpu;

    assert_non_null(e.cache);
    assert_non_null(e.cpus);
    memset(e.cache, 0, sizeof *e.cache);
    e.cpus[0] = c;
    gdt_set(e.w, K_CODE64, desc(0, 0xfffff, 0xa09b));
    gdt_set(e.w, K_DATA, desc(0, 0xfffff, 0xc093));
    store64(e.w->ram + PML4, PDPT | 3);
    store64(e.w->ram + PDPT, PD | 3);
    store64(e.w->ram + PD, 0x83);
    c->gdtr_base = GDT;
    c->gdtr_limit = GDT_LIMIT;
    c->cr0 = 0x80000011;
    c->cr3 = PML4;
    c->cr4 = 0x20;
    c->efer = 0x500;
    for (unsigned s = 0; s < SREGS; s++)
        force(e.w, s, s == CS ? K_CODE64 : K_DATA);
    c->page = NO_PAGE;
    c->cache = e.cache;
    c->force_step = one_by_one;
    assert_true(code_cache_init(e.cache, &e.w->phys, e.cpus, 1));
    e.w->phys.code_written = written;
    e.w->phys.owner = e.cache;
    rederive(e.w);
    c->gpr[RSP] = STACK;
    return e;
}

static void engine_free(struct engine *e)
{
    code_cache_free(e->cache);
    free(e->cache);
    free(e->cpus);
    world_free(e->w);
}

/* To its HLT, in slices of odd lengths. */
static void run(struct engine *e)
{
    unsigned ticks = 977;
    for (unsigned n = 0; n < 1000 && e->cpu->activity == ACTIVITY_RUN; n++)
        cpu_run(e->cpu, ticks = ticks * 7 % 4001 + 1);
    assert_int_equal(e->cpu->activity, ACTIVITY_HALT);
}

static void assert_same_end(const struct engine *a, const struct engine *b)
{
    for (unsigned n = 0; n < 16; n++)
        assert_int_equal(a->cpu->gpr[n], b->cpu->gpr[n]);
    assert_int_equal(cpu_flags(a->cpu), cpu_flags(b->cpu));
    assert_int_equal(a->cpu->retired, b->cpu->retired);
    assert_memory_equal(a->w->ram, b->w->ram, RAM_SIZE);
}

/* ---- joined neighbours ---- */

struct program {
    uint8_t bytes[2048];
    unsigned size;
    uint64_t random;
};

static unsigned any(struct program *p, unsigned n)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return (unsigned)(p->random >> 20) % n;
}

static void put(struct program *p, unsigned byte)
{
    p->bytes[p->size++] = (uint8_t)byte;
}

/* REX, opcode, ModRM of two registers. */
static void put_rr(struct program *p, unsigned wide, unsigned op, unsigned reg, unsigned rm)
{
    put(p, 0x40 | wide << 3 | (reg >> 3) << 2 | rm >> 3);
    if (op > 0xff)
        put(p, op >> 8);
    put(p, op & 0xff);
    put(p, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* [rbx + disp8], or [rbx + r15 * 4 + disp8]. */
static void put_memory(struct program *p, unsigned wide, unsigned op, unsigned reg)
{
    bool index = any(p, 2);
    put(p, 0x40 | wide << 3 | (reg >> 3) << 2 | (index ? 2u : 0u));
    if (op > 0xff)
        put(p, op >> 8);
    put(p, op & 0xff);
    put(p, 0x40 | (reg & 7) << 3 | (index ? 4u : 3u));
    if (index)
        put(p, 0xbb);
    put(p, any(p, 256));
}

/* Not RBX, RSP, R14, R15: they address memory and count. */
static unsigned any_register(struct program *p)
{
    static const uint8_t free_ones[] = {RAX, RCX, RDX, RBP, RSI, RDI, R8, R9, R10, R13};
    return free_ones[any(p, ARRAY_SIZE(free_ones))];
}

static void put_any(struct program *p)
{
    static const uint16_t two[] = {0x89, 0x01, 0x29, 0x21, 0x09, 0x31, 0x39};
    static const uint8_t immediate[] = {0, 5, 4, 7}; /* ADD SUB AND CMP: 83 /n */
    static const uint8_t shift[] = {4, 5, 7, 0};     /* SHL SHR SAR ROL */
    unsigned a = any_register(p), b = any_register(p), wide = any(p, 2);

    switch (any(p, 13)) {
    case 0:
    case 1: put_rr(p, wide, two[any(p, ARRAY_SIZE(two))], a, b); break;
    case 2:
        put_rr(p, wide, 0x83, immediate[any(p, ARRAY_SIZE(immediate))], a);
        put(p, any(p, 256));
        break;
    case 3:
        put_rr(p, wide, 0xc1, shift[any(p, ARRAY_SIZE(shift))], a);
        put(p, any(p, 256));
        break;
    case 4: put_rr(p, wide, 0xd3, 4 + any(p, 2), a); break;
    case 5: put_memory(p, wide, 0x8d, a); break; /* LEA */
    case 6: put_memory(p, wide, 0x8b, a); break;
    case 7: put_memory(p, wide, 0x89, a); break;
    case 8: put_memory(p, 0, 0x0fb6, a); break;
    case 9: put_rr(p, 0, 0x0fb6 + any(p, 2), a, b); break;
    case 10: put_rr(p, 1, 0x63, a, b); break;
    case 11: /* PUSH, POP */
        put(p, 0x40 | a >> 3);
        put(p, 0x50 | (a & 7));
        put(p, 0x40 | b >> 3);
        put(p, 0x58 | (b & 7));
        break;
    default: /* a compare, and a branch over what follows, or a CMOV */
        put_rr(p, wide, any(p, 2) ? 0x39 : 0x85, a, b);
        if (any(p, 2)) {
            put(p, 0x70 | any(p, 16));
            put(p, 3);
            put_rr(p, wide, 0x01, b, a);
        } else {
            put_rr(p, wide, 0x0f40 + any(p, 16), a, b);
        }
    }
}

static void random_program(struct program *p)
{
    unsigned count = 3 + any(p, 40);
    int32_t back;

    p->size = 0;
    for (unsigned n = 0; n < count; n++)
        put_any(p);
    put_rr(p, 1, 0x83, 5, R14); /* SUB R14, 1 */
    put(p, 1);
    put(p, 0x0f);
    put(p, 0x85); /* JNZ */
    back = -(int32_t)(p->size + 4);
    for (unsigned n = 0; n < 4; n++)
        put(p, (uint32_t)back >> 8 * n & 0xff);
    put(p, 0xf4);
}

static void load_program(struct engine *e, const struct program *p)
{
    struct cpu *c = e->cpu;
    memcpy(e->w->ram + CODE, p->bytes, p->size);
    for (unsigned n = 0; n < DATA_SIZE; n++)
        e->w->ram[DATA + n] = (uint8_t)(n * 37 + p->random);
    for (unsigned n = 0; n < 16; n++)
        if (n != RSP)
            c->gpr[n] = p->random * (2 * n + 1);
    c->gpr[RBX] = DATA + PAGE + (p->random & 31); /* disp8 goes to both sides of it */
    c->gpr[R14] = 40;
    c->gpr[R15] = 5;
}

static void joined_neighbours_do_what_each_does_alone(void **state)
{
    struct program p = {.random = 0x123456789abcdef};
    (void)state;

    for (unsigned n = 0; n < 60; n++) {
        struct engine hot = engine_new(false), single = engine_new(true);
        random_program(&p);
        load_program(&hot, &p);
        load_program(&single, &p);
        run(&hot);
        run(&single);
        assert_same_end(&hot, &single);
        engine_free(&hot);
        engine_free(&single);
    }
}

/* ---- code that is patched ---- */

/* A loop writes AL to byte `at` of the subroutine, calls it, and counts AL up. */
static void patched_program(struct engine *e, const uint8_t *body, unsigned size, unsigned at)
{
    static const uint8_t loop[] = {
        0x88, 0x03,             /* mov [rbx], al */
        0xff, 0xd2,             /* call rdx */
        0xff, 0xc0,             /* inc eax */
        0x49, 0x83, 0xee, 0x01, /* sub r14, 1 */
        0x75, 0xf4,             /* jnz */
        0xf4,                   /* hlt */
    };
    struct cpu *c = e->cpu;
    memcpy(e->w->ram + CODE, loop, sizeof loop);
    memcpy(e->w->ram + DATA, body, size);
    c->gpr[RAX] = 0x50;
    c->gpr[RBX] = DATA + at;
    c->gpr[RDX] = DATA;
    c->gpr[R14] = 60;
}

static void assert_patched_alike(const uint8_t *body, unsigned size, unsigned at)
{
    struct engine block = engine_new(false), single = engine_new(true);

    patched_program(&block, body, size, at);
    patched_program(&single, body, size, at);
    run(&block);
    run(&single);
    assert_same_end(&block, &single);
    engine_free(&block);
    engine_free(&single);
}

static void a_patched_instruction_runs_as_it_stands(void **state)
{
    /* add ecx, imm32; xor ecx, imm8; ret: the immediates. */
    static const uint8_t body[] = {0x81, 0xc1, 0x11, 0x22, 0x33, 0x44, 0x83, 0xf1, 0x55,
                                   0xc3};
    /* lea rcx, [rcx + rcx + disp8]; nop; nop; ret: the displacement. */
    static const uint8_t other[] = {0x48, 0x8d, 0x4c, 0x09, 0x02, 0x90, 0x90, 0xc3};
    (void)state;

    assert_patched_alike(body, sizeof body, 2);
    assert_patched_alike(body, sizeof body, 8);
    assert_patched_alike(other, sizeof other, 4);
}

static void a_patch_may_change_the_shape_of_the_block(void **state)
{
    /* lea ecx, [SIB + disp8]; nops; ret: the SIB byte, which names other registers. */
    static const uint8_t body[] = {0x8d, 0x4c, 0x09, 0x02, 0x90, 0x90, 0x90, 0xc3};
    struct engine e = engine_new(false);
    struct cpu *c = e.cpu;
    (void)state;

    assert_patched_alike(body, sizeof body, 2);
    /* By hand: a NOP becomes the first byte of a longer instruction. */
    memcpy(e.w->ram + CODE, (const uint8_t[]){0x90, 0x90, 0x90, 0x90, 0x90, 0xf4}, 6);
    run(&e);
    assert_int_equal(c->gpr[RCX], 0);
    c->activity = ACTIVITY_RUN;
    c->rip = CODE;
    c->page = NO_PAGE;
    store8(e.w->ram + CODE, 0xb9); /* mov ecx, 90909090h */
    phys_stored(&e.w->phys, CODE / PAGE, CODE % PAGE, 1);
    run(&e);
    assert_int_equal(c->gpr[RCX], 0x90909090);
    assert_int_equal(c->rip, CODE + 6);
    engine_free(&e);
}

static void run_at(struct engine *e, uint64_t rip)
{
    e->cpu->activity = ACTIVITY_RUN;
    e->cpu->rip = rip;
    e->cpu->page = NO_PAGE;
    run(e);
}

/* In the same 64 bytes: stores to data beside code drop nothing, until code stands there. */
static void data_beside_code_may_become_code(void **state)
{
    static const uint8_t code[] = {0xb9, 1, 0, 0, 0, 0xf4}; /* mov ecx, 1; hlt */
    (void)state;

    for (unsigned gap = 6; gap < 70; gap += 9) { /* also across the 64 bytes' end */
        struct engine e = engine_new(false);
        uint64_t dropped;
        memcpy(e.w->ram + CODE, code, sizeof code);
        memcpy(e.w->ram + CODE + gap, code, sizeof code);
        run_at(&e, CODE);
        dropped = e.cache->dropped;
        for (unsigned n = 0; n < 3; n++)
            phys_stored(&e.w->phys, CODE / PAGE, gap + 1, 4);
        assert_int_equal(e.cache->dropped, dropped);
        run_at(&e, CODE + gap);
        assert_int_equal(e.cpu->gpr[RCX], 1);
        for (unsigned v = 2; v < 6; v++) {
            store8(e.w->ram + CODE + gap + 1, (uint8_t)v);
            phys_stored(&e.w->phys, CODE / PAGE, gap + 1, 1);
            run_at(&e, CODE + gap);
            assert_int_equal(e.cpu->gpr[RCX], v);
        }
        engine_free(&e);
    }
}

/* ---- RF ---- */

static void rf_from_iret_holds_for_one_instruction(void **state)
{
    static const uint8_t code[] = {0x48, 0xcf, 0x90, 0x90, 0xf4}; /* iretq; nop; nop; hlt */
    (void)state;

    for (unsigned slice = 1; slice <= 3; slice++) {
        struct engine e = engine_new(false);
        struct cpu *c = e.cpu;
        memcpy(e.w->ram + CODE, code, sizeof code);
        store64(e.w->ram + STACK, CODE + 2);
        store64(e.w->ram + STACK + 8, K_CODE64);
        store64(e.w->ram + STACK + 16, FLAG_RF | 2);
        store64(e.w->ram + STACK + 24, STACK);
        store64(e.w->ram + STACK + 32, K_DATA);
        assert_int_equal(cpu_run(c, slice), slice);
        assert_int_equal(c->eflags & FLAG_RF, slice == 1 ? FLAG_RF : 0);
        assert_int_equal(c->rip, CODE + 1 + slice);
        assert_int_equal(cpu_run(c, 1), 1);
        assert_int_equal(cpu_flags(c) & FLAG_RF, 0);
        engine_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined_neighbours_do_what_each_does_alone),
        cmocka_unit_test(a_patched_instruction_runs_as_it_stands),
        cmocka_unit_test(a_patch_may_change_the_shape_of_the_block),
        cmocka_unit_test(data_beside_code_may_become_code),
        cmocka_unit_test(rf_from_iret_holds_for_one_instruction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
