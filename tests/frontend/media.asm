; media.asm - a boot sector that says over COM1 what it sees of the drives, when asked:
;   t  TEST UNIT READY to the CD-ROM drive: ready, or key, ASC and ASCQ in hexadecimal
;   e  GET EVENT/STATUS NOTIFICATION, media class: the event, in hexadecimal
;   l, u  locks and unlocks the tray
;   d  the medium's first byte
;   f  the floppy drive's change line
;   s  reads drive A's second sector by the BIOS and prints its first byte
bits 16
org 0x7c00
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        mov dx, 0x3fc                   ; DTR and RTS: input is welcome
        mov al, 3
        out dx, al
        mov al, '!'
        call put
        call line

next:   mov dx, 0x3fd
        in al, dx
        test al, 1
        jz next
        mov dx, 0x3f8
        in al, dx
        mov si, ready
        cmp al, 't'
        je unit
        mov si, events
        cmp al, 'e'
        je event
        mov si, hold
        cmp al, 'l'
        je plain
        mov si, loose
        cmp al, 'u'
        je plain
        mov si, read
        cmp al, 'd'
        je data
        cmp al, 'f'
        je change
        cmp al, 's'
        jne next

        mov ax, 0x0201                  ; drive A; the first try after a change fails
        mov bx, buffer
        mov cx, 2
        xor dx, dx
        int 0x13
        mov al, '?'
        jc .say
        mov al, [buffer]
.say:   call put
        jmp done

change: mov dx, 0x3f7
        in al, dx
        and al, 0x80
        call hex
        jmp done

data:   call packet
        mov al, [buffer]
        call put
        jmp done

event:  call packet
        mov al, [buffer + 4]
        call hex
        jmp done

plain:  call packet
        mov al, '.'
        call put
        jmp done

unit:   call packet
        test al, 1
        mov al, 'r'
        jz .good
        mov si, sense
        call packet
        mov al, [buffer + 2]
        call hex
        mov al, [buffer + 12]
        call hex
        mov al, [buffer + 13]
        call hex
        jmp done
.good:  call put
done:   call line
        jmp next

; The packet at si goes to the secondary master; what it answers to buffer. AL: Status.
packet: mov dx, 0x176
        mov al, 0xa0
        out dx, al
        call busy
        mov dx, 0x171
        xor al, al
        out dx, al
        mov dx, 0x174
        mov al, 0xfe
        out dx, al
        inc dx
        out dx, al
        mov dx, 0x177
        mov al, 0xa0
        out dx, al
        call busy
        mov dx, 0x170
        mov cx, 6
        rep outsw
.more:  call busy
        test al, 8
        jz .over
        mov dx, 0x174
        in al, dx
        mov cl, al
        inc dx
        in al, dx
        mov ch, al
        shr cx, 1
        mov dx, 0x170
        mov di, buffer
        rep insw
        jmp .more
.over:  ret

busy:   mov dx, 0x177
        in al, dx
        test al, 0x80
        jnz busy
        ret

hex:    push ax
        shr al, 4
        call .digit
        pop ax
        and al, 15
.digit: cmp al, 10
        sbb al, 0x69
        das                             ; a digit as ASCII
put:    mov ah, al
        mov dx, 0x3fd
.wait:  in al, dx
        test al, 0x20
        jz .wait
        mov al, ah
        mov dx, 0x3f8
        out dx, al
        ret
line:   mov al, 10
        jmp put

ready:  times 12 db 0
sense:  db 3, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0
events: db 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0, 0, 0
hold:   db 0x1e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0
loose:  db 0x1e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
read:   db 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0

        times 510 - ($ - $$) db 0
        dw 0xaa55
buffer:
