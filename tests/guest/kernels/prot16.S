/* prot16.S - 16-bit protected mode: 16-bit code and stack segments, prefixes, call gates
 * and interrupt gates of the 286, mixing sizes. Intel SDM vol 3A ch. 21.
 */
#include "lib.h"

#define CODE (FREE)
#define STACK (FREE + 8)
#define GATE16 (FREE + 16)
#define CODE16R3 (FREE + 24)
#define STACK16R3 (FREE + 32)

    .text
main:
    SET_DESCRIPTOR(CODE, 0, 0xffff, 0x009b)
    SET_DESCRIPTOR(STACK, 0x10000, 0xffff, 0x0093)
    SET_DESCRIPTOR(CODE16R3, 0, 0xffff, 0x00fb)
    SET_DESCRIPTOR(STACK16R3, 0x10000, 0xffff, 0x00f3)
    SET_GATE(GATE16, CODE, gate_entry, 0xe4)
    movb $1, gdt + GATE16 + 4 /* one word */
    SET_IDT(0x60, CODE, int16_entry, 0x86)
    SET_IDT(0x61, CODE, trap16_entry, 0x87)
    movl %esp, saved_esp
    ljmp $CODE, $in16

    .section .low
    .code16
in16:
    movw $STACK, %ax
    movw %ax, %ss
    movl $0x12341000, %esp
    /* A 16-bit stack uses SP; the upper half stays. */
    pushw $0x1111
    pushl $0x22223333
    cmpl $0x12340ffa, %esp
    CHECK(e)
    movw %sp, %bp
    CHECK_EQ(w, $0x3333, (%bp))
    CHECK_EQ(w, $0x1111, 4(%bp))
    addw $6, %sp
    /* Wrap of SP. */
    movw $0, %sp
    pushw $0x7777
    CHECK_EQ(w, $0xfffe, %sp)
    CHECK_EQ(w, $0x7777, %ss:0xfffe)
    popw %ax
    movw $0x1000, %sp

    /* 286 interrupt gate: three words. */
    movw $0, scratch
    sti
    int $0x60
    CHECK_EQ(w, $6, scratch)
    CHECK_EQ(w, $0, scratch + 2)
    int $0x61
    CHECK_EQ(w, $0x200, scratch + 2)
    cli
    CHECK_EQ(w, $0x1000, %sp)
    /* Same-level call through a 286 gate. */
    lcallw $GATE16, $0
    CHECK_EQ(w, $0x6416, %ax)
    CHECK_EQ(w, $0x1000, %sp)

    /* Near transfers keep IP at 16 bits. */
    movl $0xffff0000 + near, %eax
    jmpw *%ax
    FAIL
near:
    callw 1f
1:  popw %ax
    cmpw $1b, %ax
    CHECK(e)
    /* A 32-bit near jump beyond the limit: #GP(0) before it is taken. */
    movl $2f, resume
    movl saved_esp, %eax
    movl %eax, resume_sp
    movl $0x10000, %eax
    movzwl %sp, %esp /* the handler addresses through ESP */
1:  jmpl *%eax
    .text
    .code32
2:  CHECK_EQ(l, $GP, got_vector)
    cmpl $1b, got_rip
    CHECK(e)
    movl $0x1f00, tss32 + 4 /* 16-bit code addresses its stack through BP */
    /* From 16-bit ring 3 through the gate, one word of parameters. */
    EXPECT(HOME, 0, pushl $STACK16R3 | 3; pushl $0x800; pushl $2; pushl $CODE16R3 | 3; \
           pushl $user16; iretl)
    CHECK_EQ(w, $0x6416, got_eax)
    CHECK_EQ(w, $0x800, got_sp)
    /* A 32-bit stack segment under 16-bit code, and 16-bit far calls. */
    ljmp $CODE, $again16
    .section .low
    .code16
again16:
    pushw %ax
    popw %ax
    lcallw $CODE, $far_entry
    CHECK_EQ(w, $0xfa16, %ax)
    lcalll $CODE, $far_entry32
    CHECK_EQ(w, $0xfa32, %ax)
    .byte 0xc8, 8, 0, 2 /* ENTER */
    leave
    .byte 0x66, 0xc8, 8, 0, 0
    .byte 0x66, 0xc9
    pushaw
    popaw
    ljmpl $CODE32, $end
far_entry:
    movw $0xfa16, %ax
    lretw
far_entry32:
    movw $0xfa32, %ax
    lretl

gate_entry: /* IP CS, or from ring 3: IP CS parameter SP SS */
    movw %sp, %bp
    testb $3, 2(%bp)
    jz 1f
    CHECK_EQ(w, $0x5a5a, 4(%bp))
    movw $0x6416, %ax
    lretw $2
1:  movw $0x6416, %ax
    lretw
int16_entry:
trap16_entry:
    pushw %bp
    movw $0x1000, %bp
    subw %sp, %bp
    subw $2, %bp
    movw %bp, scratch
    popw %bp
    pushfw
    popw %ax
    andw $0x200, %ax
    movw %ax, scratch + 2
    iretw

user16:
    pushw $0x5a5a
    lcallw $GATE16, $0
    int $HOME

    .balign 4
saved_esp: .long 0
scratch: .long 0
    .text
    .code32
end:
    PASS
