; boot.asm - boot sector: reads PAYLOAD_SECTORS sectors from sector 1 to 10000h by INT 13h
; function 42h, opens A20, enters flat 32-bit protected mode, copies the payload to 1 MiB
; and jumps there. Says so on COM1 and port E9h as its first act.
%ifndef PAYLOAD_SECTORS
%define PAYLOAD_SECTORS 256
%endif
org 0x7c00
bits 16
start:
    cli
    xor ax,ax
    mov ds,ax
    mov es,ax
    mov ss,ax
    mov sp,0x7c00
    mov [drive],dl
    ; COM1 115200 8N1
    mov dx,0x3fb
    mov al,0x80
    out dx,al
    mov dx,0x3f8
    mov al,1
    out dx,al
    inc dx
    xor al,al
    out dx,al
    mov dx,0x3fb
    mov al,3
    out dx,al
    mov si,msg
.m: lodsb
    test al,al
    jz .loaded
    mov dx,0x3f8
    out dx,al
    out 0xe9,al
    jmp .m
.loaded:
    sti
    mov cx,PAYLOAD_SECTORS/64
.rd:
    push cx
    mov si,dap
    mov ah,0x42
    mov dl,[drive]
    int 0x13
    jc fail
    add word [dap.seg],0x800        ; 32 KiB
    add dword [dap.lba],64
    pop cx
    loop .rd
    cli
    in al,0x92
    or al,2
    and al,0xfe
    out 0x92,al
    lgdt [gdtr]
    mov eax,cr0
    or al,1
    mov cr0,eax
    jmp dword 8:pm
fail:
    mov al,'!'
    out 0xe9,al
    mov dx,0x3f8
    out dx,al
.h: hlt
    jmp .h
bits 32
pm:
    mov ax,16
    mov ds,ax
    mov es,ax
    mov ss,ax
    mov fs,ax
    mov gs,ax
    mov esi,0x10000
    mov edi,0x100000
    mov ecx,PAYLOAD_SECTORS*128
    cld
    rep movsd
    mov esp,0x7c00
    mov eax,0x100000
    jmp eax
align 4
dap: db 16,0
     dw 64
     dw 0
.seg: dw 0x1000
.lba: dq 1
align 8
gdt: dq 0
     dq 0x00cf9a000000ffff
     dq 0x00cf92000000ffff
gdtr: dw 23
      dd gdt
drive: db 0
msg: db 'BOOTSECTOR',13,10,0
times 510-($-$$) db 0
dw 0xaa55
