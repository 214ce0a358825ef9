/* system.c - INT 15h: memory, A20, waiting, and what the AT left to systems.
 *
 * RBIL INT 15h; ACPI 6.4 chapter 15 (E820h).
 */
#include "run.h"

enum { SMAP = 0x534d4150, E820_ENTRY = 20 };
enum { UNSUPPORTED = 0x86, PORT_A = 0x92, A20 = 2 };
extern u8 move32[]; /* flat code */

void system_services(struct regs *r);

static void refuse(struct regs *r)
{
    r->ah = UNSUPPORTED;
    set_carry(r, true);
}

static void accept(struct regs *r)
{
    r->ah = 0;
    set_carry(r, false);
}

static void a20(struct regs *r) /* 24h */
{
    switch (r->al) {
    case 0:
        /* Either gate holds the line open: the controller's output port too. */
        if (controller_command(0xd1))
            controller_write(0xdd);
        out8(PORT_A, in8(PORT_A) & (u8) ~(A20 | 1));
        break;
    case 1: out8(PORT_A, (in8(PORT_A) & 0xfe) | A20); break;
    case 2: r->al = !!(in8(PORT_A) & A20); break;
    case 3: r->bx = 3; break; /* the keyboard controller and port 92h do it */
    default: refuse(r); return;
    }
    accept(r);
}

static void memory_map(struct regs *r) /* E820h */
{
    u32 n = r->ebx;

    if (r->edx != SMAP || r->ecx < E820_ENTRY || n >= shared.e820_count) {
        refuse(r);
        return;
    }
    far_copy(r->es, r->di, DATA_SEG, (u16)(u32)&shared.e820[n], E820_ENTRY);
    r->eax = SMAP;
    r->ecx = E820_ENTRY;
    r->ebx = n + 1 < shared.e820_count ? n + 1 : 0;
    set_carry(r, false);
}

/* RAM from 1 MiB on that nobody has reserved, up to the first gap. */
static u32 extended_bytes(void)
{
    for (u32 n = 0; n < shared.e820_count; n++)
        if (shared.e820[n].base == 0x100000 && shared.e820[n].type == 1)
            return (u32)shared.e820[n].size;
    return 0;
}

static void
big_memory(struct regs *r) /* E801h, E881h: KiB below, 64 KiB units above 16 MiB */
{
    u32 bytes = extended_bytes(), low = bytes > 15 << 20 ? 15 << 20 : bytes;

    r->eax = r->al == 0x81 ? 0 : r->eax & 0xffff0000;
    r->ax = (u16)(low >> 10);
    r->bx = (u16)((bytes - low) >> 16);
    r->ecx = r->eax;
    r->edx = r->ebx;
    r->cx = r->ax;
    r->dx = r->bx;
    set_carry(r, false);
}

/* 87h: CX words, addresses in descriptors 2 and 3 of the table at ES:SI. */
static void move_block(struct regs *r)
{
    u32 what[3], cr0;

    __asm__ volatile("smsww %w0" : "=r"(cr0));
    if (cr0 & 1) { /* virtual 8086 mode: who runs it has to do this */
        r->ah = 3;
        set_carry(r, true);
        return;
    }
    for (u32 n = 0; n < 2; n++) {
        u16 at = (u16)(r->si + (n ? 0x10 : 0x18));
        what[n] = (far32(r->es, at + 2u) & 0xffffff) | (u32)far8(r->es, at + 7u) << 24;
    }
    what[2] = r->cx * 2u;
    {
        u8 gate = in8(PORT_A);
        out8(PORT_A, (gate & 0xfe) | A20);
        call32((u32)move32, (u32)what + 0xe0000);
        out8(PORT_A, gate & 0xfe);
    }
    accept(r);
}

/* ---- waiting: the RTC's periodic interrupt, 1024 a second (irq_8 counts) ---- */

static bool wait_begins(u32 us, u32 flag)
{
    if (BDA->wait_active & 1)
        return false;
    BDA->wait_us = us;
    BDA->wait_flag = flag;
    BDA->wait_active = 1;
    out8(0xa1, in8(0xa1) & 0xfe);
    cmos_read(0x0c);
    cmos_write(CMOS_STATUS_B, cmos_read(CMOS_STATUS_B) | 0x40);
    return true;
}

static void event_wait(struct regs *r) /* 83h */
{
    if (r->al == 1) {
        BDA->wait_active = 0;
        cmos_write(CMOS_STATUS_B, cmos_read(CMOS_STATUS_B) & 0xbf);
        accept(r);
        return;
    }
    if (!wait_begins((u32)r->cx << 16 | r->dx, (u32)r->es << 16 | r->bx)) {
        r->ah = UNSUPPORTED;
        set_carry(r, true);
        return;
    }
    accept(r);
}

static void wait(struct regs *r) /* 86h */
{
    u32 us = (u32)r->cx << 16 | r->dx;

    if (us < 3000) {
        delay_us(us);
        accept(r);
        return;
    }
    /* A0 bit 7 of a flag in the BDA itself. */
    if (!wait_begins(us, 0x004000a0)) {
        r->ah = 0x83;
        set_carry(r, true);
        return;
    }
    while (!(BDA->wait_active & 0x80))
        irq_wait();
    BDA->wait_active = 0;
    accept(r);
}

void system_services(struct regs *r)
{
    switch (r->ah) {
    case 0x24: a20(r); break;
    case 0x4f: break; /* keyboard intercept: AL and carry stay */
    case 0x80:        /* device open, close, program end; wait and post */
    case 0x81:
    case 0x82:
    case 0x85:
    case 0x90:
    case 0x91: accept(r); break;
    case 0x83: event_wait(r); break;
    case 0x86: wait(r); break;
    case 0x87: move_block(r); break;
    case 0x88: {
        u32 kib = extended_bytes() >> 10;
        r->ax = (u16)(kib > 63 * 1024 ? 63 * 1024 : kib);
        set_carry(r, false);
        break;
    }
    case 0xc0:
        r->es = CODE_SEG;
        r->bx = 0xe6f5;
        accept(r);
        break;
    case 0xc1:
        r->es = BDA->ebda;
        set_carry(r, false);
        break;
    case 0xc2: mouse_services(r); break;
    case 0xe8:
        if (r->al == 0x20)
            memory_map(r);
        else if (r->al == 0x01 || r->al == 0x81)
            big_memory(r);
        else
            refuse(r);
        break;
    default: refuse(r); /* 53h: there is no APM; 84h: no joystick */
    }
}
