; Booted from a CD without emulation: 4B01h, EDD on a CD.
%define LOADED
%include "lib.inc"

test:   mov dl, [boot_drive]
        cmp dl, 0xe0
        CHECK ae, 'booted with DL E0h or more'
        mov si, packet
        mov ax, 0x4b01
        int 0x13
        CHECK nc, '4B01h: no carry'
        cmp byte [packet], 0x13
        CHECK e, '4B01h: 19 bytes'
        mov al, [boot_drive]
        cmp al, [packet + 2]
        CHECK e, '4B01h: the drive'
        test byte [packet + 1], 15
        CHECK z, '4B01h: no emulation'
        mov bx, 0x55aa
        mov ah, 0x41
        mov dl, [boot_drive]
        int 0x13
        CHECK nc, '41h: no carry'
        mov si, parameters
        mov ah, 0x48
        mov dl, [boot_drive]
        int 0x13
        CHECK nc, '48h: no carry'
        cmp word [parameters + 24], 2048
        CHECK e, '48h: 2048 bytes in a sector'
        ; sector 16 is the volume descriptor; with 17 it crosses nothing special
        mov si, dap
        mov ah, 0x42
        mov dl, [boot_drive]
        int 0x13
        CHECK nc, '42h: no carry'
        mov ax, 0x2000
        mov es, ax
        cmp dword [es:1], 'CD00'
        CHECK e, '42h: CD001 in sector 16'
        cmp dword [es:2048 + 7], 'EL T'
        CHECK e, '42h: the boot record in sector 17'
        mov ah, 0x43
        mov dl, [boot_drive]
        mov si, dap
        int 0x13
        CHECK c, '43h: a CD is not written'
        mov ax, 0x0201
        mov cx, 1
        xor dh, dh
        mov dl, [boot_drive]
        int 0x13
        CHECK c, '02h: a CD has no cylinders'
        jmp passed
packet: times 20 db 0
parameters: dw 30
        times 28 db 0
dap:    db 16, 0
        dw 2, 0, 0x2000
        dq 16
FINISH
