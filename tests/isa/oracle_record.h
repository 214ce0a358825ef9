/* oracle_record.h - the host's answers in a file, for hosts that cannot be asked.
 *
 * A question is made from its row and a number alone, so the file holds answers only, as
 * differences from the question: a line of text, the seed (8 bytes, little-endian), then
 * for each mode and row
 *
 *   mode + 1 (1 byte), row key (8), size of what follows (4)
 *   for each encoding its number + 1 (varint), then STATES answers; 0 ends the row
 *
 * and a 0. An answer begins with 2 bytes of its question's hash: when the generator or a
 * row's operands change, the answers no longer fit and must be recorded anew.
 */
#ifndef TESTS_ISA_ORACLE_RECORD_H
#define TESTS_ISA_ORACLE_RECORD_H

#include "tests/isa/oracle.h"

/* A run of bytes; the writer's room, the reader's end. Past the end reads zeros and sets
 * `bad`. */
struct tape {
    uint8_t *bytes;
    size_t at, size;
    bool bad;
};

extern const char record_title[];

/* The same for a row whatever rows stand beside it. */
uint64_t row_key(const struct isa_row *row);

void tape_put(struct tape *t, unsigned size, uint64_t v); /* little-endian */
void tape_put_number(struct tape *t, uint64_t v);         /* 7 bits a byte */
uint64_t tape_get(struct tape *t, unsigned size);
uint64_t tape_get_number(struct tape *t);

/* The data area before and after the host's run; NULL `after`: the code area changed,
 * which is not recorded. */
void record_answer(struct tape *t, const struct question *q, const struct encoding *e,
                   const struct answer *a, const uint8_t *before, const uint8_t *after);
/* Changes `data` as the host did. a->vector is NOT_RECORDED for an answer that was left
 * out. False: the answer belongs to another question. */
enum { NOT_RECORDED = -2 };
bool replay_answer(struct tape *t, const struct question *q, const struct encoding *e,
                   struct answer *a, uint8_t *data);

#endif
