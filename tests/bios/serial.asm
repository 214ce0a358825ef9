; INT 14h with the UART's own loop (MCR bit 4), and INT 17h without a printer.
%include "lib.inc"

test:   cmp word [0x400], 0x3f8
        CHECK e, '40:00 is 3F8h'
        mov ax, 0x00e3
        xor dx, dx
        int 0x14
        mov dx, 0x3fb
        in al, dx
        cmp al, 3
        CHECK e, '00h: eight bits, no parity, one stop bit'
        or al, 0x80
        out dx, al
        mov dx, 0x3f8
        in al, dx
        mov bl, al
        mov dx, 0x3fb
        mov al, 3
        out dx, al
        cmp bl, 12
        CHECK e, '00h: 9600 baud'
        mov ax, 0x0400
        mov bx, 0x0000
        mov cx, 0x0308
        xor dx, dx
        int 0x14
        mov ah, 0x03
        int 0x14
        test ah, 0x60
        CHECK nz, '03h: the transmitter is empty'
        mov byte [0x47c], 1
        mov ah, 0x03
        mov dx, 3
        int 0x14
        test ah, 0x80
        CHECK nz, 'a port that is not there times out'
        ; loop: DTR is DSR, RTS is CTS; 01h and 02h set MCR without the loop, so a byte is sent
        ; by hand and read by 02h
        mov dx, 0x3fc
        mov al, 0x13
        out dx, al
        mov dx, 0x3f8
        mov al, 0x5a
        out dx, al
        mov cx, 0
.wait:  mov dx, 0x3fd
        in al, dx
        test al, 1
        loopz .wait
        mov ah, 0x02
        xor dx, dx
        int 0x14
        cmp al, 0x5a
        CHECK e, '02h reads what was sent'
        test ah, 0x80
        CHECK z, '02h: in time'
        mov ax, 0x0041
        mov dx, 2
        int 0x17
        test ah, 1
        CHECK nz, '17h/00h: there is no third printer'
        jmp passed
FINISH
