/* mouse.c - INT 15h/C2h, the pointing device, and IRQ 12.
 *
 * RBIL INT 15h/C2xx; the area in the EBDA from 22h on: RBIL MEMORY.LST, EBDA.
 */
#include "run.h"

enum { HANDLER = 0x22, INDEX = 0x26, FLAGS = 0x27, PACKET = 0x28 };
enum { INSTALLED = 0x80 };
enum {
    OK = 0,
    BAD_FUNCTION = 1,
    BAD_INPUT = 2,
    INTERFACE = 3,
    RESEND = 4,
    NO_HANDLER = 5
};

void irq_12(struct regs *r);
void call_mouse(u32 handler, u32 status_x, u32 y_z); /* entry.S */

static u8 get(u16 at)
{
    return far8(BDA->ebda, at);
}

static void set(u16 at, u8 v)
{
    far8_set(BDA->ebda, at, v);
}

/* The keyboard is silent meanwhile, so that the next byte is the mouse's. */
static u8 command(u8 c, const u8 *argument, u8 *answers, u32 count)
{
    u8 v, status = INTERFACE;

    controller_command(0xad);
    if (controller_command(0xd4) && controller_write(c) && controller_read(&v)) {
        status = v == 0xfa ? OK : RESEND;
        if (!status && argument)
            status = controller_command(0xd4) && controller_write(*argument) &&
                             controller_read(&v) && v == 0xfa
                         ? OK
                         : RESEND;
        for (; !status && count; count--)
            if (!controller_read(answers++))
                status = INTERFACE;
    }
    controller_command(0xae);
    return status;
}

/* The controller's command byte: the port's clock (bit 5) and interrupt (bit 1). */
static bool open_port(bool on)
{
    u8 v;

    controller_command(0xad);
    if (!controller_command(0x20) || !controller_read(&v))
        return false;
    v = (u8)(on ? (v & ~0x30) | 2 : (v & ~0x12) | 0x20);
    return controller_command(0x60) && controller_write(v);
}

static u8 enable(u8 on)
{
    if (on > 1)
        return BAD_INPUT;
    if (on && !(get(FLAGS) & INSTALLED))
        return NO_HANDLER;
    set(INDEX, 0);
    return command(on ? 0xf4 : 0xf5, NULL, NULL, 0);
}

static u8 reset(struct regs *r)
{
    u8 answers[2] = {0, 0}, status;

    if (!open_port(true))
        return INTERFACE;
    status = command(0xff, NULL, answers, 2);
    set(INDEX, 0);
    r->bl = answers[0]; /* AAh */
    r->bh = answers[1]; /* device id */
    return status;
}

static u8 set_rate(u8 n)
{
    static const u8 rates[] = {10, 20, 40, 60, 80, 100, 200};
    return n < sizeof rates ? command(0xf3, &rates[n], NULL, 0) : BAD_INPUT;
}

static u8 tell_status(struct regs *r)
{
    u8 answers[3] = {0}, status = command(0xe9, NULL, answers, 3);
    if (!status) {
        r->bl = answers[0];
        r->cl = answers[1];
        r->dl = answers[2];
    }
    return status;
}

static u8 install(struct regs *r)
{
    far32_set(BDA->ebda, HANDLER, (u32)r->es << 16 | r->bx);
    if (!r->es && !r->bx) {
        set(FLAGS, get(FLAGS) & (u8)~INSTALLED);
        return command(0xf5, NULL, NULL, 0);
    }
    set(FLAGS, get(FLAGS) | INSTALLED);
    return OK;
}

void mouse_services(struct regs *r)
{
    u8 status = OK, id[1];

    switch (r->al) {
    case 0x00: status = enable(r->bh); break;
    case 0x01: status = reset(r); break;
    case 0x02: status = set_rate(r->bh); break;
    case 0x03: status = r->bh < 4 ? command(0xe8, &r->bh, NULL, 0) : BAD_INPUT; break;
    case 0x04:
        status = command(0xf2, NULL, id, 1);
        r->bh = status ? 0 : id[0];
        break;
    case 0x05:
        if (r->bh < 1 || r->bh > 8) {
            status = BAD_INPUT;
            break;
        }
        set(FLAGS, (u8)((get(FLAGS) & INSTALLED) | (r->bh - 1)));
        status = reset(r);
        break;
    case 0x06:
        if (r->bh == 0)
            status = tell_status(r);
        else if (r->bh <= 2)
            status = command(r->bh == 1 ? 0xe6 : 0xe7, NULL, NULL, 0);
        else
            status = BAD_INPUT;
        break;
    case 0x07: status = install(r); break;
    default: status = BAD_FUNCTION;
    }
    r->ah = status;
    set_carry(r, status != OK);
}

void irq_12(struct regs *r)
{
    u8 v, flags = get(FLAGS), at = get(INDEX) & 7, size = (u8)((flags & 7) + 1);
    (void)r;

    if ((in8(0x64) & 0x21) != 0x21) {
        eoi(12);
        return;
    }
    v = in8(0x60);
    if (!(flags & INSTALLED)) {
        eoi(12);
        return;
    }
    set((u16)(PACKET + at), v);
    if (++at < size) {
        set(INDEX, at);
        eoi(12);
        return;
    }
    set(INDEX, 0);
    eoi(12);
    call_mouse(far32(BDA->ebda, HANDLER), get(PACKET) | (u32)get(PACKET + 1) << 16,
               get(PACKET + 2) | (u32)(size > 3 ? get(PACKET + 3) : 0) << 16);
}
