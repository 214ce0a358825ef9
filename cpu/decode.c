/* decode.c - bytes to struct insn, by the rows of isa.def.
 *
 * Prefixes and opcode select a chain of candidate rows; the first whose constraints hold
 * is the instruction. Then its operand letters say what to fetch and where each operand
 * stands. Intel SDM vol 2 ch. 2.
 */
#include "base/byteorder.h"
#include "cpu/cpu.h"
#include "cpu/isa.h"
#include "cpu/operand.h"

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };
enum { LONGEST = 15 };

struct cursor {
    const uint8_t *bytes;
    unsigned at, end; /* end: bytes available, at most LONGEST */
    bool short_of;    /* a fetch went past end */
};

struct prefixes {
    bool opsize, lock, mode64;
    uint8_t rep; /* 0, F2, F3: the last one */
    uint8_t rex;
    int seg;       /* enum sreg, or -1 */
    unsigned asize; /* 2, 4, 8 bytes */
    /* VEX and EVEX: pp and RXBW stand in opsize, rep and rex, as of legacy prefixes. */
    uint8_t vvvv, l; /* vvvv with V' as bit 4 */
    bool high_reg;   /* EVEX.R': bit 4 of the register in ModRM.reg */
    uint8_t mask;    /* EVEX.aaa */
    bool z, b;
};

struct modrm {
    unsigned mod, reg, rm; /* without REX bits */
};

static uint64_t fetch(struct cursor *in, unsigned size)
{
    uint64_t v;
    if (in->at + size > in->end) {
        in->short_of = true;
        return 0;
    }
    v = load_le(in->bytes + in->at, size);
    in->at += size;
    return v;
}

static int32_t fetch_signed(struct cursor *in, unsigned size)
{
    return (int32_t)(uint32_t)sign_extend(fetch(in, size), size * 8);
}

/* Legacy prefixes in any order and number, then REX directly before the opcode. */
static uint8_t read_prefixes(struct cursor *in, uint32_t mode, struct prefixes *p)
{
    bool asize = false;
    uint8_t op;

    *p = (struct prefixes){.seg = -1, .mode64 = mode & MODE_CODE64};
    for (;;) {
        op = (uint8_t)fetch(in, 1);
        if (in->short_of)
            return 0;
        switch (op) {
        case 0x26: p->seg = p->mode64 ? p->seg : ES; break;
        case 0x2e: p->seg = p->mode64 ? p->seg : CS; break;
        case 0x36: p->seg = p->mode64 ? p->seg : SS; break;
        case 0x3e: p->seg = p->mode64 ? p->seg : DS; break;
        case 0x64: p->seg = FS; break;
        case 0x65: p->seg = GS; break;
        case 0x66: p->opsize = true; break;
        case 0x67: asize = true; break;
        case 0xf0: p->lock = true; break;
        case 0xf2:
        case 0xf3: p->rep = op; break;
        default:
            if (p->mode64 && (op & 0xf0) == 0x40) {
                p->rex = op;
                /* A REX that is not the last prefix is ignored. */
                op = (uint8_t)fetch(in, 1);
                if (in->short_of)
                    return 0;
                switch (op) {
                case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
                case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
                    p->rex = 0;
                    in->at--;
                    continue;
                default:
                    if ((op & 0xf0) == 0x40) {
                        p->rex = 0;
                        in->at--;
                        continue;
                    }
                }
            }
            if (p->mode64)
                p->asize = asize ? 4 : 8;
            else
                p->asize = !(mode & MODE_CODE32) == asize ? 4 : 2;
            return op;
        }
    }
}

/* VEX (C4, C5) and EVEX (62), in protected mode; outside 64-bit mode where LES, LDS and
 * BOUND would name a register. SDM vol 2 2.3.5, 2.7.1. */
static bool is_vector_prefix(const struct cursor *in, uint8_t op, uint32_t mode)
{
    if ((op != 0xc4 && op != 0xc5 && op != 0x62) || !(mode & MODE_PROTECTED))
        return false;
    return (mode & MODE_CODE64) || in->at >= in->end || in->bytes[in->at] >= 0xc0;
}

/* The rest of a VEX prefix; false: #UD. SDM vol 2 2.3.5, 2.3.6. */
static bool read_vex(struct cursor *in, uint8_t op, struct prefixes *p, unsigned *map)
{
    uint8_t a = (uint8_t)fetch(in, 1), b = a;

    if (p->opsize || p->rep || p->lock || p->rex)
        return false;
    *map = 1;
    p->rex = a & 0x80 ? 0 : REX_R;
    if (op == 0xc4) {
        b = (uint8_t)fetch(in, 1);
        *map = a & 31;
        p->rex |= (a & 0x40 ? 0 : REX_X) | (a & 0x20 ? 0 : REX_B) |
                  (b & 0x80 ? REX_W : 0);
        if (*map < 1 || *map > 3)
            return false;
    }
    *map += ISA_VEX;
    p->vvvv = ~b >> 3 & 15;
    p->l = b >> 2 & 1;
    p->opsize = (b & 3) == 1;
    p->rep = (b & 3) == 2 ? 0xf3 : (b & 3) == 3 ? 0xf2 : 0;
    if (!p->mode64)
        p->rex &= REX_W;
    return true;
}

/* The rest of an EVEX prefix; false: #UD. SDM vol 2 2.7.1, 2.7.11. */
static bool read_evex(struct cursor *in, struct prefixes *p, unsigned *map)
{
    uint8_t a = (uint8_t)fetch(in, 1), b = (uint8_t)fetch(in, 1), d = (uint8_t)fetch(in, 1);

    if (p->opsize || p->rep || p->lock || p->rex)
        return false;
    if ((a & 0xc) || !(a & 3) || !(b & 4))
        return false;
    *map = (a & 3) + ISA_EVEX;
    p->rex = (a & 0x80 ? 0 : REX_R) | (a & 0x40 ? 0 : REX_X) | (a & 0x20 ? 0 : REX_B) |
             (b & 0x80 ? REX_W : 0);
    p->high_reg = !(a & 0x10);
    p->opsize = (b & 3) == 1;
    p->rep = (b & 3) == 2 ? 0xf3 : (b & 3) == 3 ? 0xf2 : 0;
    p->vvvv = (uint8_t)((~b >> 3 & 15) | (d & 8 ? 0 : 16));
    p->l = d >> 5 & 3;
    p->mask = d & 7;
    p->z = d & 0x80;
    p->b = d & 0x10;
    if (p->z && !p->mask)
        return false;
    if (!p->mode64) {
        if (p->vvvv & 16)
            return false;
        p->rex &= REX_W;
        p->high_reg = false;
    }
    return true;
}

static unsigned operand_bytes(const struct isa_row *r, const struct prefixes *p,
                              uint32_t mode)
{
    if (p->mode64) {
        if ((r->traits & T_F64) || (p->rex & REX_W))
            return 8;
        if (p->opsize)
            return 2;
        return r->traits & T_D64 ? 8 : 4;
    }
    return !(mode & MODE_CODE32) == p->opsize ? 4 : 2;
}

static bool is_opmask(unsigned class)
{
    return class == OC_K || class == OC_KM || class == OC_KR;
}

/* What EVEX.b, aaa and z ask for, against what the row allows. Sets *l to the vector
 * length that counts. */
static bool evex_matches(const struct isa_row *r, const struct prefixes *p,
                         const struct modrm *m, unsigned *l)
{
    unsigned first = operand_info[r->operand[0]].class;

    if (p->b && m->mod == 3) {
        if (!(r->traits & (T_ER | T_SAE)))
            return false;
        *l = 2;
    } else if (p->b && !(r->traits & T_BCST)) {
        return false;
    }
    if (*l == 3 || (p->mask && (r->traits & T_NOMASK)))
        return false;
    if ((r->traits & T_NEEDMASK) && (!p->mask || p->z))
        return false;
    return !(p->z && (is_opmask(first) || (first == OC_W && m->mod != 3) ||
                      first == OC_M || first == OC_VM));
}

