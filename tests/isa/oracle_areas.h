/* oracle_areas.h - the pages that a question of the oracle sees: the same linear
 * addresses for all that answer, the guest that runs in another emulator included.
 */
#ifndef TESTS_ISA_ORACLE_AREAS_H
#define TESTS_ISA_ORACLE_AREAS_H

#include <stdint.h>

enum {
    CODE_LA = 0x10000000,
    CODE_PAGES = 2, /* and nothing behind them */
    DATA_LA = 0x20000000,
    DATA_PAGES = 8,
    CODE_SIZE = CODE_PAGES * 4096,
    DATA_SIZE = DATA_PAGES * 4096,
};

/* The pages of the data area, in order. */
enum page_kind { PAGE_NONE, PAGE_READ_ONLY, PAGE_WRITABLE };
static const uint8_t data_page[DATA_PAGES] = {
    PAGE_NONE,     PAGE_WRITABLE, PAGE_WRITABLE, PAGE_READ_ONLY,
    PAGE_WRITABLE, PAGE_NONE,     PAGE_WRITABLE, PAGE_NONE,
};

/* What fills the code pages around the instruction: HLT, which user mode answers with
 * #GP(0) and nothing else. */
enum { FILLER = 0xf4 };

#endif
