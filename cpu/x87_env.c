/* x87_env.c - FSTENV, FLDENV, FSAVE, FRSTOR in their four layouts: 16 or 32 bits, real
 * or protected. SDM vol 1 8.1.10, Figures 8-9 to 8-12.
 *
 * In the real-address layouts (also virtual-8086 mode) the pointers are linear
 * addresses, split around the opcode.
 */
#include "cpu/x87_parts.h"

static bool real_layout(const struct cpu *c)
{
    return !(c->mode & (MODE_PROTECTED | MODE_LONG));
}

static unsigned env_size(const struct insn *i)
{
    return i->bits == 16 ? 14 : 28;
}

static void env_write(const struct cpu *c, const struct insn *i, uint8_t *to)
{
    uint32_t fip = (uint32_t)c->fip, fdp = (uint32_t)c->fdp;
    uint16_t tags = x87_full_tags(c), fcs = c->fcs, fds = c->fds;

    if (real_layout(c)) {
        fip += (uint32_t)c->fcs << 4;
        fdp += (uint32_t)c->fds << 4;
    }
    if (i->bits == 16) {
        if (real_layout(c)) {
            fcs = (uint16_t)((fip >> 16 & 0xf) << 12 | c->fop);
            fds = (uint16_t)((fdp >> 16 & 0xf) << 12);
        }
        store16(to, c->fcw);
        store16(to + 2, c->fsw);
        store16(to + 4, tags);
        store16(to + 6, (uint16_t)fip);
        store16(to + 8, fcs);
        store16(to + 10, (uint16_t)fdp);
        store16(to + 12, fds);
        return;
    }
    /* Reserved halves are stored as ones, as hardware does. */
    store32(to, 0xffff0000u | c->fcw);
    store32(to + 4, 0xffff0000u | c->fsw);
    store32(to + 8, 0xffff0000u | tags);
    if (real_layout(c)) {
        store32(to + 12, 0xffff0000u | (fip & 0xffff));
        store32(to + 16, (fip >> 16) << 12 | c->fop);
        store32(to + 20, 0xffff0000u | (fdp & 0xffff));
        store32(to + 24, (fdp >> 16) << 12);
    } else {
        store32(to + 12, fip);
        store32(to + 16, (uint32_t)c->fop << 16 | fcs);
        store32(to + 20, fdp);
        store32(to + 24, 0xffff0000u | fds);
    }
}

static void env_read(struct cpu *c, const struct insn *i, const uint8_t *from)
{
    c->fcs = c->fds = 0;
    if (i->bits == 16) {
        uint16_t fcs = load16(from + 8), fds = load16(from + 12);
        c->fcw = load16(from);
        c->fsw = load16(from + 2);
        x87_set_tags(c, load16(from + 4));
        c->fip = load16(from + 6);
        c->fdp = load16(from + 10);
        if (real_layout(c)) {
            c->fip |= (uint64_t)(fcs >> 12) << 16;
            c->fdp |= (uint64_t)(fds >> 12) << 16;
            c->fop = fcs & 0x7ff;
        } else {
            c->fcs = fcs;
            c->fds = fds;
            c->fop = 0; /* this layout has no opcode */
        }
    } else {
        uint32_t third = load32(from + 16), fifth = load32(from + 24);
        c->fcw = load16(from);
        c->fsw = load16(from + 4);
        x87_set_tags(c, load16(from + 8));
        if (real_layout(c)) {
            c->fip = load16(from + 12) | (third >> 12 & 0xffff) << 16;
            c->fdp = load16(from + 20) | (fifth >> 12 & 0xffff) << 16;
            c->fop = third & 0x7ff;
        } else {
            c->fip = load32(from + 12);
            c->fcs = (uint16_t)third;
            c->fop = third >> 16 & 0x7ff;
            c->fdp = load32(from + 20);
            c->fds = (uint16_t)fifth;
        }
    }
    c->fcw = (uint16_t)((c->fcw & 0x1f3f) | FCW_RESERVED);
}

X87(fnstenv)
{
    uint8_t image[28];

    env_write(c, i, image);
    mem_write(c, INSN_SEG(i), ea(c, i), image, env_size(i));
    c->fcw |= FCW_MASKS;
    x87_summarise(c);
}

X87(fldenv)
{
    uint8_t image[28];

    x87_wait(c);
    mem_read(c, INSN_SEG(i), ea(c, i), image, env_size(i));
    env_read(c, i, image);
    x87_summarise(c);
}

/* The image's parts lie in spans of at most 64 bytes, all opened before one is touched.
 */
enum { IMAGE_MAX = 28 + 80 };

static void open_image(struct cpu *c, const struct insn *i, enum access_kind kind,
                       struct spans sp[2], unsigned size)
{
    uint64_t at = ea(c, i), mask = INSN_ASIZE(i) == 0   ? 0xffff
                                   : INSN_ASIZE(i) == 1 ? 0xffffffff
                                                        : ~0ull;

    mem_open(c, INSN_SEG(i), at, 64, kind, &sp[0]);
    mem_open(c, INSN_SEG(i), (at + 64) & mask, size - 64, kind, &sp[1]);
}

X87(fnsave)
{
    uint8_t image[IMAGE_MAX];
    unsigned env = env_size(i), size = env + 80;
    struct spans sp[2];

    env_write(c, i, image);
    for (unsigned n = 0; n < 8; n++) { /* ST(0) first */
        struct f80 v = *st_at(c, n);
        store64(image + env + 10 * n, v.sig);
        store16(image + env + 10 * n + 8, v.se);
    }
    open_image(c, i, ACCESS_WRITE, sp, size);
    spans_write(&c->mmu, &sp[0], image, 64);
    spans_write(&c->mmu, &sp[1], image + 64, size - 64);
    x87_init(c);
}

X87(frstor)
{
    uint8_t image[IMAGE_MAX];
    unsigned env = env_size(i), size = env + 80;
    struct spans sp[2];

    x87_wait(c);
    open_image(c, i, ACCESS_READ, sp, size);
    spans_read(&c->mmu, &sp[0], image, 64);
    spans_read(&c->mmu, &sp[1], image + 64, size - 64);
    env_read(c, i, image);
    for (unsigned n = 0; n < 8; n++) {
        st_at(c, n)->sig = load64(image + env + 10 * n);
        st_at(c, n)->se = load16(image + env + 10 * n + 8);
    }
    x87_summarise(c);
}
