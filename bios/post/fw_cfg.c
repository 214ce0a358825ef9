/* fw_cfg.c - what the emulator tells its firmware. QEMU docs/specs/fw_cfg. */
#include "post.h"

enum { SELECTOR = 0x510, DATA = 0x511, DMA = 0x514 };
enum { KEY_SIGNATURE = 0, KEY_ID = 1, HAS_DMA = 2 };
enum { DMA_ERROR = 1, DMA_READ = 2 };

static bool has_dma;

static u32 swap32(u32 v)
{
    return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24;
}

void debug_text(const char *s)
{
    if (in8(0xe9) != 0xe9)
        return;
    for (; *s; s++)
        out8(0xe9, (u8)*s);
}

void debug_hex(u32 v)
{
    char text[9] = {0};
    for (u32 n = 0; n < 8; n++)
        text[n] = "0123456789abcdef"[v >> (28 - n * 4) & 15];
    debug_text(text);
}

void fw_select(u16 key)
{
    out16(SELECTOR, key);
}

void fw_read(void *to, u32 n)
{
    static volatile u32 request[4]; /* control, length, address: big-endian */
    u8 *p = to;

    if (!has_dma || n < 16) {
        while (n--)
            *p++ = in8(DATA);
        return;
    }
    request[0] = swap32(DMA_READ);
    request[1] = swap32(n);
    request[2] = 0;
    request[3] = swap32((u32)to);
    out32(DMA, 0);
    out32(DMA + 4, swap32((u32)request));
    while (request[0] & ~swap32(DMA_ERROR))
        ;
    if (request[0])
        debug_text("fw_cfg: a DMA read failed\n");
}

bool fw_there(void)
{
    char signature[4];
    u32 id;

    has_dma = false;
    fw_select(KEY_SIGNATURE);
    fw_read(signature, sizeof signature);
    if (memcmp(signature, "QEMU", 4))
        return false;
    fw_select(KEY_ID);
    fw_read(&id, sizeof id);
    has_dma = id & HAS_DMA;
    return true;
}

/* The directory: a count, then size, key, reserved, name; big-endian. */
static bool look(bool (*wanted)(const struct fw_file *f, const void *what, u32 *n),
                 const void *what, u32 n, struct fw_file *f)
{
    u32 count;

    if (!shared.has_fw_cfg)
        return false;
    fw_select(FW_DIRECTORY);
    fw_read(&count, sizeof count);
    for (count = swap32(count); count; count--) {
        u8 entry[64];
        fw_read(entry, sizeof entry);
        f->size = swap32(get32(entry));
        f->key = (u16)(entry[4] << 8 | entry[5]);
        memcpy(f->name, entry + 8, sizeof f->name);
        f->name[sizeof f->name - 1] = 0;
        if (wanted(f, what, &n))
            return true;
    }
    return false;
}

static bool same_name(const struct fw_file *f, const void *what, u32 *n)
{
    (void)n;
    return !memcmp(f->name, what, text_length(what) + 1);
}

static bool nth_with_prefix(const struct fw_file *f, const void *what, u32 *n)
{
    return !memcmp(f->name, what, text_length(what)) && !(*n)--;
}

bool fw_find(const char *name, struct fw_file *f)
{
    return look(same_name, name, 0, f);
}

bool fw_nth(u32 n, const char *prefix, struct fw_file *f)
{
    return look(nth_with_prefix, prefix, n, f);
}

u32 fw_load(const char *name, void *to, u32 room)
{
    struct fw_file f;
    u32 n;

    if (!fw_find(name, &f))
        return 0;
    n = f.size < room ? f.size : room;
    fw_select(f.key);
    fw_read(to, n);
    return n;
}

u32 fw_number(const char *name, u32 standard)
{
    u8 bytes[8] = {0};
    return fw_load(name, bytes, sizeof bytes) ? get32(bytes) : standard;
}
