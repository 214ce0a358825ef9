/* entry.S - where the CPU comes in: reset, interrupts, and the ways between 16 and 32 bits.
 *
 * A service runs on a stack of its own in segment E000h, because callers have little room
 * and because C wants DS and SS to be one segment. The stack is handed out in chunks: a
 * service that is interrupted while it waits keeps its chunk, and the interrupt gets the
 * next one. A chunk whose owner never came back (a program that jumped out of its INT 1Bh)
 * is lost until the chunks run out; then they are handed out from the top again.
 */
.set CODE_SEG, 0xf000
.set DATA_SEG, 0xe000
.set CHUNK, 0x600
.set FRAME, 48                    /* struct regs */

/* Selectors of the GDT below. */
.set FLAT_CODE, 0x08
.set FLAT_DATA, 0x10
.set REAL_CODE, 0x18
.set REAL_DATA, 0x20
.set BIG_DATA, 0x28

/* ---- reset ---- */

.section .text16, "ax"
.code16

/* CMOS shutdown byte: how a program wants to come back from a reset (IBM PC AT Technical
 * Reference, "Shut Down"; RBIL CMOS 0Fh): 5 with an EOI, 0Ah without, to what 40:67 points. */
start16:
    cli
    cld
    movb $0x0f, %al
    outb %al, $0x70
    inb $0x71, %al
    movb %al, %bl
    movb $0x0f, %al
    outb %al, $0x70
    xorb %al, %al
    outb %al, $0x71
    cmpb $0x0a, %bl
    je come_back
    cmpb $0x05, %bl
    jne cold
    movb $0x20, %al
    outb %al, $0xa0
    outb %al, $0x20
come_back:
    movw $0x40, %ax
    movw %ax, %ds
    ljmpw *0x67

/* The shadow RAM is filled from the ROM below 4 GiB, by code that runs there. */
cold:
    lgdtl %cs:gdt_high
    movl %cr0, %eax
    andl $0x9fffffff, %eax        /* CD, NW off: caches on */
    orb $1, %al
    movl %eax, %cr0
    ljmpl $FLAT_CODE, $start32 + 0xfff00000

.section .text32, "ax"
.code32
start32:
    movw $FLAT_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    inb $0x92, %al                /* A20 open, no reset (bit 0) */
    andb $0xfe, %al
    orb $2, %al
    outb %al, $0x92
    /* PAM0 to PAM6 (59h-5Fh): C0000h-FFFFFh are RAM, for reads and writes. */
    movw $0xcf8, %dx
    movl $0x80000058, %eax
    outl %eax, %dx
    movw $0xcfd, %dx
    movb $0x30, %al
    outb %al, %dx
    incw %dx
    movw $0x3333, %ax
    outw %ax, %dx
    movw $0xcf8, %dx
    movl $0x8000005c, %eax
    outl %eax, %dx
    movw $0xcfc, %dx
    movl $0x33333333, %eax
    outl %eax, %dx
    cld
    movl $0xfffe0000, %esi
    movl $0xe0000, %edi
    movl $0x20000 / 4, %ecx
    rep movsl
    movl $shadowed, %eax
    jmp *%eax
shadowed:
    lgdtl 0xf0000 + gdt_low
    ljmp $REAL_CODE, $start_run

.section .text16, "ax"
.code16
start_run:
    movw $REAL_DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movl %cr0, %eax
    andb $0xfe, %al
    movl %eax, %cr0
    ljmpw $CODE_SEG, $1f
1:  lidtl %cs:ivt_pointer
    movw $DATA_SEG, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $stack_top, %esp
    movl $stack_top - CHUNK, stack_next
    movw $0x40, %ax
    movw %ax, %fs
    xorw %ax, %ax
    movw %ax, %gs
    calll post
2:  hlt
    jmp 2b

.balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff      /* 08: flat code */
    .quad 0x00cf93000000ffff      /* 10: flat data */
    .quad 0x00009b0f0000ffff      /* 18: code as in segment F000h */
    .quad 0x0000930e0000ffff      /* 20: data as in segment E000h */
    .quad 0x008f930e0000ffff      /* 28: the same with a limit of 4 GiB */
gdt_end:
gdt_low:
    .word gdt_end - gdt - 1
    .long 0xf0000 + gdt
gdt_high:
    .word gdt_end - gdt - 1
    .long 0xffff0000 + gdt
ivt_pointer:
    .word 0x3ff
    .long 0

/* ---- between 16 and 32 bits ---- */

/* u32 call32(u32 function, u32 argument): runs flat 32-bit code with interrupts off. Only in
 * real mode. While POST runs, data segments have limits of 4 GiB afterwards ("big real mode"):
 * option ROMs count on it (PCI Firmware Specification 3.0, 5.2.1.11). Later it is 64 KiB. */
.globl call32
call32:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    pushfl
    movl 24(%esp), %eax
    movl 28(%esp), %edx
    cli
    lgdtl %cs:gdt_low
    movl %cr0, %ecx
    orb $1, %cl
    movl %ecx, %cr0
    ljmpl $FLAT_CODE, $call32_flat
.section .text32, "ax"
.code32
call32_flat:
    movw $FLAT_DATA, %cx
    movw %cx, %ds
    movw %cx, %es
    movw %cx, %ss
    addl $0xe0000, %esp
    pushl %edx
    call *%eax
    addl $4 - 0xe0000, %esp
    ljmp $REAL_CODE, $call32_back
.section .text16, "ax"
.code16
call32_back:
    movw $REAL_DATA, %cx
    movw %cx, %ds
    movw %cx, %ss
    movw limits, %cx
    movw %cx, %ds
    movw %cx, %es
    movw %cx, %fs
    movw %cx, %gs
    movl %cr0, %ecx
    andb $0xfe, %cl
    movl %ecx, %cr0
    ljmpw $CODE_SEG, $1f
1:  movw $DATA_SEG, %cx
    movw %cx, %ds
    movw %cx, %es
    movw %cx, %ss
    movw $0x40, %cx
    movw %cx, %fs
    popfl
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    retl

/* void small_limits(void): the end of big real mode. */
.globl small_limits
small_limits:
    movw $REAL_DATA, limits
    pushl $0
    pushl $nothing32
    calll call32
    addl $8, %esp
    retl
.section .text32, "ax"
.code32
nothing32:
    ret

/* void move32(u32 *what): what[0] to, [1] from, [2] bytes; for call32 (INT 15h/87h). */
.section .text32, "ax"
.code32
.globl move32
move32:
    pushl %esi
    pushl %edi
    movl 12(%esp), %eax
    movl (%eax), %edi
    movl 4(%eax), %esi
    movl 8(%eax), %ecx
    movl %ecx, %edx
    shrl $2, %ecx
    cld
    rep movsl
    movl %edx, %ecx
    andl $3, %ecx
    rep movsb
    popl %edi
    popl %esi
    ret

/* ---- services in ---- */

.section .text16, "ax"
.code16
/* On the caller's stack: FLAGS, CS, IP, the handler. */
enter:
    cli
    cld
    pushal
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    movw %ss, %bx
    movl %esp, %ebp
    movzwl %sp, %esi
    movw $DATA_SEG, %cx
    movw %cx, %ds
    movw %cx, %es
    movl stack_next, %edi
    leal -CHUNK(%edi), %eax
    cmpl $stack_bottom, %eax
    jae 1f
    movl $stack_top, %edi
    movl $stack_top - CHUNK, %eax
1:  movl %eax, stack_next
    subl $FRAME, %edi
    movl %edi, %eax
    movw %bx, %ds
    movl $FRAME / 4, %ecx
    rep movsl (%esi), %es:(%edi)
    movw %es, %cx
    movw %cx, %ds
    movw %cx, %ss
    movl %eax, %esp
    movw $0x40, %cx
    movw %cx, %fs
    pushl %ebx                    /* the caller's SS and ESP */
    pushl %ebp
    movzwl 40(%eax), %ecx
    pushl %eax
    calll *%ecx
    cli
    cld
    popl %esi
    popl %ebp
    popl %ebx
    leal FRAME(%esi), %ecx
    movl %ecx, stack_next
    movw %bx, %es
    movzwl %bp, %edi
    movl $FRAME / 4, %ecx
    rep movsl (%esi), %es:(%edi)
    movw %bx, %ss
    movl %ebp, %esp
    popw %gs
    popw %fs
    popw %es
    popw %ds
    popal
    addw $2, %sp
    iretw

/* ---- calls out ---- */

/* void call_far(struct regs *r, u32 with_flags): calls r->cs:r->ip with r's registers and
 * stores what comes back. with_flags: as an interrupt, with FLAGS below the return address;
 * else a far call. The other side may ruin every register. */
.globl call_far
call_far:
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    movl 28(%esp), %eax
    movl 32(%esp), %edx
    pushl %eax
    testl %edx, %edx
    jz 1f
    pushw 46(%eax)
1:  pushw %cs
    pushw $call_back
    pushw 44(%eax)
    pushw 42(%eax)
    pushw 46(%eax)
    movw 0(%eax), %gs
    movw 2(%eax), %fs
    movw 4(%eax), %es
    pushw 6(%eax)
    movl 8(%eax), %edi
    movl 12(%eax), %esi
    movl 16(%eax), %ebp
    movl 24(%eax), %ebx
    movl 28(%eax), %edx
    movl 32(%eax), %ecx
    movl 36(%eax), %eax
    popw %ds
    popfw
    lretw
call_back:
    pushfw
    cli
    cld
    pushw %ds
    pushl %eax
    movw %ss, %ax
    movw %ax, %ds
    movzwl %sp, %esp
    movl 8(%esp), %eax
    movw %gs, 0(%eax)
    movw %fs, 2(%eax)
    movw %es, 4(%eax)
    movl %edi, 8(%eax)
    movl %esi, 12(%eax)
    movl %ebp, 16(%eax)
    movl %ebx, 24(%eax)
    movl %edx, 28(%eax)
    movl %ecx, 32(%eax)
    popl 36(%eax)
    popw 6(%eax)
    popw 46(%eax)
    popl %eax
    popw %gs
    popw %fs
    popw %es
    popw %ds
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    retl

/* void call_mouse(u32 handler, u32 status_x, u32 y_z): a far call with four words on the
 * stack: status, X, Y, zero (RBIL INT 15h/C207h). */
.globl call_mouse
call_mouse:
    pushal
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    movl 44(%esp), %eax
    movl 48(%esp), %edx
    movl 52(%esp), %ecx
    movl %eax, mouse_handler
    pushw %dx
    shrl $16, %edx
    pushw %dx
    pushw %cx
    shrl $16, %ecx
    pushw %cx
    lcallw *mouse_handler
    cli
    cld
    movzwl %sp, %esp
    addl $8, %esp
    popw %gs
    popw %fs
    popw %es
    popw %ds
    popal
    retl

/* void boot_jump(u32 segment_offset, u32 dl, u32 es_di): a boot sector or a
 * BEV, with a stack at 0000:7C00 (QEMU's linuxboot wants SS 0) and all chunks free. */
.globl boot_jump
boot_jump:
    movl 4(%esp), %ecx
    movl 8(%esp), %edx
    movl 12(%esp), %ebx
    cli
    movl $stack_top, stack_next
    xorw %ax, %ax
    movw %ax, %ss
    movl $0x7c00, %esp
    movw %ax, %ds
    movw %ax, %fs
    movw %ax, %gs
    movzwl %bx, %edi
    shrl $16, %ebx
    movw %bx, %es
    pushw $CODE_SEG               /* a far return means: go on with the next device */
    pushw $gave_up
    pushl %ecx
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %esi, %esi
    xorl %ebp, %ebp
    sti
    lretw

gave_up:
    int $0x18

/* void run_anew(void (*function)(void)): with an empty stack, and never back. INT 18h and
 * 19h return to nobody. */
.globl run_anew
run_anew:
    movl 4(%esp), %eax
    movl $stack_top, %esp
    movl $stack_top - CHUNK, stack_next
    jmpl *%eax

.macro service name, handler
.globl \name
\name:
    pushw $\handler
    jmp enter
.endm

service int_18, no_boot
service begin_19, bootstrap
service int_70, irq_8
service int_71, irq_9
service int_74, irq_12
service int_75, irq_13
service int_76, irq_14
service int_77, irq_15
service int_irq_low, irq_ignored_low
service int_exception, exception
service int_irq_high, irq_ignored_high

/* "$PnP" entry points: AX = 82h, function not supported (Plug and Play BIOS 1.0A, 4.4).
 * The parameters stay on the caller's stack. */
.globl pnp_real
pnp_real:
    movw $0x82, %ax
    lretw

.section .rodata16, "a"
.balign 4
.globl stack_next
stack_next: .long stack_top
mouse_handler: .long 0
limits: .word BIG_DATA

/* ---- the 32-bit PCI BIOS (BIOS32 Service Directory 0.4; PCI BIOS 2.1, chapter 3) ---- */

.section .text32, "ax"
.code32
.globl bios32_directory
bios32_directory:
    testb %bl, %bl
    jnz 2f
    cmpl $0x49435024, %eax        /* "$PCI" */
    jne 1f
    movl $0xe0000, %ebx
    movl $0x20000, %ecx
    movl $pci_service - 0xe0000, %edx
    xorb %al, %al
    lret
1:  movb $0x80, %al               /* no such service */
    lret
2:  movb $0x81, %al               /* no such function */
    lret

/* The same frame as in 16-bit services, so that one function serves both. */
pci_service:
    cld
    pushfw
    pushw $0
    pushw $0
    pushw $0
    pushal
    pushl $0
    pushl $0
    movl %esp, %eax
    pushl %eax
    call pci_bios32
    addl $12, %esp
    popal
    addl $6, %esp
    popfw
    lret

/* ---- addresses that programs know by heart (IBM PC AT Technical Reference, BIOS) ---- */

.section .fixed, "ax"
.code16
.macro fixed address
.org \address - 0xe000
.endm
.macro service_at address, name, handler
.org \address - 0xe000
.globl \name
\name:
    pushw $\handler
    jmp enter
.endm

fixed 0xe000
    .ascii "Menura PC BIOS"
/* Plug and Play BIOS 1.0A, 4.4: what option ROMs and boot sectors get in ES:DI. The
 * checksums of both structures are post/tables.c's. */
fixed 0xe010
.globl pnp_structure
pnp_structure:
    .ascii "$PnP"
    .byte 0x10, 0x21
    .word 0
    .byte 0
    .long 0
    .word pnp_real, CODE_SEG
    .word pnp_real
    .long 0xf0000
    .long 0
    .word CODE_SEG
    .long 0xf0000
fixed 0xe040
.globl bios32_structure
bios32_structure:
    .ascii "_32_"
    .long bios32_directory
    .byte 0, 1, 0
fixed 0xe05b
    jmp start16
fixed 0xe2c3
.globl int_02
int_02:
    iretw
service_at 0xe3fe, int_13, disk_services
fixed 0xe6f2
.globl int_19
int_19:
    jmp begin_19                  /* three bytes, no more */

/* INT 15h/C0h: system configuration. RBIL table 00509. */
fixed 0xe6f5
.globl configuration
configuration:
    .word 8
    .byte 0xfc, 0x01, 0x00        /* AT, submodel, revision */
    .byte 0x74                    /* second PIC, RTC, INT 15h/4Fh called, EBDA */
    .byte 0x40                    /* INT 16h/09h is there */
    .byte 0, 0, 0

fixed 0xe729                      /* divisors of 110 to 9600 baud */
.globl baud_divisors
baud_divisors:
    .word 1047, 768, 384, 192, 96, 48, 24, 12
service_at 0xe739, int_14, serial_services
service_at 0xe82e, int_16, keyboard_services
service_at 0xe987, int_09, irq_1
service_at 0xec59, int_40, floppy_services
service_at 0xef57, int_0e, irq_6

/* INT 1Eh: diskette parameters for 1.44 MB. RBIL INT 1Eh, table 01264. */
fixed 0xefc7
.globl diskette_parameters
diskette_parameters:
    .byte 0xaf, 0x02, 0x25, 2, 18, 0x1b, 0xff, 0x6c, 0xf6, 15, 8
service_at 0xefd2, int_17, printer_services
service_at 0xf065, int_10, video_services
fixed 0xf0a4                      /* INT 1Dh: CRTC values of 40x25, 80x25, graphics, MDA */
.globl video_parameters
video_parameters:
    .byte 0x38, 0x28, 0x2d, 0x0a, 0x1f, 6, 0x19, 0x1c, 2, 7, 6, 7, 0, 0, 0, 0
    .byte 0x71, 0x50, 0x5a, 0x0a, 0x1f, 6, 0x19, 0x1c, 2, 7, 6, 7, 0, 0, 0, 0
    .byte 0x38, 0x28, 0x2d, 0x0a, 0x7f, 6, 0x64, 0x70, 2, 1, 6, 7, 0, 0, 0, 0
    .byte 0x61, 0x50, 0x52, 0x0f, 0x19, 6, 0x19, 0x19, 2, 0x0d, 0x0b, 0x0c, 0, 0, 0, 0
    .word 2048, 4096, 16384, 16384
    .byte 40, 80, 40, 80, 40, 80, 80, 80
    .byte 0x2c, 0x28, 0x2d, 0x29, 0x2a, 0x2e, 0x1e, 0x29
service_at 0xf841, int_12, memory_size
service_at 0xf84d, int_11, equipment
service_at 0xf859, int_15, system_services
fixed 0xfa6e                      /* the 8x8 font's place; a VGA BIOS brings its own */
service_at 0xfe6e, int_1a, time_services
service_at 0xfea5, int_08, irq_0
fixed 0xff53
.globl nothing
nothing:
    iretw
service_at 0xff54, int_05, print_screen
fixed 0xfff0
.globl reset
reset:
    ljmpw $CODE_SEG, $0xe05b
    .ascii "11/21/26"
    .byte 0, 0xfc, 0
fixed 0x10000
