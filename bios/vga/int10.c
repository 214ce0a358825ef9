/* int10.c - initialization, and who does what in INT 10h.
 *
 * Sources: IBM PS/2 and PC BIOS Interface TR, INT 10h; Ralf Brown's Interrupt List;
 * PCI Local Bus Specification 2.1, 6.3.3 (initialization code).
 */
#include "vga.h"

void init(regs r);
void int10(regs r);
void print_screen(regs r);

/* Called once by the system BIOS, AX the card's PCI address. The vector that was INT
 * 10h stays reachable as INT 42h, as with any EGA or VGA. */
void init(regs r)
{
    edid_init(r->ax);
    VECTOR(0x42) = VECTOR(0x10);
    VECTOR(0x10) = rom_far(int10_entry);
    VECTOR(0x6d) = rom_far(int10_entry);
    BDA->save_pointer = rom_far(save_table);
    BDA->control = CONTROL_256K;
    BDA->switches = 0xf9; /* as an EGA's: high-resolution colour display */
    BDA->flags = FLAG_VGA | FLAG_400_LINES | FLAG_SWITCH;
    BDA->dcc = 0x0b; /* a VGA with a colour display, alone */
    outb(0x3c3, 1);  /* video subsystem enable: motherboard VGAs; adapters have 46E8h */
    outb(0x46e8, 0x0e);
    set_mode(3);
}

static void mode_call(regs r)
{
    uint8_t mode = r->al & 0x7f;

    set_mode(r->al);
    if (BDA->mode == mode) /* AMI and Phoenix; RB, INT 10/AH=00h */
        r->al = mode > 7 ? 0x20 : mode == 6 ? 0x3f : 0x30;
}

static void state_call(regs r)
{
    uint8_t what = r->cl & 7;

    switch (r->al) {
    case 0: r->bx = state_blocks(what); break;
    case 1: state_save(what, r->es, r->bx); break;
    case 2: state_restore(what, r->es, r->bx); break;
    default: return;
    }
    r->al = 0x1c;
}

static void call(regs r)
{
    uint8_t page = r->bh;
    uint16_t v;

    switch (r->ah) {
    case 0x00: mode_call(r); break;
    case 0x01: set_cursor_shape(r->ch, r->cl); break;
    case 0x02: set_cursor(page, r->dh, r->dl); break;
    case 0x03:
        r->dx = BDA->cursor[page & 7];
        r->cx = BDA->cursor_shape;
        r->ax = 0;
        break;
    case 0x04: /* the light pen, which a VGA has not: not triggered */ r->ah = 0; break;
    case 0x05: set_page(r->al); break;
    case 0x06:
    case 0x07: scroll(r->ah == 6, BDA->page, r->al, r->bh, r->cx, r->dx); break;
    case 0x08:
        v = read_char(page);
        if (kind_now() == TEXT)
            r->ax = v;
        else
            r->al = (uint8_t)v;
        break;
    case 0x09: write_chars(page, r->al, r->bl, true, r->cx); break;
    case 0x0a: /* as 09h, but text keeps its attributes */
        write_chars(page, r->al, r->bl, false, r->cx);
        break;
    case 0x0b: set_colour(r->bh, r->bl); break;
    case 0x0c: put_pixel(page, r->cx, r->dx, r->al); break;
    case 0x0d: r->al = get_pixel(page, r->cx, r->dx); break;
    case 0x0e:
        /* The shown page, whatever BH says: IBM's BIOSes do so, and boot sectors that
         * leave BH as it was rely on it. */
        teletype(BDA->page, r->al, r->bl, false);
        break;
    case 0x0f:
        r->al = BDA->mode | (BDA->control & CONTROL_NO_CLEAR);
        r->ah = (uint8_t)BDA->columns;
        r->bh = BDA->page;
        break;
    case 0x10: palette_call(r); break;
    case 0x11: font_call(r); break;
    case 0x12: select_call(r); break;
    case 0x13: write_string(r); break;
    case 0x1a: display_call(r); break;
    case 0x1b: functionality_call(r); break;
    case 0x1c: state_call(r); break;
    default: /* as IBM's: what is not known changes nothing */ break;
    }
}

/* Drawing in a VBE mode moves the window, which belongs to the caller. */
void int10(regs r)
{
    uint16_t bank;

    if (r->ah == 0x4f) {
        vbe_call(r);
    } else if (vbe_active() && r->ah >= 6 && r->ah <= 0x13) {
        bank = dispi_read(DISPI_BANK);
        call(r);
        dispi_write(DISPI_BANK, bank);
    } else {
        call(r);
    }
}

/* INT 05h as AH=12h BL=20h installs it: the text page on printer 0. 50:0 is 1
 * meanwhile, and FFh after a failure (RB, MEM 0050h:0000h). */
void print_screen(regs r)
{
    volatile uint8_t IN_FS *status = (volatile uint8_t IN_FS *)0x500;
    uint8_t page = BDA->page, row, column, failed = 0, c;
    uint16_t before = BDA->cursor[page & 7];

    (void)r;
    if (*status == 1)
        return;
    *status = 1;
    for (row = 0; row <= BDA->last_row && !failed; row++) {
        for (column = 0; column < BDA->columns && !failed; column++) {
            BDA->cursor[page & 7] = (uint16_t)(row << 8 | column);
            c = (uint8_t)read_char(page);
            failed = print_char(c ? c : ' ') & 0x29; /* time-out, error, no paper */
        }
        failed |= print_char(13) & 0x29;
        failed |= print_char(10) & 0x29;
    }
    BDA->cursor[page & 7] = before;
    *status = failed ? 0xff : 0;
}
