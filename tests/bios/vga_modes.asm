; vga_modes.asm - each standard mode: what the BIOS says of it, its corners, a character,
; and that what was drawn can be read.
%define NAME "vga_modes"
%define SECTORS 8
%include "vga.inc"

test:
    mov si, modes
.next:
    mov al, [si]
    cmp al, 0xff
    je .end
    xor ah, ah
    mov [context], ax
    int 0x10
    mov ah, 0x0f
    int 0x10
    expect_byte al, [si], "0Fh gives the mode"
    expect_byte ah, [si + 1], "0Fh gives the columns"
    expect_byte bh, 0, "0Fh gives page 0"
    expect_byte [0x484], [si + 2], "40:84 is the last row"
    expect [0x485], [si + 3], "40:85 is the characters' height"
    expect [0x44c], [si + 5], "40:4C is the page's size"
    expect [0x463], [si + 7], "40:63 is the CRTC's port"
    expect_byte [0x465], [si + 9], "40:65 is the CGA's mode register"
    cmp word [si + 10], 0
    je .text
    call graphics
    jmp .done
.text:
    call text
.done:
    add si, 16
    jmp .next
.end:
    mov word [context], 0
    ; A mode no VGA has changes nothing; bit 7 keeps memory, and 0Fh tells.
    mov ax, 0x0003
    int 0x10
    mov ax, 0x000a
    int 0x10
    mov ah, 0x0f
    int 0x10
    expect_byte al, 3, "an impossible mode is not set"
    mov ax, 0x0941
    mov bx, 0x0017
    mov cx, 1
    int 0x10
    mov ax, 0x0083
    int 0x10
    peek ax, 0xb800, 0
    expect ax, 0x1741, "bit 7 keeps the screen"
    mov ah, 0x0f
    int 0x10
    expect_byte al, 0x83, "0Fh tells of bit 7"
    mov ax, 0x0003
    int 0x10
    peek ax, 0xb800, 0
    expect ax, 0x0720, "without bit 7 the screen is cleared"
    ret

text:
    pusha
    mov ax, 0x0200
    mov bx, 0
    mov dx, 0x0503
    int 0x10
    mov ax, 0x0957
    mov bx, 0x001e
    mov cx, 3
    int 0x10
    mov ax, 0x0800
    mov bx, 0
    int 0x10
    expect ax, 0x1e57, "08h reads what 09h wrote"
    mov ah, 3
    mov bh, 0
    int 0x10
    expect dx, 0x0503, "09h leaves the cursor"
    ; The cell stands in video memory where it should.
    mov al, 5
    mul byte [0x44a]
    add ax, 5
    add ax, ax
    mov bx, ax
    mov ax, 0xb800
    cmp word [0x463], 0x3b4
    jne .colour
    mov ax, 0xb000
.colour:
    mov es, ax
    expect [es:bx], 0x1e57, "the third of them is in video memory"
    mov ax, 0
    mov es, ax
    popa
    ret

; Row: 10 last column, 12 last line, 14 most colour.
graphics:
    pusha
    mov bh, 0
    mov al, [si + 14]
    mov cx, [si + 10]
    mov dx, [si + 12]
    call .point
    mov al, 1
    mov cx, 0
    mov dx, 0
    call .point
    mov al, [si + 14]
    mov cx, 101
    mov dx, 0
    call .point
    mov al, [si + 14]
    mov cx, 7
    mov dx, 99
    call .point
    ; A neighbour stays black.
    mov ah, 0x0d
    mov cx, 102
    mov dx, 0
    int 0x10
    expect_byte al, 0, "a neighbour stays black"
    ; Exclusive or, but in 256 colours, takes a point away.
    cmp byte [si], 0x13
    je .no_xor
    mov ah, 0x0c
    mov al, [si + 14]
    or al, 0x80
    mov cx, 101
    int 0x10
    mov ah, 0x0d
    int 0x10
    expect_byte al, 0, "the same point again with bit 7 is black"
.no_xor:
    ; A character, point by point, is what the font says.
    mov ah, 2
    mov dx, 0x0203
    int 0x10
    mov ah, 9
    mov al, 'R'
    mov bl, [si + 14]
    mov bh, 0
    mov cx, 1
    int 0x10
    call .compare
    mov ah, 8
    mov bh, 0
    int 0x10
    expect_byte al, 'R', "08h recognizes a character"
    mov ah, 2
    mov dx, 0x0204
    int 0x10
    mov ah, 0x0a ; the second half of the font: INT 1Fh in modes 4-6
    mov al, 0xe9
    mov bl, [si + 14]
    mov cx, 1
    int 0x10
    mov ah, 8
    int 0x10
    expect_byte al, 0xe9, "08h recognizes a character above 7Fh"
    ; A line of text scrolled up: the character comes along.
    mov ax, 0x0601
    mov bh, 0
    mov cx, 0x0000
    mov dh, [0x484]
    mov dl, 39
    int 0x10
    mov ah, 2
    mov bh, 0
    mov dx, 0x0103
    int 0x10
    mov ah, 8
    int 0x10
    expect_byte al, 'R', "06h moves characters up"
    mov ah, 2
    mov dx, 0x0203
    int 0x10
    mov ah, 8
    int 0x10
    cmp al, ' ' ; nothing on the screen may also be 00h or FFh
    je .empty
    expect_byte al, 0, "behind it is nothing"
.empty:
    mov ax, 0x0702
    mov cx, 0x0000
    mov dh, [0x484]
    mov dl, 39
    mov bh, 0
    int 0x10
    mov ah, 2
    mov dx, 0x0303
    int 0x10
    mov ah, 8
    int 0x10
    expect_byte al, 'R', "07h moves characters down"
    popa
    ret
.point:
    mov ah, 0x0c
    int 0x10
    push ax
    mov ah, 0x0d
    int 0x10
    mov [.read], al
    pop ax
    expect_byte [.read], ax, "0Dh reads the point that 0Ch drew" ; AH is 0Ch
    ret
.read: db 0
.compare:
    les di, [0x43 * 4]
    mov ax, 'R'
    mul word [0x485]
    add di, ax
    mov ax, 2
    mul word [0x485]
    mov dx, ax ; the character's first line
    mov bp, [0x485]
.line:
    mov bl, [es:di]
    mov cx, 24
.dot:
    mov ah, 0x0d
    mov bh, 0
    int 0x10
    xor ah, ah
    test al, al
    jz .black
    inc ah
.black:
    shl bl, 1
    adc ah, 0
    test ah, 1 ; shown and in the font, or neither
    jz .same
    inc word [.wrong]
.same:
    inc cx
    cmp cx, 32
    jb .dot
    inc dx
    inc di
    dec bp
    jnz .line
    mov ax, 0
    mov es, ax
    expect [.wrong], 0, "each dot of a character is the font's"
    mov word [.wrong], 0
    ret
.wrong: dw 0

; mode, columns, last row, height, page, CRTC, CGA mode; last column, last line, colour.
; IBM PS/2 BIOS Interface TR, INT 10h AH=00h.
%macro mode 10
    db %1, %2, %3
    dw %4, %5, %6
    db %7
    dw %8, %9, %10
%endmacro
modes:
    mode 0x00, 40, 24, 16, 0x0800, 0x3d4, 0x2c, 0, 0, 0
    mode 0x01, 40, 24, 16, 0x0800, 0x3d4, 0x28, 0, 0, 0
    mode 0x02, 80, 24, 16, 0x1000, 0x3d4, 0x2d, 0, 0, 0
    mode 0x03, 80, 24, 16, 0x1000, 0x3d4, 0x29, 0, 0, 0
    mode 0x04, 40, 24, 8, 0x4000, 0x3d4, 0x2a, 319, 199, 3
    mode 0x05, 40, 24, 8, 0x4000, 0x3d4, 0x2e, 319, 199, 3
    mode 0x06, 80, 24, 8, 0x4000, 0x3d4, 0x1e, 639, 199, 1
    mode 0x07, 80, 24, 16, 0x1000, 0x3b4, 0x29, 0, 0, 0
    mode 0x0d, 40, 24, 8, 0x2000, 0x3d4, 0x29, 319, 199, 15
    mode 0x0e, 80, 24, 8, 0x4000, 0x3d4, 0x29, 639, 199, 15
    mode 0x0f, 80, 24, 14, 0x8000, 0x3b4, 0x29, 639, 349, 5
    mode 0x10, 80, 24, 14, 0x8000, 0x3d4, 0x29, 639, 349, 15
    mode 0x11, 80, 29, 16, 0xa000, 0x3d4, 0x29, 639, 479, 15
    mode 0x12, 80, 29, 16, 0xa000, 0x3d4, 0x29, 639, 479, 15
    mode 0x13, 40, 24, 8, 0x2000, 0x3d4, 0x29, 319, 199, 255
    db 0xff
    finish
