; INT 12h and INT 15h: E820h, E801h, 88h, 87h.
%include "lib.inc"

test:   int 0x12
        cmp ax, 639
        CHECK e, 'INT 12h: 639 KiB of base memory'
        cmp ax, [0x413]
        CHECK e, '40:13 says the same'
        cmp word [0x40e], 0x9fc0
        CHECK e, '40:0E: the EBDA is at 9FC0h'

        ; E820h: entries are sorted and do not overlap; 0 and 1 MiB are RAM
        xor ebx, ebx
        mov [entries], bx
.next:  mov di, entry
        mov eax, 0xe820
        mov ecx, 20
        mov edx, 'PAMS'
        int 0x15
        CHECK nc, 'E820h: no carry'
        cmp eax, 'PAMS'
        CHECK e, 'E820h answers SMAP'
        cmp ecx, 20
        CHECK e, 'E820h: 20 bytes'
        inc word [entries]
        cmp word [entries], 32
        CHECK b, 'E820h: less than 32 entries'
        mov eax, [entry]
        mov edx, [entry + 4]
        cmp edx, [last + 4]
        CHECK ae, 'E820h: sorted and without overlap'
        ja .sorted
        cmp eax, [last]
        CHECK ae, 'E820h: sorted and without overlap'
.sorted:
        add eax, [entry + 8]
        adc edx, [entry + 12]
        mov [last], eax
        mov [last + 4], edx
        cmp dword [entry + 4], 0
        jne .not_one
        cmp dword [entry], 0x100000
        jne .not_one
        cmp dword [entry + 16], 1
        CHECK e, 'E820h: RAM at 1 MiB'
        mov ecx, [entry + 8]
        mov [above_one], ecx
.not_one:
        mov ecx, [entry]
        or ecx, [entry + 4]
        jnz .not_zero
        cmp dword [entry + 8], 0x9fc00
        CHECK e, 'E820h: the first range ends at the EBDA'
.not_zero:
        test ebx, ebx
        jnz .next
        cmp dword [above_one], 0
        CHECK ne, 'E820h tells RAM at 1 MiB'

        mov ax, 0xe801
        xor cx, cx
        xor dx, dx
        int 0x15
        CHECK nc, 'E801h: no carry'
        cmp ax, cx
        CHECK e, 'E801h: AX is CX'
        cmp bx, dx
        CHECK e, 'E801h: BX is DX'
        movzx eax, ax
        movzx ebx, bx
        shl eax, 10
        shl ebx, 16
        add eax, ebx
        mov ebx, [above_one]
        and ebx, 0xffff0000
        and eax, 0xffff0000
        cmp eax, ebx
        CHECK e, 'E801h: as much as E820h, in units of 64 KiB'

        mov ah, 0x88
        int 0x15
        CHECK nc, '88h: no carry'
        movzx eax, ax
        shl eax, 10
        cmp eax, [above_one]
        CHECK be, '88h: not more than E820h'

        ; 87h: to 2 MiB and back
        mov ax, 0x2401
        int 0x15
        CHECK nc, '2401h opens A20'
        mov si, table
        mov cx, 8
        mov ah, 0x87
        int 0x15
        CHECK nc, '87h: no carry'
        mov dword [table + 0x1a], copy
        mov byte [table + 0x1c], 0
        mov byte [table + 0x1f], 0
        mov word [table + 0x12], 0
        mov byte [table + 0x14], 0x20
        mov si, table
        mov cx, 8
        mov ah, 0x87
        int 0x15
        CHECK nc, '87h back: no carry'
        mov si, text
        mov di, copy
        mov cx, 16
        repe cmpsb
        CHECK e, '87h: what went to 2 MiB came back'

        mov ax, 0x2400
        int 0x15
        CHECK nc, '2400h closes A20'
        mov ax, 0x2402
        int 0x15
        cmp al, 0
        CHECK e, '2402h: closed'
        mov ax, 0xffff
        mov es, ax
        mov word [0x500], 0x1234
        mov word [es:0x510], 0x4321
        cmp word [0x500], 0x4321
        CHECK e, 'closed: FFFF:0510 is 0000:0500'
        mov ax, 0x2401
        int 0x15
        mov ax, 0x2402
        int 0x15
        cmp al, 1
        CHECK e, '2402h: open'
        mov word [0x500], 0x1234
        mov word [es:0x510], 0x4321
        cmp word [0x500], 0x1234
        CHECK e, 'open: FFFF:0510 is not 0000:0500'
        mov ax, 0x2403
        int 0x15
        cmp bx, 3
        CHECK e, '2403h: port 92h and the keyboard controller'
        jmp passed

align 8
table:  times 16 db 0
        dw 0xffff, text
        db 0, 0x93, 0, 0
        dw 0xffff, 0
        db 0x20, 0x93, 0, 0
        times 16 db 0
text:   db 'sixteen letters!'
copy:   times 16 db 0
entry:  times 20 db 0
last:   dq 0
entries: dw 0
above_one: dd 0
FINISH
