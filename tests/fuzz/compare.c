/* compare.c - comparing two machines, row by row. */
#include "compare.h"

#include "base/byteorder.h"
#include "base/snapshot.h"

#include <stdio.h>
#include <string.h>

bool fuzz_same_bytes(struct writer *one, struct writer *two)
{
    bool same = one->size == two->size && !memcmp(one->bytes, two->bytes, one->size);

    writer_free(one);
    writer_free(two);
    return same;
}

static bool same_device(struct device *a, struct device *b)
{
    struct writer one = {0}, two = {0};

    device_save(a, &one);
    device_save(b, &two);
    return fuzz_same_bytes(&one, &two);
}

static bool same_entries(const struct l2_entry *a, const struct l2_entry *b, unsigned n)
{
    for (; n; n--, a++, b++)
        if (a->tag != b->tag || a->page != b->page || a->space != b->space ||
            a->shift != b->shift || a->pkey != b->pkey || a->rights != b->rights)
            return false;
    return true;
}

static void settle(struct cpu *c)
{
    c->flag_bits = lazy_get(&c->lazy);
    cpu_settle_page(c);
}

/* As rows, but for the second-level TLB: its many entries would take most of the time. */
static bool same_cpu(struct cpu *a, struct cpu *b)
{
    struct writer one = {0}, two = {0};

    settle(a);
    settle(b);
    state_save(cpu_fields, a, &one);
    state_save(cpu_fields, b, &two);
    return fuzz_same_bytes(&one, &two) &&
           same_entries(a->mmu.l2[0], b->mmu.l2[0], L2_SETS * L2_WAYS) &&
           same_entries(a->mmu.large[0], b->mmu.large[0], L2_LARGE_SETS * L2_WAYS) &&
           same_entries(a->mmu.huge[0], b->mmu.huge[0], L2_HUGE_SETS * L2_WAYS) &&
           !memcmp(a->mmu.era, b->mmu.era, sizeof a->mmu.era) &&
           !memcmp(a->mmu.l2_next, b->mmu.l2_next, sizeof a->mmu.l2_next) &&
           !memcmp(a->mmu.large_next, b->mmu.large_next, sizeof a->mmu.large_next) &&
           !memcmp(a->mmu.huge_next, b->mmu.huge_next, sizeof a->mmu.huge_next);
}

bool fuzz_same(struct machine *a, struct machine *b)
{
    if (a->clock.now != b->clock.now || a->config.cpus != b->config.cpus ||
        a->config.ram != b->config.ram || memcmp(a->ram, b->ram, (size_t)a->config.ram))
        return false;
    for (unsigned n = 0; n < a->config.cpus; n++)
        if (!same_cpu(a->cpu[n], b->cpu[n]))
            return false;
    for (unsigned n = 0; n < a->devices; n++)
        if (!same_device(a->device[n], b->device[n]))
            return false;
    return true;
}

static void tell_rows(const struct field *fields, const void *a, const void *b,
                      const char *before)
{
    for (const struct field *f = fields; f->name; f++) {
        if (f->kind == FIELD_TIMER) {
            const struct timer *t = (const void *)((const uint8_t *)a + f->offset);
            const struct timer *u = (const void *)((const uint8_t *)b + f->offset);
            if (t->armed != u->armed || t->when != u->when || t->order != u->order)
                fprintf(stderr, "  %s%s: %d %llx order %llx, %d %llx order %llx\n", before,
                        f->name, t->armed, (unsigned long long)t->when,
                        (unsigned long long)t->order, u->armed, (unsigned long long)u->when,
                        (unsigned long long)u->order);
            continue;
        }
        for (unsigned n = 0; n < f->count; n++) {
            char name[96];
            if (f->kind == FIELD_SUB) {
                size_t at = f->offset + (size_t)n * f->size;
                snprintf(name, sizeof name, "%.40s%.40s[%u].", before, f->name, n);
                tell_rows(f->sub, (const uint8_t *)a + at, (const uint8_t *)b + at, name);
            } else if (f->kind == FIELD_VALUE && field_get(f, a, n) != field_get(f, b, n)) {
                fprintf(stderr, "  %s%s[%u]: %llx, %llx\n", before, f->name, n,
                        (unsigned long long)field_get(f, a, n),
                        (unsigned long long)field_get(f, b, n));
            }
        }
    }
}

void fuzz_tell(struct machine *a, struct machine *b)
{
    fprintf(stderr, "ticks %llu, %llu; armed %llu, %llu; turn %u %llu, %u %llu\n",
            (unsigned long long)a->clock.now, (unsigned long long)b->clock.now,
            (unsigned long long)a->clock.armed, (unsigned long long)b->clock.armed, a->turn,
            (unsigned long long)a->turn_left, b->turn, (unsigned long long)b->turn_left);
    if (a->phys.a20_mask != b->phys.a20_mask)
        fprintf(stderr, "  A20\n");
    for (unsigned n = 0; n < a->config.cpus; n++) {
        settle(a->cpu[n]);
        settle(b->cpu[n]);
        tell_rows(cpu_fields, a->cpu[n], b->cpu[n], "cpu ");
        tell_rows(mmu_fields, &a->cpu[n]->mmu, &b->cpu[n]->mmu, "mmu ");
    }
    for (unsigned n = 0; n < a->devices; n++)
        if (!same_device(a->device[n], b->device[n])) {
            fprintf(stderr, "  device %s:\n", a->device[n]->name);
            tell_rows(a->device[n]->class->fields, a->device[n]->state, b->device[n]->state,
                      "    ");
        }
    for (uint64_t at = 0, told = 0; at < a->config.ram && told < 8; at += 8)
        if (memcmp(a->ram + at, b->ram + at, 8) && ++told)
            fprintf(stderr, "  RAM %llx: %016llx, %016llx\n", (unsigned long long)at,
                    (unsigned long long)load64(a->ram + at),
                    (unsigned long long)load64(b->ram + at));
}
