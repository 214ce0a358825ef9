/* boot_linux.c - the Linux/x86 boot protocol (Documentation/arch/x86/boot.rst and
 * zero-page.rst), entered at its 32-bit or 64-bit entry point.
 */
#include "machine/boot_plan.h"

#include <stdio.h>

/* The setup header, at the same offsets in the file and in the zero page. */
enum {
    SETUP_SECTS = 0x1f1,
    SYSSIZE = 0x1f4,
    VID_MODE = 0x1fa,
    BOOT_FLAG = 0x1fe,
    JUMP_LENGTH = 0x201, /* the header ends at 202h + this byte */
    HEADER = 0x202,
    VERSION = 0x206,
    KERNEL_VERSION = 0x20e,
    TYPE_OF_LOADER = 0x210,
    LOADFLAGS = 0x211,
    CODE32_START = 0x214,
    RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21c,
    CMD_LINE_PTR = 0x228,
    INITRD_ADDR_MAX = 0x22c,
    KERNEL_ALIGNMENT = 0x230,
    RELOCATABLE_KERNEL = 0x234,
    XLOADFLAGS = 0x236,
    CMDLINE_SIZE = 0x238,
    PREF_ADDRESS = 0x258,
    INIT_SIZE = 0x260,
    HEADER_END = 0x290, /* what comes next in the zero page is not the file's */
};
enum { LOADED_HIGH = 1, XLF_KERNEL_64 = 1, LOADER_UNDEFINED = 0xff, VIDEO_NORMAL = 0xffff };

/* The zero page's own fields. */
enum {
    SCREEN_INFO = 0x000,
    ACPI_RSDP_ADDR = 0x070,
    ALT_MEM_K = 0x1e0,
    E820_ENTRIES = 0x1e8,
    E820_TABLE = 0x2d0,
    E820_ENTRY = 20,
};

bool linux_is(const struct boot_request *q)
{
    return q->kernel_size >= HEADER_END && load16(q->kernel + BOOT_FLAG) == 0xaa55 &&
           !memcmp(q->kernel + HEADER, "HdrS", 4);
}

/* What a text-mode BIOS left on the screen: 80x25, VGA. */
static void screen_info(uint8_t *zero)
{
    zero[6] = 3;     /* orig_video_mode */
    zero[7] = 80;    /* orig_video_cols */
    zero[0xe] = 25;  /* orig_video_lines */
    zero[0xf] = 1;   /* orig_video_isVGA */
    zero[0x10] = 16; /* orig_video_points */
}

static void describe(struct boot_plan *p, bool wide)
{
    const struct boot_request *q = p->q;
    uint64_t at = load16(q->kernel + KERNEL_VERSION) + 0x200u;
    char version[64] = "";

    if (at > 0x200 && at < q->kernel_size)
        for (unsigned i = 0; i < sizeof version - 1 && at + i < q->kernel_size; i++) {
            char c = (char)q->kernel[at + i];
            if (c <= ' ' || c > '~')
                break;
            version[i] = c;
        }
    snprintf(p->out->what, sizeof p->out->what, "Linux %s, %s-bit boot protocol", version,
             wide ? "64" : "32");
}

