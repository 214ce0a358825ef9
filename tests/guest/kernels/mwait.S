/* mwait.S - MONITOR and MWAIT between two CPUs: every kind of store to the line wakes the
 * waiting one, also one that changes nothing or is undone at once, and one by DMA; stores
 * beside it do not. Interrupts are off: a missed store would be a hang. Intel SDM vol 2,
 * MONITOR, MWAIT.
 */
#include "lib.h"

/* Lets the other CPU wait again, long enough for it to get there; EBP counts. */
#define WAITS incl %ebp; call waits
#define WOKEN call woken

    .text
main:
    PLACE_AP_START
    movl $ICR_OTHERS + ICR_INIT, LAPIC + 0x300
    LOOPS(10000)
    movl $ICR_OTHERS + ICR_START, LAPIC + 0x300
    xorl %ebp, %ebp

    WAITS
    movl $1, line
    WOKEN
    WAITS
    movb $1, line + 63
    WOKEN
    WAITS /* across its first byte */
    movl $1, line - 3
    WOKEN
    WAITS /* the same value again */
    movl line + 16, %eax
    movl %eax, line + 16
    WOKEN
    WAITS /* and back, before anybody looks */
    incl line + 8
    decl line + 8
    WOKEN
    WAITS
    lock
    addl $1, line + 4
    WOKEN
    WAITS
    xorl %eax, %eax
    lock
    cmpxchg %eax, line + 60
    WOKEN
    WAITS
    movl $line - 64, %edi
    movl $17, %ecx
    rep stosl
    WOKEN
    WAITS
    movl $line + 64 + 12, %edi
    movl $4, %ecx
    std
    rep stosl
    cld
    CHECK_EQ(l, $line + 64 - 4, %edi)
    call quiet /* that was the next line */
    movl $0, line - 4
    movl $0, line + 64
    call quiet
    pushl line
    movl %esp, %eax
    popl line
    WOKEN
    /* fw_cfg, by DMA: select item 0 (the signature) and read it. All big-endian. */
    WAITS
    movl $0x0a000000, dma
    movl $0x04000000, dma + 4
    movl $0, dma + 8
    movl $line + 32, %eax
    bswapl %eax
    movl %eax, dma + 12
    movl $dma, %eax
    bswapl %eax
    movw $0x518, %dx
    outl %eax, %dx
    CHECK_EQ(l, $0, dma)
    CHECK_EQ(l, $0x554d4551, line + 32) /* QEMU */
    WOKEN
    /* Often enough that all the code is hot. */
    movl $64, %ebx
1:  WAITS
    movl %ebx, line
    WOKEN
    decl %ebx
    jnz 1b

    /* A line in a page that holds code as well. */
    WAITS
    movl $beside_code, where
    movl $0, line
    WOKEN
    movl $64, %ebx
1:  WAITS
    movl %ebx, beside_code + 32
    WOKEN
    decl %ebx
    jnz 1b

    /* On this CPU: a store between MONITOR and MWAIT is not slept through. */
    movl $mine, %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    monitor
    movl $1, mine
    xorl %eax, %eax
    mwait
    PASS

waits:
    pushl %ecx
    movl $100000, %ecx
1:  pause
    cmpl %ebp, round
    je 2f
    loop 1b
    FAIL
2:  LOOPS(20000)
    popl %ecx
    cmpl %ebp, round
    CHECK(e)
    ret
woken:
    pushl %ecx
    movl $100000, %ecx
1:  pause
    cmpl %ebp, round
    jne 2f
    loop 1b
    FAIL
2:  popl %ecx
    ret
quiet:
    LOOPS(20000)
    cmpl %ebp, round
    CHECK(e)
    ret

ap_main:
    AP_SEGMENTS
1:  movl where, %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    monitor
    incl round
    xorl %eax, %eax
    mwait
    jmp 1b
    .balign 64
beside_code: .skip 64

    AP_START

    .section .low
    .balign 64
round: .long 0
    .balign 16
dma: .long 0, 0, 0, 0
where: .long line + 20
    .balign 64
    .skip 64
line: .skip 64
    .skip 64
mine: .long 0
