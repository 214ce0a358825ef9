/* rom.S - the option ROM's header, and the ways in.
 *
 * Sources: PCI Local Bus Specification 2.1, 6.3 (expansion ROMs); VBE Core Functions 3.0;
 * IBM PS/2 BIOS Interface Technical Reference, INT 10h.
 */
    .code16

    .section .header, "ax"
    .byte 0x55, 0xaa
    .byte rom_blocks            /* length in 512 bytes; vga.ld */
    jmp init_entry              /* called by the system BIOS, AX = PCI address */
    .org 0x18
    .word pcir
    .org 0x1e
    .ascii "IBM VGA compatible" /* old programs look for "IBM" at C000:001E */
    .byte 0

    .balign 4
pcir:
    .ascii "PCIR"
    .word 0x1234, 0x1111        /* the "standard VGA" of Bochs and QEMU */
    .word 0                     /* no vital product data */
    .word 0x18                  /* length of this structure */
    .byte 0                     /* its revision */
    .byte 0, 0, 3               /* class 030000h: VGA compatible */
    .word rom_blocks
    .word 1                     /* revision of this code */
    .byte 0                     /* x86 */
    .byte 0x80                  /* the last image */
    .word 0

/* What initialization finds out. The system BIOS runs it from RAM that it protects
 * afterwards (PCI 2.1, 6.3.3). Both fields keep the sum of their bytes, so that the
 * image's checksum stays right. */
    .balign 4
    .global pci_address, edid_found, edid_default
pci_address:
    .word 0xffff, 0             /* unknown: pci_bar() then searches */
edid_found:
    .fill 128, 1, 0

/* For cards that bring none: VESA E-EDID 1.3; 1024x768 preferred (VESA DMT 10h). */
edid_default:
    .byte 0, 255, 255, 255, 255, 255, 255, 0
    .byte 0x34, 0xae            /* manufacturer "MNR", five bits a letter */
    .byte 1, 0, 0, 0, 0, 0, 0, 34 /* product 1, no serial number, week 0 of 2024 */
    .byte 1, 3                  /* EDID 1.3 */
    .byte 0x0e, 32, 24, 120, 0x0a /* analog, 32x24 cm, gamma 2.2, RGB, preferred timing */
    .byte 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54 /* sRGB */
    .byte 0x21, 0x08, 0x00      /* 640x480, 800x600, 1024x768, all at 60 Hz */
    .rept 8
    .byte 1, 1                  /* no standard timings */
    .endr
    .word 6500                  /* pixel clock, in 10 kHz */
    .byte 0x00, 0x40, 0x41      /* 1024 wide, 320 blank */
    .byte 0x00, 0x26, 0x30      /* 768 high, 38 blank */
    .byte 24, 136, 0x36, 0      /* front porch 24 and 3, sync 136 and 6 */
    .byte 64, 240, 0x10, 0, 0, 0x18 /* 320x240 mm; syncs negative */
    .byte 0, 0, 0, 0xfc, 0
    .ascii "Menura VGA\n  "
    .byte 0, 0, 0, 0xfd, 0, 50, 125, 30, 120, 30, 0, 10
    .ascii "      "
    .byte 0, 0, 0, 0x10, 0
    .fill 13, 1, 0
    .byte 0                     /* no extension */
    .byte 96                   /* all 128 bytes together are 0 */

/* What 40:A8 points to: far pointers to the parameter table, the dynamic save area, fonts
 * instead of the ROM's in text and in graphics modes, and a secondary table; 0: none.
 * Programs point 40:A8 to copies with their own; the first two of them are heeded. A PC's
 * video ROM stands at C0000h (PCI 2.1, 6.3.3), and its segment is not known otherwise. */
    .balign 4
    .global save_table
save_table:
    .word parameter_table, 0xc000
    .fill 6, 4, 0

    .text

/* The caller's registers, as struct regs has them, then C with a pointer to them. The
 * upper half of ESP is not the stack's in 16-bit code, but the compiler uses all of it. */
.macro enter function
    pushw %ds
    pushw %es
    pushw %fs
    pushw %gs
    pushal
    cld
    pushw %cs
    popw %ds
    xorw %ax, %ax
    movw %ax, %fs
    movl %esp, %ebx             /* what it was above its lower half stays: see below */
    movzwl %sp, %esp
    movl %esp, %eax
    pushl %ebx
    calll \function
    popl %ebx
    movl %ebx, %esp
    popal
    popw %gs
    popw %fs
    popw %es
    popw %ds
.endm

    .global int10_entry, int05_entry
int10_entry:
    enter int10
    iretw

int05_entry:
    enter print_screen
    iretw

init_entry:
    pushfw
    cli
    enter init
    popfw
    lretw

/* The window function, called far: BH 0 sets window BL to position DX, 1 asks for it.
 * VBE 3.0, 4.7 "Function 05h": AX and DX may be destroyed; no status. */
    .global window_function
window_function:
    testb %bl, %bl
    jnz 2f
    pushw %dx
    movw $0x1ce, %dx
    movw $5, %ax                /* DISPI_BANK */
    outw %ax, %dx
    incw %dx
    testb %bh, %bh
    jnz 1f
    popw %ax
    outw %ax, %dx
    lretw
1:  inw %dx, %ax
    popw %dx
    movw %ax, %dx
2:  lretw

/* uint8_t print_char(uint8_t c) */
    .global print_char
print_char:
    pushl %edx
    xorb %ah, %ah
    xorw %dx, %dx
    int $0x17
    movb %ah, %al
    popl %edx
    retl

/* bool copy_high(uint16_t to, uint32_t from, uint16_t n): through a segment of 4 GiB,
 * which takes a moment in protected mode. Intel SDM vol 3A 9.9.1, 9.9.2. */
    .global copy_high
copy_high:
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %eax, %edi
    movl %edx, %esi
    xorl %eax, %eax
    smsw %ax
    testb $1, %al               /* virtual-8086 mode is protected mode already */
    jnz 9f
    pushfw
    cli
    pushw %es
    /* The descriptor of the table is made on the stack: its base is linear. */
    movw %cs, %ax
    movzwl %ax, %eax
    shll $4, %eax
    addl $flat_table, %eax
    pushl %eax
    pushw $15
    movw %sp, %bx
    lgdtl %ss:(%bx)
    addw $6, %sp
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    jmp 1f
1:  movw $8, %bx
    movw %bx, %es
    andb $0xfe, %al
    movl %eax, %cr0
    jmp 2f
2:  xorw %bx, %bx
    movw %bx, %es               /* the base is 0 again, the limit stays 4 GiB */
    movzwl %di, %edi
    movzwl %cx, %ecx
3:  jecxz 4f
    movb %es:(%esi), %al
    movb %al, %cs:(%edi)
    incl %esi
    incl %edi
    decl %ecx
    jmp 3b
4:  popw %es
    popfw
    movl $1, %eax
    jmp 10f
9:  xorl %eax, %eax
10: popl %edi
    popl %esi
    popl %ebx
    retl

    .balign 8
flat_table:
    .quad 0
    .quad 0x00cf93000000ffff

/* The protected-mode interface, VBE 3.0 4.11 (function 0Ah): code for 32-bit programs,
 * which copy it to anywhere and call it near. It touches ports alone. */
    .code32
    .balign 4
    .global pm_table, pm_end
pm_table:
    .word pm_window - pm_table, pm_start - pm_table, pm_palette - pm_table
    .word pm_ports - pm_table
pm_ports:
    .word 0x1ce, 0x1cf, 0x3c6, 0x3c7, 0x3c8, 0x3c9, 0x3d4, 0x3d5, 0x3da, 0xffff
    .word 0xffff                /* no memory */

/* Function 5: BH 0 sets window BL to DX, 1 asks. */
pm_window:
    pushl %eax
    testb %bl, %bl
    jnz 2f
    pushl %edx
    movw $0x1ce, %dx
    movw $5, %ax
    outw %ax, %dx
    incl %edx
    popl %eax
    testb %bh, %bh
    jnz 1f
    outw %ax, %dx
    movl %eax, %edx
    jmp 2f
1:  inw %dx, %ax
    movzwl %ax, %edx
2:  popl %eax
    movw $0x004f, %ax
    ret

/* Function 7: DX:CX the start address, in units of four bytes (in bytes of a plane with
 * 4 bits a pixel); BL bit 7 waits for the vertical retrace. */
pm_start:
    pushal
    testb $0x80, %bl
    jz 2f
    movl %edx, %esi
    movl $0x3da, %edx
    movl $0x100000, %ebx        /* a display that shows nothing has no retrace */
1:  inb %dx, %al
    testb $8, %al
    jnz 3f
    decl %ebx
    jnz 1b
3:  movl %esi, %edx
2:  shll $16, %edx
    movw %cx, %dx
    movl %edx, %edi             /* the address */
    movw $3, %ax                /* DISPI_BPP */
    call pm_read
    movl %eax, %ebx
    movw $6, %ax                /* DISPI_VIRT_WIDTH */
    call pm_read
    cmpl $4, %ebx
    je 4f
    shll $2, %edi
    addl $7, %ebx
    shrl $3, %ebx               /* bytes a pixel */
    mull %ebx
    jmp 5f
4:  xorl %ebx, %ebx             /* 0: eight pixels a byte */
    shrl $3, %eax
5:  movl %eax, %ecx
    testl %ecx, %ecx
    jz 8f                       /* no VBE mode */
    xorl %edx, %edx
    movl %edi, %eax
    divl %ecx
    movl %eax, %esi             /* the line */
    movl %edx, %eax
    testl %ebx, %ebx
    jz 6f
    xorl %edx, %edx
    divl %ebx
    jmp 7f
6:  shll $3, %eax
7:  movl %eax, %ecx
    movw $8, %ax                /* DISPI_X_OFFSET */
    call pm_write
    movl %esi, %ecx
    movw $9, %ax                /* DISPI_Y_OFFSET */
    call pm_write
8:  popal
    movw $0x004f, %ax
    ret

/* Function 9: ES:EDI has CX entries (blue, green, red, 0) for DX and on. */
pm_palette:
    testb $0x7f, %bl            /* 00h and 80h set; the others are for real mode */
    jnz 3f
    pushal
    movzwl %cx, %ecx
    movl %edx, %eax
    movl $0x3c8, %edx
    outb %al, %dx
    incl %edx
1:  jecxz 2f
    movb %es:2(%edi), %al
    outb %al, %dx
    movb %es:1(%edi), %al
    outb %al, %dx
    movb %es:(%edi), %al
    outb %al, %dx
    addl $4, %edi
    decl %ecx
    jmp 1b
2:  popal
    movw $0x004f, %ax
    ret
3:  movw $0x024f, %ax
    ret

pm_read:                        /* EAX = register AX */
    movl $0x1ce, %edx
    outw %ax, %dx
    incl %edx
    xorl %eax, %eax
    inw %dx, %ax
    ret

pm_write:                       /* register AX = CX */
    movl $0x1ce, %edx
    outw %ax, %dx
    incl %edx
    movl %ecx, %eax
    outw %ax, %dx
    ret
pm_end:
