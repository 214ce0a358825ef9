/* Guests with random descriptor tables, TSSs, stacks and selectors: whatever they do, an
 * instruction happens or it does not, and events end in a handler or in shutdown.
 */
#include "control_world.h"

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static bool one_in(uint64_t *seed, unsigned n)
{
    return next(seed) % n == 0;
}

/* Mostly legal, so that the deeper checks are reached. */
static uint64_t some_descriptor(uint64_t *seed)
{
    static const uint8_t access[] = {0x9a, 0x92, 0xfa, 0xf2, 0x9e, 0x96, 0x8b, 0x89,
                                     0x81, 0x82, 0xec, 0xe4, 0xe5, 0xee, 0xef, 0xe6,
                                     0xe7, 0x83, 0x98, 0x90, 0xd2, 0xba};
    uint8_t a = access[next(seed) % ARRAY_SIZE(access)];
    uint32_t base = one_in(seed, 4) ? (uint32_t)next(seed) : 0;
    uint32_t limit = one_in(seed, 4) ? (uint32_t)next(seed) & 0xfffff : 0xfffff;
    uint16_t high = (uint16_t)(next(seed) & 0xf000);

    if (one_in(seed, 16))
        return next(seed);
    if (!(a & SEG_S) && (a & 4)) /* a gate */
        return gate((uint16_t)(next(seed) & 0xff), (uint32_t)next(seed) % 0x4000, a) |
               (next(seed) & 31) << 32;
    if (!(a & SEG_S))
        base = TSS2, limit = one_in(seed, 4) ? (uint32_t)next(seed) & 0xff : 0x67;
    if (one_in(seed, 2))
        high = one_in(seed, 2) ? 0xc000 : 0xa000;
    if (one_in(seed, 8))
        a ^= (uint8_t)(1u << next(seed) % 8);
    return desc(base, limit, high | a);
}

static void randomize(struct world *w, uint64_t *seed)
{
    struct cpu *c = &w->cpu;

    for (unsigned n = 8; n <= GDT_LIMIT; n += 8)
        if (!one_in(seed, 3))
            gdt_set(w, n, some_descriptor(seed));
    for (unsigned n = 0; n < 0x1000; n += 8)
        store64(w->ram + IDT + n, some_descriptor(seed));
    for (unsigned n = 0; n < 0x1000; n += 4)
        if (one_in(seed, 3))
            store32(w->ram + TSS + n, one_in(seed, 2) ? next(seed) & 0xff
                                                      : next(seed) & 0xffff);
    for (unsigned n = 0; n < 0x2000; n += 2)
        store16(w->ram + STACK0 - 0x800 + n,
                one_in(seed, 2) ? next(seed) & 0x7f : (uint16_t)next(seed));
    for (unsigned n = 0; n < 16; n++)
        c->gpr[n] = one_in(seed, 2) ? next(seed) & 0xff : next(seed) % 0xc000;
    c->gpr[RSP] = STACK0 + (next(seed) & 0x3ff);
    if (one_in(seed, 10))
        c->gpr[RSP] = next(seed);
    c->gdtr_limit = one_in(seed, 10) ? (uint16_t)(next(seed) & 0xff) : GDT_LIMIT;
    c->idtr_limit = one_in(seed, 10) ? (uint16_t)(next(seed) & 0xfff) : 0xfff;
    c->cr4 = (c->cr4 & CR4_PAE) | (next(seed) & (CR4_VME | CR4_PVI | CR4_UMIP));
    c->cpl = one_in(seed, 2) ? 3 : 0;
    c->eflags = ((uint32_t)next(seed) & 0x3f7f02 & ~(uint32_t)FLAG_VM) | 2;
    if (!(c->efer & EFER_LMA) && one_in(seed, 4)) {
        c->eflags |= FLAG_VM;
        c->cpl = 3;
    }
    /* CS and RIP stay where the code is. */
    c->seg[CS] = (struct segment){
        .base = 0, .limit = 0xffffffff, .usable = true, .selector = c->cpl ? U_CODE : K_CODE,
        .attr = (uint16_t)(SEG_G | SEG_P | SEG_S | 0xb | c->cpl << 5 |
                           (one_in(seed, 2) ? SEG_DB : 0))};
    if ((c->efer & EFER_LMA) && one_in(seed, 2))
        c->seg[CS].attr = (c->seg[CS].attr & ~SEG_DB) | SEG_L;
    if (c->eflags & FLAG_VM)
        c->seg[CS].attr = ATTR_VM86;
    for (unsigned n = 0; n < SREGS; n++)
        if (n != CS)
            c->seg[n] = (struct segment){
                .limit = one_in(seed, 4) ? (uint32_t)next(seed) & 0xffff : 0xffffffff,
                .usable = !one_in(seed, 8),
                .attr = (uint16_t)(0x93 | c->cpl << 5 | (one_in(seed, 2) ? SEG_DB : 0))};
    c->ldtr = (struct segment){.base = GDT, .limit = GDT_LIMIT, .attr = 0x82,
                               .usable = !one_in(seed, 3)};
    c->tr = (struct segment){.base = TSS, .limit = one_in(seed, 4) ? 0x2b : 0x67,
                             .attr = one_in(seed, 4) ? 0x83 : 0x8b, .usable = true,
                             .selector = S_TSS};
    c->rip = CODE;
    rederive(w);
}

