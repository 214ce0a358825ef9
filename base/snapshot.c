/* snapshot.c - writing and checked reading of snapshot bytes. */
#include "base/snapshot.h"

#include "base/byteorder.h"
#include "base/error.h"

#include <stdlib.h>

void writer_free(struct writer *w)
{
    free(w->bytes);
    *w = (struct writer){0};
}

void write_bytes(struct writer *w, const void *p, size_t n)
{
    if (w->failed || n == 0)
        return;
    if (n > w->room - w->size) {
        size_t room = w->room < 4096 ? 4096 : w->room + w->room / 2;
        uint8_t *bytes;

        if (n > SIZE_MAX / 4 - w->size) {
            w->failed = true;
            return;
        }
        if (room < w->size + n)
            room = w->size + n;
        bytes = realloc(w->bytes, room);
        if (!bytes) {
            w->failed = true;
            return;
        }
        w->bytes = bytes;
        w->room = room;
    }
    memcpy(w->bytes + w->size, p, n);
    w->size += n;
}

void write_u64(struct writer *w, uint64_t v)
{
    uint8_t b[8];

    store64(b, v);
    write_bytes(w, b, sizeof b);
}

void write_u32(struct writer *w, uint32_t v)
{
    uint8_t b[4];

    store32(b, v);
    write_bytes(w, b, sizeof b);
}

void write_text(struct writer *w, const char *s)
{
    size_t n = strlen(s);
    uint8_t length = (uint8_t)(n > 255 ? 255 : n);

    write_bytes(w, &length, 1);
    write_bytes(w, s, length);
}

/* The reflected polynomial of IEEE 802.3. Tables for eight bytes at a time are made on
 * the stack, in microseconds: a table that is written once would be a global. */
uint32_t crc32_of(uint32_t crc, const void *p, size_t n)
{
    const uint8_t *b = p;
    uint32_t table[8][256];

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;

        for (int bit = 0; bit < 8; bit++)
            v = v >> 1 ^ (v & 1 ? 0xedb88320u : 0);
        table[0][i] = v;
    }
    for (unsigned i = 0; i < 256; i++)
        for (unsigned k = 1; k < 8; k++)
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];

    crc = ~crc;
    for (; n >= 8; n -= 8, b += 8) {
        uint32_t low = crc ^ load32(b), high = load32(b + 4);

        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
              table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^ table[3][high & 0xff] ^
              table[2][high >> 8 & 0xff] ^ table[1][high >> 16 & 0xff] ^
              table[0][high >> 24];
    }
    for (; n; n--)
        crc = crc >> 8 ^ table[0][(crc ^ *b++) & 0xff];
    return ~crc;
}

void section_begin(struct writer *w, const char *name)
{
    w->section = w->size;
    write_text(w, name);
    write_u64(w, 0);
}

void section_end(struct writer *w)
{
    size_t body;

    if (w->failed)
        return;
    body = w->section + 1 + w->bytes[w->section] + 8;
    store64(w->bytes + body - 8, w->size - body);
    write_u32(w, crc32_of(0, w->bytes + w->section, w->size - w->section));
}

void read_bytes(struct reader *r, void *p, size_t n)
{
    if (n == 0)
        return;
    if (r->failed || n > r->size - r->at) {
        r->failed = true;
        memset(p, 0, n);
        return;
    }
    memcpy(p, r->bytes + r->at, n);
    r->at += n;
}

uint64_t read_u64(struct reader *r)
{
    uint8_t b[8];

    read_bytes(r, b, sizeof b);
    return load64(b);
}

uint32_t read_u32(struct reader *r)
{
    uint8_t b[4];

    read_bytes(r, b, sizeof b);
    return load32(b);
}

void read_text(struct reader *r, char text[256])
{
    uint8_t length;

    read_bytes(r, &length, 1);
    memset(text, 0, 256);
    read_bytes(r, text, length);
}

bool read_part(struct reader *r, uint64_t n, struct reader *inside)
{
    *inside = (struct reader){0};
    if (r->failed || n > r->size - r->at) {
        r->failed = inside->failed = true;
        return false;
    }
    *inside = (struct reader){.bytes = r->bytes + r->at, .size = (size_t)n};
    r->at += (size_t)n;
    return true;
}

bool section_next(struct reader *r, char name[256], struct reader *inside,
                  struct error *e)
{
    size_t begin = r->at, end;

    *inside = (struct reader){0};
    if (r->failed || r->at == r->size)
        return false;
    read_text(r, name);
    read_part(r, read_u64(r), inside);
    end = r->at;
    if (crc32_of(0, r->bytes + begin, end - begin) == read_u32(r) && !r->failed)
        return true;
    *inside = (struct reader){.failed = true};
    if (r->failed)
        return error_set(e, "the snapshot is cut short in the section at byte %zu",
                         begin);
    r->failed = true;
    return error_set(e, "the snapshot is damaged in the section at byte %zu", begin);
}
