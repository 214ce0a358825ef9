; start32.asm - 32-bit entry, at 1 MiB in flat protected mode: paging with 4 KiB pages (tables
; built in C), descriptor tables, and the two handlers that kernels need.
bits 32
section .start
global _start
extern main
extern __bss_start
extern _end
extern setup_paging
extern exception
_start:
    jmp short begin
align 4
; Multiboot 0.6.96: load and entry addresses given, so ELF64 does as well.
MB_FLAGS equ 0x10000
mb: dd 0x1badb002
    dd MB_FLAGS
    dd -(0x1badb002 + MB_FLAGS)
    dd mb
    dd _start
    dd __bss_start
    dd _end
    dd _start
; Which kernels run, a bit each: found and changed in the image by what follows "pick".
    db 'pick'
global chosen
chosen: dd 0xffffffff
begin:
    mov edi,__bss_start
    mov ecx,_end
    sub ecx,edi
    shr ecx,2
    xor eax,eax
    cld
    rep stosd
    mov esp,stack_top
    lgdt [gdtr]
    jmp 8:.cs
.cs:
    mov ax,16
    mov ds,ax
    mov es,ax
    mov ss,ax
    mov fs,ax
    mov gs,ax
    call setup_paging          ; returns CR3 in eax
    mov cr3,eax
    mov eax,cr4
    or eax,0x600               ; OSFXSR|OSXMMEXCPT
    mov cr4,eax
    mov eax,cr0
    and eax,~0x4
    or eax,0x80010022          ; PG|WP|NE|MP
    mov cr0,eax
    fninit
    call setup_idt
    call main
.h: hlt
    jmp .h

setup_idt:
    mov ecx,256
    mov edi,idt
    mov eax,bad_stub
.l: mov [edi],ax
    mov word [edi+2],8
    mov word [edi+4],0x8e00
    mov edx,eax
    shr edx,16
    mov [edi+6],dx
    add edi,8
    loop .l
    mov eax,pf_stub
    mov edi,idt+14*8
    call .set
    mov eax,int80_stub
    mov edi,idt+0x80*8
    call .set
    lidt [idtr]
    ret
.set:
    mov [edi],ax
    mov edx,eax
    shr edx,16
    mov [edi+6],dx
    ret

; page fault: mark the PTE of CR2 present again (flat pte array exported by C), return
extern pte_array
global pf_count
pf_stub:
    push eax
    push ecx
    mov eax,cr2
    shr eax,12
    mov ecx,[pte_array]
    or dword [ecx+eax*4],1
    inc dword [pf_count]
    pop ecx
    pop eax
    add esp,4
    iretd
global int80_count
int80_stub:
    inc dword [int80_count]
    iretd
bad_stub:
    call exception
.h: hlt
    jmp .h
section .data
align 8
gdt: dq 0
     dq 0x00cf9a000000ffff
     dq 0x00cf92000000ffff
gdtr: dw 23
      dd gdt
idtr: dw 2047
      dd idt
pf_count: dd 0
int80_count: dd 0
section .bss
align 16
idt: resb 2048
stack: resb 262144
stack_top:
