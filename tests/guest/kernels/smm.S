/* smm.S - system management: the SMI of port B2h, the save area, RSM, SMIs and NMIs held
 * back, SMBASE relocation, SMRAM behind the video memory. Intel SDM vol 3 chapter 34; AMD
 * APM vol 2 Table 10-1; Intel 82441FX data sheet, SMRAM register.
 */
#include "lib.h"

#define SMBASE 0x30000
#define SMRAM_BASE 0xa0000
#define ENTRY 0x8000
#define PM_DEVACTB 0x80000b58 /* PIIX4 function 3 */
#define APMC_EN 0x2000000
#define HOST_SMRAM 0x80000070 /* the 440FX's; register 72h is byte 2 */
#define D_OPEN 0x40
#define D_CLS 0x20
#define D_LCK 0x10
#define G_SMRAME 8

/* The save area, from SMBASE. */
#define SAVED_HALT 0xfec9
#define SAVED_REVISION 0xfefc
#define SAVED_SMBASE 0xff00
#define SAVED_CR0 0xff58
#define SAVED_RAX 0xfff8

/* What the handler is asked to do besides counting. */
#define ASK_AGAIN 1
#define ASK_NMI 2
#define ASK_MOVE 4
#define ASK_CLOSE 8

#define SMI outb %al, $0xb2

    .text
main:
    EXPECT(UD, 0, rsm)

    movl $PM_DEVACTB, %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movw $0xcfc, %dx
    inl %dx, %eax
    orl $APMC_EN, %eax
    outl %eax, %dx

    movl $handler, %esi
    movl $SMBASE + ENTRY, %edi
    movl $handler_end - handler, %ecx
    rep movsb

    /* It is taken behind the OUT; the handler adds one to RAX in the save area; all else is
     * as before. */
    movl $0x12345678, %ebx
    movl $0x1000, %esi
    movl %esp, %ebp
    movl $5, %eax
    stc
    SMI
    CHECK(c)
    CHECK_EQ(l, $6, %eax)
    CHECK_EQ(l, $1, count)
    CHECK_EQ(l, $0x12345678, %ebx)
    CHECK_EQ(l, $0x1000, %esi)
    cmpl %ebp, %esp
    CHECK(e)
    CHECK_EQ(l, $0x20064, revision)
    CHECK_EQ(l, $0, handler_pe)
    CHECK_EQ(l, $1, saved_pe)
    CHECK_EQ(b, $0, halted)
    movw %ds, %ax
    CHECK_EQ(w, $DATA, %ax)
    movl %cr0, %eax
    testl $1, %eax
    CHECK(nz)

    /* One that comes inside waits for RSM. */
    movl $ASK_AGAIN, ask
    movl $0, count
    SMI
    CHECK_EQ(l, $2, count)
    CHECK_EQ(l, $1, deepest)

    /* So does an NMI. */
    movl $ASK_NMI, ask
    movl $0, count
    EXPECT(NMI, 0, SMI; nop)
    CHECK_EQ(l, $1, count)
    CHECK_EQ(l, $1, finished)

    /* SMRAM: opened, filled, closed, and seen by SMM alone. */
    movb $D_OPEN | G_SMRAME, %cl
    call set_smram
    movl $handler, %esi
    movl $SMRAM_BASE + ENTRY, %edi
    movl $handler_end - handler, %ecx
    rep movsb
    movl SMRAM_BASE + ENTRY, %ebx
    movb $G_SMRAME, %cl
    call set_smram
    cmpl %ebx, SMRAM_BASE + ENTRY
    CHECK(ne)
    movl $ASK_MOVE, ask
    SMI
    /* The old handler is destroyed: the new one answers. */
    movl $SMBASE + ENTRY, %edi
    movl $handler_end - handler, %ecx
    xorl %eax, %eax
    rep stosb
    movl $0, ask
    movl $0, count
    movl $5, %eax
    SMI
    CHECK_EQ(l, $6, %eax)
    CHECK_EQ(l, $1, count)

    /* Closed to data (D_CLS): the handler goes on, and its data are those of the video
     * memory, which this machine has not: nobody answers, stores vanish. */
    movl $ASK_CLOSE, ask
    movl $2, %ebp
