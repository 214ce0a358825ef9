/* tasks.S - hardware task switches: JMP, CALL, IRET with NT, task gates; 32-bit and
 * 16-bit TSS; refusals; the T bit. Intel SDM vol 3A ch. 7.
 */
#include "lib.h"

#define S(n) (FREE + 8 * (n))
#define TASK32 S(0)
#define TASK16 S(1)
#define GATE S(2)
#define LDT S(3)
#define SHORT S(4)
#define FAULTS S(5)
#define EXECUTE_NOTHING 0x0ff8 /* beyond the GDT */

/* A 32-bit TSS at label a with entry point and stack. */
#define PUT_BASE(slot, a) movl $a, %eax; movw %ax, gdt + (slot) + 2; shrl $16, %eax; \
    movb %al, gdt + (slot) + 4; movb %ah, gdt + (slot) + 7
#define TASK_STATE(a, entry, sp) movl $entry, a + 32; movl $2, a + 36; \
    movl $sp, a + 56; movl $DATA, a + 72; movl $CODE32, a + 76; movl $DATA, a + 80; \
    movl $DATA, a + 84; movl $0, a + 88; movl $0, a + 92; movl $0, a + 96

    .text
main:
    SET_DESCRIPTOR(TASK32, 0, 0x67, 0x0089)
    PUT_BASE(TASK32, tss_a)
    SET_DESCRIPTOR(TASK16, 0, 0x2b, 0x0081)
    PUT_BASE(TASK16, tss_16)
    SET_DESCRIPTOR(LDT, 0, 0x0f, 0x0082)
    PUT_BASE(LDT, ldt)
    movl $target, %eax /* below 64 KiB */
    movw %ax, ldt + 10
    SET_DESCRIPTOR(SHORT, 0, 0x66, 0x0089)
    PUT_BASE(SHORT, tss_a)
    SET_DESCRIPTOR(FAULTS, 0, 0x67, 0x0089)
    PUT_BASE(FAULTS, tss_b)
    movl $(TASK32 << 16), gdt + GATE
    movl $0x8500, gdt + GATE + 4

    /* CALL: linked back, both busy, NT in the new task; IRET comes back. */
    TASK_STATE(tss_a, called, task_stack)
    movl $0x1111, tss_a + 44 /* ECX */
    movl $0x77, %ebx
    std
    stc
    lcall $TASK32, $0x9999
    CHECK(c)
    pushfl
    popl %eax
    cld
    testl $0x400, %eax
    CHECK(nz)
    testl $0x4000, %eax /* NT is not left behind */
    CHECK(z)
    CHECK_EQ(l, $0x77, %ebx)
    CHECK_EQ(l, $0x4444, seen)
    testb $2, gdt + TASK32 + 5 /* no longer busy */
    CHECK(z)
    movl %cr0, %eax
    testb $8, %al /* TS is set by a switch */
    CHECK(nz)
    clts
    /* The task was saved after its IRET: a second call goes on there. */
    CHECK_EQ(l, $0x2222, tss_a + 44)
    CHECK_EQ(l, $called_again, tss_a + 32)
    lcall $GATE, $0
    clts
    CHECK_EQ(l, $0x5555, seen)

    /* Through a task gate in the IDT, and an exception with its error code. */
    SET_IDT(0x60, TASK32, 0, 0x85)
    TASK_STATE(tss_a, interrupted, task_stack)
    int $0x60
    CHECK_EQ(l, $0x6666, seen)
    clts
    movl idt32 + 8 * GP, %eax
    movl %eax, saved_gp
    movl idt32 + 8 * GP + 4, %eax
    movl %eax, saved_gp + 4
    SET_IDT(GP, FAULTS, 0, 0x85)
    TASK_STATE(tss_b, told_gp, task_stack)
    movl $EXECUTE_NOTHING, %eax
1:  movl %eax, %fs
    clts
    CHECK_EQ(l, $EXECUTE_NOTHING, seen)
    CHECK_EQ(l, $1b, told_at)
    movl saved_gp, %eax
    movl %eax, idt32 + 8 * GP
    movl saved_gp + 4, %eax
    movl %eax, idt32 + 8 * GP + 4

    /* JMP: no link, the old task is free, the new one busy. */
    TASK_STATE(tss_a, jumped, task_stack)
    movw $0xaaaa, tss_a
    ljmp $TASK32, $0
    /* back by JMP */
    clts
    CHECK_EQ(l, $0x7777, seen)
    CHECK_EQ(w, $0xaaaa, tss_a)
    testb $2, gdt + TSS + 5
    CHECK(nz)

    /* A 16-bit TSS: 16-bit registers, upper halves set. */
    movw $task16, tss_16 + 14
    movw $2, tss_16 + 16
    movw $0x1616, tss_16 + 18  /* AX */
    movw $0x1f00, tss_16 + 26  /* SP */
    movw $DATA, tss_16 + 34
    movw $CODE32, tss_16 + 36
    movw $DATA, tss_16 + 38
    movw $DATA, tss_16 + 40
    movw $0, tss_16 + 42
    lcall $TASK16, $0
    clts
    CHECK_EQ(w, $0x1616, seen)

    /* A task with an LDT and a data segment in it. */
    TASK_STATE(tss_a, with_ldt, task_stack)
    movl $LDT, tss_a + 96
    movl $0x0c, tss_a + 88
    lcall $TASK32, $0
    clts
    CHECK_EQ(l, $0x0c, seen)
    sldt %ax
    CHECK_EQ(w, $0, %ax)

    /* Refusals before the switch. */
    lidt idtr32
    EXPECT(GP, TSS, lcall $TSS, $0)              /* busy */
    EXPECT(TS, SHORT, lcall $SHORT, $0)          /* below 67h */
    movb $0x09, gdt + TASK32 + 5
    EXPECT(NP, TASK32, lcall $TASK32, $0)
    movb $0x89, gdt + TASK32 + 5
    movl $0x0500, gdt + GATE + 4
    EXPECT(NP, GATE, lcall $GATE, $0)
    movl $0x8500, gdt + GATE + 4
    movl $(DATA << 16), gdt + GATE
    EXPECT(GP, DATA, lcall $GATE, $0)
    EXPECT(GP, TASK32, TO_USER(user_jump))
    EXPECT(TS, 0xbeec, movw $0xbeef, tss32; pushl $0x4002; popfl; iretl)
    pushl $2
    popfl
    EXPECT(GP, DATA, movl $DATA, %eax; ltr %ax)
    EXPECT(GP, 0, xorl %eax, %eax; ltr %ax)
    EXPECT(GP, TSS, movl $TSS, %eax; ltr %ax)

    /* After the switch the new task is to blame: #TS in it, with its own CS:EIP. */
    TASK_STATE(tss_a, called, task_stack)
    movl $USER_CODE, tss_a + 76 /* the level does not fit SS */
    movl $fault_stack, tss_a + 4
    movl $DATA, tss_a + 8
    EXPECT(TS, DATA, lcall $TASK32, $0)
    CHECK_EQ(l, $called, got_rip)
    str %ax
    CHECK_EQ(w, $TASK32, %ax)
    clts
    PASS

called: /* in the task */
    str %ax
    CHECK_EQ(w, $TASK32, %ax)
    pushfl
    popl %eax
    testl $0x4000, %eax
    CHECK(nz)
    CHECK_EQ(w, $TSS, tss_a)
    CHECK_EQ(l, $0x1111, %ecx)
    CHECK_EQ(l, $task_stack, %esp)
    testb $2, gdt + TASK32 + 5
    CHECK(nz)
    testb $2, gdt + TSS + 5
    CHECK(nz)
    clts
    movl $0x4444, seen
    movl $0x2222, %ecx
    iretl
called_again:
    movl $0x5555, seen
    iretl
    FAIL
interrupted:
    CHECK_EQ(w, $TSS, tss_a)
    movl $0x6666, seen
    iretl
    FAIL
told_gp: /* the error code is on the task's stack */
    popl %eax
    movl %eax, seen
    cmpl $EXECUTE_NOTHING, %eax
    CHECK(e)
    CHECK_EQ(l, $EXECUTE_NOTHING, tss32 + 40)
    movl $DATA, tss32 + 40
    movl $EXECUTE_NOTHING, seen
    movl tss32 + 32, %eax
    movl %eax, told_at
    cmpw $0xe08e, (%eax) /* MOV FS, EAX */
    CHECK(e)
    iretl
    FAIL
jumped:
    pushfl
    popl %eax
    testl $0x4000, %eax
    CHECK(z)
    testb $2, gdt + TSS + 5
    CHECK(z)
    movl $0x7777, seen
    ljmp $TSS, $0
    FAIL
with_ldt:
    movl %fs, %eax
    movl %eax, seen
    sldt %ax
    CHECK_EQ(w, $LDT, %ax)
    CHECK_EQ(l, $0x12345678, %fs:0)
    iretl
    FAIL
user_jump:
    ljmp $TASK32, $0

    .section .low
    .code32
task16:
    movzwl %ax, %eax
    movl %eax, seen
    iretl
    FAIL
    .balign 16
tss_a: .skip 104
    .balign 16
tss_b: .skip 104
    .balign 16
tss_16: .skip 44
seen: .long 0
saved_gp: .quad 0
told_at: .long 0
target: .long 0x12345678
ldt:
    .quad 0
    DESCRIPTOR(0, 3, 0x4093)
    .bss
    .skip 4096
task_stack:
