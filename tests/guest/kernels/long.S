/* long.S - 64-bit and compatibility mode: what is invalid, SYSCALL and SYSRET, SYSENTER
 * and SYSEXIT, SWAPGS, FSGSBASE, IST, far transfers, IRETQ, sign extension and the
 * zeroing of upper halves. Intel SDM vol 2; vol 3A 5.8.7, 5.8.8, 6.14.
 */
#include "lib.h"

#define WRMSR(msr, high, low) movl $(msr), %ecx; movl $(low), %eax; movl $(high), %edx; wrmsr
#define BAD_LD (FREE + 8)

    .text
main:
    SET_DESCRIPTOR(BAD_LD, 0, 0xfffff, 0xe09b)
    call enter_long
    .code64
    WRMSR(0xc0000081, (USER_CODE << 16) | CODE32, 0) /* STAR */
    WRMSR(0xc0000082, 0, syscall_entry)
    WRMSR(0xc0000084, 0, 0x700) /* FMASK: TF IF DF */

    /* Registers. */
    movq $-1, %rax
    movl $1, %eax
    movq $1, %rbx
    cmpq %rax, %rbx
    CHECK(e)
    movq $-1, %rax
    movw $1, %ax
    movq $0xffffffffffff0001, %rbx
    cmpq %rax, %rbx
    CHECK(e)
    movb $0x12, %sil
    movq $0x123456789, %r11
    movslq %r11d, %r12
    cmpq $0x23456789, %r12
    CHECK(e)

    /* Invalid in 64-bit mode. */
    EXPECT64(UD, 0, .byte 0x06)       /* PUSH ES */
    EXPECT64(UD, 0, .byte 0x27)       /* DAA */
    EXPECT64(UD, 0, .byte 0x60)       /* PUSHA */
    EXPECT64(UD, 0, .byte 0xce)       /* INTO */
    EXPECT64(UD, 0, .byte 0x9a; .long 0, 0)
    EXPECT64(UD, 0, .byte 0xd4, 0x0a) /* AAM */
    EXPECT64(UD, 0, .byte 0x62, 0x00) /* BOUND */
    EXPECT64(UD, 0, .byte 0xc5, 0x00)
    EXPECT64(UD, 0, .byte 0x0f, 0x37)
    EXPECT64(UD, 0, .byte 0x82, 0xc0, 0)
    EXPECT64(GP, 0, .fill 15, 1, 0x66; nop)

    /* Far transfers. */
    EXPECT64(GP, BAD_LD, pushq $BAD_LD; pushq $main; lretq)
    EXPECT64(GP, DATA, pushq $DATA; pushq $main; lretq)
    pushq $CODE64
    pushq $1f
    lretq
1:  ljmpl *far_here
far_landing:
    /* Compatibility mode in ring 0 and back: 32-bit offsets, segmentation is back. */
    pushq $CODE32
    pushq $compat
    lretq
    .code32
compat:
    movl $-1, %eax
    incl %eax
    CHECK(z)
    .byte 0x40 /* INC EAX, no prefix here */
    CHECK_EQ(l, $1, %eax)
    pushl %es
    popl %eax
    CHECK_EQ(w, $DATA, %ax)
    xorl %eax, %eax
    movl %eax, %fs
    movl $compat_fault, resume
    movl %esp, resume_sp
    movl %fs:0, %eax
    FAIL
    .code64
compat_fault: /* the handler resumes in 64-bit code */
    CHECK_EQ(l, $GP, got_vector)
    CHECK_EQ(w, $CODE32, got_cs)

    /* IRETQ to ring 3 and SYSCALL back. */
    movq $1f, after_syscall
    movq %rsp, resume_sp
    TO_USER64(user)
1:  CHECK_EQ(l, $0x5ca11, %ebx)
    movq %cs, %rax
    CHECK_EQ(w, $CODE32, %ax) /* what STAR says */
    movq %ss, %rax
    CHECK_EQ(w, $DATA, %ax)
    cmpq $after_user_syscall, %rcx
    CHECK(e)
    testl $0x200, %r11d
    CHECK(z)
    pushq $CODE64
    pushq $1f
    lretq
1:
    /* SYSRET to 64-bit ring 3, which comes home by INT; with IF from R11. */
    EXPECT64(HOME, 0, movl $user_home, %ecx; movl $0x3202, %r11d; \
             movl $user_stack, %edi; sysretq)
    CHECK_EQ(w, $USER_CODE64, got_cs)
    CHECK_EQ(w, $USER_DATA, got_ss)
    testl $0x200, got_flags
    CHECK(nz)
    EXPECT64(HOME, 0, movl $user_home32, %ecx; movl $2, %r11d; sysretl)
    CHECK_EQ(w, $USER_CODE, got_cs)
    EXPECT64(GP, 0, movabs $0x0000800000000000, %rcx; movl $2, %r11d; sysretq)
    EXPECT64(GP, 0, TO_USER64(user_sysret))
    /* With EFER.SCE clear there is no SYSCALL. */
    movl $0xc0000080, %ecx
    rdmsr
    andl $~1, %eax
    wrmsr
    EXPECT64(UD, 0, syscall)
    movl $0xc0000080, %ecx
    rdmsr
    orl $1, %eax
    wrmsr

    /* SYSENTER and SYSEXIT. */
    EXPECT64(GP, 0, TO_USER64(user_sysenter)) /* SYSENTER_CS is 0 */
    WRMSR(0x174, 0, CODE32)
    WRMSR(0x175, 0, fault_stack)
    WRMSR(0x176, 0, sysenter_entry)
    movq $1f, after_syscall
    TO_USER64(user_sysenter)
