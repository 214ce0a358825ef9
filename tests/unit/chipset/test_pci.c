/* PCI through CF8h-CFFh: configuration space, BARs, interrupts, and the bridges. */
#include "rig.h"

#include "chipset/i440fx.h"
#include "chipset/piix3.h"
#include "chipset/piix4_pm.h"

/* A function with a register of each kind, as a network card has. */
struct card {
    struct pci_function pci;
    uint32_t reads;
};

static enum io_status card_access(void *dev, struct io *io)
{
    struct card *c = dev;
    c->reads++;
    io->value = 0x5a;
    return IO_DONE;
}

static bool card_init(void *dev, struct device *self, struct error *e)
{
    static const struct pci_identity id = {
        .vendor = 0x1234, .device = 0x5678, .class_code = 0x020000, .interrupt_pin = 1};
    struct card *c = dev;
    (void)e;
    pci_function_init(&c->pci, self, c, &id);
    pci_bar(&c->pci, 0, PCI_BAR_IO, 0, 0);
    pci_bar(&c->pci, 1, PCI_BAR_MEMORY | PCI_BAR_64, 0, 1);
    pci_msi(&c->pci);
    return true;
}

static void card_reset(void *dev)
{
    pci_function_reset(&((struct card *)dev)->pci);
}

static void card_drive(void *dev)
{
    pci_function_drive(&((struct card *)dev)->pci);
}

static const struct device_class card_class = {
    .name = "card",
    .title = "Test card",
    .size = sizeof(struct card),
    .fields = (const struct field[]){FIELD_SUBLIST(card, struct pci_function, pci, 1,
                                                   pci_function_fields){0}},
    .regions =
        (const struct region[]){
            {"card-io", 0, 0x20, NULL, card_access, .unmapped = true},
            {"card-mem", 0, 0x3000, NULL, card_access, .mmio = true, .unmapped = true},
            {0}},
    .pins =
        (const struct pin[]){{"intx", .offset = offsetof(struct card, pci.intx)}, {0}},
    .init = card_init,
    .reset = card_reset,
    .drive = card_drive,
};

static struct rig rig;
static struct device *pci, *card, *fx, *piix3, *pm;
static struct probe reset_pin, power_off, sci, smi;

static int setup(void **state)
{
    struct error e = {""};
    (void)state;
    rig_init(&rig, 3579545 * 4);
    pci = rig_add(&rig, &pci_class);
    fx = rig_add(&rig, &i440fx_class);
    piix3 = rig_new(&rig, &piix3_class);
    for (unsigned i = 0; i < 4; i++) {
        char pin[8] = {'p', 'i', 'r', 'q', (char)('0' + i), 0};
        rig_join(pci, pin, piix3, pin);
    }
    rig_start(piix3);
    pm = rig_add(&rig, &piix4_pm_class);
    card = rig_add(&rig, &card_class);
    assert_true(pci_plug(pci, 0, 0, i440fx_pci(fx), &e));
    assert_true(pci_plug(pci, 1, 0, piix3_pci(piix3), &e));
    assert_true(pci_plug(pci, 1, 3, piix4_pm_pci(pm), &e));
    assert_true(pci_plug(pci, 3, 0, &((struct card *)card->state)->pci, &e));
    rig_watch(&rig, pci, "reset", &reset_pin);
    rig_watch(&rig, pm, "power_off", &power_off);
    rig_watch(&rig, pm, "sci", &sci);
    rig_watch(&rig, pm, "smi", &smi);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_free(card);
    device_free(pm);
    device_free(piix3);
    device_free(fx);
    device_free(pci);
    rig_free(&rig);
    return 0;
}

static struct pci_function *function(void)
{
    return &((struct card *)card->state)->pci;
}

static void select_register(unsigned device, unsigned fn, unsigned offset)
{
    rig_out32(&rig, 0xcf8, 0x80000000u | device << 11 | fn << 8 | offset);
}

static uint32_t config(unsigned device, unsigned fn, unsigned offset)
{
    select_register(device, fn, offset);
    return rig_in32(&rig, 0xcfc);
}

static void set_config(unsigned device, unsigned fn, unsigned offset, uint32_t v)
{
    select_register(device, fn, offset);
    rig_out32(&rig, 0xcfc, v);
}

