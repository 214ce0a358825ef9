/* Local APICs, the I/O APIC and messages, seen from two CPUs. */
#include "rig.h"

#include "base/intc.h"
#include "chipset/ioapic.h"
#include "chipset/lapic.h"

enum { CPUS = 2, BUS_HZ = 100000000, IPS = 200000000, TSC_HZ = 400000000 };
#define APIC 0xfee00000ull
#define IOAPIC 0xfec00000ull

static struct rig rig;
static struct apic_bus bus;
static struct device *lapic[CPUS], *ioapic;
static struct probe intr[CPUS], nmi[CPUS], init[CPUS], smi[CPUS];
static struct {
    uint8_t sipi;
    unsigned sipis;
    uint64_t tsc_adjust;
} cpu[CPUS];
static unsigned acknowledged;

static void sipi(void *owner, uint8_t vector)
{
    unsigned n = *(unsigned *)owner;
    cpu[n].sipi = vector;
    cpu[n].sipis++;
}

static uint64_t tsc_adjust(void *owner)
{
    return cpu[*(unsigned *)owner].tsc_adjust;
}

static uint8_t pic_ack(void *pic)
{
    (void)pic;
    acknowledged++;
    return 0x77;
}

static unsigned numbers[CPUS] = {0, 1};

static void on_cpu(unsigned n)
{
    bus.current = (uint8_t)n;
}

static void put(unsigned reg, uint32_t v)
{
    rig_store(&rig, APIC + reg, v);
}

static uint32_t get(unsigned reg)
{
    return rig_load(&rig, APIC + reg);
}

static void redirect(unsigned pin, uint64_t entry)
{
    rig_store(&rig, IOAPIC, 0x10 + 2 * pin + 1);
    rig_store(&rig, IOAPIC + 0x10, (uint32_t)(entry >> 32));
    rig_store(&rig, IOAPIC, 0x10 + 2 * pin);
    rig_store(&rig, IOAPIC + 0x10, (uint32_t)entry);
}

static uint32_t redirection(unsigned pin)
{
    rig_store(&rig, IOAPIC, 0x10 + 2 * pin);
    return rig_load(&rig, IOAPIC + 0x10);
}

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, IPS);
    memset(&bus, 0, sizeof bus);
    memset(cpu, 0, sizeof cpu);
    acknowledged = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        struct lapic_wiring w = {.bus = &bus,
                                 .tsc_hz = TSC_HZ,
                                 .cpu = &numbers[i],
                                 .sipi = sipi,
                                 .tsc_adjust = tsc_adjust,
                                 .acknowledge = pic_ack};
        lapic[i] = rig_new(&rig, &lapic_class);
        assert_true(device_option(lapic[i], "apic_id", i, NULL));
        assert_true(device_option(lapic[i], "bsp", i == 0, NULL));
        assert_true(device_option(lapic[i], "virtual_wire", i == 0, NULL));
        lapic_connect(lapic[i], &w);
        rig_start(lapic[i]);
        rig_watch(&rig, lapic[i], "intr", &intr[i]);
        rig_watch(&rig, lapic[i], "nmi", &nmi[i]);
        rig_watch(&rig, lapic[i], "smi", &smi[i]);
        rig_watch(&rig, lapic[i], "init", &init[i]);
    }
    ioapic = rig_new(&rig, &ioapic_class);
    ioapic_connect(ioapic, &bus);
    rig_start(ioapic);
    for (unsigned i = 0; i < CPUS; i++) {
        on_cpu(i);
        put(0xf0, 0x1ff);
    }
    on_cpu(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_free(ioapic);
    for (unsigned i = 0; i < CPUS; i++)
        device_free(lapic[i]);
    rig_free(&rig);
    return 0;
}

static uint8_t ack(unsigned n)
{
    struct intc *c = lapic_intc(lapic[n]);
    assert_true(intr[n].level);
    return c->acknowledge(c->owner);
}

static bool base_set(unsigned n, uint64_t v)
{
    struct intc *c = lapic_intc(lapic[n]);
    return c->base_set(c->owner, v);
}