1:  CHECK_EQ(l, $fault_stack, %esp)
    movq %cs, %rax
    CHECK_EQ(w, $CODE32, %ax)
    movq resume_sp, %rsp
    EXPECT64(HOME, 0, movl $user_stack, %ecx; movl $user_home, %edx; .byte 0x48; sysexit)
    CHECK_EQ(w, $CODE32 + 32 + 3, got_cs)
    EXPECT64(HOME, 0, movl $user_stack, %ecx; movl $user_home32, %edx; sysexit)
    CHECK_EQ(w, $CODE32 + 16 + 3, got_cs)
    pushq $CODE64
    pushq $1f
    lretq
1:
    /* SWAPGS and the bases. */
    WRMSR(0xc0000101, 0x1111, 0x22222222)
    WRMSR(0xc0000102, 0x3333, 0x44444444)
    swapgs
    movl $0xc0000101, %ecx
    rdmsr
    CHECK_EQ(l, $0x44444444, %eax)
    CHECK_EQ(l, $0x3333, %edx)
    EXPECT64(GP, 0, WRMSR(0xc0000101, 0x01000000, 0)) /* nor with 57 bits */
    EXPECT64(GP, 0, TO_USER64(user_swapgs))
    EXPECT64(UD, 0, rdfsbase %rax)
    movq %cr4, %rax
    orl $0x10000, %eax
    movq %rax, %cr4
    movabs $0x123456789a, %rax
    wrfsbase %rax
    rdfsbase %rbx
    cmpq %rax, %rbx
    CHECK(e)
    movl $data64, %eax
    wrgsbase %rax
    movabs $0x1122334455667788, %rbx
    cmpq %gs:0, %rbx
    CHECK(e)
    wrgsbase %eax
    EXPECT64(GP, 0, movabs $0x0100000000000000, %rax; wrfsbase %rax)
    /* A null selector in ring 0 is no fault, here not even for SS. */
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl far_here, %eax
    pushq %rax
    popq %rax
    /* LEA and RIP-relative. */
    leaq 1f(%rip), %rax
1:  cmpq $1b, %rax
    CHECK(e)

    /* IST: the stack switches in the same ring; RSP is aligned to 16. */
    movb $1, idt64 + 16 * UD + 4
    EXPECT64(UD, 0, ud2)
    cmpq $ist1_stack - 40, got_frame
    CHECK(e)
    movb $0, idt64 + 16 * UD + 4
    EXPECT64(UD, 0, subq $3, %rsp; ud2)
    testb $15, got_frame + 0
    CHECK(nz) /* five words below a multiple of 16 */
    movq got_frame, %rax
    addq $40, %rax
    testb $15, %al
    CHECK(z)

    /* Gates: a 32-bit code segment is refused, so are 16-bit types. */
    movw $CODE32, idt64 + 16 * 0x60 + 2
    EXPECT64(GP, CODE32, int $0x60)
    movw $CODE64, idt64 + 16 * 0x60 + 2
    movb $0x86, idt64 + 16 * 0x60 + 5
    EXPECT64(GP, 0x60 * 8 + 2, int $0x60)
    movb $0x85, idt64 + 16 * 0x60 + 5
    EXPECT64(GP, 0x60 * 8 + 2, int $0x60)
    movl $0x00008000, idt64 + 16 * 0x60 + 8
    movb $0x8e, idt64 + 16 * 0x60 + 5
    EXPECT64(GP, 0, int $0x60) /* not canonical */

    /* No hardware tasks, no VM. */
    EXPECT64(GP, 0, pushq $0; pushq $0; pushq $0x4002; popfq; iretq)
    pushq $2
    popfq
    EXPECT64(GP, 0, movq %cr0, %rax; btrl $31, %eax; movq %rax, %cr0)
    EXPECT64(GP, 0, movq %cr4, %rax; btrl $5, %eax; movq %rax, %cr4)
    movl $DATA, %eax
    movl %eax, %ss
    PASS

syscall_entry:
    jmpq *after_syscall
sysenter_entry:
    jmpq *after_syscall
user:
    movl $0x5ca11, %ebx
    syscall
after_user_syscall:
    FAIL_USER
user_home:
    int $HOME
user_sysret:
    sysretq
user_sysenter:
    sysenter
user_swapgs:
    swapgs
    .code32
user_home32:
    movl $1, %eax
    decl %eax
    CHECK_USER(z)
    int $HOME
    .code64

    .section .low
    .balign 8
after_syscall: .quad 0
data64: .quad 0x1122334455667788
far_here:
    .long far_landing
    .word CODE64
