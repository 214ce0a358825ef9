/* rows.S - rows of isa.def that no user program may execute or that it could not check, a
 * thousand times each with other operands: segment registers, descriptors and their
 * tables, far transfers, software interrupts, UD. Intel SDM vol 2, each instruction.
 */
#include "lib.h"

#define TIMES 1000

/* Sixteen segments of one word each; what is in the words tells them apart. */
#define WORDS 0x9000
#define SEGMENT FREE
#define FLAT (SEGMENT + 8 * 16) /* two that SS takes */
#define LDT (FLAT + 8 * 2) /* sixteen of one descriptor each: SEGMENT's */
#define TASK (LDT + 8 * 16)
#define CODE (TASK + 8 * 2) /* two as CODE32 */
#define PROBE (CODE + 8 * 2)
#define OTHER_GDT 0x9400
#define OTHER_IDT 0x9800

/* By the counter, ESI: which of the sixteen, EBX its selector, EDX what its word holds. */
#define PICK movl %ebp, %esi; andl $15, %esi; leal SEGMENT(, %esi, 8), %ebx; \
    movl WORDS(, %esi, 4), %edx
/* One of two selectors, to EBX. */
#define PICK_OF(first) movl %ebp, %ebx; andl $1, %ebx; leal first(, %ebx, 8), %ebx
/* The register holds EBX, and what was EDI at the loop's top is ESP. */
#define HOLDS(seg) movl %seg, %eax; CHECK_EQ(l, %eax, %ebx); CHECK_EQ(l, %esp, %edi)

#define POP_PUSH(seg) LOOP(TIMES, PICK; movl %esp, %edi; pushl %ebx; popl %seg; \
    CHECK_EQ(l, %seg:0, %edx); HOLDS(seg); \
    pushl %seg; popl %ecx; CHECK_EQ(w, %cx, %bx); \
    pushw %seg; popw %cx; CHECK_EQ(w, %cx, %bx); CHECK_EQ(l, %esp, %edi))

#define LOAD_FAR(insn, seg) LOOP(TIMES, PICK; movl %esp, %edi; movl %ebp, pointer; \
    movw %bx, pointer + 4; insn pointer, %ecx; \
    CHECK_EQ(l, %seg:0, %edx); CHECK_EQ(l, %ecx, %ebp); HOLDS(seg); \
    pushl %ss; popl %seg)

/* EAX: flags that depend on the counter, with IF; nobody interrupts. */
#define SOME_FLAGS imull $0x9e3779b1, %ebp, %eax; shrl $16, %eax; andl $0x8d5, %eax; \
    orl $0x202, %eax
/* The handler tells what it found: EIP in ESI, CS in EBX, flags in EDX, its own in ECX. */
#define INTERRUPT(some, if, insn) LOOP(TIMES, SOME_FLAGS; orl $(some), %eax; \
    movl %esp, %edi; pushl %eax; popfl; insn; 6: pushfl; popl pointer; \
    CHECK_EQ(l, $6b, %esi); CHECK_EQ(l, $CODE32, %ebx); CHECK_EQ(l, %eax, %edx); \
    CHECK_EQ(l, %eax, pointer); CHECK_EQ(l, %esp, %edi); \
    andl $~0x200, %eax; orl $(if), %eax; CHECK_EQ(l, %eax, %ecx))

    .text
main:
    call prepare
    call segment_registers
    call descriptors
    call tables
    call far_transfers
    call interrupts
    LOOP(TIMES, EXPECT_AT(UD, 0, 6: ud2))
    LOOP(TIMES, EXPECT_AT(UD, 0, 6: .byte 0x0f, 0xb9, 0xc1))       /* UD1 EAX, ECX */
    LOOP(TIMES, EXPECT_AT(UD, 0, 6: .byte 0x0f, 0xff, 0x04, 0x24)) /* UD0 EAX, [ESP] */
    PASS

prepare:
    xorl %ecx, %ecx
1:  imull $0x01234567, %ecx, %eax
    addl $0x89abcdef, %eax
    movl %eax, WORDS(, %ecx, 4)
    /* SEGMENT: base WORDS + 4 * ECX, limit 3, 32-bit data. */
    leal WORDS(, %ecx, 4), %eax
    shll $16, %eax
    movw $3, %ax
    movl %eax, gdt + SEGMENT(, %ecx, 8)
    movl $0x00409300, gdt + SEGMENT + 4(, %ecx, 8)
    /* LDT: base at that descriptor, limit 7. */
    leal gdt + SEGMENT(, %ecx, 8), %eax
    shll $16, %eax
    movw $7, %ax
    movl %eax, gdt + LDT(, %ecx, 8)
    movl $0x00008200, gdt + LDT + 4(, %ecx, 8)
    incl %ecx
    cmpl $16, %ecx
    jne 1b
    SET_DESCRIPTOR(FLAT, 0, 0xfffff, 0xc093)
    SET_DESCRIPTOR(FLAT + 8, 0, 0xfffff, 0xc093)
    SET_DESCRIPTOR(CODE, 0, 0xfffff, 0xc09b)
    SET_DESCRIPTOR(CODE + 8, 0, 0xfffff, 0xc09b)
    movl $tss32, %eax
    shll $16, %eax
    movw $103, %ax
    movl %eax, gdt + TASK
    movl %eax, gdt + TASK + 8
    /* Another GDT, with the last segment where this one has the first; another IDT, with
     * another handler of vector 62h. */
    movl $gdt, %esi
    movl $OTHER_GDT, %edi
    movl $GDT_SIZE, %ecx
    rep movsb
    movl OTHER_GDT + SEGMENT + 8 * 15, %eax
    movl %eax, OTHER_GDT + SEGMENT
    SET_IDT(0x60, CODE32, handler, 0x8e)
    SET_IDT(0x61, CODE32, handler, 0x8f)
    SET_IDT(0x62, CODE32, other_handler, 0x8e)
    movl $idt32, %esi
    movl $OTHER_IDT, %edi
    movl $0x800, %ecx
    rep movsb
    SET_IDT(0x62, CODE32, first_handler, 0x8e)
    ret

/* ---- PUSH, POP, LDS and its kin ---- */

segment_registers:
    POP_PUSH(es)
    POP_PUSH(fs)
    POP_PUSH(gs)
    LOOP(TIMES, PICK_OF(FLAT); movl %esp, %edi; pushl %ebx; popl %ss; HOLDS(ss); \
         pushl %ss; popl %ecx; CHECK_EQ(w, %cx, %bx); CHECK_EQ(l, %esp, %edi))
    /* CS is what the last far transfer left. */
    LOOP(TIMES, PICK_OF(CODE); movl %esp, %edi; pushl %ebx; pushl $1f; lretl; \
         1: pushl %cs; popl %ecx; CHECK_EQ(w, %cx, %bx); HOLDS(cs))
    ljmp $CODE32, $1f
1:  LOAD_FAR(les, es)
    LOAD_FAR(lds, ds)
    LOAD_FAR(lfs, fs)
    LOAD_FAR(lgs, gs)
    /* The new SS and ESP at once. */
    LOOP(TIMES, PICK_OF(FLAT); movl %esp, %edi; leal (%esp, %ebp, 4), %ecx; \
         movl %ecx, pointer; movw %bx, pointer + 4; lss pointer, %esp; \
         movl %esp, %edx; movl %edi, %esp; CHECK_EQ(l, %ecx, %edx); HOLDS(ss))
    movl $DATA, %eax
    movl %eax, %ss
    ret

/* ---- LAR, LSL, VERR, VERW, ARPL ---- */

descriptors:
    /* For count n a segment of type n & 15, limit n, in pages for odd n / 16. */
    movl $PROBE, %ebx
    LOOP(TIMES, movw %bp, gdt + PROBE; movl %ebp, %ecx; andl $15, %ecx; \
         movl %ebp, %edx; andl $16, %edx; shll $19, %edx; shll $8, %ecx; \
         leal 0x409000(%ecx, %edx), %eax; movl %eax, gdt + PROBE + 4; shrl $8, %ecx; \
         \
         larl %ebx, %edx; CHECK(z); andl $0x00f0ff00, %edx; CHECK_EQ(l, %edx, %eax); \
         lslw %bx, %dx; CHECK(z); lsll %ebx, %edx; CHECK(z); movl %ebp, %esi; \
         testl $16, %ebp; jz 1f; shll $12, %esi; orl $0xfff, %esi; \
         1: CHECK_EQ(l, %edx, %esi); \
         \
         verr %bx; setz %al; movl $0xccff, %edx; btl %ecx, %edx; setc %dl; \
         CHECK_EQ(b, %al, %dl); \
         verw %bx; setz %al; movl $0x00cc, %edx; btl %ecx, %edx; setc %dl; \
         CHECK_EQ(b, %al, %dl))
    /* Beyond the table: ZF clear, the register stays. */
    LOOP(TIMES, leal GDT_SIZE(, %ebp, 8), %ebx; movl %ebp, %edx; \
         larl %ebx, %edx; CHECK(nz); lsll %ebx, %edx; CHECK(nz); \
         CHECK_EQ(l, %edx, %ebp); \
         verr %bx; CHECK(nz); verw %bx; CHECK(nz))

    /* ARPL: the greater of both RPLs, ZF when it was the source's. */
    LOOP(TIMES, imull $0x10003, %ebp, %eax; movl %ebp, %ecx; shrl $2, %ecx; \
         movl %eax, %ebx; movl %eax, %esi; movl %ecx, %edx; andl $3, %esi; \
         andl $3, %edx; \
         subl %esi, %edx; jbe 1f; addl %edx, %ebx; 1: seta %dl; \
         movl %eax, pointer; arpl %cx, %ax; setz %dh; CHECK_EQ(b, %dh, %dl); \
         CHECK_EQ(l, %eax, %ebx); \
         arpl %cx, pointer; setz %dh; CHECK_EQ(b, %dh, %dl); CHECK_EQ(l, pointer, %ebx))
    ret

/* ---- LLDT, LTR, LGDT, LIDT and what reads them back ---- */

tables:
    LOOP(TIMES, PICK; leal LDT(, %esi, 8), %eax; lldt %ax; movl $4, %ecx; \
         movl %ecx, %fs; CHECK_EQ(l, %fs:0, %edx); \
         movl $-1, %ecx; sldt %ecx; CHECK_EQ(l, %eax, %ecx); \
         movl %ebp, pointer; sldt pointer; CHECK_EQ(w, pointer, %ax); \
         CHECK_EQ(w, $0, pointer + 2))
    xorl %eax, %eax
    movl %eax, %fs
    lldt %ax

    /* LTR makes it busy. */
    LOOP(TIMES, PICK_OF(TASK); movl $0x8900, gdt + 4(%ebx); \
         ltr %bx; CHECK_EQ(w, $0x8b00, gdt + 4(%ebx)); \
         movl $-1, %ecx; str %ecx; CHECK_EQ(l, %ebx, %ecx); \
         movl $0, pointer; str pointer; CHECK_EQ(l, %ebx, pointer))

    LOOP(TIMES, movl $GDT_SIZE - 1, %ecx; movl %ebp, %eax; andl $7, %eax; \
         shll $3, %eax; \
         subl %eax, %ecx; movl $gdt, %edx; movl WORDS, %edi; testl $8, %ebp; jz 1f; \
         movl $OTHER_GDT, %edx; movl WORDS + 4 * 15, %edi; \
         1: movw %cx, pointer; movl %edx, pointer + 2; lgdt pointer; \
         movl $SEGMENT, %eax; movl %eax, %fs; CHECK_EQ(l, %fs:0, %edi); \
         movl $-1, stored + 4; sgdt stored; CHECK_EQ(w, stored, %cx); \
         CHECK_EQ(l, stored + 2, %edx); CHECK_EQ(w, $-1, stored + 6))
    lgdt gdtr

    LOOP(TIMES, movl $0x7ff, %ecx; subl %ebp, %ecx; movl $idt32, %edx; movl $1, %edi; \
         testl $1, %ebp; jz 1f; movl $OTHER_IDT, %edx; movl $2, %edi; \
         1: movw %cx, pointer; movl %edx, pointer + 2; lidt pointer; \
         int $0x62; CHECK_EQ(l, %eax, %edi); \
         movl $-1, stored + 4; sidt stored; CHECK_EQ(w, stored, %cx); \
         CHECK_EQ(l, stored + 2, %edx); CHECK_EQ(w, $-1, stored + 6))
    lidt idtr32
    ret

