/* trace.c - the text trace. */
#include "debug/trace.h"

#include "cpu/block.h"
#include "cpu/fault.h"
#include "debug/disasm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const gpr_name[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                         "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                         "r12", "r13", "r14", "r15"};
static const char *const sreg_name[SREGS] = {"es", "cs", "ss", "ds", "fs", "gs"};

enum { LINE = 1024 };

struct text {
    char bytes[LINE];
    size_t used;
};

static void say(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct text *t, const char *fmt, ...)
{
    va_list args;
    int n;

    if (t->used >= sizeof t->bytes - 1)
        return;
    va_start(args, fmt);
    n = vsnprintf(t->bytes + t->used, sizeof t->bytes - t->used, fmt, args);
    va_end(args);
    if (n > 0)
        t->used += (size_t)n < sizeof t->bytes - t->used ? (size_t)n
                                                         : sizeof t->bytes - t->used - 1;
}

static void emit(struct trace_cpu *s, struct text *t)
{
    if (t->used)
        s->trace->line(s->trace->to, t->bytes);
}

/* ---- registers ---- */

static void remember(struct trace_cpu *s)
{
    const struct cpu *c = s->cpu;

    memcpy(s->gpr, c->gpr, sizeof s->gpr);
    s->flags = cpu_flags(c);
    s->cr0 = c->cr0;
    s->cr2 = c->cr2;
    s->cr3 = c->cr3;
    s->cr4 = c->cr4;
    s->mxcsr = c->mxcsr;
    for (unsigned n = 0; n < SREGS; n++)
        s->selector[n] = c->seg[n].selector;
    memcpy(s->v, c->v, sizeof s->v);
    memcpy(s->k, c->k, sizeof s->k);
}

static void changed(struct text *t, const char *name, uint64_t before, uint64_t now)
{
    if (before != now)
        say(t, " %s=%llx", name, (unsigned long long)now);
}

/* As much of it as changed: 128, 256 or 512 bits. */
static void show_vector(struct text *t, unsigned n, const struct vec *before,
                        const struct vec *now)
{
    unsigned words = ARRAY_SIZE(now->q);

    while (words && before->q[words - 1] == now->q[words - 1])
        words--;
    if (!words)
        return;
    words = words <= 2 ? 2 : words <= 4 ? 4 : 8;
    say(t, " %cmm%u=", words == 2 ? 'x' : words == 4 ? 'y' : 'z', n);
    while (words--)
        say(t, "%016llx", (unsigned long long)now->q[words]);
}

static void show_changes(struct trace_cpu *s)
{
    const struct cpu *c = s->cpu;
    struct text t = {.used = 0};

    for (unsigned n = 0; n < 16; n++)
        changed(&t, gpr_name[n], s->gpr[n], c->gpr[n]);
    changed(&t, "rflags", s->flags, cpu_flags(c));
    for (unsigned n = 0; n < SREGS; n++)
        changed(&t, sreg_name[n], s->selector[n], c->seg[n].selector);
    changed(&t, "cr0", s->cr0, c->cr0);
    changed(&t, "cr2", s->cr2, c->cr2);
    changed(&t, "cr3", s->cr3, c->cr3);
    changed(&t, "cr4", s->cr4, c->cr4);
    changed(&t, "mxcsr", s->mxcsr, c->mxcsr);
    for (unsigned n = 0; n < ARRAY_SIZE(s->v); n++)
        show_vector(&t, n, &s->v[n], &c->v[n]);
    for (unsigned n = 0; n < ARRAY_SIZE(s->k); n++)
        if (s->k[n] != c->k[n])
            say(&t, " k%u=%llx", n, (unsigned long long)c->k[n]);
    if (t.used) {
        struct text indented = {.used = 0};
        say(&indented, "        %s", t.bytes);
        emit(s, &indented);
    }
}

/* ---- what the CPU calls ---- */

/* Address, bytes and text of the instruction at rip, which decoding found `length` long. */
static void show_insn(struct cpu *c, const char *before, uint64_t rip, unsigned length)
{
    uint8_t bytes[15];
    unsigned n = debug_code_bytes(c, rip, bytes, sizeof bytes);
    char text[160];
    struct text t = {.used = 0};

    disassemble(c->mode, bytes, n, rip, text, sizeof text);
    say(&t, "%s%04x:%016llx ", before, c->seg[CS].selector, (unsigned long long)rip);
    for (unsigned k = 0; k < 12; k++)
        say(&t, k < length && k < n ? "%02x" : "  ", k < n ? bytes[k] : 0u);
    say(&t, " %s", text);
    emit(c->tracer, &t);
}

static void before_instruction(struct cpu *c, const struct insn *i)
{
    struct trace_cpu *s = c->tracer;
    char name[16];

    if (s->ran && s->trace->registers)
        show_changes(s);
    if (s->trace->exec) {
        snprintf(name, sizeof name, "cpu%u ", c->number);
        show_insn(c, name, c->rip, i->len);
    }
    if (s->trace->registers)
        remember(s);
    s->ran = true;
}

/* A block before it was ever made faster: a record per instruction, two for a long one. */
static void on_translated(struct cpu *c, const struct block *b)
{
    const struct insn *i = &b->code[1];
    struct text t = {.used = 0};

    say(&t, "cpu%u new code, %u instruction%s:", c->number, b->count,
        b->count == 1 ? "" : "s");
    emit(c->tracer, &t);
    for (unsigned n = 0; n < b->count; n++) {
        show_insn(c, "    ", (c->page_rip + i->at) & c->rip_mask, i->len);
        i += i->form & FORM_LONG ? 2 : 1;
    }
}

static void on_access(void *owner, bool write, paddr where, const void *bytes, unsigned size)
{
    struct cpu *c = owner;
    const uint8_t *b = bytes;
    struct text t = {.used = 0};

    say(&t, "        %s pa %llx, %u bytes:", write ? "store to" : "load from",
        (unsigned long long)where.v, size);
    for (unsigned k = 0; k < size && k < 64; k++)
        say(&t, " %02x", b[k]);
    emit(c->tracer, &t);
}

static void on_event(struct cpu *c, const struct cpu_event *e)
{
    struct trace_cpu *s = c->tracer;
    struct text t = {.used = 0};

    say(&t, "cpu%u %llu: ", c->number, (unsigned long long)cpu_retired(c));
    fault_explain(c, e, t.bytes + t.used, sizeof t.bytes - t.used);
    t.used = strlen(t.bytes);
    emit(s, &t);
}

void trace_attach(struct cpu *c, struct trace *t, struct trace_cpu *state)
{
    *state = (struct trace_cpu){.trace = t, .cpu = c};
    c->tracer = state;
    if (t->exec || t->registers) {
        c->trace = before_instruction;
        c->mmu.watcher = t->exec ? on_access : NULL;
    }
    if (t->in_asm)
        c->translated = on_translated;
    if (t->interrupts)
        c->told = on_event;
    cpu_derive(c);
}
