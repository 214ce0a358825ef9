; INT 10h of the BIOS itself, where there is no VGA BIOS (and so perhaps no card either).
%include "lib.inc"

test:   mov ah, 0x0f
        int 0x10
        cmp ax, 0x5003
        CHECK e, '0Fh: mode 3, 80 columns'
        cmp bh, 0
        CHECK e, '0Fh: page 0'
        mov ax, 0x0003
        int 0x10
        mov ah, 0x03
        int 0x10
        cmp dx, 0
        CHECK e, '00h: the cursor is at the top'
        mov ah, 0x02
        xor bh, bh
        mov dx, 0x0a14
        int 0x10
        mov ax, 0x0e41
        int 0x10
        mov ah, 0x03
        int 0x10
        cmp dx, 0x0a15
        CHECK e, '0Eh moves the cursor'
        mov ax, 0x0e0d
        int 0x10
        mov ax, 0x0e0a
        int 0x10
        mov ah, 0x03
        int 0x10
        cmp dx, 0x0b00
        CHECK e, '0Eh: carriage return, line feed'
        mov ah, 0x02
        mov dx, 0x184f
        int 0x10
        mov ax, 0x0e42
        int 0x10
        mov ah, 0x03
        int 0x10
        cmp dx, 0x1800
        CHECK e, '0Eh in the last corner scrolls'
        push cs
        pop es
        mov bp, .text
        mov cx, 4
        mov dx, 0x0505
        mov bx, 0x0007
        mov ax, 0x1301
        int 0x10
        mov ah, 0x03
        int 0x10
        cmp dx, 0x0509
        CHECK e, '13h: the cursor follows'
        mov ax, 0x1300
        mov dx, 0x0101
        int 0x10
        mov ah, 0x03
        int 0x10
        cmp dx, 0x0509
        CHECK e, '13h: the cursor stays'
        jmp passed
.text:  db 'text'
FINISH
