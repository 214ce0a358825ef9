/* disasm.c - disassembly through Zydis. */
#include "debug/disasm.h"

#include "mmu/mmu.h"

#include <stdio.h>
#include <string.h>

#ifdef HAVE_ZYDIS
#include <Zydis/Zydis.h>

static bool with_zydis(uint32_t mode, const uint8_t *bytes, unsigned n, uint64_t rip,
                       char *text, size_t room, unsigned *length)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisMachineMode machine = mode & MODE_CODE64   ? ZYDIS_MACHINE_MODE_LONG_64
                               : mode & MODE_CODE32 ? ZYDIS_MACHINE_MODE_LEGACY_32
                               : mode & MODE_PROTECTED ? ZYDIS_MACHINE_MODE_LEGACY_16
                                                       : ZYDIS_MACHINE_MODE_REAL_16;
    ZydisStackWidth stack = mode & MODE_CODE64    ? ZYDIS_STACK_WIDTH_64
                            : mode & MODE_STACK32 ? ZYDIS_STACK_WIDTH_32
                                                  : ZYDIS_STACK_WIDTH_16;

    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, machine, stack)) ||
        ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, bytes, n, &insn, operands)) ||
        ZYAN_FAILED(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)) ||
        ZYAN_FAILED(ZydisFormatterFormatInstruction(&formatter, &insn, operands,
                                                    insn.operand_count_visible, text, room,
                                                    rip, NULL)))
        return false;
    *length = insn.length;
    return true;
}
#endif

unsigned disassemble(uint32_t mode, const uint8_t *bytes, unsigned n, uint64_t rip,
                     char *text, size_t room)
{
    size_t used = 0;
#ifdef HAVE_ZYDIS
    unsigned length;
    if (with_zydis(mode, bytes, n, rip, text, room, &length))
        return length;
#else
    (void)mode;
    (void)rip;
#endif
    text[0] = 0;
    for (unsigned k = 0; k < n && k < 8 && used + 4 < room; k++)
        used += (size_t)snprintf(text + used, room - used, "%s%02x", k ? " " : "db ", bytes[k]);
    return 1;
}

unsigned debug_code_bytes(struct cpu *c, uint64_t rip, uint8_t *bytes, unsigned n)
{
    unsigned got = 0;
    for (; got < n; got++) {
        uint64_t at = rip + got;
        uint64_t la = c->mode & MODE_CODE64 ? at : (uint32_t)(c->seg[CS].base + at);
        paddr where;
        if (!mmu_debug_translate(&c->mmu, la, &where) ||
            !phys_read(c->mmu.phys, where, &bytes[got], 1))
            break;
    }
    return got;
}
