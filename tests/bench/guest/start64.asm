; start64.asm - 64-bit entry, at 1 MiB in flat 32-bit protected mode: page tables of 4 KiB
; pages for 256 MiB, long mode, descriptor tables, and the two handlers that kernels need.
bits 32
section .start
global _start
extern main
extern __bss_start
extern _end
extern exception
NPT equ 128                    ; 128 page tables * 2 MiB = 256 MiB
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
    ; page tables
    mov edi,pts
    mov eax,3
    mov ecx,NPT*512
.pt: mov [edi],eax
    mov dword [edi+4],0
    add eax,4096
    add edi,8
    loop .pt
    mov edi,pd
    mov eax,pts+3
    mov ecx,NPT
.pd: mov [edi],eax
    add eax,4096
    add edi,8
    loop .pd
    mov eax,pd+3
    mov [pdpt],eax
    mov eax,pdpt+3
    mov [pml4],eax
    mov eax,pml4
    mov cr3,eax
    mov eax,cr4
    or eax,0x620               ; PAE|OSFXSR|OSXMMEXCPT
    mov cr4,eax
    mov ecx,0xc0000080
    rdmsr
    or eax,0x101               ; LME|SCE
    wrmsr
    mov eax,cr0
    and eax,~0x4
    or eax,0x80010022
    mov cr0,eax
    lgdt [gdtr]
    jmp 8:.l
bits 64
.l: mov ax,16
    mov ds,ax
    mov es,ax
    mov ss,ax
    mov fs,ax
    mov gs,ax
    mov rsp,stack_top
    mov qword [pte_array],pts
    fninit
    call setup_idt
    call main
.h: hlt
    jmp .h
setup_idt:
    mov ecx,256
    mov rdi,idt
    mov rax,bad_stub
.l: call .set
    add rdi,16
    dec ecx
    jnz .l
    mov rax,pf_stub
    mov rdi,idt+14*16
    call .set
    mov rax,int80_stub
    mov rdi,idt+0x80*16
    call .set
    lidt [idtr]
    ret
.set:
    mov [rdi],ax
    mov word [rdi+2],8
    mov word [rdi+4],0x8e00
    mov rdx,rax
    shr rdx,16
    mov [rdi+6],dx
    shr rdx,16
    mov [rdi+8],edx
    mov dword [rdi+12],0
    ret
global pf_count
global int80_count
global pte_array
pf_stub:
    push rax
    push rcx
    mov rax,cr2
    shr rax,12
    mov rcx,[rel pte_array]
    or dword [rcx+rax*8],1
    inc dword [rel pf_count]
    pop rcx
    pop rax
    add rsp,8
    iretq
int80_stub:
    inc dword [rel int80_count]
    iretq
bad_stub:
    call exception
.h: hlt
    jmp .h
section .data
align 8
gdt: dq 0
     dq 0x00af9a000000ffff
     dq 0x00cf92000000ffff
gdtr: dw 23
      dq gdt
idtr: dw 4095
      dq idt
pf_count: dd 0
int80_count: dd 0
align 8
pte_array: dq 0
section .bss
align 4096
pml4: resb 4096
pdpt: resb 4096
pd: resb 4096
pts: resb 4096*NPT
idt: resb 4096
stack: resb 262144
stack_top:
