/* options_item.h - values of the form "key=value,key=value", and numbers in them. */
#ifndef MACHINE_OPTIONS_ITEM_H
#define MACHINE_OPTIONS_ITEM_H

#include "machine/options.h"

struct item {
    char key[32], value[4096];
    bool has_value; /* else the key stands alone, and value is "on" */
};

/* The next one; two commas stand for one inside a value. */
bool item_next(const struct options *o, const char **at, struct item *i,
               struct error *e);

/* False with e filled. */
bool item_unknown(const struct options *o, const struct item *i, const char *known,
                  struct error *e);

/* "on" or "off". */
bool item_switch(const struct options *o, const struct item *i, bool *to,
                 struct error *e);

/* Decimal or 0x hexadecimal; *end is what follows. False: no digit, or too large. */
bool options_number(const char *text, uint64_t *v, const char **end);

/* The whole value is such a number, from least to most. */
bool options_bounded(const struct options *o, const char *value, uint64_t least,
                     uint64_t most, uint64_t *v, struct error *e);

#endif
