/* row_name.h - a row of isa.def as one word: what names it in tests/isa/executions.txt. */
#ifndef TESTS_ISA_ROW_NAME_H
#define TESTS_ISA_ROW_NAME_H

#include "cpu/isa.h"

#include <inttypes.h>
#include <stdio.h>

struct row_name {
    char text[96];
};

/* MNEMONIC:encoding:operands, the encoding as isa.h's number in hexadecimal. */
static inline struct row_name row_name(const struct isa_row *r)
{
    struct row_name n;
    int used = snprintf(n.text, sizeof n.text, "%s:%" PRIx64 ":", r->mnemonic, r->enc);

    for (unsigned k = 0; k < ARRAY_SIZE(r->operand) && r->operand[k]; k++)
        used += snprintf(n.text + used, sizeof n.text - (size_t)used, "%s%s",
                         k ? "," : "", operand_info[r->operand[k]].name);
    return n;
}

#endif
