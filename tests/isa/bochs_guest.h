/* bochs_guest.h - what the host and the guest in Bochs (bochs_guest.c) tell each other, on
 * one disk. Little-endian; the host reads and writes it by offsets.
 *
 *   sector 0     boot sector; then the guest, up to BOCHS_ORDER
 *   BOCHS_ORDER  struct bochs_order: what to do
 *   BOCHS_DATA   the data area as every question finds it, before its own changes
 *   BOCHS_REPORT struct bochs_report: what has been done
 *   BOCHS_FIRST  the questions, BOCHS_RECORD bytes each, then as many answers
 */
#ifndef TESTS_ISA_BOCHS_GUEST_H
#define TESTS_ISA_BOCHS_GUEST_H

/* ---- for the assembler too ---- */
#define BOCHS_SECTOR 512
#define BOCHS_ORDER 64
#define BOCHS_DATA 65
#define BOCHS_REPORT 129
#define BOCHS_FIRST 136
#define BOCHS_RECORD 4096
#define BOCHS_XSAVE 1408 /* where a record has its XSAVE area */
#define BOCHS_GPR 0
#define BOCHS_RIP 128
#define BOCHS_FLAGS 136
#define BOCHS_CR2 144
#define BOCHS_VECTOR 152
#define BOCHS_ERROR 156

#ifndef __ASSEMBLER__
#include <stdint.h>

#define BOCHS_MAGIC 0x6172756e656d0001ull

enum {
    BOCHS_LEAVES = 18, /* an order is one sector */
    BOCHS_CHUNK = 16, /* questions between two reports */
    BOCHS_CHANGES = BOCHS_XSAVE - 160 - 8,
    BOCHS_TOO_MUCH = 0xffff, /* as changes_size */
};

struct bochs_leaf {
    uint32_t leaf, subleaf;
    uint32_t regs[4];
};

struct bochs_order {
    uint64_t magic;
    uint32_t count, leaves;
    uint64_t fs_base, gs_base;
    uint32_t first, unused; /* the question to begin with */
    struct bochs_leaf leaf[BOCHS_LEAVES];
};

struct bochs_report {
    uint64_t magic;
    uint32_t count, leaves;
    uint64_t xcr0;
    struct bochs_leaf leaf[BOCHS_LEAVES];
};

/* A question or an answer. Of a question, cr2, vector and error are unused. */
struct bochs_record {
    uint64_t gpr[16], rip, flags, cr2;
    uint32_t vector, error;
    uint32_t changes_size, unused;
    /* Memory: of a question where it differs from the data area on the disk and from a
     * code area full of FILLER, of an answer what the instruction has changed. Runs: an
     * offset (2 bytes, the code area behind the data), a size (2 bytes), the bytes. */
    uint8_t changes[BOCHS_CHANGES];
    uint8_t xsave[BOCHS_RECORD - BOCHS_XSAVE];
};

#endif
#endif
