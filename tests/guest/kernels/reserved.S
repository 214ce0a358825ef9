/* reserved.S - what control registers, XCR0 and model-specific registers refuse: reserved
 * bits (PDPTEs' too), combinations that may not be, addresses that are not canonical,
 * memory types that do not exist. Intel SDM vol 3A 2.5, 2.6, 4.1, 4.4.1, 4.10.1, 9.8.5,
 * 10.4.4, 11.11, 11.12; vol 2 MOV (control and debug registers), WRMSR, XSETBV, WRPKRU;
 * vol 1 13.3; vol 4 Table 2-2.
 *
 * Where nothing is refused, the old value is put back, so that the next line can be tried.
 */
#include "lib.h"

#define APIC_BASE 0x1b
#define SYSENTER_CS 0x174
#define SYSENTER_ESP 0x175
#define SYSENTER_EIP 0x176
#define MTRR_CAP 0xfe
#define DEBUGCTL 0x1d9
#define MTRR_BASE0 0x200
#define MTRR_MASK0 0x201
#define MTRR_FIX64K 0x250
#define MTRR_FIX4K_F8 0x26f
#define PAT 0x277
#define MTRR_DEF 0x2ff
#define X2APIC_ID 0x802
#define XSS 0xda0
#define EFER 0xc0000080
#define STAR 0xc0000081
#define LSTAR 0xc0000082
#define CSTAR 0xc0000083
#define FMASK 0xc0000084
#define FS_BASE 0xc0000100
#define GS_BASE 0xc0000101
#define KERNEL_GS_BASE 0xc0000102
#define TSC_AUX 0xc0000103

/* 32-bit code. */
#define CR_REFUSES(cr, bits) EXPECT(GP, 0, movl %cr, %eax; movl %eax, kept; \
    orl $(bits), %eax; movl %eax, %cr; movl kept, %eax; movl %eax, %cr)
/* 64-bit code: with these bits set, or with this value. */
#define CR64_REFUSES(cr, bits) EXPECT64(GP, 0, movq %cr, %rax; movq %rax, kept; \
    movabs $(bits), %rdx; orq %rdx, %rax; movq %rax, %cr; movq kept, %rax; movq %rax, %cr)
#define CR64_NEEDS(cr, bit) EXPECT64(GP, 0, movq %cr, %rax; movq %rax, kept; \
    btrq $(bit), %rax; movq %rax, %cr; movq kept, %rax; movq %rax, %cr)
#define KEEP_MSR rdmsr; movl %eax, kept; movl %edx, kept + 4
#define BACK_MSR movl kept, %eax; movl kept + 4, %edx; wrmsr
#define MSR_REFUSES(n, high, low) EXPECT64(GP, 0, movl $(n), %ecx; KEEP_MSR; \
    movl $(low), %eax; movl $(high), %edx; wrmsr; BACK_MSR)
#define MSR_REFUSES_BITS(n, high, low) EXPECT64(GP, 0, movl $(n), %ecx; KEEP_MSR; \
    orl $(low), %eax; orl $(high), %edx; wrmsr; BACK_MSR)
#define MSR_TAKES(n, high, low) movl $(n), %ecx; movl $(low), %eax; movl $(high), %edx; \
    wrmsr; rdmsr; CHECK_EQ(l, $(low), %eax); CHECK_EQ(l, $(high), %edx)
#define XCR0_REFUSES(low) EXPECT64(GP, 0, xorl %ecx, %ecx; xgetbv; movl %eax, kept; \
    movl %edx, kept + 4; movl $(low), %eax; xorl %edx, %edx; xsetbv; movl kept, %eax; \
    movl kept + 4, %edx; xsetbv)

    .text
