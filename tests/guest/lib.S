/* lib.S - the start of every kernel, its tables, and the handler of expected faults. */
#include "lib.h"

    .section .multiboot, "a"
    .balign 4
    .long 0x1badb002, 3, -(0x1badb002 + 3)

    .text
    .code32
    .globl _start
_start:
    movl $stack, %esp
    lgdt gdtr
    ljmp $CODE32, $1f
1:  movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movl $tss32, %eax
    movw %ax, gdt + TSS + 2
    shrl $16, %eax
    movb %al, gdt + TSS + 4
    movb %ah, gdt + TSS + 7
    movl $TSS, %eax
    ltr %ax

    /* Both IDTs: all interrupt gates; HOME, 41h, #BP and #OF open to ring 3. */
    xorl %ecx, %ecx
1:  movl %ecx, %eax
    shll $4, %eax
    leal stubs32(%eax), %eax
    movl $CODE32 << 16 | 0x8e00, %edx
    call gate_rights
    leal idt32(, %ecx, 8), %edi
    call put_gate
    movl %ecx, %eax
    shll $4, %eax
    leal stubs64(%eax), %eax
    movl $CODE64 << 16 | 0x8e00, %edx
    call gate_rights
    movl %ecx, %edi
    shll $4, %edi
    addl $idt64, %edi
    call put_gate
    incl %ecx
    cmpl $256, %ecx
    jne 1b
    lidt idtr32
    /* Both PICs away, to vectors 20h and 28h, all masked. */
    movb $0x11, %al
    outb %al, $0x20
    outb %al, $0xa0
    movb $0x20, %al
    outb %al, $0x21
    movb $0x28, %al
    outb %al, $0xa1
    movb $4, %al
    outb %al, $0x21
    movb $2, %al
    outb %al, $0xa1
    movb $1, %al
    outb %al, $0x21
    outb %al, $0xa1
    movb $0xff, %al
    outb %al, $0x21
    outb %al, $0xa1
    call main
    PASS

gate_rights:
    cmpl $HOME, %ecx
    je 1f
    cmpl $0x41, %ecx
    je 1f
    cmpl $BP, %ecx
    je 1f
    cmpl $OF, %ecx
    je 1f
#ifdef THREE_WAY
    cmpl $0x42, %ecx
    je 1f
#endif
    ret
1:  orl $0x6000, %edx
    ret

/* EAX offset, EDX selector << 16 | rights << 8 | low byte, to EDI. */
    .globl put_gate
put_gate:
    movw %ax, (%edi)
    rorl $16, %edx
    movw %dx, 2(%edi)
    rorl $16, %edx
    movw %dx, 4(%edi)
    shrl $16, %eax
    movw %ax, 6(%edi)
    ret
    .code64
    .globl put_gate64
put_gate64:
    movw %ax, (%rdi)
    rorl $16, %edx
    movw %dx, 2(%rdi)
    rorl $16, %edx
    movw %dx, 4(%rdi)
    shrl $16, %eax
    movw %ax, 6(%rdi)
    ret
    .code32

/* ---- faults in protected mode ---- */

#define HAS_ERROR(n) ((n) == 8 || ((n) >= 10 && (n) <= 14) || (n) == 17 || (n) == 21)

    .balign 16
stubs32:
    .set n, 0
    .rept 256
    .balign 16
    .if !HAS_ERROR(n)
    pushl $0
    .endif
    pushl $n
    jmp common32
    .set n, n + 1
    .endr

common32:
#ifdef THREE_WAY
    cmpl $0x42, (%esp)
    je told32
#endif
    pushl %eax
    movl $DATA, %eax
    movl %eax, %ds
    movl (%esp), %eax
    movl %eax, got_eax
    movl 4(%esp), %eax
    movl %eax, got_vector
    movl 8(%esp), %eax
    movl %eax, got_error
    movl 12(%esp), %eax
    movl %eax, got_rip
    movl 16(%esp), %eax
    movl %eax, got_cs
    movl 20(%esp), %eax
    movl %eax, got_flags
    movl 24(%esp), %eax
    movl %eax, got_sp
    movl 28(%esp), %eax
    movl %eax, got_ss
    movl 32(%esp), %eax
    movl %eax, got_es
    movl 36(%esp), %eax
    movl %eax, got_ds
    movl 40(%esp), %eax
    movl %eax, got_fs
    movl 44(%esp), %eax
    movl %eax, got_gs
    movl %esp, %eax
    addl $12, %eax
    movl %eax, got_frame
    movl %cr2, %eax
    movl %eax, got_cr2
    movw %ss, got_handler_ss
    incl got_count
    cld
    cmpl $0x41, got_vector
    je failed
    movl resume, %eax
    testl %eax, %eax
    jz unexpected
    movl %eax, resume_now
    movl $0, resume
    movl $DATA, %eax
    movl %eax, %es
    movl %eax, %ss
    movl resume_sp, %esp
    movl got_eax, %eax
    jmp *resume_now
