; A boot sector that gives up: INT 18h goes on with the next device.
bits 16
org 0x7c00
        int 0x18
        times 510 - ($ - $$) db 0x90
        dw 0xaa55
