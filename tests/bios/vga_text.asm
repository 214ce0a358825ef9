; vga_text.asm - teletype, scrolling, strings, pages and the cursor's shape.
%define NAME "vga_text"
%define SECTORS 8
%include "vga.inc"

%macro to 2 ; the cursor of page 0 to row, column
    mov ah, 2
    mov bh, 0
    mov dx, (%1) << 8 | (%2)
    int 0x10
%endmacro

%macro tty 1
    mov ax, 0x0e00 | (%1)
    mov bx, 0
    int 0x10
%endmacro

%macro cursor_is 3
    mov ah, 3
    mov bh, 0
    int 0x10
    expect dx, (%1) << 8 | (%2), %3
%endmacro

%macro cell_is 4 ; row, column
    peek ax, 0xb800, ((%1) * 80 + (%2)) * 2
    expect ax, %3, %4
%endmacro

%macro crtc_is 3
    mov dx, 0x3d4
    mov al, %1
    out dx, al
    inc dx
    in al, dx
    expect_byte al, %2, %3
%endmacro

test:
    mov ax, 3
    int 0x10
    ; ---- teletype ----
    tty 'a'
    tty 'b'
    cursor_is 0, 2, "two characters move the cursor by two"
    cell_is 0, 1, 0x0762, "teletype keeps the attribute"
    tty 8
    cursor_is 0, 1, "backspace goes back"
    cell_is 0, 1, 0x0762, "backspace deletes nothing"
    tty 13
    cursor_is 0, 0, "carriage return goes to column 0"
    tty 8
    cursor_is 0, 0, "backspace stops at column 0"
    tty 10
    cursor_is 1, 0, "line feed goes down"
    to 3, 79
    tty 'x'
    cursor_is 4, 0, "the line's end wraps"
    cell_is 3, 79, 0x0778, "after the last column was used"
    ; Scrolling: the new line takes the attribute from under the cursor.
    to 24, 10
    mov ax, 0x0920
    mov bx, 0x002f
    mov cx, 1
    int 0x10
    tty 10
    cursor_is 24, 10, "line feed in the last row stays there"
    cell_is 24, 79, 0x2f20, "the new line has the attribute that was under the cursor"
    cell_is 2, 79, 0x0778, "everything went up one row"
    to 24, 79
    tty 'z'
    cursor_is 24, 0, "the last column of the last row scrolls"
    cell_is 23, 79, 0x2f7a, "and its character goes up"
    tty 7
    cursor_is 24, 0, "the bell moves nothing"
    in al, 0x61
    and al, 3
    expect_byte al, 0, "after the bell the speaker is off"

    ; ---- windows ----
    mov ax, 3
    int 0x10
    to 5, 5
    mov ax, 0x0941
    mov bx, 0x0007
    mov cx, 10
    int 0x10
    to 6, 5
    mov ax, 0x0942
    mov bx, 0x0007
    mov cx, 10
    int 0x10
    mov ax, 0x0601 ; rows 5-6, columns 6-8, one line up
    mov bx, 0x4e00
    mov cx, 0x0506
    mov dx, 0x0608
    int 0x10
    cell_is 5, 5, 0x0741, "left of the window nothing moves"
    cell_is 5, 6, 0x0742, "the window's left column moves"
    cell_is 5, 8, 0x0742, "the window's right column moves"
    cell_is 5, 9, 0x0741, "right of the window nothing moves"
    cell_is 6, 8, 0x4e20, "the line that comes in has the attribute"
    cell_is 6, 9, 0x0742, "but in the window only"
    mov ax, 0x0701
    mov bx, 0x1f00
    mov cx, 0x0506
    mov dx, 0x0608
    int 0x10
    cell_is 6, 6, 0x0742, "07h moves down"
    cell_is 5, 6, 0x1f20, "and clears the first line"
    mov ax, 0x0600 ; 0 lines: all of it; corners outside the screen are cut
    mov bx, 0x7000
    mov cx, 0x0000
    mov dx, 0xffff
    int 0x10
    cell_is 0, 0, 0x7020, "0 lines clear the first cell"
    cell_is 24, 79, 0x7020, "and the last"
    mov ax, 0x0605 ; the wrong way round
    mov bx, 0x1100
    mov cx, 0x0a0a
    mov dx, 0x0505
    int 0x10
    cell_is 10, 10, 0x7020, "a window turned inside out does nothing"

    ; ---- strings ----
    mov ax, 3
    int 0x10
    mov ax, 0x1300
    mov bx, 0x001c
    mov cx, 3
    mov dx, 0x0203
    mov bp, plain
    int 0x10
    cell_is 2, 5, 0x1c63, "a string has BL's attribute"
    cursor_is 0, 0, "AL=0 leaves the cursor"
    mov ax, 0x1301
    mov bx, 0x001c
    mov cx, 3
    mov dx, 0x0303
    mov bp, plain
    int 0x10
    cursor_is 3, 6, "AL=1 moves it"
    mov ax, 0x1303
    mov bx, 0
    mov cx, 2
    mov dx, 0x0404
    mov bp, coloured
    int 0x10
    cell_is 4, 4, 0x1241, "AL=3: an attribute with each character"
    cell_is 4, 5, 0x3442, "the second too"
    cursor_is 4, 6, "and the cursor moves"
    mov ax, 0x1302
    mov bx, 0
    mov cx, 2
    mov dx, 0x184f
    mov bp, coloured
    int 0x10
    cell_is 23, 79, 0x1241, "a string scrolls at the screen's end"
    cell_is 24, 0, 0x3442, "and goes on"
    cursor_is 4, 6, "AL=2 leaves the cursor"

    ; ---- pages ----
    mov ax, 3
    int 0x10
    mov ax, 0x1300
    mov bx, 0x0107
    mov cx, 1
    mov dx, 0x0102
    mov bp, plain
    int 0x10
    mov ah, 2
    mov bh, 1
    mov dx, 0x0103
    int 0x10
    peek ax, 0xb800, 0x1000 + 82 * 2
    expect ax, 0x0761, "page 1 is written while page 0 shows"
    cursor_is 0, 0, "page 0 has its own cursor"
    tty 'q'
    mov ax, 0x0e51
    mov bh, 1
    int 0x10
    cell_is 0, 1, 0x0751, "teletype writes to the page that shows"
    mov ax, 0x0501
    int 0x10
    expect [0x44e], 0x1000, "40:4E is the shown page's start"
    expect_byte [0x462], 1, "40:62 is the shown page"
    crtc_is 0x0c, 0x08, "the CRTC starts at page 1"
    crtc_is 0x0e, 0x08, "and the cursor is on it"
    crtc_is 0x0f, 83, "where it belongs"
    mov ah, 0x0f
    int 0x10
    expect_byte bh, 1, "0Fh gives the page"

    ; ---- the cursor's shape: CGA lines become this mode's ----
    mov ax, 3
    int 0x10
    crtc_is 0x0a, 13, "the cursor starts at line 13"
    crtc_is 0x0b, 14, "and ends at 14"
    mov ah, 1
    mov cx, 0x0007
    int 0x10
    crtc_is 0x0a, 0, "a block begins at the top"
    crtc_is 0x0b, 15, "and fills the cell"
    mov ah, 1
    mov cx, 0x0407
    int 0x10
    crtc_is 0x0a, 8, "half a block begins in the middle"
    mov ah, 1
    mov cx, 0x2000
    int 0x10
    crtc_is 0x0a, 0x20, "bit 5 hides it"
    mov ah, 3
    mov bh, 0
    int 0x10
    expect cx, 0x2000, "03h gives the shape as it was set"
    mov ax, 0x1201
    mov bl, 0x34
    int 0x10
    mov ah, 1
    mov cx, 0x0203
    int 0x10
    crtc_is 0x0a, 2, "without emulation lines are the cell's"
    mov ax, 0x1200
    mov bl, 0x34
    int 0x10
    mov ax, 3
    int 0x10
    ret

plain: db "abc"
coloured: db 'A', 0x12, 'B', 0x34
    finish
