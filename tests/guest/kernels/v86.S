/* v86.S - virtual-8086 mode: IOPL rules, faults to ring 0, the I/O permission bitmap,
 * and with CR4.VME interrupt redirection, VIF and VIP. Intel SDM vol 3A ch. 20.
 */
#include "lib.h"

#define IOPL3 0x3000
#define VIF 0x80000
#define VIP 0x100000
#define SAY(v) movw $(v), %ax; int $HOME
/* Into virtual-8086 mode at label in .low, with flags. */
#define TO_V86(label, flags) pushl $0x44; pushl $0x33; pushl $0x22; pushl $0x11; \
    pushl $0; pushl $0x1f00; pushl $(0x20002 | (flags)); pushl $0; pushl $label; iretl

    .text
main:
    /* A TSS with an I/O bitmap: port 80h closed, all others below 100h open, and the
     * interrupt redirection map before it: 21h goes to the IDT. */
    movl $big_tss, %eax
    movw %ax, gdt + TSS + 2
    shrl $16, %eax
    movb %al, gdt + TSS + 4
    movb %ah, gdt + TSS + 7
    movw $0x67 + 32 + 33, gdt + TSS
    movb $0x89, gdt + TSS + 5
    movl $TSS, %eax
    ltr %ax
    movl $fault_stack, big_tss + 4
    movl $DATA, big_tss + 8
    movw $104 + 32, big_tss + 102
    movb $1, big_tss + 104 + 32 + 16 /* port 80h */
    movb $0xff, big_tss + 104 + 32 + 32
    movb $2, big_tss + 104 + 4       /* interrupt 21h */
    /* IVT */
    movl $v86_int20, 4 * 0x20
    movl $v86_int22, 4 * 0x22

    /* Segments and state: as the frame had them, and back. */
    EXPECT(HOME, 0, TO_V86(hello, IOPL3))
    CHECK_EQ(w, $0x1122, got_eax)
    CHECK_EQ(l, $0x11, got_es)
    CHECK_EQ(l, $0x22, got_ds)
    CHECK_EQ(l, $0x33, got_fs)
    CHECK_EQ(l, $0x44, got_gs)
    CHECK_EQ(l, $0x1f00, got_sp)
    testl $0x20000, got_flags
    CHECK(nz)
    movl %ds, %eax
    CHECK_EQ(w, $DATA, %ax)

    /* IOPL below 3: CLI, STI, PUSHF, POPF, INT n and IRET are refused. */
    EXPECT(GP, 0, TO_V86(v86_cli, 0))
    CHECK_EQ(l, $v86_cli, got_rip)
    EXPECT(GP, 0, TO_V86(v86_sti, 0))
    EXPECT(GP, 0, TO_V86(v86_pushf, 0))
    EXPECT(GP, 0, TO_V86(v86_popf, 0))
    EXPECT(GP, 0, TO_V86(v86_int20_call, 0))
    EXPECT(GP, 0, TO_V86(v86_iret, 0))
    EXPECT(BP, 0, TO_V86(v86_int3, 0)) /* INT3 does not ask */
    EXPECT(HOME, 0, TO_V86(v86_popf, IOPL3))
    testl $0x200, got_flags /* IOPL 3: IF is theirs */
    CHECK(nz)
    testl $0x3000, got_flags
    CHECK(nz)
    EXPECT(GP, 0x20 * 8 + 2, TO_V86(v86_int20_call, IOPL3)) /* its gate's DPL is 0 */
    /* Whatever IOPL: privileged ones. */
    EXPECT(GP, 0, TO_V86(v86_hlt, IOPL3))
    EXPECT(GP, 0, TO_V86(v86_cr0, IOPL3))
    EXPECT(UD, 0, TO_V86(v86_lldt, IOPL3))
    EXPECT(UD, 0, TO_V86(v86_arpl, IOPL3))
    /* The bitmap alone decides of I/O. */
    EXPECT(HOME, 0, TO_V86(v86_out_open, IOPL3))
    EXPECT(GP, 0, TO_V86(v86_out_closed, IOPL3))
    EXPECT(GP, 0, TO_V86(v86_out_word, 0)) /* 7Fh and 80h */
    EXPECT(GP, 0, TO_V86(v86_out_far, 0))  /* beyond the map */
    /* Limits are 64 KiB. */
    EXPECT(GP, 0, TO_V86(v86_limit, 0))
    EXPECT(DE, 0, TO_V86(v86_div, 0))

    /* VME: INT 20h goes through the IVT, INT 21h to the monitor. */
    movl %cr4, %eax
    orl $1, %eax
    movl %eax, %cr4
    movb $1, big_tss + 104 + HOME / 8
    EXPECT(GP, 0, TO_V86(v86_int20_call, 0)) /* by its INT 40h */
    CHECK_EQ(w, $0x2020, got_eax)
    EXPECT(HOME, 0, TO_V86(v86_int20_call, IOPL3))
    CHECK_EQ(w, $0x2020, got_eax)
    EXPECT(GP, 0, TO_V86(v86_int21_call, 0))
    EXPECT(GP, 0x21 * 8 + 2, TO_V86(v86_int21_call, IOPL3))
    /* CLI and STI move VIF; PUSHF shows it as IF, IOPL as 3. */
    EXPECT(GP, 0, TO_V86(v86_vif, 0)) /* by its HLT */
    CHECK_EQ(l, $v86_vif_end, got_rip)
    testw $0x200, got_eax
    CHECK(nz)
    testw $0x3000, got_eax
    CHECK(nz)
    testl $VIF, got_flags
    CHECK(nz)
    testl $0x200, got_flags
    CHECK(z)
    EXPECT(GP, 0, TO_V86(v86_vif_off, VIF))
    testl $VIF, got_flags
    CHECK(z)
    /* The redirected INT cleared VIF; its image had IF set, and IRET brought it back. */
    EXPECT(GP, 0, TO_V86(v86_vif_int, VIF))
    testw $0x200, got_eax
    CHECK(z)
    testl $VIF, got_flags
    CHECK(nz)
    /* With VIP waiting, STI faults, and so do POPF and IRET that would set VIF. */
    EXPECT(GP, 0, TO_V86(v86_sti, VIP))
    CHECK_EQ(l, $v86_sti, got_rip)
    EXPECT(GP, 0, TO_V86(v86_popf, VIP))
    testl $VIF, got_flags
    CHECK(z)
    EXPECT(GP, 0, TO_V86(v86_pushfd, 0)) /* 32-bit: still refused */
    CHECK_EQ(l, $v86_pushfd, got_rip)

    /* PVI: CLI and STI in ring 3 protected mode. */
    movl $2, %eax
    movl %eax, %cr4
    EXPECT(HOME, 0, TO_USER(pvi))
    testl $VIF, got_flags
    CHECK(nz)
    PASS

pvi:
    cli
    sti
    int $HOME

    .section .low
    .code16
hello:
    movw %es, %ax
    cmpw $0x11, %ax
    jne 1f
    movw $0x1122, %ax
    int $HOME
1:  hlt
v86_cli:
    cli
    hlt
v86_sti:
    sti
    hlt
v86_pushf:
    pushfw
    hlt
v86_popf:
    pushw $0x0202
    popfw
    int $HOME
v86_int20_call:
    int $0x20
    int $HOME
v86_int21_call:
    int $0x21
    hlt
v86_int20:
    movw $0x2020, %ax
    iretw
v86_iret:
    iretw
v86_int3:
    int3
v86_hlt:
    hlt
v86_cr0:
    movl %cr0, %eax
v86_lldt:
    .byte 0x0f, 0x00, 0xd0
v86_arpl:
    .byte 0x63, 0xc3
v86_out_open:
    outb %al, $0x7f
    int $HOME
v86_out_closed:
    outb %al, $0x80
    hlt
v86_out_word:
    outw %ax, $0x7f
    hlt
v86_out_far:
    movw $0x3f8, %dx
    inb %dx, %al
    hlt
v86_limit:
    movw $0xffff, %bx
    movw %es:(%bx), %ax
    hlt
v86_div:
    xorw %bx, %bx
    divw %bx
v86_vif:
    sti
    pushfw
    popw %ax
v86_vif_end:
    hlt
v86_vif_off:
    cli
    hlt
v86_vif_int:
    movl $v86_int22, %eax
    int $0x22
    hlt
v86_int22:
    pushfw
    popw %ax
    iretw
v86_pushfd:
    pushfl
    .balign 16
big_tss: .skip 104 + 32 + 33 + 3