static void functions_answer_with_their_identity_and_holes_with_ones(void **state)
{
    (void)state;
    assert_int_equal(config(0, 0, 0), 0x12378086);
    assert_int_equal(config(1, 0, 0), 0x70008086);
    assert_int_equal(config(1, 3, 0), 0x71138086);
    assert_int_equal(config(3, 0, 0), 0x56781234);
    assert_int_equal(config(4, 0, 0), 0xffffffff);
    select_register(1, 0, 0x0c);
    assert_int_equal(rig_in(&rig, 0xcfe), 0x80);
    rig_out32(&rig, 0xcf8, 0);
    assert_int_equal(rig_in32(&rig, 0xcfc), 0xffffffff);
}

static void a_bar_tells_its_size_and_answers_where_it_is_put(void **state)
{
    (void)state;
    set_config(3, 0, 0x10, 0xffffffff);
    assert_int_equal(config(3, 0, 0x10), 0xffffffe1);
    set_config(3, 0, 0x10, 0xc000);
    assert_int_equal(rig_in(&rig, 0xc004), 0xff);
    set_config(3, 0, 0x04, 1);
    assert_int_equal(rig_in(&rig, 0xc004), 0x5a);
    set_config(3, 0, 0x10, 0xd000);
    assert_int_equal(rig_in(&rig, 0xc004), 0xff);
    assert_int_equal(rig_in(&rig, 0xd004), 0x5a);
}

static void a_64_bit_bar_goes_above_4_gib_and_not_to_the_top_while_sized(void **state)
{
    (void)state;
    set_config(3, 0, 0x04, 2);
    set_config(3, 0, 0x14, 0xffffffff);
    assert_int_equal(config(3, 0, 0x14), 0xffffc004);
    assert_int_equal(rig_load(&rig, 0xfffffff0), 0xffffffff);
    set_config(3, 0, 0x18, 0x12);
    set_config(3, 0, 0x14, 0x40000000);
    assert_int_equal(rig_load(&rig, 0x1240000000) & 0xff, 0x5a);
}

static void read_only_bits_stay_and_status_bits_clear_by_ones(void **state)
{
    (void)state;
    set_config(3, 0, 0x00, 0);
    assert_int_equal(config(3, 0, 0), 0x56781234);
    function()->config[7] |= 0x20; /* received master abort */
    assert_int_equal(config(3, 0, 4) >> 24, 0x20);
    set_config(3, 0, 4, 0x20000000);
    assert_int_equal(config(3, 0, 4) >> 24, 0);
}

static void intx_of_slot_3_reaches_the_routed_irq_and_the_ioapic_pin(void **state)
{
    (void)state;
    pci_interrupt(function(), true);
    assert_true(device_pin(piix3, "gsi18")->level);
    assert_false(device_pin(piix3, "pic11")->level);
    select_register(1, 0, 0x60);
    rig_out(&rig, 0xcfe, 11); /* PIRQC */
    assert_true(device_pin(piix3, "pic11")->level);
    assert_true(device_pin(piix3, "gsi11")->level);
    set_config(3, 0, 4, 1 << 10); /* INTx disable */
    assert_false(device_pin(piix3, "pic11")->level);
    assert_int_equal(config(3, 0, 4) >> 16 & 8, 8);
    set_config(3, 0, 4, 0);
    assert_true(device_pin(piix3, "pic11")->level);
    pci_interrupt(function(), false);
    assert_false(device_pin(piix3, "pic11")->level);
}

static void an_isa_irq_and_a_pirq_on_one_line_are_ored(void **state)
{
    (void)state;
    select_register(1, 0, 0x60);
    rig_out(&rig, 0xcfe, 5);
    rig_pin(piix3, "irq5", true);
    pci_interrupt(function(), true);
    rig_pin(piix3, "irq5", false);
    assert_true(device_pin(piix3, "pic5")->level);
    pci_interrupt(function(), false);
    assert_false(device_pin(piix3, "pic5")->level);
    rig_pin(piix3, "b_irq4", true);
    assert_true(device_pin(piix3, "pic4")->level);
    rig_pin(piix3, "irq0", true);
    assert_true(device_pin(piix3, "gsi2")->level);
    assert_false(device_pin(piix3, "pic2")->level);
}

