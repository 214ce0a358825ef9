/* names.h - several names in one text: "quit|q". */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include "base/types.h"

#include <string.h>

/* The n bytes at name are one of them. */
static inline bool name_is_one_of(const char *names, const char *name, size_t n)
{
    while (*names) {
        size_t one = strcspn(names, "|");
        if (one == n && !memcmp(names, name, n))
            return true;
        names += one + (names[one] == '|');
    }
    return false;
}

#endif
