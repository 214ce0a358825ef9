/* rows64.S - rows of isa.def that 64-bit mode alone has, or has in another form, a thousand
 * times each with other operands: SYSCALL and SYSRET, SYSENTER and SYSEXIT, SWAPGS, FS and
 * GS bases, far transfers, tables, CR8, protection keys, random numbers. Intel SDM vol 2,
 * each instruction.
 */
#include "lib.h"

#define TIMES 1000

/* What depends on the counter in all its bits: of 32, zero-extended, and of 64. */
#define SOME(reg) imull $0x9e3779b1, %ebp, %reg
#define SOME64(reg) movabs $0x9e3779b97f4a7c15, %reg; imulq %rbp, %reg
#define WRITE_MSR(msr) movl $(msr), %ecx; movq %rax, %rdx; shrq $32, %rdx; wrmsr
#define READ_MSR(msr) movl $(msr), %ecx; rdmsr; shlq $32, %rdx; orq %rdx, %rax
#define SET_MSR(msr, value) movl $(msr), %ecx; movl $(value), %eax; xorl %edx, %edx; \
    wrmsr
/* Canonical: bits 63:47 alike. */
#define CANONICAL(reg) shlq $16, %reg; sarq $16, %reg

/* Sixteen words that tell themselves apart, and segments with their bases. */
#define WORDS 0x9000
#define SEGMENT FREE
#define CODE (SEGMENT + 8 * 16) /* two as CODE64 */
#define OTHER_GDT 0x9400

#define FMASK 0x447 /* DF ZF PF CF and what is always 1 */
#define STAR (USER_CODE << 16 | CODE32)

    .text
main:
    call enter_long
    .code64
    movq %cr4, %rax
    orl $0x410000, %eax /* PKE FSGSBASE */
    movq %rax, %cr4
    xorl %ecx, %ecx
1:  imull $0x01234567, %ecx, %eax
    addl $0x89abcdef, %eax
    movl %eax, WORDS(, %rcx, 4)
    leal WORDS(, %rcx, 4), %eax
    shll $16, %eax
    movw $3, %ax
    movl %eax, gdt + SEGMENT(, %rcx, 8)
    movl $0x00409300, gdt + SEGMENT + 4(, %rcx, 8)
    incl %ecx
    cmpl $16, %ecx
    jne 1b
    SET_DESCRIPTOR(CODE, 0, 0xfffff, 0xa09b)
    SET_DESCRIPTOR(CODE + 8, 0, 0xfffff, 0xa09b)

    call bases
    call segments
    call far_transfers
    call tables
    call system_calls
    call fast_calls
    call registers
    call random
    call keys
    PASS

/* ---- RDFSBASE and its kin, SWAPGS ---- */

bases:
    /* The base is used, is what MSR C0000100h or C0000101h tells, and may be of 32 bits. */
#define BASE(write, read, seg, msr) LOOP(TIMES, movl %ebp, %esi; andl $15, %esi; \
    movl WORDS(, %rsi, 4), %edi; leal WORDS(, %rsi, 4), %ebx; write %rbx; \
    CHECK_EQ(l, %seg:0, %edi); read %rax; CHECK_EQ(q, %rax, %rbx); \
    READ_MSR(msr); CHECK_EQ(q, %rax, %rbx); \
    SOME64(rbx); CANONICAL(rbx); write %rbx; read %rax; CHECK_EQ(q, %rax, %rbx); \
    movq $-1, %rax; read %eax; movl %ebx, %ecx; CHECK_EQ(q, %rax, %rcx); \
    notq %rbx; write %ebx; movl %ebx, %ebx; read %rax; CHECK_EQ(q, %rax, %rbx))
    BASE(wrfsbase, rdfsbase, fs, 0xc0000100)
    BASE(wrgsbase, rdgsbase, gs, 0xc0000101)

    LOOP(TIMES, SOME64(rbx); CANONICAL(rbx); movq %rbx, %rdi; notq %rdi; \
         movq %rbx, %rax; WRITE_MSR(0xc0000102); wrgsbase %rdi; \
         swapgs; rdgsbase %rax; CHECK_EQ(q, %rax, %rbx); \
         READ_MSR(0xc0000102); CHECK_EQ(q, %rax, %rdi); \
         swapgs; rdgsbase %rax; CHECK_EQ(q, %rax, %rdi); \
         READ_MSR(0xc0000102); CHECK_EQ(q, %rax, %rbx))
    xorl %eax, %eax
    wrgsbase %rax
    wrfsbase %rax
    ret

