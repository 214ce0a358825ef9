/* gdb_target.c - a CPU's registers and memory for gdb.
 *
 * Feature and register names are those that gdb looks for (gdb manual, "i386 Features");
 * features of our own hold the rest.
 */
#include "debug/gdb_target.h"

#include "base/byteorder.h"
#include "cpu/points.h"
#include "cpu/segment.h"
#include "cpu/system.h"
#include "cpu/x87.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the table ---- */

enum kind {
    GPR, /* number: enum gpr */
    PC,
    FLAGS,
    SELECTOR, /* number: enum sreg */
    ST,       /* number: ST(n) */
    X87,      /* number: enum x87_part */
    PART, /* of a vector register; number: its register and first word, PART_OF() */
    MXCSR,
    BASE, /* number: enum sreg */
    FREE, /* a member that any value suits; number: its offset */
    SHOWN, /* a 64-bit member that gdb may only read; number: its offset */
    SHORT, /* the same with 16 bits */
    IP,
};

enum x87_part { FCTRL, FSTAT, FTAG, FISEG, FIOFF, FOSEG, FOOFF, FOP };

struct row {
    const char *name;
    uint16_t bits;
    uint8_t kind;
    uint32_t number;
    const char *type, *group; /* NULL: int of its size; general or float */
};

#define MEMBER(m) ((uint32_t)offsetof(struct cpu, m))
#define ST_ROW(n) {"st" #n, 80, ST, n, "i387_ext", "float"}
#define PART_OF(n, word) ((n) << 3 | (word))
#define XMM_ROW(n) {"xmm" #n, 128, PART, PART_OF(n, 0), "vec128", "vector"}
#define YMMH_ROW(n) {"ymm" #n "h", 128, PART, PART_OF(n, 2), "uint128", "vector"}
#define ZMMH_ROW(n) {"zmm" #n "h", 256, PART, PART_OF(n, 4), "v2ui128", "vector"}
#define K_ROW(n) {"k" #n, 64, FREE, MEMBER(k[n]), "uint64", "vector"}
#define SYSTEM(name, bits, kind, number) {name, bits, kind, number, NULL, "system"}

static const struct row core[] = {
    {"rax", 64, GPR, RAX, "int64", NULL},
    {"rbx", 64, GPR, RBX, "int64", NULL},
    {"rcx", 64, GPR, RCX, "int64", NULL},
    {"rdx", 64, GPR, RDX, "int64", NULL},
    {"rsi", 64, GPR, RSI, "int64", NULL},
    {"rdi", 64, GPR, RDI, "int64", NULL},
    {"rbp", 64, GPR, RBP, "data_ptr", NULL},
    {"rsp", 64, GPR, RSP, "data_ptr", NULL},
    {"r8", 64, GPR, R8, "int64", NULL},
    {"r9", 64, GPR, R9, "int64", NULL},
    {"r10", 64, GPR, R10, "int64", NULL},
    {"r11", 64, GPR, R11, "int64", NULL},
    {"r12", 64, GPR, R12, "int64", NULL},
    {"r13", 64, GPR, R13, "int64", NULL},
    {"r14", 64, GPR, R14, "int64", NULL},
    {"r15", 64, GPR, R15, "int64", NULL},
    {"rip", 64, PC, 0, "code_ptr", NULL},
    {"eflags", 32, FLAGS, 0, "x86_eflags", NULL},
    {"cs", 32, SELECTOR, CS, "int32", NULL},
    {"ss", 32, SELECTOR, SS, "int32", NULL},
    {"ds", 32, SELECTOR, DS, "int32", NULL},
    {"es", 32, SELECTOR, ES, "int32", NULL},
    {"fs", 32, SELECTOR, FS, "int32", NULL},
    {"gs", 32, SELECTOR, GS, "int32", NULL},
    ST_ROW(0), ST_ROW(1), ST_ROW(2), ST_ROW(3),
    ST_ROW(4), ST_ROW(5), ST_ROW(6), ST_ROW(7),
    {"fctrl", 32, X87, FCTRL, "int", "float"},
    {"fstat", 32, X87, FSTAT, "int", "float"},
    {"ftag", 32, X87, FTAG, "int", "float"},
    {"fiseg", 32, X87, FISEG, "int", "float"},
    {"fioff", 32, X87, FIOFF, "int", "float"},
    {"foseg", 32, X87, FOSEG, "int", "float"},
    {"fooff", 32, X87, FOOFF, "int", "float"},
    {"fop", 32, X87, FOP, "int", "float"},
};

static const struct row sse[] = {
    XMM_ROW(0),  XMM_ROW(1),  XMM_ROW(2),  XMM_ROW(3),
    XMM_ROW(4),  XMM_ROW(5),  XMM_ROW(6),  XMM_ROW(7),
    XMM_ROW(8),  XMM_ROW(9),  XMM_ROW(10), XMM_ROW(11),
    XMM_ROW(12), XMM_ROW(13), XMM_ROW(14), XMM_ROW(15),
    {"mxcsr", 32, MXCSR, 0, "x86_mxcsr", "vector"},
};

static const struct row avx[] = {
    YMMH_ROW(0), YMMH_ROW(1), YMMH_ROW(2), YMMH_ROW(3),
    YMMH_ROW(4), YMMH_ROW(5), YMMH_ROW(6), YMMH_ROW(7),
    YMMH_ROW(8), YMMH_ROW(9), YMMH_ROW(10), YMMH_ROW(11),
    YMMH_ROW(12), YMMH_ROW(13), YMMH_ROW(14), YMMH_ROW(15),
};

static const struct row avx512[] = {
    XMM_ROW(16), XMM_ROW(17), XMM_ROW(18), XMM_ROW(19),
    XMM_ROW(20), XMM_ROW(21), XMM_ROW(22), XMM_ROW(23),
    XMM_ROW(24), XMM_ROW(25), XMM_ROW(26), XMM_ROW(27),
    XMM_ROW(28), XMM_ROW(29), XMM_ROW(30), XMM_ROW(31),
    YMMH_ROW(16), YMMH_ROW(17), YMMH_ROW(18), YMMH_ROW(19),
    YMMH_ROW(20), YMMH_ROW(21), YMMH_ROW(22), YMMH_ROW(23),
    YMMH_ROW(24), YMMH_ROW(25), YMMH_ROW(26), YMMH_ROW(27),
    YMMH_ROW(28), YMMH_ROW(29), YMMH_ROW(30), YMMH_ROW(31),
    K_ROW(0), K_ROW(1), K_ROW(2), K_ROW(3),
    K_ROW(4), K_ROW(5), K_ROW(6), K_ROW(7),
    ZMMH_ROW(0), ZMMH_ROW(1), ZMMH_ROW(2), ZMMH_ROW(3),
    ZMMH_ROW(4), ZMMH_ROW(5), ZMMH_ROW(6), ZMMH_ROW(7),
    ZMMH_ROW(8), ZMMH_ROW(9), ZMMH_ROW(10), ZMMH_ROW(11),
    ZMMH_ROW(12), ZMMH_ROW(13), ZMMH_ROW(14), ZMMH_ROW(15),
    ZMMH_ROW(16), ZMMH_ROW(17), ZMMH_ROW(18), ZMMH_ROW(19),
    ZMMH_ROW(20), ZMMH_ROW(21), ZMMH_ROW(22), ZMMH_ROW(23),
    ZMMH_ROW(24), ZMMH_ROW(25), ZMMH_ROW(26), ZMMH_ROW(27),
    ZMMH_ROW(28), ZMMH_ROW(29), ZMMH_ROW(30), ZMMH_ROW(31),
};

static const struct row segments[] = {
    {"fs_base", 64, BASE, FS, "int", NULL},
    {"gs_base", 64, BASE, GS, "int", NULL},
};

static const struct row ours[] = {
    SYSTEM("k_gs_base", 64, FREE, MEMBER(kernel_gs_base)),
    {"cr0", 64, SHOWN, MEMBER(cr0), "x86_cr0", "system"},
    SYSTEM("cr2", 64, FREE, MEMBER(cr2)),
    SYSTEM("cr3", 64, SHOWN, MEMBER(cr3)),
    {"cr4", 64, SHOWN, MEMBER(cr4), "x86_cr4", "system"},
    {"efer", 64, SHOWN, MEMBER(efer), "x86_efer", "system"},
    SYSTEM("cs_base", 64, SHOWN, MEMBER(seg[CS].base)),
    SYSTEM("ss_base", 64, SHOWN, MEMBER(seg[SS].base)),
    SYSTEM("ds_base", 64, SHOWN, MEMBER(seg[DS].base)),
    SYSTEM("es_base", 64, SHOWN, MEMBER(seg[ES].base)),
    SYSTEM("ip", 64, IP, 0),
    SYSTEM("gdtr_base", 64, SHOWN, MEMBER(gdtr_base)),
    SYSTEM("gdtr_limit", 16, SHORT, MEMBER(gdtr_limit)),
    SYSTEM("idtr_base", 64, SHOWN, MEMBER(idtr_base)),
    SYSTEM("idtr_limit", 16, SHORT, MEMBER(idtr_limit)),
    SYSTEM("ldtr", 16, SHORT, MEMBER(ldtr.selector)),
    SYSTEM("tr", 16, SHORT, MEMBER(tr.selector)),
};

static const struct feature {
    const char *name;
    const struct row *row;
    unsigned rows;
} features[] = {
    {"org.gnu.gdb.i386.core", core, ARRAY_SIZE(core)},
    {"org.gnu.gdb.i386.sse", sse, ARRAY_SIZE(sse)},
    {"org.gnu.gdb.i386.avx", avx, ARRAY_SIZE(avx)},
    {"org.gnu.gdb.i386.avx512", avx512, ARRAY_SIZE(avx512)},
    {"org.gnu.gdb.i386.segments", segments, ARRAY_SIZE(segments)},
    {"org.menura.x86.system", ours, ARRAY_SIZE(ours)},
};

static const struct row *row_of(unsigned n)
{
    for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
        if (n < features[f].rows)
            return &features[f].row[n];
        n -= features[f].rows;
    }
    return NULL;
}

/* ---- the description ---- */

/* Bits by name, so that "print $cr0" says [ PG WP ET PE ]. SDM vol 3A 2.3, 2.5; vol 1
 * 10.2.3. */
struct bit {
    const char *name;
    uint8_t at;
};

static const struct bit eflags_bits[] = {
    {"CF", 0},  {"", 1},    {"PF", 2},  {"AF", 4},  {"ZF", 6},  {"SF", 7},
    {"TF", 8},  {"IF", 9},  {"DF", 10}, {"OF", 11}, {"NT", 14}, {"RF", 16},
    {"VM", 17}, {"AC", 18}, {"VIF", 19}, {"VIP", 20}, {"ID", 21}, {NULL, 0}};
static const struct bit mxcsr_bits[] = {
    {"IE", 0}, {"DE", 1}, {"ZE", 2},  {"OE", 3},  {"UE", 4},  {"PE", 5},  {"DAZ", 6},
    {"IM", 7}, {"DM", 8}, {"ZM", 9}, {"OM", 10}, {"UM", 11}, {"PM", 12}, {"FZ", 15},
    {NULL, 0}};
static const struct bit cr0_bits[] = {
    {"PE", 0},  {"MP", 1},  {"EM", 2},  {"TS", 3},  {"ET", 4},  {"NE", 5},
    {"WP", 16}, {"AM", 18}, {"NW", 29}, {"CD", 30}, {"PG", 31}, {NULL, 0}};
static const struct bit cr4_bits[] = {
    {"VME", 0},  {"PVI", 1},   {"TSD", 2},       {"DE", 3},       {"PSE", 4},
    {"PAE", 5},  {"MCE", 6},   {"PGE", 7},       {"PCE", 8},      {"OSFXSR", 9},
    {"OSXMMEXCPT", 10}, {"UMIP", 11}, {"LA57", 12}, {"VMXE", 13}, {"FSGSBASE", 16},
    {"PCIDE", 17}, {"OSXSAVE", 18}, {"SMEP", 20}, {"SMAP", 21},   {"PKE", 22}, {NULL, 0}};
static const struct bit efer_bits[] = {
    {"SCE", 0}, {"LME", 8}, {"LMA", 10}, {"NXE", 11}, {NULL, 0}};

struct text {
    char *at;
    size_t room, used; /* used counts on past the room */
};

static void say(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct text *t, const char *fmt, ...)
{
    size_t left = t->used < t->room ? t->room - t->used : 0;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(left ? t->at + t->used : NULL, left, fmt, args);
    va_end(args);
    if (n > 0)
        t->used += (size_t)n;
}

static void say_flags(struct text *t, const char *id, unsigned size, const struct bit *b)
{
    say(t, "<flags id=\"%s\" size=\"%u\">", id, size);
    for (; b->name; b++)
        say(t, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", b->name, b->at, b->at);
    say(t, "</flags>\n");
}

static void say_vector(struct text *t)
{
    static const struct {
        const char *id, *type;
        unsigned count;
        const char *field;
    } forms[] = {
        {"v4f", "ieee_single", 4, "v4_float"}, {"v2d", "ieee_double", 2, "v2_double"},
        {"v16i8", "int8", 16, "v16_int8"},     {"v8i16", "int16", 8, "v8_int16"},
        {"v4i32", "int32", 4, "v4_int32"},     {"v2i64", "int64", 2, "v2_int64"},
    };

    for (unsigned n = 0; n < ARRAY_SIZE(forms); n++)
        say(t, "<vector id=\"%s\" type=\"%s\" count=\"%u\"/>\n", forms[n].id,
            forms[n].type, forms[n].count);
    say(t, "<union id=\"vec128\">");
    for (unsigned n = 0; n < ARRAY_SIZE(forms); n++)
        say(t, "<field name=\"%s\" type=\"%s\"/>", forms[n].field, forms[n].id);
    say(t, "<field name=\"uint128\" type=\"uint128\"/></union>\n");
}

size_t gdb_target_description(char *to, size_t room)
{
    struct text t = {to, room, 0};

    say(&t, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
            "<target version=\"1.0\">\n<architecture>i386:x86-64</architecture>\n");
    for (unsigned f = 0; f < ARRAY_SIZE(features); f++) {
        say(&t, "<feature name=\"%s\">\n", features[f].name);
        if (features[f].row == core)
            say_flags(&t, "x86_eflags", 4, eflags_bits);
        if (features[f].row == sse) {
            say_flags(&t, "x86_mxcsr", 4, mxcsr_bits);
            say_vector(&t);
        }
        if (features[f].row == avx512) {
            say_vector(&t); /* a feature knows the types of its own alone */
            say(&t, "<vector id=\"v2ui128\" type=\"uint128\" count=\"2\"/>\n");
        }
        if (features[f].row == ours) {
            say_flags(&t, "x86_cr0", 8, cr0_bits);
            say_flags(&t, "x86_cr4", 8, cr4_bits);
            say_flags(&t, "x86_efer", 8, efer_bits);
        }
        for (unsigned n = 0; n < features[f].rows; n++) {
            const struct row *r = &features[f].row[n];
            say(&t, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"", r->name, r->bits,
                r->type ? r->type : "int");
            if (r->group)
                say(&t, " group=\"%s\"", r->group);
            say(&t, "/>\n");
        }
        say(&t, "</feature>\n");
    }
    say(&t, "</target>\n");
    return t.used;
}

/* ---- registers ---- */

unsigned gdb_register_size(unsigned n)
{
    const struct row *r = row_of(n);

    return r ? r->bits / 8u : 0;
}

static const void *member(const struct cpu *c, const struct row *r)
{
    return (const uint8_t *)c + r->number;
}

static uint64_t member64(const struct cpu *c, const struct row *r)
{
    uint64_t v;

    memcpy(&v, member(c, r), sizeof v);
    return v;
}

static uint16_t member16(const struct cpu *c, const struct row *r)
{
    uint16_t v;

    memcpy(&v, member(c, r), sizeof v);
    return v;
}

/* What code of this mode can name. */
static uint64_t gpr_seen(const struct cpu *c, unsigned n)
{
    if (cpu_code64(c))
        return c->gpr[n];
    return n >= R8 ? 0 : (uint32_t)c->gpr[n];
}

static uint64_t x87_get(const struct cpu *c, enum x87_part part)
{
    switch (part) {
    case FCTRL: return c->fcw;
    case FSTAT: return c->fsw;
    case FTAG: return x87_full_tags(c);
    case FISEG: return c->fcs;
    case FIOFF: return (uint32_t)c->fip;
    case FOSEG: return c->fds;
    case FOOFF: return (uint32_t)c->fdp;
    default: return c->fop;
    }
}

static uint64_t value(const struct cpu *c, const struct row *r)
{
    switch ((enum kind)r->kind) {
    case GPR: return gpr_seen(c, r->number);
    case PC: return points_pc(c);
    case FLAGS: return cpu_flags(c);
    case SELECTOR: return c->seg[r->number].selector;
    case X87: return x87_get(c, (enum x87_part)r->number);
    case MXCSR: return c->mxcsr;
    case BASE: return c->seg[r->number].base;
    case IP: return c->rip;
    case SHORT: return member16(c, r);
    case FREE:
    case SHOWN: return member64(c, r);
    default: return 0; /* ST, PART: wider than this */
    }
}

void gdb_register_get(const struct cpu *c, unsigned n, uint8_t *bytes)
{
    const struct row *r = row_of(n);

    if (!r)
        return;
    if (r->kind == ST) {
        const struct f80 *f = &c->st[(x87_top(c) + r->number) & 7];
        store64(bytes, f->sig);
        store16(bytes + 8, f->se);
    } else if (r->kind == PART) {
        for (unsigned k = 0; k < r->bits / 64u; k++)
            store64(bytes + 8 * k, c->v[r->number >> 3].q[(r->number & 7) + k]);
    } else {
        store_le(bytes, r->bits / 8u, value(c, r));
    }
}

static bool set_gpr(struct cpu *c, unsigned n, uint64_t v)
{
    if (cpu_code64(c)) {
        c->gpr[n] = v;
        return true;
    }
    if (n >= R8 || v >> 32)
        return false;
    c->gpr[n] = (c->gpr[n] & ~0xffffffffull) | v;
    return true;
}

static bool set_ip(struct cpu *c, uint64_t ip)
{
    if (!cpu_code64(c) && ip > c->seg[CS].limit)
        return false;
    c->rip = ip;
    c->rep_cut = false;
    c->passed = UINT64_MAX; /* a breakpoint there was not yet met */
    return true;
}

/* A selector changes with its descriptor; without descriptors it is the base (SDM vol 3A
 * 20.1.1). */
static bool set_selector(struct cpu *c, enum sreg s, uint64_t selector)
{
    if (selector > 0xffff || cpu_protected(c))
        return false;
    seg_load_real(c, s, (uint16_t)selector);
    seg_derive(c, s);
    cpu_derive(c);
    return true;
}

static bool set_base(struct cpu *c, enum sreg s, uint64_t base)
{
    if (!cpu_code64(c))
        return false;
    c->seg[s].base = base;
    seg_derive(c, s);
    return true;
}

static bool set_flags(struct cpu *c, uint64_t v)
{
    if ((v ^ cpu_flags(c)) & FLAG_VM) /* is a change of mode */
        return false;
    cpu_set_flags(c, v);
    return true;
}

static bool set_x87(struct cpu *c, enum x87_part part, uint64_t v)
{
    if (v > (part == FIOFF || part == FOOFF ? UINT32_MAX : part == FOP ? 0x7ff : 0xffff))
        return false;
    switch (part) {
    case FCTRL: c->fcw = (uint16_t)(v | FCW_RESERVED); break;
    case FSTAT: c->fsw = (uint16_t)v; break;
    case FTAG: x87_set_tags(c, (uint16_t)v); break;
    case FISEG: c->fcs = (uint16_t)v; break;
    case FIOFF: c->fip = (c->fip & ~0xffffffffull) | v; break;
    case FOSEG: c->fds = (uint16_t)v; break;
    case FOOFF: c->fdp = (c->fdp & ~0xffffffffull) | v; break;
    case FOP: c->fop = (uint16_t)v; break;
    }
    if (part == FCTRL || part == FSTAT)
        x87_summarise(c);
    return true;
}

static bool set_value(struct cpu *c, const struct row *r, uint64_t v)
{
    switch ((enum kind)r->kind) {
    case GPR: return set_gpr(c, r->number, v);
    case PC:
        if (cpu_code64(c))
            return set_ip(c, v);
        return !(v >> 32) && set_ip(c, (uint32_t)(v - c->seg[CS].base));
    case IP: return set_ip(c, v);
    case FLAGS: return set_flags(c, v);
    case SELECTOR: return set_selector(c, (enum sreg)r->number, v);
    case X87: return set_x87(c, (enum x87_part)r->number, v);
    case BASE: return set_base(c, (enum sreg)r->number, v);
    case MXCSR:
        if (v & ~(uint64_t)mxcsr_mask(c))
            return false;
        c->mxcsr = (uint32_t)v;
        return true;
    case FREE: memcpy((uint8_t *)c + r->number, &v, sizeof v); return true;
    default: return false;
    }
}

bool gdb_register_set(struct cpu *c, unsigned n, const uint8_t *bytes)
{
    const struct row *r = row_of(n);
    uint8_t now[GDB_REGISTER_BYTES];

    if (!r)
        return false;
    gdb_register_get(c, n, now);
    if (!memcmp(now, bytes, r->bits / 8u))
        return true;
    if (r->kind == ST) {
        struct f80 *f = &c->st[(x87_top(c) + r->number) & 7];
        f->sig = load64(bytes);
        f->se = load16(bytes + 8);
        return true;
    }
    if (r->kind == PART) {
        for (unsigned k = 0; k < r->bits / 64u; k++)
            c->v[r->number >> 3].q[(r->number & 7) + k] = load64(bytes + 8 * k);
        return true;
    }
    return set_value(c, r, load_le(bytes, r->bits / 8u));
}

/* ---- memory ---- */

static bool translate(struct cpu *c, bool physical, uint64_t at, paddr *where)
{
    if (physical) {
        *where = pa(at);
        return true;
    }
    return mmu_debug_translate(&c->mmu, cpu_long_mode(c) ? at : (uint32_t)at, where);
}

/* Of the n bytes at `at`, those that lie in its page. */
static size_t in_page(uint64_t at, size_t n)
{
    size_t left = (size_t)(PAGE - (at & (PAGE - 1)));

    return n < left ? n : left;
}

size_t gdb_memory_read(struct cpu *c, bool physical, uint64_t at, uint8_t *to, size_t n)
{
    size_t done = 0;

    while (done < n) {
        size_t part = in_page(at + done, n - done);
        paddr where;
        if (!translate(c, physical, at + done, &where) ||
            !phys_read(c->mmu.phys, where, to + done, part))
            break;
        done += part;
    }
    return done;
}

bool gdb_memory_write(struct cpu *c, bool physical, uint64_t at, const uint8_t *from,
                      size_t n)
{
    size_t part;
    paddr where;
    uint8_t was[PAGE];

    for (size_t done = 0; done < n; done += part) {
        part = in_page(at + done, n - done);
        if (!translate(c, physical, at + done, &where) ||
            !phys_read(c->mmu.phys, where, was, part))
            return false;
    }
    for (size_t done = 0; done < n; done += part) {
        part = in_page(at + done, n - done);
        if (!translate(c, physical, at + done, &where) ||
            !phys_poke(c->mmu.phys, where, from + done, part))
            return false;
    }
    return true;
}
