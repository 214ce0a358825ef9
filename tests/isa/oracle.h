/* oracle.h - the real processor as an oracle: one instruction in one state, asked of
 * the host (user mode, single step) and of Menura, then compared.
 *
 * Both see the same linear addresses: two pages of code, and a data area with writable,
 * read-only and missing pages.
 */
#ifndef TESTS_ISA_ORACLE_H
#define TESTS_ISA_ORACLE_H

#include "cpu/cpu.h"
#include "cpu/isa.h"
#include "cpu/model.h"
#include "tests/isa/oracle_areas.h"

struct oracle_mode {
    const char *name;
    unsigned bits;
    uint16_t cs, ss, ds; /* selectors; ES is as DS */
    uint32_t code_base, data_base;
};
enum { ORACLE_64, ORACLE_32, ORACLE_16, ORACLE_MODES };
extern const struct oracle_mode oracle_modes[ORACLE_MODES];

struct encoding;

/* What user code sees. */
struct regs {
    uint64_t gpr[16], rip, flags;
    uint16_t fcw, fsw;
    uint8_t ftw;      /* bit n: physical register n is empty */
    struct f80 st[8]; /* physical registers */
    uint32_t mxcsr;
    uint64_t zmm[32][8]; /* what the asked processor lacks of them is zero */
    uint64_t k[8];
};

struct question {
    const struct oracle_mode *mode;
    const struct encoding *e;
    unsigned long long number; /* of the encoding, in its row */
    struct regs in;
    bool step; /* trap after one instruction; else run until the filler stops it */
};

struct answer {
    struct regs out;
    int vector;     /* -1: it ran out of its budget */
    uint32_t error; /* 0 where there is none */
    uint64_t cr2;   /* #PF only */
};

/* ---- the host (oracle_native.c), its recorded answers (oracle_replay.c), or another
 * emulator (oracle_bochs.c) ---- */

/* FS and GS bases in 64-bit mode; known after native_init(). */
extern uint64_t native_fs_base, native_gs_base;
/* May questions go through FS? Not where they must be the same on every host. */
extern bool native_fs_usable;
/* May they have AVX-512? Neither there. */
extern bool native_zmm_usable;

/* Maps the areas and takes over the signals. False: this host cannot, and why. */
bool native_init(const char **why);
/* Cleans up, and may print how it went. */
void native_end(void);
/* Can the host run this mode, and why not? Loads DS, ES and GS for it. */
bool native_enter(const struct oracle_mode *m, const char **why);
/* The data area has been filled with what questions begin with. */
void native_data_filled(void);
/* How many quadwords its vector registers have: 2 (SSE), 4 (AVX), 8 (AVX-512, with 32
 * registers and the opmasks). */
unsigned native_words(void);
/* How many cases of this row it answers in this mode; 0 and why, for one that it does not
 * have; no reason for one that is not its part. */
unsigned long long native_cases(const struct isa_row *row, const char **why);
/* Is there something wrong with the answers themselves? */
bool native_failed(void);

uint8_t *native_code(void); /* CODE_SIZE bytes */
uint8_t *native_data(void); /* DATA_SIZE bytes; touch no PAGE_NONE */
/* Writes to the data area, read-only pages too. */
void native_poke_read_only(const uint8_t *page);

/* 0: native_run() answers question after question. Else about so many questions make a
 * batch, and each batch is run twice with the same questions: first with answers that are
 * NOT_RECORDED, then with the real ones. Every question must find the data area as it was
 * filled, beside its own pokes. */
unsigned native_batch(void);
/* Asks question after question until next() says no. next() runs inside a signal
 * handler, on a large stack of its own; answer is NULL at the first call. */
typedef bool native_next(void *owner, const struct answer *answer, struct question *q);
void native_run(native_next *next, void *owner);

/* ---- Menura (oracle_menura.c) ---- */

enum pass {
    PASS_STEP, /* general handlers: TF, or one-instruction blocks */
    PASS_COLD, /* general handlers in a block */
    PASS_HOT,  /* the block specialised: fast handlers */
    PASSES
};

bool menura_init(const struct cpu_model *model);
void menura_enter(const struct oracle_mode *m);
void menura_code(unsigned offset, const uint8_t *bytes, unsigned n);
uint8_t *menura_data(void);
const uint8_t *menura_code_area(void); /* CODE_SIZE bytes */
void menura_forget(void); /* drops first-level translations and specialised blocks */
void menura_run(const struct question *q, enum pass pass, struct answer *a);
const struct isa_table *menura_isa(void);
uint32_t menura_decode_mode(const struct oracle_mode *m);

/* ---- questions (oracle_generate.c) ---- */

struct random {
    uint64_t state;
};
uint64_t random64(struct random *r);

enum { STATES = 4 }; /* cases of an encoding */

struct encoding {
    const struct oracle_mode *mode;
    const struct isa_row *row;
    uint8_t bytes[16];
    unsigned len;
    unsigned offset; /* in the code area */
    struct insn insn[2];
    unsigned disp_at, disp_size; /* where its displacement stands; size 0: none */
    unsigned spoiled_at;         /* a byte that makes it #UD... */
    uint8_t spoiled_by;          /* ...by these bits; 0: none. insn is as without them */
};

/* Sets memory in all copies of the data area; what is not writable is left alone. */
typedef void poke_fn(void *owner, uint64_t la, const uint8_t *bytes, unsigned n);

/* A random legal encoding of row. False: none in this mode, or none found. */
bool generate_encoding(struct random *r, const struct oracle_mode *m,
                       const struct isa_row *row, struct encoding *e);
/* May the oracle run this row at all? The reason if not. */
const char *row_excluded(const struct isa_row *row);
/* A random state for e. May change e's displacement. */
void generate_state(struct random *r, struct encoding *e, struct question *q,
                    poke_fn *poke, void *owner);

/* ---- answers (oracle_accept.c) ---- */

/* Where two answers differ. */
enum {
    D_VECTOR = 1 << 0,
    D_ERROR = 1 << 1,
    D_CR2 = 1 << 2,
    D_FLAGS = 1 << 3,
    D_GPR = 1 << 4,
    D_RIP = 1 << 5,
    D_ZMM = 1 << 6,
    D_MXCSR = 1 << 7,
    D_FCW = 1 << 8,
    D_FSW = 1 << 9,
    D_TAGS = 1 << 10,
    D_ST = 1 << 11,
    D_MEMORY = 1 << 12,
    D_OPMASK = 1 << 13,
    D_EVENT = D_VECTOR | D_ERROR | D_CR2,
};

struct judged {
    const struct encoding *e;
    const struct question *q;
    const struct answer *native, *menura;
    unsigned differs; /* D_* */
};

/* A disagreement that is right, and why. */
struct accepted {
    bool (*is)(const struct judged *j);
    const char *reason;
};
extern const struct accepted oracle_accepted[];
extern const unsigned oracle_accepted_count;
/* More of them, for this one that is asked. */
const struct accepted *native_accepted(unsigned *count);
/* (oracle_accept_bochs.c) */
extern const struct accepted bochs_accepted[];
extern const unsigned bochs_accepted_count;

#endif
