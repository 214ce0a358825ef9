/* options_device.c - what the options about devices mean: -device, -global and -vga.
 *
 * Names of devices and properties are QEMU's.
 */
#include "machine/options_take.h"

#include "machine/options_item.h"

#include <stdio.h>
#include <string.h>

/* ---- properties ---- */

static bool take_port(struct options *o, const struct item *i, uint16_t *to,
                      struct error *e)
{
    uint64_t v;

    if (!options_bounded(o, i->value, 0, 0xffff, &v, e))
        return false;
    *to = (uint16_t)v;
    return true;
}

static bool debug_exit_property(struct options *o, const struct item *i,
                                struct error *e)
{
    uint64_t v;

    if (!strcmp(i->key, "iobase"))
        return take_port(o, i, &o->machine.debug_exit_port, e);
    if (strcmp(i->key, "iosize"))
        return item_unknown(o, i, "iobase, iosize", e);
    if (!options_bounded(o, i->value, 1, 4, &v, e))
        return false;
    o->machine.debug_exit_size = (uint8_t)v;
    return true;
}

static bool debugcon_property(struct options *o, const struct item *i, struct error *e)
{
    if (strcmp(i->key, "iobase"))
        return item_unknown(o, i, "iobase", e);
    return take_port(o, i, &o->machine.debugcon_port, e);
}

static bool vga_property(struct options *o, const struct item *i, struct error *e)
{
    struct machine_config *m = &o->machine;
    uint64_t v;
    bool on;

    if (!strcmp(i->key, "xres")) {
        if (!options_bounded(o, i->value, 320, SCREEN_WIDTH, &v, e))
            return false;
        m->vga_width = (unsigned)v;
    } else if (!strcmp(i->key, "yres")) {
        if (!options_bounded(o, i->value, 200, SCREEN_HEIGHT, &v, e))
            return false;
        m->vga_height = (unsigned)v;
    } else if (!strcmp(i->key, "vgamem_mb")) {
        if (!options_bounded(o, i->value, 1, 64, &v, e))
            return false;
        if (v & (v - 1))
            return error_set(e, "-%s: vgamem_mb is a power of two, not %.100s",
                             o->given, i->value);
        m->vga_mb = (unsigned)v;
    } else if (!strcmp(i->key, "edid")) {
        if (!item_switch(o, i, &on, e))
            return false;
        m->vga_no_edid = !on;
    } else {
        return item_unknown(o, i, "xres, yres, edid, vgamem_mb", e);
    }
    return true;
}

/* ---- devices ---- */

static void add_debug_exit(struct options *o)
{
    o->machine.debug_exit = true;
    o->machine.debug_exit_port = 0x501; /* QEMU's standard values */
    o->machine.debug_exit_size = 2;
}

static void add_vga(struct options *o)
{
    o->machine.vga = true;
    o->text[OPTION_vga] = "std"; /* it is the same card */
}

static const struct device_option {
    const char *name, *usage;
    void (*add)(struct options *o); /* NULL: it is added otherwise */
    bool (*property)(struct options *o, const struct item *i, struct error *e);
} devices[] = {
    {"isa-debug-exit",
     "isa-debug-exit,iobase=0x501,iosize=0x02   a write of V ends the run with exit "
     "code "
     "V * 2 + 1",
     add_debug_exit, debug_exit_property},
    {"VGA",
     "VGA,xres=1024,yres=768,edid=on,vgamem_mb=16   the graphics card of -vga std; "
     "its monitor prefers xres x yres",
     add_vga, vga_property},
    {"isa-debugcon", NULL, NULL, debugcon_property},
};

static const struct device_option *find(const char *name, size_t n, bool global)
{
    for (unsigned k = 0; k < ARRAY_SIZE(devices); k++)
        if (strlen(devices[k].name) == n && !memcmp(devices[k].name, name, n) &&
            (global || devices[k].add))
            return &devices[k];
    return NULL;
}

bool take_device(struct options *o, enum option_id id, const char *value,
                 struct error *e)
{
    const struct device_option *d;
    const char *at = value;
    struct item i;
    (void)id;

    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        options_answer(o, "Devices (-device NAME,property=value):");
        for (unsigned k = 0; k < ARRAY_SIZE(devices); k++)
            if (devices[k].usage) {
                char line[200];
                snprintf(line, sizeof line, "  %s", devices[k].usage);
                options_answer(o, line);
            }
        return true;
    }
    if (!item_next(o, &at, &i, e))
        return false;
    d = i.has_value ? NULL : find(i.key, strlen(i.key), false);
    if (!d) {
        error_set(e, "there is no device '%.100s'", i.key);
        return error_hint(
            e, "there are: isa-debug-exit, VGA; and what the PC has on board");
    }
    d->add(o);
    while (*at) {
        if (!item_next(o, &at, &i, e))
            return false;
        if (strcmp(i.key, "id") && !d->property(o, &i, e))
            return false;
    }
    return true;
}

bool take_global(struct options *o, enum option_id id, const char *value,
                 struct error *e)
{
    size_t n = strcspn(value, ".=");
    const struct device_option *d = find(value, n, true);
    const char *at = value + n + 1;
    struct item i;
    (void)id;

    if (!d || value[n] != '.') {
        error_set(e, "-%s %.100s: there is no such property", o->given, value);
        return error_hint(e, "for example: isa-debugcon.iobase=PORT, VGA.vgamem_mb=32");
    }
    if (!item_next(o, &at, &i, e))
        return false;
    if (!i.has_value || *at)
        return error_set(e, "-%s %.100s is not DEVICE.PROPERTY=VALUE", o->given, value);
    return d->property(o, &i, e);
}

bool take_vga(struct options *o, enum option_id id, const char *value, struct error *e)
{
    (void)id;

    if (strcmp(value, "none") && strcmp(value, "std")) {
        error_set(e, "-%s %.100s: there is no such graphics card", o->given, value);
        return error_hint(e, "there are: std, none");
    }
    o->machine.vga = !strcmp(value, "std");
    return true;
}
