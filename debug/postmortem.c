/* postmortem.c - the chain of faults, and the instructions before it. */
#include "debug/postmortem.h"

#include "cpu/block.h"
#include "cpu/fault.h"
#include "cpu/isa.h"
#include "debug/disasm.h"

#include <stdio.h>
#include <string.h>

enum { LAST = 16, LONGEST = 15 };

/* ---- the chain ---- */

static void say_lines(postmortem_line *say, void *to, const char *before, char *text)
{
    char line[1024];

    for (char *end; *text; text = end) {
        end = text + strcspn(text, "\n");
        snprintf(line, sizeof line, "%s%.*s", before, (int)(end - text), text);
        say(to, line);
        before = "";
        end += *end == '\n';
    }
}

static const char *relation(const struct cpu *c, unsigned n)
{
    if (n == 0)
        return "";
    return c->faults[n].reason == R_DF_ESCALATED ? "together: " : "on its way: ";
}

void postmortem_chain(const struct cpu *c, postmortem_line *say, void *to)
{
    for (unsigned n = 0; n < c->fault_count && n < ARRAY_SIZE(c->faults); n++) {
        char text[4096];
        fault_explain(c, &c->faults[n], text, sizeof text);
        say_lines(say, to, relation(c, n), text);
    }
}

/* ---- the instructions ---- */

/* The bytes of a backing page. */
static const uint8_t *page_bytes(const struct phys *p, uint32_t page)
{
    for (unsigned n = 0; n < p->backing_count; n++) {
        const struct backing *b = &p->backings[n];
        if (page >= b->first && page - b->first < b->size / PAGE)
            return b->bytes + (uint64_t)(page - b->first) * PAGE;
    }
    return NULL;
}

/* One instruction at offset of a page; its length, 0 when it does not decode there. */
static unsigned show(const struct cpu *c, uint32_t mode, uint16_t cs, uint64_t rip,
                     const uint8_t *page, unsigned offset, char *line, size_t room)
{
    unsigned n = PAGE - offset < LONGEST ? PAGE - offset : LONGEST;
    struct insn out[2];
    char text[160];
    bool whole = decode(c->isa, mode, page + offset, n, offset, out) == DECODE_OK;

    disassemble(mode, page + offset, whole ? out[0].len : n, rip, text, sizeof text);
    snprintf(line, room,
             mode & MODE_CODE64 ? "  %04x:%016llx  %s" : "  %04x:%08llx  %s", cs,
             (unsigned long long)rip, text);
    return whole ? out[0].len : 0;
}

/* The block that the first event came from, as far as control got in it. */
static void say_block(struct cpu *c, const struct block *b, const char *title,
                      postmortem_line *say, void *to)
{
    const uint8_t *page = page_bytes(c->mmu.phys, b->page);
    char lines[LAST][256];
    unsigned offset = b->start, count = 0;

    if (!page)
        return;
    /* A block is entered at its head alone, so all of it ran up to the fault. */
    for (; offset <= c->faulted->at && offset < PAGE; count++) {
        uint64_t rip = (c->page_rip + offset) & c->rip_mask;
        unsigned n = show(c, (uint32_t)(b->key >> 44), c->faults[0].cs, rip, page,
                          offset, lines[count % LAST], sizeof lines[0]);
        offset = n ? offset + n : PAGE;
    }
    if (title)
        say(to, title);
    for (unsigned n = count > LAST ? count - LAST : 0; n < count; n++)
        say(to, lines[n % LAST]);
}

static void say_entry(struct cpu *c, const struct cpu_entry *e, postmortem_line *say,
                      void *to)
{
    uint32_t mode = (uint32_t)(e->key >> 44);
    const uint8_t *page =
        e->key == UINT64_MAX ? NULL : page_bytes(c->mmu.phys, (uint32_t)(e->key >> 12));
    char line[256];

    if (page)
        show(c, mode, e->cs, e->rip, page, e->key & (PAGE - 1), line, sizeof line);
    else
        snprintf(line, sizeof line, "  %04x:%08llx  (not in memory)", e->cs,
                 (unsigned long long)e->rip);
    say(to, line);
}

void postmortem_path(struct cpu *c, postmortem_line *say, void *to)
{
    uint64_t end = c->trail_count, first = end > CPU_TRAIL ? end - CPU_TRAIL : 0;
    const struct block *last = block_holding(c, c->faulted);
    bool steps = end && (c->trail[(end - 1) % CPU_TRAIL].key >> 44 & MODE_STEP);

    /* The newest entry may be of the block that is shown whole. */
    if (last && end > first && last->key == c->trail[(end - 1) % CPU_TRAIL].key)
        end--;
    if (end > first)
        say(to,
            steps ? "the last instructions, oldest first:"
                  : "where code was entered, oldest first (code that ran often may be "
                    "missing):");
    for (; first < end; first++)
        say_entry(c, &c->trail[first % CPU_TRAIL], say, to);
    if (last)
        say_block(c, last,
                  steps ? NULL : "the last instructions, up to the first fault:", say,
                  to);
}
