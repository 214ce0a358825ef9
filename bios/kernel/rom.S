/* rom.S - the option ROM that starts -kernel.
 *
 * The BIOS, whichever it is, finds this ROM in fw_cfg ("genroms/kernel.rom") and boots from
 * it first. The machine itself loads the kernel; what it cannot know is what the firmware
 * left of the memory. So this asks for the map (INT 15h E820h) and writes it to fw_cfg's
 * "etc/menura/kernel": when that goes well, the next instruction is the kernel's first.
 *
 * Sources: Plug and Play BIOS Specification 1.0A, chapter 3; BIOS Boot Specification 1.01
 * (BEV); QEMU docs/specs/fw_cfg.
 */
    .code16
    .set SELECTOR, 0x510
    .set DATA, 0x511
    .set DMA, 0x514
    .set DIRECTORY, 0x19
    .set SELECT_AND_WRITE, 0x18
    .set ENTRY, 0x7c00          /* one of the directory: size, key, reserved, name */
    .set REQUEST, 0x7e00        /* control, length, address: big-endian */
    .set MAP, 0x8000
    .set RANGE, 20
    .set RANGES, 32             /* MEMORY_RANGES of machine/memory_map.h */

    .set PRODUCT, 0x48
    .set START, 0x60

    .section .text, "ax"
    .byte 0x55, 0xaa
    .byte 1                     /* length in 512 bytes */
    jmp init
    .org 0x18
    .word 0                     /* of no PCI device */
    .word header
    .org 0x20
header:
    .ascii "$PnP"
    .byte 1                     /* revision */
    .byte 2                     /* length in 16 bytes */
    .word 0                     /* the last header */
    .byte 0
    .byte -(0x24 + 'P' + 'n' + 'P' + 1 + 2 + PRODUCT + 2 + START) & 0xff /* checksum */
    .long 0                     /* device identifier */
    .word 0                     /* no manufacturer */
    .word PRODUCT
    .byte 2, 0, 0               /* device type: network, which is what a BEV is for */
    .byte 0
    .word 0, 0                  /* no BCV */
    .word START                 /* BEV */
    .word 0
    .word 0
    .org PRODUCT
    .asciz "-kernel"
init:
    movw $0x20, %ax             /* an IPL device is there */
    lretw

    .org START
    cld
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    call read_map
    call find_file
    jc failed
    movzwl %ax, %eax            /* the key comes first, as it stands in the directory */
    orl $SELECT_AND_WRITE << 24, %eax
    movl %eax, REQUEST
    movzwl %bp, %eax
    bswap %eax
    movl %eax, REQUEST + 4
    movl $0, REQUEST + 8
    movl $MAP, %eax
    bswap %eax
    movl %eax, REQUEST + 12
    movw $DMA, %dx
    xorl %eax, %eax
    outl %eax, %dx
    movw $DMA + 4, %dx
    movl $REQUEST, %eax
    bswap %eax
    outl %eax, %dx
failed:
    movw $message, %si
1:  cs lodsb
    testb %al, %al
    jz 2f
    movb $0x0e, %ah
    movw $7, %bx
    int $0x10
    jmp 1b
2:  int $0x18

/* BP: how many bytes of map there are. */
read_map:
    movw $MAP, %di
    xorl %ebx, %ebx
1:  movl $0xe820, %eax
    movl $RANGE, %ecx
    movl $0x534d4150, %edx      /* "SMAP" */
    int $0x15
    jc 2f
    cmpl $0x534d4150, %eax
    jne 2f
    addw $RANGE, %di
    cmpw $MAP + RANGE * RANGES, %di
    jae 2f
    testl %ebx, %ebx
    jnz 1b
2:  movw %di, %bp
    subw $MAP, %bp
    ret

/* AX: the key, big-endian; carry: there is no such file. */
find_file:
    movw $DIRECTORY, %ax
    movw $SELECTOR, %dx
    outw %ax, %dx
    movw $DATA, %dx
    movw $ENTRY, %di
    movw $4, %cx
    rep insb
    movl ENTRY, %ebx
    bswap %ebx
1:  subl $1, %ebx
    jc 2f
    movw $ENTRY, %di
    movw $64, %cx
    rep insb
    movw $name, %si
    movw $ENTRY + 8, %di
    movw $(message - name), %cx
    cs repe cmpsb
    jne 1b
    movw ENTRY + 4, %ax
    clc
2:  ret

name:
    .asciz "etc/menura/kernel"
message:
    .asciz "The kernel cannot be started.\r\n"
    .org 511
