; vga_vbe.asm - AH=4Fh: every mode listed is set, described, written and read; windows,
; the linear frame buffer, display start, the DAC, the protected-mode interface, the EDID.
%define NAME "vga_vbe"
%define SECTORS 15
%include "vga.inc"

%define INFO 0xb000
%define MODE 0xb200
%define DATA 0xb400

%macro vbe 1 ; function, which must succeed
    mov ax, %1
    int 0x10
    expect ax, 0x004f, %str(%1)
%endmacro

%macro done 1
    expect ax, 0x004f, %1
%endmacro

test:
    call unreal
    mov dword [INFO], "VBE2"
    mov ax, 0x4f00
    mov di, INFO
    int 0x10
    done "4F00h"
    expect [INFO], "VE", "the signature becomes VESA"
    expect [INFO + 2], "SA", "all of it"
    expect [INFO + 4], 0x0300, "VBE 3.0"
    cmp word [INFO + 18], 4
    jae .memory
    expect [INFO + 18], 4, "at least 256 KiB"
.memory:
    mov ax, 0x4f01
    mov cx, 0x01ee
    mov di, MODE
    int 0x10
    expect ax, 0x014f, "a mode that is not there is not described"
    mov ax, 0x4f02
    mov bx, 0x01ee
    int 0x10
    expect ax, 0x014f, "nor set"
    mov ax, 0x4f77
    int 0x10
    cmp al, 0x4f
    jne .unknown
    expect_byte al, 0, "an unknown function is not supported"
.unknown:
    mov si, [INFO + 14]
.next:
    lodsw
    cmp ax, 0xffff
    je .all
    mov [context], ax
    inc word [modes]
    push si
    call each
    pop si
    jmp .next
.all:
    mov word [context], 0
    cmp word [modes], 40
    jae .enough
    expect [modes], 40, "there are forty modes"
.enough:
    call details
    mov ax, 0x4f02
    mov bx, 3
    int 0x10
    done "mode 3 by 4F02h"
    mov ax, 0x4f03
    int 0x10
    expect bx, 3, "4F03h tells it"
    ret

each:
    mov cx, ax
    mov ax, 0x4f01
    mov di, MODE
    int 0x10
    done "4F01h"
    mov bx, [context]
    mov ax, 0x4f02
    int 0x10
    done "4F02h"
    mov ax, 0x4f03
    int 0x10
    expect bx, [context], "4F03h tells the mode"
    test byte [MODE], 0x10
    jnz graphics
    ; Text: rows and columns are the data area's, and a character stands.
    mov ax, [0x44a]
    expect ax, [MODE + 18], "40:4A has the columns"
    mov al, [0x484]
    inc al
    expect_byte al, [MODE + 20], "40:84 has the rows"
    mov ax, 0x0e40
    int 0x10
    peek ax, 0xb800, 0
    expect ax, 0x0740, "teletype writes"
    ret

; ZF: the card keeps planes apart in this mode. QEMU 7.2's does not heed the map mask.
planar:
    mov ax, 0xa000
    mov es, ax
    mov dx, 0x3c4
    mov ax, 0x0102
    out dx, ax
    mov byte [es:0], 0xff
    mov ax, 0x0f02
    out dx, ax
    mov dx, 0x3ce
    mov ax, 0x0004
    out dx, ax
    mov bl, [es:0]
    mov ax, 0x0104
    out dx, ax
    mov bh, [es:0]
    mov ax, 0x0004
    out dx, ax
    xor ax, ax
    mov es, ax
    cmp bx, 0x00ff
    ret

graphics:
    cmp byte [MODE + 25], 4
    jne .packed
    call planar
    je .packed
    ret
