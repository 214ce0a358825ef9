/* accept.h - what the rules of oracle_accept.c and oracle_accept_bochs.c ask of a case. */
#ifndef TESTS_ISA_ACCEPT_H
#define TESTS_ISA_ACCEPT_H

#include "tests/isa/oracle.h"

#include "cpu/fault.h"

/* Nothing else than these D_* differs. */
static inline bool only(const struct judged *j, unsigned differs)
{
    return (j->differs & ~differs) == 0;
}

static inline bool is_access_fault(int vector)
{
    return vector == VEC_SS || vector == VEC_GP || vector == VEC_PF || vector == VEC_AC;
}

static inline bool in_memory(const struct judged *j)
{
    return j->e->insn[0].form & FORM_MEM;
}

static inline bool is_evex(const struct judged *j)
{
    return j->e->row->enc & EVEX;
}

/* Which bits of EVEX's payload byte 0 to 2 (P0 to P2: SDM vol 2 2.7.1) the generator
 * spoiled. */
static inline unsigned spoiled(const struct judged *j, unsigned payload)
{
    unsigned at = 0;

    if (!j->e->spoiled_by)
        return 0;
    while (j->e->bytes[at] != 0x62)
        at++;
    return j->e->spoiled_at == at + 1 + payload ? j->e->spoiled_by : 0;
}

#endif