static bool wrmsr(unsigned n, uint32_t msr, uint64_t v)
{
    struct intc *c = lapic_intc(lapic[n]);
    return c->msr_set(c->owner, msr, v);
}

static bool rdmsr(unsigned n, uint32_t msr, uint64_t *v)
{
    struct intc *c = lapic_intc(lapic[n]);
    return c->msr_get(c->owner, msr, v);
}

static void each_cpu_sees_its_own_registers_at_one_address(void **state)
{
    (void)state;
    assert_int_equal(get(0x20), 0);
    on_cpu(1);
    assert_int_equal(get(0x20), 1u << 24);
    put(0x80, 0x20);
    on_cpu(0);
    assert_int_equal(get(0x80), 0);
    assert_int_equal(get(0x30), 0x00050014);
}

static void a_fixed_ipi_goes_through_irr_isr_and_eoi(void **state)
{
    (void)state;
    put(0x310, 1u << 24);
    put(0x300, 0x4041);
    assert_false(intr[0].level);
    on_cpu(1);
    assert_int_equal(get(0x220), 2);
    assert_int_equal(ack(1), 0x41);
    assert_false(intr[1].level);
    assert_int_equal(get(0x220), 0);
    assert_int_equal(get(0x120), 2);
    assert_int_equal(get(0xa0), 0x40);
    put(0xb0, 0);
    assert_int_equal(get(0x120), 0);
}

static void the_higher_class_interrupts_and_the_task_priority_holds_back(void **state)
{
    struct intc *c = lapic_intc(lapic[0]);
    (void)state;
    put(0x300, 0x44051); /* self */
    assert_int_equal(ack(0), 0x51);
    put(0x300, 0x4405f);
    assert_false(intr[0].level); /* same class */
    put(0x300, 0x44060);
    assert_true(intr[0].level);
    c->tpr_set(c->owner, 6);
    assert_false(intr[0].level);
    assert_int_equal(c->tpr_get(c->owner), 6);
    c->tpr_set(c->owner, 5);
    assert_int_equal(ack(0), 0x60);
    c->tpr_set(c->owner, 0);
    put(0xb0, 0);
    put(0xb0, 0);
    assert_int_equal(ack(0), 0x5f);
}

static void init_and_sipi_reach_the_other_cpu_only(void **state)
{
    (void)state;
    put(0x300, 0xc4500); /* INIT, all but self */
    assert_int_equal(init[1].rises, 1);
    assert_int_equal(init[0].rises, 0);
    put(0x300, 0xc8500); /* de-assert */
    assert_int_equal(init[1].rises, 1);
    put(0x300, 0xc4608);
    assert_int_equal(cpu[1].sipis, 1);
    assert_int_equal(cpu[1].sipi, 8);
    on_cpu(1);
    assert_int_equal(get(0xf0), 0xff); /* INIT put its APIC back */
    assert_int_equal(get(0x20), 1u << 24);
}

static void nmi_and_smi_are_delivered_as_pins(void **state)
{
    (void)state;
    put(0x310, 1u << 24);
    put(0x300, 0x4400);
    assert_int_equal(nmi[1].rises, 1);
    put(0x300, 0x4200);
    assert_int_equal(smi[1].rises, 1);
}

static void logical_destinations_are_flat_or_cluster(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CPUS; i++) {
        on_cpu(i);
        put(0xd0, 1u << (24 + i));
    }
    on_cpu(0);
    put(0x310, 3u << 24);
    put(0x300, 0x4841);
    assert_true(intr[0].level && intr[1].level);
    (void)ack(0), (void)ack(1);
    for (unsigned i = 0; i < CPUS; i++) {
        on_cpu(i);
        put(0xb0, 0);
        put(0xe0, 0x0fffffff);
        put(0xd0, (i ? 0x21u : 0x11u) << 24);
    }
    on_cpu(0);
    put(0x310, 0x2fu << 24);
    put(0x300, 0x4842);
    assert_false(intr[0].level);
    assert_true(intr[1].level);
}

static void lowest_priority_goes_to_the_cpu_that_does_the_least(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CPUS; i++) {
        on_cpu(i);
        put(0xd0, 1u << (24 + i));
    }
    on_cpu(0);
    put(0x80, 0x30);
    apic_bus_msi(&bus, 0xfee03004, 0x0141);
    assert_false(intr[0].level);
    assert_true(intr[1].level);
}

static void an_illegal_vector_is_an_error_and_not_an_interrupt(void **state)
{
    (void)state;
    put(0x370, 0xfe);
    put(0x300, 0x44005);
    assert_int_equal(ack(0), 0xfe);
    assert_int_equal(get(0x280), 0);
    put(0x280, 0);
    assert_int_equal(get(0x280), 0x20);
    put(0x280, 0);
    assert_int_equal(get(0x280), 0);
}

static void a_disabled_apic_takes_no_fixed_interrupts_and_masks_its_lvt(void **state)
{
    (void)state;
    put(0x320, 0x40);
    put(0xf0, 0xff);
    assert_int_equal(get(0x320), 0x10040);
    put(0x320, 0x41);
    assert_int_equal(get(0x320), 0x10041);
    on_cpu(1);
    put(0x310, 0);
    put(0x300, 0x4041);
    put(0x300, 0x4400);
    assert_false(intr[0].level);
    assert_int_equal(nmi[0].rises, 1);
}

static void the_timer_fires_once_or_periodically_at_exact_ticks(void **state)
{
    (void)state;
    put(0x3e0, 0xb); /* divide by 1 */
    put(0x320, 0x40);
    put(0x380, 1000);
    rig_run(&rig, 1999);
    assert_false(intr[0].level);
    assert_int_equal(get(0x390), 1);
    rig_run(&rig, 1);
    assert_int_equal(ack(0), 0x40);
    put(0xb0, 0);
    assert_int_equal(get(0x390), 0);
    rig_run(&rig, 100000);
    assert_false(intr[0].level);

    put(0x3e0, 0x3); /* divide by 16 */
    put(0x320, 0x20040);
    put(0x380, 100);
    for (unsigned i = 0; i < 50; i++) {
        rig_run(&rig, 3199);
        assert_false(intr[0].level);
        rig_run(&rig, 1);
        assert_int_equal(ack(0), 0x40);
        put(0xb0, 0);
    }
    put(0x380, 0);
    rig_run(&rig, 100000);
    assert_false(intr[0].level);
}

static void a_tiny_period_costs_one_event_a_microsecond(void **state)
{
    uint64_t armed;
    (void)state;
    put(0x3e0, 0xb);
    put(0x320, 0x20040);
    put(0x380, 1);
    armed = rig.clock.armed;
    rig_run(&rig, IPS / 100);
    assert_true(rig.clock.armed - armed <= 10001);
    assert_true(rig.clock.armed - armed >= 9999);
}

static void masking_the_timer_loses_the_interrupt_and_not_the_count(void **state)
{
    (void)state;
    put(0x3e0, 0xb);
    put(0x320, 0x30040);
    put(0x380, 1000);
    rig_run(&rig, 2 * 2500);
    assert_int_equal(get(0x390), 500);
    put(0x320, 0x20040);
    assert_false(intr[0].level);
    rig_run(&rig, 2 * 500);
    assert_true(intr[0].level);
}

static void a_tsc_deadline_fires_when_the_cpus_own_tsc_gets_there(void **state)
{
    uint64_t v;
    (void)state;
    cpu[0].tsc_adjust = 1000000;
    assert_true(wrmsr(0, 0x6e0, 1000400)); /* not in that mode: nothing */
    put(0x320, 0x40040);
    assert_true(wrmsr(0, 0x6e0, 1000400));
    rig_run(&rig, 199);
    assert_false(intr[0].level);
    assert_true(rdmsr(0, 0x6e0, &v));
    assert_int_equal(v, 1000400);
    rig_run(&rig, 1);
    assert_true(intr[0].level);
    assert_true(rdmsr(0, 0x6e0, &v));
    assert_int_equal(v, 0);
    assert_true(wrmsr(0, 0x6e0, 5)); /* long past */
    rig_run(&rig, 0);
    assert_true(rdmsr(0, 0x6e0, &v));
    assert_int_equal(v, 0);
    cpu[0].tsc_adjust = 0;
    assert_true(wrmsr(0, 0x6e0, UINT64_MAX));
    assert_int_equal(clock_next(&rig.clock), UINT64_MAX);
}

static void the_virtual_wire_passes_the_8259s_through(void **state)
{
    (void)state;
    device_reset(lapic[0]);
    rig_pin(lapic[0], "lint0", true);
    assert_int_equal(ack(0), 0x77);
    assert_int_equal(acknowledged, 1);
    rig_pin(lapic[0], "lint0", false);
    assert_false(intr[0].level);
    rig_pin(lapic[0], "lint1", true);
    assert_int_equal(nmi[0].rises, 1);
    rig_pin(lapic[1], "lint0", true);
    assert_false(intr[1].level);
}

static void apic_base_allows_only_the_changes_of_the_manual(void **state)
{
    struct intc *c = lapic_intc(lapic[0]);
    (void)state;
    assert_int_equal(c->base_get(c->owner), 0xfee00900);
    assert_false(base_set(0, 0xfee00901));
    assert_false(base_set(0, 0xfee00500)); /* EXTD without EN */
    assert_false(base_set(0, 1ull << 50 | 0xfee00900));
    assert_true(base_set(0, 0xfee00100)); /* off */
    assert_int_equal(get(0x30), 0xffffffff);
    assert_false(base_set(0, 0xfee00d00)); /* off to x2APIC */
    assert_true(base_set(0, 0xfee00900));
    assert_int_equal(get(0xf0), 0xff);
    assert_true(base_set(0, 0xfee00d00));
    assert_false(base_set(0, 0xfee00900)); /* x2APIC back to xAPIC */
    assert_true(base_set(0, 0xfee00100));
}

static void a_moved_apic_answers_at_its_new_place_for_its_cpu(void **state)
{
    (void)state;
    assert_true(base_set(0, 0x10000900));
    assert_int_equal(get(0x30), 0xffffffff);
    assert_int_equal(rig_load(&rig, 0x10000030), 0x00050014);
    on_cpu(1);
    assert_int_equal(get(0x30), 0x00050014);
    assert_int_equal(rig_load(&rig, 0x10000030), 0xffffffff);
}

static void x2apic_is_msrs_with_wide_destinations(void **state)
{
    uint64_t v;
    (void)state;
    assert_false(rdmsr(0, 0x802, &v));
    assert_true(base_set(0, 0xfee00d00));
    assert_true(base_set(1, 0xfee00c00));
    assert_int_equal(get(0x30), 0xffffffff);
    assert_true(rdmsr(1, 0x802, &v));
    assert_int_equal(v, 1);
    assert_true(rdmsr(1, 0x80d, &v));
    assert_int_equal(v, 2);
    assert_false(rdmsr(0, 0x80e, &v)); /* no DFR */
    assert_false(wrmsr(0, 0x802, 0));
    assert_false(wrmsr(0, 0x80b, 1));
    assert_false(wrmsr(0, 0x808, 0x100));
    assert_true(wrmsr(0, 0x830, 1ull << 32 | 0x4041));
    assert_int_equal(ack(1), 0x41);
    assert_true(wrmsr(1, 0x80b, 0));
    assert_true(wrmsr(0, 0x830, 3ull << 32 | 0x4842)); /* logical, both */
    assert_true(intr[0].level && intr[1].level);
    assert_true(wrmsr(0, 0x83f, 0x50));
    assert_int_equal(ack(0), 0x50);
    assert_false(rdmsr(0, 0x83f, &v));
}

static void an_edge_at_the_ioapic_is_one_interrupt(void **state)
{
    (void)state;
    rig_store(&rig, IOAPIC, 1);
    assert_int_equal(rig_load(&rig, IOAPIC + 0x10), 0x00170020);
    rig_pin(ioapic, "in2", true); /* masked: lost */
    redirect(2, 1ull << 56 | 0x30);
    assert_false(intr[1].level);
    rig_pin(ioapic, "in2", false);
    rig_pin(ioapic, "in2", true);
    assert_int_equal(ack(1), 0x30);
    on_cpu(1);
    put(0xb0, 0);
    assert_false(intr[1].level);
}

