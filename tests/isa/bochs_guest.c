/* bochs_guest.c - the guest that asks Bochs: reads questions from its disk, lets ring 3
 * execute each of them once, and writes the answers behind them (bochs_guest.h).
 *
 * Compiled for general registers alone: all others are the question's.
 */
#include "tests/isa/bochs_guest.h"
#include "tests/isa/oracle_areas.h"

#define KERNEL 0xffffffff80000000ull
enum {
    PAGE = 4096,
    AREA_PAGES = DATA_PAGES + CODE_PAGES, /* the data area, then the code area */
    AREA_SIZE = AREA_PAGES * PAGE,
    /* Physical addresses; tables first (bochs_guest.S has the first three). */
    PML4 = 0x60000,
    PDPT_LOW = 0x63000,
    PD_LOW = 0x64000,
    PT_DATA = 0x65000,
    PT_CODE = 0x66000,
    QUESTIONS = 0x200000,
    ANSWERS = 0x300000,
    AREA = 0x400000,     /* what ring 3 sees */
    BEFORE = 0x500000,   /* what the question has made of it */
    PRISTINE = 0x600000, /* what all questions begin with */
    SCRATCH = 0x700000,
};
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40 };
#define PTE_XD (1ull << 63)

void guest_main(void);
void user_run(const struct bochs_record *question, struct bochs_record *answer);
extern const uint8_t stubs[256][16];
void *memcpy(void *to, const void *from, unsigned long size);
void *memset(void *to, int byte, unsigned long size);

static void *at(uint64_t physical)
{
    return (void *)(KERNEL + physical);
}

/* ---- the machine ---- */

void *memcpy(void *to, const void *from, unsigned long size)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

void *memset(void *to, int byte, unsigned long size)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
    return start;
}

static void out8(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

/* ATA by PIO on the first channel's first drive, 28-bit addresses. */
enum { ATA = 0x1f0, ATA_READ = 0x20, ATA_WRITE = 0x30, ATA_BSY = 0x80, ATA_DRQ = 8 };

static void disk(uint8_t command, uint32_t sector, unsigned count, void *memory)
{
    out8(ATA + 2, (uint8_t)count);
    out8(ATA + 3, (uint8_t)sector);
    out8(ATA + 4, (uint8_t)(sector >> 8));
    out8(ATA + 5, (uint8_t)(sector >> 16));
    out8(ATA + 6, (uint8_t)(0xe0 | (sector >> 24 & 15)));
    out8(ATA + 7, command);
    for (; count; count--) {
        unsigned long words = BOCHS_SECTOR / 2;
        while ((in8(ATA + 7) & (ATA_BSY | ATA_DRQ)) != ATA_DRQ) {
        }
        if (command == ATA_READ)
            __asm__ volatile("rep insw"
                             : "+D"(memory), "+c"(words)
                             : "d"(ATA)
                             : "memory");
        else
            __asm__ volatile("rep outsw"
                             : "+S"(memory), "+c"(words)
                             : "d"(ATA)
                             : "memory");
    }
    while (in8(ATA + 7) & ATA_BSY) {
    }
}

/* ---- tables ---- */

enum { K_CODE = 8, K_TSS = 0x10 };

/* The selectors that Linux gives to ring 3, as on the other processor. */
static uint64_t gdt[7] = {
    [K_CODE / 8] = 0x00af9b000000ffff,
    [5] = 0x00cff3000000ffff,
    [6] = 0x00affb000000ffff,
};
static uint64_t idt[256][2];
static uint32_t tss[26];

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void make_tables(void)
{
    struct table_register gdtr = {sizeof gdt - 1, (uint64_t)gdt};
    struct table_register idtr = {sizeof idt - 1, (uint64_t)idt};
    uint64_t base = (uint64_t)tss, stack = KERNEL + 0x58000;

    for (unsigned n = 0; n < 256; n++) { /* 64-bit interrupt gates, DPL 0 */
        uint64_t to = (uint64_t)stubs[n];
        idt[n][0] = (to & 0xffff) | (uint64_t)K_CODE << 16 | 0x8eull << 40 |
                    (to >> 16 & 0xffff) << 48;
        idt[n][1] = to >> 32;
    }
    tss[1] = (uint32_t)stack;
    tss[2] = (uint32_t)(stack >> 32);
    tss[25] = 104 << 16; /* no I/O permission map */
    gdt[K_TSS / 8] =
        103 | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 255) << 56;
    gdt[K_TSS / 8 + 1] = base >> 32;
    __asm__ volatile("lgdt %0\n\tlidt %1\n\tltr %w2"
                     :
                     : "m"(gdtr), "m"(idtr), "r"(K_TSS));
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%fs\n\tmov %0, %%gs"
                     :
                     : "r"(0x2b));
}

