/* state.h - a part's state, written once.
 *
 * A part writes its state as a list of rows
 *
 *     #define STATE(_, x)                                                      \
 *         _(x, uint8_t, latch, 0, 0x03, "bit 1 A20 gate, bit 0 INIT")          \
 *         _(x, uint8_t, fifo, 0, 0xff, "received bytes", 16)
 *
 * (type, name, value after reset, largest legal value, meaning, and for arrays a count)
 * and expands it twice: STATE(STATE_MEMBER, ) inside its struct, and
 * STATE(STATE_FIELD, pit) inside its table of fields. Types are bool and the unsigned
 * integers of 1, 2, 4 and 8 bytes; signed ones are stored as unsigned. The table drives
 * reset, save, restore, range checks, `info`, and tests.
 */
#ifndef BASE_STATE_H
#define BASE_STATE_H

#include "base/types.h"

enum field_kind {
    FIELD_VALUE, /* count integers of size bytes */
    FIELD_SUB,   /* count structs of size bytes, each with the fields `sub` */
    FIELD_TIMER, /* a struct timer: its armed flag and deadline */
    FIELD_BULK,  /* memory: at offset a struct bulk */
};

/* Page-granular memory outside the struct: RAM, video memory. */
struct bulk {
    uint8_t *bytes;
    uint64_t size;
};

struct field {
    const char *name; /* NULL ends a table */
    enum field_kind kind;
    uint32_t offset, size, count;
    uint64_t reset, max;
    const char *meaning;
    const struct field *sub;
};

#define STATE_PICK(a, b, c, d, e, f, g, which, ...) which

#define STATE_MEMBER(...)                                                                \
    STATE_PICK(__VA_ARGS__, STATE_MEMBER_N, STATE_MEMBER_1, , , , , )(__VA_ARGS__)
#define STATE_MEMBER_1(x, type, name, reset, max, meaning) type name;
#define STATE_MEMBER_N(x, type, name, reset, max, meaning, n) type name[n];

#define STATE_FIELD(...)                                                                 \
    STATE_PICK(__VA_ARGS__, STATE_FIELD_N, STATE_FIELD_1, , , , , )(__VA_ARGS__)
#define STATE_FIELD_1(x, type, name, reset, max, meaning)                                \
    {#name, FIELD_VALUE, offsetof(struct x, name), sizeof(type), 1, reset, max, meaning, 0},
#define STATE_FIELD_N(x, type, name, reset, max, meaning, n)                             \
    {#name, FIELD_VALUE, offsetof(struct x, name), sizeof(type), n, reset, max, meaning, 0},

/* Rows written beside the list, for members declared by hand. */
#define FIELD_SUBLIST(x, type, name, n, fields)                                          \
    {#name, FIELD_SUB, offsetof(struct x, name), sizeof(type), n, 0, 0, "", fields},
#define FIELD_TIMER_ROW(x, name, meaning)                                                \
    {#name, FIELD_TIMER, offsetof(struct x, name), sizeof(struct timer), 1, 0, 0,        \
     meaning, 0},
#define FIELD_BULK_ROW(x, name, meaning)                                                 \
    {#name, FIELD_BULK, offsetof(struct x, name), sizeof(struct bulk), 1, 0, 0, meaning, 0},

struct clock;
struct writer;
struct reader;
struct error;

/* Sets every FIELD_VALUE (sub-lists too) to its reset value and stops the timers. Bulk
 * memory is left as it is. */
void state_reset(const struct field *fields, void *object, struct clock *clock);

/* Stops the timers: before the object is freed. */
void state_stop(const struct field *fields, void *object, struct clock *clock);

/* Saves by name; restores by name. A missing row gets its reset value, an unknown one is
 * skipped, a value above max is refused with an error that names it. A refused object is
 * legal but half restored: reset it. Missing bulk memory is zeroed. */
void state_save(const struct field *fields, const void *object, struct writer *w);
bool state_restore(const struct field *fields, void *object, struct clock *clock,
                   struct reader *r, struct error *e);

/* One integer of a FIELD_VALUE row. */
uint64_t field_get(const struct field *f, const void *object, unsigned index);
void field_set(const struct field *f, void *object, unsigned index, uint64_t value);

/* The row called `name`, or NULL. */
const struct field *field_find(const struct field *fields, const char *name);

#endif
