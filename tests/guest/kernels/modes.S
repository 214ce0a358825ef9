/* modes.S - real mode with a code segment that does not begin at 0, protected mode, long
 * mode, one after the other: what a debugger goes through in one session
 * (tests/frontend/gdb.sh). Each adds to `counter` what tells it from the others.
 */
#include "lib.h"

#define CODE_REAL 0x100 /* base 1000h */

    .text
main:
    movl %esp, saved_esp
    movl $DATA16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    ljmp $CODE16, $to_real

    .section .low
    .code16
to_real:
    movl %cr0, %eax
    andb $0xfe, %al
    movl %eax, %cr0
    ljmp $CODE_REAL, $in_real - 0x1000
in_real:
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x1f00, %sp
    call real_call
    movl $0x12345678, %eax
    movl $1, counter
    lgdt gdtr
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $CODE32, $in_protected
real_call:
    pushw %cs
    popw %bx
    ret

    .balign 4
counter: .long 0
saved_esp: .long 0

    .text
    .code32
in_protected:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl saved_esp, %esp
    CHECK_EQ(w, $CODE_REAL, %bx)
    addl $0x10, counter
    call enter_long
    .code64
in_long:
    movabs $0x1122334455667788, %rcx
    addl $0x100, counter
    movl $5, %edx
long_loop:
    incl counter
    decl %edx
    jnz long_loop
    CHECK_EQ(l, $0x116, counter)
    PASS
