/* fuzz.h - what a fuzz target is made of.
 *
 * A target is a file fuzz_NAME.c that defines LLVMFuzzerTestOneInput(), so that libFuzzer can
 * drive it, and fuzz_make(), so that replay.c can without libFuzzer: random inputs in the
 * target's own shape. Whatever the input, nothing may crash, hang, trip a sanitizer or call
 * fuzz_bug(). One input never depends on those before it.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/types.h"

enum { FUZZ_ROOM = 64 << 10 }; /* bytes of an input, at most */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* ---- randomness ---- */

struct fuzz_random {
    uint64_t state; /* not 0 */
};

static inline uint64_t fuzz_next(struct fuzz_random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state * 0x2545f4914f6cdd1du;
}

static inline uint32_t fuzz_below(struct fuzz_random *r, uint32_t n)
{
    return (uint32_t)((fuzz_next(r) >> 32) * n >> 32);
}

static inline bool fuzz_one_in(struct fuzz_random *r, uint32_t n)
{
    return fuzz_below(r, n) == 0;
}

static inline struct fuzz_random fuzz_seed(uint64_t seed)
{
    struct fuzz_random r = {(seed ^ 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u | 1};
    for (unsigned n = 0; n < 4; n++)
        fuzz_next(&r);
    return r;
}

/* A number that code stumbles over rather than any: 0, ones, powers of two and beside
 * them. */
static inline uint64_t fuzz_number(struct fuzz_random *r)
{
    switch (fuzz_below(r, 6)) {
    case 0: return fuzz_below(r, 16);
    case 1: return fuzz_next(r) >> fuzz_below(r, 64);
    case 2: return 0 - (uint64_t)fuzz_below(r, 16);
    case 3: return (1ull << fuzz_below(r, 64)) - 1 + fuzz_below(r, 3);
    case 4: return fuzz_next(r) & 0xfffff;
    default: return fuzz_next(r);
    }
}

/* An input of the target's shape; at most room bytes, room >= FUZZ_ROOM. */
size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room);

/* ---- reading an input ---- */

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* The next n bytes (1 to 8) as a little-endian number; what is missing is zero. */
static inline uint64_t fuzz_take(struct fuzz_input *in, unsigned n)
{
    uint64_t v = 0;
    for (unsigned k = 0; k < n && in->left; k++, in->left--)
        v |= (uint64_t)*in->at++ << 8 * k;
    return v;
}

static inline void fuzz_put(uint8_t **to, uint64_t v, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        *(*to)++ = (uint8_t)(v >> 8 * k);
}

/* Says what should never be, and aborts. */
void fuzz_bug(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
