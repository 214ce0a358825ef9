; Booted from a hard disk image on a CD: 80h is the image, the real disk is 81h. Its partition
; table says 2 heads of 18 sectors.
%include "lib.inc"

test:   cmp byte [boot_drive], 0x80
        CHECK e, 'booted with DL 80h'
        mov ah, 0x08
        mov dl, 0x80
        int 0x13
        CHECK nc, '08h: no carry'
        cmp dl, 2
        CHECK e, '08h: two disks'
        cmp dh, 1
        CHECK e, '08h: two heads'
        and cl, 63
        cmp cl, 18
        CHECK e, '08h: 18 sectors'
        mov ah, 0x15
        mov dl, 0x81
        int 0x13
        CHECK nc, '81h is there'
        mov ax, 0x0301
        mov cx, 1
        mov dx, 0x0080
        mov bx, 0x8000
        int 0x13
        CHECK c, '03h: carry'
        mov si, dap
        mov ah, 0x42
        mov dl, 0x80
        int 0x13
        CHECK nc, '42h: no carry'
        mov si, 0x7e00
        mov di, buffer
        mov cx, 256
        repe cmpsw
        CHECK e, '42h: the second sector'
        mov ax, 0x0201
        mov cx, 1
        mov dx, 0x0081
        mov bx, buffer
        int 0x13
        CHECK nc, '02h of 81h'
        cmp word [buffer], 'RE'
        CHECK e, '02h of 81h: the real disk'
        jmp passed
dap:    db 16, 0
        dw 1, buffer, 0
        dq 1
align 16
buffer equ 0xa000                   ; behind the program
FINISH