/* Whether the operands allow what ModRM and the prefixes say. */
static bool operands_match(const struct isa_row *r, const struct prefixes *p,
                           const struct modrm *m)
{
    bool vvvv = false;

    for (unsigned k = 0; k < ARRAY_SIZE(r->operand) && r->operand[k]; k++)
        switch (operand_info[r->operand[k]].class) {
        case OC_M:
            if (m->mod == 3)
                return false;
            break;
        case OC_VM: /* with SIB */
            if (m->mod == 3 || m->rm != 4 || p->asize == 2)
                return false;
            break;
        case OC_H:
        case OC_B: vvvv = true; break;
        case OC_KH: /* opmasks are eight; outside 64-bit mode bit 3 is ignored */
            if (p->mode64 && (p->vvvv & 8))
                return false;
            vvvv = true;
            break;
        case OC_K:
            if ((p->rex & REX_R) || p->high_reg)
                return false;
            break;
        case OC_KR:
            if (m->mod != 3)
                return false;
            break;
        case OC_G:
            if (p->high_reg)
                return false;
            break;
        case OC_R:
        case OC_U:
        case OC_N:
        case OC_ST:
            if (m->mod != 3)
                return false;
            break;
        case OC_S:
            if (m->reg >= SREGS)
                return false;
            break;
        default: break;
        }
    /* With VSIB, V' belongs to the index. */
    return vvvv || !p->vvvv || (p->vvvv == 16 && isa_uses(r, OC_VM));
}

static bool row_matches(const struct isa_row *r, const struct prefixes *p,
                        const struct modrm *m, uint32_t mode, unsigned shape)
{
    uint64_t e = r->enc;
    unsigned prefix = (unsigned)ENC_PREFIX(e);
    unsigned l = p->l;

    if ((e & EVEX) && !evex_matches(r, p, m, &l))
        return false;
    if ((e & (L0 | L1 | L2)) && !(e & L0 << l))
        return false;
    if ((e & 1ull << 12) && m->reg != (e >> 13 & 7))
        return false;
    if ((e & 1ull << 16) && m->rm != (e >> 17 & 7))
        return false;
    if ((e & MEM) && m->mod == 3)
        return false;
    if ((e & NOMEM) && m->mod != 3)
        return false;
    if (prefix) {
        unsigned have = p->rep == 0xf3 ? 3 : p->rep == 0xf2 ? 4 : p->opsize ? 2 : 1;
        if (prefix == 5 ? have > 2 : prefix != have)
            return false;
    }
    if ((e & W0) && (p->rex & REX_W))
        return false;
    if ((e & W1) && !(p->rex & REX_W))
        return false;
    if (e & (OS16 | OS32 | OS64)) {
        unsigned size = operand_bytes(r, p, mode);
        if (!(e & (size == 2 ? OS16 : size == 4 ? OS32 : OS64)))
            return false;
    }
    if ((e & (AS16 | AS32 | AS64)) &&
        !(e & (p->asize == 2 ? AS16 : p->asize == 4 ? AS32 : AS64)))
        return false;
    if ((r->traits & T_NO64) && p->mode64)
        return false;
    if ((r->traits & T_ONLY64) && !p->mode64)
        return false;
    if ((r->traits & T_PROT) && !(mode & MODE_PROTECTED))
        return false;
    return shape & SHAPE_RESTRICTED ? operands_match(r, p, m) : !p->vvvv;
}

static unsigned size_bytes(unsigned size, unsigned osize, const struct prefixes *p)
{
    switch (size) {
    case SZ_V: return osize;
    case SZ_Y: return p->mode64 && (p->rex & REX_W) ? 8 : 4;
    case SZ_Z: return osize == 2 ? 2 : 4;
    case SZ_YD: return p->mode64 ? 8 : 4;
    case SZ_P:
    case SZ_S:
    case SZ_NONE: return osize;
    case SZ_X:
    case SZ_X2:
    case SZ_X4:
    case SZ_X8: return 16;
    default: return size;
    }
}

static uint16_t gpr_offset(unsigned n, unsigned bytes, const struct prefixes *p)
{
    return reg_offset(n, bytes * 8, bytes == 1 && !p->rex && n >= 4);
}

static uint16_t vec_offset(unsigned n)
{
    return (uint16_t)(offsetof(struct cpu, v) + n * sizeof(struct vec));
}

