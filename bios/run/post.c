/* post.c - the power-on sequence, from the first C function to INT 19h.
 *
 * Port 80h tells how far it is: the numbers below.
 */
#include "run.h"

void post(void);

struct shared shared;

/* post/post.c, flat 32-bit code */
extern u8 find_memory[], find_devices[], place_tables[];

extern u8 nothing[], int_02[], int_05[], int_08[], int_09[], int_0e[], int_10[],
    int_11[], int_12[], int_13[], int_14[], int_15[], int_16[], int_17[], int_18[],
    int_19[], int_1a[], int_40[], int_70[], int_71[], int_74[], int_75[], int_76[],
    int_77[], int_irq_low[], int_irq_high[], int_exception[], video_parameters[],
    diskette_parameters[];

static const struct {
    u8 n;
    const void *to;
} vectors[] = {
    {0x00, int_exception},
    {0x02, int_02},
    {0x06, int_exception},
    {0x05, int_05},
    {0x08, int_08},
    {0x09, int_09},
    {0x0a, int_irq_low},
    {0x0b, int_irq_low},
    {0x0c, int_exception},
    {0x0d, int_exception},
    {0x0e, int_0e},
    {0x0f, int_irq_low},
    {0x10, int_10},
    {0x11, int_11},
    {0x12, int_12},
    {0x13, int_13},
    {0x14, int_14},
    {0x15, int_15},
    {0x16, int_16},
    {0x17, int_17},
    {0x18, int_18},
    {0x19, int_19},
    {0x1a, int_1a},
    {0x1d, video_parameters},
    {0x1e, diskette_parameters},
    {0x40, int_40},
    {0x70, int_70},
    {0x71, int_71},
    {0x72, int_irq_high},
    {0x73, int_irq_high},
    {0x74, int_74},
    {0x75, int_75},
    {0x76, int_76},
    {0x77, int_77},
};

static void vectors_init(void)
{
    far_fill(0, 0, 0, 0x400);
    for (u16 n = 0; n < 0x60; n++)
        far32_set(0, n * 4u, (u32)CODE_SEG << 16 | offset_of(nothing));
    for (u16 n = 0x68; n < 0x78; n++)
        far32_set(0, n * 4u, (u32)CODE_SEG << 16 | offset_of(nothing));
    for (u32 n = 0; n < ARRAY_SIZE(vectors); n++)
        far32_set(0, vectors[n].n * 4u, (u32)CODE_SEG << 16 | offset_of(vectors[n].to));
    far32_set(0, 0x1f * 4, 0);
    far32_set(0, 0x41 * 4, 0);
    far32_set(0, 0x43 * 4, 0);
    far32_set(0, 0x46 * 4, 0);
}

static void data_area_init(void)
{
    u16 warm = BDA->warm_boot;

    far_fill(0x40, 0, 0, 0x100);
    BDA->warm_boot = warm;
    BDA->ebda = EBDA_SEG;
    BDA->memory = 639;
    BDA->equipment = 0x0026; /* FPU, mouse port, 80 columns of colour */
    far_fill(EBDA_SEG, 0, 0, 0x400);
    far8_set(EBDA_SEG, 0, 1);
}

/* A VGA BIOS makes its services ready; the mode is for us to set. */
static void set_text_mode(void)
{
    struct regs r = {0};

    r.ax = 0x0003;
    call_int(0x10, &r);
}

void post(void)
{
    post_code(0x10);
    vectors_init();
    data_area_init();
    post_code(0x20);
    pics_init();
    dma_init();
    clock_init();
    video_init();
    post_code(0x30);
    call32((u32)find_memory, 0);
    post_code(0x40);
    call32((u32)find_devices, 0);
    post_code(0x50);
    call32((u32)place_tables, 0);
    serial_init();
    post_code(0x60);
    if (!roms_display())
        debug_say("no VGA BIOS: the text screen only\n");
    set_text_mode();
    say("Menura PC BIOS: %u CPU%s, %u MiB\n", shared.cpus, shared.cpus == 1 ? "" : "s",
        (shared.ram_low >> 20) + (u32)(shared.ram_high >> 20));
    post_code(0x70);
    keyboard_init();
    irqs_on();
    post_code(0x80);
    floppy_init();
    irqs_off();
    post_code(0x90);
    ata_init();
    disk_init();
    post_code(0xa0);
    roms_init();
    boot_order_init();
    irqs_on();
    boot_menu();
    irqs_off();
    small_limits();
    post_code(0xb0);
    {
        struct regs r = {0};
        call_int(0x19, &r);
    }
}
