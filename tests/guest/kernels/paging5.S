/* paging5.S - 5-level paging: canonical addresses of 57 bits. Intel SDM vol 3A 4.5. */
#include "lib.h"

    .text
main:
    call enter_long5
    .code64
    movq %cr4, %rax
    testl $0x1000, %eax
    CHECK(nz)
    /* The second entry of the top: 1000000000000h, beyond what 4 levels reach. */
    movl $pml4 + 7, pml5 + 8
    movl $0xaaaa5555, %eax
    movl %eax, frames
    movabs $0x0001000000000000, %rbx
    CHECK_EQ(l, $0xaaaa5555, frames(%rbx))
    movabs $0x0002000000000000, %rbx
    EXPECT64_PF(0, 0x0002000000000000, movl (%rbx), %eax)
    movabs $0xff00000000000000, %rbx
    EXPECT64_PF(0, 0xff00000000000000, movl (%rbx), %eax)
    movabs $0x0100000000000000, %rbx
    EXPECT64(GP, 0, movl (%rbx), %eax)
    EXPECT64(GP, 0, jmpq *%rbx)
    EXPECT64(GP, 0, movl $0xc0000082, %ecx; xorl %eax, %eax; movl $0x02000000, %edx; wrmsr)
    movabs $0x0001000000000000, %rbx
    leaq there(%rbx), %rbx
    jmpq *%rbx
there:
    leaq (%rip), %rax
    shrq $48, %rax
    CHECK_EQ(l, $1, %eax)
    movl $back, %eax
    jmpq *%rax
back:
    EXPECT64(GP, 0, movq %cr4, %rax; andl $~0x1000, %eax; movq %rax, %cr4)
    PASS
