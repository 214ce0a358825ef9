; INT 13h for a 1.44 MB floppy in drive A.
%include "lib.inc"

test:   cmp byte [boot_drive], 0
        CHECK e, 'booted with DL 0'
        mov ah, 0x08
        xor dl, dl
        int 0x13
        CHECK nc, '08h: no carry'
        cmp cx, 0x4f12
        CHECK e, '08h: 80 cylinders, 18 sectors'
        cmp dh, 1
        CHECK e, '08h: two heads'
        cmp bl, 4
        CHECK e, '08h: type 4'
        mov ax, es
        shl ax, 4
        cmp byte [es:di + 4], 18
        CHECK e, '08h: ES:DI at the diskette parameters'
        xor ax, ax
        mov es, ax
        mov ah, 0x15
        int 0x13
        mov ah, 0x15
        xor dl, dl
        int 0x13
        CHECK nc, '15h: no carry'
        cmp ah, 2
        CHECK e, '15h: a floppy with a change line'

        ; write two sectors on cylinder 40, head 1, read them back
        push cs
        pop es
        mov di, buffer
        mov cx, 512
        mov ax, 0x1357
.fill:  stosw
        add ax, 0x1111
        loop .fill
        mov ax, 0x0302
        mov cx, 0x2805
        mov dx, 0x0100
        mov bx, buffer
        int 0x13
        CHECK nc, '03h: no carry'
        cmp ax, 0x0002
        CHECK e, '03h: two sectors'
        mov ax, 0x0402
        int 0x13
        CHECK nc, '04h: no carry'
        mov ax, 0x0202
        mov bx, buffer + 1024
        int 0x13
        CHECK nc, '02h: no carry'
        cmp ax, 0x0002
        CHECK e, '02h: two sectors'
        mov si, buffer
        mov di, buffer + 1024
        mov cx, 512
        repe cmpsw
        CHECK e, 'what was written is read'

        ; from the last sector of head 0 on to head 1
        mov ax, 0x0202
        mov cx, 0x2812
        mov dx, 0x0000
        mov bx, buffer
        int 0x13
        CHECK nc, '02h goes on with the other head'

        mov ax, 0x1000
        mov es, ax
        mov ax, 0x0202
        mov cx, 0x0001
        xor dx, dx
        mov bx, 0xff00
        int 0x13
        CHECK c, '02h across 64 KiB: carry'
        cmp ah, 9
        CHECK e, '02h across 64 KiB: status 9'
        mov ah, 0x01
        int 0x13
        cmp ah, 9
        CHECK e, '01h: the last status'
        push cs
        pop es
        mov ax, 0x0201
        mov cx, 0x0013
        mov bx, buffer
        int 0x13
        CHECK c, '02h of sector 19: carry'
        cmp al, 0
        CHECK e, '02h of sector 19: nothing read'
        xor ax, ax
        xor dx, dx
        int 0x13
        CHECK nc, '00h: no carry'
        mov ax, 0x0201
        mov cx, 0x0001
        xor dx, dx
        mov bx, buffer
        int 0x13
        CHECK nc, '02h after 00h'
        cmp word [buffer + 510], 0xaa55
        CHECK e, 'the boot sector is there'

        ; format a track, and read it
        mov di, buffer
        mov cx, 1
.id:    mov al, 79
        stosb
        mov al, 1
        stosb
        mov al, cl
        stosb
        mov al, 2
        stosb
        inc cx
        cmp cx, 19
        jb .id
        mov ah, 0x18
        mov cx, 0x4f12
        xor dx, dx
        int 0x13
        CHECK nc, '18h: 80 cylinders of 18 sectors'
        push cs
        pop es
        mov ax, 0x0512
        mov cx, 0x4f01
        mov dx, 0x0100
        mov bx, buffer
        int 0x13
        CHECK nc, '05h: no carry'
        mov ax, 0x0201
        mov cx, 0x4f12
        mov bx, buffer
        int 0x13
        CHECK nc, 'a formatted track is read'
        mov ax, 0x0201
        mov cx, 0x0001
        mov dx, 0x0001
        int 0x13
        CHECK c, 'there is no drive B'
        jmp passed
align 16
buffer:
FINISH