#ifdef THREE_WAY
failed:
    jmp failed32
unexpected:
    jmp stray32
#else
failed:
    movl got_eax, %eax
    outl %eax, $0xf4
unexpected: /* exit value: 10000h | vector */
    movl $'!', %eax
    outb %al, $0xe9
    movl got_vector, %eax
    call put_hex
    movl got_error, %eax
    call put_hex
    movl got_rip, %eax
    call put_hex
    movl got_cr2, %eax
    call put_hex
    movl got_vector, %eax
    orl $0x10000, %eax
    outl %eax, $0xf4
    jmp .
#endif

/* EAX in hexadecimal and a blank to port E9h; 32- and 64-bit code, no stack but CALL. */
put_hex:
    movl %eax, %edx
    movl $8, %ecx
1:  roll $4, %edx
    movl %edx, %eax
    andl $15, %eax
    addl $'0', %eax
    cmpl $'9', %eax
    jbe 2f
    addl $'a' - '9' - 1, %eax
2:  outb %al, $0xe9
    subl $1, %ecx
    jnz 1b
    movl $' ', %eax
    outb %al, $0xe9
    ret

/* ---- faults in long mode ---- */

    .code64
    .balign 16
stubs64:
    .set n, 0
    .rept 256
    .balign 16
    .if !HAS_ERROR(n)
    pushq $0
    .endif
    pushq $n
    jmp common64
    .set n, n + 1
    .endr

common64:
#ifdef THREE_WAY
    cmpq $0x42, (%rsp)
    je told64
#endif
    movq %rax, got_eax
    popq %rax
    movq %rax, got_vector
    popq %rax
    movq %rax, got_error
    movq (%rsp), %rax
    movq %rax, got_rip
    movq 8(%rsp), %rax
    movq %rax, got_cs
    movq 16(%rsp), %rax
    movq %rax, got_flags
    movq 24(%rsp), %rax
    movq %rax, got_sp
    movq 32(%rsp), %rax
    movq %rax, got_ss
    movq %rsp, got_frame
    movq %cr2, %rax
    movq %rax, got_cr2
    movw %ss, got_handler_ss
    incl got_count
    cld
    cmpl $0x41, got_vector
    je 1f
    movq resume, %rax
    testq %rax, %rax
    jz 2f
    movq %rax, resume_now
    movq $0, resume
    movl $DATA, %eax
    movl %eax, %ss
    movq resume_sp, %rsp
    movq got_eax, %rax
    jmpq *resume_now
#ifdef THREE_WAY
1:  jmp failed64
2:  jmp stray64
#else
1:  movl got_eax, %eax
    outl %eax, $0xf4
2:  movl $'!', %eax
    outb %al, $0xe9
    movl got_vector, %eax
    call put_hex64
    movl got_error, %eax
    call put_hex64
    movl got_rip, %eax
    call put_hex64
    movl got_cr2, %eax
    call put_hex64
    movl got_vector, %eax
    orl $0x10000, %eax
    outl %eax, $0xf4
    jmp .
put_hex64:
    jmp put_hex
#endif

/* ---- page tables: all 4 GiB as they are, in large pages open to ring 3 ---- */

    .code32
/* PAE and long mode share the four page directories. */
    .globl make_tables
make_tables:
    movl $pds, %edi
    movl $0x87, %eax /* P W U PS */
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    jnc 1b
    movl $test_pt + 7, pds + 0x1000
    movl $0, pds + 0x1004
    movl $pdpt + 7, pml4
    movl $pml4 + 7, pml5
    movl $pds + 7, pdpt
    movl $pds + 0x1007, pdpt + 8
    movl $pds + 0x2007, pdpt + 16
    movl $pds + 0x3007, pdpt + 24
    movl $pds + 1, pae_pdpt
    movl $pds + 0x1001, pae_pdpt + 8
    movl $pds + 0x2001, pae_pdpt + 16
    movl $pds + 0x3001, pae_pdpt + 24
    movl $pd32, %edi
    movl $0x87, %eax
