/* avx.S - VEX as the system sees it: CR4.OSXSAVE, XCR0, CR0.TS and EM, real and
 * virtual-8086 mode; what becomes of upper halves; XSAVE, XSAVEOPT, XSAVEC and XRSTOR
 * of them; a switch of tasks that restores them late; faults of 32-byte operands.
 * Intel SDM vol 1 ch. 13, 14; vol 2 2.3, 2.4; vol 3A 13.4.
 */
#include "lib.h"

#define TASK32 FREE
#define EXPECT16(vector, ...) movw $9f, resume16; movw %sp, resume_sp16; \
    movw $0xffff, got16; __VA_ARGS__; FAIL; 9: cmpw $(vector), got16; CHECK(e)
#define XSETBV(v) xorl %ecx, %ecx; xorl %edx, %edx; movl $(v), %eax; xsetbv
#define MASK(v) xorl %edx, %edx; movl $(v), %eax
#define CR4_SET(bits) movl %cr4, %eax; orl $(bits), %eax; movl %eax, %cr4
#define CR0_SET(bits) movl %cr0, %eax; orl $(bits), %eax; movl %eax, %cr0
#define CR0_CLEAR(bits) movl %cr0, %eax; andl $~(bits), %eax; movl %eax, %cr0
/* Bits 127:96 of register x, and, through memory, bits 255:224 of register y. */
#define CHECK_LOW(v, x) vmovdqu x, scratch; CHECK_EQ(l, $(v), scratch + 12)
#define CHECK_HIGH(v, y) vmovdqu y, scratch; CHECK_EQ(l, $(v), scratch + 28)

    .text
main:
    /* Nothing is enabled: general registers need nothing, vectors everything. */
    movl $0xff00ff00, %ebx
    movl $0x0ff00ff0, %ecx
    andnl %ecx, %ebx, %eax
    CHECK_EQ(l, $0x00f000f0, %eax)
    EXPECT_AT(UD, 0, 6: vpaddd %xmm0, %xmm1, %xmm2)
    CR4_SET(0x40000) /* OSXSAVE, without OSFXSR */
    EXPECT_AT(UD, 0, 6: vpaddd %xmm0, %xmm1, %xmm2)
    XSETBV(3)
    EXPECT_AT(UD, 0, 6: vpaddd %ymm0, %ymm1, %ymm2)
    EXPECT(GP, 0, XSETBV(5)) /* AVX without SSE */
    EXPECT(GP, 0, XSETBV(4))
    XSETBV(7)
    vpaddd %xmm0, %xmm1, %xmm2
    vpaddd %ymm0, %ymm1, %ymm2

    /* CR0.TS, for vectors alone; CR0.EM means nothing to them. */
    CR0_SET(8)
    EXPECT_AT(NM, 0, 6: vpaddd %xmm0, %xmm1, %xmm2)
    EXPECT_AT(NM, 0, 6: vmovdqu 0xffffffff, %ymm2) /* before its address matters */
    andnl %ecx, %ebx, %eax
    clts
    CR0_SET(4)
    vpaddd %ymm0, %ymm1, %ymm2
    CR0_CLEAR(4)
    /* Hot code notices, too. */
    movl $60, %esi
1:  CR0_SET(8)
    EXPECT(NM, 0, call 2f)
    clts
    call 2f
    decl %esi
    jnz 1b
    jmp 3f
2:  vpaddd %xmm0, %xmm1, %xmm2
    ret
3:

    /* Real mode: C4 and C5 are LES and LDS, with a register #UD. */
    movl %esp, saved_esp
    movl $DATA16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    ljmp $CODE16, $to_real
back:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl saved_esp, %esp
    lidt idtr32

    /* Virtual-8086 mode: the same. */
    EXPECT(UD, 0, pushl $0; pushl $0; pushl $0; pushl $0; pushl $0; pushl $0x1f00; \
           pushl $0x23002; pushl $0; pushl $v86; iretl)
    CHECK_EQ(l, $v86, got_rip)
    EXPECT(UD, 0, pushl $0; pushl $0; pushl $0; pushl $0; pushl $0; pushl $0x1f00; \
           pushl $0x23002; pushl $0; pushl $v86_andn; iretl)

    /* Other prefixes before VEX, and a vvvv that nothing uses. */
    EXPECT(UD, 0, .byte 0x66, 0xc5, 0xf9, 0xfe, 0xc1)
    EXPECT(UD, 0, .byte 0xf3, 0xc5, 0xf9, 0xfe, 0xc1)
    EXPECT(UD, 0, .byte 0xf2, 0xc5, 0xf9, 0xfe, 0xc1)
    EXPECT(UD, 0, .byte 0xf0, 0xc5, 0xf9, 0xfe, 0xc1)
    EXPECT(UD, 0, .byte 0xc4, 0xe1, 0x3a, 0x7f, 0x01)
    EXPECT(UD, 0, .byte 0xc5, 0xf9, 0xff, 0xff)

    /* Upper halves: kept by legacy SSE, zeroed by VEX. */
    CR4_SET(0x200)
    vmovdqu numbers, %ymm1
    vmovdqu numbers, %ymm2
    paddd %xmm1, %xmm1
    CHECK_LOW(8, %xmm1)
    CHECK_HIGH(0x80, %ymm1)
    movdqa numbers, %xmm2
    CHECK_HIGH(0x80, %ymm2)
    movd %eax, %xmm2
    CHECK_HIGH(0x80, %ymm2)
    vpaddd %xmm1, %xmm1, %xmm1
    CHECK_LOW(16, %xmm1)
    CHECK_HIGH(0, %ymm1)
    vmovdqu numbers, %xmm2
    CHECK_LOW(4, %xmm2)
    CHECK_HIGH(0, %ymm2)

    /* Alignment: 16 or 32 bytes for VMOVDQA, none for others. */
    vmovdqa numbers + 16, %xmm3
    EXPECT_AT(GP, 0, 6: vmovdqa numbers + 16, %ymm3)
    EXPECT_AT(GP, 0, 6: vmovdqa %ymm3, scratch + 16)
    EXPECT(GP, 0, vmovdqa numbers + 8, %xmm3)
    CHECK_LOW(0x80, %xmm3)
    vpaddd numbers + 1, %ymm3, %ymm4
    EXPECT(GP, 0, paddd numbers + 1, %xmm3)

    /* XSAVE: the upper halves stand at 576. */
    call some_state
    MASK(7)
    xsave area
    CHECK_EQ(l, $7, area + 512)
    CHECK_EQ(l, $0x80, area + 576 + 6 * 16 + 12)
    CHECK_EQ(l, $4, area + 160 + 6 * 16 + 12)
    call no_state
    MASK(7)
    xrstor area
    CHECK_HIGH(0x80, %ymm6)
    CHECK_LOW(4, %xmm6)
    /* A part alone. */
    call no_state
    MASK(4)
    xrstor area
    CHECK_HIGH(0x80, %ymm6)
    CHECK_LOW(0, %xmm6)
    /* Absent from XSTATE_BV: zeros. */
    movl $3, area + 512
    MASK(7)
    xrstor area
    CHECK_HIGH(0, %ymm6)
    CHECK_LOW(4, %xmm6)
    /* XINUSE, and what XSAVEOPT and XSAVEC leave out. */
    movl $1, %ecx
    xgetbv
    testb $4, %al
    CHECK(z)
    movl $0x5555, area + 576
    MASK(7)
    xsaveopt area
    CHECK_EQ(l, $3, area + 512)
    CHECK_EQ(l, $0x5555, area + 576)
    call some_state
    movl $1, %ecx
    xgetbv
    testb $4, %al
    CHECK(nz)
    MASK(6)
    xsavec area
    CHECK_EQ(l, $6, area + 512)
    CHECK_EQ(l, $6, area + 520)
    CHECK_EQ(l, $0x80000000, area + 524)
    CHECK_EQ(l, $0x80, area + 576 + 6 * 16 + 12)
    call no_state
    MASK(7)
    xrstor area
    CHECK_HIGH(0x80, %ymm6)
    /* XCR0 without AVX: the state is kept, but XRSTOR may not name it. */
    XSETBV(3)
    EXPECT(UD, 0, vpaddd %ymm0, %ymm0, %ymm0)
    EXPECT(GP, 0, MASK(7); xrstor area)
    MASK(7)
    xsave area2
    CHECK_EQ(l, $2, area2 + 512)
    paddd %xmm0, %xmm0
    XSETBV(7)
    CHECK_HIGH(0x80, %ymm6)

    /* Tasks: a switch sets TS, the first vector instruction restores its task's. */
    SET_DESCRIPTOR(TASK32, 0, 0x67, 0x0089)
    movl $task, %eax
    movw %ax, gdt + TASK32 + 2
    shrl $16, %eax
    movb %al, gdt + TASK32 + 4
    movb %ah, gdt + TASK32 + 7
    movl $in_task, task + 32
    movl $2, task + 36
    movl $task_stack, task + 56
    movl $DATA, task + 72
    movl $CODE32, task + 76
    movl $DATA, task + 80
    movl $DATA, task + 84
    MASK(7)
    xsave area
    lcall $TASK32, $0
    EXPECT_AT(NM, 0, 6: vpaddd %ymm6, %ymm6, %ymm6)
    clts
    CHECK_HIGH(0x8000, %ymm6)
    MASK(7)
    xrstor area
    CHECK_HIGH(0x80, %ymm6)

    /* Page faults of 32 bytes: none is read or written. */
    call enter_long
    .code64
    movl $frames + 7, test_pt
    vmovdqu numbers, %ymm1
    vmovdqu numbers, %ymm15
    EXPECT64_PF(0, TEST_VA + 0x1000, vmovdqu TEST_VA + 0xff0, %ymm1)
    CHECK_HIGH(0x80, %ymm1)
    EXPECT64_PF(2, TEST_VA + 0x1000, vmovdqu %ymm15, TEST_VA + 0xff0)
    CHECK_EQ(l, $0, TEST_VA + 0xffc)
    EXPECT64_PF(0, TEST_VA + 0x1000, vpaddd TEST_VA + 0xfe1, %ymm1, %ymm1)
    CHECK_HIGH(0x80, %ymm1)
    vmovdqu %ymm15, TEST_VA + 0xfe0
    CHECK_EQ(l, $0x80, TEST_VA + 0xffc)
    movabs $0x0000800000000000, %rbx
    EXPECT64(GP, 0, vmovdqu -16(%rbx), %ymm1)
    EXPECT64(UD, 0, .byte 0x48, 0xc5, 0xf9, 0xfe, 0xc1)
    /* Sixteen registers, in sixteen places. */
    MASK(7)
    xsave64 area
    CHECK_EQ(l, $0x80, area + 576 + 15 * 16 + 12)
    vpaddd %ymm15, %ymm15, %ymm15
    MASK(4)
    xrstor64 area
    CHECK_HIGH(0x80, %ymm15)
    CHECK_LOW(8, %xmm15)
    vpxor %xmm15, %xmm15, %xmm15
    CHECK_HIGH(0, %ymm15)
    PASS
    .code32