static void msi_replaces_the_pin_by_a_message(void **state)
{
    unsigned at = config(3, 0, 0x34) & 0xff;
    (void)state;
    assert_int_equal(config(3, 0, at) & 0xff, 5);
    set_config(3, 0, at + 4, 0xfee01000);
    set_config(3, 0, at + 12, 0x4041);
    set_config(3, 0, at, 1 << 16);
    pci_interrupt(function(), true);
    assert_int_equal(rig.msis, 0); /* not a bus master */
    pci_interrupt(function(), false);
    set_config(3, 0, 4, 4);
    pci_interrupt(function(), true);
    pci_interrupt(function(), true);
    assert_int_equal(rig.msis, 1);
    assert_int_equal(rig.msi_address, 0xfee01000);
    assert_int_equal(rig.msi_data, 0x4041);
    assert_false(device_pin(piix3, "gsi18")->level);
}

static void dma_needs_the_bus_master_bit(void **state)
{
    uint8_t byte = 7;
    (void)state;
    assert_false(pci_dma_write(function(), 0x100, &byte, 1));
    set_config(3, 0, 4, 4);
    assert_true(pci_dma_write(function(), 0x100, &byte, 1));
    assert_int_equal(rig.ram[0x100], 7);
}

static void port_cf9_resets_on_a_byte_and_not_inside_confadd(void **state)
{
    (void)state;
    rig_out32(&rig, 0xcf8, 0x80000600);
    assert_int_equal(reset_pin.rises, 0);
    rig_out(&rig, 0xcf9, 0x02);
    assert_int_equal(reset_pin.rises, 0);
    rig_out(&rig, 0xcf9, 0x06);
    assert_int_equal(reset_pin.rises, 1);
    assert_int_equal(rig_in32(&rig, 0xcf8), 0x80000600);
}

struct memory_view {
    unsigned calls;
    uint64_t base, size;
    bool read, write, enabled, open, closed;
};

static void view_pam(void *owner, uint64_t base, uint64_t size, bool read, bool write)
{
    struct memory_view *v = owner;
    v->calls++;
    v->base = base;
    v->size = size;
    v->read = read;
    v->write = write;
}

static void view_smram(void *owner, bool enabled, bool open, bool closed)
{
    struct memory_view *v = owner;
    v->enabled = enabled;
    v->open = open;
    v->closed = closed;
}

static void pam_tells_the_board_what_changed_and_only_that(void **state)
{
    struct memory_view v = {0};
    (void)state;
    i440fx_connect(fx, &(struct i440fx_wiring){&v, view_pam, view_smram});
    select_register(0, 0, 0x58);
    rig_out(&rig, 0xcfd, 0x30);
    assert_int_equal(v.calls, 1);
    assert_int_equal(v.base, 0xf0000);
    assert_int_equal(v.size, 0x10000);
    assert_true(v.read && v.write);
    select_register(0, 0, 0x5c);
    rig_out(&rig, 0xcfd, 0x10); /* 5Dh, upper half: DC000h */
    assert_int_equal(v.calls, 2);
    assert_int_equal(v.base, 0xdc000);
    assert_true(v.read && !v.write);
    device_reset(fx);
    assert_int_equal(v.calls, 2 + 13);
}

static void smram_once_locked_closes_until_reset(void **state)
{
    struct memory_view v = {0};
    (void)state;
    i440fx_connect(fx, &(struct i440fx_wiring){&v, view_pam, view_smram});
    select_register(0, 0, 0x70);
    rig_out(&rig, 0xcfe, 0x4a);
    assert_true(v.enabled && v.open);
    rig_out(&rig, 0xcfe, 0x5a);
    assert_true(v.enabled && !v.open);
    rig_out(&rig, 0xcfe, 0x4a);
    assert_false(v.open);
    assert_int_equal(rig_in(&rig, 0xcfe), 0x1a);
    rig_out(&rig, 0xcfe, 0x22); /* D_CLS is not locked, G_SMRAME is */
    assert_true(v.enabled && v.closed);
    assert_int_equal(rig_in(&rig, 0xcfe), 0x3a);
    device_reset(fx);
    rig_out(&rig, 0xcfe, 0x4a);
    assert_true(v.open);
}