.packed:
    ; A point far down and right, through the BIOS: the window moves for it.
    mov cx, [MODE + 18]
    dec cx
    mov dx, [MODE + 20]
    dec dx
    mov ax, 0x0c0b
    mov bh, 0
    int 0x10
    mov ah, 0x0d
    int 0x10
    expect_byte al, 11, "0Dh reads the last point"
    mov ax, 0x4f05
    mov bx, 0x0100
    int 0x10
    expect dx, 0, "the window is where it was"
    ; A character, and a scroll by one row, in the lowest but one row.
    mov ah, 2
    mov bh, 0
    mov dh, [0x484]
    dec dh
    mov dl, 3
    int 0x10
    mov ax, 0x0967
    mov bx, 0x000e
    mov cx, 1
    int 0x10
    mov ah, 8
    int 0x10
    expect_byte al, 'g', "08h recognizes a character"
    mov ax, 0x0701
    mov bh, 0
    mov ch, [0x484]
    dec ch
    mov cl, 2
    mov dh, [0x484]
    mov dl, 5
    int 0x10
    mov ah, 2
    mov bh, 0
    mov dh, [0x484]
    mov dl, 3
    int 0x10
    mov ah, 8
    int 0x10
    expect_byte al, 'g', "and where it was scrolled to"
    cmp byte [MODE + 25], 4
    je .end
    ; The window shows what the linear frame buffer has, and the other way round.
    mov ax, [MODE + 20]
    dec ax
    mul word [MODE + 16]
    push ax
    mov ax, 0x4f05
    mov bx, 0
    int 0x10
    done "4F05h"
    pop bx
    and bx, 0xfffc
    mov ax, 0xa000
    mov es, ax
    mov dword [es:bx], 0x12345678
    xor ax, ax
    mov es, ax
    push bx
    mov bx, [context]
    or bx, 0xc000 ; the same mode, linear, memory kept
    mov ax, 0x4f02
    int 0x10
    done "4F02h with the linear frame buffer"
    mov ax, 0x4f03
    int 0x10
    mov ax, [context]
    or ax, 0xc000
    expect bx, ax, "4F03h tells it all"
    pop bx
    mov ax, [MODE + 20]
    dec ax
    mul word [MODE + 16]
    mov ax, bx
    shl edx, 16
    mov dx, ax
    add edx, [MODE + 40]
    mov eax, [fs:edx]
    cmp eax, 0x12345678
    je .seen
    mov bx, ax
    expect bx, 0x5678, "the linear frame buffer has what the window wrote"
.seen:
    expect [MODE + 50], [MODE + 16], "lines are as long in it"
.end:
    ret

details:
    ; Display start and line length, at 640x480 in 8 bits.
    mov ax, 0x4f02
    mov bx, 0x0101
    int 0x10
    mov ax, 0x4f06
    mov bl, 0
    mov cx, 1024
    int 0x10
    done "4F06h BL=0"
    expect bx, 1024, "a line has 1024 bytes"
    expect cx, 1024, "and pixels"
    mov ax, 0x4f06
    mov bl, 1
    int 0x10
    expect cx, 1024, "BL=1 tells it"
    mov ax, 0x4f06
    mov bl, 0
    mov cx, 320
    int 0x10
    expect ax, 0x024f, "less than what is visible is refused"
    mov ax, 0x4f07
    mov bx, 0
    mov cx, 100
    mov dx, 200
    int 0x10
    done "4F07h BL=0"
    mov ax, 0x4f07
    mov bx, 1
    int 0x10
    expect cx, 100, "BL=1 tells the column"
    expect dx, 200, "and the line"
    mov ax, 0x4f07
    mov bx, 0x80
    mov cx, 0
    mov dx, 0x7fff
    int 0x10
    expect ax, 0x014f, "beyond the memory is refused"
    mov ax, 0x4f07
    mov bx, 2
    mov ecx, 1024 * 300 + 8
    int 0x10
    done "4F07h BL=2"
    mov ax, 0x4f07
    mov bx, 1
    int 0x10
    expect cx, 8, "by address: the column"
    expect dx, 300, "and the line"
    ; The DAC.
    mov ax, 0x4f08
    mov bx, 0x0800
    int 0x10
    done "4F08h"
    expect_byte bh, 8, "the DAC is 8 bits wide"
    mov ax, 0x4f09
    mov bx, 0
    mov cx, 2
    mov dx, 7
    mov di, entries
    int 0x10
    done "4F09h"
    mov ax, 0x4f09
    mov bx, 1
    mov cx, 2
    mov dx, 7
    mov di, DATA
    int 0x10
    expect [DATA], 0xc1f0, "8 bits of blue and green"
    expect_byte [DATA + 4], 0x77, "and the second entry"
    mov ax, 0x4f08
    mov bx, 0x0600
    int 0x10
    expect_byte bh, 6, "and 6 bits again"
    ; A far call moves the window.
    mov ax, 0x4f01
    mov cx, 0x0101
    mov di, MODE
    int 0x10
    mov bx, 0
    mov dx, 3
    call far [MODE + 12]
    mov bx, 0x0100
    mov dx, 0
    call far [MODE + 12]
    expect dx, 3, "the window function"
    ; Saving and restoring, the VBE with it.
    mov ax, 0x4f04
    mov dl, 0
    mov cx, 15
    int 0x10
    done "4F04h"
    expect bx, 18, "18 blocks"
    mov ax, 0x4f04
    mov dl, 1
    mov cx, 15
    mov bx, 0xc000
    int 0x10
    mov ax, 3
    int 0x10
    mov ax, 0x4f04
    mov dl, 2
    mov cx, 15
    mov bx, 0xc000
    int 0x10
    done "4F04h DL=2"
    mov ax, 0x4f03
    int 0x10
    expect bx, 0x0101, "the mode is back"
    mov ax, 0x4f06
    mov bl, 1
    int 0x10
    expect cx, 1024, "and its line length"
    mov ax, 0x4f07
    mov bx, 1
    int 0x10
    expect dx, 300, "and its start"
    mov ax, 0x4f05
    mov bx, 0x0100
    int 0x10
    expect dx, 3, "and its window"
    ; The protected-mode interface, called in protected mode.
    mov ax, 0x4f0a
    mov bl, 0
    int 0x10
    done "4F0Ah"
    push ds
    push es
    pop ds
    push word 0
    pop es
    mov si, di
    mov di, 0xc800
    rep movsb
    pop ds
    call protected
    mov ax, 0x4f05
    mov bx, 0x0100
    int 0x10
    expect dx, 5, "its set window"
    mov ax, 0x4f07
    mov bx, 1
    int 0x10
    expect cx, 40, "its set display start: the column"
    expect dx, 50, "and the line"
    mov ax, 0x1015
    mov bx, 9
    int 0x10
    expect cx, 0x0201, "its set palette"
    ; Power and the monitor.
    mov ax, 0x4f10
    mov bl, 0
    int 0x10
    done "4F10h"
    mov ax, 0x4f10
    mov bx, 0x0401
    int 0x10
    mov ax, 0x4f10
    mov bx, 2
    int 0x10
    expect_byte bh, 4, "the display is off"
    mov ax, 0x4f10
    mov bx, 0x0001
    int 0x10
    mov ax, 0x4f15
    mov bx, 1
    mov cx, 0
    mov dx, 0
    mov di, DATA
    int 0x10
    done "4F15h"
    expect [DATA], 0xff00, "an EDID begins so"
    mov si, DATA
    mov cx, 128
    mov ah, 0
.sum:
    lodsb
    add ah, al
    loop .sum
    expect_byte ah, 0, "and its bytes sum up to 0"
    expect_byte [DATA + 18], 1, "it is of version 1"
    mov ax, 0x4f15
    mov bx, 1
    mov dx, 1
    int 0x10
    expect ax, 0x014f, "there is one block"
    ret

; FS: a segment of 4 GiB. Intel SDM vol 3A 9.9.
unreal:
    cli
    lgdt [table]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp .in
.in:
    mov bx, 0x08
    mov fs, bx
    and al, 0xfe
    mov cr0, eax
    jmp .out
.out:
    xor ax, ax
    mov fs, ax
    sti
    ret

; Window 5; start 50 * 1024 + 40, in fours; entry 9.
protected:
    cli
    mov [.stack], sp
    lgdt [table]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 0x10:.in
    bits 32
.in:
    mov ax, 0x08
    mov ds, ax
    mov es, ax
    mov ss, ax
    movzx esp, word [.stack]
    mov ebp, 0xc800
    movzx eax, word [ebp]
    add eax, ebp
    xor ebx, ebx
    mov edx, 5
    call eax
    movzx eax, word [ebp + 2]
    add eax, ebp
    xor ebx, ebx
    mov ecx, (50 * 1024 + 40) / 4
    xor edx, edx
    call eax
    movzx eax, word [ebp + 4]
    add eax, ebp
    xor ebx, ebx
    mov ecx, 1
    mov edx, 9
    mov edi, entry
    call eax
    jmp 0x18:.down
    bits 16
.down:
    mov ax, 0x20
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, cr0
    and al, 0xfe
    mov cr0, eax
    jmp 0:.real
.real:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, [.stack]
    call unreal
    ret
.stack: dw 0

modes: dw 0
entries: db 0xf0, 0xc1, 0x82, 0, 0x77, 0x66, 0x55, 0
entry: db 1, 2, 3, 0
table:
    dw 5 * 8 - 1
    dd .null
    align 8
.null:
    dq 0
    dq 0x00cf92000000ffff ; 08h data, 4 GiB
    dq 0x00cf9a000000ffff ; 10h code, 32 bits
    dq 0x00009a000000ffff ; 18h code, 16 bits
    dq 0x000092000000ffff ; 20h data, 64 KiB
    finish
