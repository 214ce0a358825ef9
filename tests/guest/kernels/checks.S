/* checks.S - smaller mechanisms: #AC, UMIP, TSD, CR and MSR refusals, LOCK, CPUID, A20,
 * the I/O bitmap in ring 3, CMPXCHG8B, XADD with faults. Intel SDM vol 2, vol 3A.
 */
#include "lib.h"

    .text
main:
    /* #AC: CR0.AM, EFLAGS.AC and ring 3. */
    movl %cr0, %eax
    orl $0x40000, %eax
    movl %eax, %cr0
    EXPECT(AC, 0, TO_USER(user_ac))
    EXPECT(HOME, 0, TO_USER(user_aligned))
    pushl $0x40002
    popfl
    movl words + 1, %eax /* ring 0 may */
    pushl $2
    popfl

    /* UMIP. */
    EXPECT(HOME, 0, TO_USER(user_sgdt))
    movl %cr4, %eax
    orl $0x800, %eax
    movl %eax, %cr4
    EXPECT(GP, 0, TO_USER(user_sgdt))
    EXPECT(GP, 0, TO_USER(user_sidt))
    EXPECT(GP, 0, TO_USER(user_sldt))
    EXPECT(GP, 0, TO_USER(user_str))
    EXPECT(GP, 0, TO_USER(user_smsw))
    sgdt words
    CHECK_EQ(w, $GDT_SIZE - 1, words)
    CHECK_EQ(l, $gdt, words + 2)

    /* TSD. */
    EXPECT(HOME, 0, TO_USER(user_rdtsc))
    movl %cr4, %eax
    orl $4, %eax
    movl %eax, %cr4
    EXPECT(GP, 0, TO_USER(user_rdtsc))
    rdtsc

    /* Privileged instructions in ring 3. */
    EXPECT(GP, 0, TO_USER(user_lgdt))
    EXPECT(GP, 0, TO_USER(user_clts))
    EXPECT(GP, 0, TO_USER(user_wrmsr))
    EXPECT(GP, 0, TO_USER(user_invlpg))
    EXPECT(GP, 0, TO_USER(user_cr3))

    /* CR0, CR4 and MSRs refuse. */
    EXPECT(GP, 0, movl $0x80000010, %eax; movl %eax, %cr0) /* PG without PE */
    EXPECT(GP, 0, movl $0x20000011, %eax; movl %eax, %cr0) /* NW without CD */
    EXPECT(GP, 0, movl $0x00008000, %eax; movl %eax, %cr4)
    EXPECT(UD, 0, .byte 0x0f, 0x20, 0xc8)                  /* CR1 */
    EXPECT(GP, 0, movl $0x12345678, %ecx; rdmsr)
    EXPECT(GP, 0, movl $0x12345678, %ecx; wrmsr)
    EXPECT(GP, 0, movl $0xc0000080, %ecx; movl $2, %eax; xorl %edx, %edx; wrmsr)
    EXPECT(GP, 0, movl $0x277, %ecx; movl $2, %eax; xorl %edx, %edx; wrmsr) /* PAT 2 */
    movl $0x10, %ecx
    movl $0x1000, %eax
    movl $5, %edx
    wrmsr
    rdtsc
    CHECK_EQ(l, $5, %edx)
    cmpl $0x1000, %eax
    CHECK(ae)
    cmpl $0x3000, %eax
    CHECK(b)

    /* LOCK: with these it may be, elsewhere #UD. */
    lock
    incl words
    EXPECT(UD, 0, .byte 0xf0; incl %eax)
    EXPECT(UD, 0, .byte 0xf0; movl %eax, words)
    EXPECT(UD, 0, .byte 0xf0; cmpl %eax, words)
    EXPECT(UD, 0, .byte 0x0f, 0xc7, 0xc8) /* CMPXCHG8B with a register */
    movl $1, words
    movl $2, words + 4
    movl $1, %eax
    movl $2, %edx
    movl $3, %ebx
    movl $4, %ecx
    lock
    cmpxchg8b words
    CHECK(z)
    CHECK_EQ(l, $4, words + 4)
    lock
    cmpxchg8b words
    CHECK(nz)
    CHECK_EQ(l, $3, %eax)
    CHECK_EQ(l, $4, %edx)

    /* CPUID: the vendor is text, leaf 1 agrees with CR4, beyond the last leaf. */
    xorl %eax, %eax
    cpuid
    cmpl $7, %eax
    CHECK(ae)
    CHECK_EQ(l, $0x756e6547, %ebx) /* "Genu" */
    movl $1, %eax
    cpuid
    testl $1 << 4, %edx /* TSC */
    CHECK(nz)
    testl $1 << 27, %ecx /* OSXSAVE is off */
    CHECK(z)
    movl %cr4, %eax
    orl $0x40000, %eax
    movl %eax, %cr4
    movl $1, %eax
    cpuid
    testl $1 << 27, %ecx
    CHECK(nz)

    /* A20: with the gate closed every odd MiB is the even one below. From low memory. */
    call a20_check

    /* The I/O bitmap in ring 3. */
    movw $104, tss32 + 102 /* beyond the limit: no port */
    EXPECT(GP, 0, TO_USER(user_out80))
    PASS

user_ac:
    movl $USER_DATA, %eax
    movl %eax, %ds
    pushl $0x40002
    popfl
    movl words + 1, %eax
    FAIL_USER
user_aligned:
    movl $USER_DATA, %eax
    movl %eax, %ds
    pushl $0x40002
    popfl
    movl words, %eax
    movb words + 1, %al
    movw words + 2, %ax
    int $HOME
user_sgdt:
    movl $USER_DATA, %eax
    movl %eax, %ds
    sgdt words
    int $HOME
user_sidt:
    movl $USER_DATA, %eax
    movl %eax, %ds
    sidt words
user_sldt:
    sldt %eax
user_str:
    str %eax
user_smsw:
    smsw %eax
user_rdtsc:
    rdtsc
    int $HOME
user_lgdt:
    movl $USER_DATA, %eax
    movl %eax, %ds
    lgdt gdtr
user_clts:
    clts
user_wrmsr:
    wrmsr
user_invlpg:
    movl $USER_DATA, %eax
    movl %eax, %ds
    invlpg words
user_cr3:
    movl %cr3, %eax
user_out80:
    outb %al, $0x80

    .section .low
    .code32
a20_check:
    movl $0x11223344, 0x500
    movl $0x55667788, 0x300500
    movl %esp, %edx
    movl $0x1f00, %esp
    inb $0x92, %al
    andb $0xfd, %al
    outb %al, $0x92
    CHECK_EQ(l, $0x55667788, 0x300500) /* either gate may open it */
    movb $0xdd, %al
    outb %al, $0x64
    movl 0x300500, %ecx
    movl $0x99aabbcc, 0x100500
    movb $0xdf, %al
    outb %al, $0x64
    movl %edx, %esp
    cmpl $0x99aabbcc, 0x500
    CHECK(e)
    cmpl 0x200500, %ecx
    CHECK(e)
    CHECK_EQ(l, $0x55667788, 0x300500)
    ret
    .balign 16
words: .skip 32
