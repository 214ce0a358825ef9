; vga_dac.asm - AH=10h and 0Bh: palette registers, the DAC, grays.
%define NAME "vga_dac"
%define SECTORS 10
%include "vga.inc"

%macro palette_is 3
    mov ax, 0x1007
    mov bl, %1
    int 0x10
    expect_byte bh, %2, %3
%endmacro

%macro dac_is 5 ; entry, red, green, blue, sentence
    mov ax, 0x1015
    mov bx, %1
    int 0x10
    mov al, dh
    expect_byte al, %2, %5
    expect cx, (%3) << 8 | (%4), %5
%endmacro

test:
    mov ax, 3
    int 0x10
    palette_is 6, 0x14, "colour 6 is brown by DAC entry 14h"
    palette_is 15, 0x3f, "colour 15 is entry 3Fh"
    dac_is 0x14, 0x2a, 0x15, 0, "entry 14h is brown"
    dac_is 0x3f, 0x3f, 0x3f, 0x3f, "entry 3Fh is white"
    dac_is 0x01, 0, 0, 0x2a, "entry 1 is blue"
    dac_is 0x08, 0, 0, 0x15, "entry 8 is the dark blue"

    ; ---- palette registers ----
    mov ax, 0x1000
    mov bx, 0x2503
    int 0x10
    palette_is 3, 0x25, "1000h sets one register"
    mov ax, 0x1001
    mov bh, 0x0c
    int 0x10
    mov ax, 0x1008
    int 0x10
    expect_byte bh, 0x0c, "1001h sets the overscan"
    mov ax, 0x1002
    mov dx, seventeen
    int 0x10
    palette_is 0, 0x3f, "1002h sets the first"
    palette_is 15, 0x30, "and the last"
    mov ax, 0x1009
    mov dx, buffer
    int 0x10
    mov si, seventeen
    mov di, buffer
    mov cx, 17
    repe cmpsb
    expect cx, 0, "1009h reads all as 1002h set them" ; 0 also when the last differs
    expect_byte [buffer + 16], 0x07, "the overscan too"
    mov ax, 0x1003
    mov bl, 0
    int 0x10
    palette_is 0x10, 0x04, "1003h BL=0: backgrounds instead of blinking"
    mov ax, 0x1003
    mov bl, 1
    int 0x10
    palette_is 0x10, 0x0c, "1003h BL=1: blinking"

    ; ---- DAC ----
    mov ax, 0x1010
    mov bx, 0x80
    mov dh, 1
    mov cx, 0x0203
    int 0x10
    dac_is 0x80, 1, 2, 3, "1010h sets one entry"
    mov ax, 0x1012
    mov bx, 0x40
    mov cx, 3
    mov dx, triples
    int 0x10
    dac_is 0x42, 9, 10, 63, "1012h sets a block"
    mov ax, 0x1017
    mov bx, 0x40
    mov cx, 3
    mov dx, buffer
    int 0x10
    expect [buffer], 0x0b0a, "1017h reads the block's first"
    expect_byte [buffer + 8], 63, "and its last byte"
    mov dx, 0x3c6 ; QEMU's card has no PEL mask
    mov al, 0x55
    out dx, al
    in al, dx
    cmp al, 0x55
    jne .no_mask
    mov al, 0xff
    out dx, al
    mov ax, 0x1018
    mov bl, 0x55
    int 0x10
    mov bl, 0
    mov ax, 0x1019
    int 0x10
    expect_byte bl, 0x55, "1018h sets the PEL mask"
    mov ax, 0x1018
    mov bl, 0xff
    int 0x10
.no_mask:
    mov ax, 0x101b
    mov bx, 0x40
    mov cx, 1
    int 0x10
    ; 10, 11, 12: (77 * 10 + 151 * 11 + 28 * 12 + 128) / 256 = 11
    dac_is 0x40, 11, 11, 11, "101Bh makes gray"
    dac_is 0x41, 13, 20, 30, "of what was asked only"
    mov ax, 0x1013 ; pages of 16, the third
    mov bx, 0x0100
    int 0x10
    mov ax, 0x1013
    mov bx, 0x0201
    int 0x10
    mov ax, 0x101a
    int 0x10
    expect bx, 0x0201, "101Ah tells pages of 16, number 2"
    mov ax, 0x1013
    mov bx, 0x0000
    int 0x10

    ; ---- modes bring their colours ----
    mov ax, 0x0013
    int 0x10
    dac_is 0, 0, 0, 0, "mode 13h: 0 is black"
    dac_is 6, 0x2a, 0x15, 0, "6 is brown"
    dac_is 16, 0, 0, 0, "the grays begin at 16"
    dac_is 31, 0x3f, 0x3f, 0x3f, "and end at 31"
    dac_is 32, 0, 0, 0x3f, "the circle begins with blue"
    dac_is 40, 0x3f, 0, 0, "over red"
    dac_is 48, 0, 0x3f, 0, "and green"
    dac_is 33, 0x10, 0, 0x3f, "by quarters"
    dac_is 255, 0, 0, 0, "the end is black"
    mov ax, 0x1200
    mov bl, 0x33
    int 0x10
    expect_byte al, 0x12, "gray summing can be chosen"
    mov ax, 0x0003
    int 0x10
    dac_is 0x3f, 0x3f, 0x3f, 0x3f, "white stays white in gray"
    dac_is 0x02, 0x19, 0x19, 0x19, "green is gray" ; (151 * 42 + 128) / 256
    mov ax, 0x1201
    mov bl, 0x33
    int 0x10
    mov ax, 0x1201 ; colours stay as they are
    mov bl, 0x31
    int 0x10
    mov ax, 0x0003
    int 0x10
    dac_is 0x02, 0x19, 0x19, 0x19, "12h BL=31h AL=1: no colours are loaded"
    mov ax, 0x1200
    mov bl, 0x31
    int 0x10
    mov ax, 0x0003
    int 0x10
    dac_is 0x02, 0, 0x2a, 0, "AL=0: they are again"

    ; ---- the CGA's call ----
    mov ax, 0x0004
    int 0x10
    palette_is 1, 0x13, "mode 4 has bright cyan"
    palette_is 3, 0x17, "and white"
    mov ah, 0x0b
    mov bx, 0x0100
    int 0x10
    palette_is 1, 0x12, "0Bh BH=1 BL=0: green"
    palette_is 3, 0x16, "and yellow"
    mov ah, 0x0b
    mov bx, 0x0001
    int 0x10
    palette_is 0, 0x01, "BH=0: a blue background"
    palette_is 1, 0x02, "and without bit 4 dark green"
    mov ax, 3
    int 0x10
    ret

seventeen: db 0x3f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0x30, 0x07
triples: db 10, 11, 12, 13, 20, 30, 9, 10, 63
buffer: times 32 db 0
    finish
