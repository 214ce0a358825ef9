/* snapshot.c - the byte stream of a snapshot. */
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
    if (w->room - w->size < n) {
        size_t room = w->room ? w->room : 4096;
        while (room - w->size < n)
            room *= 2;
        uint8_t *bytes = realloc(w->bytes, room);
        if (!bytes)
            abort(); /* out of host memory while saving */
        w->bytes = bytes;
        w->room = room;
    }
    if (n)
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

/* CRC-32 (IEEE 802.3), four bits at a time. */
static uint32_t crc32(const uint8_t *p, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffff;
    while (n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return ~crc;
}

/* A section: name, then 8 bytes of length, 4 of checksum, the bytes. */
enum { SECTION_HEADER = 12 };

void section_begin(struct writer *w, const char *name)
{
    write_text(w, name);
    w->section = w->size;
    write_u64(w, 0);
    write_u32(w, 0);
}

void section_end(struct writer *w)
{
    uint8_t *at = w->bytes + w->section;
    size_t n = w->size - w->section - SECTION_HEADER;
    store64(at, n);
    store32(at + 8, crc32(at + SECTION_HEADER, n));
}

void read_bytes(struct reader *r, void *p, size_t n)
{
    if (r->failed || r->size - r->at < n) {
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
    read_bytes(r, text, length);
    text[r->failed ? 0 : length] = 0;
}

bool section_next(struct reader *r, char name[256], struct reader *inside, struct error *e)
{
    size_t from = r->at;
    uint64_t length;
    uint32_t crc;

    if (r->at == r->size)
        return false;
    read_text(r, name);
    length = read_u64(r);
    crc = read_u32(r);
    if (r->failed || r->size - r->at < length) {
        r->failed = true;
        return error_set(e, "the snapshot is cut short in the section at byte %zu", from);
    }
    *inside = (struct reader){.bytes = r->bytes + r->at, .size = (size_t)length};
    r->at += (size_t)length;
    if (crc32(inside->bytes, inside->size) != crc) {
        r->failed = true;
        return error_set(e, "the snapshot is damaged: section '%s' has a wrong checksum", name);
    }
    return true;
}
