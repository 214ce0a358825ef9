/* Tests of machine/board_pc.c: the wires of the schematic. */
#include "machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Pins that this board leaves open, and why. */
static const char *const open_pins[][2] = {
    {"pit.out1", "memory refresh needs no request here"},
    {"port61.speaker", "there is no sound yet"},
    {"piix3.pic2", "the cascade, which the 8259s have inside"},
    {"piix4-pm.smi", "no firmware of ours uses SMM yet"},
};

static bool is_open(const char *name)
{
    for (unsigned n = 0; n < ARRAY_SIZE(open_pins); n++)
        if (!strcmp(name, open_pins[n][0]))
            return true;
    return false;
}

static struct machine *make(void)
{
    struct machine_config c = {.ram = 16 << 20,
                               .cpus = 1,
                               .cpu = "max",
                               .ips = 100000000,
                               .tsc_hz = 1000000000};
    struct error e = {""};
    struct machine *m = machine_new(&c, &e);

    if (!m)
        fail_msg("%s", e.text);
    return m;
}

static void check_pins(struct device *d)
{
    char name[64], pin[32];

    for (const struct pin *p = d->class->pins; p && p->name; p++)
        for (unsigned n = 0; !p->moved && n < (p->count ? p->count : 1); n++) {
            const char *percent = strchr(p->name, '%');
            const struct line *l;
            if (percent)
                snprintf(pin, sizeof pin, "%.*s%u", (int)(percent - p->name), p->name,
                         n);
            else
                snprintf(pin, sizeof pin, "%s", p->name);
            l = device_pin(d, pin);
            assert_non_null(l);
            snprintf(name, sizeof name, "%s.%s", d->name, pin);
            if (!l->moved && !is_open(name))
                fail_msg("nothing is joined to %s", name);
        }
}

static void every_output_pin_leads_somewhere(void **state)
{
    struct machine *m = make();
    struct device *d;
    (void)state;

    for (unsigned n = 0; (d = machine_device(m, n)); n++)
        check_pins(d);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_output_pin_leads_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
