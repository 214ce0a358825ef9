/* error.h - a host's failure, told to the user as thing, reason and way out. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/types.h"

struct error {
    char text[1024]; /* one sentence; lines after the first are the way out */
};

/* Fills e (which may be NULL) and returns false, so that a function can end with
 * return error_set(e, "cannot open disk '%s': %s", ...). */
bool error_set(struct error *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Adds a line to e's text: the way out. Returns false. */
bool error_hint(struct error *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
