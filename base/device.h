/* device.h - a device: one file that exports one struct device_class.
 *
 * The board creates devices, sets their options, joins their pins by name and maps their
 * regions. A device knows its own pins, the clock, the bus for DMA, and nobody else.
 */
#ifndef BASE_DEVICE_H
#define BASE_DEVICE_H

#include "base/clock.h"
#include "base/line.h"
#include "base/log.h"
#include "base/space.h"
#include "base/state.h"

struct error;
struct device;

/* What every device is given before reset; shared by all devices of a machine. */
struct bus {
    struct clock *clock;
    struct space *ports, *mmio;
    struct log *log;
    /* DMA: false when any byte is not RAM (MMIO, hole) or the range overflows; then
     * nothing was moved. Bytes are in memory order. */
    bool (*dma_read)(void *owner, uint64_t address, void *to, size_t n);
    bool (*dma_write)(void *owner, uint64_t address, const void *from, size_t n);
    /* A message-signalled interrupt: a 32-bit store of data to address (FEExxxxxh). */
    void (*msi)(void *owner, uint64_t address, uint32_t data);
    void *owner;
};

/* An output pin is a struct line at offset; an input pin is a function and a number. */
struct pin {
    const char *name; /* NULL ends a table; "irq%u" with count n means irq0 .. irq(n-1) */
    uint32_t offset;  /* output: of the first struct line in the device */
    void (*moved)(void *dev, unsigned n, bool level); /* input; NULL means output */
    unsigned n;       /* passed to moved for the first of count */
    unsigned count;   /* 0 means 1 */
};

/* A wiring option that the board sets before reset: an integer or a pointer. */
struct option {
    const char *name; /* NULL ends a table */
    uint32_t offset, size;
    uint64_t standard, max; /* default and largest value; a pointer's max is UINT64_MAX */
    const char *meaning;
};

#define OPTION(x, name, standard, max, meaning)                                          \
    {#name, offsetof(struct x, name), sizeof(((struct x *)0)->name), standard, max, meaning}

struct device_class {
    const char *name;  /* as in the datasheet, lower case: "8254" is "pit" */
    const char *title; /* for people */
    size_t size;       /* of the device's struct */
    const struct field *fields;
    const struct region *regions;
    const struct pin *pins;
    const struct option *options;
    /* All optional. `self` gives the bus and the device's own handle. */
    bool (*init)(void *dev, struct device *self, struct error *e); /* after options */
    void (*reset)(void *dev);  /* after the rows got their reset values */
    void (*drive)(void *dev);  /* make pins, mappings and timers follow the state; also
                                  after restore */
    bool (*valid)(const void *dev, struct error *e); /* relations between rows */
    void (*free)(void *dev);
    void (*info)(const void *dev, char *text, size_t room); /* one paragraph for people */
};

/* A device as the board holds it. Devices find their bus here. */
struct device {
    const struct device_class *class;
    const char *name; /* unique in the machine: "com1" */
    void *state;      /* the class's struct, zeroed, then options, then reset */
    struct bus *bus;
    int *mapped;      /* space handles of regions, in table order; -1 unmapped */
};

/* Creates a device with default options. NULL with e filled when the host has no memory. */
struct device *device_new(const struct device_class *class, const char *name,
                          struct bus *bus, struct error *e);
void device_free(struct device *d);

/* Before device_start(): false, with e filled, for an unknown name or a large value. */
bool device_option(struct device *d, const char *name, uint64_t value, struct error *e);

/* Calls init, maps the regions that have an address, resets. */
bool device_start(struct device *d, struct error *e);

/* Rows get their reset values, then reset(), then drive(). */
void device_reset(struct device *d);

/* Places (or moves) region `index` of the class's table; base UINT64_MAX unmaps it. */
void device_map(struct device *d, unsigned index, uint64_t base);

/* The output pin called `name`: "irq", "out2". NULL when there is none. */
struct line *device_pin(struct device *d, const char *name);

/* Joins an output pin to an input pin by name. False with e filled if either is missing
 * or the output is joined already. */
bool device_join(struct device *from, const char *out, struct device *to, const char *in,
                 struct error *e);

/* Moves an input pin by name: for tests and the board. */
bool device_drive_pin(struct device *d, const char *in, bool level);

/* Writes a section called by the device's name; restore takes that section's inside (see
 * section_next). A device that refuses what it reads is left reset. Restoring moves no
 * receiver: output pins get their level in silence. */
void device_save(const struct device *d, struct writer *w);
bool device_restore(struct device *d, struct reader *r, struct error *e);

#endif