main:
    /* ---- 32-bit, no paging ---- */
    movl %cr0, %eax
    andl $0x1fffffff, %eax
    movl %eax, %cr0
    EXPECT(GP, 0, movl %cr0, %eax; movl %eax, kept; andl $~1, %eax; orl $0x80000000, %eax; \
           movl %eax, %cr0; movl kept, %eax; movl %eax, %cr0) /* PG without PE */
    CR_REFUSES(cr0, 0x20000000) /* NW without CD */
    movl %cr0, %ebx
    movl %ebx, %eax
    orl $0x60000000, %eax
    movl %eax, %cr0 /* with CD it may be */
    movl %cr0, %eax
    movl %ebx, %cr0
    andl $0x60000000, %eax
    CHECK_EQ(l, $0x60000000, %eax)
    movl %ebx, %eax
    orl $0x1ffaffc0, %eax /* reserved bits of CR0 31:0 are ignored */
    movl %eax, %cr0
    movl %cr0, %eax
    movl %ebx, %cr0
    CHECK_EQ(l, %ebx, %eax)
    movl %ebx, %eax
    andl $~0x10, %eax /* ET is wired */
    movl %eax, %cr0
    movl %cr0, %eax
    CHECK_EQ(l, %ebx, %eax)

    movl $cr4_bits, %ebx
1:  EXPECT(GP, 0, movl %cr4, %eax; movl %eax, kept; orl (%ebx), %eax; movl %eax, %cr4; \
           movl kept, %eax; movl %eax, %cr4) /* a reserved bit of CR4 */
    addl $4, %ebx
    cmpl $cr4_bits_end, %ebx
    jne 1b
    CR_REFUSES(cr4, 0x00020000) /* PCIDE outside IA-32e mode */
    EXPECT(UD, 0, .byte 0x0f, 0x20, 0xc8) /* MOV from and to CR1, 5, 6, 7 */
    EXPECT(UD, 0, .byte 0x0f, 0x22, 0xc8)
    EXPECT(UD, 0, .byte 0x0f, 0x20, 0xe8)
    EXPECT(UD, 0, .byte 0x0f, 0x22, 0xe8)
    EXPECT(UD, 0, .byte 0x0f, 0x20, 0xf0)
    EXPECT(UD, 0, .byte 0x0f, 0x22, 0xf0)
    EXPECT(UD, 0, .byte 0x0f, 0x20, 0xf8)
    EXPECT(UD, 0, .byte 0x0f, 0x22, 0xf8)

    /* PAE paging reads four PDPTEs when CR3 is loaded, and when CD, NW, PG, PAE, PGE or PSE
     * change; a present one with a reserved bit is #GP (vol 3A 4.4.1). */
    call make_tables
    movl $pae_pdpt, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x20, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    movl $pdpte_bits, %ebx
