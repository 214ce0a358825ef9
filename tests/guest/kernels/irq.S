/* irq.S - 8259s, 8254, RTC and HPET interrupts; STI's shadow; HLT; NMI through port 61h
 * and the local APIC; IRET ends NMI blocking.
 */
#include "lib.h"

    .text
main:
    SET_IDT(0x20, CODE32, timer, 0x8e)
    SET_IDT(0x28, CODE32, rtc, 0x8e)
    SET_IDT(0x70, CODE32, hpet_irq, 0x8e)
    SET_IDT(NMI, CODE32, nmi, 0x8e)

    /* Timer 0, mode 2, every 1193 counts: a millisecond. */
    movb $0x34, %al
    outb %al, $0x43
    movw $1193, %ax
    outb %al, $0x40
    movb %ah, %al
    outb %al, $0x40
    movb $0xfe, %al
    outb %al, $0x21
    sti
1:  cmpl $5, ticks
    jb 1b
    /* HLT waits for it. */
    movl ticks, %ebx
    hlt
    incl %ebx
    CHECK_EQ(l, %ebx, ticks)
    hlt
    incl %ebx
    CHECK_EQ(l, %ebx, ticks)
    cli

    /* Off: nothing comes while IF is clear; STI lets it in after one instruction. */
    movl ticks, %ebx
    movl $200000, %ecx
1:  loop 1b
    CHECK_EQ(l, %ebx, ticks)
    movb $0x0a, %al
    outb %al, $0x20
    inb $0x20, %al
    testb $1, %al /* it waits in the IRR */
    CHECK(nz)
    sti
    movl ticks, %ecx
    movl ticks, %edx
    cli
    CHECK_EQ(l, %ebx, %ecx)
    incl %ebx
    CHECK_EQ(l, %ebx, %edx)
    /* STI CLI lets nothing in. */
    movl $200000, %ecx
1:  loop 1b
    sti
    cli
    CHECK_EQ(l, %ebx, ticks)
    /* MOV SS holds interrupts off as well. */
    movl %ss, %edx
    pushfl
    orl $0x200, (%esp)
    sti
    movl %edx, %ss
    movl ticks, %ecx
    cli
    popl %eax
    incl %ebx
    CHECK_EQ(l, %ebx, ticks)
    movb $0xff, %al
    outb %al, $0x21

    /* The RTC's periodic interrupt, 1024 Hz, through both controllers. */
    movb $0x0a, %al
    outb %al, $0x70
    movb $0x26, %al
    outb %al, $0x71
    movb $0x0b, %al
    outb %al, $0x70
    movb $0x42, %al
    outb %al, $0x71
    movb $0xfb, %al
    outb %al, $0x21
    movb $0xfe, %al
    outb %al, $0xa1
    sti
1:  hlt
    cmpl $3, rtcs
    jb 1b
    cli
    movb $0xff, %al
    outb %al, $0xa1
    outb %al, $0x21
    movb $0x0b, %al
    outb %al, $0x70
    movb $2, %al
    outb %al, $0x71

    /* HPET timer 0 through the IOAPIC, one-shot, level 20 of 24. */
    movl $0x1ff, LAPIC + 0xf0
    movl $0x10 + 2 * 20, IOAPIC
    movl $0x70, IOAPIC + 0x10
    movl $0x11 + 2 * 20, IOAPIC
    movl $0, IOAPIC + 0x10
    movl $20 << 9 | 4, HPET + 0x100
    movl $0, HPET + 0xf0
    movl $0, HPET + 0xf4
    movl $1000, HPET + 0x108
    movl $0, HPET + 0x10c
    movl $1, HPET + 0x10
    sti
    hlt
    cli
    CHECK_EQ(l, $1, hpets)
    movl HPET + 0xf0, %eax
    cmpl $1000, %eax
    CHECK(ae)

    /* NMI: an IPI to itself; a second one waits for IRET. */
    movl $0, nmis
    movl $0, LAPIC + 0x310
    movl $1, nmi_sends
    movl $0x00000400, LAPIC + 0x300 /* NMI, physical, to 0 */
    nop
    nop
    CHECK_EQ(l, $2, nmis)
    CHECK_EQ(l, $1, nmi_depth)
    PASS

timer:
    pushl %eax
    incl ticks
    movb $0x20, %al
    outb %al, $0x20
    popl %eax
    iretl
rtc:
    pushl %eax
    incl rtcs
    movb $0x0c, %al
    outb %al, $0x70
    inb $0x71, %al
    testb $0xc0, %al
    CHECK(nz)
    movb $0x20, %al
    outb %al, $0xa0
    outb %al, $0x20
    popl %eax
    iretl
hpet_irq:
    incl hpets
    movl $0, LAPIC + 0xb0
    iretl
nmi:
    incl nmis
    incl in_nmi
    movl in_nmi, %eax
    cmpl nmi_depth, %eax
    jbe 1f
    movl %eax, nmi_depth
1:  cmpl $1, nmi_sends
    jne 1f
    incl nmi_sends
    movl $0x00000400, LAPIC + 0x300
    nop
    nop
    nop
1:  decl in_nmi
    iretl

    .section .low
ticks: .long 0
rtcs: .long 0
hpets: .long 0
nmis: .long 0
in_nmi: .long 0
nmi_depth: .long 0
nmi_sends: .long 0
