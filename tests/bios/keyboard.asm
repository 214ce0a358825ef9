; INT 16h and IRQ 1. Scan codes come from the controller itself: command D2h puts a byte into
; its output buffer as if a key had sent it.
%include "lib.inc"

%macro KEY 1-*
%rep %0
        mov al, %1
        call type
%rotate 1
%endrep
%endmacro
%macro EXPECT 3                         ; function, AX, sentence
        mov ah, %1
        int 0x16
        cmp ax, %2
        CHECK e, %3
%endmacro

test:   mov ah, 0x01
        int 0x16
        CHECK z, '01h: no key yet'
        KEY 0x1e, 0x9e
        mov ah, 0x01
        int 0x16
        CHECK nz, '01h: a key is there'
        cmp ax, 0x1e61
        CHECK e, '01h tells it'
        EXPECT 0x00, 0x1e61, 'a'
        mov ah, 0x01
        int 0x16
        CHECK z, '00h takes it out'
        KEY 0x2a, 0x1e, 0x9e, 0xaa
        EXPECT 0x00, 0x1e41, 'Shift a'
        KEY 0x1d, 0x2e, 0xae, 0x9d
        EXPECT 0x00, 0x2e03, 'Ctrl c'
        KEY 0x38, 0x10, 0x90, 0xb8
        EXPECT 0x00, 0x1000, 'Alt q'
        KEY 0x3b, 0xbb
        EXPECT 0x00, 0x3b00, 'F1'
        KEY 0x57, 0xd7
        EXPECT 0x10, 0x8500, 'F11 by 10h'
        KEY 0xe0, 0x48, 0xe0, 0xc8
        EXPECT 0x10, 0x48e0, 'cursor up by 10h has E0h'
        KEY 0xe0, 0x48, 0xe0, 0xc8
        EXPECT 0x00, 0x4800, 'cursor up by 00h has not'
        KEY 0xe0, 0x1c, 0xe0, 0x9c
        EXPECT 0x10, 0xe00d, 'keypad Enter by 10h'
        KEY 0xe0, 0x1c, 0xe0, 0x9c
        EXPECT 0x00, 0x1c0d, 'keypad Enter by 00h'
        KEY 0x57, 0xd7, 0x1e, 0x9e
        EXPECT 0x00, 0x1e61, '00h drops F11'
        KEY 0x38, 0x4d, 0xcd, 0x4c, 0xcc, 0xb8
        EXPECT 0x00, 0x0041, 'Alt 6 5 on the keypad is A'
        KEY 0x45, 0xc5
        mov ah, 0x02
        int 0x16
        test al, 0x20
        CHECK nz, '02h: Num Lock is on'
        KEY 0x47, 0xc7
        EXPECT 0x00, 0x4737, 'with Num Lock: 7'
        KEY 0x45, 0xc5
        KEY 0x3a, 0xba, 0x1e, 0x9e
        EXPECT 0x00, 0x1e41, 'Caps Lock: A'
        KEY 0x02, 0x82
        EXPECT 0x00, 0x0231, 'Caps Lock leaves 1'
        KEY 0x3a, 0xba
        KEY 0x1d
        mov ah, 0x12
        int 0x16
        cmp ax, 0x0104
        CHECK e, '12h: left Ctrl'
        KEY 0x9d

        mov ah, 0x05
        mov cx, 0x1234
        int 0x16
        cmp al, 0
        CHECK e, '05h: stored'
        EXPECT 0x10, 0x1234, '05h: and there'
        mov bp, 15
.fill:  mov ah, 0x05
        int 0x16
        cmp al, 0
        CHECK e, '05h: 15 keys fit'
        dec bp
        jnz .fill
        mov ah, 0x05
        int 0x16
        cmp al, 1
        CHECK e, '05h: the 16th does not'
        mov ax, [0x480]
        mov [0x41a], ax
        mov [0x41c], ax

        ; INT 15h/4Fh changes and swallows
        mov ax, [0x15 * 4]
        mov [old], ax
        mov ax, [0x15 * 4 + 2]
        mov [old + 2], ax
        cli
        mov word [0x15 * 4], hook
        mov [0x15 * 4 + 2], cs
        sti
        KEY 0x10, 0x90, 0x11, 0x91
        EXPECT 0x00, 0x1e61, '15h/4Fh made an a of a q'
        mov ah, 0x01
        int 0x16
        CHECK z, '15h/4Fh swallowed the w'
        mov ax, [old]
        mov [0x15 * 4], ax
        mov ax, [old + 2]
        mov [0x15 * 4 + 2], ax

        ; Ctrl Break
        mov word [0x1b * 4], break
        mov [0x1b * 4 + 2], cs
        KEY 0x1d, 0xe0, 0x46, 0xe0, 0xc6, 0x9d
        cmp byte [broken], 1
        CHECK e, 'Ctrl Break calls INT 1Bh'
        test byte [0x471], 0x80
        CHECK nz, 'and sets 40:71'
        EXPECT 0x00, 0x0000, 'and leaves a 0000h'
        jmp passed

; al: a byte as from the keyboard; returns when it was taken
type:   push ax
.full:  in al, 0x64
        test al, 2
        jnz .full
        mov al, 0xd2
        out 0x64, al
.busy:  in al, 0x64
        test al, 2
        jnz .busy
        pop ax
        out 0x60, al
        mov cx, 0xffff
.taken: in al, 0x64
        test al, 1
        loopnz .taken
        mov cx, 200
.rest:  in al, 0x64
        loop .rest
        ret
break:  inc byte [cs:broken]
        iret
; a q (10h) becomes an a; a w (11h) is nobody's
hook:   cmp ah, 0x4f
        jne .pass
        cmp al, 0x10
        jne .not_q
        mov al, 0x1e
.not_q: cmp al, 0x11
        jne .keep
        push bp
        mov bp, sp
        and word [bp + 6], 0xfffe
        pop bp
        iret
.keep:  push bp
        mov bp, sp
        or word [bp + 6], 1
        pop bp
        iret
.pass:  jmp far [cs:old]
old:    dd 0
broken: db 0
FINISH
