; INT 15h/C2h and IRQ 12. Packets come from the controller: command D3h puts a byte into its
; output buffer as if the mouse had sent it.
%include "lib.inc"

test:   int 0x11
        test al, 4
        CHECK nz, 'INT 11h: a pointing device'
        mov ax, 0xc205
        mov bh, 3
        int 0x15
        CHECK nc, 'C205h: no carry'
        cmp bx, 0x00aa
        CHECK e, 'C205h: AAh and id 0'
        mov ax, 0xc200
        mov bh, 1
        int 0x15
        CHECK c, 'C200h without a handler: carry'
        cmp ah, 5
        CHECK e, 'C200h without a handler: status 5'
        mov ax, 0xc207
        mov bx, handler
        push cs
        pop es
        int 0x15
        CHECK nc, 'C207h: no carry'
        mov ax, 0xc202
        mov bh, 5
        int 0x15
        CHECK nc, 'C202h: no carry'
        mov ax, 0xc202
        mov bh, 7
        int 0x15
        CHECK c, 'C202h: there is no rate 7'
        mov ax, 0xc203
        mov bh, 3
        int 0x15
        CHECK nc, 'C203h: no carry'
        mov ax, 0xc204
        int 0x15
        CHECK nc, 'C204h: no carry'
        cmp bh, 0
        CHECK e, 'C204h: type 0'
        mov ax, 0xc206
        mov bh, 0
        int 0x15
        CHECK nc, 'C206h: no carry'
        cmp cl, 3
        CHECK e, 'C206h: resolution 3'
        cmp dl, 100
        CHECK e, 'C206h: 100 samples a second'
        mov ax, 0xc200
        mov bh, 1
        int 0x15
        CHECK nc, 'C200h: no carry'
        mov al, 0x29
        call move
        mov al, 0x05
        call move
        mov al, 0xfb
        call move
        cmp byte [calls], 1
        CHECK e, 'three bytes call the handler once'
        cmp word [seen], 0x29
        CHECK e, 'the status'
        cmp word [seen + 2], 5
        CHECK e, 'X'
        cmp word [seen + 4], 0xfb
        CHECK e, 'Y'
        cmp word [seen + 6], 0
        CHECK e, 'and a zero'
        mov ax, 0xc200
        mov bh, 0
        int 0x15
        CHECK nc, 'C200h off: no carry'
        mov ax, 0xc2ff
        int 0x15
        cmp ah, 1
        CHECK e, 'C2FFh: status 1'
        jmp passed

move:   push ax
.full:  in al, 0x64
        test al, 3
        jnz .full
        mov al, 0xd3
        out 0x64, al
.busy:  in al, 0x64
        test al, 2
        jnz .busy
        pop ax
        out 0x60, al
        mov cx, 2000
.rest:  in al, 0x64
        loop .rest
        ret
handler:
        push bp
        mov bp, sp
        push ax
        inc byte [cs:calls]
        mov ax, [bp + 12]
        mov [cs:seen], ax
        mov ax, [bp + 10]
        mov [cs:seen + 2], ax
        mov ax, [bp + 8]
        mov [cs:seen + 4], ax
        mov ax, [bp + 6]
        mov [cs:seen + 6], ax
        pop ax
        pop bp
        retf
calls:  db 0
seen:   times 4 dw 0
FINISH
