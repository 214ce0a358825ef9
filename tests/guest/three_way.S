/* three_way.S - what the kernels of tests/guest/three_way tell with, and how they go on
 * after an exception that nobody expected: behind the check that follows.
 */
#include "lib.h"

    .text
    .code32
    .globl failed32, stray32, failed64, stray64, told32, told64, seen32, seen64, tell_note

/* ---- the same bytes in 32- and in 64-bit code: no address without a register ---- */

tell_line: /* AL the kind, EDX the line; EAX changes */
    outb %al, $0xe9
    movl %edx, %eax
    andl $0x3f, %eax
    orl $0x80, %eax
    outb %al, $0xe9
    movl %edx, %eax
    shrl $6, %eax
    andl $0x3f, %eax
    orl $0x80, %eax
    outb %al, $0xe9
    ret

tell_pair: /* EDX:EAX; EAX and EDX change */
    pushl %ebx
    pushl %ecx
    movl %eax, %ebx
    movl $11, %ecx
1:  movl %ebx, %eax
    andl $0x3f, %eax
    orl $0x80, %eax
    outb %al, $0xe9
    shrdl $6, %edx, %ebx
    shrl $6, %edx
    subl $1, %ecx
    jnz 1b
    popl %ecx
    popl %ebx
    ret
tell_value: /* at EDX */
    movl (%edx), %eax
    movl 4(%edx), %edx
    jmp tell_pair

tell_note: /* EAX a number, EDX a value, ECX its high half; EAX and EDX change */
    pushl %edx
    pushl %eax
    movb $TOLD_NOTE, %al
    outb %al, $0xe9
    popl %eax
    xorl %edx, %edx
    call tell_pair
    popl %eax
    movl %ecx, %edx
    jmp tell_pair

tell_seen: /* EAX and EDX change */
    movb $TOLD_SEEN, %al
    outb %al, $0xe9
    movl $got_vector, %edx
    call tell_value
    movl $got_error, %edx
    call tell_value
    movl $got_rip, %edx
    call tell_value
    movl $got_cr2, %edx
    jmp tell_value

/* Tells of a stray exception. EDI: where to go on, or 0. All change. */
tell_stray:
    movl $got_rip, %ebx
    movl (%ebx), %ebx
    movl $checks_begin, %ecx
    xorl %edi, %edi
1:  cmpl $checks_end, %ecx
    jae 3f
    movl (%ecx), %edx
    cmpl %ebx, %edx
    jbe 2f
    testl %edi, %edi
    jz 4f
    cmpl %edi, %edx
    jae 2f
4:  movl %edx, %edi
    movl 4(%ecx), %esi
2:  addl $8, %ecx
    jmp 1b
3:  testl %edi, %edi
    jz tell_seen
    movb $TOLD_STRAY, %al
    movl %esi, %edx
    call tell_line
    jmp tell_seen

lost:
    call tell_seen
    movb $TOLD_LOST, %al
    outb %al, $0xe9
    movl $1, %eax
    outl %eax, $0xf4
5:  jmp 5b

/* ---- 32-bit ---- */

flat32:
    popl %ecx
    movl $DATA, %eax
    movl %eax, %es
    movl %eax, %ss
    movl $tell_stack, %esp
    jmp *%ecx

failed32: /* INT 41h of ring 3; EDX is free */
    call flat32
    movl got_eax, %edx
    movb $TOLD_FAIL, %al
    call tell_line
    movl resume, %eax
    testl %eax, %eax
    jz lost
    movl $0, resume
    movl resume_sp, %esp
    jmp *%eax

stray32:
    call flat32
    testb $3, got_cs
    jnz lost
    call tell_stray
    testl %edi, %edi
    jz lost
    movl got_frame, %esp
    addl $12, %esp
    jmp *%edi

told32: /* INT 42h: a vector and a zero are on the stack */
    pushl %ds
    pushl $DATA
    popl %ds
    pushal
    movzwl %ax, %edx
    movb $TOLD_FAIL, %al
    call tell_line
    popal
    popl %ds
    addl $8, %esp
    iretl

seen32:
    pushal
    call tell_seen
    popal
    ret

/* ---- 64-bit ---- */

    .code64
failed64:
    movl $tell_stack, %esp
    movl got_eax, %edx
    movb $TOLD_FAIL, %al
    call tell_line
    movq resume, %rax
    testq %rax, %rax
    jz lost
    movq $0, resume
    movq resume_sp, %rsp
    jmpq *%rax

stray64:
    movl $DATA, %eax
    movl %eax, %ss
    movl $tell_stack, %esp
    testb $3, got_cs
    jnz lost
    call tell_stray
    testl %edi, %edi
    jz lost
    movq got_sp, %rsp
    jmpq *%rdi

told64:
    pushq %rax
    pushq %rdx
    movzwl %ax, %edx
    movb $TOLD_FAIL, %al
    call tell_line
    popq %rdx
    popq %rax
    addq $16, %rsp
    iretq

seen64:
    pushq %rax
    pushq %rdx
    call tell_seen
    popq %rdx
    popq %rax
    ret

    .section .low
    .balign 16
    .skip 256
tell_stack:
    .ascii "skips: "
    .byte 0
    .globl skips
skips: .skip 128 /* lines to 1023; tests/guest/three_way sets bits */