static void pm_on(void)
{
    set_config(1, 3, 0x40, 0xb001);
    select_register(1, 3, 0x80);
    rig_out(&rig, 0xcfc, 1);
}

static void the_pm_timer_runs_at_3_579545_mhz_in_24_bits(void **state)
{
    (void)state;
    assert_int_equal(rig_in32(&rig, 0xb008), 0xffffffff);
    pm_on();
    rig_run_to(&rig, 1000, 3579545);
    assert_int_equal(rig_in32(&rig, 0xb008), 1000);
    rig_run_to(&rig, (1 << 24) + 5, 3579545);
    assert_int_equal(rig_in32(&rig, 0xb008), 5);
}

static void the_pm_timer_interrupts_when_its_top_bit_changes(void **state)
{
    (void)state;
    pm_on();
    rig_out(&rig, 0xb004, 1);
    rig_out(&rig, 0xb002, 1);
    rig_run_to(&rig, (1 << 23) - 1, 3579545);
    assert_false(sci.level);
    rig_run_to(&rig, 1 << 23, 3579545);
    assert_true(sci.level);
    assert_int_equal(rig_in(&rig, 0xb000) & 1, 1);
    rig_out(&rig, 0xb000, 1);
    assert_false(sci.level);
}

static void soft_off_is_sleep_type_0_with_the_enable_bit(void **state)
{
    (void)state;
    pm_on();
    rig_out(&rig, 0xb005, 0x00);
    assert_int_equal(power_off.rises, 0);
    rig_out(&rig, 0xb005, 0x20);
    assert_int_equal(power_off.rises, 1);
    assert_int_equal(rig_in(&rig, 0xb005), 0);
}

static void the_power_button_and_events_raise_sci_when_enabled(void **state)
{
    (void)state;
    pm_on();
    rig_pin(pm, "power_button", true);
    rig_out(&rig, 0xb003, 1);
    assert_false(sci.level); /* SCI_EN is off */
    rig_out(&rig, 0xb2, 0xf1);
    assert_true(sci.level);
    rig_out(&rig, 0xb001, 1);
    assert_false(sci.level);
    rig_pin(pm, "gpe3", true);
    rig_out(&rig, 0xb00e, 8);
    assert_true(sci.level);
    rig_out(&rig, 0xb00c, 8); /* the level still stands */
    assert_true(sci.level);
    rig_pin(pm, "gpe3", false);
    rig_out(&rig, 0xb00c, 8);
    assert_false(sci.level);
}

static void an_apm_command_is_an_smi_only_when_enabled(void **state)
{
    (void)state;
    rig_out(&rig, 0xb2, 0x12);
    assert_int_equal(smi.rises, 0);
    set_config(1, 3, 0x58, 1 << 25);
    rig_out(&rig, 0xb2, 0x12);
    assert_int_equal(smi.rises, 1);
    assert_int_equal(rig_in(&rig, 0xb2), 0x12);
    rig_out(&rig, 0xb3, 0x77);
    assert_int_equal(rig_in(&rig, 0xb3), 0x77);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(functions_answer_with_their_identity_and_holes_with_ones),
        T(a_bar_tells_its_size_and_answers_where_it_is_put),
        T(a_64_bit_bar_goes_above_4_gib_and_not_to_the_top_while_sized),
        T(read_only_bits_stay_and_status_bits_clear_by_ones),
        T(intx_of_slot_3_reaches_the_routed_irq_and_the_ioapic_pin),
        T(an_isa_irq_and_a_pirq_on_one_line_are_ored),
        T(msi_replaces_the_pin_by_a_message),
        T(dma_needs_the_bus_master_bit),
        T(port_cf9_resets_on_a_byte_and_not_inside_confadd),
        T(pam_tells_the_board_what_changed_and_only_that),
        T(smram_once_locked_closes_until_reset),
        T(the_pm_timer_runs_at_3_579545_mhz_in_24_bits),
        T(the_pm_timer_interrupts_when_its_top_bit_changes),
        T(soft_off_is_sleep_type_0_with_the_enable_bit),
        T(the_power_button_and_events_raise_sci_when_enabled),
        T(an_apm_command_is_an_smi_only_when_enabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
