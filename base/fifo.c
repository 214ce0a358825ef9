/* fifo.c - the rows of a bounded queue. */
#include "base/fifo.h"

const struct field fifo_fields[] = {FIFO_STATE(STATE_FIELD, fifo){0}};
