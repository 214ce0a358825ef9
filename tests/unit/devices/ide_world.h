/* ide_world.h - a bench with one ATA channel, driven through its ports. */
#ifndef TESTS_IDE_WORLD_H
#define TESTS_IDE_WORLD_H

#include "tests/unit/chipset/rig.h"
#include "tests/unit/devices/memory_disk.h"

#include "base/byteorder.h"
#include "devices/ide.h"

enum { IDE_IPS = 100000000 };
enum {
    IDE_DATA = 0x1f0,
    IDE_ERROR = 0x1f1,
    IDE_COUNT = 0x1f2,
    IDE_LOW = 0x1f3,
    IDE_MID = 0x1f4,
    IDE_HIGH = 0x1f5,
    IDE_DEVICE = 0x1f6,
    IDE_STATUS = 0x1f7,
    IDE_CONTROL = 0x3f6,
};

/* A bus master that moves bytes to and from an array. */
struct ide_memory {
    uint8_t bytes[1 << 20];
    size_t at, end;     /* what its table still covers */
    size_t step;        /* at most so many bytes a call; 0: no limit */
    struct device *ide; /* whose "run" pin it drives */
    unsigned calls;
};

struct ide_world {
    struct rig rig;
    struct device *d;
    struct probe irq;
    struct memory_disk disk[2];
    struct ide_memory memory;
};

static inline size_t ide_memory_move(void *owner, unsigned channel, bool to_memory,
                                     uint8_t *bytes, size_t n)
{
    struct ide_memory *m = owner;
    size_t run = m->end - m->at;
    (void)channel;

    m->calls++;
    run = run < n ? run : n;
    if (m->step && run > m->step)
        run = m->step;
    if (to_memory)
        memcpy(m->bytes + m->at, bytes, run);
    else
        memcpy(bytes, m->bytes + m->at, run);
    m->at += run;
    if (m->at == m->end)
        rig_pin(m->ide, "run", false);
    return run;
}

/* The table covers n bytes from the array's start. */
static inline void ide_master_start(struct ide_world *w, size_t n)
{
    w->memory.at = 0;
    w->memory.end = n;
    rig_pin(w->d, "run", true);
}

/* Long enough for any command's next step. */
static inline void ide_wait(struct ide_world *w)
{
    for (unsigned n = 0; n < 100000 && (rig_in(&w->rig, IDE_CONTROL) & 0x80); n++)
        rig_run(&w->rig, 100);
    if (rig_in(&w->rig, IDE_CONTROL) & 0x80)
        fail_msg("BSY for ever");
}

static inline void ide_registers(struct ide_world *w, unsigned feature, unsigned count,
                                 uint64_t lba, unsigned device)
{
    rig_out(&w->rig, IDE_DEVICE, (uint8_t)device);
    rig_out(&w->rig, IDE_ERROR, (uint8_t)feature);
    rig_out(&w->rig, IDE_COUNT, (uint8_t)count);
    rig_out(&w->rig, IDE_LOW, (uint8_t)lba);
    rig_out(&w->rig, IDE_MID, (uint8_t)(lba >> 8));
    rig_out(&w->rig, IDE_HIGH, (uint8_t)(lba >> 16));
}

/* A command with a 28-bit address on drive 0; waits for it and gives the Status. */
static inline uint8_t ide_command(struct ide_world *w, uint8_t command,
                                  unsigned feature, unsigned count, uint32_t lba)
{
    ide_registers(w, feature, count, lba, 0xe0 | (lba >> 24 & 15));
    rig_out(&w->rig, IDE_STATUS, command);
    ide_wait(w);
    return rig_in(&w->rig, IDE_STATUS);
}

/* The same with a 48-bit address. */
static inline uint8_t ide_command48(struct ide_world *w, uint8_t command,
                                    unsigned count, uint64_t lba)
{
    ide_registers(w, 0, count >> 8, lba >> 24, 0x40);
    ide_registers(w, 0, count & 0xff, lba, 0x40);
    rig_out(&w->rig, IDE_STATUS, command);
    ide_wait(w);
    return rig_in(&w->rig, IDE_STATUS);
}

static inline void ide_read_data(struct ide_world *w, uint8_t *to, unsigned bytes)
{
    for (unsigned n = 0; n < bytes; n += 2)
        store16(to + n, (uint16_t)rig_io(&w->rig.ports, IDE_DATA, 2, false, 0));
}

static inline void ide_write_data(struct ide_world *w, const uint8_t *from,
                                  unsigned bytes)
{
    for (unsigned n = 0; n < bytes; n += 2)
        rig_io(&w->rig.ports, IDE_DATA, 2, true, load16(from + n));
}

static inline void ide_world_start(struct ide_world *w)
{
    const struct bus_master master = {.owner = &w->memory, .move = ide_memory_move};

    ide_connect(w->d, &master);
    w->memory.ide = w->d;
    rig_start(w->d);
    rig_watch(&w->rig, w->d, "irq", &w->irq);
}

static inline struct ide_world *ide_world_new(void)
{
    struct ide_world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    rig_init(&w->rig, IDE_IPS);
    w->d = rig_new(&w->rig, &ide_class);
    return w;
}

static inline void ide_world_free(struct ide_world *w)
{
    device_free(w->d);
    rig_free(&w->rig);
    for (unsigned n = 0; n < 2; n++)
        memory_disk_free(&w->disk[n]);
    free(w);
}

#endif
