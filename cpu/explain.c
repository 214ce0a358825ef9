/* explain.c - a fault in words: which, where, why, and what the tables said.
 *
 * Made on request from what the fault stored, so that raising one costs nothing. Reads
 * guest memory the way a debugger does: without side effects.
 */
#include "base/byteorder.h"
#include "cpu/transfer.h"

#include <stdarg.h>
#include <stdio.h>

typedef unsigned long long ull;

static const char *const reason_sentence[] = {
#define REASON(name, section, sentence) sentence,
#include "cpu/reasons.def"
#undef REASON
};

static const char *const reason_section[] = {
#define REASON(name, section, sentence) section,
#include "cpu/reasons.def"
#undef REASON
};

/* Text that grows in the caller's buffer and is cut where it ends. */
struct text {
    char *at;
    size_t left; /* the final NUL included */
};

static void say(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void advance(struct text *t, int n)
{
    size_t used = n < 0 ? 0 : (size_t)n < t->left ? (size_t)n : t->left - 1;
    t->at += used;
    t->left -= used;
}

static void say(struct text *t, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    advance(t, vsnprintf(t->at, t->left, fmt, args));
    va_end(args);
}

static bool debug_load(const struct cpu *c, uint64_t la, uint64_t *value)
{
    uint8_t bytes[8];

    for (unsigned n = 0; n < sizeof bytes; n++) {
        uint64_t at = cpu_long_mode(c) ? la + n : (uint32_t)(la + n);
        paddr where;
        /* The translation is only looked at: the cast keeps the promise of const. */
        if (!mmu_debug_translate((struct mmu *)&c->mmu, at, &where) ||
            !phys_read(c->mmu.phys, where, &bytes[n], 1))
            return false;
    }
    *value = load64(bytes);
    return true;
}

/* ---- descriptors ---- */

static const char *const system_types[16] = {
    "reserved type 0",
    "available 16-bit TSS",
    "LDT",
    "busy 16-bit TSS",
    "16-bit call gate",
    "task gate",
    "16-bit interrupt gate",
    "16-bit trap gate",
    "reserved type 8",
    "available TSS",
    "reserved type 10",
    "busy TSS",
    "call gate",
    "reserved type 13",
    "interrupt gate",
    "trap gate",
};

static void say_gate(struct text *t, uint64_t raw)
{
    unsigned type = raw >> 40 & 15;
    uint64_t offset = raw & 0xffff;

    if (type >= SYS_GATE32)
        offset |= raw >> 32 & 0xffff0000;
    if (type == SYS_TASK_GATE)
        say(t, "%s, TSS %04llxh", system_types[type], (ull)(raw >> 16 & 0xffff));
    else
        say(t, "%s, to %04llx:%08llx", system_types[type], (ull)(raw >> 16 & 0xffff),
            (ull)offset);
}

static void say_descriptor(struct text *t, uint64_t raw)
{
    struct descriptor d = {0};
    unsigned type;

    descriptor_unpack(&d, raw, 0);
    type = d.attr & SEG_TYPE;
    if (!(d.attr & SEG_S) && (type & 4)) {
        say_gate(t, raw);
    } else {
        if (!(d.attr & SEG_S))
            say(t, "%s", system_types[type]);
        else if (d.attr & SEG_CODE)
            say(t, "%s%s code", d.attr & SEG_CONFORMING ? "conforming, " : "",
                d.attr & SEG_READABLE ? "readable" : "execute-only");
        else
            say(t, "%s%s data", d.attr & SEG_EXPAND_DOWN ? "expand-down, " : "",
                d.attr & SEG_WRITABLE ? "writable" : "read-only");
        if (d.attr & SEG_S)
            say(t, ", %s",
                (d.attr & SEG_CODE) && (d.attr & SEG_L) ? "64-bit"
                : d.attr & SEG_DB                       ? "32-bit"
                                                        : "16-bit");
        say(t, ", base %08llxh, limit %08lxh", (ull)d.base, (unsigned long)d.limit);
    }
    say(t, ", DPL %u, %s", ATTR_DPL(d.attr),
        d.attr & SEG_P ? "present" : "not present");
}

enum { ERROR_IDT_BIT = 2 };

static void explain_selector(const struct cpu *c, struct text *t, uint32_t error)
{
    uint64_t base = c->gdtr_base, raw, la;
    uint32_t limit = c->gdtr_limit, offset = error & 0xfff8;
    const char *table = "GDT";
    unsigned size = 8;

    if (error & ERROR_IDT_BIT) {
        table = "IDT";
        base = c->idtr_base;
        limit = c->idtr_limit;
        size = cpu_long_mode(c) ? 16 : 8;
        offset = (error >> 3 & 0xff) * size;
    } else if (error & SEL_TI) {
        table = "LDT";
        base = c->ldtr.base;
        limit = c->ldtr.usable ? c->ldtr.limit : 0;
    }
    if (offset + size - 1 > limit) {
        say(t, "\n  %s (base %llxh, limit %lxh) has no entry at offset %lxh", table,
            (ull)base, (unsigned long)limit, (unsigned long)offset);
        return;
    }
    la = base + offset;
    if (!debug_load(c, la, &raw)) {
        say(t, "\n  %s entry at %llxh: cannot be read", table, (ull)la);
        return;
    }
    say(t, "\n  %s entry at %llxh: %016llxh: ", table, (ull)la, (ull)raw);
    say_descriptor(t, raw);
}

/* ---- page walks ---- */

static const char *level_name(unsigned level)
{
    static const char *const names[] = {"?", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};
    return names[level < ARRAY_SIZE(names) ? level : 0];
}

static const char *refusal(enum walk_refusal why)
{
    switch (why) {
    case WALK_OK: return "the walk allowed it";
    case WALK_NOT_PRESENT: return "P is clear";
    case WALK_RESERVED: return "reserved bits are set";
    case WALK_READ_ONLY: return "R/W is clear somewhere on the way, for a write";
    case WALK_SUPERVISOR: return "U/S is clear somewhere on the way, for a user access";
    case WALK_NO_EXECUTE: return "XD is set somewhere on the way, for a fetch";
    case WALK_SMEP: return "SMEP: a supervisor fetch from a user page";
    case WALK_SMAP: return "SMAP: a supervisor access to a user page";
    case WALK_PKEY: return "the protection key's rights deny it";
    case WALK_NO_MEMORY: return "a paging structure lies where there is no memory";
    default: return "for an unknown reason";
    }
}

static void explain_walk(struct text *t, const struct walk *w, uint32_t error)
{
    say(t, "\n  %s, %s, %s", error & 4 ? "user" : "supervisor",
        error & 16  ? "fetch"
        : error & 2 ? "write"
                    : "read",
        error & 1 ? "page present" : "page not present");
    for (unsigned n = 0; n < w->count && n < ARRAY_SIZE(w->entry); n++) {
        uint64_t e = w->entry[n].value;
        say(t, "\n  %-5s at %012llxh: %016llxh", level_name(w->entry[n].level),
            (ull)w->entry[n].where, (ull)e);
        if (e & 1)
            say(t, " P %s %s%s%s%s%s%s", e & 2 ? "RW" : "RO", e & 4 ? "US" : "SU",
                e & 32 ? " A" : "", e & 64 ? " D" : "", e & 128 ? " PS" : "",
                e & 256 ? " G" : "", e >> 63 ? " XD" : "");
        else
            say(t, " not present");
    }
    if (w->count == 0)
        say(t, "\n  refused by the TLB's copy of the page's rights: %s",
            refusal(w->refused));
    else
        say(t, "\n  refused at the %s: %s", level_name(w->level), refusal(w->refused));
    if (w->refused == WALK_RESERVED)
        say(t, " (%016llxh)", (ull)w->bits);
    if (w->refused == WALK_PKEY)
        say(t, " (key %u)", w->pkey);
}

/* ---- the whole ---- */

static void say_name(struct text *t, const struct cpu_event *e)
{
    static const char *const names[] = {
        "#DE", "#DB", "NMI",      "#BP", "#OF", "#BR", "#UD",
        "#NM", "#DF", "vector 9", "#TS", "#NP", "#SS", "#GP",
        "#PF", "vector 15", "#MF", "#AC", "#MC", "#XM",
    };

    if (e->kind == EVENT_INTERRUPT)
        say(t, "interrupt %02xh", e->vector);
    else if (e->kind == EVENT_SOFTWARE)
        say(t, "INT %02xh", e->vector);
    else if (e->vector < ARRAY_SIZE(names))
        say(t, "%s", names[e->vector]);
    else
        say(t, "vector %02xh", e->vector);
    if (e->has_error)
        say(t, "(%04lxh)", (unsigned long)e->error);
}

void fault_explain(const struct cpu *c, const struct cpu_event *e, char *text,
                   size_t room)
{
    struct text t = {text, room};
    unsigned why = e->reason < REASONS ? e->reason : R_NONE;
    bool selector = e->vector == VEC_TS || e->vector == VEC_NP || e->vector == VEC_SS ||
                    e->vector == VEC_GP;

    if (room == 0)
        return;
    text[0] = '\0';
    say_name(&t, e);
    say(&t, cpu_long_mode(c) ? " at %04x:%016llx" : " at %04x:%08llx", e->cs,
        (ull)e->rip);
    if (why != R_NONE) {
        say(&t, ": ");
        /* Sentences use from none to all three operands, each as a %ll. */
        advance(&t, snprintf(t.at, t.left, reason_sentence[why], (ull)e->operand[0],
                             (ull)e->operand[1], (ull)e->operand[2]));
        if (reason_section[why][0])
            say(&t, " (SDM %s)", reason_section[why]);
    }
    if (e->kind == EVENT_FAULT && selector && (e->error & 0xfffe) > 1)
        explain_selector(c, &t, e->error);
    if (e->kind == EVENT_FAULT && e->vector == VEC_PF)
        explain_walk(&t, &e->walk, e->error);
}
