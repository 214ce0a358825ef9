/* video.c - INT 10h for a machine without a VGA BIOS, INT 11h, 12h, and INT 05h.
 *
 * Text goes to B8000h, mode 3, if anything is there, and to a serial port when the user
 * wants the console there. A VGA BIOS takes INT 10h over. RBIL INT 10h.
 */
#include "run.h"

enum { TEXT_SEG = 0xb800, COLUMNS = 80, ROWS = 25, BLANK = 0x0720 };

void video_services(struct regs *r);
void equipment(struct regs *r);
void memory_size(struct regs *r);
void print_screen(struct regs *r);
extern const u8 int_10[];

bool video_is_ours(void)
{
    return far16(0, 0x10 * 4 + 2) == CODE_SEG;
}

void video_init(void)
{
    BDA->mode = 3;
    BDA->columns = COLUMNS;
    BDA->page_size = 0x1000;
    BDA->cursor_shape = 0x0607;
    BDA->crtc = 0x3d4;
    BDA->rows = ROWS - 1;
    BDA->char_height = 16;
}

static u16 cell(u8 row, u8 column)
{
    return (u16)((row * COLUMNS + column) * 2);
}

static void serial_put(u8 c)
{
    u16 port = (u16)shared.sercon;
    struct deadline d;

    if (!port)
        return;
    deadline_set(&d, 100);
    while (!(in8(port + 5) & 0x20))
        if (deadline_over(&d))
            return;
    out8(port, c);
}

static void fill(u8 top, u8 left, u8 bottom, u8 right, u8 attribute)
{
    for (u32 y = top; y <= bottom; y++)
        for (u32 x = left; x <= right; x++)
            far16_set(TEXT_SEG, cell((u8)y, (u8)x), (u16)(attribute << 8 | ' '));
}

/* 06h, 07h: scrolls a window by al lines; 0 clears it. */
static void scroll(struct regs *r, bool up)
{
    u8 top = r->ch, left = r->cl, bottom = r->dh, right = r->dl, lines = r->al;

    if (bottom >= ROWS)
        bottom = ROWS - 1;
    if (right >= COLUMNS)
        right = COLUMNS - 1;
    if (top > bottom || left > right)
        return;
    if (!lines || lines > bottom - top) {
        fill(top, left, bottom, right, r->bh);
        return;
    }
    for (u32 n = 0; n + lines <= (u32)(bottom - top); n++) {
        u8 to = (u8)(up ? top + n : bottom - n);
        u8 from = (u8)(up ? to + lines : to - lines);
        far_copy(TEXT_SEG, cell(to, left), TEXT_SEG, cell(from, left),
                 (u16)((right - left + 1) * 2));
    }
    if (up)
        fill((u8)(bottom - lines + 1), left, bottom, right, r->bh);
    else
        fill(top, left, (u8)(top + lines - 1), right, r->bh);
}

static void set_cursor(u8 row, u8 column)
{
    u16 at = (u16)(row * COLUMNS + column);

    BDA->cursor[0][0] = column;
    BDA->cursor[0][1] = row;
    out16(0x3d4, (u16)(0x0e | (at & 0xff00)));
    out16(0x3d4, (u16)(0x0f | at << 8));
}

static void teletype(u8 c)
{
    u8 column = BDA->cursor[0][0], row = BDA->cursor[0][1];

    serial_put(c);
    switch (c) {
    case 7: return;
    case 8: column = (u8)(column ? column - 1 : 0); break;
    case '\n': row++; break;
    case '\r': column = 0; break;
    default:
        far8_set(TEXT_SEG, cell(row, column), c);
        if (++column == COLUMNS) {
            column = 0;
            row++;
        }
    }
    if (row >= ROWS) {
        struct regs r = {0};
        r.al = 1;
        r.bh = 7;
        r.dh = ROWS - 1;
        r.dl = COLUMNS - 1;
        scroll(&r, true);
        row = ROWS - 1;
    }
    set_cursor(row, column);
}

/* 13h: AL bit 0 the cursor moves, bit 1 attributes stand in the text. */
static void write_text(struct regs *r)
{
    u8 row = BDA->cursor[0][1], column = BDA->cursor[0][0];
    u16 at = r->bp;

    set_cursor(r->dh < ROWS ? r->dh : ROWS - 1, r->dl < COLUMNS ? r->dl : COLUMNS - 1);
    for (u16 n = 0; n < r->cx; n++) {
        u8 c = far8(r->es, at++), attribute = r->bl;
        if (r->al & 2)
            attribute = far8(r->es, at++);
        if (c != 7 && c != 8 && c != '\r' && c != '\n')
            far8_set(TEXT_SEG, cell(BDA->cursor[0][1], BDA->cursor[0][0]) + 1u,
                     attribute);
        teletype(c);
    }
    if (!(r->al & 1))
        set_cursor(row, column);
}

void video_services(struct regs *r)
{
    u16 at = cell(BDA->cursor[0][1], BDA->cursor[0][0]);

    switch (r->ah) {
    case 0x00:
        fill(0, 0, ROWS - 1, COLUMNS - 1, 7);
        set_cursor(0, 0);
        r->al = 0x30;
        break;
    case 0x01: BDA->cursor_shape = r->cx; break;
    case 0x02:
        if (r->dh < ROWS && r->dl < COLUMNS)
            set_cursor(r->dh, r->dl);
        break;
    case 0x03:
        r->cx = BDA->cursor_shape;
        r->dh = BDA->cursor[0][1];
        r->dl = BDA->cursor[0][0];
        break;
    case 0x06: scroll(r, true); break;
    case 0x07: scroll(r, false); break;
    case 0x08: r->ax = far16(TEXT_SEG, at); break;
    case 0x09:
    case 0x0a:
        for (u16 n = 0; n < r->cx && at < ROWS * COLUMNS * 2; n++, at += 2) {
            far8_set(TEXT_SEG, at, r->al);
            if (r->ah == 0x09)
                far8_set(TEXT_SEG, at + 1u, r->bl);
        }
        break;
    case 0x0e: teletype(r->al); break;
    case 0x0f:
        r->al = BDA->mode;
        r->ah = COLUMNS;
        r->bh = 0;
        break;
    case 0x13: write_text(r); break;
    default: break; /* not there without a VGA BIOS: registers stay */
    }
}

/* INT 11h, INT 12h. */
void equipment(struct regs *r)
{
    r->ax = BDA->equipment;
}

void memory_size(struct regs *r)
{
    r->ax = BDA->memory;
}

/* INT 05h: the screen to LPT1; 50:0 is 1 while it prints, FFh after an error (RBIL). */
void print_screen(struct regs *r)
{
    struct regs v = {0};
    u8 rows = (u8)(BDA->rows ? BDA->rows + 1 : ROWS), columns = (u8)BDA->columns, page;
    u16 saved;
    u8 failed = 0;
    (void)r;

    if (far8(0x50, 0) == 1)
        return;
    far8_set(0x50, 0, 1);
    v.ah = 0x0f;
    call_int(0x10, &v);
    page = v.bh;
    v.ah = 0x03;
    call_int(0x10, &v);
    saved = v.dx;
    for (u8 y = 0; y < rows && !failed; y++) {
        for (u8 x = 0; x < columns + 2 && !failed; x++) {
            u8 c;
            if (x < columns) {
                v.ah = 0x02;
                v.bh = page;
                v.dh = y;
                v.dl = x;
                call_int(0x10, &v);
                v.ah = 0x08;
                v.bh = page;
                call_int(0x10, &v);
                c = v.al ? v.al : ' ';
            } else {
                c = x == columns ? '\r' : '\n';
            }
            v.ah = 0;
            v.al = c;
            v.dx = 0;
            call_int(0x17, &v);
            failed = v.ah & 0x29; /* timed out, I/O error, no paper */
        }
    }
    v.ah = 0x02;
    v.bh = page;
    v.dx = saved;
    call_int(0x10, &v);
    far8_set(0x50, 0, failed ? 0xff : 0);
}