1:  movl (%ebx), %eax
    orl %eax, pae_pdpt + 24
    movl 4(%ebx), %eax
    orl %eax, pae_pdpt + 28
    EXPECT(GP, 0, movl %cr3, %eax; movl %eax, %cr3) /* a reserved bit in PDPTE 3 */
    movl $pds + 0x3001, pae_pdpt + 24
    movl $0, pae_pdpt + 28
    addl $8, %ebx
    cmpl $pdpte_bits_end, %ebx
    jne 1b
    movl %cr3, %eax
    movl $pds + 0x3e19, pae_pdpt + 24 /* PWT, PCD and bits 11:9 may be anything */
    movl %eax, %cr3
    movl $pds + 0x3003, pae_pdpt + 24
    EXPECT(GP, 0, movl %cr4, %eax; xorl $0x10, %eax; movl %eax, %cr4) /* PSE */
    EXPECT(GP, 0, movl %cr4, %eax; xorl $0x80, %eax; movl %eax, %cr4) /* PGE */
    EXPECT(GP, 0, movl %cr0, %eax; xorl $0x40000000, %eax; movl %eax, %cr0) /* CD */
    /* TSD and WP read nothing. */
    EXPECT(HOME, 0, movl %cr4, %eax; xorl $4, %eax; movl %eax, %cr4; xorl $4, %eax; \
           movl %eax, %cr4; int $HOME)
    EXPECT(HOME, 0, movl %cr0, %eax; xorl $0x10000, %eax; movl %eax, %cr0; \
           xorl $0x10000, %eax; movl %eax, %cr0; int $HOME)
    movl LAPIC + 0x20, %ecx /* and what was read before is in force */
    movl $pds + 0x3001, pae_pdpt + 24
    movl %cr0, %eax
    andl $0x3fffffff, %eax
    movl %eax, %cr0
    movl %cr4, %eax
    andl $~0xb4, %eax
    movl %eax, %cr4

    /* Into IA-32e mode: not without PAE, not with a 16-bit TSS (vol 3A 9.8.5). */
    call make_tables
    movl $pd32, %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    rdmsr
    orl $0x100, %eax /* LME */
    wrmsr
    EXPECT(GP, 0, movl %cr0, %eax; orl $0x80000000, %eax; movl %eax, %cr0; \
           andl $0x7fffffff, %eax; movl %eax, %cr0) /* PG and LME without PAE */
    movl %cr4, %eax
    orl $0x20, %eax
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    SET_DESCRIPTOR(FREE, 0, 0x2b, 0x0081)
    movl $tss_16, %eax
    movw %ax, gdt + FREE + 2
    movl $FREE, %eax
    ltr %ax
    EXPECT(GP, 0, movl %cr0, %eax; orl $0x80000000, %eax; movl %eax, %cr0; \
           andl $0x7fffffff, %eax; movl %eax, %cr0) /* PG and LME with a 16-bit TSS */
    movb $0x89, gdt + TSS + 5
    movl $TSS, %eax
    ltr %ax
    movl %cr4, %eax
    andl $~0x20, %eax
    movl %eax, %cr4

    /* ---- 64-bit ---- */
    call enter_long
    .code64
    CR64_REFUSES(cr0, 0x0000000100000000)
    CR64_REFUSES(cr0, 0x8000000000000000)
    CR64_REFUSES(cr4, 0x0000000100000000) /* FRED and LAM_SUP are above, where they are */
    CR64_REFUSES(cr4, 0x8000000000000000)
    CR64_REFUSES(cr3, 0x0010000000000000) /* bit 52: above any MAXPHYADDR */
    CR64_REFUSES(cr3, 0x8000000000000000) /* "do not flush", and PCIDE is clear */
    movl $0x80000008, %eax
    cpuid
    movzbl %al, %ecx
    xorl %ebx, %ebx
    btsq %rcx, %rbx
    EXPECT64(GP, 0, movq %cr3, %rax; movq %rax, kept; orq %rbx, %rax; movq %rax, %cr3; \
             movq kept, %rax; movq %rax, %cr3) /* the first bit above MAXPHYADDR */
    CR64_REFUSES(cr8, 0x10)
    CR64_REFUSES(cr8, 0x100000000)
    CR64_NEEDS(cr0, 0)
    CR64_NEEDS(cr0, 31)
    CR64_NEEDS(cr4, 5)
    EXPECT64(GP, 0, movq %cr4, %rax; xorl $0x1000, %eax; movq %rax, %cr4) /* LA57 */
    CR64_REFUSES(cr0, 0x20000000)
    EXPECT64(UD, 0, .byte 0x44, 0x0f, 0x20, 0xc8) /* CR9 */
    EXPECT64(UD, 0, .byte 0x44, 0x0f, 0x22, 0xf8) /* CR15 */
    EXPECT64(UD, 0, .byte 0x44, 0x0f, 0x21, 0xc0) /* DR8 */
    /* PCIDE: only with PCID 0; and then PG is held. */
    EXPECT64(GP, 0, movq %cr3, %rax; movq %rax, kept; orl $8, %eax; movq %rax, %cr3; \
             movq %cr4, %rax; orl $0x20000, %eax; movq %rax, %cr4)
    movq %cr4, %rax
    andl $~0x20000, %eax
    movq %rax, %cr4
    movl $pml4, %eax
    movq %rax, %cr3

    /* Debug registers: bits 63:32 of DR6 and DR7; DR4 and DR5 with CR4.DE. */
    EXPECT64(GP, 0, movabs $0x100000000, %rax; movq %rax, %dr6)
    EXPECT64(GP, 0, movabs $0x100000400, %rax; movq %rax, %dr7)
    movq %dr4, %rax
    movq %cr4, %rbx
    movq %rbx, %rax
    orl $8, %eax
    movq %rax, %cr4
    EXPECT64(UD, 0, movq %dr4, %rax)
    EXPECT64(UD, 0, movq %rax, %dr5)
    movq %rbx, %cr4

    /* EFER. */
    MSR_REFUSES_BITS(EFER, 0, 0x2)
    MSR_REFUSES_BITS(EFER, 0, 0x200)
    MSR_REFUSES_BITS(EFER, 0, 0x1000)
    MSR_REFUSES_BITS(EFER, 0, 0x8000)
    MSR_REFUSES_BITS(EFER, 0, 0x80000000)
    MSR_REFUSES_BITS(EFER, 1, 0)
    EXPECT64(GP, 0, movl $EFER, %ecx; KEEP_MSR; btrl $8, %eax; wrmsr; BACK_MSR) /* LME */
    movl $EFER, %ecx
    rdmsr
    movl %eax, %ebx
    andl $~0x800, %eax
    wrmsr
    rdmsr
    xorl $0x800, %eax
    CHECK_EQ(l, %ebx, %eax)
    wrmsr

    /* Addresses: canonical, to the width that the CPU has (vol 2, WRMSR; vol 4). */
    MSR_REFUSES(LSTAR, 0x01000000, 0)
    MSR_REFUSES(CSTAR, 0x01000000, 0)
    MSR_REFUSES(FS_BASE, 0x01000000, 0)
    MSR_REFUSES(GS_BASE, 0x80000000, 0)
    MSR_REFUSES(KERNEL_GS_BASE, 0x7fffffff, 0xffffffff)
    MSR_REFUSES(SYSENTER_ESP, 0x01000000, 0)
    MSR_REFUSES(SYSENTER_EIP, 0xfeffffff, 0)
    MSR_TAKES(LSTAR, 0xffff8000, 0x12345678)
    MSR_TAKES(KERNEL_GS_BASE, 0x00007fff, 0xffffffff)
    MSR_TAKES(SYSENTER_EIP, 0xffffffff, 0x80000000)
    movl $7, %eax
    xorl %ecx, %ecx
    cpuid
    btl $16, %ecx /* LA57 */
    jc 1f
    MSR_REFUSES(LSTAR, 0x00008000, 0)
    MSR_REFUSES(SYSENTER_ESP, 0x00010000, 0)
    jmp 2f
1:  MSR_TAKES(LSTAR, 0x00008000, 0)
    MSR_TAKES(SYSENTER_ESP, 0x00010000, 0)
2:
    MSR_REFUSES(FMASK, 1, 0)
    MSR_REFUSES(TSC_AUX, 1, 0)
    MSR_TAKES(STAR, 0xffffffff, 0xffffffff)

    /* What is not there, or may only be read. */
    EXPECT64(GP, 0, movl $0x12345678, %ecx; rdmsr)
    EXPECT64(GP, 0, movl $0x12345678, %ecx; xorl %eax, %eax; xorl %edx, %edx; wrmsr)
    EXPECT64(GP, 0, movl $0x40000000, %ecx; rdmsr) /* never a register of a CPU */
    EXPECT64(GP, 0, movl $MTRR_CAP, %ecx; rdmsr; wrmsr)
    EXPECT64(GP, 0, movl $X2APIC_ID, %ecx; rdmsr) /* not in xAPIC mode */

    /* PAT: types 0, 1, 4 to 7 in each of eight fields, of three bits in eight. */
    movl $PAT, %ecx
    rdmsr
    movl %eax, pat_kept
    movl %edx, pat_kept + 4
    xorl %ebx, %ebx
1:  movq $0, pat_new
    movb pat_bad(%rbx), %al
    movl %ebx, %edx
    andl $7, %edx
    movb %al, pat_new(%rdx)
    EXPECT64(GP, 0, movl $PAT, %ecx; movl pat_new, %eax; movl pat_new + 4, %edx; wrmsr)
    incl %ebx
    cmpl $pat_end - pat_bad, %ebx
    jne 1b
    MSR_TAKES(PAT, 0x07060504, 0x01000101)
    movl $PAT, %ecx
    movl pat_kept, %eax
    movl pat_kept + 4, %edx
    wrmsr

    /* MTRRs: types 0, 1, 4, 5, 6. */
    MSR_REFUSES(MTRR_BASE0, 0, 2)
    MSR_REFUSES(MTRR_BASE0, 0, 3)
    MSR_REFUSES(MTRR_BASE0, 0, 7)
    MSR_REFUSES(MTRR_BASE0, 0, 0x106)
    MSR_REFUSES(MTRR_BASE0, 0x00100000, 6)
    MSR_REFUSES(MTRR_MASK0, 0, 1)
    MSR_REFUSES(MTRR_MASK0, 0, 0x400)
    MSR_REFUSES(MTRR_MASK0, 0x80000000, 0x800)
    MSR_TAKES(MTRR_BASE0, 0, 0x40000001)
    MSR_TAKES(MTRR_MASK0, 0, 0xf0000000)
    MSR_REFUSES(MTRR_FIX64K, 0, 0x02)
    MSR_REFUSES(MTRR_FIX64K, 0x07000000, 0)
    MSR_REFUSES(MTRR_FIX4K_F8, 0x00000300, 0)
    MSR_REFUSES(MTRR_DEF, 0, 0x02)
    MSR_REFUSES_BITS(MTRR_DEF, 0, 0x100)
    MSR_REFUSES_BITS(MTRR_DEF, 0, 0x1000)
    MSR_REFUSES_BITS(MTRR_DEF, 1, 0)

    /* APIC base. */
    MSR_REFUSES_BITS(APIC_BASE, 0, 0x01)
    MSR_REFUSES_BITS(APIC_BASE, 0, 0x80)
    MSR_REFUSES_BITS(APIC_BASE, 0, 0x200)
    MSR_REFUSES_BITS(APIC_BASE, 0x00100000, 0)
    movl $1, %eax
    cpuid
    btl $21, %ecx /* x2APIC */
    jnc 1f
    /* EXTD without EN; and the way back out of x2APIC mode leads through "disabled". */
    EXPECT64(GP, 0, movl $APIC_BASE, %ecx; KEEP_MSR; andl $~0x800, %eax; orl $0x400, %eax; \
             wrmsr; BACK_MSR)
    movl $APIC_BASE, %ecx
    rdmsr
    movl %eax, %ebx
    orl $0xc00, %eax
    wrmsr
    EXPECT64(GP, 0, movl $APIC_BASE, %ecx; rdmsr; andl $~0x400, %eax; wrmsr)
    EXPECT64(GP, 0, movl $APIC_BASE, %ecx; rdmsr; andl $~0x800, %eax; wrmsr)
    movl $APIC_BASE, %ecx
    rdmsr
    andl $0xc00, %eax
    CHECK_EQ(l, $0xc00, %eax)
    EXPECT64(GP, 0, movl $X2APIC_ID, %ecx; rdmsr; wrmsr) /* read-only */
    EXPECT64(GP, 0, movl $0x80e, %ecx; rdmsr) /* no DFR there */
    movl $APIC_BASE, %ecx
    rdmsr
    andl $~0xc00, %eax
    wrmsr
    EXPECT64(GP, 0, movl $APIC_BASE, %ecx; rdmsr; orl $0x400, %eax; wrmsr)
    movl $APIC_BASE, %ecx
    movl %ebx, %eax
    xorl %edx, %edx
    wrmsr
1:
    /* XCR0 (vol 1 13.3): x87 is always there; AVX wants SSE; AVX-512's three are one, and
     * want AVX; so are the two of MPX. */
    EXPECT64(UD, 0, xorl %ecx, %ecx; xgetbv) /* CR4.OSXSAVE is clear */
    EXPECT64(UD, 0, xorl %ecx, %ecx; movl $1, %eax; xorl %edx, %edx; xsetbv)
    movq %cr4, %rax
    orl $0x40000, %eax
    movq %rax, %cr4
    XCR0_REFUSES(0)
    XCR0_REFUSES(2)
    XCR0_REFUSES(5)
    XCR0_REFUSES(4)
    XCR0_REFUSES(0x0b)
    XCR0_REFUSES(0x13)
    XCR0_REFUSES(0x27)
    XCR0_REFUSES(0x47)
    XCR0_REFUSES(0x87)
    XCR0_REFUSES(0x67)
    XCR0_REFUSES(0xe3)
    XCR0_REFUSES(0x103)
    XCR0_REFUSES(0x403)
    XCR0_REFUSES(0x80000003)
    EXPECT64(GP, 0, xorl %ecx, %ecx; movl $3, %eax; movl $0x80000000, %edx; xsetbv)
    EXPECT64(GP, 0, movl $1, %ecx; movl $1, %eax; xorl %edx, %edx; xsetbv)
    EXPECT64(GP, 0, movl $2, %ecx; xgetbv)
    EXPECT64(GP, 0, TO_USER64(user_xsetbv))
    xorl %ecx, %ecx
    movl $7, %eax
    xorl %edx, %edx
    xsetbv
    xgetbv
    CHECK_EQ(l, $7, %eax)
    MSR_REFUSES(XSS, 0, 1) /* x87 state is none of IA32_XSS */
    MSR_REFUSES(XSS, 0x80000000, 0)

    /* PKRU. */
    movl $7, %eax
    xorl %ecx, %ecx
    cpuid
    btl $3, %ecx
    jnc 1f
    movq %cr4, %rax
    andl $~0x400000, %eax
    movq %rax, %cr4
    EXPECT64(UD, 0, xorl %ecx, %ecx; xorl %eax, %eax; xorl %edx, %edx; wrpkru)
    movq %cr4, %rax
    orl $0x400000, %eax
    movq %rax, %cr4
    EXPECT64(GP, 0, movl $1, %ecx; xorl %eax, %eax; xorl %edx, %edx; wrpkru)
    EXPECT64(GP, 0, xorl %ecx, %ecx; xorl %eax, %eax; movl $1, %edx; wrpkru)
1:
    PASS

user_xsetbv:
    xorl %ecx, %ecx
    movl $1, %eax
    xorl %edx, %edx
    xsetbv
    int $HOME

    .balign 8
pdpte_bits:
    .long 2, 0, 4, 0, 0x20, 0, 0x40, 0, 0x80, 0, 0x100, 0, 0, 1 << 20, 0, 1 << 31
pdpte_bits_end:
cr4_bits: /* those that no manual gives a meaning below bit 32 */
    .long 0x8000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80000000
cr4_bits_end:
pat_bad: /* a byte for field 0 to 7, again and again */
    .byte 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3
    .byte 8, 0x10, 0x20, 0x40, 0x80, 0x0e, 0x16, 0xff
pat_end:

    .section .low
    .balign 8
kept: .quad 0
pat_new: .quad 0
pat_kept: .quad 0
tss_16: .skip 48
