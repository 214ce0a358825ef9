/* evex_int_reference.h - AVX-512's packed integers, an element at a time, as the
 * pseudo-code of Intel SDM vol 2 has them. Bytes and plain loops, nothing of cpu/.
 */
#ifndef TESTS_EVEX_INT_REFERENCE_H
#define TESTS_EVEX_INT_REFERENCE_H

#include <stdint.h>

struct sources {
    uint8_t a[64], b[64], d[64]; /* vvvv, r/m (broadcast done), the destination */
    uint64_t k;                  /* r/m as an opmask */
    unsigned imm, bytes;         /* the vector length */
    unsigned bits;               /* of the destination's element */
};

/* Element n of the destination; 0 or 1 of an opmask. */
typedef uint64_t reference_fn(const struct sources *s, unsigned n);

static inline uint64_t get(const uint8_t *v, unsigned bits, unsigned n)
{
    uint64_t x = 0;
    for (unsigned k = bits / 8; k-- > 0;)
        x = x << 8 | v[n * bits / 8 + k];
    return x;
}

static inline int64_t get_signed(const uint8_t *v, unsigned bits, unsigned n)
{
    uint64_t x = get(v, bits, n);
    return (int64_t)(bits < 64 && x >> (bits - 1) ? x | ~0ull << bits : x);
}

static inline uint64_t clamp_signed(int64_t x, unsigned bits)
{
    int64_t most = (int64_t)((1ull << (bits - 1)) - 1), least = -most - 1;
    return (uint64_t)(x < least ? least : x > most ? most : x);
}

static inline uint64_t clamp_unsigned(int64_t x, unsigned bits)
{
    int64_t most = (int64_t)((1ull << bits) - 1);
    return (uint64_t)(x < 0 ? 0 : x > most ? most : x);
}

#define REFERENCE(name, expr)                                                          \
    static uint64_t ref_##name(const struct sources *s, unsigned n)                    \
    {                                                                                  \
        const unsigned w = s->bits;                                                    \
        const uint64_t x = get(s->a, w, n), y = get(s->b, w, n), z = get(s->d, w, n);  \
        const int64_t sx = get_signed(s->a, w, n), sy = get_signed(s->b, w, n);        \
        (void)x, (void)y, (void)z, (void)sx, (void)sy;                                 \
        return expr;                                                                   \
    }

/* ---- arithmetic ---- */

REFERENCE(add, x + y)
REFERENCE(sub, x - y)
REFERENCE(adds, clamp_signed(sx + sy, w))
REFERENCE(subs, clamp_signed(sx - sy, w))
REFERENCE(addus, clamp_unsigned((int64_t)(x + y), w))
REFERENCE(subus, clamp_unsigned((int64_t)(x - y), w))
REFERENCE(avg, (x + y + 1) >> 1)
REFERENCE(mins, (uint64_t)(sx < sy ? sx : sy))
REFERENCE(maxs, (uint64_t)(sx > sy ? sx : sy))
REFERENCE(minu, x < y ? x : y)
REFERENCE(maxu, x > y ? x : y)
REFERENCE(abs, sy < 0 ? 0 - (uint64_t)sy : y)
REFERENCE(mullo, x * y)
REFERENCE(mulhi, (uint64_t)(sx * sy) >> 16)
REFERENCE(mulhiu, x * y >> 16)
REFERENCE(mulhrs, (uint64_t)(((sx * sy >> 14) + 1) >> 1))
REFERENCE(muludq, get(s->a, 32, 2 * n) * get(s->b, 32, 2 * n))
REFERENCE(muldq, (uint64_t)(get_signed(s->a, 32, 2 * n) * get_signed(s->b, 32, 2 * n)))
REFERENCE(maddwd,
          (uint64_t)(get_signed(s->a, 16, 2 * n) * get_signed(s->b, 16, 2 * n) +
                     get_signed(s->a, 16, 2 * n + 1) * get_signed(s->b, 16, 2 * n + 1)))
REFERENCE(maddubsw,
          clamp_signed((int64_t)get(s->a, 8, 2 * n) * get_signed(s->b, 8, 2 * n) +
                           (int64_t)get(s->a, 8, 2 * n + 1) *
                               get_signed(s->b, 8, 2 * n + 1),
                       16))

static inline unsigned distance(uint8_t a, uint8_t b)
{
    return a > b ? a - b : b - a;
}

static uint64_t ref_sad(const struct sources *s, unsigned n)
{
    unsigned sum = 0;
    for (unsigned k = 8 * n; k < 8 * n + 8; k++)
        sum += distance(s->a[k], s->b[k]);
    return sum;
}

/* The intermediate vector first, as in the manual. */
static uint64_t ref_dbsad(const struct sources *s, unsigned n)
{
    uint8_t tmp[64];
    unsigned sum = 0, block = n / 4 * 8;
    static const unsigned fixed[4] = {0, 0, 4, 4};

    for (unsigned lane = 0; lane < 64; lane += 16)
        for (unsigned k = 0; k < 16; k++)
            tmp[lane + k] = s->b[lane + (s->imm >> k / 4 * 2 & 3) * 4 + k % 4];
    for (unsigned k = 0; k < 4; k++)
        sum += distance(s->a[block + fixed[n % 4] + k], tmp[block + n % 4 + k]);
    return sum;
}

/* A 104-bit product by adding; halves of 52 bits. */
static uint64_t half52(uint64_t x, uint64_t y, int high)
{
    const uint64_t ones = 0xfffffffffffff;
    uint64_t low = 0, top = 0, shifted_low = x & ones, shifted_top = 0;

    for (unsigned k = 0; k < 52; k++) {
        if (y >> k & 1) {
            low += shifted_low;
            top += shifted_top + (low >> 52);
            low &= ones;
        }
        shifted_top = shifted_top << 1 | shifted_low >> 51;
        shifted_low = shifted_low << 1 & ones;
    }
    return (high ? top : low) & ones;
}

REFERENCE(madd52lo, z + half52(x, y, 0))
REFERENCE(madd52hi, z + half52(x, y, 1))

static int64_t dot(const struct sources *s, unsigned n, unsigned bits)
{
    int64_t sum = get_signed(s->d, 32, n);
    for (unsigned k = n * 32 / bits; k < (n + 1) * 32 / bits; k++)
        sum += (bits == 8 ? (int64_t)get(s->a, 8, k) : get_signed(s->a, 16, k)) *
               get_signed(s->b, bits, k);
    return sum;
}

REFERENCE(dpbusd, (uint64_t)dot(s, n, 8))
REFERENCE(dpbusds, clamp_signed(dot(s, n, 8), 32))
REFERENCE(dpwssd, (uint64_t)dot(s, n, 16))
REFERENCE(dpwssds, clamp_signed(dot(s, n, 16), 32))

/* ---- logic ---- */

REFERENCE(and, x & y)
REFERENCE(andn, ~x & y)
REFERENCE(or, x | y)
REFERENCE(xor, x ^ y)

static uint64_t ref_ternlog(const struct sources *s, unsigned n)
{
    uint64_t x = get(s->a, s->bits, n), y = get(s->b, s->bits, n),
             z = get(s->d, s->bits, n), r = 0;
    for (unsigned k = 0; k < s->bits; k++) {
        unsigned index = (z >> k & 1) << 2 | (x >> k & 1) << 1 | (y >> k & 1);
        r |= (uint64_t)(s->imm >> index & 1) << k;
    }
    return r;
}

/* ---- shifts, a bit at a time ---- */

static uint64_t shifted(uint64_t x, unsigned bits, uint64_t count, int left, int fill)
{
    for (uint64_t k = 0; k < count && k < 64; k++)
        x = left ? x << 1 : x >> 1 | (fill ? 1ull << (bits - 1) : 0);
    return x;
}

static uint64_t rotated(uint64_t x, unsigned bits, uint64_t count, int left)
{
    for (uint64_t k = 0; k < count % bits; k++)
        x = left ? x << 1 | x >> (bits - 1) : x >> 1 | (x & 1) << (bits - 1);
    return bits < 64 ? x & ((1ull << bits) - 1) : x;
}

REFERENCE(sll, shifted(x, w, get(s->b, 64, 0), 1, 0))
REFERENCE(srl, shifted(x, w, get(s->b, 64, 0), 0, 0))
REFERENCE(sra, shifted(x, w, get(s->b, 64, 0), 0, sx < 0))
REFERENCE(sll_imm, shifted(y, w, s->imm, 1, 0))
REFERENCE(srl_imm, shifted(y, w, s->imm, 0, 0))
REFERENCE(sra_imm, shifted(y, w, s->imm, 0, sy < 0))
REFERENCE(sllv, shifted(x, w, y, 1, 0))
REFERENCE(srlv, shifted(x, w, y, 0, 0))
REFERENCE(srav, shifted(x, w, y, 0, sx < 0))
REFERENCE(rol_imm, rotated(y, w, s->imm, 1))
REFERENCE(ror_imm, rotated(y, w, s->imm, 0))
REFERENCE(rolv, rotated(x, w, y, 1))
REFERENCE(rorv, rotated(x, w, y, 0))

/* By bytes, n one of them. */
REFERENCE(slldq, n % 16 >= s->imm ? s->b[n - s->imm] : 0)
REFERENCE(srldq, n % 16 + s->imm < 16 ? s->b[n + s->imm] : 0)

/* `into` by one bit each time, which comes from `from`. */
static uint64_t joined(uint64_t into, uint64_t from, unsigned bits, uint64_t count,
                       int left)
{
    for (uint64_t k = 0; k < count % bits; k++)
        if (left) {
            into = into << 1 | (from >> (bits - 1) & 1);
            from <<= 1;
        } else {
            into = into >> 1 | (from & 1) << (bits - 1);
            from >>= 1;
        }
    return into;
}

REFERENCE(shld, joined(x, y, w, s->imm, 1))
REFERENCE(shrd, joined(x, y, w, s->imm, 0))
REFERENCE(shldv, joined(z, x, w, y, 1))
REFERENCE(shrdv, joined(z, x, w, y, 0))

/* ---- packs and unpacks, in each lane of 128 bits ---- */

/* Elements of half the lane, in turns. */
static uint64_t unpacked(const struct sources *s, unsigned n, unsigned half)
{
    unsigned per = 128 / s->bits, at = n / per * per + n % per / 2 + half * per / 2;
    return get(n % 2 ? s->b : s->a, s->bits, at);
}

REFERENCE(unpackl, unpacked(s, n, 0))
REFERENCE(unpackh, unpacked(s, n, 1))

static int64_t packed(const struct sources *s, unsigned n)
{
    unsigned per = 128 / s->bits, k = n % per;
    const uint8_t *from = k < per / 2 ? s->a : s->b;
    return get_signed(from, 2 * s->bits, n / per * (per / 2) + k % (per / 2));
}

REFERENCE(packs, clamp_signed(packed(s, n), w))
REFERENCE(packus, clamp_unsigned(packed(s, n), w))

/* ---- bits ---- */

static uint64_t ref_popcnt(const struct sources *s, unsigned n)
{
    unsigned count = 0;
    for (unsigned k = 0; k < s->bits; k++)
        count += get(s->b, s->bits, n) >> k & 1;
    return count;
}

static uint64_t ref_lzcnt(const struct sources *s, unsigned n)
{
    unsigned count = 0;
    while (count < s->bits && !(get(s->b, s->bits, n) >> (s->bits - 1 - count) & 1))
        count++;
    return count;
}

static uint64_t ref_conflict(const struct sources *s, unsigned n)
{
    uint64_t r = 0;
    for (unsigned k = 0; k < n; k++)
        if (get(s->b, s->bits, k) == get(s->b, s->bits, n))
            r |= 1ull << k;
    return r;
}

static uint64_t ref_multishift(const struct sources *s, unsigned n)
{
    uint64_t r = 0;
    for (unsigned k = 0; k < 8; k++)
        r |= (get(s->b, 64, n / 8) >> (s->a[n] + k) % 64 & 1) << k;
    return r;
}

REFERENCE(shufbit, get(s->a, 64, n / 8) >> s->b[n] % 64 & 1)

/* ---- comparisons: 0 or 1 ---- */

REFERENCE(cmpeq, x == y)
REFERENCE(cmpgt, sx > sy)
REFERENCE(testm, (x & y) != 0)
REFERENCE(testnm, (x & y) == 0)

static uint64_t compared(unsigned how, int equal, int less)
{
    switch (how % 8) {
    case 0: return equal;
    case 1: return less;
    case 2: return less || equal;
    case 3: return 0;
    case 4: return !equal;
    case 5: return !less;
    case 6: return !less && !equal;
    default: return 1;
    }
}

REFERENCE(cmp, compared(s->imm, x == y, sx < sy))
REFERENCE(cmpu, compared(s->imm, x == y, x < y))

/* ---- opmasks ---- */

REFERENCE(m2v, s->k >> n & 1 ? ~0ull : 0)
REFERENCE(v2m, y >> (w - 1))
REFERENCE(mb2q, s->k & 0xff)
REFERENCE(mw2d, s->k & 0xffff)

#endif
