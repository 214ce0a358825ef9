/* compare.h - are two machines in the same state, and if not, where do they differ? */
#ifndef TESTS_FUZZ_COMPARE_H
#define TESTS_FUZZ_COMPARE_H

#include "machine/internal.h"

/* Clock, CPUs with their second-level TLBs, devices, RAM: what machine_hash() sees, faster. */
bool fuzz_same(struct machine *a, struct machine *b);

/* The differences, to standard error. */
void fuzz_tell(struct machine *a, struct machine *b);

/* The same contents? Frees both. */
bool fuzz_same_bytes(struct writer *one, struct writer *two);

#endif