static void random_code(struct world *w, uint64_t *seed)
{
    static const char *const forms[] = {
        "\x8e\xd8", "\x8e\xd0", "\x8e\xc0", "\x07", "\x17", "\x0f\xa1", "\xc4\x06",
        "\x0f\xb2\x06", "\xea", "\x9a", "\xff\x1e", "\xff\x2e", "\xcb", "\xca\x08",
        "\xcd\x08", "\xcd\x20", "\xcc", "\xce", "\xf1", "\xcf", "\x66\xcf", "\x9c", "\x9d",
        "\xfa", "\xfb", "\x66\x9d", "\x0f\x02\xd8", "\x0f\x03\xd8", "\x0f\x01\xd8",
    };
    const char *form = forms[next(seed) % ARRAY_SIZE(forms)];

    for (unsigned n = 0; n < 16; n += 2)
        store16(w->ram + CODE + n,
                one_in(seed, 2) ? next(seed) & 0xff : (uint16_t)next(seed));
    memcpy(w->ram + CODE, form, strlen(form));
}

/* What a fault must not change, CPU-side. */
struct kept {
    uint64_t gpr[16], flags, rip;
    struct segment seg[SREGS], tr, ldtr;
    uint8_t cpl;
};

static struct kept keep(const struct cpu *c)
{
    struct kept k;
    memset(&k, 0, sizeof k);
    memcpy(k.gpr, c->gpr, sizeof k.gpr);
    memcpy(k.seg, c->seg, sizeof k.seg);
    k.tr = c->tr;
    k.ldtr = c->ldtr;
    k.flags = cpu_flags(c);
    k.rip = c->rip;
    k.cpl = c->cpl;
    return k;
}

static void assert_same(const struct kept *a, const struct kept *b)
{
    assert_memory_equal(a->gpr, b->gpr, sizeof a->gpr);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->rip, b->rip);
    assert_int_equal(a->cpl, b->cpl);
    for (unsigned n = 0; n < SREGS; n++) {
        assert_int_equal(a->seg[n].selector, b->seg[n].selector);
        assert_int_equal(a->seg[n].attr, b->seg[n].attr);
        assert_int_equal(a->seg[n].limit, b->seg[n].limit);
        assert_int_equal(a->seg[n].base, b->seg[n].base);
        assert_int_equal(a->seg[n].usable, b->seg[n].usable);
    }
    assert_int_equal(a->ldtr.selector, b->ldtr.selector);
}

/* Delivers until a handler is reached or the CPU shuts down. A delivery that fails has
 * changed nothing, unless it got as far as into another task. */
static void settle(struct world *w)
{
    struct cpu *c = &w->cpu;
    char text[600];

    for (unsigned tries = 0; c->raised; tries++) {
        struct kept before = keep(c);
        uint64_t switches = c->tr.base + c->tr.selector + c->tr.limit + c->tr.attr;
        assert_true(tries < 6);
        fault_explain(c, &c->event, text, sizeof text);
        assert_true(text[0] != '\0');
        if (!step(w) && switches == c->tr.base + c->tr.selector + c->tr.limit + c->tr.attr) {
            struct kept after = keep(c);
            assert_same(&before, &after);
        }
    }
}

static void instructions_happen_whole_or_not_at_all(struct world *w, uint64_t seed)
{
    struct cpu *c = &w->cpu;
    unsigned done = 0, faults = 0;

    for (unsigned n = 0; n < 10000; n++) {
        struct kept before, after;
        struct insn i[2];

        randomize(w, &seed);
        random_code(w, &seed);
        c->raised = false;
        c->pending_debug = 0;
        c->activity = ACTIVITY_RUN;
        if (decode(c->isa, c->mode, w->ram + CODE, 15, 0, i) != DECODE_OK)
            continue;
        before = keep(c);
        if (step(w)) {
            done++;
            assert_int_equal(c->cpl == 3, (c->mode & MODE_USER) != 0);
            assert_true(c->cpl <= 3);
            continue;
        }
        faults++;
        if (c->tr.selector == S_TSS && c->tr.limit == before.tr.limit &&
            c->tr.attr == before.tr.attr) {
            after = keep(c);
            assert_same(&before, &after);
        }
        settle(w);
    }
    assert_true(done > 500);
    assert_true(faults > 500);
}

static void in_protected_mode(void **state)
{
    struct world *w = world_protected();
    (void)state;
    instructions_happen_whole_or_not_at_all(w, 0x123456789);
    world_free(w);
}

static void in_long_mode(void **state)
{
    struct world *w = world_long();
    (void)state;
    instructions_happen_whole_or_not_at_all(w, 0x987654321);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_protected_mode),
        cmocka_unit_test(in_long_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
