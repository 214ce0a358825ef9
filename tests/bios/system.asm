; INT 11h, 15h (C0h, C1h, 4Fh, 53h), vectors, the BIOS data area, and services within services.
%include "lib.inc"

test:   mov ah, 0xc0
        int 0x15
        CHECK nc, 'C0h: no carry'
        cmp word [es:bx], 8
        CHECK ae, 'C0h: 8 bytes or more'
        cmp byte [es:bx + 2], 0xfc
        CHECK e, 'C0h: an AT'
        mov ah, 0xc1
        int 0x15
        CHECK nc, 'C1h: no carry'
        mov ax, es
        cmp ax, [0x40e]
        CHECK e, 'C1h: the EBDA of 40:0E'
        cmp byte [es:0], 1
        CHECK e, 'the EBDA has one KiB'
        mov ax, 0x5300
        xor bx, bx
        int 0x15
        CHECK c, '5300h: there is no APM'
        cmp ah, 0x86
        CHECK e, '5300h: status 86h'
        mov ax, 0x4f1e
        stc
        int 0x15
        CHECK c, '4Fh leaves carry'
        cmp al, 0x1e
        CHECK e, '4Fh leaves AL'
        int 0x11
        cmp ax, [0x410]
        CHECK e, 'INT 11h: 40:10'
        test al, 2
        CHECK nz, 'INT 11h: a coprocessor'
        mov ax, 0xf000
        mov es, ax
        cmp byte [es:0xfffe], 0xfc
        CHECK e, 'F000:FFFE: FCh'
        cmp byte [es:0xfff0], 0xea
        CHECK e, 'F000:FFF0: a far jump'
        cmp word [0x1e * 4], 0xefc7
        CHECK e, 'INT 1Eh: F000:EFC7'
        cmp word [0x40 * 4], 0xec59
        CHECK e, 'INT 40h: F000:EC59'
        cmp dword [0x60 * 4], 0
        CHECK e, 'INT 60h is free for users'
        xor ax, ax
        mov es, ax

        ; registers stay; flags too, but those of the service
        mov eax, 0x12345678
        mov ah, 0x02
        mov ebx, 0x9abcdef0
        mov ecx, 0x11223344
        mov edx, 0x55667788
        mov esi, 0xa5a5a5a5
        mov edi, 0x5a5a5a5a
        mov ebp, 0x0badcafe
        std
        int 0x16
        pushf
        cld
        cmp ebx, 0x9abcdef0
        CHECK e, 'EBX stays'
        cmp ecx, 0x11223344
        CHECK e, 'ECX stays'
        cmp edx, 0x55667788
        CHECK e, 'EDX stays'
        cmp esi, 0xa5a5a5a5
        CHECK e, 'ESI stays'
        cmp edi, 0x5a5a5a5a
        CHECK e, 'EDI stays'
        cmp ebp, 0x0badcafe
        CHECK e, 'EBP stays'
        pop ax
        test ah, 4
        CHECK nz, 'the direction flag stays'

        ; interrupts that call services while a service waits
        mov word [0x1c * 4], nested
        mov [0x1c * 4 + 2], cs
        mov ah, 0x00
        int 0x16
        cmp ax, 0x1234
        CHECK e, 'INT 1Ch stored a key while INT 16h waited for one'
        cmp byte [depth], 3
        CHECK ae, 'and had read from the disk thrice'

        ; an interrupt that never comes back, many times
        mov word [lost], 40
        mov word [0x1c * 4], leave
.again: mov sp, 0x7c00
        mov ah, 0x00
        sti
        int 0x16
leave:  xor ax, ax
        mov ds, ax
        mov al, 0x20
        out 0x20, al
        dec word [lost]
        jnz test.again
        mov word [0x1c * 4], back
        cli
        xor ax, ax
        mov ss, ax
        mov es, ax
        mov sp, 0x7c00
        sti
        hlt
        hlt
        mov ah, 0x02
        int 0x16
        jmp passed
back:   iret

nested: pusha
        push ds
        push es
        push cs
        pop ds
        push cs
        pop es
        inc byte [depth]
        mov ax, 0x0201
        mov cx, 1
        xor dh, dh
        mov dl, [boot_drive]
        mov bx, buffer
        int 0x13
        jc .bad
        cmp byte [depth], 3
        jb .done
        mov ah, 0x05
        mov cx, 0x1234
        int 0x16
        mov word [0x1c * 4], back
.done:  pop es
        pop ds
        popa
        iret
.bad:   mov si, .text
        jmp fail_si
.text:  db 'INT 13h within INT 1Ch within INT 16h', 0
depth:  db 0
lost:   dw 0
align 16
buffer:
FINISH
