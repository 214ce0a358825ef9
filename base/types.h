/* types.h - the words every part of Menura shares. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A machine-physical address: what stands on the CPU's address pins, after paging and
 * before any decoding by the board. A struct, so that a linear address cannot be passed
 * where a physical one is meant. */
typedef struct {
    uint64_t v;
} paddr;

static inline paddr pa(uint64_t v)
{
    return (paddr){v};
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Branch hints and code layout; each may be defined away. */
#if defined(__GNUC__)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COLD __attribute__((cold, noinline))
#else
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#define NOINLINE
#define ALWAYS_INLINE inline
#define PRINTF_LIKE(fmt, args)
#define COLD
#endif

/* The host's byte order, for register layout only; memory goes through byteorder.h. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST_BIG_ENDIAN 1
#else
#define HOST_BIG_ENDIAN 0
#endif

#endif