static uint64_t *entry(unsigned page)
{
    uint64_t *data = at(PT_DATA), *code = at(PT_CODE);
    return page < DATA_PAGES ? data + page : code + (page - DATA_PAGES);
}

static unsigned kind(unsigned page)
{
    return page < DATA_PAGES ? data_page[page] : PAGE_WRITABLE;
}

/* The lower half: the two areas, and nothing else. */
static void make_pages(void)
{
    enum { TABLE = PTE_P | PTE_W | PTE_U | PTE_A };
    uint64_t *pml4 = at(PML4), *pdpt = at(PDPT_LOW), *pd = at(PD_LOW);

    memset(pdpt, 0, 4 * PAGE);
    pml4[0] = PDPT_LOW | TABLE;
    pdpt[0] = PD_LOW | TABLE;
    pd[DATA_LA >> 21] = PT_DATA | TABLE;
    pd[CODE_LA >> 21] = PT_CODE | TABLE;
    for (unsigned n = 0; n < AREA_PAGES; n++) {
        uint64_t rights = kind(n) == PAGE_WRITABLE ? TABLE : PTE_P | PTE_U | PTE_A;
        if (kind(n) != PAGE_NONE)
            *entry(n) = (AREA + n * PAGE) | rights | (n < DATA_PAGES ? PTE_XD : 0);
    }
}

static void forget_translations(void)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"((uint64_t)PML4) : "memory");
}

/* ---- a question ---- */

static uint8_t *area, *before, *pristine;

struct runs {
    const uint8_t *next, *end;
    unsigned offset, size;
};

/* The next run of changed bytes: its offset and size, and its bytes at next - size. */
static int run_next(struct runs *r)
{
    if (r->end - r->next < 4)
        return 0;
    r->offset = r->next[0] | (unsigned)r->next[1] << 8;
    r->size = r->next[2] | (unsigned)r->next[3] << 8;
    r->next += 4 + r->size;
    return r->next <= r->end && r->offset + r->size <= AREA_SIZE;
}

static struct runs runs_of(const struct bochs_record *q)
{
    unsigned size = q->changes_size <= BOCHS_CHANGES ? q->changes_size : 0;
    return (struct runs){.next = q->changes, .end = q->changes + size};
}

static void apply(const struct bochs_record *q)
{
    for (struct runs r = runs_of(q); run_next(&r);) {
        memcpy(area + r.offset, r.next - r.size, r.size);
        memcpy(before + r.offset, r.next - r.size, r.size);
    }
}

static void undo(const struct bochs_record *q)
{
    for (struct runs r = runs_of(q); run_next(&r);) {
        memcpy(area + r.offset, pristine + r.offset, r.size);
        memcpy(before + r.offset, pristine + r.offset, r.size);
    }
}

static void put_run(struct bochs_record *a, unsigned offset, unsigned size)
{
    uint8_t *to = a->changes + a->changes_size;

    if (a->changes_size == BOCHS_TOO_MUCH ||
        a->changes_size + 4 + size > BOCHS_CHANGES) {
        a->changes_size = BOCHS_TOO_MUCH;
        return;
    }
    to[0] = (uint8_t)offset;
    to[1] = (uint8_t)(offset >> 8);
    to[2] = (uint8_t)size;
    to[3] = (uint8_t)(size >> 8);
    memcpy(to + 4, area + offset, size);
    a->changes_size += 4 + size;
}

/* What the instruction has made of a page; then it is as before the question again. */
static void collect_page(struct bochs_record *a, unsigned page)
{
    unsigned offset = page * PAGE, end = offset + PAGE;

    while (offset < end) {
        unsigned first = offset;
        if (*(uint64_t *)(area + offset) == *(uint64_t *)(before + offset)) {
            offset += 8;
            continue;
        }
        while (offset < end &&
               *(uint64_t *)(area + offset) != *(uint64_t *)(before + offset))
            offset += 8;
        put_run(a, first, offset - first);
        memcpy(area + first, before + first, offset - first);
    }
}

static void one(const struct bochs_record *q, struct bochs_record *a)
{
    apply(q);
    a->changes_size = 0;
    for (unsigned n = 0; n < AREA_PAGES; n++)
        *entry(n) &= ~(uint64_t)PTE_D;
    forget_translations();
    user_run(q, a);
    for (unsigned n = 0; n < AREA_PAGES; n++)
        if (*entry(n) & PTE_D)
            collect_page(a, n);
    undo(q);
}

/* ---- all of them ---- */

static void cpuid(struct bochs_leaf *l)
{
    __asm__ volatile("cpuid"
                     : "=a"(l->regs[0]), "=b"(l->regs[1]), "=c"(l->regs[2]),
                       "=d"(l->regs[3])
                     : "a"(l->leaf), "c"(l->subleaf));
}

/* All that there is of x87, SSE, AVX and AVX-512. */
static uint64_t enable_xcr0(void)
{
    enum { KNOWN = 0xe7 };
    struct bochs_leaf l = {.leaf = 0xd};

    cpuid(&l);
    l.regs[0] &= KNOWN;
    __asm__ volatile("xsetbv" : : "c"(0), "a"(l.regs[0]), "d"(0));
    return l.regs[0];
}

void guest_main(void)
{
    enum { PER = BOCHS_RECORD / BOCHS_SECTOR };
    struct bochs_order *order = at(SCRATCH);
    struct bochs_report *report = at(SCRATCH + PAGE);
    struct bochs_record *questions = at(QUESTIONS), *answers = at(ANSWERS);

    make_tables();
    make_pages();
    disk(ATA_READ, BOCHS_ORDER, 1, order);
    if (order->magic != BOCHS_MAGIC || order->leaves > BOCHS_LEAVES)
        return;
    *report = (struct bochs_report){.leaves = order->leaves, .count = order->first};
    report->xcr0 = enable_xcr0();
    for (unsigned n = 0; n < order->leaves; n++) {
        report->leaf[n] = order->leaf[n];
        cpuid(&report->leaf[n]);
    }
    report->magic = BOCHS_MAGIC;
    disk(ATA_WRITE, BOCHS_REPORT, 1, report);
    wrmsr(0xc0000100, order->fs_base);
    wrmsr(0xc0000101, order->gs_base);
    area = at(AREA);
    before = at(BEFORE);
    pristine = at(PRISTINE);
    disk(ATA_READ, BOCHS_DATA, DATA_SIZE / BOCHS_SECTOR, pristine);
    memset(pristine + DATA_SIZE, FILLER, CODE_SIZE);
    memcpy(area, pristine, AREA_SIZE);
    memcpy(before, pristine, AREA_SIZE);
    for (unsigned done = order->first; done < order->count; done += BOCHS_CHUNK) {
        unsigned left = order->count - done,
                 n = left < BOCHS_CHUNK ? left : BOCHS_CHUNK;
        disk(ATA_READ, BOCHS_FIRST + done * PER, n * PER, questions);
        for (unsigned k = 0; k < n; k++)
            one(&questions[k], &answers[k]);
        disk(ATA_WRITE, BOCHS_FIRST + (order->count + done) * PER, n * PER, answers);
        report->count = done + n;
        disk(ATA_WRITE, BOCHS_REPORT, 1, report);
    }
}
