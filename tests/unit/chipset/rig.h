/* rig.h - a bench for one chip: clock, address spaces, memory, and pins to watch. */
#ifndef TESTS_CHIPSET_RIG_H
#define TESTS_CHIPSET_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/device.h"
#include "base/error.h"
#include "base/snapshot.h"

enum { RIG_RAM = 0x40000 };

struct rig {
    struct clock clock;
    struct space ports, mmio;
    struct log log;
    struct bus bus;
    uint8_t ram[RIG_RAM];
    uint64_t msi_address;
    uint32_t msi_data, msis;
};

/* What happened to a pin. */
struct probe {
    unsigned rises, falls;
    bool level;
    uint64_t last; /* tick of the last change */
    const struct clock *clock;
};

static inline void probe_moved(void *to, unsigned n, bool level)
{
    struct probe *p = to;
    (void)n;
    p->level = level;
    if (level)
        p->rises++;
    else
        p->falls++;
    p->last = p->clock->now;
}

static inline bool rig_in_ram(uint64_t address, size_t n)
{
    return address < RIG_RAM && n <= RIG_RAM - address;
}

static inline bool rig_dma_read(void *owner, uint64_t address, void *to, size_t n)
{
    struct rig *r = owner;
    if (!rig_in_ram(address, n))
        return false;
    memcpy(to, r->ram + address, n);
    return true;
}

static inline bool rig_dma_write(void *owner, uint64_t address, const void *from,
                                 size_t n)
{
    struct rig *r = owner;
    if (!rig_in_ram(address, n))
        return false;
    memcpy(r->ram + address, from, n);
    return true;
}

static inline void rig_msi(void *owner, uint64_t address, uint32_t data)
{
    struct rig *r = owner;
    r->msi_address = address;
    r->msi_data = data;
    r->msis++;
}

static inline void rig_init(struct rig *r, uint32_t ips)
{
    memset(r, 0, sizeof *r);
    clock_init(&r->clock, ips);
    assert_true(space_init(&r->ports, false));
    assert_true(space_init(&r->mmio, true));
    r->bus = (struct bus){.clock = &r->clock,
                          .ports = &r->ports,
                          .mmio = &r->mmio,
                          .log = &r->log,
                          .dma_read = rig_dma_read,
                          .dma_write = rig_dma_write,
                          .msi = rig_msi,
                          .owner = r};
}

static inline void rig_free(struct rig *r)
{
    space_free(&r->ports);
    space_free(&r->mmio);
    clock_free(&r->clock);
}

static inline struct device *rig_new(struct rig *r, const struct device_class *class)
{
    struct device *d = device_new(class, class->name, &r->bus, NULL);
    assert_non_null(d);
    return d;
}

static inline void rig_start(struct device *d)
{
    struct error e = {""};
    if (!device_start(d, &e))
        fail_msg("%s: %s", d->name, e.text);
}

static inline struct device *rig_add(struct rig *r, const struct device_class *class)
{
    struct device *d = rig_new(r, class);
    rig_start(d);
    return d;
}

static inline void rig_watch(struct rig *r, struct device *d, const char *pin,
                             struct probe *p)
{
    struct line *l = device_pin(d, pin);
    assert_non_null(l);
    *p = (struct probe){.level = l->level, .clock = &r->clock};
    l->moved = probe_moved;
    l->to = p;
}

static inline void rig_join(struct device *from, const char *out, struct device *to,
                            const char *in)
{
    struct error e = {""};
    if (!device_join(from, out, to, in, &e))
        fail_msg("%s.%s to %s.%s: %s", from->name, out, to->name, in, e.text);
}

static inline void rig_pin(struct device *d, const char *pin, bool level)
{
    assert_true(device_drive_pin(d, pin, level));
}

static inline uint64_t rig_io(struct space *s, uint64_t address, unsigned size,
                              bool write, uint64_t value)
{
    struct io io = {
        .address = address, .size = (uint8_t)size, .write = write, .value = value};
    space_access(s, &io);
    return io.value;
}

static inline uint8_t rig_in(struct rig *r, uint16_t port)
{
    return (uint8_t)rig_io(&r->ports, port, 1, false, 0);
}

static inline void rig_out(struct rig *r, uint16_t port, uint8_t value)
{
    (void)rig_io(&r->ports, port, 1, true, value);
}

static inline uint32_t rig_in32(struct rig *r, uint16_t port)
{
    return (uint32_t)rig_io(&r->ports, port, 4, false, 0);
}

static inline void rig_out32(struct rig *r, uint16_t port, uint32_t value)
{
    (void)rig_io(&r->ports, port, 4, true, value);
}

static inline uint32_t rig_load(struct rig *r, uint64_t address)
{
    return (uint32_t)rig_io(&r->mmio, address, 4, false, 0);
}

static inline void rig_store(struct rig *r, uint64_t address, uint32_t value)
{
    (void)rig_io(&r->mmio, address, 4, true, value);
}

static inline void rig_run(struct rig *r, uint64_t ticks)
{
    clock_advance(&r->clock, r->clock.now + ticks);
}

/* To the first tick at which an hz clock has counted `periods`. */
static inline void rig_run_to(struct rig *r, uint64_t periods, uint32_t hz)
{
    clock_advance(&r->clock, clock_from_hz(&r->clock, periods, hz));
}

/* Puts into `to` what `from` saves. */
static inline void rig_transfer(struct device *from, struct device *to)
{
    struct writer w = {0};
    struct reader all, inside;
    struct error e = {""};
    char name[256];

    device_save(from, &w);
    all = (struct reader){.bytes = w.bytes, .size = w.size};
    if (!section_next(&all, name, &inside, &e) || !device_restore(to, &inside, &e)) {
        writer_free(&w);
        fail_msg("%s: %s", from->name, e.text);
    }
    writer_free(&w);
}

/* The same device, made anew from what d saves. */
static inline struct device *rig_copy(struct rig *r, struct device *d)
{
    struct device *copy = rig_add(r, d->class);

    rig_transfer(d, copy);
    return copy;
}

#endif
