; INT 13h for the hard disk 80h: CHS and EDD 3.
%include "lib.inc"

test:   mov ah, 0x08
        mov dl, 0x80
        int 0x13
        CHECK nc, '08h: no carry'
        cmp dl, [0x475]
        CHECK e, '08h: as many disks as 40:75'
        mov al, cl
        and ax, 63
        mov [spt], ax
        movzx ax, dh
        inc ax
        mov [heads], ax
        mov ah, 0x15
        mov dl, 0x80
        int 0x13
        CHECK nc, '15h: no carry'
        cmp ah, 3
        CHECK e, '15h: a fixed disk'

        ; write LBA spt + 2 (head 1, sector 3) by CHS, read it by LBA
        push cs
        pop es
        mov di, buffer
        mov cx, 256
        mov ax, 0x2468
.fill:  stosw
        rol ax, 1
        add ax, 3
        loop .fill
        mov ax, 0x0301
        mov cx, 0x0003
        mov dx, 0x0180
        mov bx, buffer
        int 0x13
        CHECK nc, '03h: no carry'
        cmp ax, 1
        CHECK e, '03h: one sector'
        mov ah, 0x41
        mov bx, 0x55aa
        mov dl, 0x80
        int 0x13
        CHECK nc, '41h: no carry'
        cmp bx, 0xaa55
        CHECK e, '41h: AA55h'
        cmp ah, 0x30
        CHECK e, '41h: EDD 3.0'
        and cx, 5
        cmp cx, 5
        CHECK e, '41h: access and EDD functions'
        mov ax, [spt]
        add ax, 2
        mov [dap + 8], ax
        mov si, dap
        mov ah, 0x42
        mov dl, 0x80
        int 0x13
        CHECK nc, '42h: no carry'
        cmp ah, 0
        CHECK e, '42h: status 0'
        cmp word [dap + 2], 1
        CHECK e, '42h: one sector'
        mov si, buffer
        mov di, buffer + 512
        mov cx, 256
        repe cmpsw
        CHECK e, '42h reads what 03h has written'

        ; 43h, then 02h
        mov byte [buffer + 512], 0x5a
        mov si, dap
        mov ax, 0x4300
        mov dl, 0x80
        int 0x13
        CHECK nc, '43h: no carry'
        mov ax, 0x0201
        mov cx, 0x0003
        mov dx, 0x0180
        mov bx, buffer
        int 0x13
        cmp byte [buffer], 0x5a
        CHECK e, '02h reads what 43h has written'
        mov si, dap
        mov ah, 0x44
        mov dl, 0x80
        int 0x13
        CHECK nc, '44h: no carry'
        mov ah, 0x47
        mov dl, 0x80
        int 0x13
        CHECK nc, '47h: no carry'

        mov si, parameters
        mov ah, 0x48
        mov dl, 0x80
        int 0x13
        CHECK nc, '48h: no carry'
        cmp word [parameters], 66
        CHECK e, '48h: 66 bytes'
        cmp word [parameters + 24], 512
        CHECK e, '48h: 512 bytes in a sector'
        cmp word [parameters + 30], 0xbedd
        CHECK e, '48h: a device path'
        mov si, parameters + 30
        mov cx, 36
        xor ax, ax
.sum:   add ah, [si]
        inc si
        loop .sum
        test ah, ah
        CHECK z, '48h: its bytes add up to 0'
        les di, [parameters + 26]
        mov cx, 16
        xor ax, ax
.dpte:  add ah, [es:di]
        inc di
        loop .dpte
        test ah, ah
        CHECK z, '48h: the bytes of the DPTE add up to 0'
        push cs
        pop es
        mov word [parameters], 26
        mov si, parameters
        mov ah, 0x48
        mov dl, 0x80
        int 0x13
        CHECK nc, '48h, version 1: no carry'
        cmp word [parameters], 26
        CHECK e, '48h, version 1: 26 bytes'

        ; the end of the disk
        mov eax, [parameters + 16]
        mov [dap + 8], eax
        mov si, dap
        mov ah, 0x42
        mov dl, 0x80
        int 0x13
        CHECK c, '42h behind the end: carry'
        cmp word [dap + 2], 0
        CHECK e, '42h behind the end: nothing read'
        mov word [dap + 2], 1
        dec dword [dap + 8]
        mov ah, 0x42
        int 0x13
        CHECK nc, '42h of the last sector'
        mov dword [dap + 12], 1
        mov ah, 0x42
        int 0x13
        CHECK c, '42h far behind the end: carry'
        mov ax, 0x0201
        mov cx, 0x0001
        mov dh, [heads]
        mov dl, 0x80
        mov bx, buffer
        int 0x13
        CHECK c, '02h behind the last head: carry'
        mov ax, 0x0201
        mov cx, 0x0000
        mov dx, 0x0080
        int 0x13
        CHECK c, '02h of sector 0: carry'
        mov ax, 0x0200
        mov cx, 0x0001
        mov dx, 0x0080
        int 0x13
        CHECK c, '02h of no sector: carry'
        mov ax, 0x0201
        mov dx, 0x008f
        int 0x13
        CHECK c, '02h of a disk that is not there: carry'
        mov ah, 0
        mov dl, 0x80
        int 0x13
        CHECK nc, '00h: no carry'

        ; 64 sectors across a 64 KiB boundary
        mov word [dap + 2], 64
        mov dword [dap + 4], 0x1000f800
        mov dword [dap + 8], 0
        mov dword [dap + 12], 0
        mov si, dap
        mov ah, 0x42
        mov dl, 0x80
        int 0x13
        CHECK nc, '42h of 64 sectors'
        mov ax, 0x1f80
        mov es, ax
        cmp word [es:510], 0xaa55
        CHECK e, '42h of 64 sectors: the boot sector is first'
        jmp passed

align 16
dap:    db 16, 0
        dw 1, buffer + 512, 0
        dq 0
parameters: dw 66
        times 70 db 0
spt:    dw 0
heads:  dw 0
buffer:
FINISH
