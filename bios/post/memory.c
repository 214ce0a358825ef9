/* memory.c - how much RAM there is, the map that INT 15h/E820h tells, and caching.
 *
 * fw_cfg "etc/e820" says it best; CMOS 30h, 34h, 5Bh say it everywhere.
 */
#include "post.h"

enum { RAM = 1, RESERVED = 2 };
#define ONE 0x100000ull
#define GIB4 0x100000000ull

static u32 high_top;    /* the ranges from here to the end of low RAM are taken */
static u32 legacy_next; /* in F0000h-F3FFFh */

/* ---- the map: sorted, without overlap ---- */

static void remove_at(u32 n)
{
    for (shared.e820_count--; n < shared.e820_count; n++)
        shared.e820[n] = shared.e820[n + 1];
}

static bool insert(u64 base, u64 end, u32 type)
{
    u32 n;

    if (base >= end)
        return true;
    if (shared.e820_count == E820_MAX) {
        debug_text("the memory map is full\n");
        return false;
    }
    for (n = shared.e820_count++; n && shared.e820[n - 1].base > base; n--)
        shared.e820[n] = shared.e820[n - 1];
    shared.e820[n] = (struct e820){base, end - base, type};
    return true;
}

/* The range is `type` from now on, whatever it was. */
void e820_take(u64 base, u64 size, u32 type)
{
    u64 end = base + size;

    for (u32 n = 0; n < shared.e820_count;) {
        struct e820 old = shared.e820[n];
        u64 old_end = old.base + old.size;
        if (old_end <= base || old.base >= end) {
            n++;
            continue;
        }
        remove_at(n);
        insert(old.base, old.base < base ? base : old.base, old.type);
        insert(old_end > end ? end : old_end, old_end, old.type);
        n = 0;
    }
    insert(base, end, type);
}

void e820_add(u64 base, u64 size, u32 type)
{
    e820_take(base, size, type);
}

u8 *take_high(u32 size, u32 align)
{
    u32 at = (high_top - size) & ~(align - 1);

    if (size > high_top || at < 4 * ONE)
        return NULL;
    high_top = at;
    e820_take(at & ~0xfffu, shared.ram_low - (at & ~0xfffu), RESERVED);
    return FLAT(at);
}

u8 *take_legacy(u32 size, u32 align)
{
    u32 at = (legacy_next + align - 1) & ~(align - 1);

    if (at + size > 0xf4000)
        return NULL;
    legacy_next = at + size;
    return FLAT(at);
}

/* ---- sizes ---- */

static void sizes_from_cmos(void)
{
    u32 units = cmos_read(0x34) | (u32)cmos_read(0x35) << 8;

    if (units)
        shared.ram_low = (units << 16) + (16 << 20);
    else
        shared.ram_low =
            ((cmos_read(0x30) | (u32)cmos_read(0x31) << 8) << 10) + (1 << 20);
    units = cmos_read(0x5b) | (u32)cmos_read(0x5c) << 8 | (u32)cmos_read(0x5d) << 16;
    shared.ram_high = (u64)units << 16;
}

static bool sizes_from_fw_cfg(void)
{
    struct fw_file f;
    struct e820 e[16];
    u32 n;

    if (!fw_find("etc/e820", &f))
        return false;
    n = fw_load("etc/e820", e, sizeof e) / sizeof e[0];
    shared.ram_low = 0;
    shared.ram_high = 0;
    for (u32 i = 0; i < n; i++) {
        u64 end = e[i].base + e[i].size;
        if (e[i].type != RAM)
            e820_take(e[i].base, e[i].size, e[i].type);
        else if (end <= GIB4 && end > shared.ram_low)
            shared.ram_low = (u32)end;
        else if (e[i].base >= GIB4 && end - GIB4 > shared.ram_high)
            shared.ram_high = end - GIB4;
    }
    return shared.ram_low != 0;
}

static void make_map(void)
{
    e820_take(0, 0x9fc00, RAM);
    e820_take(0x9fc00, 0x400, RESERVED); /* the EBDA */
    e820_take(0xe0000, 0x20000, RESERVED);
    if (shared.ram_low > ONE)
        e820_take(ONE, shared.ram_low - ONE, RAM);
    e820_take(0xfec00000, 0x1000, RESERVED); /* I/O APIC */
    e820_take(0xfed00000, 0x400, RESERVED);  /* HPET */
    e820_take(0xfee00000, 0x1000, RESERVED); /* local APICs */
    e820_take(0xfffc0000, 0x40000, RESERVED);
    if (shared.ram_high)
        e820_take(GIB4, shared.ram_high, RAM);
}

void find_memory(u32 unused)
{
    u16 v;
    (void)unused;

    memset(&shared, 0, sizeof shared);
    shared.cpus = (u16)(cmos_read(0x5f) + 1);
    shared.has_fw_cfg = fw_there();
    if (shared.has_fw_cfg) {
        fw_select(FW_CPUS);
        fw_read(&v, 2);
        shared.cpus = v ? v : 1;
        fw_select(FW_BOOT_MENU);
        fw_read(&v, 2);
        shared.boot_menu = v && fw_number("etc/show-boot-menu", 1);
        shared.menu_wait = fw_number("etc/boot-menu-wait", 2500);
        shared.sercon = fw_number("etc/sercon-port", 0);
        shared.bootorder[fw_load("bootorder", shared.bootorder, BOOTORDER_MAX - 1)] = 0;
    }
    if (!shared.has_fw_cfg || !sizes_from_fw_cfg())
        sizes_from_cmos();
    make_map();
    high_top = shared.ram_low;
    legacy_next = 0xf0000;
    set_up_cpu();
}

/* ---- what C itself asks for ---- */

void *memset(void *to, int v, u32 n)
{
    u8 *p = to;
    __asm__ volatile("cld; rep stosb" : "+D"(p), "+c"(n) : "a"(v) : "memory");
    return to;
}

void *memcpy(void *to, const void *from, u32 n)
{
    u8 *p = to;
    __asm__ volatile("cld; rep movsb" : "+D"(p), "+S"(from), "+c"(n) : : "memory");
    return to;
}

int memcmp(const void *a, const void *b, u32 n)
{
    const u8 *p = a, *q = b;
    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}
