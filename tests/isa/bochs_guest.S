/* bochs_guest.S - from the boot sector to 64-bit mode, and between the rings.
 *
 * Physical memory: the guest at 7C00h, its stack below 50000h, page tables from 60000h,
 * the rest from 1 MiB on (bochs_guest.c). The guest sees all of it at KERNEL.
 */
#include "tests/isa/bochs_guest.h"

#define KERNEL 0xffffffff80000000
#define STACK 0x50000
#define PML4 0x60000
#define PDPT 0x61000
#define PD 0x62000
#define PTE_SMALL 3   /* P, W */
#define PTE_LARGE 0x83 /* and PS */
/* An address in the boot sector as it sees it before paging. */
#define LOW(x) ((x) - _start + 0x7c00)
#define USER_CODE 0x33
#define USER_DATA 0x2b

/* ---- the boot sector ---- */

    .section .boot, "ax"
    .code16
    .globl _start
_start:
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    movw $LOW(packet), %si
    movb $0x42, %ah /* DL is the drive still */
    int $0x13
    jc stop
    cli
    inb $0x92, %al
    orb $2, %al
    andb $0xfe, %al
    outb %al, $0x92
    movb $0xff, %al /* no interrupts */
    outb %al, $0x21
    outb %al, $0xa1
    lgdt LOW(boot_gdtr)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmp $8, $LOW(protected)
stop:
    hlt
    jmp stop

    .code32
protected:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $PML4, %edi
    xorl %eax, %eax
    movl $0x3000 / 4, %ecx
    cld
    rep stosl
    movl $PDPT | PTE_SMALL, PML4 /* for the way up */
    movl $PDPT | PTE_SMALL, PML4 + 511 * 8
    movl $PD | PTE_SMALL, PDPT
    movl $PD | PTE_SMALL, PDPT + 510 * 8
    movl $PD, %edi
    movl $PTE_LARGE, %eax
    movl $16, %ecx /* 32 MiB */
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl $PML4, %eax
    movl %eax, %cr3
    movl $0x406a0, %eax /* OSXSAVE OSXMMEXCPT OSFXSR PGE PAE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax /* NXE LME SCE */
    wrmsr
    movl $0x80050033, %eax /* PG AM WP NE ET MP PE */
    movl %eax, %cr0
    ljmp $24, $LOW(long_mode)
    .code64
long_mode:
    movabsq $kernel_start, %rax
    jmp *%rax

    .balign 4
packet: /* INT 13h function 42h */
    .byte 16, 0
    .word BOCHS_ORDER - 1
    .word 0x7e00, 0
    .quad 1
    .balign 8
boot_gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
boot_gdtr:
    .word . - boot_gdt - 1
    .long LOW(boot_gdt)
    .org 510
    .word 0xaa55

/* ---- 64-bit mode ---- */

    .text
kernel_start:
    movabsq $KERNEL + STACK, %rsp
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    pushq $0
    popfq
    call guest_main
    /* Bochs ends when it reads this word here. */
    movw $0x8900, %dx
    leaq shutdown(%rip), %rsi
    movl $8, %ecx
    cld
    rep outsb
    hlt
shutdown:
    .ascii "Shutdown"

/* void user_run(const struct bochs_record *question, struct bochs_record *answer) */
    .globl user_run
user_run:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, kernel_rsp(%rip)
    movq %rsi, answer(%rip)
    movl $-1, %eax
    movl $-1, %edx
    xrstor64 BOCHS_XSAVE(%rdi)
    pushq $USER_DATA
    pushq BOCHS_GPR + 4 * 8(%rdi)
    pushq BOCHS_FLAGS(%rdi)
    pushq $USER_CODE
    pushq BOCHS_RIP(%rdi)
    movq BOCHS_GPR(%rdi), %rax
    movq BOCHS_GPR + 8(%rdi), %rcx
    movq BOCHS_GPR + 2 * 8(%rdi), %rdx
    movq BOCHS_GPR + 3 * 8(%rdi), %rbx
    movq BOCHS_GPR + 5 * 8(%rdi), %rbp
    movq BOCHS_GPR + 6 * 8(%rdi), %rsi
    movq BOCHS_GPR + 8 * 8(%rdi), %r8
    movq BOCHS_GPR + 9 * 8(%rdi), %r9
    movq BOCHS_GPR + 10 * 8(%rdi), %r10
    movq BOCHS_GPR + 11 * 8(%rdi), %r11
    movq BOCHS_GPR + 12 * 8(%rdi), %r12
    movq BOCHS_GPR + 13 * 8(%rdi), %r13
    movq BOCHS_GPR + 14 * 8(%rdi), %r14
    movq BOCHS_GPR + 15 * 8(%rdi), %r15
    movq BOCHS_GPR + 7 * 8(%rdi), %rdi
    iretq

/* Every vector: upwards from RSP then RDI, the vector, the error code, RIP, CS, RFLAGS,
 * RSP, SS. */
trapped:
    pushq %rdi
    testb $3, 32(%rsp)
    jz our_own
    movq answer(%rip), %rdi
    movq %rax, BOCHS_GPR(%rdi)
    movq %rcx, BOCHS_GPR + 8(%rdi)
    movq %rdx, BOCHS_GPR + 2 * 8(%rdi)
    movq %rbx, BOCHS_GPR + 3 * 8(%rdi)
    movq %rbp, BOCHS_GPR + 5 * 8(%rdi)
    movq %rsi, BOCHS_GPR + 6 * 8(%rdi)
    movq %r8, BOCHS_GPR + 8 * 8(%rdi)
    movq %r9, BOCHS_GPR + 9 * 8(%rdi)
    movq %r10, BOCHS_GPR + 10 * 8(%rdi)
    movq %r11, BOCHS_GPR + 11 * 8(%rdi)
    movq %r12, BOCHS_GPR + 12 * 8(%rdi)
    movq %r13, BOCHS_GPR + 13 * 8(%rdi)
    movq %r14, BOCHS_GPR + 14 * 8(%rdi)
    movq %r15, BOCHS_GPR + 15 * 8(%rdi)
    popq BOCHS_GPR + 7 * 8(%rdi)
    popq %rax
    movl %eax, BOCHS_VECTOR(%rdi)
    popq %rax
    movl %eax, BOCHS_ERROR(%rdi)
    popq BOCHS_RIP(%rdi)
    popq %rax
    popq BOCHS_FLAGS(%rdi)
    popq BOCHS_GPR + 4 * 8(%rdi)
    movq %cr2, %rax
    movq %rax, BOCHS_CR2(%rdi)
    movl $-1, %eax
    movl $-1, %edx
    xsave64 BOCHS_XSAVE(%rdi)
    cld
    movq kernel_rsp(%rip), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/* A fault of the guest itself: the report on the disk stays as it is. */
our_own:
    movw $0x8900, %dx
    leaq shutdown(%rip), %rsi
    movl $8, %ecx
    cld
    rep outsb
    hlt

/* 16 bytes for each vector. #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP push an error code. */
    .balign 16
    .globl stubs
stubs:
    .set n, 0
    .rept 256
    .balign 16
    .if n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21
    .else
    pushq $0
    .endif
    pushq $n
    jmp trapped
    .set n, n + 1
    .endr

    .data
    .balign 8
kernel_rsp: .quad 0
answer: .quad 0