/* ---- PUSH, POP and far pointers of FS and GS, LSS ---- */

#define PICK movl %ebp, %esi; andl $15, %esi; leal SEGMENT(, %rsi, 8), %ebx; \
    movl WORDS(, %rsi, 4), %edx; movq %rsp, %rdi
#define POP_PUSH(seg) LOOP(TIMES, PICK; pushq %rbx; popq %seg; \
    CHECK_EQ(l, %seg:0, %edx); \
    pushq %seg; CHECK_EQ(w, %bx, (%rsp)); addq $8, %rsp; CHECK_EQ(q, %rsp, %rdi))
/* m16:32 and m16:64. */
#define LOAD_FAR(seg) LOOP(TIMES, PICK; SOME64(rax); movq %rax, pointer; \
    movw %bx, pointer + 8; rex64 l##seg pointer, %ecx; CHECK_EQ(q, %rax, %rcx); \
    CHECK_EQ(l, %seg:0, %edx); xorl %ecx, %ecx; movl %ecx, %seg; \
    movw %bx, pointer + 4; movq $-1, %rcx; l##seg pointer, %ecx; movl %eax, %eax; \
    CHECK_EQ(q, %rax, %rcx); CHECK_EQ(l, %seg:0, %edx))

segments:
    POP_PUSH(fs)
    POP_PUSH(gs)
    LOAD_FAR(fs)
    LOAD_FAR(gs)
    /* In ring 0 a null SS will do (vol 3A 5.4.1.1). */
    LOOP(TIMES, movq %rsp, %rdi; SOME64(rax); movq %rax, pointer; movl %ebp, %ebx; \
         andl $1, %ebx; negl %ebx; andl $DATA, %ebx; movw %bx, pointer + 8; \
         rex64 lss pointer, %esp; movq %rsp, %rcx; movq %rdi, %rsp; \
         CHECK_EQ(q, %rax, %rcx); movl %ss, %ecx; CHECK_EQ(l, %ecx, %ebx))
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $DATA, %eax
    movl %eax, %ss
    ret

/* ---- far JMP, CALL, RETF ---- */

#define PICK_CODE movl %ebp, %ebx; andl $1, %ebx; leal CODE(, %rbx, 8), %ebx; \
    movq %rsp, %rdi
#define CS_IS(value) movl %cs, %eax; CHECK_EQ(l, value, %eax); CHECK_EQ(q, %rsp, %rdi)

far_transfers:
    /* m16:32 and m16:64, from CODE64 and back by RETF, which frees what its operand says. */
    LOOP(TIMES, PICK_CODE; movl $callee32, pointer; movw %bx, pointer + 4; \
         pushq %rbp; pushq %rbx; movl $6f, %esi; lcall *pointer; 6: \
         CHECK_EQ(l, %edx, %ebx); CS_IS($CODE64))
    LOOP(TIMES, PICK_CODE; movq $callee64, pointer; movw %bx, pointer + 8; \
         pushq %rbp; pushq %rbx; movl $6f, %esi; rex64 lcall *pointer; 6: \
         CHECK_EQ(l, %edx, %ebx); CS_IS($CODE64))
    LOOP(TIMES, PICK_CODE; movq $1f, pointer; movw %bx, pointer + 8; \
         rex64 ljmp *pointer; FAIL; 1: CS_IS(%ebx); \
         movl $1f, pointer; movw $CODE64, pointer + 4; ljmp *pointer; FAIL; \
         1: CS_IS($CODE64); \
         pushq %rbx; pushq $1f; lretq; FAIL; 1: CS_IS(%ebx))
    pushq $CODE64
    pushq $1f
    lretq
1:  ret

callee32:
    CHECK_EQ(l, (%rsp), %esi)
    CHECK_EQ(l, $CODE64, 4(%rsp))
    CHECK_EQ(q, 8(%rsp), %rbx)
    CHECK_EQ(q, 16(%rsp), %rbp)
    movl %cs, %edx
    lretl $16
callee64:
    CHECK_EQ(q, (%rsp), %rsi)
    CHECK_EQ(q, $CODE64, 8(%rsp))
    CHECK_EQ(q, 16(%rsp), %rbx)
    CHECK_EQ(q, 24(%rsp), %rbp)
    movl %cs, %edx
    lretq $16

/* ---- LGDT, SGDT, LIDT, SIDT: bases of 64 bits ---- */

tables:
    /* Another GDT, with the last segment where this one has the first. */
    movl $gdt, %esi
    movl $OTHER_GDT, %edi
    movl $GDT_SIZE, %ecx
    rep movsb
    movl OTHER_GDT + SEGMENT + 8 * 15, %eax
    movl %eax, OTHER_GDT + SEGMENT
    LOOP(TIMES, movl $GDT_SIZE - 1, %ecx; movl %ebp, %eax; andl $7, %eax; \
         shll $3, %eax; \
         subl %eax, %ecx; movl $gdt, %edx; movl WORDS, %edi; testl $8, %ebp; jz 1f; \
         movl $OTHER_GDT, %edx; movl WORDS + 4 * 15, %edi; \
         1: movw %cx, pointer; movq %rdx, pointer + 2; lgdt pointer; \
         movl $SEGMENT, %eax; movl %eax, %fs; CHECK_EQ(l, %fs:0, %edi); \
         movq $-1, stored; movq $-1, stored + 8; sgdt stored; \
         CHECK_EQ(w, stored, %cx); \
         CHECK_EQ(q, stored + 2, %rdx); CHECK_EQ(w, $-1, stored + 10))
    lgdt gdtr64
    /* No interrupt comes: the IDT may be anywhere. */
    LOOP(TIMES, SOME64(rdx); CANONICAL(rdx); movw %bp, pointer; \
         movq %rdx, pointer + 2; \
         lidt pointer; movq $-1, stored; movq $-1, stored + 8; sidt stored; \
         CHECK_EQ(w, stored, %bp); CHECK_EQ(q, stored + 2, %rdx); \
         CHECK_EQ(w, $-1, stored + 10))
    lidt idtr64
    ret

/* ---- SYSCALL, SYSRET; SYSENTER, SYSEXIT: to ring 3 and home at once ---- */

#define SOME_FLAGS SOME(eax); shrl $16, %eax; andl $0x8d5, %eax; orl $0x202, %eax

system_calls:
    SET_MSR(0xc0000084, FMASK | 0x200)
    movl $called, %eax
    WRITE_MSR(0xc0000082)
    movl $STAR, %edx
    xorl %eax, %eax
    movl $0xc0000081, %ecx
    wrmsr
    /* RCX tells where to go and where from, R11 the flags there; RSP stays. */
    LOOP(TIMES, SOME_FLAGS; movl %eax, %r11d; movq %rsp, %rsi; SOME64(rdi); \
         movq %rdi, %rsp; movl $in_ring3, %ecx; sysretq; called: movq %rsp, %r10; \
         movq %rsi, %rsp; \
         pushfq; popq %rdx; CHECK_EQ(q, %r10, %rdi); CHECK_EQ(q, %r11, %rax); \
         CHECK_EQ(q, $after_syscall, %rcx); CHECK_EQ(q, $in_ring3, %r12); \
         CHECK_EQ(l, $USER_CODE64, %r8d); CHECK_EQ(l, $USER_DATA, %r9d); \
         andl $~(FMASK | 0x200), %eax; orl $2, %eax; CHECK_EQ(q, %rdx, %rax); \
         movl %cs, %eax; CHECK_EQ(l, $CODE32, %eax); \
         movl %ss, %eax; CHECK_EQ(l, $DATA, %eax))
    pushq $CODE64
    pushq $1f
    lretq
1:  ret

in_ring3:
    movq %rcx, %r12
    movl %cs, %r8d
    movl %ss, %r9d
    syscall
after_syscall:
    FAIL_USER

fast_calls:
    SET_MSR(0x174, CODE32)
    movl $entered, %eax
    WRITE_MSR(0x176)
    /* RCX is the stack there, RDX where; MSR 175h the stack here. Flags stay but IF. */
    LOOP(TIMES, SOME64(rdi); CANONICAL(rdi); movq %rdi, %rax; WRITE_MSR(0x175); \
         notq %rdi; movq %rsp, %rsi; SOME_FLAGS; pushq %rax; popfq; \
         movq %rdi, %rcx; movl $in_ring3_fast, %edx; rex64 sysexit; \
         entered: movq %rsp, %r10; movq %rsi, %rsp; pushfq; popq %rdx; \
         notq %r10; CHECK_EQ(q, %r10, %rdi); CHECK_EQ(q, %r12, %rdi); \
         CHECK_EQ(l, $CODE32 + 32 + 3, %r8d); CHECK_EQ(l, $CODE32 + 40 + 3, %r9d); \
         andl $~0x200, %eax; CHECK_EQ(q, %rdx, %rax); \
         movl %cs, %eax; CHECK_EQ(l, $CODE32, %eax); \
         movl %ss, %eax; CHECK_EQ(l, $DATA, %eax))
    pushq $CODE64
    pushq $1f
    lretq
