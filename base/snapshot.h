/* snapshot.h - a byte stream of named, checksummed sections.
 *
 * The writer grows a buffer in memory; the reader checks every length before use: a
 * snapshot is untrusted input. Numbers are little-endian. RAM is stored by page, zero
 * pages left out.
 */
#ifndef BASE_SNAPSHOT_H
#define BASE_SNAPSHOT_H

#include "base/types.h"

struct error;

struct writer {
    uint8_t *bytes; /* owned; free with writer_free() */
    size_t size, room;
    size_t section; /* where the open section's header stands */
    bool failed;    /* the host had no memory; every later write vanishes */
};

struct reader {
    const uint8_t *bytes;
    size_t size, at;
    bool failed; /* a read went past the end; every later read gives zero */
};

void writer_free(struct writer *w);
void write_bytes(struct writer *w, const void *p, size_t n);
void write_u64(struct writer *w, uint64_t v);
void write_u32(struct writer *w, uint32_t v);
void write_text(struct writer *w, const char *s); /* at most 255 bytes */

/* CRC-32 as in zlib and Ethernet; start with crc 0. */
uint32_t crc32_of(uint32_t crc, const void *p, size_t n);

/* Sections do not nest: name, length, bytes, CRC-32 of all these. */
void section_begin(struct writer *w, const char *name);
void section_end(struct writer *w);

void read_bytes(struct reader *r, void *p, size_t n);
uint64_t read_u64(struct reader *r);
uint32_t read_u32(struct reader *r);
void read_text(struct reader *r, char text[256]);

/* Gives a reader over the next n bytes and moves past them. False, and r failed, if there
 * are fewer. */
bool read_part(struct reader *r, uint64_t n, struct reader *inside);

/* Reads the next section's name and gives a reader over its bytes. False at the end of
 * the stream, or, with r failed and e filled, when it is cut short or its checksum is
 * wrong. */
bool section_next(struct reader *r, char name[256], struct reader *inside, struct error *e);

#endif
