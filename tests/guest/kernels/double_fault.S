/* double_fault.S - which pairs of faults make a #DF, and #DF's error code, on an IST stack
 * and through a task gate. Intel SDM vol 3A 6.15, Interrupt 8, Tables 6-4 and 6-5.
 */
#include "lib.h"

#define DFTASK FREE

    .text
main:
    /* 32-bit: #DF through a task gate, since the stack may be what is wrong. */
    SET_DESCRIPTOR(DFTASK, 0, 0x67, 0x0089)
    movl $df_tss, %eax
    movw %ax, gdt + DFTASK + 2
    shrl $16, %eax
    movb %al, gdt + DFTASK + 4
    movb %ah, gdt + DFTASK + 7
    movl $df_task, df_tss + 32
    movl $2, df_tss + 36
    movl $ist1_stack, df_tss + 56
    movl $DATA, df_tss + 72
    movl $CODE32, df_tss + 76
    movl $DATA, df_tss + 80
    movl $DATA, df_tss + 84
    SET_IDT(DF, DFTASK, 0, 0x85)
    /* #NP while #GP is delivered. */
    movb $0x0e, idt32 + 8 * GP + 5
    movl $1f, tss_resume
    movl $0xff8, %eax
    movl %eax, %fs
    FAIL
1:  CHECK_EQ(l, $0, df_error)
    clts
    /* A #DE handler that is not there: contributory, twice. */
    movb $0x0e, idt32 + 8 * DE + 5
    movl $1f, tss_resume
    xorl %ebx, %ebx
    divl %ebx
    FAIL
1:  clts
    /* A benign one first: #UD's missing handler is a #NP, told as such. */
    movb $0x0e, idt32 + 8 * UD + 5
    EXPECT(NP, UD * 8 + 3, ud2)
    movb $0x0e, idt32 + 8 * BP + 5
    EXPECT(NP, BP * 8 + 2, int3)
    movb $0x8e, idt32 + 8 * UD + 5
    movb $0x8e, idt32 + 8 * GP + 5
    movb $0x8e, idt32 + 8 * DE + 5

    call enter_long
    .code64
    movb $1, idt64 + 16 * DF + 4
    /* A stack that is not there: #PF while #PF is delivered. */
    EXPECT64(DF, 0, movabs $0x7000000000, %rsp; pushq %rax)
    cmpq $ist1_stack - 40, got_frame
    CHECK(e)
    EXPECT64(DF, 0, movabs $0x7000000000, %rsp; movl %eax, TEST_VA)
    PASS

    .code32
df_task:
    popl %eax
    movl %eax, df_error
    movl tss_resume, %eax
    movl %eax, tss32 + 32
    iretl
    jmp df_task

    .section .low
    .balign 16
df_tss: .skip 104
df_error: .long -1
tss_resume: .long 0
