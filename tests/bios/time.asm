; INT 1Ah, IRQ 0, INT 1Ch, INT 15h/83h and 86h, IRQ 8.
%include "lib.inc"

test:   xor ah, ah
        int 0x1a
        mov [ticks], dx
        mov cx, 20
.wait:  hlt
        loop .wait
        xor ah, ah
        int 0x1a
        sub dx, [ticks]
        CHECK nz, '1Ah/00h: ticks go on'

        cli
        mov word [0x1c * 4], tick
        mov [0x1c * 4 + 2], cs
        sti
        mov cx, 5
.ticks: hlt
        loop .ticks
        cmp word [count], 0
        CHECK nz, 'INT 1Ch is called'

        mov ah, 0x01
        mov cx, 0x18
        mov dx, 0x00af
        int 0x1a
.midnight:
        hlt
        cmp word [0x46e], 0
        jne .midnight
        xor ah, ah
        int 0x1a
        cmp al, 1
        CHECK e, '1Ah/00h: a midnight has passed'
        xor ah, ah
        int 0x1a
        cmp al, 0
        CHECK e, '1Ah/00h: and is told once'

        mov ah, 0x02
        int 0x1a
        CHECK nc, '1Ah/02h: no carry'
        cmp ch, 0x23
        CHECK be, '1Ah/02h: hours to 23, BCD'
        cmp cl, 0x59
        CHECK be, '1Ah/02h: minutes to 59, BCD'
        mov ah, 0x04
        int 0x1a
        CHECK nc, '1Ah/04h: no carry'
        cmp ch, 0x20
        CHECK e, '1Ah/04h: the century'
        cmp dh, 0x12
        CHECK be, '1Ah/04h: months to 12, BCD'

        mov ah, 0x03
        mov cx, 0x1234
        mov dx, 0x5600
        int 0x1a
        CHECK nc, '1Ah/03h: no carry'
        mov ah, 0x02
        int 0x1a
        cmp cx, 0x1234
        CHECK e, '1Ah/03h sets the time'
        mov ah, 0x05
        mov cx, 0x1999
        mov dx, 0x1130
        int 0x1a
        mov ah, 0x04
        int 0x1a
        cmp cx, 0x1999
        CHECK e, '1Ah/05h sets the year'
        cmp dx, 0x1130
        CHECK e, '1Ah/05h sets month and day'

        ; an alarm in two seconds
        mov word [0x4a * 4], alarm
        mov [0x4a * 4 + 2], cs
        mov ah, 0x03
        mov cx, 0x0102
        mov dx, 0x0300
        int 0x1a
        mov ah, 0x06
        mov cx, 0x0102
        mov dx, 0x0500
        int 0x1a
        CHECK nc, '1Ah/06h: no carry'
        mov ah, 0x06
        int 0x1a
        CHECK c, '1Ah/06h: one alarm only'
        mov cx, 18 * 5
.alarm: hlt
        cmp byte [rang], 0
        loope .alarm
        cmp byte [rang], 0
        CHECK ne, 'INT 4Ah: the alarm rang within five seconds'
        mov ah, 0x07
        int 0x1a

        ; 86h: 200 ms are 3 to 5 ticks
        mov ax, [0x46c]
        mov [ticks], ax
        mov ah, 0x86
        mov cx, 3
        mov dx, 0x0d40
        int 0x15
        CHECK nc, '15h/86h: no carry'
        mov ax, [0x46c]
        sub ax, [ticks]
        cmp ax, 3
        CHECK ae, '15h/86h: 200 ms are three ticks or more'
        cmp ax, 40
        CHECK b, '15h/86h: and not forty'

        mov byte [event], 0
        push ds
        pop es
        mov bx, event
        mov ax, 0x8300
        xor cx, cx
        mov dx, 50000
        int 0x15
        CHECK nc, '15h/83h: no carry'
        mov ax, 0x8300
        int 0x15
        CHECK c, '15h/83h: one at a time'
        mov cx, 400                     ; the RTC's interrupts end a HLT too
.event: hlt
        test byte [event], 0x80
        jnz .came
        loop .event
.came:  test byte [event], 0x80
        CHECK nz, '15h/83h sets bit 7'
        jmp passed

tick:   inc word [cs:count]
        iret
alarm:  inc byte [cs:rang]
        iret
ticks:  dw 0
count:  dw 0
rang:   db 0
event:  db 0
FINISH