static uint16_t mask_offset(unsigned n)
{
    return (uint16_t)(offsetof(struct cpu, k) + n * sizeof(uint64_t));
}

static void set_addr(struct insn *i, unsigned seg, unsigned scale, unsigned asize)
{
    i->addr = (uint8_t)(seg | scale << 3 | (asize == 2 ? 0u : asize == 4 ? 1u : 2u) << 5);
}

/* 16-bit addressing: SDM vol 2 Table 2-1. */
static void read_mem16(struct cursor *in, const struct prefixes *p, const struct modrm *m,
                       struct insn *i)
{
    static const int8_t base[8] = {RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX};
    static const int8_t index[8] = {RSI, RDI, RSI, RDI, -1, -1, -1, -1};
    unsigned seg = base[m->rm] == RBP ? SS : DS;

    i->rm = CPU_GPR_OFFSET(base[m->rm]);
    i->index = index[m->rm] < 0 ? CPU_ZERO_OFFSET : CPU_GPR_OFFSET(index[m->rm]);
    if (m->mod == 0 && m->rm == 6) {
        i->rm = CPU_ZERO_OFFSET;
        seg = DS;
        i->disp = fetch_signed(in, 2);
    } else if (m->mod == 1) {
        i->disp = fetch_signed(in, 1);
    } else if (m->mod == 2) {
        i->disp = fetch_signed(in, 2);
    }
    set_addr(i, p->seg >= 0 ? (unsigned)p->seg : seg, 0, 2);
}

/* 32- and 64-bit addressing: SDM vol 2 Tables 2-2, 2-3, 2-7. vsib: the index is a vector
 * register. True: RIP-relative. */
static bool read_mem(struct cursor *in, const struct prefixes *p, const struct modrm *m,
                     bool vsib, struct insn *i)
{
    unsigned seg = DS, scale = 0, rm = m->rm;
    bool relative = false;

    i->index = CPU_ZERO_OFFSET;
    if (rm == 4) {
        uint8_t sib = (uint8_t)fetch(in, 1);
        unsigned x = (sib >> 3 & 7) | (p->rex & REX_X ? 8 : 0);
        unsigned high = p->vvvv & 16;
        rm = sib & 7;
        scale = sib >> 6;
        if (vsib)
            i->index = vec_offset(x | high);
        else if (x != 4)
            i->index = CPU_GPR_OFFSET(x);
        else
            scale = 0;
        if (rm == 5 && m->mod == 0) {
            i->rm = CPU_ZERO_OFFSET;
            i->disp = fetch_signed(in, 4);
            goto done;
        }
    } else if (rm == 5 && m->mod == 0) {
        i->disp = fetch_signed(in, 4);
        relative = p->mode64;
        i->rm = relative ? CPU_PAGE_RIP_OFFSET : CPU_ZERO_OFFSET;
        goto done;
    }
    if (rm == RSP || rm == RBP) /* R12 and R13 use DS */
        seg = p->rex & REX_B ? DS : SS;
    i->rm = CPU_GPR_OFFSET(rm | (p->rex & REX_B ? 8u : 0u));
    if (m->mod == 1)
        i->disp = fetch_signed(in, 1);
    else if (m->mod == 2)
        i->disp = fetch_signed(in, 4);
done:
    set_addr(i, p->seg >= 0 ? (unsigned)p->seg : seg, scale, p->asize);
    return relative;
}

/* What must be known of the whole instruction while its operands are set. */
struct shape {
    const struct prefixes *p;
    const struct modrm *m;
    unsigned osize, opcode;
    bool evex;
};

static void set_rm(struct insn *i, uint16_t reg)
{
    if (!(i->form & FORM_MEM))
        i->rm = reg;
}

static void read_operand(struct cursor *in, const struct shape *s, unsigned nth,
                         unsigned operand, struct insn out[2])
{
    const struct operand_info *o = &operand_info[operand];
    const struct prefixes *p = s->p;
    struct insn *i = &out[0];
    unsigned bytes = size_bytes(o->size, s->osize, p);
    unsigned reg = s->m->reg | (p->rex & REX_R ? 8u : 0u) | (p->high_reg ? 16u : 0u);
    unsigned rm = s->m->rm | (p->rex & REX_B ? 8u : 0u);

    switch (o->class) {
    case OC_E:
    case OC_R: set_rm(i, gpr_offset(rm, bytes, p)); break;
    case OC_G:
        i->reg = gpr_offset(reg, bytes, p);
        i->form |= nth == 0 ? FORM_DST_REG : 0;
        break;
    case OC_Z:
        i->rm = gpr_offset((s->opcode & 7) | (p->rex & REX_B ? 8u : 0u), bytes, p);
        break;
    case OC_ACC:
        if (nth == 0 && !isa_uses(&isa_rows[i->row], OC_O)) {
            i->rm = reg_offset(RAX, bytes * 8, false);
        } else {
            i->reg = reg_offset(RAX, bytes * 8, false);
            i->form |= nth == 0 ? FORM_DST_REG : 0;
        }
        break;
    case OC_I:
        if (o->size == SZ_V && s->osize == 8) {
            struct insn_long slot = {.imm64 = fetch(in, 8)};
            memcpy(&out[1], &slot, sizeof slot);
            i->form |= FORM_LONG;
        } else if (nth &&
                   operand_info[isa_rows[i->row].operand[nth - 1]].class == OC_I) {
            i->aux = (uint8_t)fetch(in, bytes); /* the second: ENTER, EXTRQ, INSERTQ */
        } else {
            i->imm = (int32_t)(uint32_t)fetch(in, bytes);
        }
        i->form |= nth <= 1 ? FORM_IMM : 0;
        break;
    case OC_SI:
        i->imm = fetch_signed(in, bytes);
        i->form |= nth <= 1 ? FORM_IMM : 0;
        break;
    case OC_J: i->imm = fetch_signed(in, bytes == 8 ? 4 : bytes); break;
    case OC_O:
        i->form |= FORM_MEM;
        i->rm = i->index = CPU_ZERO_OFFSET;
        set_addr(i, p->seg >= 0 ? (unsigned)p->seg : DS, 0, p->asize);
        if (p->asize == 8) {
            struct insn_long slot = {.imm64 = fetch(in, 8)};
            memcpy(&out[1], &slot, sizeof slot);
            i->form |= FORM_LONG;
        } else {
            i->disp = (int32_t)(uint32_t)fetch(in, p->asize);
        }
        break;
    case OC_A:
        i->imm = (int32_t)(uint32_t)fetch(in, s->osize);
        i->disp = (int32_t)fetch(in, 2);
        break;
    case OC_S:
        i->reg = (uint16_t)s->m->reg;
        i->form |= nth == 0 ? FORM_DST_REG : 0;
        break;
    case OC_C:
    case OC_D:
        i->reg = (uint16_t)reg;
        i->form |= nth == 0 ? FORM_DST_REG : 0;
        break;
    case OC_V:
        i->reg = vec_offset(reg);
        i->form |= nth == 0 ? FORM_DST_REG : 0;
        break;
    case OC_W:
    case OC_U: set_rm(i, vec_offset(s->evex && (p->rex & REX_X) ? rm | 16 : rm)); break;
    case OC_K:
        i->reg = mask_offset(reg);
        i->form |= nth == 0 ? FORM_DST_REG : 0;
        break;
    case OC_KM:
    case OC_KR: set_rm(i, mask_offset(s->m->rm)); break;
    case OC_L:
        i->imm = (int32_t)fetch(in, 1) & (p->mode64 ? 0xff : 0x7f);
        break;
    case OC_P:
        i->reg = (uint16_t)s->m->reg;
        i->form |= nth == 0 ? FORM_DST_REG : 0;
        break;
    case OC_Q:
    case OC_N:
    case OC_ST: set_rm(i, (uint16_t)s->m->rm); break;
    case OC_FIXED:
        if (operand == O_I1) {
            i->imm = 1;
            i->form |= FORM_IMM;
        }
        break;
    default: break; /* X, Y: the registers are implied; M, VM: the memory form; H, B: aux */
    }
}

/* The operation's width: the first operand that has one of its own; 128 for vectors. */
static uint8_t operation_bits(const struct isa_row *r, unsigned osize,
                              const struct prefixes *p)
{
    for (unsigned k = 0; k < ARRAY_SIZE(r->operand) && r->operand[k]; k++) {
        const struct operand_info *o = &operand_info[r->operand[k]];
        switch (o->class) {
        case OC_FIXED:
        case OC_I:
        case OC_SI:
        case OC_J:
        case OC_A: break;
        default:
            if (o->size == SZ_QQ || o->size == SZ_OO)
                return 128;
            return (uint8_t)(size_bytes(o->size, osize, p) * 8);
        }
    }
    return (uint8_t)(osize * 8);
}

/* EVEX: what an 8-bit displacement is counted in: the bytes of the memory operand, or of
 * the element that is broadcast (SDM vol 2 2.7.5). */
static unsigned memory_bytes(const struct isa_row *r, const struct prefixes *p,
                             unsigned osize)
{
    for (unsigned k = 0; k < ARRAY_SIZE(r->operand) && r->operand[k]; k++) {
        const struct operand_info *o = &operand_info[r->operand[k]];
        switch (o->class) {
        case OC_W:
        case OC_M:
        case OC_E:
        case OC_VM:
            if (p->b)
                return p->rex & REX_W ? 8 : 4;
            switch (o->size) {
            case SZ_X: return 16u << p->l;
            case SZ_X2: return 8u << p->l;
            case SZ_X4: return 4u << p->l;
            case SZ_X8: return 2u << p->l;
            default: return size_bytes(o->size, osize, p);
            }
        default: break;
        }
    }
    return 1;
}

/* A gather's destination, index and (VEX) mask are three registers (SDM vol 2 2.3.12;
 * VPGATHERDD). A scatter may be from its index. */
static bool is_distinct(const struct isa_row *r, const struct insn *i)
{
    uint16_t mask = vec_offset(INSN_VVVV(i));

    if (r->enc & EVEX)
        return i->reg != i->index || operand_info[r->operand[0]].class == OC_VM;
    return i->reg != i->index && i->reg != mask && i->index != mask;
}

/* Does the row come in several vector lengths? */
static bool has_lengths(const struct isa_row *r)
{
    for (unsigned k = 0; k < ARRAY_SIZE(r->operand) && r->operand[k]; k++)
        switch (operand_info[r->operand[k]].size) {
        case SZ_X:
        case SZ_X2:
        case SZ_X4:
        case SZ_X8: return true;
        default: break;
        }
    return false;
}

static const struct isa_row *find_row(const struct isa_table *t, unsigned map,
                                      uint8_t op, const struct prefixes *p,
                                      const struct modrm *m, uint32_t mode)
{
    unsigned shape = t->shape[map][op];

    for (unsigned n = t->first[map][op]; n;) {
        const struct isa_row *r = &isa_rows[n - 1];
        if (row_matches(r, p, m, mode, shape) &&
            (t->short_evex || !(r->enc & EVEX) || p->l == 2 || !has_lengths(r) ||
             (p->b && m->mod == 3)))
            return r;
        n = t->next[(n - 1) * 16 + (op - ENC_OPCODE(r->enc))];
    }
    return NULL;
}

/* What VEX and EVEX say beside their operands: vvvv, the length, and in what disp8
 * counts. Outside 64-bit mode vvvv's bit 3 is ignored in an operand; unused, it must be
 * 1 like the others (Zen 3). */
static void set_vector_fields(struct insn *i, const struct isa_row *r,
                              const struct shape *s)
{
    const struct prefixes *p = s->p;
    bool whole = s->evex && p->b && s->m->mod == 3; /* b: rounding, of 512 bits */

    i->aux = (uint8_t)((p->mode64 ? p->vvvv : p->vvvv & 7) | (whole ? 2 : p->l) << 5);
    if (s->evex && s->m->mod == 1)
        i->disp *= (int32_t)memory_bytes(r, p, s->osize);
}

static enum decode_status decode_bytes(const struct isa_table *t, uint32_t mode,
                                       struct cursor *in, unsigned at, struct insn out[2])
{
    struct prefixes p;
    struct modrm m = {0};
    struct insn *i = &out[0];
    const struct isa_row *r;
    struct shape s;
    unsigned map = 0;
    bool vector, vsib, relative = false;
    uint8_t op, shape, modrm_byte = 0;