some_state:
    vmovdqu numbers, %ymm6
    ret
/* All eight registers to zero. */
no_state:
    vpxor %xmm0, %xmm0, %xmm0
    vpxor %xmm1, %xmm1, %xmm1
    vpxor %xmm2, %xmm2, %xmm2
    vpxor %xmm3, %xmm3, %xmm3
    vpxor %xmm4, %xmm4, %xmm4
    vpxor %xmm5, %xmm5, %xmm5
    vpxor %xmm6, %xmm6, %xmm6
    vpxor %xmm7, %xmm7, %xmm7
    ret

in_task:
    EXPECT_AT(NM, 0, 6: vmovdqu more, %ymm6)
    clts
    vmovdqu more, %ymm6
    pushl $0x4002 /* NT: the fault's handler never returned */
    popfl
    iretl
    FAIL

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
    movw %ax, %ss
    movw $0x1f00, %sp
    movw $catch6, 4 * 6
    movw $0, 4 * 6 + 2
    EXPECT16(6, .byte 0xc5, 0xf9, 0xfe, 0xc1)       /* VPADDD */
    EXPECT16(6, .byte 0xc4, 0xe1, 0x79, 0xfe, 0xc1)
    EXPECT16(6, .byte 0xc4, 0xe2, 0x60, 0xf2, 0xc1) /* ANDN */
    movl $0x00001234, pointer
    movw $pointer, %bx
    ldsw (%bx), %si
    CHECK_EQ(w, $0x1234, %si)
    lesw (%bx), %di
    CHECK_EQ(w, $0x1234, %di)
    lgdt gdtr
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $CODE32, $back
catch6:
    movw $6, got16
    movw resume_sp16, %sp
    jmpw *resume16
v86: .byte 0xc5, 0xf9, 0xfe, 0xc1
v86_andn: .byte 0xc4, 0xe2, 0x60, 0xf2, 0xc1

    .balign 4
ivt: .word 0x3ff
    .long 0
got16: .word 0
resume16: .word 0
resume_sp16: .word 0
    .balign 4
pointer: .long 0
saved_esp: .long 0
    .balign 64
numbers:
    .long 1, 2, 3, 4, 0x10, 0x20, 0x40, 0x80
more:
    .long 0x100, 0x200, 0x300, 0x400, 0x1000, 0x2000, 0x4000, 0x8000
scratch: .skip 32
    .balign 16
task: .skip 104
    .bss
    .balign 64
area: .skip 1024
area2: .skip 1024
    .skip 1024
task_stack:
