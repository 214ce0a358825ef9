/* three_way_boot.S - a boot sector for the peers, of which one starts no kernel by
 * itself and the other not one with a part below 1 MiB: reads the kernel's two parts by INT 13h and enters it as Multiboot does: 32-bit, flat, A20 on.
 * tests/guest/three_way fills in what stands at the end.
 */
    .code16
    .text
    .globl _start
_start:
    ljmpw $0, $1f
1:  cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    movb %dl, drive
    inb $0x92, %al
    orb $2, %al
    outb %al, $0x92

    /* The part from 1 MiB, 32 KiB at a time through 10000h. */
1:  cmpw $0, chunks
    je 2f
    movb $0x42, %ah
    movb drive, %dl
    movw $packet, %si
    int $0x13
    jc bad
    cli
    lgdtl gdtr
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    movw $0x10, %bx
    movw %bx, %ds
    movw %bx, %es
    andb $0xfe, %al
    movl %eax, %cr0
    movl $0x10000, %esi
    movl %cs:to, %edi
    movl $0x2000, %ecx
    cld
    .byte 0x67 /* ESI, EDI, ECX */
    rep movsl
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movl %edi, to
    addl $64, from
    decw chunks
    jmp 1b
2:  /* The low part, straight to its place. */
    movw low_sectors, %ax
    movw %ax, packet + 2
    movl $0x2000, packet + 4 /* 0000:2000 */
    movb $0x42, %ah
    movb drive, %dl
    movw $packet, %si
    int $0x13
    jc bad
    cli
    lgdtl gdtr
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $8, $3f
bad:
    hlt
    jmp bad
    .code32
3:  movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $0x2badb002, %eax
    xorl %ebx, %ebx
    jmp *entry

    .balign 8
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:
    .word 23
    .long gdt
drive: .byte 0
    .balign 4
to: .long 0x100000
packet:
    .word 16, 64, 0, 0x1000
from: .long 1, 0
    . = _start + 500
entry: .long 0
chunks: .word 0
low_sectors: .word 0
    .word 0, 0xaa55
