/* fuzz_board.c - the whole board: random accesses to every port and MMIO region, DMA set up by
 * chance, time passing, bytes coming in. At the end the machine is saved and restored into a
 * new one; both must be the same, and go on alike.
 *
 * Input: operations of 8 bytes: kind, which (a region, or so), offset (2), value (4).
 */
#include "compare.h"
#include "fuzz.h"

#include "base/byteorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RAM = 1 << 20, OPERATION = 8, MOST = 400, TYPED = 512 };

struct typed {
    struct chardev dev;
    uint8_t bytes[TYPED];
    unsigned came, taken;
};

struct world {
    struct machine *m;
    struct typed com[2];
    struct chardev debugcon;
    char file[64];
};

static void drop(void *owner, const uint8_t *bytes, size_t n)
{
    (void)owner, (void)bytes, (void)n;
}

static int next_typed(void *owner)
{
    struct typed *t = owner;
    return t->taken < t->came ? t->bytes[t->taken++] : -1;
}

static int nothing(void *owner)
{
    (void)owner;
    return -1;
}

/* sti; hlt; jmp. Every vector: EOI to both 8259s. */
static const uint8_t loop[] = {0xfb, 0xf4, 0xeb, 0xfd};
static const uint8_t handler[] = {0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, 0xcf};

static void make(struct world *w)
{
    struct error e = {""};
    struct machine_config config = {.ram = RAM, .cpus = 2, .cpu = "max", .ips = 1000000,
                                    .tsc_hz = 1000000, .rtc_base = 1000000000,
                                    .debug_exit = true, .debug_exit_port = 0xf4,
                                    .debug_exit_size = 4};

    for (unsigned n = 0; n < 2; n++) {
        w->com[n].dev = (struct chardev){.owner = &w->com[n], .put = drop, .get = next_typed};
        config.serial[n] = &w->com[n].dev;
    }
    w->debugcon = (struct chardev){.put = drop, .get = nothing};
    config.debugcon = &w->debugcon;
    w->m = machine_new(&config, &e);
    if (!w->m)
        fuzz_bug("no machine: %s", e.text);
}

static void start(struct world *w)
{
    struct phys *p = machine_phys(w->m);
    struct cpu *c = machine_cpu(w->m, 0);

    phys_write(p, pa(0x7c00), loop, sizeof loop);
    phys_write(p, pa(0x7e00), handler, sizeof handler);
    for (unsigned n = 0; n < 256; n++)
        phys_write(p, pa(4 * n), "\x00\x7e\x00\x00", 4);
    c->seg[CS].base = c->seg[CS].selector = 0;
    c->gpr[RSP] = 0x7000;
    c->rip = 0x7c00;
    c->page = NO_PAGE;
    cpu_derive(c);
}

/* Some region, by number; NULL when there are none. */
static const struct mapping *some_mapping(const struct space *s, unsigned which)
{
    unsigned used = 0;

    for (unsigned n = 0; n < SPACE_MAPPINGS; n++)
        used += s->maps[n].used;
    if (!used)
        return NULL;
    which %= used;
    for (unsigned n = 0;; n++)
        if (s->maps[n].used && which-- == 0)
            return &s->maps[n];
}

static void access_region(struct world *w, bool mmio, bool write, unsigned which,
                          unsigned offset, uint64_t value)
{
    static const uint8_t sizes[4] = {1, 2, 4, 8};
    struct space *s = mmio ? &w->m->mmio : &w->m->ports;
    const struct mapping *at = some_mapping(s, which);
    struct io io = {.write = write, .value = value, .size = sizes[(offset >> 14) & (mmio ? 3 : 1)]};

    if (!mmio && (offset >> 14) == 3)
        io.size = 4;
    offset &= 0x3fff;
    if (at)
        io.address = at->base + offset % (at->length + 2); /* and just behind it */
    else
        io.address = offset;
    if (!mmio)
        io.address &= 0xffff;
    if (io.size < 8)
        io.value &= (1ull << 8 * io.size) - 1;
    space_access(s, &io);
    if (!write && io.size < 8 && io.value >> 8 * io.size)
        fuzz_bug("a read of %u bytes at %llx gives %llx", io.size,
                 (unsigned long long)io.address, (unsigned long long)io.value);
}

