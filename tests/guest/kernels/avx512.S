/* avx512.S - EVEX and opmasks as the system sees them: XCR0, CR0.TS, real and virtual-8086
 * mode, where 62h is BOUND; XSAVE, XSAVEOPT, XSAVEC and XRSTOR of opmasks and ZMM registers
 * in 32-bit, 64-bit and compatibility mode; faults that a mask suppresses; gathers and
 * scatters that fault half-way.
 * Intel SDM vol 1 ch. 13, 15; vol 2 2.7, 2.8; vol 3A 13.4.
 */
#include "lib.h"

#define EXPECT16(vector, ...) movw $9f, resume16; movw %sp, resume_sp16; \
    movw $0xffff, got16; __VA_ARGS__; FAIL; 9: cmpw $(vector), got16; CHECK(e)
#define XSETBV(v) xorl %ecx, %ecx; xorl %edx, %edx; movl $(v), %eax; xsetbv
#define MASK(v) xorl %edx, %edx; movl $(v), %eax
#define CR4_SET(bits) movl %cr4, %eax; orl $(bits), %eax; movl %eax, %cr4
#define CR0_SET(bits) movl %cr0, %eax; orl $(bits), %eax; movl %eax, %cr0
#define CR0_CLEAR(bits) movl %cr0, %eax; andl $~(bits), %eax; movl %eax, %cr0
/* Bits 31:0, and bits 511:480, of register z. */
#define CHECK_LOW(v, z) vmovdqu32 z, scratch; CHECK_EQ(l, $(v), scratch)
#define CHECK_HIGH(v, z) vmovdqu32 z, scratch; CHECK_EQ(l, $(v), scratch + 60)
#define CHECK_K(v, k) kmovd k, %ebp; CHECK_EQ(l, $(v), %ebp)
#define SET_K(v, k) movl $(v), %ebp; kmovd %ebp, k

/* Where XSAVE puts components 5, 6 and 7, and XSAVEC after the first three. */
#define OPMASKS 1088
#define HI256 1152
#define HI16 1664
#define COMPACTED(at) ((at) - 1088 + 832)

    .text
main:
    /* XCR0[7:5] are clear: VEX works, EVEX and opmask instructions do not. */
    CR4_SET(0x40200)
    XSETBV(7)
    vpaddd %ymm0, %ymm1, %ymm2
    EXPECT_AT(UD, 0, 6: vpaddd %zmm0, %zmm1, %zmm2)
    EXPECT_AT(UD, 0, 6: vmovdqu32 %xmm0, %xmm1)
    EXPECT_AT(UD, 0, 6: vmovdqu32 0xffffffff, %zmm1) /* before its address matters */
    EXPECT_AT(UD, 0, 6: kmovw %eax, %k1)
    EXPECT_AT(UD, 0, 6: kmovw 0xffffffff, %k1)
    EXPECT(GP, 0, XSETBV(0x27)) /* all three or none */
    EXPECT(GP, 0, XSETBV(0x67))
    EXPECT(GP, 0, XSETBV(0xc7))
    EXPECT(GP, 0, XSETBV(0xe3)) /* and AVX */
    EXPECT(GP, 0, XSETBV(0xe1))
    XSETBV(0xe7)
    vpaddd %zmm0, %zmm1, %zmm2
    kmovw %eax, %k1

    /* CR0.TS; CR0.EM means nothing. */
    CR0_SET(8)
    EXPECT_AT(NM, 0, 6: vpaddd %zmm0, %zmm1, %zmm2)
    EXPECT_AT(NM, 0, 6: vmovdqu32 0xffffffff, %zmm1)
    EXPECT_AT(NM, 0, 6: kmovw %eax, %k1)
    EXPECT_AT(NM, 0, 6: kortestw %k1, %k1)
    clts
    CR0_SET(4)
    vpaddd %zmm0, %zmm1, %zmm2
    CR0_CLEAR(4)
    /* Hot code notices TS and XCR0. */
    movl $60, %esi
1:  CR0_SET(8)
    EXPECT(NM, 0, call 2f)
    clts
    call 2f
    XSETBV(7)
    EXPECT(UD, 0, call 2f)
    XSETBV(0xe7)
    call 2f
    decl %esi
    jnz 1b
    jmp 3f
2:  vpaddd %zmm0, %zmm1, %zmm2
    kmovw %k1, %eax
    ret
3:

    /* 62h is BOUND with a memory operand. */
    movl $5, %eax
    bound %eax, bounds
    movl $10, %eax
    EXPECT(5, 0, bound %eax, bounds)

    /* Real mode: with a register #UD. */
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

    /* Encodings that are none: other prefixes before, reserved bits, k0 with EVEX.z, V' and
     * unused vvvv. */
    EXPECT(UD, 0, .byte 0x66, 0x62, 0xf1, 0x7d, 0x48, 0x6f, 0xc1)
    EXPECT(UD, 0, .byte 0xf3, 0x62, 0xf1, 0x7d, 0x48, 0x6f, 0xc1)
    EXPECT(UD, 0, .byte 0xf0, 0x62, 0xf1, 0x7d, 0x48, 0x6f, 0xc1)
    EXPECT(UD, 0, .byte 0x62, 0xf1, 0x79, 0x48, 0x6f, 0xc1)
    EXPECT(UD, 0, .byte 0x62, 0xf0, 0x7d, 0x48, 0x6f, 0xc1)
    EXPECT(UD, 0, .byte 0x62, 0xf1, 0x7d, 0xc8, 0x6f, 0xc1)
    EXPECT(UD, 0, .byte 0x62, 0xf1, 0x7d, 0x40, 0x6f, 0xc1)
    EXPECT(UD, 0, .byte 0x62, 0xf1, 0x75, 0x48, 0x6f, 0xc1)
    EXPECT(UD, 0, .byte 0x62, 0xf1, 0x7d, 0x68, 0x6f, 0xc1)
    .byte 0x62, 0xf1, 0x7d, 0x48, 0x6f, 0xc1

    /* Upper parts: kept by legacy SSE, zeroed by VEX and EVEX. */
    vmovdqu32 numbers, %zmm1
    vmovdqa32 %zmm1, %zmm2
    paddd %xmm1, %xmm1
    CHECK_HIGH(16, %zmm1)
    vpaddd %xmm1, %xmm1, %xmm1
    CHECK_HIGH(0, %zmm1)
    vmovdqa32 %ymm2, %ymm2
    CHECK_HIGH(0, %zmm2)

    /* Alignment: 64 bytes for VMOVDQA32. */
    vmovdqa32 numbers, %zmm3
    EXPECT_AT(GP, 0, 6: vmovdqa32 numbers + 32, %zmm3)
    SET_K(0, %k1)
    EXPECT_AT(GP, 0, 6: vmovdqa32 numbers + 32, %zmm3{%k1}) /* whatever the mask */
    vmovdqu32 numbers + 1, %zmm3{%k1}
    CHECK_HIGH(16, %zmm3)

    /* XSAVE in 32-bit mode: opmasks, and of ZMM the first eight registers. */
    call some_state
    MASK(0xe7)
    xsave area
    CHECK_EQ(l, $0x67, area + 512) /* ZMM16 to 31 are not in use here */
    CHECK_EQ(l, $0x12345678, area + OPMASKS + 7 * 8)
    CHECK_EQ(l, $16, area + HI256 + 7 * 32 + 28)
    CHECK_EQ(l, $0, area + HI256 + 8 * 32)
    call no_state
    MASK(0xe7)
    xrstor area
    call check_state
    /* Parts. */
    call no_state
    MASK(0x20)
    xrstor area
    CHECK_K(0x12345678, %k7)
    CHECK_HIGH(0, %zmm7)
    MASK(0x40)
    xrstor area
    CHECK_HIGH(16, %zmm7)
    CHECK_LOW(0, %zmm7)
    /* Absent from XSTATE_BV: zeros. */
    movl $7, area + 512
    MASK(0xe7)
    xrstor area
    CHECK_K(0, %k7)
    CHECK_HIGH(0, %zmm7)
    CHECK_LOW(1, %zmm7)
    /* XINUSE, and what XSAVEOPT and XSAVEC leave out. */
    movl $1, %ecx
    xgetbv
    testb $0xe0, %al
    CHECK(z)
    movl $0x5555, area + OPMASKS
    MASK(0xe7)
    xsaveopt area
    CHECK_EQ(l, $7, area + 512)
    CHECK_EQ(l, $0x5555, area + OPMASKS)
    call some_state
    movl $1, %ecx
    xgetbv
    andl $0xe0, %eax
    CHECK_EQ(l, $0x60, %eax)
    MASK(0xe7)
    xsavec area
    CHECK_EQ(l, $0x67, area + 512)
    CHECK_EQ(l, $0xe7, area + 520)
    CHECK_EQ(l, $0x80000000, area + 524)
    CHECK_EQ(l, $0x12345678, area + COMPACTED(OPMASKS) + 7 * 8)
    CHECK_EQ(l, $16, area + COMPACTED(HI256) + 7 * 32 + 28)
    call no_state
    MASK(0xe7)
    xrstor area
    call check_state
    /* XCR0 without them: the state is kept, but XRSTOR may not name it. */
    XSETBV(7)
    EXPECT(GP, 0, MASK(0xe7); xrstor area)
    vpaddd %ymm0, %ymm0, %ymm0
    XSETBV(0xe7)
    call check_state

    call enter_long
    .code64
    /* Thirty-two registers, and XSAVE has them all. */
    vmovdqu32 numbers, %zmm16
    vmovdqu32 more, %zmm31
    vmovdqu32 numbers, %zmm15
    movabs $0x123456789abcdef0, %rbp
    kmovq %rbp, %k5
    movq $0, area + 520 /* XSAVE leaves XCOMP_BV as XSAVEC wrote it */
    MASK(0xe7)
    xsave64 area
    CHECK_EQ(l, $0xe7, area + 512)
    CHECK_EQ(q, %rbp, area + OPMASKS + 5 * 8)
    CHECK_EQ(l, $16, area + HI256 + 15 * 32 + 28)
    CHECK_EQ(l, $1, area + HI16)
    CHECK_EQ(l, $0x1600, area + HI16 + 1020)
    vmovdqu32 zeros, %zmm16
    vmovdqa64 %zmm16, %zmm31
    vmovdqa64 %zmm16, %zmm15
    kxorq %k5, %k5, %k5
    movl $1, %ecx
    xgetbv
    andl $0xe0, %eax
    CHECK_EQ(l, $0x60, %eax) /* k7 and ZMM7 still are */
    MASK(0xe7)
    xrstor64 area
    CHECK_HIGH(16, %zmm16)
    CHECK_HIGH(0x1600, %zmm31)
    CHECK_HIGH(16, %zmm15)
    kmovq %k5, %rcx
    CHECK_EQ(q, %rbp, %rcx)

    /* Compatibility mode cannot name ZMM16 to 31: neither saved nor restored. */
    pushq $CODE32
    pushq $compat
    lretq
    .code32
compat:
    MASK(0xe7)
    xrstor area
    MASK(0xe7)
    xsavec area2
    ljmp $CODE64, $1f
    .code64
1:  CHECK_EQ(l, $0, area2 + COMPACTED(HI16))
    CHECK_HIGH(16, %zmm16)
    CHECK_HIGH(0x1600, %zmm31)
    CHECK_HIGH(16, %zmm15)

    /* A page, and none behind it. */
    movl $frames + 7, test_pt
    vmovdqu32 numbers, %zmm1
    EXPECT64_PF(0, TEST_VA + 0x1000, vmovdqu32 TEST_VA + 0xff0, %zmm1)
    SET_K(0x000f, %k1)
    vmovdqu32 %zmm31, TEST_VA + 0xff0{%k1}
    CHECK_EQ(l, $0x400, TEST_VA + 0xffc)
    vmovdqu32 TEST_VA + 0xff0, %zmm1{%k1}
    CHECK_LOW(0x100, %zmm1)
    CHECK_HIGH(16, %zmm1)
    vmovdqu32 TEST_VA + 0xff0, %zmm1{%k1}{z}
    CHECK_HIGH(0, %zmm1)
    SET_K(0x8000, %k1)
    EXPECT64_PF(0, TEST_VA + 0x102c, vmovdqu32 TEST_VA + 0xff0, %zmm1{%k1})
    EXPECT64_PF(2, TEST_VA + 0x102c, vmovdqu32 %zmm31, TEST_VA + 0xff0{%k1})
    /* One element faults: none is stored. */
    SET_K(0x8001, %k1)
    EXPECT64_PF(2, TEST_VA + 0x102c, vmovdqu32 %zmm16, TEST_VA + 0xff0{%k1})
    CHECK_EQ(l, $0x100, TEST_VA + 0xff0)
    SET_K(0, %k1)
    vmovdqu32 TEST_VA + 0x1000, %zmm1{%k1}
    vpaddd TEST_VA + 0x1000{1to16}, %zmm1, %zmm1{%k1}
    vmovss TEST_VA + 0x1000, %xmm1{%k1}
    vpmovqb %zmm1, TEST_VA + 0x1000{%k1}
    vpcompressd %zmm1, TEST_VA + 0x1000{%k1}
    EXPECT64_PF(0, TEST_VA + 0x1000, vpermd TEST_VA + 0x1000, %zmm1, %zmm1{%k1}) /* E4NF */
    movabs $0x0000800000000000, %rbx
    EXPECT64(GP, 0, vmovdqu32 -32(%rbx), %zmm1)
    vmovdqu32 -32(%rbx), %zmm1{%k1}

    /* A gather stops at the absent page, and goes on once there is one. */
    vmovdqu64 indices, %zmm20
    vmovdqu32 zeros, %zmm21
    movl $TEST_VA, %ebx
    movl $0x11111111, TEST_VA
    movl $0x22222222, TEST_VA + 8
    SET_K(0xff3f, %k1)
    EXPECT64_PF(0, TEST_VA + 0x1000, vpgatherqq (%rbx, %zmm20), %zmm21{%k1})
    CHECK_K(0xff3c, %k1)
    CHECK_LOW(0x11111111, %zmm21)
    CHECK_EQ(l, $0x22222222, scratch + 8)
    movl $frames + 0x1007, test_pt + 8
    movl $0x33333333, TEST_VA + 0x1000
    movl $0, TEST_VA + 8
    vpgatherqq (%rbx, %zmm20), %zmm21{%k1}
    CHECK_K(0, %k1)
    vmovdqu32 %zmm21, scratch
    CHECK_EQ(l, $0x22222222, scratch + 8)
    CHECK_EQ(l, $0x33333333, scratch + 16)
    CHECK_EQ(l, $0, scratch + 48)

    /* So does a scatter; TF or not. */
    movl $0, test_pt + 8
    invlpg TEST_VA + 0x1000
    SET_K(0xff, %k1)
    EXPECT64_PF(2, TEST_VA + 0x1000, vpscatterqq %zmm31, (%rbx, %zmm20){%k1})
    CHECK_K(0xfc, %k1)
    CHECK_EQ(l, $0x100, TEST_VA)
    CHECK_EQ(l, $0x300, TEST_VA + 8)
    SET_K(0xff, %k1)
    /* With TF the trap of the elements done comes in place of the fault. */
    EXPECT64(DB, 0, pushq $0x102; popfq; 6: vpscatterqq %zmm31, (%rbx, %zmm20){%k1})
    CHECK_EQ(q, $6b, got_rip)
    CHECK_K(0xfc, %k1)
    movl $frames + 0x1007, test_pt + 8
    EXPECT64(DB, 0, pushq $0x102; popfq; vpscatterqq %zmm31, (%rbx, %zmm20){%k1}; 6: nop)
    CHECK_EQ(q, $6b, got_rip)
    CHECK_K(0, %k1)
    CHECK_EQ(l, $0x500, TEST_VA + 0x1000)

    /* What a scatter writes over is executed as written. */
    movl $50, %r15d