1:  ret

in_ring3_fast:
    movq %rsp, %r12
    movl %cs, %r8d
    movl %ss, %r9d
    sysenter

/* ---- CR2, CR8, TSC_AUX, CPUID ---- */

registers:
    movl $LAPIC, %edi
    LOOP(TIMES, SOME64(rax); movq %rax, %cr2; movq %cr2, %rcx; \
         CHECK_EQ(q, %rax, %rcx); \
         movl %ebp, %eax; andl $15, %eax; movq %rax, %cr8; movq $-1, %rcx; \
         movq %cr8, %rcx; CHECK_EQ(q, %rax, %rcx); \
         shll $4, %eax; CHECK_EQ(l, %eax, 0x80(%rdi)))
    xorl %eax, %eax
    movq %rax, %cr8
    /* What has 32 bits clears the upper half. */
    LOOP(TIMES, SOME(ebx); movl %ebx, %eax; xorl %edx, %edx; movl $0xc0000103, %ecx; \
         wrmsr; \
         movq $-1, %rcx; movq $-1, %rdx; rdtscp; CHECK_EQ(q, %rcx, %rbx); \
         shlq $32, %rdx; orq %rax, %rdx; movq $-1, %rcx; rdpid %rcx; \
         CHECK_EQ(q, %rcx, %rbx); movq %rdx, %rsi; movq $-1, %rax; rdtsc; \
         shlq $32, %rdx; orq %rax, %rdx; cmpq %rdx, %rsi; CHECK(b))
    LOOP(TIMES, movl $0x80000001, %eax; SOME64(rbx); SOME64(rcx); SOME64(rdx); cpuid; \
         CHECK_EQ(q, $0, %rbx); movl %edx, %edi; CHECK_EQ(q, %rdi, %rdx); \
         movl %ecx, %edi; CHECK_EQ(q, %rdi, %rcx); \
         andl $0x28100800, %edx; CHECK_EQ(l, $0x28100800, %edx))
    ret

/* ---- RDRAND, RDSEED of 64 bits ---- */

/* No number twice in a row, and each bit in both states over the loop. */
#define RANDOM(insn, reg, short) xorl %esi, %esi; xorl %edi, %edi; xorl %ebx, %ebx; \
    LOOP(TIMES, insn %reg; CHECK(c); cmpq %reg, %rbx; CHECK(ne); movq %reg, %rbx; \
         orq %reg, %rsi; notq %reg; orq %reg, %rdi; \
         insn %short; CHECK(c); shrq $32, %reg; CHECK(z)); \
    CHECK_EQ(q, $-1, %rsi); CHECK_EQ(q, $-1, %rdi)

random:
    RANDOM(rdrand, rcx, ecx)
    RANDOM(rdseed, r14, r14d)
    ret

/* ---- WRPKRU, RDPKRU: key 1 by turns open, without access, read-only, and both ---- */

keys:
    movl $frames + 7, test_pt
    movl $1 << 27, test_pt + 4
    LOOP(TIMES, movl %ebp, %eax; andl $3, %eax; shll $2, %eax; movl %eax, %ebx; \
         xorl %ecx, %ecx; xorl %edx, %edx; wrpkru; \
         movq $-1, %rax; movq $-1, %rdx; rdpkru; CHECK_EQ(q, %rax, %rbx); \
         CHECK_EQ(q, $0, %rdx); \
         testl $4, %ebx; jz 1f; EXPECT64_PF(0x21, TEST_VA, movl TEST_VA, %eax); \
         1: testl $12, %ebx; jnz 1f; movl %ebp, TEST_VA; 1: cmpl $8, %ebx; jne 1f; \
         movl TEST_VA, %eax; EXPECT64_PF(0x23, TEST_VA, movl %eax, TEST_VA); 1:)
    ret

    .section .low, "awx"
    .balign 16
pointer: .quad 0, 0
stored: .quad 0, 0
