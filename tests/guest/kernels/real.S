/* real.S - from protected mode to real mode and back: unreal mode, 16-bit wrap, INT
 * through the IVT, faults in real mode. Intel SDM vol 3A 9.9, ch. 20.
 */
#include "lib.h"

#define FAIL16 FAIL
/* In real mode: the vector's handler in the IVT. */
#define IVT(vector, label) movw $label, %es:4 * (vector); movw $0, %es:4 * (vector) + 2
#define EXPECT16(vector, ...) movw $9f, resume16; movw %sp, resume_sp16; \
    movw $0xffff, got16; __VA_ARGS__; FAIL; 9: cmpw $(vector), got16; CHECK(e)

    .text
main:
    movl %esp, saved_esp
    movl $0x12345678, 0x300000
    movl $DATA16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $DATA, %ebx
    movl %ebx, %fs /* stays unreal */
    movl %eax, %gs
    ljmp $CODE16, $to_real

    .section .low
    .code16
to_real:
    movl %cr0, %eax
    andb $0xfe, %al
    movl %eax, %cr0
    ljmp $0, $in_real
in_real:
    lidt ivt
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %gs
    movw %ax, %ss
    movw $0x1f00, %sp

    /* Unreal: FS kept its 4 GiB limit; loading a value keeps it too. */
    movl $0x300000, %ebx
    CHECK_EQ(l, $0x12345678, %fs:(%ebx))
    movw $0x10, %ax
    movw %ax, %fs
    subl $0x100, %ebx
    CHECK_EQ(l, $0x12345678, %fs:(%ebx))
    smsw %ax
    testb $1, %al
    CHECK(z)

    /* INT and IRET through the IVT. */
    IVT(0x60, handler60)
    IVT(0, catch0)
    IVT(6, catch6)
    IVT(12, catch12)
    IVT(13, catch13)
    stc
    movw $0x1f00, %sp
    sti
    int $0x60
    CHECK(c)
    cli
    CHECK_EQ(w, $0x6060, %bx)
    CHECK_EQ(w, $0x1f00, %sp)

    /* Faults: no error code; the frame returns to the instruction. */
    EXPECT16(0, xorw %bx, %bx; divw %bx)
    EXPECT16(6, ud2)
    /* 16-bit offsets: a word at FFFFh is beyond the limit, a byte is not. */
    movw $0xffff, %bx
    movb (%bx), %al
    EXPECT16(13, movw (%bx), %ax)
    movl $0x10000, %ebx
    EXPECT16(13, movb (%ebx), %al)
    /* SI + displacement wraps at 64 KiB: no fault. */
    movw $0x1234, 0x1f80
    movw $0xff80, %si
    CHECK_EQ(w, $0x1234, 0x2000(%si))
    /* The stack wraps from 0 to FFFEh; a word at 1 does not. */
    movw $0, %sp
    movw %ss, %dx
    movw $0x1000, %ax
    movw %ax, %ss
    pushw $0x5555
    CHECK_EQ(w, $0xfffe, %sp)
    popw %cx
    CHECK_EQ(w, $0, %sp)
    CHECK_EQ(w, $0x5555, %cx)
    movw %dx, %ss
    movw $0x1f00, %sp

    /* String instructions wrap SI and DI too. */
    movw $0x1000, %ax
    movw %ax, %es
    movb $0xab, %es:0
    movb $0xcd, %es:0xffff
    movw $0xffff, %di
    movb $0x11, %al
    movw $2, %cx
    rep stosb
    CHECK_EQ(w, $1, %di)
    CHECK_EQ(b, $0x11, %es:0)
    CHECK_EQ(b, $0x11, %es:0xffff)
    xorw %ax, %ax
    movw %ax, %es

    /* PUSH SP, near calls, far calls and returns, LOOP with CX. */
    pushw %sp
    popw %ax
    CHECK_EQ(w, $0x1f00, %ax)
    lcall $0, $far16
    CHECK_EQ(w, $0xfa16, %ax)
    movl $0x10002, %ecx
    xorw %ax, %ax
1:  incw %ax
    loop 1b
    CHECK_EQ(w, $2, %ax)
    CHECK_EQ(l, $0x10000, %ecx)

    /* IP does not wrap: behind FFFFh is the limit, for the next instruction (EIP 10000h is
     * pushed as 0) and for one that crosses it. In hot code too. */
    movw $0x1000, %ax
    movw %ax, %es
    movw $0x9090, %es:0xfffe
    movw $40, %cx
1:  EXPECT16(13, ljmp $0x1000, $0xfffe)
    CHECK_EQ(w, $0, 0x1efa)
    CHECK_EQ(w, $0x1000, 0x1efc)
    movb $0xb0, %es:0xffff /* MOV AL, imm8 */
    EXPECT16(13, ljmp $0x1000, $0xfffe)
    CHECK_EQ(w, $0xffff, 0x1efa)
    movb $0x90, %es:0xffff
    decw %cx
    jnz 1b
    xorw %ax, %ax
    movw %ax, %es

    /* LLDT and the like do not exist here. */
    EXPECT16(6, .byte 0x0f, 0x00, 0xd0)
    EXPECT16(6, arpl %ax, %bx)
    EXPECT16(6, .byte 0x0f, 0x02, 0xc3) /* LAR */
    /* LOCK where it may not be. */
    EXPECT16(6, .byte 0xf0, 0x90)
    /* Longer than 15 bytes. */
    EXPECT16(13, .fill 15, 1, 0x26; nop)

    /* Back to protected mode. */
    lgdt gdtr
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $CODE32, $back

    .code16
handler60:
    movw $0x6060, %bx
    pushfw
    popw %ax
    testw $0x300, %ax /* IF and TF are off */
    CHECK(z)
    iretw
far16:
    movw $0xfa16, %ax
    lretw
catch0:
    movw $0, got16
    jmp caught
catch6:
    movw $6, got16
    jmp caught
catch12:
    movw $12, got16
    jmp caught
catch13:
    movw $13, got16
caught:
    movw resume_sp16, %sp
    jmpw *resume16

    .balign 4
ivt: .word 0x3ff
    .long 0
got16: .word 0
resume16: .word 0
resume_sp16: .word 0
    .balign 4
saved_esp: .long 0

    .text
    .code32
back:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movl saved_esp, %esp
    lidt idtr32
    EXPECT(UD, 0, ud2)
    PASS