    *i = (struct insn){.at = (uint16_t)at, .rm = CPU_ZERO_OFFSET, .index = CPU_ZERO_OFFSET};
    op = read_prefixes(in, mode, &p);
    if (is_vector_prefix(in, op, mode) && !in->short_of) {
        if (!(op == 0x62 ? read_evex(in, &p, &map) : read_vex(in, op, &p, &map)))
            return in->short_of ? DECODE_MORE : DECODE_INVALID;
        op = (uint8_t)fetch(in, 1);
    } else if (op == 0x0f && !in->short_of) {
        map = 1;
        op = (uint8_t)fetch(in, 1);
        if (op == 0x38 || op == 0x3a) {
            map = op == 0x38 ? 2 : 3;
            op = (uint8_t)fetch(in, 1);
        }
    }
    if (in->short_of)
        return DECODE_MORE;
    shape = t->shape[map][op];
    if (!shape)
        return DECODE_INVALID;
    if (shape & SHAPE_MODRM) {
        modrm_byte = (uint8_t)fetch(in, 1);
        if (in->short_of)
            return DECODE_MORE;
        m = (struct modrm){modrm_byte >> 6, modrm_byte >> 3 & 7, modrm_byte & 7};
        if (shape & SHAPE_REGISTER)
            m.mod = 3;
    }
    r = find_row(t, map, op, &p, &m, mode);
    if (!r)
        return DECODE_INVALID;

    vector = r->enc & (VEX | EVEX);
    vsib = vector && isa_uses(r, OC_VM);
    i->row = (uint16_t)(r - isa_rows);
    if (map == 0 && (op & 0xf8) == 0xd8) /* x87: FOP, SDM vol 1 8.1.9 */
        i->imm = (op & 7) << 8 | (int32_t)modrm_byte;
    if ((shape & SHAPE_MODRM) && m.mod != 3) {
        i->form |= FORM_MEM;
        if (p.asize == 2)
            read_mem16(in, &p, &m, i);
        else
            relative = read_mem(in, &p, &m, vsib, i);
    } else {
        set_addr(i, p.seg >= 0 ? (unsigned)p.seg : DS, 0, p.asize);
    }
    s = (struct shape){&p, &m, operand_bytes(r, &p, mode), op, r->enc & EVEX};
    i->bits = operation_bits(r, s.osize, &p);
    i->form |= (p.rep == 0xf3 ? FORM_REP : 0) | (p.rep == 0xf2 ? FORM_REPNE : 0) |
               (p.mode64 && (p.rex & REX_W) ? FORM_W : 0) | (p.lock ? FORM_LOCK : 0);
    if (r->enc & COND)
        i->aux = op & 15;
    if (vector)
        set_vector_fields(i, r, &s);
    for (unsigned k = 0; k < ARRAY_SIZE(r->operand) && r->operand[k]; k++)
        read_operand(in, &s, k, r->operand[k], out);
    if (in->short_of)
        return DECODE_MORE;
    if (p.lock && !((r->traits & T_LOCK) && (i->form & FORM_MEM)))
        return DECODE_INVALID;
    if (s.evex)
        i->imm |= p.mask << 8 | p.z << 11 | p.b << 12 | p.l << 13;
    if (vsib && !is_distinct(r, i))
        return DECODE_INVALID;
    if (relative) {
        int64_t disp = (int64_t)i->disp + at + in->at;
        if (disp == (int32_t)disp)
            i->disp = (int32_t)disp;
        else /* too far to fold: c->rip is the next instruction's in a general handler */
            i->rm = (uint16_t)offsetof(struct cpu, rip);
    }
    i->len = (uint8_t)in->at;
    return DECODE_OK;
}

enum decode_status decode(const struct isa_table *t, uint32_t mode, const uint8_t *bytes,
                          unsigned n, unsigned at, struct insn out[2])
{
    struct cursor in = {bytes, 0, n < LONGEST ? n : LONGEST, false};
    enum decode_status status = decode_bytes(t, mode, &in, at, out);

    if (status == DECODE_MORE && n >= LONGEST)
        return DECODE_LONG;
    return status;
}
