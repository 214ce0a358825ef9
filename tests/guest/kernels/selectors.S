/* selectors.S - a descriptor of every type, absent and present, of every DPL, by selectors
 * of every RPL, in rings 0 and 3: what LAR, LSL, VERR and VERW tell, and what MOV to DS and
 * SS, LLDT, far JMP and CALL do, with their exceptions and error codes. Intel SDM vol 3A
 * 5.4 to 5.8, 5.10; vol 2, the instructions.
 *
 * All outcomes of one instruction make one sum. The sums were not computed from the manual:
 * they are those that Menura, Bochs 2.7 and QEMU 7.2 came to, each by itself.
 */
#include "lib.h"

#define LAR 0
#define FAR_JMP 7
#define FAR_CALL 8
#define OPS 9
#define COUNT (OPS * 2 * 4 * 4 * 2 * 32)
#define NO_EXCEPTION 0x100
#define SUM(op, sum) NOTE(op, sums + 4 * (op), $0); CHECK_EQ(l, $sum, sums + 4 * (op))

    .text
main:
next:
    movl index, %eax
    movl $dims, %esi
    movl $digits, %edi
1:  xorl %edx, %edx
    movzbl (%esi), %ecx
    divl %ecx
    movl %edx, (%edi)
    incl %esi
    addl $4, %edi
    cmpl $dims_end, %esi
    jne 1b

    /* Far transfers through task gates and TSSs are for tasks.S. */
    movl op, %ecx
    cmpl $FAR_JMP, %ecx
    jb 1f
    movl type, %eax
    movl $1 << 1 | 1 << 3 | 1 << 5 | 1 << 9 | 1 << 11, %edx
    btl %eax, %edx
    jc skip
1:
    movl present, %eax
    shll $2, %eax
    orl dpl, %eax
    shll $5, %eax
    orl type, %eax
    shll $8, %eax
    testl $0x1000, %eax
    jz 1f
    orl $0x00cf0000, %eax /* a segment: flat */
    movl %eax, gdt + FREE + 4
    movl $0x0000ffff, gdt + FREE
    jmp 2f
1:  movl %eax, gdt + FREE + 4 /* else what makes a gate; `landed` is below 64 KiB */
    movl $landed, gdt + FREE
    orl $CODE32 << 16, gdt + FREE
2:  movl $FREE, %ebx
    orl rpl, %ebx
    movl $landed, pointer
    movl %ebx, pointer + 4

    movl $NO_EXCEPTION, got_vector
    movl $0, got_error
    movl $done, resume
    movl %esp, resume_sp
    xorl %eax, %eax
    cmpl $0, user
    jne 1f
    call *ops(, %ecx, 4)
    jmp done
1:  movl $USER_DATA, %edx
    movl %edx, %ds
    movl %edx, %es
    TO_USER(in_ring3)
in_ring3:
    call *ops(, %ecx, 4)
    int $HOME

done: /* EAX what the instruction told, or where it led */
    movl $DATA, %edx
    movl %edx, %ds
    movl %edx, %es
    movl %edx, %ss
    movl resume_sp, %esp
    movl $0, resume
    pushl $2
    popfl
    movl got_vector, %edx
    shll $16, %edx
    orl got_error, %edx
    movl op, %ecx
    movl sums(, %ecx, 4), %ebx
    xorl %edx, %ebx
    imull $16777619, %ebx, %ebx
    roll $13, %ebx
    xorl %eax, %ebx
    imull $16777619, %ebx, %ebx
    roll $13, %ebx
    movl %ebx, sums(, %ecx, 4)
    xorl %eax, %eax
    lldt %ax
skip:
    incl index
    cmpl $COUNT, index
    jb next

    SUM(0, 0x0bafaea4) /* LAR */
    SUM(1, 0xb04fe425) /* LSL */
    SUM(2, 0xe1fc2b16) /* VERR */
    SUM(3, 0x0cb186fa) /* VERW */
    SUM(4, 0x01343f07) /* MOV DS */
    SUM(5, 0x572d65bb) /* MOV SS */
    SUM(6, 0x1d9184b6) /* LLDT */
    SUM(7, 0xaf38b532) /* far JMP */
    SUM(8, 0x4999ee27) /* far CALL */
    PASS

op_lar: /* bits 19:16 are undefined */
    larl %ebx, %eax
    jnz 1f
    andl $0x00f0ff00, %eax
    incl %eax
1:  ret
op_lsl:
    lsll %ebx, %eax
    jmp zf
op_verr:
    verr %bx
    jmp zf
op_verw:
    verw %bx
zf: setz %dl
    movzbl %dl, %edx
    shll $31, %edx
    addl %edx, %eax
    ret
op_ds:
    movl %ebx, %ds
    movl %ds, %eax
    pushl %ss
    popl %ds
    ret
op_ss:
    movl %ebx, %ss
    movl %ss, %eax
    movl %ds, %edx
    movl %edx, %ss
    ret
op_lldt:
    lldt %bx
    sldt %eax
    ret
op_jmp:
    ljmp *pointer
op_call:
    lcall *pointer

    .balign 4
ops: .long op_lar, op_lsl, op_verr, op_verw, op_ds, op_ss, op_lldt, op_jmp, op_call
dims: .byte OPS, 2, 4, 4, 2, 32
dims_end:

    .section .low
    .balign 4096 /* away from what is written */
landed: /* of a far transfer, in whatever ring */
    movl %cs, %eax
    testl $3, %eax
    jz 1f
    int $HOME
1:  movl $done, %edx
    jmp *%edx
    .balign 4096
pointer: .long 0, 0
index: .long 0
sums: .skip 4 * OPS
digits:
op: .long 0
user: .long 0
rpl: .long 0
dpl: .long 0
present: .long 0
type: .long 0
