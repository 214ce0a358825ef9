/* walk_matrix.S - who may do what with a page: every combination of U/S, R/W and XD in the
 * PDE and the PTE, or in a PDE that maps 2 MiB, privilege, kind of access, CR0.WP,
 * EFER.NXE, CR4.SMEP, CR4.SMAP, EFLAGS.AC, protection key and old A and D bits. Outcome,
 * error code and A and D bits are
 * computed from the manual's rules: Intel SDM vol 3A 4.6.1, 4.6.2, 4.7, 4.8, and 6.15,
 * interrupt 14, for A after a fault.
 *
 * A combination is a number; its digits are in `digits`. As a test, each 47th is tried,
 * which no radix here divides, so all digits change; tests/guest/three_way tries each.
 */
#include "lib.h"

#ifdef THREE_WAY
#define STEP 1
#else
#define STEP 47
#endif
#define COUNT (8 * 8 * 2 * 3 * 2 * 2 * 2 * 2 * 2 * 5 * 3 * 2)
#define TRIES (COUNT / 2 + COUNT / 16) /* a large page has no PTE to vary */

#define STUBS TEST_VA              /* code of ring 3 */
#define AT (TEST_VA + 0x200000)    /* the page that is tried */
#define AT_PDE (pds + 0x1008)
#define AT_PT (frames + 0x1000)
#define AT_FRAME (frames + 0x2000)
#define AT_LARGE 0x1000000         /* its 2 MiB */
#define USER_ENTRY 16              /* in the page: INT HOME; at 0 a RET */

#define PDE (digits + 0)           /* bit 0 R/W, bit 1 U/S, bit 2 XD */
#define PTE (digits + 1)
#define USER (digits + 2)
#define ACCESS (digits + 3)
#define READ 0
#define WRITE 1
#define FETCH 2
#define WP (digits + 4)
#define NXE (digits + 5)
#define SMEP (digits + 6)
#define SMAP (digits + 7)
#define AC_FLAG (digits + 8)
#define KEY (digits + 9)           /* 0: PKE clear; with PKE: 1 all, 2 WD, 3 AD, 4 AD WD */
#define OLD (digits + 10)          /* of the leaf: 0 neither, 1 A, 2 A and D */
#define LARGE (digits + 11)        /* then PTE is 3: W and U */

#define P 1
#define PS 0x80
#define A 0x20
#define D 0x40
#define RSVD 8
#define PK 0x20
#define AC_BIT 0x40000

    .text
main:
    call enter_long
    .code64
    movl $0x83, pds /* our own memory is the supervisor's */
    movl $frames + 7, test_pt
    movl $AT_PT + 7, AT_PDE
    movl $stubs, %esi
    movl $frames, %edi
    movl $stubs_end - stubs, %ecx
    rep movsb
    movb $0xc3, AT_FRAME
    movw $0x40cd, AT_FRAME + USER_ENTRY
    movb $0xc3, AT_LARGE
    movw $0x40cd, AT_LARGE + USER_ENTRY
    movq %cr0, %rax
    andl $~0x10000, %eax
    movl %eax, cr0_base
    movq %cr4, %rax
    andl $~0x1720000, %eax /* CET, PKE, SMAP, SMEP, PCIDE */
    movl %eax, cr4_base
    movl $0xc0000080, %ecx
    rdmsr
    andl $~0x800, %eax
    movl %eax, efer_base
    movl $7, %eax
    xorl %ecx, %ecx
    cpuid
    movl %ebx, features /* bit 7 SMEP, bit 20 SMAP */
    movl %ecx, features_c /* bit 3 PKU */

next:
    movl index, %eax
    movl $dims, %esi
    movl $digits, %edi
1:  xorl %edx, %edx
    movzbl (%rsi), %ecx
    divl %ecx
    movb %dl, (%rdi)
    incl %esi
    incl %edi
    cmpl $dims_end, %esi
    jne 1b

    cmpb $0, LARGE
    je 1f
    cmpb $3, PTE
    jne skip
1:
    /* What the CPU has not is not tried. */
    btl $7, features
    jc 1f
    cmpb $0, SMEP
    jne skip
1:  btl $20, features
    jc 1f
    cmpb $0, SMAP
    jne skip
1:  btl $3, features_c
    jc 1f
    cmpb $0, KEY
    jne skip
1:  incl tried
    call set_up
    call judge
    movl $0x100, got_vector
    movq $outcome, resume
    movq %rsp, resume_sp
    movl $AT, %ebx
    movzbl ACCESS, %ecx
    movzbl AC_FLAG, %eax
    shll $18, %eax
    orl $2, %eax
    cmpb $0, USER
    jne 1f
    pushq %rax
    popfq
    jmpq *own_accesses(, %rcx, 8)
1:  pushq $USER_DATA
    pushq $user_stack
    pushq %rax
    pushq $USER_CODE64
    pushq user_accesses(, %rcx, 8)
    iretq

own_read:
    movb (%rbx), %al
    jmp outcome
own_write:
    movb $0xc3, (%rbx)
    jmp outcome
own_fetch:
    callq *%rbx
outcome:
    pushq $2
    popfq
    movq $0, resume
    movb AT_PDE, %r8b
    movb AT_PT, %r9b
    cmpb $0, LARGE
    je 1f
    movb %r8b, %r9b
1:  movb %r9b, %r10b
    xorb old_leaf, %r10b /* what the access changed */
    cmpl $-1, want
    je none_wanted

    /* A page fault, and the page was not written. For want of a right it leaves A set in
     * the PDE; in the PTE that is model specific. */
    cmpl $PF, got_vector
    jne wrong
    movl got_error, %eax
    cmpl %eax, want
    je 1f
    /* Whether a key refuses too, when a reserved bit does, is left open. */
    testb $RSVD, want
    jz wrong
    andl $~PK, %eax
    cmpl %eax, want
    jne wrong
1:  movl $AT, %eax
    cmpb $FETCH, ACCESS
    jne 1f
    cmpb $0, USER
    je 1f
    addl $USER_ENTRY, %eax
1:  cmpl %eax, got_cr2
    jne wrong
    testb $D, %r10b
    jnz wrong_bits
    incl faults
    testb $RSVD, want
    jnz 1f
    testb $A, %r8b
    jnz 2f
    cmpb $0, LARGE /* there the PDE is what lacks the right */
    je wrong_bits
2:  testb $A, %r10b
    setnz %al
    movzbl %al, %eax
    addl %eax, pte_accessed
    jmp skip
1:  movb PDE, %al /* with XD the PDE led nowhere; nor does a large one */
    andb $4, %al
    orb LARGE, %al
    jnz skip
    testb $A, %r8b
    setnz %al
    movzbl %al, %eax
    addl %eax, pde_accessed
    jmp skip

none_wanted:
    cmpb $0, USER
    jne 1f
    cmpl $0x100, got_vector
    jne wrong
    jmp 2f
1:  cmpl $HOME, got_vector
    jne wrong
2:  testb $A, %r8b
    jz wrong_bits
    testb $A, %r9b
    jz wrong_bits
    movb old_leaf, %al
    cmpb $WRITE, ACCESS
    jne 1f
    orb $D, %al
1:  xorb %r9b, %al
    testb $D, %al
    jnz wrong_bits
skip:
    addl $STEP, index
    cmpl $COUNT, index
    jb next

    NOTE(3, tried, $0)
    NOTE(4, faults, $0)
    NOTE(5, pte_accessed, $0)
    NOTE(6, pde_accessed, $0)
    cmpl $0, wrong_outcomes
    CHECK(e)
    cmpl $0, wrong_flags
    CHECK(e)
    cmpl $TRIES / STEP - 200, tried
    CHECK(ae)
    cmpl $TRIES / STEP / 8, faults
    CHECK(ae)
    PASS
/* NOTE 1: wrong outcomes */
/* NOTE 2: wrong A and D bits */
/* NOTE 3: combinations tried */
/* NOTE 4: of them page faults */
/* NOTE 5: faults for want of a right that set A in the leaf */
/* NOTE 6: faults for a reserved bit in the PTE alone that left A set in the PDE */

wrong:
    movl got_vector, %eax
    movw %ax, was + 2
    movb want, %al
    movb %al, was + 1
    movb got_error, %al
    movb %al, was
    NOTE(1, index, was)
    incl wrong_outcomes
    jmp skip
wrong_bits:
    movb %r8b, was + 1
    movb %r9b, was
    movw $0, was + 2
    NOTE(2, index, was)
    incl wrong_flags
    jmp skip

/* The entries, then the registers; then nothing of it is cached. */
set_up:
    movzbl PDE, %eax
    call entry_bits
    movl $AT_PDE, %edi
    cmpb $0, LARGE
    jne 1f
    leal AT_PT + P(%rcx), %ecx
    movl %ecx, (%rdi)
    movl %edx, 4(%rdi)
    movl $AT_PT, %edi
    movzbl PTE, %eax
    call entry_bits
    leal AT_FRAME + P(%rcx), %ecx
    jmp 2f
1:  leal AT_LARGE + P + PS(%rcx), %ecx
2:  cmpb $0, OLD
    je 1f
    orl $A, %ecx
    cmpb $1, OLD
    je 1f
    orl $D, %ecx
