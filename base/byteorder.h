/* byteorder.h - little-endian loads and stores at any alignment, on any host. */
#ifndef BASE_BYTEORDER_H
#define BASE_BYTEORDER_H

#include "base/types.h"

#include <string.h>

static inline uint16_t bswap16(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

static inline uint32_t bswap32(uint32_t v)
{
    return (uint32_t)bswap16((uint16_t)v) << 16 | bswap16((uint16_t)(v >> 16));
}

static inline uint64_t bswap64(uint64_t v)
{
    return (uint64_t)bswap32((uint32_t)v) << 32 | bswap32((uint32_t)(v >> 32));
}

#if HOST_BIG_ENDIAN
#define LE16(v) bswap16(v)
#define LE32(v) bswap32(v)
#define LE64(v) bswap64(v)
#else
#define LE16(v) (v)
#define LE32(v) (v)
#define LE64(v) (v)
#endif

static ALWAYS_INLINE uint8_t load8(const void *p)
{
    return *(const uint8_t *)p;
}

static ALWAYS_INLINE uint16_t load16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return LE16(v);
}

static ALWAYS_INLINE uint32_t load32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return LE32(v);
}

static ALWAYS_INLINE uint64_t load64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return LE64(v);
}

static ALWAYS_INLINE void store8(void *p, uint8_t v)
{
    *(uint8_t *)p = v;
}

static ALWAYS_INLINE void store16(void *p, uint16_t v)
{
    v = LE16(v);
    memcpy(p, &v, sizeof v);
}

static ALWAYS_INLINE void store32(void *p, uint32_t v)
{
    v = LE32(v);
    memcpy(p, &v, sizeof v);
}

static ALWAYS_INLINE void store64(void *p, uint64_t v)
{
    v = LE64(v);
    memcpy(p, &v, sizeof v);
}

/* size is 1, 2, 4 or 8 bytes. */
static inline uint64_t load_le(const void *p, unsigned size)
{
    switch (size) {
    case 1: return load8(p);
    case 2: return load16(p);
    case 4: return load32(p);
    default: return load64(p);
    }
}

static inline void store_le(void *p, unsigned size, uint64_t v)
{
    switch (size) {
    case 1: store8(p, (uint8_t)v); break;
    case 2: store16(p, (uint16_t)v); break;
    case 4: store32(p, (uint32_t)v); break;
    default: store64(p, v); break;
    }
}

#endif
