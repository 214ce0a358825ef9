/* png.c - Portable Network Graphics: 8-bit RGB, no filter, one IDAT chunk.
 *
 * PNG 1.2 (RFC 2083). Without zlib the pixels are put into stored blocks (RFC 1950, RFC
 * 1951, 3.2.4): larger, and as valid.
 */
#include "host/png.h"

#include "base/snapshot.h"
#include "host/host.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

enum { CHUNK_EXTRA = 12, HEADER = 13 };

static void store_be32(uint8_t *to, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Appends a chunk; its data may be in place already. Returns its end. */
static uint8_t *put_chunk(uint8_t *to, const char *type, const void *data, uint32_t n)
{
    store_be32(to, n);
    memcpy(to + 4, type, 4);
    if (n && data != to + 8)
        memcpy(to + 8, data, n);
    store_be32(to + 8 + n, crc32_of(0, to + 4, (size_t)n + 4));
    return to + CHUNK_EXTRA + n;
}

/* Each row: the number of its filter (0: none), then red, green, blue. */
static uint8_t *rows_of(const struct picture *p, size_t n)
{
    uint8_t *rows = malloc(n), *to = rows;
    const uint32_t *from = p->pixel;

    for (unsigned y = 0; rows && y < p->height; y++) {
        *to++ = 0;
        for (unsigned x = 0; x < p->width; x++, from++) {
            *to++ = (uint8_t)(*from >> 16);
            *to++ = (uint8_t)(*from >> 8);
            *to++ = (uint8_t)*from;
        }
    }
    return rows;
}

#ifdef HAVE_ZLIB

static size_t deflated_most(size_t n)
{
    return compressBound((uLong)n);
}

/* The bytes made, 0 when the host has no memory. */
static size_t deflated(const uint8_t *from, size_t n, uint8_t *to)
{
    uLongf made = compressBound((uLong)n);
    return compress2(to, &made, from, (uLong)n, 6) == Z_OK ? (size_t)made : 0;
}

#else

enum { STORED_MOST = 65535, STORED_EXTRA = 5 };

static size_t deflated_most(size_t n)
{
    return n + (n / STORED_MOST + 1) * STORED_EXTRA + 6;
}

static uint32_t adler32_of(const uint8_t *p, size_t n)
{
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < n; i++) {
        a = (a + p[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static size_t deflated(const uint8_t *from, size_t n, uint8_t *to)
{
    uint8_t *at = to;

    *at++ = 0x78;
    *at++ = 0x01;
    for (size_t done = 0; done < n;) {
        unsigned part = n - done < STORED_MOST ? (unsigned)(n - done) : STORED_MOST;

        *at++ = done + part == n; /* the last block; stored */
        *at++ = (uint8_t)part;
        *at++ = (uint8_t)(part >> 8);
        *at++ = (uint8_t)~part;
        *at++ = (uint8_t)(~part >> 8);
        memcpy(at, from + done, part);
        at += part;
        done += part;
    }
    store_be32(at, adler32_of(from, n));
    return (size_t)(at + 4 - to);
}

#endif

bool png_encode(const struct picture *p, uint8_t **bytes, uint64_t *size,
                struct error *e)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t n = ((size_t)p->width * 3 + 1) * p->height, made;
    uint8_t header[HEADER] = {0}, *rows, *file, *at;

    if (!p->width || !p->height || p->width > SCREEN_WIDTH || p->height > SCREEN_HEIGHT)
        return error_set(e, "there is no picture");
    rows = rows_of(p, n);
    file = malloc(sizeof signature + 3 * CHUNK_EXTRA + HEADER + deflated_most(n));
    made = rows && file
               ? deflated(rows, n, file + sizeof signature + CHUNK_EXTRA + HEADER + 8)
               : 0;
    free(rows);
    if (!made) {
        free(file);
        return error_set(e, "the host has no memory for a picture of %ux%u", p->width,
                         p->height);
    }
    memcpy(file, signature, sizeof signature);
    store_be32(header, p->width);
    store_be32(header + 4, p->height);
    header[8] = 8; /* bits */
    header[9] = 2; /* RGB */
    at = put_chunk(file + sizeof signature, "IHDR", header, HEADER);
    at = put_chunk(at, "IDAT", at + 8, (uint32_t)made);
    at = put_chunk(at, "IEND", NULL, 0);
    *bytes = file;
    *size = (uint64_t)(at - file);
    return true;
}

bool png_write(const char *path, const struct picture *p, struct error *e)
{
    uint8_t *bytes;
    uint64_t size;
    bool good;

    if (!png_encode(p, &bytes, &size, e))
        return false;
    good = host_write_file(path, bytes, size, e);
    free(bytes);
    return good;
}
