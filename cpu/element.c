/* element.c - an element of memory whose fault gives way to a trap. */
#include "cpu/element.h"

#include <setjmp.h>

static void access(struct cpu *c, const struct insn *i, uint64_t offset, unsigned size,
                   bool write, uint64_t *v)
{
    if (!write) {
        *v = element_load(c, i, offset, size);
        return;
    }
    element_open(c, i, offset, size);
    element_store(c, i, offset, size, *v);
}

COLD bool element_try(struct cpu *c, const struct insn *i, uint64_t offset,
                      unsigned size, bool write, uint64_t *v)
{
    struct cpu_event last = c->event;
    jmp_buf *kept = c->escape, escape;

    c->escape = &escape;
    if (_setjmp(escape) == 0) {
        access(c, i, offset, size, write, v);
        c->escape = kept;
        return true;
    }
    c->escape = kept;
    c->event = last;
    c->raised = false;
    return false;
}
