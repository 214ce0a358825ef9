/* vector.h - elements of a vector register, element 0 the lowest, on any host. */
#ifndef CPU_VECTOR_H
#define CPU_VECTOR_H

#include "cpu/cpu.h"

#if HOST_BIG_ENDIAN
#define VEC_AT(n, per) ((n) ^ ((per) - 1))
#else
#define VEC_AT(n, per) (n)
#endif

static ALWAYS_INLINE uint8_t vec8(const struct vec *v, unsigned n)
{
    return ((const uint8_t *)v->q)[VEC_AT(n, 8)];
}

static ALWAYS_INLINE uint16_t vec16(const struct vec *v, unsigned n)
{
    return (uint16_t)(v->q[n / 4] >> (n % 4 * 16));
}

static ALWAYS_INLINE uint32_t vec32(const struct vec *v, unsigned n)
{
    return (uint32_t)(v->q[n / 2] >> (n % 2 * 32));
}

static ALWAYS_INLINE void vec8_set(struct vec *v, unsigned n, uint8_t x)
{
    ((uint8_t *)v->q)[VEC_AT(n, 8)] = x;
}

static ALWAYS_INLINE void vec16_set(struct vec *v, unsigned n, uint16_t x)
{
    unsigned s = n % 4 * 16;
    v->q[n / 4] = (v->q[n / 4] & ~(0xffffull << s)) | (uint64_t)x << s;
}

static ALWAYS_INLINE void vec32_set(struct vec *v, unsigned n, uint32_t x)
{
    unsigned s = n % 2 * 32;
    v->q[n / 2] = (v->q[n / 2] & ~(0xffffffffull << s)) | (uint64_t)x << s;
}

#endif
