/* lib.h - what every kernel here includes: selectors, checks, expected faults.
 *
 * A check that fails writes its source line to isa-debug-exit. AT&T syntax, the C
 * preprocessor and clang's assembler. Labels 5, 7, 8 and 9 belong to the macros.
 */
#define CODE32 0x08
#define DATA 0x10
#define CODE64 0x18
#define CODE16 0x20
#define DATA16 0x28
#define USER_CODE 0x33   /* in the order that SYSRET wants */
#define USER_DATA 0x3b
#define USER_CODE64 0x43
#define TSS 0x48         /* 16 bytes in long mode */
#define FREE 0x58        /* the first descriptor that a test may fill */
#define GDT_SIZE 0x400

#define TEST_VA 0x40000000 /* its pages are in test_pt: one 4 KiB page each */

#define DE 0
#define DB 1
#define NMI 2
#define BP 3
#define OF 4
#define BR 5
#define UD 6
#define NM 7
#define DF 8
#define TS 10
#define NP 11
#define SS 12
#define GP 13
#define PF 14
#define MF 16
#define AC 17
#define XM 19
#define HOME 0x40 /* INT of ring 3 back to the test */

#define LAPIC 0xfee00000
#define IOAPIC 0xfec00000
#define HPET 0xfed00000

#ifndef THREE_WAY
/* The exit: works in every mode that may do I/O. */
#define FAIL movl $__LINE__, %eax; outl %eax, $0xf4; 7: jmp 7b
#define PASS movb $'o', %al; outb %al, $0xe9; movb $'k', %al; outb %al, $0xe9; \
    movb $10, %al; outb %al, $0xe9; xorl %eax, %eax; outl %eax, $0xf4; 7: jmp 7b
/* From ring 3, or virtual-8086 mode. */
#define FAIL_USER movl $__LINE__, %eax; int $0x41; 7: jmp 7b

/* CHECK(e): the condition must hold. CHECK_EQ(l, $1, %eax): cmpl $1, %eax. */
#define CHECK(cc) j##cc 8f; FAIL; 8:
#define CHECK_USER(cc) j##cc 8f; FAIL_USER; 8:
#define BEGIN
#define NOTE(n, value, high) /* a number for a table of tests/guest/three_way */
#define NO_FAULT FAIL
#define GOT(vec, err, call_seen) cmpl $(vec), got_vector; CHECK(e) \
    cmpl $(err), got_error; CHECK(e)
#else
#include "three_way.h" /* the same, telling each check's outcome and going on */
#endif
#define CHECK_EQ(size, ...) cmp##size __VA_ARGS__; CHECK(e)

/* The instructions must raise vector vec with error code err; 32-bit code. Whatever ring
 * they end in, the test goes on in ring 0 with flat segments and the same stack. */
#define EXPECT(vec, err, ...) BEGIN movl $9f, resume; movl %esp, resume_sp; __VA_ARGS__; \
    NO_FAULT; 9: GOT(vec, err, call seen32)
/* The same, and the fault must be at label 6, put by the caller. */
#define EXPECT_AT(vec, err, ...) EXPECT(vec, err, __VA_ARGS__) cmpl $6b, got_rip; CHECK(e)
/* A page fault with its error code at its address. */
#define EXPECT_PF(err, at, ...) EXPECT(PF, err, __VA_ARGS__) cmpl $(at), got_cr2; CHECK(e)

/* In 64-bit code. */
#define EXPECT64(vec, err, ...) BEGIN movq $9f, resume; movq %rsp, resume_sp; __VA_ARGS__; \
    NO_FAULT; 9: GOT(vec, err, call seen64)
#define EXPECT64_PF(err, at, ...) EXPECT64(PF, err, __VA_ARGS__) \
    movabs $(at), %r15; cmpq %r15, got_cr2; CHECK(e)

/* To ring 3, at label, with a stack of its own. */
#define TO_USER(label) pushl $USER_DATA; pushl $user_stack; pushl $2; \
    pushl $USER_CODE; pushl $label; iretl
#define TO_USER64(label) pushq $USER_DATA; pushq $user_stack; pushq $2; \
    pushq $USER_CODE64; pushq $label; iretq

/* A descriptor: attributes as LAR shows them, >> 8 (type ... P, then AVL L D G << 12). */
#define DESCRIPTOR(base, limit, attr) \
    .word (limit) & 0xffff; .word (base) & 0xffff; .byte (base) >> 16 & 0xff; \
    .byte (attr) & 0xff; .byte ((attr) >> 8 & 0xf0) | ((limit) >> 16 & 0xf); \
    .byte (base) >> 24 & 0xff
/* The same into the GDT at run time; flags and EAX change. */
#define SET_DESCRIPTOR(slot, base, limit, attr) \
    movl $(((limit) & 0xffff) | ((base) & 0xffff) << 16), gdt + (slot); \
    movl $(((base) >> 16 & 0xff) | ((attr) & 0xff) << 8 | ((limit) & 0xf0000) | \
           ((attr) & 0xf000) << 8 | ((base) & 0xff000000)), gdt + (slot) + 4
/* A gate; base is a symbol: filled in by the library. Uses EAX, EDX. */
#define SET_GATE(slot, selector, offset, attr) movl $offset, %eax; \
    movl $((selector) << 16 | (attr) << 8), %edx; movl $gdt + (slot), %edi; call put_gate
#define SET_IDT(vector, selector, offset, attr) movl $offset, %eax; \
    movl $((selector) << 16 | (attr) << 8), %edx; movl $idt32 + 8 * (vector), %edi; \
    call put_gate
/* attr: 8Eh interrupt gate, 8Fh trap gate. Uses RAX, RDI. */
#define SET_IDT64(vector, selector, offset, attr, ist) movl $offset, %eax; \
    movl $((selector) << 16 | (attr) << 8 | (ist)), %edx; \
    movl $idt64 + 16 * (vector), %edi; call put_gate64

/* A body as often as said; EBP counts down to 1. */
#define LOOP(count, ...) movl $(count), %ebp; 5: __VA_ARGS__; decl %ebp; jnz 5b

/* Application processors (Intel SDM vol 3A 8.4.4). PLACE_AP_START enables this CPU's APIC
 * and copies to 9000h what AP_START, at the end of .text, made: it takes a CPU from real
 * mode to ap_main in 32-bit code, which begins with AP_SEGMENTS. LOOPS lets a while pass. */
#define LOOPS(n) movl $(n), %ecx; 8: loop 8b
#define PLACE_AP_START movl $0x1ff, LAPIC + 0xf0; movl $ap_start, %esi; \
    movl $0x9000, %edi; movl $(ap_end - ap_start), %ecx; rep movsb
#define ICR_INIT 0x4500
#define ICR_START 0x4609 /* at 9000h */
#define ICR_OTHERS 0xc0000
#define AP_SEGMENTS movl $DATA, %eax; movl %eax, %ds; movl %eax, %es; movl %eax, %ss
#define AP_START .code16; ap_start: cli; xorw %ax, %ax; movw %ax, %ds; lgdtl gdtr; \
    movl %cr0, %eax; orb $1, %al; movl %eax, %cr0; ljmpl $CODE32, $ap_main; ap_end: \
    .code32

    .globl main