first_handler:
    movl $1, %eax
    iretl
other_handler:
    movl $2, %eax
    iretl

/* ---- far JMP, CALL and RETF ---- */

far_transfers:
    /* Immediate selectors cannot vary; the caller's CS does. */
    LOOP(TIMES, PICK_OF(CODE); movl %esp, %edi; pushl %ebx; pushl $1f; lretl; \
         1: HOLDS(cs); movl $6f, %esi; lcall $CODE + 8, $callee; 6: HOLDS(cs); \
         CHECK_EQ(l, $CODE + 8, %edx); ljmp $CODE32, $1f; 1: movl %cs, %eax; \
         CHECK_EQ(l, $CODE32, %eax))
    /* From CODE32, by way of memory; back by RETF, which frees what its operand says. */
    LOOP(TIMES, PICK_OF(CODE); movl %esp, %edi; movl $callee2, pointer; \
         movw %bx, pointer + 4; pushl %ebp; pushl %ebx; movl $6f, %esi; \
         lcall *pointer; 6: CHECK_EQ(l, %edx, %ebx); movl $CODE32, %ebx; HOLDS(cs))
    LOOP(TIMES, PICK_OF(CODE); movl %esp, %edi; movl $1f, pointer; \
         movw %bx, pointer + 4; \
         ljmp *pointer; FAIL; 1: HOLDS(cs))
    ljmp $CODE32, $1f
1:  /* 16-bit operand size: 64 KiB of offset. */
    LOOP(TIMES, PICK_OF(CODE); movl %esp, %edi; pushw %bx; pushw $low_return; lretw; \
         back: HOLDS(cs))
    ljmp $CODE32, $1f
1:  ret

/* The return address must be EBX:ESI, or CODE32:ESI; CS to EDX. */
callee:
    CHECK_EQ(l, (%esp), %esi)
    CHECK_EQ(l, 4(%esp), %ebx)
    movl %cs, %edx
    lretl
callee2:
    CHECK_EQ(l, (%esp), %esi)
    CHECK_EQ(l, $CODE32, 4(%esp))
    CHECK_EQ(l, 8(%esp), %ebx)
    CHECK_EQ(l, 12(%esp), %ebp)
    movl %cs, %edx
    lretl $8

/* ---- INT and its kin ---- */

interrupts:
    SET_IDT(DB, CODE32, handler, 0x8e)
    SET_IDT(BP, CODE32, handler, 0x8f)
    SET_IDT(OF, CODE32, handler, 0x8e)
    INTERRUPT(0, 0, int $0x60)     /* interrupt gate: IF is cleared */
    INTERRUPT(0, 0x200, int $0x61) /* trap gate: it stays */
    INTERRUPT(0, 0x200, int3)
    INTERRUPT(0, 0, .byte 0xf1)
    INTERRUPT(0x800, 0, into)
    /* INTO without OF does nothing. */
    LOOP(TIMES, SOME_FLAGS; andl $~0x800, %eax; movl %esi, %edx; xorl %esi, %esi; \
         pushl %eax; popfl; into; pushfl; popl %ebx; CHECK_EQ(l, %eax, %ebx); \
         CHECK_EQ(l, $0, %esi))
    cli
    ret

handler:
    pushfl
    popl %ecx
    movl (%esp), %esi
    movl 4(%esp), %ebx
    movl 8(%esp), %edx
    iretl

    .section .low, "awx"
low_return:
    jmp back
    .balign 8
pointer: .long 0, 0
stored: .long 0, 0
