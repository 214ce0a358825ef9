/* collide.S - the pages of code, stack and data want one slot of every TLB: each of three
 * pages in each role, touched in each order before instructions with two operands in memory.
 *
 * A handler whose operands were refilled one by one, each refill undoing the other, once
 * retried CALL m for ever. First without paging (pages 2 MiB apart: one slot of the first
 * level), then in long mode with large pages 512 MiB apart, of which there are more than the
 * second level has ways.
 */
#include "lib.h"

#define ROUNDS 40        /* enough to make a loop hot */
#define CALLS (6 * ROUNDS)
#define PAGES 0x800000   /* physical: the n-th is at PAGES + 200000h n */
#define CODE_AT 0x100    /* offsets in a page */
#define DATA_AT 0xc00
#define STACK_AT 0xf00

    .text
main:
    movl $order, %ebp
1:  movl (%ebp), %esi
    movl $blob32, %eax
    movl $(blob32_end - blob32), %ecx
    call put_code
    movl 4(%ebp), %ebx
    addl $DATA_AT, %ebx
    movl 8(%ebp), %edx
    addl $STACK_AT, %edx
    movl $0, 24(%ebx)
    leal target32 - blob32(%esi), %eax
    movl %eax, (%ebx)
    pushl %ebp
    call *%esi
    popl %ebp
    CHECK_EQ(l, $CALLS, 24(%ebx))
    addl $12, %ebp
    cmpl $order_end, %ebp
    jne 1b

    call enter_long
    .code64
    /* Virtual n * 20000000h + PAGES is physical PAGES + n * 200000h. */
    movl $0x800087, %eax
    movl $pds + (PAGES >> 21) * 8, %edi
    movl $8, %ecx
1:  movq %rax, (%rdi)
    addq $0x200000, %rax
    addq $0x800, %rdi
    decl %ecx
    jnz 1b
    movq %cr3, %rax
    movq %rax, %cr3
    movl $order, %ebp
1:  movl (%rbp), %esi
    call far_apart
    movq %rax, %rsi
    movl $blob64, %eax
    movl $(blob64_end - blob64), %ecx
    call put_code64
    movl 4(%rbp), %esi
    call far_apart
    leaq DATA_AT(%rax), %rbx
    movl 8(%rbp), %esi
    call far_apart
    leaq STACK_AT(%rax), %rdx
    movl (%rbp), %esi
    call far_apart
    leaq CODE_AT(%rax), %rsi
    movl $0, 24(%rbx)
    leaq target64 - blob64(%rsi), %rax
    movq %rax, (%rbx)
    pushq %rbp
    call *%rsi
    popq %rbp
    CHECK_EQ(l, $CALLS, 24(%rbx))
    addl $12, %ebp
    cmpl $order_end, %ebp
    jne 1b
    PASS

/* PAGES + n * 200000h in ESI to n * 20000000h + PAGES in RAX. */
far_apart:
    leal -PAGES(%rsi), %eax
    shlq $8, %rax
    addq $PAGES, %rax
    ret
put_code64:
    addq $CODE_AT, %rsi
    movq %rsi, %rdi
    xchgq %rax, %rsi
    rep movsb
    ret

    .code32
/* ECX bytes at EAX to page ESI; ESI is then where they are. */
put_code:
    addl $CODE_AT, %esi
    movl %esi, %edi
    xchgl %eax, %esi
    rep movsb
    movl %eax, %esi
    ret

/* Code, data, stack: each page in each role. */
    .macro pages a, b, c
    .long PAGES + 0x200000 * \a, PAGES + 0x200000 * \b, PAGES + 0x200000 * \c
    .endm
    .balign 4
order:
    pages 1, 2, 3
    pages 1, 3, 2
    pages 2, 1, 3
    pages 2, 3, 1
    pages 3, 1, 2
    pages 3, 2, 1
    pages 4, 6, 5
    pages 7, 7, 5 /* data beside the code */
    pages 7, 5, 5 /* data beside the stack */
order_end:

/* EBX data, EDX stack, ESI this code. What is loaded is not looked at. */
    .macro touch32 which
    .ifc \which, data
    movl (%ebx), %eax
    movl %eax, 8(%ebx)
    .endif
    .ifc \which, stack
    pushl %eax
    popl %eax
    .endif
    .ifc \which, code
    movl (%esi), %eax
    .endif
    .endm
    .macro round32 a, b, c
    movl $ROUNDS, %ecx
7:  touch32 \a
    touch32 \b
    touch32 \c
    call *(%ebx)
    touch32 \c
    touch32 \b
    touch32 \a
    pushl (%ebx)
    touch32 \a
    popl 4(%ebx)
    leal 32(%ebx), %edi
    movsl
    cmpsl
    subl $8, %esi
    movl 4(%ebx), %eax
    cmpl (%ebx), %eax
    jne 9f
    decl %ecx
    jnz 7b
    .endm

blob32:
    movl %esp, 40(%ebx)
    movl %edx, %esp
    round32 data, stack, code
    round32 data, code, stack
    round32 stack, data, code
    round32 stack, code, data
    round32 code, data, stack
    round32 code, stack, data
9:  movl 40(%ebx), %esp
    ret
target32:
    incl 24(%ebx)
    ret
blob32_end:

    .code64
    .macro touch64 which
    .ifc \which, data
    movq (%rbx), %rax
    movq %rax, 8(%rbx)
    .endif
    .ifc \which, stack
    pushq %rax
    popq %rax
    .endif
    .ifc \which, code
    movq (%rsi), %rax
    .endif
    .endm
    .macro evict64 /* in each round another page, of those that want the same set */
    movl %ecx, %eax
    andl $7, %eax
    shlq $29, %rax
    movb PAGES + DATA_AT + 128(%rax), %al
    .endm
    .macro round64 a, b, c
    movl $ROUNDS, %ecx
7:  touch64 \a
    touch64 \b
    touch64 \c
    call *(%rbx)
    evict64
    touch64 \c
    touch64 \b
    touch64 \a
    pushq (%rbx)
    evict64
    popq 32(%rbx)
    leaq 48(%rbx), %rdi
    movsq
    cmpsq
    subq $16, %rsi
    movq 32(%rbx), %rax
    cmpq (%rbx), %rax
    jne 9f
    decl %ecx
    jnz 7b
    .endm

blob64:
    movq %rsp, 72(%rbx)
    movq %rdx, %rsp
    round64 data, stack, code
    round64 data, code, stack
    round64 stack, data, code
    round64 stack, code, data
    round64 code, data, stack
    round64 code, stack, data
9:  movq 72(%rbx), %rsp
    ret
target64:
    incl 24(%rbx)
    ret
blob64_end:
