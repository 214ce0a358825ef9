; vga_state.asm - AH=12h, 1Ah, 1Bh, 1Ch: what the BIOS is and does, saved and restored.
%define NAME "vga_state"
%define SECTORS 10
%include "vga.inc"

%define BUFFER 0xb000

test:
    mov ax, 3
    int 0x10
    mov ax, 0x1a00
    int 0x10
    expect_byte al, 0x1a, "1Ah is there"
    expect bx, 0x0008, "a VGA with a colour display"
    mov ax, 0x1a01
    mov bx, 0x0007
    int 0x10
    mov ax, 0x1a00
    int 0x10
    expect bx, 0x0007, "1A01h is remembered"
    mov ax, 0x1a01
    mov bx, 0x0008
    int 0x10
    mov ah, 0x12
    mov bl, 0x10
    int 0x10
    expect bx, 0x0003, "12h BL=10h: colour, 256 KiB"
    expect cx, 0x0f09, "and an EGA's switches"

    ; ---- scan lines ----
    mov ax, 0x1200
    mov bl, 0x30
    int 0x10
    expect_byte al, 0x12, "200 lines can be chosen"
    mov ax, 3
    int 0x10
    expect [0x485], 8, "200 lines: 8 a character"
    expect_byte [0x484], 24, "25 rows"
    mov ax, 0x1201
    mov bl, 0x30
    int 0x10
    mov ax, 3
    int 0x10
    expect [0x485], 14, "350 lines: 14 a character"
    mov ax, 0x1202
    mov bl, 0x30
    int 0x10
    mov ax, 3
    int 0x10
    expect [0x485], 16, "400 lines: 16 a character"
    mov ax, 0x1203
    mov bl, 0x30
    int 0x10
    expect_byte al, 3, "there is no fourth"
    mov ax, 0x1201
    mov bl, 0x36
    int 0x10
    mov dx, 0x3c4
    mov al, 1
    out dx, al
    inc dx
    in al, dx
    and al, 0x20
    expect_byte al, 0x20, "36h AL=1 blanks the screen"
    mov ax, 0x1200
    mov bl, 0x36
    int 0x10
    in al, dx
    and al, 0x20
    expect_byte al, 0, "AL=0 shows it"

    ; ---- 1Bh ----
    mov ax, 0x0012
    int 0x10
    mov ah, 0x1b
    mov bx, 0
    mov di, BUFFER
    int 0x10
    expect_byte al, 0x1b, "1Bh is there"
    expect_byte [BUFFER + 4], 0x12, "it tells the mode"
    expect [BUFFER + 5], 80, "the columns"
    expect_byte [BUFFER + 0x22], 30, "the rows"
    expect [BUFFER + 0x23], 16, "the height"
    expect [BUFFER + 0x27], 16, "the colours"
    expect_byte [BUFFER + 0x2a], 3, "480 lines"
    expect_byte [BUFFER + 0x31], 3, "256 KiB"
    les bx, [BUFFER]
    mov ax, [es:bx]
    mov cx, [es:bx + 2]
    push word 0
    pop es
    expect ax, 0xe0ff, "the table tells modes 0-0Fh"
    expect_byte cl, 0x0f, "and 10h-13h"

    ; ---- 1Ch ----
    mov ax, 0x1c00
    mov cx, 7
    int 0x10
    expect_byte al, 0x1c, "1Ch is there"
    mov ax, bx
    cmp bx, 32
    jb .fits
    expect bx, 17, "it needs less than 2 KiB"
.fits:
    mov ax, 3
    int 0x10
    mov ax, 0x1112
    mov bl, 0
    int 0x10
    mov ah, 2
    mov bh, 0
    mov dx, 0x2a07
    int 0x10
    mov ax, 0x1010
    mov bx, 5
    mov dh, 7
    mov cx, 0x0809
    int 0x10
    mov ax, 0x1c01
    mov cx, 7
    mov bx, BUFFER
    int 0x10
    call checksum
    push ax
    mov ax, 0x0013
    int 0x10
    mov ax, 0x1c02
    mov cx, 7
    mov bx, BUFFER
    int 0x10
    ; Saved again, every register is what it was.
    mov ax, 0x1c01
    mov cx, 7
    mov bx, BUFFER
    int 0x10
    call checksum
    pop dx
    expect ax, dx, "a second save gives the same"
    mov ah, 0x0f
    int 0x10
    expect ax, 0x5003, "the mode is back"
    mov ah, 3
    mov bh, 0
    int 0x10
    expect dx, 0x2a07, "the cursor is back"
    expect_byte [0x484], 49, "the rows are back"
    mov ax, 0x1015
    mov bx, 5
    int 0x10
    mov al, dh
    expect_byte al, 7, "the DAC is back"
    mov ax, 3
    int 0x10
    ret

checksum: ; AX: of 17 blocks
    mov si, BUFFER
    mov cx, 17 * 32
    xor dx, dx
.next:
    lodsw
    rol dx, 1
    add dx, ax
    loop .next
    mov ax, dx
    ret
    finish