static void type_byte(struct world *w, unsigned port, uint8_t byte)
{
    struct typed *t = &w->com[port & 1];

    if (t->came < TYPED)
        t->bytes[t->came++] = byte;
    if (t->dev.kick)
        t->dev.kick(t->dev.device);
}

static void operate(struct world *w, struct fuzz_input *in)
{
    unsigned kind = (unsigned)fuzz_take(in, 1), which = (unsigned)fuzz_take(in, 1);
    unsigned offset = (unsigned)fuzz_take(in, 2);
    uint32_t value = (uint32_t)fuzz_take(in, 4);
    uint8_t bytes[8];

    switch (kind % 8) {
    case 0:
    case 1: access_region(w, false, true, which, offset, value); break;
    case 2: access_region(w, false, false, which, offset, value); break;
    case 3: access_region(w, true, true, which, offset, value | (uint64_t)kind << 40); break;
    case 4: access_region(w, true, false, which, offset, value); break;
    case 5: machine_run(w->m, value % 8 ? value % 64 : value % 20000); break;
    case 6:
        store64(bytes, (uint64_t)value << 32 | value);
        phys_write(machine_phys(w->m), pa((uint64_t)which << 12 | (offset & 0xff8)), bytes, 8);
        break;
    default: type_byte(w, which, (uint8_t)value); break;
    }
}

static void check_restored(struct world *w)
{
    struct world other = {.m = NULL};
    struct error e = {""};

    if (!machine_save(w->m, w->file, &e))
        fuzz_bug("cannot save: %s", e.text);
    make(&other);
    if (!machine_load(other.m, w->file, &e))
        fuzz_bug("cannot load what was just saved: %s", e.text);
    remove(w->file);
    if (!fuzz_same(w->m, other.m)) {
        fuzz_tell(w->m, other.m);
        fuzz_bug("a restored machine is another one");
    }
    machine_run(w->m, 1500);
    machine_run(other.m, 1500);
    if (!fuzz_same(w->m, other.m)) {
        fuzz_tell(w->m, other.m);
        fuzz_bug("a restored machine goes on otherwise");
    }
    machine_free(other.m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input in = {bytes, size};
    struct world w = {.m = NULL};

    snprintf(w.file, sizeof w.file, "fuzz-board-%ld.tmp", (long)getpid());
    make(&w);
    start(&w);
    for (unsigned n = 0; n < MOST && in.left >= OPERATION; n++)
        operate(&w, &in);
    for (unsigned n = 0; n < 2; n++) /* what waits outside is not saved */
        w.com[n].taken = w.com[n].came;
    check_restored(&w);
    machine_free(w.m);
    return 0;
}

size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room)
{
    uint8_t *at = bytes;
    unsigned count = 1 + fuzz_below(r, fuzz_one_in(r, 3) ? 300 : 40);
    unsigned which = fuzz_below(r, 256), sticky = fuzz_below(r, 8);
    (void)room;

    for (unsigned n = 0; n < count; n++) {
        /* Often the same device again: it takes several accesses to get anywhere. */
        if (fuzz_below(r, 8) >= sticky)
            which = fuzz_below(r, 256);
        fuzz_put(&at, fuzz_next(r), 1);
        fuzz_put(&at, which, 1);
        fuzz_put(&at, fuzz_one_in(r, 2) ? fuzz_next(r) & 0xc01f : fuzz_next(r), 2);
        fuzz_put(&at, fuzz_number(r), 4);
    }
    return (size_t)(at - bytes);
}