bool linux_boot(struct boot_plan *p)
{
    const struct boot_request *q = p->q;
    const uint8_t *k = q->kernel;
    const unsigned version = load16(k + VERSION);
    const unsigned sectors = k[SETUP_SECTS] ? k[SETUP_SECTS] : 4;
    const uint64_t start = (sectors + 1u) * 512;
    const char *cmdline = plan_cmdline(p);
    uint64_t size, load, reach, initrd, initrd_size, initrd_max, zero_page, text, header_end;
    uint32_t cmdline_max;
    uint8_t zero[PAGE] = {0};
    bool wide;

    if (version < 0x0202 || !(k[LOADFLAGS] & LOADED_HIGH))
        return error_set(p->e,
                         "cannot start '%s': a Linux kernel with boot protocol %u.%02u%s; "
                         "bzImage and 2.02 (Linux 2.4) are needed",
                         q->kernel_name, version >> 8, version & 0xff,
                         k[LOADFLAGS] & LOADED_HIGH ? "" : " and loaded low (zImage)");
    if (start >= q->kernel_size)
        return error_set(p->e, "cannot start '%s': the file ends inside the setup code: it was "
                               "cut short",
                         q->kernel_name);
    size = q->kernel_size - start;
    if (version >= 0x0204 && (size + 15) / 16 < load32(k + SYSSIZE))
        return error_set(p->e, "cannot start '%s': it should have %llu bytes and has %llu: it "
                               "was cut short",
                         q->kernel_name,
                         (unsigned long long)(start + (uint64_t)load32(k + SYSSIZE) * 16),
                         (unsigned long long)q->kernel_size);

    cmdline_max = version >= 0x0206 ? load32(k + CMDLINE_SIZE) : 255;
    if (strlen(cmdline) > cmdline_max)
        return error_set(p->e, "cannot start '%s': the command line has %zu bytes, and this "
                               "kernel takes at most %u",
                         q->kernel_name, strlen(cmdline), cmdline_max);

    wide = version >= 0x020c && load16(k + XLOADFLAGS) & XLF_KERNEL_64 && q->long_mode;
    load = version >= 0x0200 ? load32(k + CODE32_START) : 0x100000;
    if (!load)
        load = 0x100000;

    /* The kernel unpacks itself to its preferred address, or where it stands if that is
     * higher, and needs init_size bytes there before it can read the memory map. */
    reach = load + size;
    if (version >= 0x020a) {
        uint64_t runs = load64(k + PREF_ADDRESS), need = load32(k + INIT_SIZE);
        if (k[RELOCATABLE_KERNEL] && runs < load) {
            uint64_t align = load32(k + KERNEL_ALIGNMENT);
            if (align & (align - 1) || align > 1 << 30)
                return error_set(p->e, "cannot start '%s': its alignment %llxh makes no sense",
                                 q->kernel_name, (unsigned long long)align);
            runs = align ? (load + align - 1) & ~(align - 1) : load;
        }
        if (runs >= MEMORY_HIGH)
            return error_set(p->e, "cannot start '%s': it wants to run at %llxh, above 4 GiB",
                             q->kernel_name, (unsigned long long)runs);
        if (runs + need > reach)
            reach = runs + need;
    }
    if (!plan_take(p, load, reach - load, "the kernel") ||
        !plan_write(p, load, k + start, size))
        return false;

    initrd_max = version >= 0x0203 ? load32(k + INITRD_ADDR_MAX) : 0x37ffffff;
    if (!plan_initrd(p, initrd_max < MEMORY_HOLE ? initrd_max + 1 : MEMORY_HOLE, &initrd,
                     &initrd_size) ||
        !plan_low(p, PAGE, PAGE, 0x10000, MEMORY_HOLE, "boot parameters", &zero_page) ||
        !plan_low(p, strlen(cmdline) + 1, 16, 0x10000, MEMORY_HOLE, "the command line", &text) ||
        !plan_write(p, text, cmdline, strlen(cmdline) + 1))
        return false;

    header_end = HEADER + k[JUMP_LENGTH];
    if (header_end > HEADER_END)
        header_end = HEADER_END;
    memcpy(zero + SETUP_SECTS, k + SETUP_SECTS, (size_t)header_end - SETUP_SECTS);
    store16(zero + VID_MODE, VIDEO_NORMAL);
    zero[TYPE_OF_LOADER] = LOADER_UNDEFINED;
    store32(zero + CODE32_START, (uint32_t)load);
    store32(zero + RAMDISK_IMAGE, (uint32_t)initrd);
    store32(zero + RAMDISK_SIZE, (uint32_t)initrd_size);
    store32(zero + CMD_LINE_PTR, (uint32_t)text);
    store64(zero + ACPI_RSDP_ADDR, version >= 0x020e ? q->rsdp : 0);
    /* Counts KiB from 1 MiB; the memory map says the same better. */
    store32(zero + ALT_MEM_K, (uint32_t)((q->map->low - (1 << 20)) >> 10));
    zero[E820_ENTRIES] = (uint8_t)q->map->count;
    for (unsigned i = 0; i < q->map->count; i++) {
        uint8_t *e = zero + E820_TABLE + E820_ENTRY * i;
        store64(e, q->map->range[i].base);
        store64(e + 8, q->map->range[i].size);
        store32(e + 16, q->map->range[i].type);
    }
    if (q->vga)
        screen_info(zero + SCREEN_INFO);
    if (!plan_write(p, zero_page, zero, sizeof zero) ||
        !plan_enter(p, wide ? BOOT_LONG : BOOT_PROTECTED, wide ? load + 0x200 : load))
        return false;
    p->out->gpr[6] = zero_page; /* RSI */
    describe(p, wide);
    return true;
}
