; INT 1Ah/B1h, the BIOS32 service directory, "$PIR", "$PnP".
%include "lib.inc"

test:   mov ax, 0xb101
        xor edi, edi
        int 0x1a
        CHECK nc, 'B101h: no carry'
        cmp ah, 0
        CHECK e, 'B101h: status 0'
        cmp edx, 'PCI '
        CHECK e, 'B101h: the signature'
        cmp bx, 0x0210
        CHECK e, 'B101h: version 2.10'
        test al, 1
        CHECK nz, 'B101h: mechanism 1'

        mov ax, 0xb102
        mov cx, 0x1237
        mov dx, 0x8086
        xor si, si
        int 0x1a
        CHECK nc, 'B102h finds the 82441FX'
        cmp bx, 0
        CHECK e, 'B102h: at 00:00.0'
        mov ax, 0xb102
        mov si, 1
        int 0x1a
        CHECK c, 'B102h: and no second one'
        cmp ah, 0x86
        CHECK e, 'B102h: status 86h'
        mov ax, 0xb102
        mov dx, 0xffff
        xor si, si
        int 0x1a
        cmp ah, 0x83
        CHECK e, 'B102h of vendor FFFFh: status 83h'
        mov ax, 0xb103
        mov ecx, 0x060100
        xor si, si
        int 0x1a
        CHECK nc, 'B103h finds the ISA bridge'
        cmp bx, 0x0008
        CHECK e, 'B103h: at 00:01.0'

        mov ax, 0xb109
        xor bx, bx
        xor di, di
        int 0x1a
        cmp cx, 0x8086
        CHECK e, 'B109h: the vendor'
        mov ax, 0xb108
        mov di, 3
        int 0x1a
        cmp cl, 0x12
        CHECK e, 'B108h: a byte of the device number'
        mov ax, 0xb10a
        xor di, di
        int 0x1a
        cmp ecx, 0x12378086
        CHECK e, 'B10Ah: both'
        mov ax, 0xb109
        mov di, 1
        int 0x1a
        CHECK c, 'B109h of an odd register: carry'
        cmp ah, 0x87
        CHECK e, 'B109h of an odd register: status 87h'
        mov ax, 0xb10b                  ; the power management's interrupt line
        mov bx, 0x0b
        mov di, 0x3c
        mov cl, 5
        int 0x1a
        CHECK nc, 'B10Bh: no carry'
        mov ax, 0xb108
        int 0x1a
        cmp cl, 5
        CHECK e, 'B10Bh has written the interrupt line'
        mov ax, 0xb10b
        mov cl, 9
        int 0x1a

        ; every function's line is one that its pin is routed to, and its BARs have addresses
        xor bx, bx
.device:
        mov ax, 0xb109
        xor di, di
        int 0x1a
        cmp cx, 0xffff
        je .absent
        mov ax, 0xb108
        mov di, 0x3d
        int 0x1a
        cmp cl, 0
        je .absent
        mov ax, 0xb108
        mov di, 0x3c
        int 0x1a
        cmp cl, 9
        je .absent                      ; the SCI
        mov ch, cl
        cmp ch, 10
        je .absent
        cmp ch, 11
        CHECK e, 'interrupt lines are 9, 10 or 11'
.absent:
        add bx, 8
        cmp bx, 256
        jb .device
        mov dx, 0x4d1
        in al, dx
        and al, 0x0c
        cmp al, 0x0c
        CHECK e, 'ELCR: 10 and 11 are levels'

        mov ax, 0xb10e
        push cs
        pop es
        mov di, buffer
        mov word [buffer], 0
        mov word [buffer + 2], slots
        mov [buffer + 4], cs
        int 0x1a
        CHECK c, 'B10Eh with no room: carry'
        cmp ah, 0x89
        CHECK e, 'B10Eh with no room: status 89h'
        cmp word [buffer], 31 * 16
        CHECK e, 'B10Eh tells how much it needs'
        mov ax, 0xb10e
        int 0x1a
        CHECK nc, 'B10Eh: no carry'
        cmp byte [slots + 16 + 1], 2 << 3
        CHECK e, 'B10Eh: the second entry is slot 2'
        mov ax, 0xb10f
        mov bx, 3 << 3
        mov cx, 0x0c0a
        int 0x1a
        cmp ah, 0x88
        CHECK e, 'B10Fh: IRQ 12 is not for PCI'
        mov ax, 0xb10f
        mov cx, 0x0a0a
        int 0x1a
        CHECK nc, 'B10Fh: IRQ 10 is'

        ; structures: "_32_", "$PnP", "$PIR" in F0000h-FFFFFh
        mov ebx, '_32_'
        call find
        CHECK nc, '"_32_" is there'
        mov eax, [es:di + 4]
        mov [directory], eax
        mov cx, 16
        call sum
        CHECK z, '"_32_": the bytes add up to 0'
        mov ebx, '$PnP'
        call find
        CHECK nc, '"$PnP" is there'
        movzx cx, byte [es:di + 5]
        call sum
        CHECK z, '"$PnP": the bytes add up to 0'
        mov ebx, '$PIR'
        call find
        CHECK nc, '"$PIR" is there'
        mov cx, [es:di + 6]
        call sum
        CHECK z, '"$PIR": the bytes add up to 0'
        mov ebx, '_SM_'
        call find
        CHECK nc, '"_SM_" is there'
        mov cx, 31
        call sum
        CHECK z, '"_SM_": the bytes add up to 0'
        mov ebx, 'RSD '
        call find
        CHECK nc, '"RSD PTR " is there'
        mov cx, 20
        call sum
        CHECK z, '"RSD PTR ": the bytes add up to 0'

        mov ebx, '_MP_'
        call find
        CHECK nc, '"_MP_" is there'
        mov si, [es:di + 4]
        cmp dword [es:si], 'PCMP'
        CHECK e, '"_MP_": its table is in the segment'
        mov cx, 16
        call sum
        CHECK z, '"_MP_": the bytes add up to 0'
        mov di, si
        mov cx, [es:si + 4]
        call sum
        CHECK z, '"PCMP": the bytes add up to 0'

        ; the 32-bit PCI BIOS, from flat protected mode
        cli
        push cs
        pop es
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 0x08:.flat
bits 32
.flat:  mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        movzx esp, sp
        mov eax, '$PCI'
        xor ebx, ebx
        mov edi, [directory]
        mov [far32], edi
        call far [far32]
        mov [answer], al
        add edx, ebx
        mov [far32], edx
        mov ax, 0xb102
        mov cx, 0x7000
        mov dx, 0x8086
        xor esi, esi
        call far [far32]
        setc [carry]
        mov [found], bx
        mov ax, 0xb10a
        xor ebx, ebx
        xor edi, edi
        call far [far32]
        mov [config], ecx
        jmp 0x18:.small
bits 16
.small: mov ax, 0x20
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0:.real
.real:  xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        sti
        cmp byte [answer], 0
        CHECK e, 'the directory knows "$PCI"'
        cmp byte [carry], 0
        CHECK e, '32 bits: B102h finds the PIIX3'
        cmp word [found], 8
        CHECK e, '32 bits: at 00:01.0'
        cmp dword [config], 0x12378086
        CHECK e, '32 bits: B10Ah'
        jmp passed

; ebx: a signature on a 16-byte boundary; es:di: where it stands
find:   mov ax, 0xf000
        mov es, ax
        xor di, di
.look:  cmp [es:di], ebx
        je .found
        add di, 16
        jnz .look
        stc
        ret
.found: clc
        ret
; cx bytes at es:di
sum:    xor al, al
.byte:  add al, [es:di]
        inc di
        loop .byte
        test al, al
        ret

align 8
gdt:    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00009b000000ffff, 0x000093000000ffff
gdt_pointer:
        dw $ - gdt - 1
        dd gdt
directory: dd 0
far32:  dd 0
        dw 0x08
answer: db 0xff
carry:  db 0xff
found:  dw 0
config: dd 0
buffer: times 8 db 0
slots:
FINISH
