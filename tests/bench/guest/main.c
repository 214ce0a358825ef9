/* main.c - runs the chosen kernels between printed marks.
 *
 * "BEGIN name", then "END name checksum", on COM1 and port E9h; "ALLDONE" at the end, and
 * the machine is asked to power off in every way that one of the emulators knows.
 */
#include "kernels.h"

extern volatile u32 chosen; /* in the image's header: bit n runs kernel n */

static inline void out8(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline u8 in8(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* A line goes to both ports, COM1 waiting for its transmitter: END to port E9h first, BEGIN
 * last, so that nothing slow lies between the marks seen there. */
static char line[64];
static u32 used;

static void put(char c)
{
    line[used++ % sizeof line] = c;
}

static void to_com1(void)
{
    enum { COM1 = 0x3f8, LSR = 5, THRE = 0x20 };
    for (u32 k = 0; k < used; k++) {
        for (int i = 0; i < 100000 && !(in8(COM1 + LSR) & THRE); i++)
            ;
        out8(COM1, (u8)line[k]);
    }
}

static void to_debug(void)
{
    for (u32 k = 0; k < used; k++)
        out8(0xe9, (u8)line[k]);
}

static void print(const char *s)
{
    while (*s)
        put(*s++);
}

static void print_hex(u32 v)
{
    for (int i = 28; i >= 0; i -= 4)
        put("0123456789abcdef"[(v >> i) & 15]);
}

static void show(void (*first)(void), void (*second)(void))
{
    put('\n');
    first();
    second();
    used = 0;
}

void exception(void)
{
    used = 0;
    print("EXCEPTION");
    show(to_debug, to_com1);
    for (;;)
        __asm__ volatile("cli; hlt");
}

static u8 arena_memory[ARENA_SIZE] __attribute__((aligned(4096)));
u8 *arena = arena_memory;

#ifndef __x86_64__
pte *pte_array;
static pte tables[65536] __attribute__((aligned(4096)));
static pte directory[1024] __attribute__((aligned(4096)));

/* 256 MiB, one to one, in pages of 4 KiB. Returns CR3. */
u32 setup_paging(void)
{
    for (u32 i = 0; i < 65536; i++)
        tables[i] = i * 4096 + 3;
    for (u32 i = 0; i < 64; i++)
        directory[i] = (u32)&tables[i * 1024] + 3;
    pte_array = tables;
    return (u32)directory;
}
#endif

static const struct {
    const char *name;
    u32 (*run)(void);
} kernels[] = {
#define KERNEL(name, ...) {#name, k_##name},
#include "kernels.def"
#undef KERNEL
};

static void power_off(void)
{
    /* Not at once: whoever reads the marks still asks how much time the emulator used. */
    for (u32 i = 0; i < 1000000; i++)
        out8(0x80, 0);
    __asm__ volatile("outl %0, %w1" : : "a"(0), "Nd"(0x501)); /* isa-debug-exit */
    __asm__ volatile("outw %w0, %w1" : : "a"(0x2000), "Nd"(0x604));  /* PIIX4 PM1a */
    __asm__ volatile("outw %w0, %w1" : : "a"(0x2000), "Nd"(0xb004)); /* where Bochs has it */
    for (const char *s = "Shutdown"; *s; s++)
        out8(0x8900, (u8)*s);
}

void main(void)
{
    print(sizeof(uword) == 8 ? "BENCH 64" : "BENCH 32");
    show(to_debug, to_com1);
    for (u32 i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        u32 sum;
        if (!(chosen >> i & 1))
            continue;
        print("BEGIN ");
        print(kernels[i].name);
        show(to_com1, to_debug);
        sum = kernels[i].run();
        print("END ");
        print(kernels[i].name);
        put(' ');
        print_hex(sum);
        show(to_debug, to_com1);
    }
    print("ALLDONE");
    show(to_debug, to_com1);
    power_off();
    for (;;)
        __asm__ volatile("cli; hlt");
}