1:  movl $5, %eax
    SMI
    CHECK_EQ(l, $6, %eax)
    CHECK_EQ(l, %ebx, data_open)
    CHECK_EQ(l, $0xffffffff, data_closed)
    decl %ebp
    jnz 1b
    movl $0, ask

    /* A thousand in a row, each with other registers and flags: RSM brings all back. */
    movl $0, count
    movl $0x9e3779b9, %ebx
    movl $1000, %ebp
1:  leal -1(%ebp), %eax
    addl %ebx, %ebx /* other flags each time */
    pushfl
    popl %edi
    SMI
    pushfl
    popl %ecx
    CHECK_EQ(l, %ecx, %edi)
    CHECK_EQ(l, %ebp, %eax)
    imull $0x343fd, %ebx
    addl $0x269ec3, %ebx
    decl %ebp
    jnz 1b
    CHECK_EQ(l, $1000, count)

    /* Locked, it does not open any more. */
    movb $D_LCK | G_SMRAME, %cl
    call set_smram
    movb $D_OPEN | G_SMRAME, %cl
    call set_smram
    cmpl %ebx, SMRAM_BASE + ENTRY
    CHECK(ne)
    movl $5, %eax
    SMI
    CHECK_EQ(l, $6, %eax)
    movl $ASK_CLOSE, ask /* that is still the handler's to say */
    SMI
    CHECK_EQ(l, $0xffffffff, data_closed)

    /* In 64-bit mode. */
    call enter_long
    .code64
    movabs $0x1122334455667788, %rax
    movabs $0x99aabbccddeeff00, %r15
    movq %rax, %r8
    movl $0, ask
    SMI
    subq $1, %rax
    cmpq %rax, %r8
    CHECK(e)
    movabs $0x99aabbccddeeff00, %rax
    cmpq %rax, %r15
    CHECK(e)
    PASS
    .code32

/* CL to the SMRAM register. */
set_smram:
    movl $HOST_SMRAM, %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movw $0xcfe, %dx
    movb %cl, %al
    outb %al, %dx
    ret

/* ---- the handler: real mode with 4 GiB limits, anywhere ---- */

    .code16
handler:
    xorl %esi, %esi
    incl %cs:handler_depth - handler + ENTRY(%esi)
    movl %cs:handler_depth - handler + ENTRY(%esi), %eax
    movl %eax, deepest(%esi)
    movl $0, %eax
    movl %eax, finished(%esi)
    incl count(%esi)
    movl %cr0, %eax
    andl $1, %eax
    movl %eax, handler_pe(%esi)
    movl %cs:SAVED_CR0(%esi), %eax
    andl $1, %eax
    movl %eax, saved_pe(%esi)
    movl %cs:SAVED_REVISION(%esi), %eax
    movl %eax, revision(%esi)
    movb %cs:SAVED_HALT(%esi), %al
    movb %al, halted(%esi)
    incl %cs:SAVED_RAX(%esi)
    movl ask(%esi), %ecx
    testb $ASK_AGAIN, %cl
    jz 1f
    movl $0, ask(%esi)
    SMI
    nop
1:  testb $ASK_NMI, %cl
    jz 1f
    movl $0, LAPIC + 0x310(%esi)
    movl $0x4400, LAPIC + 0x300(%esi) /* to itself: APIC id 0 */
    nop
    nop
1:  testb $ASK_MOVE, %cl
    jz 1f
    movl $SMRAM_BASE, %cs:SAVED_SMBASE(%esi)
1:  testb $ASK_CLOSE, %cl
    jz 1f
    movl %cs:ENTRY(%esi), %eax
    movl %eax, data_open(%esi)
    movl $HOST_SMRAM, %eax
    movw $0xcf8, %dx
    outl %eax, %dx
    movw $0xcfe, %dx
    movb $D_CLS | G_SMRAME, %al
    outb %al, %dx
    movl %cs:ENTRY(%esi), %eax
    movl %eax, data_closed(%esi)
    movl $0x5eeeeeee, %eax
    movl %eax, %cs:ENTRY(%esi)
    movw $0xcfe, %dx
    movb $G_SMRAME, %al
    outb %al, %dx
1:  movl $1, %eax
    movl %eax, finished(%esi)
    decl %cs:handler_depth - handler + ENTRY(%esi)
    rsm
handler_depth:
    .long 0
handler_end:
    .code32

    .bss
count: .long 0
deepest: .long 0
finished: .long 0
handler_pe: .long 0
saved_pe: .long 0
revision: .long 0
halted: .long 0
data_open: .long 0
data_closed: .long 0
ask: .long 0
