; display.asm - a boot sector that shows a line, and then what is typed and clicked.
bits 16
org 0x7c00
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        mov ax, 0x0003
        int 0x10
        mov si, hello
        call print
        mov ax, 0xb800
        mov es, ax
        mov word [es:160], 0x4fdb       ; a full block: white on red
        mov word [es:162], 0x1ec9       ; a double corner: yellow on blue
        xor ax, ax
        mov es, ax
        mov ah, 2
        xor bh, bh
        mov dx, 0x0200
        int 0x10

        mov ax, 0xc205                  ; the mouse, in packets of three bytes
        mov bh, 3
        int 0x15
        mov ax, 0xc207
        mov bx, mouse
        int 0x15
        mov ax, 0xc200
        mov bh, 1
        int 0x15

key:    xor ah, ah
        int 0x16
        mov si, f1
        cmp ah, 0x3b
        je .say
        mov si, up
        cmp ah, 0x48
        je .say
        cmp al, 'g'
        je graphics
        or al, al
        jz key
        call show
        jmp key
.say:   call print
        jmp key

graphics:                               ; 320x200, which a VGA shows with doubled dots
        mov ax, 0x0013
        int 0x10
        jmp key

; Called far by the BIOS: status, X, Y, Z on the stack.
mouse:  push bp
        mov bp, sp
        pusha
        push ds
        xor ax, ax
        mov ds, ax
        mov si, left
        test byte [bp + 12], 1
        jnz .say
        mov si, moved
        cmp word [bp + 10], 0
        je .none
        cmp byte [told], 0
        jne .none
        inc byte [told]
.say:   call print
.none:  pop ds
        popa
        pop bp
        retf

print:  lodsb
        or al, al
        jz .done
        call show
        jmp print
.done:  ret

show:   out 0xe9, al                    ; also to -debugcon
        mov ah, 0x0e
        mov bx, 7
        int 0x10
        ret

hello   db 'The boot sector is here.', 0
f1      db '<F1>', 0
up      db '<Up>', 0
left    db '<Left>', 0
moved   db '<Moved>', 0
told    db 0
        times 510 - ($ - $$) db 0
        dw 0xaa55