1:  call patched
    CHECK_EQ(l, $1, %eax)
    movl $patched, %ebx
    vmovdqu32 zeros, %zmm22
    vmovdqu64 patch, %zmm23
    SET_K(1, %k1)
    vpscatterdq %zmm23, (%rbx, %ymm22){%k1}
    call patched
    CHECK_EQ(l, $2, %eax)
    movl $1, patched + 1
    decl %r15d
    jnz 1b
    PASS
patched:
    movl $1, %eax
    ret
    .skip 8
    .code32

some_state:
    vmovdqu32 numbers, %zmm7
    SET_K(0x12345678, %k7)
    ret
check_state:
    CHECK_LOW(1, %zmm7)
    CHECK_HIGH(16, %zmm7)
    CHECK_K(0x12345678, %k7)
    ret
/* The eight registers and the opmasks to zero. */
no_state:
    vzeroall
    kxorq %k0, %k0, %k0
    kmovq %k0, %k1
    kmovq %k0, %k2
    kmovq %k0, %k3
    kmovq %k0, %k4
    kmovq %k0, %k5
    kmovq %k0, %k6
    kmovq %k0, %k7
    ret

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
    EXPECT16(6, .byte 0x62, 0xf1, 0x7d, 0x48, 0xfe, 0xc1)
    EXPECT16(6, .byte 0xc5, 0xf8, 0x92, 0xc8) /* KMOVW: LDS */
    movw $5, %ax
    bound %ax, bounds16
    lgdt gdtr
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $CODE32, $back
catch6:
    movw $6, got16
    movw resume_sp16, %sp
    jmpw *resume16
v86: .byte 0x62, 0xf1, 0x7d, 0x48, 0xfe, 0xc1

    .balign 4
ivt: .word 0x3ff
    .long 0
got16: .word 0
resume16: .word 0
resume_sp16: .word 0
bounds16: .word 1, 9
    .balign 4
bounds: .long 1, 9
saved_esp: .long 0
    .balign 64
numbers:
    .long 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    .long 17
    .balign 64
more:
    .long 0x100, 0x200, 0x300, 0x400, 0x500, 0x600, 0x700, 0x800
    .long 0x900, 0x1000, 0x1100, 0x1200, 0x1300, 0x1400, 0x1500, 0x1600
indices:
    .quad 0, 8, 0x1000, 16, 0x1008, 24, 32, 40
patch:
    .byte 0xb8, 2, 0, 0, 0, 0xc3, 0xc3, 0xc3
    .skip 56
scratch: .skip 64
zeros: .skip 64
    .bss
    .balign 64
area: .skip 2816
area2: .skip 2816
