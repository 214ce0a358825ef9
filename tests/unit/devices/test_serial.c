/* Tests of devices/serial.c and devices/debugcon.c, through their ports. */
#include "tests/unit/chipset/rig.h"

#include "devices/debugcon.h"
#include "devices/serial.h"
#include "host/chars.h"

enum { IPS = 1000000, BASE = 0x3f8 };
enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
enum { READY = 1, OVERRUN = 2, BREAK = 0x10, THRE = 0x20, TEMT = 0x40 };

struct world {
    struct rig rig;
    struct device *d;
    struct chardev *host;
    struct probe irq;
};

static void start(struct world *w, const char *input)
{
    rig_init(&w->rig, IPS);
    w->d = rig_new(&w->rig, &serial_class);
    w->host = chars_memory(input, strlen(input));
    serial_connect(w->d, w->host);
    rig_start(w->d);
    device_map(w->d, 0, BASE);
    rig_watch(&w->rig, w->d, "irq", &w->irq);
}

static void stop(struct world *w)
{
    device_free(w->d);
    chars_free(w->host);
    rig_free(&w->rig);
}

static uint8_t in(struct world *w, unsigned offset)
{
    return rig_in(&w->rig, (uint16_t)(BASE + offset));
}

static void out(struct world *w, unsigned offset, uint8_t v)
{
    rig_out(&w->rig, (uint16_t)(BASE + offset), v);
}

/* 115200 baud, 8 data bits, no parity: a character lasts 86.8 us. */
static void set_fast(struct world *w)
{
    out(w, LCR, 0x83);
    out(w, RBR, 1);
    out(w, IER, 0);
    out(w, LCR, 0x03);
}

static void assert_sent(struct world *w, const char *text)
{
    size_t n;
    const uint8_t *bytes = chars_written(w->host, &n);

    assert_int_equal(n, strlen(text));
    assert_memory_equal(bytes, text, n);
}

static void an_idle_port_has_an_empty_transmitter_and_no_interrupt(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    assert_int_equal(in(&w, LSR), THRE | TEMT);
    assert_int_equal(in(&w, IIR), 1);
    assert_int_equal(in(&w, LCR), 0);
    assert_false(w.irq.level);
    out(&w, SCR, 0x5a);
    assert_int_equal(in(&w, SCR), 0x5a);
    stop(&w);
}

static void the_divisor_latch_hides_data_and_interrupt_enable(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    out(&w, IER, 0x05);
    out(&w, LCR, 0x80);
    out(&w, RBR, 0x34);
    out(&w, IER, 0x12);
    assert_int_equal(in(&w, RBR), 0x34);
    assert_int_equal(in(&w, IER), 0x12);
    out(&w, LCR, 0x03);
    assert_int_equal(in(&w, IER), 0x05);
    assert_sent(&w, "");
    stop(&w);
}

static void a_character_leaves_after_a_microsecond(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    set_fast(&w);
    out(&w, RBR, 'x');
    assert_int_equal(in(&w, LSR), THRE); /* it went on to the shift register */
    assert_sent(&w, "");
    rig_run(&w.rig, 1);
    assert_sent(&w, "x");
    assert_int_equal(in(&w, LSR), THRE | TEMT);
    stop(&w);
}

static void without_fifo_a_second_waiting_character_is_lost(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    set_fast(&w);
    out(&w, RBR, 'a');
    out(&w, RBR, 'b');
    assert_int_equal(in(&w, LSR) & (THRE | TEMT), 0);
    out(&w, RBR, 'c');
    rig_run(&w.rig, 1000);
    assert_sent(&w, "ab");
    stop(&w);
}

static void the_fifo_holds_16_characters(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    set_fast(&w);
    out(&w, IIR, 0x01);
    assert_int_equal(in(&w, IIR) & 0xc0, 0xc0);
    for (unsigned n = 0; n < 20; n++)
        out(&w, RBR, (uint8_t)('a' + n));
    rig_run(&w.rig, 5000);
    assert_sent(&w, "abcdefghijklmnopq"); /* one on the wire, 16 in the queue */
    stop(&w);
}

static void the_transmitter_interrupt_is_taken_by_reading_iir(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    set_fast(&w);
    out(&w, MCR, 0x08);
    out(&w, IER, 0x02); /* enabling it while empty gives it at once */
    assert_true(w.irq.level);
    assert_int_equal(in(&w, IIR), 2);
    assert_false(w.irq.level);
    assert_int_equal(in(&w, IIR), 1);
    out(&w, RBR, 'x');
    assert_true(w.irq.level); /* the holding register is empty again already */
    out(&w, RBR, 'y');
    assert_false(w.irq.level); /* writing takes it too */
    rig_run(&w.rig, 100);
    assert_true(w.irq.level);
    stop(&w);
}

static void out2_gates_the_interrupt(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    out(&w, IER, 0x02);
    assert_false(w.irq.level);
    assert_int_equal(in(&w, IIR) & 15, 2);
    stop(&w);
}

static void nothing_is_taken_before_the_guest_says_it_will_read(void **state)
{
    struct world w;
    (void)state;
    start(&w, "abc");
    set_fast(&w);
    rig_run(&w.rig, IPS);
    assert_int_equal(in(&w, LSR) & READY, 0);
    out(&w, MCR, 0x02);
    rig_run(&w.rig, IPS / 10);
    assert_int_equal(in(&w, LSR) & READY, READY);
    assert_int_equal(in(&w, RBR), 'a');
    rig_run(&w.rig, 100);
    assert_int_equal(in(&w, RBR), 'b');
    rig_run(&w.rig, 100);
    assert_int_equal(in(&w, RBR), 'c');
    rig_run(&w.rig, IPS);
    assert_int_equal(in(&w, LSR) & (READY | OVERRUN), 0);
    stop(&w);
}

/* A file is as patient as it needs to be: no byte is lost however slow the guest. */
static void a_slow_guest_loses_nothing(void **state)
{
    struct world w;
    char got[64] = "";
    const char *all = "the quick brown fox jumps over the lazy dog";
    (void)state;
    start(&w, all);
    set_fast(&w);
    out(&w, IIR, 0x01);
    out(&w, MCR, 0x03);
    for (unsigned n = 0; n < strlen(all); n++) {
        rig_run(&w.rig, IPS / 10);
        got[n] = (char)in(&w, RBR);
        assert_int_equal(in(&w, LSR) & OVERRUN, 0);
    }
    assert_string_equal(got, all);
    stop(&w);
}

static void the_receive_interrupt_comes_at_the_trigger_level(void **state)
{
    struct world w;
    (void)state;
    start(&w, "12345678");
    set_fast(&w);
    out(&w, IIR, 0x81); /* eight */
    out(&w, IER, 0x01);
    out(&w, MCR, 0x0b);
    rig_run(&w.rig, 20000 + 7 * 87 - 1);
    assert_int_equal(in(&w, IIR), 0xc1);
    rig_run(&w.rig, 200);
    assert_int_equal(in(&w, IIR), 0xc4);
    assert_true(w.irq.level);
    assert_int_equal(in(&w, RBR), '1');
    assert_false(w.irq.level);
    stop(&w);
}

static void characters_left_below_the_trigger_time_out(void **state)
{
    struct world w;
    (void)state;
    start(&w, "12");
    set_fast(&w);
    out(&w, IIR, 0xc1); /* fourteen */
    out(&w, IER, 0x01);
    out(&w, MCR, 0x0b);
    rig_run(&w.rig, 20000 + 2 * 87);
    assert_int_equal(in(&w, IIR), 0xc1);
    rig_run(&w.rig, 5 * 87);
    assert_int_equal(in(&w, IIR), 0xcc);
    assert_int_equal(in(&w, RBR), '1');
    assert_int_equal(in(&w, IIR), 0xc1);
    assert_int_equal(in(&w, RBR), '2');
    stop(&w);
}

static void typed_bytes_come_after_a_kick(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    set_fast(&w);
    out(&w, MCR, 0x03);
    rig_run(&w.rig, IPS);
    chars_feed(w.host, "k", 1);
    rig_run(&w.rig, IPS);
    assert_int_equal(in(&w, LSR) & READY, 0);
    w.host->admit(w.host->owner);
    w.host->kick(w.host->device);
    rig_run(&w.rig, 100);
    assert_int_equal(in(&w, RBR), 'k');
    stop(&w);
}

static void a_break_is_a_zero_character_with_its_status_bit(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    set_fast(&w);
    out(&w, MCR, 0x0b);
    out(&w, IER, 0x04);
    rig_run(&w.rig, IPS);
    chars_break(w.host);
    w.host->admit(w.host->owner);
    w.host->kick(w.host->device);
    rig_run(&w.rig, 100);
    assert_true(w.irq.level);
    assert_int_equal(in(&w, IIR), 6);
    assert_int_equal(in(&w, LSR) & (BREAK | READY), BREAK | READY);
    assert_int_equal(in(&w, LSR) & BREAK, 0);
    assert_int_equal(in(&w, RBR), 0);
    stop(&w);
}

static void in_loopback_what_is_sent_comes_back_and_nothing_leaves(void **state)
{
    struct world w;
    (void)state;
    start(&w, "zzz");
    set_fast(&w);
    out(&w, MCR, 0x1f);
    assert_int_equal(in(&w, MSR) & 0xf0, 0xf0);
    out(&w, MCR, 0x1a);
    assert_int_equal(in(&w, MSR) & 0xf0, 0x90);
    out(&w, RBR, 'L');
    rig_run(&w.rig, 1000);
    assert_int_equal(in(&w, RBR), 'L');
    assert_sent(&w, "");
    out(&w, RBR, '1');
    rig_run(&w.rig, 100);
    out(&w, RBR, '2');
    rig_run(&w.rig, 100);
    assert_int_equal(in(&w, LSR) & OVERRUN, OVERRUN);
    stop(&w);
}

static void modem_lines_follow_loopback_with_their_delta_bits(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    assert_int_equal(in(&w, MSR), 0xb0); /* the other side is there */
    out(&w, MCR, 0x10);
    assert_int_equal(in(&w, MSR), 0x0b);
    assert_int_equal(in(&w, MSR), 0x00);
    out(&w, MCR, 0x14);
    assert_int_equal(in(&w, MSR), 0x40);
    out(&w, MCR, 0x10);
    assert_int_equal(in(&w, MSR), 0x04); /* TERI: RI's trailing edge */
    stop(&w);
}

/* QEMU's CVE-2016-8669 was a division by this register. */
static void a_divisor_of_zero_stops_nothing(void **state)
{
    struct world w;
    (void)state;
    start(&w, "ab");
    out(&w, LCR, 0x83);
    out(&w, RBR, 0);
    out(&w, IER, 0);
    out(&w, LCR, 0x03);
    out(&w, MCR, 0x03);
    out(&w, RBR, 'x');
    rig_run(&w.rig, IPS);
    assert_sent(&w, "x");
    assert_int_equal(in(&w, RBR), 'a');
    stop(&w);
}

static void a_port_with_nothing_plugged_in_shows_no_modem_lines(void **state)
{
    struct rig *r = &(struct rig){.ram = {0}};
    struct device *d;
    (void)state;
    rig_init(r, IPS);
    d = rig_add(r, &serial_class);
    device_map(d, 0, BASE);
    assert_int_equal(rig_in(r, BASE + MSR), 0);
    rig_out(r, BASE + MCR, 3);
    rig_out(r, BASE, 'x');
    rig_run(r, IPS);
    assert_int_equal(rig_in(r, BASE + LSR), THRE | TEMT);
    device_free(d);
    rig_free(r);
}

static void the_debug_console_says_e9_and_passes_bytes_on(void **state)
{
    struct rig *r = &(struct rig){.ram = {0}};
    struct chardev *host = chars_memory(NULL, 0);
    struct device *d;
    size_t n;
    (void)state;
    rig_init(r, IPS);
    d = rig_new(r, &debugcon_class);
    debugcon_connect(d, host);
    rig_start(d);
    assert_int_equal(rig_in(r, 0xe9), 0xe9);
    rig_out(r, 0xe9, 'h');
    rig_io(&r->ports, 0xe9, 2, true, 'i'); /* the upper byte goes to EAh: nobody */
    assert_memory_equal(chars_written(host, &n), "hi", 2);
    assert_int_equal(n, 2);
    device_free(d);
    chars_free(host);
    rig_free(r);
}

/* PC16550D, MODEM CONTROL REGISTER: DTR and RTS drive pins; the receiver knows nothing
 * of them. */
static void what_a_person_types_comes_without_dtr_and_rts(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    w.host->live = true; /* as of a terminal, and of a pty */
    set_fast(&w);
    chars_feed(w.host, "hi", 2);
    assert_int_equal(in(&w, LSR), THRE | TEMT); /* not yet let in */
    w.host->admit(w.host->owner);
    w.host->kick(w.host->device);
    rig_run(&w.rig, 80);
    assert_int_equal(in(&w, LSR), THRE | TEMT);
    rig_run(&w.rig, 10); /* one character's time */
    assert_int_equal(in(&w, LSR), READY | THRE | TEMT);
    assert_int_equal(in(&w, RBR), 'h');
    rig_run(&w.rig, 100);
    assert_int_equal(in(&w, RBR), 'i');
    stop(&w);
}

static void a_persons_characters_wait_when_there_is_no_room(void **state)
{
    struct world w;
    (void)state;
    start(&w, "");
    w.host->live = true;
    set_fast(&w);
    chars_feed(w.host, "abc", 3);
    w.host->admit(w.host->owner);
    w.host->kick(w.host->device);
    rig_run(&w.rig, 10000);
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(in(&w, LSR), READY | THRE | TEMT); /* and no overrun */
        assert_int_equal(in(&w, RBR), 'a' + n);
        rig_run(&w.rig, 100);
    }
    assert_int_equal(in(&w, LSR), THRE | TEMT);
    stop(&w);
}

static void a_pipe_waits_for_dtr_or_rts(void **state)
{
    struct world w;
    (void)state;
    start(&w, "x");
    set_fast(&w);
    w.host->kick(w.host->device);
    for (unsigned n = 0; n < 100; n++) {
        rig_run(&w.rig, 1000);
        assert_int_equal(in(&w, LSR), THRE | TEMT);
        assert_int_equal(in(&w, RBR), 0); /* asking is no promise */
    }
    out(&w, MCR, 0x02);
    rig_run(&w.rig, 50000);
    assert_int_equal(in(&w, RBR), 'x');
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_port_has_an_empty_transmitter_and_no_interrupt),
        cmocka_unit_test(the_divisor_latch_hides_data_and_interrupt_enable),
        cmocka_unit_test(a_character_leaves_after_a_microsecond),
        cmocka_unit_test(without_fifo_a_second_waiting_character_is_lost),
        cmocka_unit_test(the_fifo_holds_16_characters),
        cmocka_unit_test(the_transmitter_interrupt_is_taken_by_reading_iir),
        cmocka_unit_test(out2_gates_the_interrupt),
        cmocka_unit_test(nothing_is_taken_before_the_guest_says_it_will_read),
        cmocka_unit_test(a_slow_guest_loses_nothing),
        cmocka_unit_test(the_receive_interrupt_comes_at_the_trigger_level),
        cmocka_unit_test(characters_left_below_the_trigger_time_out),
        cmocka_unit_test(typed_bytes_come_after_a_kick),
        cmocka_unit_test(a_break_is_a_zero_character_with_its_status_bit),
        cmocka_unit_test(in_loopback_what_is_sent_comes_back_and_nothing_leaves),
        cmocka_unit_test(modem_lines_follow_loopback_with_their_delta_bits),
        cmocka_unit_test(a_divisor_of_zero_stops_nothing),
        cmocka_unit_test(a_port_with_nothing_plugged_in_shows_no_modem_lines),
        cmocka_unit_test(the_debug_console_says_e9_and_passes_bytes_on),
        cmocka_unit_test(what_a_person_types_comes_without_dtr_and_rts),
        cmocka_unit_test(a_persons_characters_wait_when_there_is_no_room),
        cmocka_unit_test(a_pipe_waits_for_dtr_or_rts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
