; vga_fonts.asm - AH=11h: where fonts are, that they get to plane 2, and other heights.
%define NAME "vga_fonts"
%define SECTORS 10
%include "vga.inc"

%macro info 1
    mov ax, 0x1130
    mov bh, %1
    int 0x10
%endmacro

; Plane 2 shows at A0000h.
open_plane:
    mov dx, 0x3c4
    mov ax, 0x0402
    out dx, ax
    mov ax, 0x0704
    out dx, ax
    mov dx, 0x3ce
    mov ax, 0x0204
    out dx, ax
    mov ax, 0x0005
    out dx, ax
    mov ax, 0x0406
    out dx, ax
    ret

close_plane:
    mov dx, 0x3c4
    mov ax, 0x0302
    out dx, ax
    mov ax, 0x0204
    out dx, ax
    mov dx, 0x3ce
    mov ax, 0x0004
    out dx, ax
    mov ax, 0x1005
    out dx, ax
    mov ax, 0x0e06
    out dx, ax
    ret

; AX = differences between DS:SI and plane 2 at DI: CX characters of BX bytes.
compare:
    push es
    mov dx, 0xa000
    mov es, dx
    xor ax, ax
.char:
    push cx
    push di
    mov cx, bx
.byte:
    cmpsb
    je .same
    inc ax
.same:
    loop .byte
    pop di
    pop cx
    add di, 32
    loop .char
    pop es
    ret

%macro plane_has 5 ; table's offset, height, 1130h's number, n, what
    call open_plane
    mov ax, 0x1130
    mov bh, %3
    int 0x10
    mov si, bp
    push ds
    push es
    pop ds
    mov di, %1
    mov bx, %2
    mov cx, %4
    call compare
    pop ds
    push ax
    call close_plane
    pop ax
    push ax
    xor ax, ax
    mov es, ax
    pop ax
    expect ax, 0, %5
%endmacro

test:
    mov ax, 3
    int 0x10
    info 6
    expect cx, 16, "the present height is 16"
    expect_byte dl, 24, "and the last row 24"
    expect_byte [es:bp + 16 * 219 + 15], 0xff, "the full block reaches the last line of 16"
    info 2
    expect_byte [es:bp + 14 * 219 + 13], 0xff, "the full block reaches the last line of 14"
    info 3
    expect_byte [es:bp + 8 * 219 + 7], 0xff, "the full block reaches the last line of 8"
    mov di, bp
    info 4
    sub bp, di
    expect bp, 1024, "the 8x8 font's upper half is 1 KiB behind"
    info 5
    expect_byte [es:bp], 0, "no characters are different in 9 dots"
    xor ax, ax
    mov es, ax
    plane_has 0, 16, 6, 256, "mode 3 has the 8x16 font in table 0"

    ; ---- more rows ----
    mov ax, 0x1112
    mov bl, 0
    int 0x10
    plane_has 0, 8, 3, 256, "1112h loads the 8x8 font"
    expect_byte [0x484], 49, "8 lines make 50 rows"
    expect [0x485], 8, "40:85 follows"
    expect [0x44c], 0x2000, "a page is 8 KiB"
    mov ah, 2
    mov bh, 0
    mov dx, 0x3105
    int 0x10
    mov ax, 0x0e0a
    int 0x10
    mov ah, 3
    mov bh, 0
    int 0x10
    expect dx, 0x3105, "the 50th row is the last"
    mov ax, 0x1111
    mov bl, 0
    int 0x10
    expect_byte [0x484], 27, "14 lines make 28 rows"
    mov ax, 0x1114
    mov bl, 0
    int 0x10
    expect_byte [0x484], 24, "16 lines make 25 rows"

    ; ---- a font of the program's, in the second table ----
    mov ax, 0x1100
    mov bx, 0x1001
    mov cx, 2
    mov dx, 65
    mov bp, own
    int 0x10
    call open_plane
    mov si, own
    mov di, 0x4000 + 65 * 32
    mov bx, 16
    mov cx, 2
    call compare
    push ax
    call close_plane
    pop ax
    expect ax, 0, "1100h loads two characters into table 1"
    expect_byte [0x484], 24, "and changes no rows"
    mov ax, 0x1103
    mov bl, 0x04
    int 0x10
    mov dx, 0x3c4
    mov al, 3
    out dx, al
    inc dx
    in al, dx
    expect_byte al, 4, "1103h sets the character map"

    ; ---- graphics ----
    mov ax, 0x0012
    int 0x10
    mov ax, 0x1123
    mov bl, 0
    mov dl, 60
    int 0x10
    expect [0x485], 8, "1123h: 8 lines in mode 12h"
    expect_byte [0x484], 59, "and 60 rows of the caller's"
    mov ax, 0x0e48
    mov bx, 0x000f
    int 0x10
    mov ah, 2
    mov bh, 0
    mov dx, 0
    int 0x10
    mov ah, 8
    int 0x10
    expect_byte al, 'H', "the small character is read"
    mov ax, 0x1121
    mov bl, 2
    mov cx, 16
    mov bp, own - 65 * 16 ; so that character 65 is the first
    int 0x10
    expect_byte [0x484], 24, "BL=2 makes 25 rows"
    expect [0x43 * 4], own - 65 * 16, "INT 43h points to the program's font"
    mov ax, 0x0941
    mov bx, 0x0003
    mov cx, 1
    int 0x10
    mov ah, 0x0d
    mov bh, 0
    mov cx, 0
    mov dx, 0
    int 0x10
    expect_byte al, 3, "its first dot is drawn"
    mov cx, 1
    int 0x10
    expect_byte al, 0, "its second is not"
    mov ax, 0x1120
    mov bp, 0x1234
    int 0x10
    expect [0x1f * 4], 0x1234, "1120h sets INT 1Fh"
    mov ax, 3
    int 0x10
    ret

own:
    db 0xaa, 0x55, 0x81, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
    db 0xff, 0x18, 0x3c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xe7
    finish
