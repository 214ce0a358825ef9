/* rows_system.S - rows of isa.def that only ring 0 may execute, or whose result is not the
 * same twice, a thousand times each with other operands: control registers, MSRs,
 * counters, random numbers, ports, TLB and caches, waiting, SYSENTER. Intel SDM vol 2,
 * each instruction.
 */
#include "lib.h"

#define TIMES 1000

#define TIMER 0x50
#define PAGES 0x84 /* to 87h: page registers of the DMA, of 8 bits each */
#define CONFIG_ADDRESS 0xcf8
#define WRITABLE 0x80fffffc /* its bits */
#define TSC_AUX 0xc0000103

/* What depends on the counter in all its bits. */
#define SOME(reg) imull $0x9e3779b1, %ebp, %reg
#define SET_MSR(msr) movl $(msr), %ecx; wrmsr

    .text
main:
    call control_registers
    call identification
    call counters
    call random
    call ports
    call strings
    call waiting
    call fast_calls
    call access_flag
    call caches
    PASS

/* ---- MOV to CR, LMSW, SMSW, CLTS ---- */

control_registers:
    LOOP(TIMES, SOME(eax); movl %eax, %cr2; movl %cr2, %ecx; CHECK_EQ(l, %eax, %ecx); \
         andl $0xfffff018, %eax; movl %eax, %cr3; movl %cr3, %ecx; \
         CHECK_EQ(l, %eax, %ecx))
    xorl %eax, %eax
    movl %eax, %cr3
    /* LMSW writes bits 3:0, and does not clear PE; CLTS clears TS. */
    movl %cr0, %edi
    LOOP(TIMES, movl %ebp, word; movl %ebp, %eax; testl $16, %ebp; jz 1f; lmsw %ax; \
         jmp 2f; 1: lmsw word; 2: movl %ebp, %ebx; andl $14, %ebx; orl $1, %ebx; \
         movl %edi, %eax; andl $~14, %eax; orl %eax, %ebx; \
         movl %cr0, %eax; CHECK_EQ(l, %eax, %ebx); \
         movl $-1, %eax; smsw %eax; CHECK_EQ(l, %eax, %ebx); \
         movl $-1, word; smsw word; CHECK_EQ(w, word, %bx); \
         CHECK_EQ(w, $-1, word + 2); \
         clts; andl $~8, %ebx; smsw %eax; CHECK_EQ(l, %eax, %ebx))
    movl %edi, %cr0
    ret

/* ---- CPUID, RDMSR, WRMSR ---- */

identification:
    /* Four leaves: what must be in EBX and in EDX. */
    LOOP(TIMES, movl %ebp, %esi; andl $3, %esi; shll $5, %esi; SOME(ebx); SOME(edx); \
         movl leaves(%esi), %eax; movl $0, %ecx; cpuid; \
         andl leaves + 4(%esi), %ebx; CHECK_EQ(l, %ebx, leaves + 8(%esi)); \
         andl leaves + 12(%esi), %edx; CHECK_EQ(l, %edx, leaves + 16(%esi)))
    /* Of leaf 1, this CPU's APIC id, as its APIC tells it. */
    LOOP(TIMES, movl $1, %eax; cpuid; shrl $24, %ebx; movl LAPIC + 0x20, %eax; \
         shrl $24, %eax; CHECK_EQ(l, %eax, %ebx))

    LOOP(TIMES, SOME(eax); movl %eax, %ebx; movl $0, %edx; SET_MSR(0x174); \
         SOME(eax); notl %eax; movl %ebp, %edx; SET_MSR(0xc0000081); \
         movl $0x174, %ecx; movl $-1, %edx; rdmsr; CHECK_EQ(l, %eax, %ebx); \
         CHECK_EQ(l, $0, %edx); \
         movl $0xc0000081, %ecx; rdmsr; notl %eax; CHECK_EQ(l, %eax, %ebx); \
         CHECK_EQ(l, %edx, %ebp))
    ret

/* ---- RDTSC, RDTSCP, RDPID, RDPMC ---- */

counters:
    xorl %esi, %esi
    xorl %edi, %edi
    LOOP(TIMES, SOME(eax); movl %eax, %ebx; movl $0, %edx; SET_MSR(TSC_AUX); \
         movl $0, %ecx; rdtsc; call later; rdtscp; CHECK_EQ(l, %ecx, %ebx); \
         call later; \
         rdpid %ecx; CHECK_EQ(l, %ecx, %ebx); rdtsc; call later)
    /* The counter goes on from what is written, by less than what these take. */
    LOOP(TIMES, SOME(eax); movl $0x10, %ecx; movl %ebp, %edx; movl %eax, %ebx; wrmsr; \
         rdtsc; subl %ebx, %eax; sbbl %ebp, %edx; CHECK_EQ(l, $0, %edx); \
         cmpl $1000, %eax; CHECK(b))
    /* Nobody started the two event counters: they stand. */
    LOOP(TIMES, movl %ebp, %ecx; andl $1, %ecx; SOME(eax); SOME(edx); rdpmc; \
         CHECK_EQ(l, $0, %eax); CHECK_EQ(l, $0, %edx); \
         movl $0x186, %ecx; rdmsr; CHECK_EQ(l, $0, %eax))
    EXPECT(GP, 0, movl $2, %ecx; rdpmc)
    ret

/* EDX:EAX lies behind ESI:EDI, and becomes it. */
later:
    subl %eax, %edi
    sbbl %edx, %esi
    CHECK(b)
    movl %eax, %edi
    movl %edx, %esi
    ret

/* ---- RDRAND, RDSEED ---- */

/* CF set and five flags clear; no number twice in a row, and each bit in both states over
 * the loop. ESI and EDI: which bits were 1, and which 0. */
#define RANDOM(insn, reg, short) xorl %esi, %esi; xorl %edi, %edi; xorl %ebx, %ebx; \
    LOOP(TIMES, SOME(eax); movl %eax, %reg; pushl $0x8d6; popfl; insn %reg; pushfl; \
         popl %edx; andl $0x8d5, %edx; CHECK_EQ(l, $1, %edx); \
         cmpl %reg, %ebx; CHECK(ne); movl %reg, %ebx; orl %reg, %esi; \
         notl %reg; orl %reg, %edi; notl %reg; \
         insn %short; CHECK(c); xorl %reg, %ebx; testl $0xffff0000, %ebx; CHECK(z); \
         movl %reg, %ebx); \
    CHECK_EQ(l, $-1, %esi); CHECK_EQ(l, $-1, %edi)

random:
    RANDOM(rdrand, ecx, cx)
    RANDOM(rdseed, eax, ax)
    ret

/* ---- IN, OUT ---- */

ports:
    /* What is written in bytes is read as a whole, and the other way round. */
    LOOP(TIMES, SOME(ecx); movl %ecx, %eax; outb %al, $PAGES; shrl $8, %eax; \
         outb %al, $PAGES + 1; shrl $8, %eax; outb %al, $PAGES + 2; shrl $8, %eax; \
         outb %al, $PAGES + 3; inl $PAGES, %eax; CHECK_EQ(l, %eax, %ecx); \
         movl $-1, %eax; inw $PAGES, %ax; xorl %ecx, %eax; CHECK_EQ(w, $0, %ax); \
         xorl %ecx, %eax; shrl $16, %eax; CHECK_EQ(l, $0xffff, %eax); \
         \
         movl %ecx, %eax; notl %eax; outl %eax, $PAGES; movl $-1, %eax; \
         inb $PAGES + 3, %al; shll $8, %eax; inb $PAGES + 2, %al; shll $8, %eax; \
         inb $PAGES + 1, %al; shll $8, %eax; inb $PAGES, %al; \
         notl %eax; CHECK_EQ(l, %eax, %ecx))
    /* The same by way of DX. */
    LOOP(TIMES, SOME(ecx); movl $PAGES, %edx; movb %cl, %al; outb %al, %dx; incl %edx; \
         movb %ch, %al; outb %al, %dx; decl %edx; movl $-1, %eax; inw %dx, %ax; \
         CHECK_EQ(w, %ax, %cx); movl $-1, %eax; inb %dx, %al; CHECK_EQ(b, %al, %cl); \
         incl %edx; inb %dx, %al; CHECK_EQ(b, %al, %ch); \
         shrl $8, %eax; CHECK_EQ(l, $0xffffff, %eax))
    LOOP(TIMES, SOME(eax); movl %eax, %ecx; andl $WRITABLE, %ecx; \
         movl $CONFIG_ADDRESS, %edx; outl %eax, %dx; movl %ebp, %eax; \
         inl %dx, %eax; CHECK_EQ(l, %eax, %ecx))
    ret

/* ---- INS, OUTS: up or down, alone or repeated ---- */

/* Direction by the counter's lowest bit: EBX the step. */
#define DIRECTION(size) cld; movl $(size), %ebx; testl $1, %ebp; jz 1f; std; \
    negl %ebx; 1:
#define THERE(reg) leal buffer + 8(%ebx), %eax; CHECK_EQ(l, %reg, %eax)

strings:
    movl $PAGES, %edx
    LOOP(TIMES, DIRECTION(1) SOME(ecx); movl %ecx, buffer + 8; movl $buffer + 8, %esi; \
         outsb; THERE(esi); inb %dx, %al; CHECK_EQ(b, %al, %cl); \
         movl $0, buffer + 8; movl $buffer + 8, %edi; insb; THERE(edi); \
         movzbl %cl, %ecx; CHECK_EQ(l, %ecx, buffer + 8))
    LOOP(TIMES, DIRECTION(2) SOME(ecx); movl %ecx, buffer + 8; movl $buffer + 8, %esi; \
         outsw; THERE(esi); inw %dx, %ax; CHECK_EQ(w, %ax, %cx); \
         movl $0, buffer + 8; movl $buffer + 8, %edi; insw; THERE(edi); \
         movzwl %cx, %ecx; CHECK_EQ(l, %ecx, buffer + 8))
    LOOP(TIMES, DIRECTION(4) SOME(ecx); movl %ecx, buffer + 8; movl $buffer + 8, %esi; \
         outsl; THERE(esi); inl %dx, %eax; CHECK_EQ(l, %eax, %ecx); \
         movl $0, buffer + 8; movl $buffer + 8, %edi; insl; THERE(edi); \
         CHECK_EQ(l, %ecx, buffer + 8))
    cld
    /* REP: 0 to 3 of them; the last one written stays, and fills what is read. */
    LOOP(TIMES, SOME(eax); movl %eax, buffer; movl $0, buffer + 4; movl %ebp, %ecx; \
         andl $3, %ecx; movl %ecx, %ebx; movb $0x5a, %al; outb %al, %dx; \
         movl $buffer, %esi; rep outsb; CHECK_EQ(l, $0, %ecx); \
         leal buffer(%ebx), %eax; CHECK_EQ(l, %eax, %esi); inb %dx, %al; \
         testl %ebx, %ebx; jnz 1f; CHECK_EQ(b, $0x5a, %al); 1: jz 1f; \
         CHECK_EQ(b, %al, buffer - 1(%ebx)); \
         1: movl %ebx, %ecx; movl $buffer + 4, %edi; rep insb; CHECK_EQ(l, $0, %ecx); \
         leal buffer + 4(%ebx), %ecx; CHECK_EQ(l, %ecx, %edi); \
         CHECK_EQ(b, $0, (%edi)); testl %ebx, %ebx; jz 1f; \
         CHECK_EQ(b, %al, -1(%edi)); 1:)
    ret

/* ---- STI, CLI, HLT, MONITOR, MWAIT ---- */

waiting:
    SET_IDT(TIMER, CODE32, tick, 0x8e)
    movl $0x1ff, LAPIC + 0xf0
    movl $TIMER, LAPIC + 0x320 /* once, dividing by 1 */
    movl $0xb, LAPIC + 0x3e0
    movl $0, ticks
    /* HLT waits for the timer, which is taken behind it. */
    LOOP(TIMES, movl ticks, %ebx; leal 100(%ebp), %eax; cli; movl %eax, LAPIC + 0x380; \
         sti; hlt; 6: incl %ebx; CHECK_EQ(l, %ebx, ticks); CHECK_EQ(l, $6b, tick_eip); \
         pushfl; popl %eax; testl $0x200, %eax; CHECK(nz); \
         cli; pushfl; popl %eax; testl $0x200, %eax; CHECK(z))
    /* One that is pending is taken behind the instruction behind STI, not before CLI. */
    LOOP(TIMES, movl ticks, %ebx; movl $0x44000 + TIMER, LAPIC + 0x300; sti; cli; \
         CHECK_EQ(l, %ebx, ticks); sti; nop; 6: cli; \
         incl %ebx; CHECK_EQ(l, %ebx, ticks); CHECK_EQ(l, $6b, tick_eip))
    /* MWAIT does not sleep through a store behind MONITOR, for even counts; for odd ones it
     * waits for the timer with interrupts off (ECX bit 0), which is taken later. Nothing
     * else ends it here, though it might. */
    LOOP(TIMES, movl ticks, %ebx; movl %ebp, %eax; andl $15, %eax; \
         leal line(, %eax, 4), %eax; xorl %ecx, %ecx; movl %ebp, %edx; monitor; \
         testl $1, %ebp; jnz 1f; \
         movl %ebp, line + 32; BEGIN mwait; CHECK_EQ(l, %ebx, ticks); jmp 2f; \
         1: leal 500(%ebp), %eax; movl %eax, LAPIC + 0x380; movl $1, %ecx; BEGIN mwait; \
         CHECK_EQ(l, $0, LAPIC + 0x390); CHECK_EQ(l, %ebx, ticks); \
         testl $1 << (TIMER & 31), LAPIC + 0x200 + 16 * (TIMER >> 5); CHECK(nz); \
         sti; nop; cli; incl %ebx; CHECK_EQ(l, %ebx, ticks); 2:)
    ret

tick:
    pushl %eax
    incl ticks
    movl 4(%esp), %eax
    movl %eax, tick_eip
    movl $0, LAPIC + 0xb0
    popl %eax
    iretl

/* ---- SYSENTER and SYSEXIT of 32 bits: to ring 3 and home at once ---- */

fast_calls:
    movl $CODE32, %eax
    xorl %edx, %edx
    SET_MSR(0x174)
    movl $entered, %eax
    SET_MSR(0x176)
    movl %esp, %esi
    LOOP(TIMES, leal fault_stack - 4096(, %ebp, 4), %eax; movl %eax, %edi; \
         xorl %edx, %edx; SET_MSR(0x175); \
         SOME(ecx); pushl $0x203; popfl; movl $in_ring3, %edx; sysexit; entered: \
         pushfl; CHECK(c); popl %edx; CHECK_EQ(l, %edi, %esp); \
         testl $0x200, %edx; CHECK(z); \
         CHECK_EQ(l, $CODE32 + 16 + 3, %eax); CHECK_EQ(l, $CODE32 + 24 + 3, %ebx); \
         SOME(edx); CHECK_EQ(l, %ecx, %edx); \
         movl %cs, %eax; CHECK_EQ(l, $CODE32, %eax); \
         movl %ss, %eax; CHECK_EQ(l, $CODE32 + 8, %eax))
    movl %esi, %esp
    ret

in_ring3:
    movl %cs, %eax
    movl %ss, %ebx
    movl %esp, %ecx
    sysenter

/* ---- STAC, CLAC, and what they are for ---- */

access_flag:
    call make_tables
    movl $pd32, %eax
    movl %eax, %cr3
    movl $frames + 7, test_pt /* a user's page */
    movl %cr4, %eax
    orl $0x10, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80010000, %eax
    movl %eax, %cr0
    /* All other memory is the supervisor's; and SMAP. */
    LOOP(1024, andl $~4, pd32 - 4(, %ebp, 4))
    orl $4, pd32 + (TEST_VA >> 20)
    movl %cr3, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x200000, %eax
    movl %eax, %cr4
    LOOP(TIMES, stac; pushfl; popl %eax; testl $0x40000, %eax; CHECK(nz); \
         movl %ebp, TEST_VA; CHECK_EQ(l, TEST_VA, %ebp); \
         clac; pushfl; popl %eax; testl $0x40000, %eax; CHECK(z); \
         EXPECT_PF(1, TEST_VA, movl TEST_VA, %eax))
    stac
    ret

/* ---- INVLPG, INVPCID, INVD, WBINVD ---- */

caches:
    movl $0x11111111, frames
    movl $0x22222222, frames + 0x1000
    /* By turns one of two frames: what was seen before INVLPG may be the old one. */
    LOOP(TIMES, movl %ebp, %ebx; andl $1, %ebx; movl TEST_VA, %eax; shll $12, %ebx; \
         movl frames(%ebx), %ecx; leal frames + 7(%ebx), %eax; movl %eax, test_pt; \
         invlpg TEST_VA; CHECK_EQ(l, TEST_VA, %ecx))
    LOOP(TIMES, movl %ebp, %ebx; andl $1, %ebx; movl TEST_VA, %eax; shll $12, %ebx; \
         movl frames(%ebx), %ecx; leal frames + 7(%ebx), %eax; movl %eax, test_pt; \
         movl %ebp, %eax; shrl $1, %eax; andl $3, %eax; invpcid context, %eax; \
         CHECK_EQ(l, TEST_VA, %ecx))
    /* No cache is ahead of memory here, so INVD loses nothing; both leave registers and
     * flags alone. */
    LOOP(TIMES, movl %ebp, word; SOME(eax); movl %eax, %ecx; stc; wbinvd; CHECK(c); \
         CHECK_EQ(l, word, %ebp); notl word; xorl %ebx, %ebx; invd; CHECK(z); \
         notl word; CHECK_EQ(l, word, %ebp); CHECK_EQ(l, %eax, %ecx))
    ret

    .data
#define LEAF(leaf, ebx_mask, ebx, edx_mask, edx) .balign 32; \
    .long leaf, ebx_mask, ebx, edx_mask, edx
    .balign 32
leaves:
    LEAF(0, -1, 0x756e6547, -1, 0x49656e69) /* GenuineIntel */
    /* FPU TSC MSR PAE CX8 APIC SEP CMOV MMX FXSR SSE SSE2 */
    LEAF(1, 0, 0, 0x07808b71, 0x07808b71)
    /* FSGSBASE SMEP INVPCID RDSEED SMAP */
    LEAF(7, 0x00140481, 0x00140481, 0, 0)
    /* NX RDTSCP LM; SYSCALL is told to 64-bit code alone; EBX is reserved */
    LEAF(0x80000001, -1, 0, 0x28100800, 0x28100000)

    .section .low, "awx"
    .balign 8
word: .long 0, 0
ticks: .long 0
tick_eip: .long 0
buffer: .skip 16
    .balign 16
context: .long 0, 0, TEST_VA, 0
    .balign 64
line: .skip 64