1:  movl %eax, (%edi)
    addl $4, %edi
    addl $0x400000, %eax
    jnc 1b
    movl $test_pt + 7, pd32 + (TEST_VA >> 20)
    ret

/* Call from 32-bit code; returns to 64-bit code. EAX, ECX, EDX, EDI change. */
    .globl enter_long, enter_long5
enter_long5:
    call make_tables
    movl %cr4, %eax
    orl $0x1020, %eax
    movl %eax, %cr4
    movl $pml5, %eax
    jmp 1f
enter_long:
    call make_tables
    movl %cr4, %eax
    orl $0x20, %eax
    movl %eax, %cr4
    movl $pml4, %eax
1:  movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax /* NXE LME SCE */
    wrmsr
    movl $tss64, %eax
    movw %ax, gdt + TSS + 2
    shrl $16, %eax
    movb %al, gdt + TSS + 4
    movb %ah, gdt + TSS + 7
    movb $0x89, gdt + TSS + 5
    movl $0, gdt + TSS + 8
    movl $0, gdt + TSS + 12
    popl %edx
    movl %cr0, %eax
    orl $0x80010000, %eax /* PG WP */
    movl %eax, %cr0
    ljmp $CODE64, $1f
    .code64
1:  lidt idtr64
    lgdt gdtr64
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $TSS, %eax
    ltr %ax
    movl %esp, %esp
    jmpq *%rdx
    .code32

/* ---- data, where real mode reaches it too ---- */

    .section .low, "awx"
    .balign 16
    .globl gdt, idt32, idt64, gdtr, gdtr64, idtr32, idtr64, tss32, tss64
    .globl got_vector, got_error, got_cr2, got_rip, got_cs, got_flags, got_sp, got_ss
    .globl got_es, got_ds, got_fs, got_gs, got_frame, got_count, got_handler_ss
    .globl got_eax, resume, resume_sp
gdt:
    .quad 0
    DESCRIPTOR(0, 0xfffff, 0xc09b)
    DESCRIPTOR(0, 0xfffff, 0xc093)
    DESCRIPTOR(0, 0xfffff, 0xa09b)
    DESCRIPTOR(0, 0xffff, 0x009b)
    DESCRIPTOR(0, 0xffff, 0x0093)
    DESCRIPTOR(0, 0xfffff, 0xc0fb)
    DESCRIPTOR(0, 0xfffff, 0xc0f3)
    DESCRIPTOR(0, 0xfffff, 0xa0fb)
    DESCRIPTOR(0, 0x67, 0x0089)
    .fill GDT_SIZE - (. - gdt), 1, 0
gdtr:
    .word GDT_SIZE - 1
    .long gdt
    .balign 4
gdtr64:
    .word GDT_SIZE - 1
    .long gdt, 0
    .balign 4
idtr32:
    .word 256 * 8 - 1
    .long idt32
    .balign 4
idtr64:
    .word 256 * 16 - 1
    .long idt64, 0
    .balign 8
got_vector: .quad 0
got_error: .quad 0
got_cr2: .quad 0
got_rip: .quad 0
got_cs: .quad 0
got_flags: .quad 0
got_sp: .quad 0
got_ss: .quad 0
got_es: .quad 0
got_ds: .quad 0
got_fs: .quad 0
got_gs: .quad 0
got_frame: .quad 0
got_count: .quad 0
got_handler_ss: .quad 0
got_eax: .quad 0
resume: .quad 0
resume_now: .quad 0
resume_sp: .quad 0
    .balign 16
tss32:
    .long 0, fault_stack, DATA, 0, 0, 0, 0
    .fill 104 - 7 * 4 - 4, 1, 0
    .word 0, 104
    .balign 16
tss64:
    .long 0
    .long fault_stack, 0
    .quad 0, 0, 0
    .long ist1_stack, 0
    .fill 104 - 4 - 32 - 8 - 2, 1, 0
    .word 104
    .balign 8
idt32: .fill 256 * 8, 1, 0

    .bss
    .balign 4096
    .globl pml5, pml4, pdpt, pds, pae_pdpt, pd32, test_pt, stack, user_stack, fault_stack
    .globl ist1_stack, frames
idt64: .skip 4096
pml5: .skip 4096
pml4: .skip 4096
pdpt: .skip 4096
pds: .skip 4 * 4096
pae_pdpt: .skip 4096
pd32: .skip 4096
test_pt: .skip 4096
frames: .skip 16 * 4096 /* for the test's own pages */
    .skip 4096
stack: .skip 4096
user_stack: .skip 4096
fault_stack: .skip 4096
ist1_stack: .skip 64