1:  orl $0x08000000, %edx /* key 1 */
    movl %ecx, (%rdi)
    movl %edx, 4(%rdi)
    movb %cl, old_leaf

    movzbl NXE, %eax
    shll $11, %eax
    orl efer_base, %eax
    movl $0xc0000080, %ecx
    xorl %edx, %edx
    wrmsr
    movzbl WP, %eax
    shll $16, %eax
    orl cr0_base, %eax
    movq %rax, %cr0
    btl $3, features_c
    jnc 1f
    movl cr4_base, %eax
    orl $0x400000, %eax
    movq %rax, %cr4
    movzbl KEY, %eax
    movzbl rights(%rax), %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    wrpkru
1:  movzbl SMEP, %eax
    movzbl SMAP, %ecx
    leal (%rax, %rcx, 2), %eax
    shll $20, %eax
    orl cr4_base, %eax
    cmpb $0, KEY
    je 1f
    orl $0x400000, %eax
1:  movq %rax, %cr4
    movq %cr3, %rax
    movq %rax, %cr3
    invlpg AT
    ret

entry_bits: /* EAX the digit; ECX R/W and U/S, EDX XD */
    movl %eax, %ecx
    andl $3, %ecx
    shll $1, %ecx
    movl %eax, %edx
    shll $29, %edx
    andl $0x80000000, %edx
    ret

/* The manual's rules: to `want` the error code, or -1. */
judge:
    movb PDE, %al
    movb PTE, %dl
    movb %al, %cl
    andb %dl, %cl
    orb %dl, %al
    testb $2, %cl
    setnz %r8b /* a user-mode address: U/S in every entry */
    testb $1, %cl
    setnz %r9b /* writable in every entry */
    testb $4, %al
    setnz %r10b /* XD in some entry */

    /* The error code, if there will be one (4.7). */
    movl $P, %r11d
    cmpb $WRITE, ACCESS
    jne 1f
    orl $2, %r11d
1:  cmpb $0, USER
    je 1f
    orl $4, %r11d
1:  cmpb $FETCH, ACCESS
    jne 1f
    movb NXE, %al
    orb SMEP, %al
    jz 1f
    orl $0x10, %r11d
1:
    /* With NXE clear XD is a reserved bit (4.5). */
    testb %r10b, %r10b
    jz 1f
    cmpb $0, NXE
    jne 1f
    orl $RSVD, %r11d
    jmp refused
1:
    /* Protection keys: data of user-mode addresses (4.6.2). */
    cmpb $FETCH, ACCESS
    je 2f
    testb %r8b, %r8b
    jz 2f
    movzbl KEY, %eax
    testl %eax, %eax
    jz 2f
    movzbl rights(%rax), %eax
    testb $4, %al /* AD1 */
    jnz 1f
    testb $8, %al /* WD1 */
    jz 2f
    cmpb $WRITE, ACCESS
    jne 2f
    movb WP, %al
    orb USER, %al
    jz 2f
1:  orl $PK, %r11d
    jmp refused
2:
    cmpb $0, USER
    jne of_user

    /* Supervisor-mode accesses (4.6.1). */
    testb %r8b, %r8b
    jz 1f
    cmpb $FETCH, ACCESS
    je 2f
    cmpb $0, SMAP
    je 1f
    cmpb $0, AC_FLAG
    je refused
    jmp 1f
2:  cmpb $0, SMEP
    jne refused
1:  cmpb $READ, ACCESS
    je allowed
    cmpb $FETCH, ACCESS
    je fetch
    testb %r9b, %r9b
    jnz allowed
    cmpb $0, WP
    jne refused
    jmp allowed

of_user: /* User-mode accesses. */
    testb %r8b, %r8b
    jz refused
    cmpb $READ, ACCESS
    je allowed
    cmpb $FETCH, ACCESS
    je fetch
    testb %r9b, %r9b
    jz refused
    jmp allowed
fetch:
    testb %r10b, %r10b
    jz allowed
refused:
    movl %r11d, want
    ret
allowed:
    movl $-1, want
    ret

stubs:
user_read:
    movb (%rbx), %al
    int $HOME
user_write:
    movb $0xc3, (%rbx)
    int $HOME
user_fetch:
    addl $USER_ENTRY, %ebx
    jmpq *%rbx
stubs_end:

    .balign 8
own_accesses:
    .long own_read, 0, own_write, 0, own_fetch, 0
user_accesses:
    .quad STUBS, STUBS + user_write - stubs, STUBS + user_fetch - stubs
dims:
    .byte 8, 8, 2, 3, 2, 2, 2, 2, 2, 5, 3, 2
dims_end:
rights: /* PKRU of each KEY; the first one must not matter */
    .byte 0xc, 0, 8, 4, 0xc

    .section .low
    .balign 8
index: .long 0
tried: .long 0
faults: .long 0
want: .long 0
wrong_outcomes: .long 0
wrong_flags: .long 0
pde_accessed: .long 0
pte_accessed: .long 0
was: .long 0
features: .long 0
features_c: .long 0
cr0_base: .long 0
cr4_base: .long 0
efer_base: .long 0
old_leaf: .long 0
digits: .skip 16
