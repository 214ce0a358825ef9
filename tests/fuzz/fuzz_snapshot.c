/* fuzz_snapshot.c - snapshot files.
 *
 * A machine is saved once. Input: repair (1 byte: are the checksums made right again?), then
 * edits of 13 bytes each: kind, section (4), offset in it (4), value (4). What is loaded
 * in spite of them is run, saved and loaded again, and must be the same machine.
 */
#include "compare.h"
#include "fuzz.h"

#include "base/byteorder.h"
#include "base/snapshot.h"
#include "machine/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RAM = 1 << 20, EDIT = 13, SECTIONS = 256 };

struct base {
    uint8_t *bytes;
    size_t size;
    struct {
        size_t at, size; /* header, body and checksum */
    } section[SECTIONS];
    unsigned count;
};

static char name[64];

static struct machine *make(void)
{
    struct error e = {""};
    struct machine_config config = {.ram = RAM, .cpus = 2, .cpu = "max", .ips = 1000000,
                                    .tsc_hz = 1000000, .no_reboot = true,
                                    .rtc_base = 1000000000};
    struct machine *m = machine_new(&config, &e);

    if (!m)
        fuzz_bug("no machine: %s", e.text);
    return m;
}

static void file_failed(void)
{
    perror(name);
    exit(2);
}

static uint8_t *read_all(size_t *size)
{
    FILE *f = fopen(name, "rb");
    uint8_t *bytes = malloc(8 << 20);

    if (!f || !bytes)
        file_failed();
    *size = fread(bytes, 1, 8 << 20, f);
    fclose(f);
    return bytes;
}

static void write_all(const uint8_t *bytes, size_t size)
{
    FILE *f = fopen(name, "wb");

    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
        file_failed();
}

/* A machine in the middle of something: code and data in RAM, timers armed. */
static void make_base(struct base *b)
{
    static const uint8_t code[] = {
        0xb0, 0x36, 0xe6, 0x43, 0xb0, 0x10, 0xe6, 0x40, 0xe6, 0x40, /* PIT channel 0 */
        0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01,
        0xe6, 0x21, 0xb0, 0x00, 0xe6, 0x21, 0xfb, /* 8259; sti */
        0x40, 0xeb, 0xfd,                         /* inc ax; jmp */
    };
    static const uint8_t iret[] = {0xb0, 0x20, 0xe6, 0x20, 0xcf};
    struct machine *m = make();
    struct cpu *c = machine_cpu(m, 0);
    struct error e = {""};
    struct reader r;
    struct error why;
    struct reader inside;
    char text[256];

    phys_write(machine_phys(m), pa(0x7c00), code, sizeof code);
    phys_write(machine_phys(m), pa(0x7e00), iret, sizeof iret);
    for (unsigned n = 0; n < 256; n++)
        phys_write(machine_phys(m), pa(4 * n), "\x00\x7e\x00\x00", 4);
    c->seg[CS].base = c->seg[CS].selector = 0;
    c->gpr[RSP] = 0x7000;
    c->rip = 0x7c00;
    c->page = NO_PAGE;
    cpu_derive(c);
    machine_run(m, 2000);
    snprintf(name, sizeof name, "fuzz-snapshot-%ld.tmp", (long)getpid());
    if (!machine_save(m, name, &e))
        fuzz_bug("no snapshot: %s", e.text);
    machine_free(m);
    b->bytes = read_all(&b->size);
    r = (struct reader){.bytes = b->bytes, .size = b->size, .at = 8};
    for (b->count = 0; b->count < SECTIONS; b->count++) {
        b->section[b->count].at = r.at;
        if (!section_next(&r, text, &inside, &why))
            break;
        b->section[b->count].size = r.at - b->section[b->count].at;
    }
}

/* A CPU's section is mostly TLB: with bit 3 of kind the edit is near its beginning. */
static size_t edit(const struct base *b, uint8_t *bytes, size_t size, struct fuzz_input *in,
                   bool *hit)
{
    unsigned kind = (unsigned)fuzz_take(in, 1);
    unsigned s = (unsigned)fuzz_take(in, 4) % b->count;
    size_t some = b->section[s].size < 6000 || !(kind & 8) ? b->section[s].size : 6000;
    size_t at = b->section[s].at + (size_t)fuzz_take(in, 4) % some;
    uint32_t value = (uint32_t)fuzz_take(in, 4);

    hit[s] = true;
    switch (kind % 8) {
    case 0:
    case 1: bytes[at] = (uint8_t)value; return size;
    case 2: bytes[at] ^= (uint8_t)(1u << value % 8); return size;
    case 3: memset(bytes + at, (int)(value & 0xff), size - at < 8 ? size - at : 8); return size;
    case 4:
        if (size - at >= 4)
            store32(bytes + at, value);
        return size;
    case 5: bytes[at] += (uint8_t)(value & 1 ? 1 : -1); return size;
    case 6: return at + value % 64 < size ? at + value % 64 : size; /* cut */
    default: /* swap two bytes' neighbours: names and lengths move */
        if (size - at >= 16)
            memmove(bytes + at, bytes + at + 1 + value % 8, 8);
        return size;
    }
}

static void repair(const struct base *b, uint8_t *bytes, size_t size, const bool *hit)
{
    for (unsigned n = 0; n < b->count; n++) {
        size_t at = b->section[n].at, end = at + b->section[n].size;
        if (hit[n] && end <= size)
            store32(bytes + end - 4, crc32_of(0, bytes + at, end - at - 4));
    }
}

static void check_again(struct machine *m)
{
    struct machine *other = make();
    struct error e = {""};

    if (!machine_save(m, name, &e))
        fuzz_bug("cannot save again: %s", e.text);
    if (!machine_load(other, name, &e))
        fuzz_bug("cannot load what was just saved: %s", e.text);
    if (machine_hash(m) != machine_hash(other)) {
        fuzz_tell(m, other);
        fuzz_bug("loaded again, it is another machine");
    }
    machine_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct base base;
    struct fuzz_input in = {bytes, size};
    bool right = fuzz_take(&in, 1) % 8, hit[SECTIONS] = {false};
    struct machine *m = make();
    struct error e = {""};
    uint8_t *copy;
    size_t length;

    if (!base.bytes)
        make_base(&base);
    copy = malloc(base.size);
    if (!copy)
        exit(2);
    memcpy(copy, base.bytes, base.size);
    length = base.size;
    while (in.left >= EDIT)
        length = edit(&base, copy, length, &in, hit);
    if (right)
        repair(&base, copy, length, hit);
    write_all(copy, length);
    free(copy);
    if (machine_load(m, name, &e)) {
        machine_run(m, 3000);
        check_again(m);
    } else if (!e.text[0]) {
        fuzz_bug("refused without a word");
    }
    machine_free(m);
    remove(name);
    return 0;
}

size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room)
{
    uint8_t *at = bytes;
    unsigned edits = fuzz_below(r, fuzz_one_in(r, 4) ? 40 : 4);
    (void)room;

    fuzz_put(&at, fuzz_next(r), 1);
    for (unsigned n = 0; n < edits; n++) {
        fuzz_put(&at, (fuzz_one_in(r, 16) ? 6 : fuzz_below(r, 6)) | (fuzz_next(r) & 8), 1);
        fuzz_put(&at, fuzz_next(r), 4);
        fuzz_put(&at, fuzz_next(r), 4);
        fuzz_put(&at, fuzz_number(r), 4);
    }
    return (size_t)(at - bytes);
}
