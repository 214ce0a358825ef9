; Booted from a floppy image on a CD: drive 0 is the image.
%include "lib.inc"

test:   cmp byte [boot_drive], 0
        CHECK e, 'booted with DL 0'
        mov ah, 0x08
        xor dl, dl
        int 0x13
        cmp cx, 0x4f12
        CHECK e, '08h: 80 cylinders, 18 sectors'
        cmp bl, 4
        CHECK e, '08h: 1.44 MB'
        push cs
        pop es
        mov ax, 0x0305
        mov cx, 1
        xor dx, dx
        mov bx, buffer
        int 0x13
        CHECK c, '03h: carry'
        cmp ah, 3
        CHECK e, '03h: write protected'
        mov ax, 0x0205
        mov cx, 0x0002
        xor dx, dx
        mov bx, buffer
        int 0x13
        CHECK nc, '02h of five sectors'
        mov si, 0x7e00
        mov di, buffer
        mov cx, 5 * 256
        repe cmpsw
        CHECK e, '02h: what was loaded is there'
        int 0x11
        test al, 1
        CHECK nz, 'INT 11h: a floppy'
        mov si, packet
        mov ax, 0x4b01
        mov dl, 0
        int 0x13
        CHECK nc, '4B01h: no carry'
        cmp byte [packet + 1], 2
        CHECK e, '4B01h: 1.44 MB'
        mov si, packet
        mov ax, 0x4b00
        mov dl, 0x7f
        int 0x13
        CHECK nc, '4B00h: no carry'
        mov ax, 0x4b01
        mov dl, 0
        int 0x13
        CHECK c, '4B01h: the emulation has ended'
        jmp passed
packet: times 20 db 0
align 16
buffer equ 0xa000                   ; behind the program
FINISH