static void a_level_comes_again_after_eoi_until_it_falls(void **state)
{
    (void)state;
    redirect(16, 0x8051);
    rig_pin(ioapic, "in16", true);
    assert_int_equal(redirection(16) & 0x4000, 0x4000);
    assert_int_equal(ack(0), 0x51);
    assert_false(intr[0].level);
    assert_int_equal(get(0x1a0), 1 << 17); /* TMR */
    put(0xb0, 0);
    assert_int_equal(ack(0), 0x51);
    rig_pin(ioapic, "in16", false);
    put(0xb0, 0);
    assert_false(intr[0].level);
    assert_int_equal(redirection(16) & 0x4000, 0);
}

static void the_eoi_register_and_edge_mode_drop_remote_irr(void **state)
{
    (void)state;
    redirect(16, 0x8051);
    rig_pin(ioapic, "in16", true);
    rig_pin(ioapic, "in16", false);
    assert_int_equal(redirection(16) & 0x4000, 0x4000);
    rig_store(&rig, IOAPIC + 0x40, 0x51);
    assert_int_equal(redirection(16) & 0x4000, 0);
    rig_pin(ioapic, "in16", true);
    assert_int_equal(redirection(16) & 0x4000, 0x4000);
    redirect(16, 0x10051);
    assert_int_equal(redirection(16), 0x10051);
}

static void restored_apics_hold_their_interrupts_and_make_no_edge(void **state)
{
    (void)state;
    redirect(3, 0x33);
    rig_pin(ioapic, "in3", true);
    put(0x3e0, 0xb);
    put(0x320, 0x20040);
    put(0x380, 1000);
    rig_run(&rig, 500);
    rig_transfer(lapic[0], lapic[1]);
    intr[1].level = true; /* what a CPU had seen is what it saved */
    assert_int_equal(ack(1), 0x33);
    rig_transfer(ioapic, ioapic);
    rig_pin(ioapic, "in3", true);
    assert_int_equal(ack(0), 0x33);
    assert_false(intr[0].level);
    rig_run(&rig, 1499);
    assert_false(intr[1].level);
    on_cpu(0);
    put(0xb0, 0);
    on_cpu(1);
    put(0xb0, 0);
    rig_run(&rig, 1);
    assert_int_equal(ack(0), 0x40);
    assert_int_equal(ack(1), 0x40);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_cpu_sees_its_own_registers_at_one_address),
        T(a_fixed_ipi_goes_through_irr_isr_and_eoi),
        T(the_higher_class_interrupts_and_the_task_priority_holds_back),
        T(init_and_sipi_reach_the_other_cpu_only),
        T(nmi_and_smi_are_delivered_as_pins),
        T(logical_destinations_are_flat_or_cluster),
        T(lowest_priority_goes_to_the_cpu_that_does_the_least),
        T(an_illegal_vector_is_an_error_and_not_an_interrupt),
        T(a_disabled_apic_takes_no_fixed_interrupts_and_masks_its_lvt),
        T(the_timer_fires_once_or_periodically_at_exact_ticks),
        T(a_tiny_period_costs_one_event_a_microsecond),
        T(masking_the_timer_loses_the_interrupt_and_not_the_count),
        T(a_tsc_deadline_fires_when_the_cpus_own_tsc_gets_there),
        T(the_virtual_wire_passes_the_8259s_through),
        T(apic_base_allows_only_the_changes_of_the_manual),
        T(a_moved_apic_answers_at_its_new_place_for_its_cpu),
        T(x2apic_is_msrs_with_wide_destinations),
        T(an_edge_at_the_ioapic_is_one_interrupt),
        T(a_level_comes_again_after_eoi_until_it_falls),
        T(the_eoi_register_and_edge_mode_drop_remote_irr),
        T(restored_apics_hold_their_interrupts_and_make_no_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
