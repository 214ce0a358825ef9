/* boot.c - INT 19h and INT 18h: what to boot from, in which order, and why nothing did.
 *
 * BIOS Boot Specification 1.01; the order: QEMU docs/bootindex (fw_cfg "bootorder"), or
 * CMOS 38h and 3Dh.
 */
#include "run.h"

enum { ENTRIES = 24, SECTOR_AT = 0x7c00, WHY = 40 };
enum kind { FLOPPY = 1, DISK = 2, CD = 3, NETWORK = 4 }; /* CMOS 3Dh's numbers */

void bootstrap(struct regs *r);
void no_boot(struct regs *r);

static struct entry {
    u8 kind, n;
    u16 rank;
    const char *why; /* it was refused; NULL: not tried */
} entries[ENTRIES];
static u8 count, at;

static void say_name(const struct entry *e)
{
    switch (e->kind) {
    case FLOPPY: say("floppy %c", 'A' + e->n); break;
    case DISK: say("hard disk %u (%s)", e->n, drives.disk[e->n].model); break;
    case CD: say("CD-ROM %u (%s)", e->n, drives.cd[e->n].model); break;
    default:
        say(boot_vectors[e->n].bdf ? "network (%s)" : "option ROM (%s)",
            boot_vectors[e->n].name);
    }
}

/* ---- the order ---- */

static bool begins(const char *s, const char *with)
{
    while (*with)
        if (*s++ != *with++)
            return false;
    return true;
}

static const char *find(const char *s, const char *what)
{
    for (; *s && *s != '\n'; s++)
        if (begins(s, what))
            return s + text_length(what);
    return NULL;
}

static u32 hex(const char *s)
{
    u32 v = 0;
    for (;; s++) {
        if (*s >= '0' && *s <= '9')
            v = v << 4 | (u32)(*s - '0');
        else if (*s >= 'a' && *s <= 'f')
            v = v << 4 | (u32)(*s - 'a' + 10);
        else
            return v;
    }
}

/* One line of "bootorder", an Open Firmware path, against an entry. */
static bool line_means(const char *line, const struct entry *e)
{
    const char *p, *slot;
    const struct drive *d;

    switch (e->kind) {
    case FLOPPY: p = find(line, "/floppy@"); return p && hex(p) == e->n;
    case DISK:
    case CD:
        if (e->kind == DISK && e->n >= drives.disks)
            return false;
        d = e->kind == DISK ? &drives.disk[e->n] : &drives.cd[e->n];
        p = find(line, "/drive@");
        slot = find(line, "/disk@");
        return p && slot && find(line, "/ide@") && hex(p) == d->channel &&
               hex(slot) == d->slave;
    default:
        if (begins(line, "/rom@genroms/"))
            return !boot_vectors[e->n].bdf;
        p = find(line, "/pci@i0cf8/");
        p = p ? find(p, "@") : NULL;
        if (!p || hex(p) != (u32)(boot_vectors[e->n].bdf >> 3))
            return false;
        slot = find(p, ",");
        return (slot ? hex(slot) : 0) == (u32)(boot_vectors[e->n].bdf & 7);
    }
}

static u16 rank_of(const struct entry *e)
{
    const char *line = shared.bootorder;
    u8 order[3] = {cmos_read(CMOS_BOOT_B) & 15, cmos_read(CMOS_BOOT_B) >> 4,
                   cmos_read(CMOS_BOOT_A) >> 4};

    for (u16 n = 0; *line; n++) {
        if (line_means(line, e))
            return n;
        while (*line && *line++ != '\n')
            ;
    }
    for (u16 n = 0; n < ARRAY_SIZE(order); n++)
        if (order[n] == e->kind)
            return (u16)(100 + n);
    return (u16)(200 + e->kind);
}

static void add(u8 kind, u8 n)
{
    struct entry e = {kind, n, 0, NULL};
    u8 to;

    if (count == ENTRIES)
        return;
    e.rank = rank_of(&e);
    for (to = count++; to && entries[to - 1].rank > e.rank; to--)
        entries[to] = entries[to - 1];
    entries[to] = e;
}

void boot_order_init(void)
{
    for (u8 n = 0; n < 2; n++)
        if (floppy_type(n))
            add(FLOPPY, n);
    for (u8 n = 0; n < BDA->disk_count; n++)
        add(DISK, n);
    for (u8 n = 0; n < drives.cds; n++)
        add(CD, n);
    for (u8 n = 0; n < boot_vector_count; n++)
        add(NETWORK, n);
}

/* ---- the menu ---- */

enum { KEY_ESC = 0x011b, KEY_F12 = 0x8600 };

static u16 wait_key(u32 milliseconds)
{
    u32 from = BDA->ticks, ticks = milliseconds / 55 + 1;
    u16 key;

    while (!(key = keyboard_try()) && BDA->ticks - from < ticks)
        irq_wait();
    return key;
}

void boot_menu(void)
{
    u16 key;
    u8 n;

    if (!shared.boot_menu)
        return;
    say("Press Esc or F12 for the boot menu.\n");
    do
        key = wait_key(shared.menu_wait);
    while (key && key != KEY_ESC && key != KEY_F12);
    if (!key)
        return;
    say("\nBoot from:\n\n");
    for (n = 0; n < count && n < 9; n++) {
        say("  %u. ", n + 1);
        say_name(&entries[n]);
        say("\n");
    }
    say("\n  Esc: as it was\n\n");
    for (;;) {
        while (!(key = keyboard_try()))
            irq_wait();
        if (key == KEY_ESC)
            return;
        n = (u8)((key & 0xff) - '1');
        if (n < count && n < 9)
            break;
    }
    {
        struct entry chosen = entries[n];
        for (; n; n--)
            entries[n] = entries[n - 1];
        entries[0] = chosen;
    }
}

/* ---- attempts ---- */

/* A disk that is booted is 80h, because boot sectors and systems think so. */
static void make_first(struct entry *e)
{
    struct drive d = drives.disk[e->n];
    u8 from = e->n, n;

    if (!from || from >= drives.disks)
        return;
    for (n = from; n; n--)
        drives.disk[n] = drives.disk[n - 1];
    drives.disk[0] = d;
    for (n = 0; n < count; n++)
        if (entries[n].kind == DISK && entries[n].n < from)
            entries[n].n++;
    e->n = 0;
}

/* 7C00h is 0000:7C00 for boot programs, also where a catalog says 07C0h. */
static void start(u16 segment, u16 offset, u8 drive)
{
    if (segment == 0x7c0) {
        segment = 0;
        offset = SECTOR_AT;
    }
    boot_jump((u32)segment << 16 | offset, drive, (u32)CODE_SEG << 16 | PNP_STRUCTURE);
}

/* Through INT 13h, which an option ROM may have taken. */
static const char *try_sector(u8 drive, bool signature)
{
    struct regs r = {0};

    for (u32 tries = 0; tries < 3; tries++) {
        r = (struct regs){0};
        r.ax = 0x0201;
        r.cx = 0x0001;
        r.dx = drive;
        r.bx = SECTOR_AT;
        call_int(0x13, &r);
        irqs_off();
        if (!(r.flags & CARRY))
            break;
        if (r.ah == DISK_TIMEOUT && drive < 0x80)
            return "no medium";
    }
    if (r.flags & CARRY)
        return disk_status_text(r.ah);
    if (signature && far16(0, SECTOR_AT + 510) != 0xaa55)
        return "its first sector has no 55AAh signature";
    if (!far32(0, SECTOR_AT) && !far32(0, SECTOR_AT + 4))
        return "its first sector is empty";
    start(0, SECTOR_AT, drive);
    return NULL;
}

static const char *try_cd(u8 n)
{
    u16 segment;
    u8 drive;
    const char *why = cd_load(n, &segment, &drive);

    if (!why)
        start(segment, 0, drive);
    return why;
}

static void give_up(void)
{
    say("\nNothing to boot from.\n");
    for (u8 n = 0; n < count; n++) {
        say("  ");
        say_name(&entries[n]);
        say(": %s\n", entries[n].why);
    }
    if (!count)
        say("  There is no floppy drive, disk, CD-ROM drive or network card.\n");
    say("\nPress a key to try again.\n");
    post_code(0xff);
    while (!keyboard_try())
        irq_wait();
    at = 0;
}

static void next_device(void)
{
    for (;;) {
        while (at < count) {
            struct entry *e = &entries[at++];
            e->why = "its boot program gave up (INT 18h)";
            say("Booting from ");
            say_name(e);
            say(".\n");
            if (e->kind == DISK)
                make_first(e);
            emulation_end();
            if (e->kind == FLOPPY)
                e->why = try_sector(e->n, !(cmos_read(CMOS_BOOT_A) & 1));
            else if (e->kind == DISK)
                e->why = try_sector((u8)(0x80 + e->n), true);
            else if (e->kind == CD)
                e->why = try_cd(e->n);
            else
                start(boot_vectors[e->n].segment, boot_vectors[e->n].offset, 0);
            say("  %s\n", e->why);
        }
        give_up();
    }
}

void bootstrap(struct regs *r)
{
    (void)r;
    at = 0;
    run_anew(next_device);
}

void no_boot(struct regs *r)
{
    (void)r;
    say("  Its boot program gave up (INT 18h).\n");
    run_anew(next_device);
}
