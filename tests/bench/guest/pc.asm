; pc.asm - boot sectors for the bench of the whole PC (tests/bench/pc.py). -DKIND says what
; one does; lines go to port E9h, and the end is isa-debug-exit at 501h, or Bochs' port 8900h.
;
;   FIRST   ends the run at once, by isa-debug-exit at 501h or Bochs' port 8900h
;   TEXT    80x25 text mode, PLANES mode 12h by its four planes, FRAME 640x480 with 32 bits
;           in a linear frame buffer: 60 frames a second, each HLT until the timer's
;           interrupt and, unless -DSTILL, all of the screen anew; lines B and E at FROM
;           and TO frames
;   POLL    the BIOS is asked for a key over and over (INT 16h, AH=1), as DOS programs do
;   DISK    reads the disk by READ DMA, 128 KiB at a time, to 64 MiB of memory over and over,
;           waiting for each interrupt by HLT; lines B and E, and ! when a block is not the disk's
%define FIRST 1
%define TEXT 2
%define PLANES 3
%define FRAME 4
%define POLL 5
%define DISK 6
%ifndef FROM
%define FROM 60
%define TO 300
%endif

org 0x7c00
bits 16
%if KIND == FIRST
    mov al,'!'
    out 0xe9,al
    jmp finish
%endif
start:
    cli
    xor ax,ax
    mov ds,ax
    mov es,ax
    mov ss,ax
    mov sp,0x7c00
    cld

%if KIND == POLL
    sti
.again:
    mov ah,1
    int 0x16
    jmp .again
%endif

%if KIND == FRAME || KIND == DISK
    ; A20, and 4 GiB limits for DS and ES in real mode.
    in al,0x92
    or al,2
    and al,0xfe
    out 0x92,al
    lgdt [gdtr]
    mov eax,cr0
    or al,1
    mov cr0,eax
    mov bx,8
    mov ds,bx
    mov es,bx
    and al,0xfe
    mov cr0,eax
    xor bx,bx
    mov ds,bx
    mov es,bx
%endif

%if KIND == TEXT || KIND == PLANES || KIND == FRAME
%if KIND == TEXT
    mov ax,0x0003
    int 0x10
    mov ax,0xb800
    mov es,ax
%elif KIND == PLANES
    mov ax,0x0012
    int 0x10
    mov ax,0xa000
    mov es,ax
%else
    mov eax,0x80001010      ; 00:02.0, BAR 0
    mov dx,0xcf8
    out dx,eax
    mov dx,0xcfc
    in eax,dx
    and eax,0xfffffff0
    mov [frame],eax
    mov si,vbe              ; VBE_DISPI registers
.vbe:
    lodsw
    mov dx,0x1ce
    out dx,ax
    inc dx
    lodsw
    out dx,ax
    cmp si,vbe.end
    jne .vbe
%endif
    cli                     ; INT 10h may have set IF
    mov word [8*4],tick
    mov word [8*4+2],0
    mov al,0xfe             ; the timer alone
    out 0x21,al
    mov al,0x34             ; channel 0, mode 2
    out 0x43,al
    mov ax,19886            ; 1193182 / 60
    out 0x40,al
    mov al,ah
    out 0x40,al
next:
    sti
    hlt
    cli
    mov ax,[frames]
    cmp ax,[drawn]
    je next
    mov [drawn],ax
    cmp ax,FROM
    jne .not_from
    mov al,'B'
    call mark
.not_from:
    cmp word [drawn],TO
    jb .go
    mov al,'E'
    call mark
    jmp rest
.go:
%ifndef STILL
    mov ax,[drawn]
%if KIND == TEXT
    and al,0x7f
    mov ah,al               ; characters and colours, none of which blinks
    xor di,di
    mov cx,80*25
    rep stosw
%elif KIND == PLANES
    mov bl,8                ; each of the four planes by itself: another pattern
.plane:
    mov dx,0x3c4
    mov ah,bl
    mov al,2                ; map mask
    out dx,ax
    mov ax,[drawn]
    imul ax,0x1234
    ror ax,cl
    mov cx,ax
    shl eax,16
    mov ax,cx
    xor di,di
    mov cx,80*480/4
    rep stosd
    shr bl,1
    jnz .plane
%else
    movzx eax,ax
    imul eax,0x010203
    mov edi,[frame]
    mov ecx,640*480
    a32 rep stosd
%endif
%endif
    jmp next

tick:
    inc word [frames]
    push ax
    mov al,0x20
    out 0x20,al
    pop ax
    iret
frames: dw 0
drawn: dw 0
frame: dd 0
vbe: dw 4,0, 1,640, 2,480, 3,32, 4,0x41
.end:
%endif

%if KIND == DISK
%ifndef BLOCKS
%define BLOCKS 2048             ; of 128 KiB
%endif
    ; The IDE controller on bus 0: class 01h 01h.
    mov ebx,0x80000000
.find:
    lea eax,[ebx+8]
    call pci_read
    shr eax,16
    cmp ax,0x0101
    je .found
    add ebx,0x100
    cmp ebx,0x80010000
    jne .find
    jmp bad
.found:
    lea eax,[ebx+0x20]
    call pci_read
    and al,0xfc
    mov [master],ax
    lea eax,[ebx+4]
    call pci_read
    or al,5                     ; I/O space, bus master
    out dx,eax                  ; DX is still CFCh
    mov word [0x76*4],irq_14
    mov word [0x76*4+2],0
    mov al,0xfb                 ; the second controller alone,
    out 0x21,al
    mov al,0xbf                 ; and its IR 6
    out 0xa1,al
    mov dx,0x3f6
    mov al,0                    ; nIEN off
    out dx,al
    mov al,'B'
    call mark
.block:
    ; Two descriptors of 64 KiB.
    mov eax,[block]
    and eax,0x1ff
    shl eax,17
    add eax,16<<20
    mov [prd],eax
    add eax,0x10000
    mov [prd+8],eax
    mov dx,[master]
    mov al,0x08                 ; to memory
    out dx,al
    add dx,2
    mov al,0x06                 ; the two status bits
    out dx,al
    add dx,2
    mov eax,prd
    out dx,eax
    mov eax,[block]
    shl eax,8
    mov ebx,eax
    mov dx,0x1f6
    shr eax,24
    or al,0xe0
    out dx,al
    mov dx,0x1f2
    mov al,0                    ; 256 sectors
    out dx,al
    inc dx
    mov eax,ebx
    out dx,al
    inc dx
    mov al,ah
    out dx,al
    inc dx
    shr eax,16
    out dx,al
    mov dx,0x1f7
    mov al,0xc8
    out dx,al
    mov dx,[master]
    mov al,0x09
    out dx,al
.wait:
    sti
    hlt
    cli
    cmp byte [came],0
    je .wait
    mov byte [came],0
    mov dx,[master]
    mov al,0
    out dx,al
    add dx,2
    in al,dx
    and al,0x07
    cmp al,0x04                 ; over, no error
    jne bad
    mov dx,0x1f7
    in al,dx
    test al,0x89                ; BSY, DRQ, ERR
    jnz bad
    mov eax,[prd+8]             ; the first block's first bytes are this program
    mov ecx,[block]
    cmp [dword eax+0xfffc],ecx  ; the end of each holds its number
    jne bad
    inc ecx
    mov [block],ecx
    cmp ecx,BLOCKS
    jb .block
    mov al,'E'
    call mark
    jmp rest
bad:
    mov al,'!'
    call mark
    jmp rest

pci_read:
    mov dx,0xcf8
    out dx,eax
    mov dx,0xcfc
    in eax,dx
    ret
irq_14:
    push ax
    mov byte [cs:came],1
    push dx
    mov dx,0x1f7
    in al,dx
    pop dx
    mov al,0x20
    out 0xa0,al
    out 0x20,al
    pop ax
    iret
came: db 0
master: dw 0
block: dd 0
align 8
prd: dd 0,0, 0,0x80000000
%endif

%if KIND == FRAME || KIND == DISK
align 8
gdt: dq 0
     dq 0x00cf92000000ffff
gdtr: dw 15
      dd gdt
%endif

mark:
    out 0xe9,al
    mov al,10
    out 0xe9,al
    ret

; The bench ends the run when it has seen the line.
rest:
    sti
    hlt
    jmp rest

%if KIND == FIRST
finish:
    mov dx,0x501
    mov al,0
    out dx,al
    mov dx,0x8900
    mov si,.word
.next:
    cs lodsb
    out dx,al
    cmp si,.word+8
    jne .next
.stop:
    hlt
    jmp .stop
.word: db 'Shutdown'
%endif

times 510-($-$$) db 0
dw 0xaa55
