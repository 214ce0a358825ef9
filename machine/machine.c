/* machine.c - the conductor: turns of the CPUs, timers, idling, resets, the end.
 *
 * One thread. CPUs take turns of a fixed length in virtual time; virtual time is the
 * instructions of all CPUs together, so it is monotonic in the order things happen. What
 * the guest sees depends on the configuration and on outside events alone.
 */
#include "machine/internal.h"

#include "base/snapshot.h"
#include "cpu/fault.h"
#include "host/host.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE = 100000, /* ticks a single CPU runs between looks at the outside */
    TURN = 4000,    /* ticks of a CPU's turn when there are several */
};

/* LAG_NS: no more than this is made up for, so that an idle guest does not race through
 * its timers after a long computation. */
enum { NS = 1000000000, LAG_NS = 100000000 };

/* ---- what the parts call ---- */

static void leave_slice(struct machine *m)
{
    if (m->running) {
        m->running->leave = true;
        m->running->leave_slice = true;
    }
}

void machine_end(struct machine *m, enum machine_end why)
{
    if (m->end == END_NONE)
        m->end = why;
    leave_slice(m);
}

void machine_enter_kernel(struct machine *m)
{
    m->kernel_wanted = true;
    leave_slice(m);
}

static void earlier_timer(void *owner)
{
    leave_slice(owner);
}

static void map_changed(void *owner)
{
    struct machine *m = owner;
    for (unsigned n = 0; n < m->config.cpus; n++) {
        mmu_drop(&m->cpu[n]->mmu);
        m->cpu[n]->page = NO_PAGE;
        m->cpu[n]->leave = true;
    }
    code_cache_watch(m->cache);
}

static void code_written(void *owner, uint32_t page, unsigned offset, unsigned size)
{
    struct machine *m = owner;
    code_cache_written(m->cache, page, offset, size);
}

static bool dma_read(void *owner, uint64_t address, void *to, size_t n)
{
    struct machine *m = owner;
    return address + n >= address && phys_read(&m->phys, pa(address), to, n);
}

static bool dma_write(void *owner, uint64_t address, const void *from, size_t n)
{
    struct machine *m = owner;
    return address + n >= address && phys_write(&m->phys, pa(address), from, n);
}

static void triple_fault(void *owner, struct cpu *c)
{
    struct machine *m = owner;
    if (m->config.told_triple_fault)
        m->config.told_triple_fault(m->config.trace_to, c);
    if (m->config.no_reboot)
        machine_end(m, END_TRIPLE_FAULT);
    else
        m->reset_wanted = true;
    leave_slice(m);
}

/* ---- life ---- */

static bool make_cpus(struct machine *m, struct error *e)
{
    m->cache = calloc(1, sizeof *m->cache);
    for (unsigned n = 0; n < m->config.cpus; n++)
        m->cpu[n] = calloc(1, sizeof *m->cpu[n]);
    for (unsigned n = 0; n < m->config.cpus; n++)
        if (!m->cpu[n] || !m->cache)
            return error_set(e, "cannot make CPU %u: the host has no memory", n);
    if (!code_cache_init(m->cache, &m->phys, m->cpu, m->config.cpus) ||
        !isa_table_init(&m->isa, &m->model))
        return error_set(e, "cannot make the code cache: the host has no memory");
    for (unsigned n = 0; n < m->config.cpus; n++) {
        struct cpu *c = m->cpu[n];
        c->clock = &m->clock;
        c->ports = &m->ports;
        c->log = &m->log;
        c->cache = m->cache;
        c->isa = &m->isa;
        c->model = &m->model;
        c->tsc_hz = m->config.tsc_hz;
        c->cpus = m->config.cpus;
        c->threads_per_core = 1;
        c->mmu.phys = &m->phys;
        c->mmu.small = m->config.small_tlb;
        c->triple_fault = triple_fault;
        c->owner = m;
        c->force_step = m->config.one_instruction_blocks;
        cpu_init(c, n);
    }
    return true;
}

static bool make_memory(struct machine *m, struct error *e)
{
    uint64_t pages;

    m->ram = host_memory(m->config.ram);
    if (!m->ram)
        return error_set(e, "cannot reserve %llu MiB of guest memory",
                         (unsigned long long)(m->config.ram >> 20));
    phys_init(&m->phys, &m->mmio, m->model.phys_bits);
    if (!phys_back(&m->phys, "ram", m->ram, m->config.ram))
        return error_set(e, "too many memory objects");
    /* One word per backing page: RAM, and room for ROMs and video memory. */
    pages = m->config.ram / PAGE + (256u << 20) / PAGE;
    m->phys.code = host_memory(pages * sizeof *m->phys.code);
    if (!m->phys.code)
        return error_set(e, "cannot reserve the code map: the host has no memory");
    m->phys.code_written = code_written;
    m->phys.owner = m;
    return true;
}

static void start_trace(struct machine *m)
{
    const struct machine_config *c = &m->config;

    if (!c->trace_line ||
        !(c->trace_exec || c->trace_in_asm || c->trace_cpu || c->trace_int))
        return;
    m->trace = (struct trace){.line = c->trace_line, .to = c->trace_to,
                              .exec = c->trace_exec, .in_asm = c->trace_in_asm,
                              .registers = c->trace_cpu, .interrupts = c->trace_int};
    for (unsigned n = 0; n < c->cpus; n++)
        trace_attach(m->cpu[n], &m->trace, &m->trace_cpu[n]);
}

struct machine *machine_new(const struct machine_config *config, struct error *e)
{
    struct machine *m = calloc(1, sizeof *m);

    if (!m) {
        error_set(e, "cannot make a machine: the host has no memory");
        return NULL;
    }
    m->config = *config;
    m->log = config->log;
    clock_init(&m->clock, config->ips);
    m->clock.sooner = earlier_timer;
    m->clock.owner = m;
    m->bus = (struct bus){.clock = &m->clock, .ports = &m->ports, .mmio = &m->mmio,
                          .log = &m->log, .dma_read = dma_read, .dma_write = dma_write,
                          .owner = m};
    m->random = config->drop_caches;
    if (!cpu_model_parse(config->cpu ? config->cpu : "default", &m->model, e) ||
        !space_init(&m->ports, false) || !space_init(&m->mmio, true) ||
        !make_memory(m, e) || !make_cpus(m, e) || !board_init(m, e)) {
        machine_free(m);
        return NULL;
    }
    m->phys.changed = map_changed;
    typing_init(&m->typing, &m->clock, board_keyboard(m));
    if (!board_reset(m, e)) {
        machine_free(m);
        return NULL;
    }
    start_trace(m);
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    typing_free(&m->typing);
    board_free(m);
    for (unsigned n = 0; n < m->devices; n++)
        device_free(m->device[n]);
    for (unsigned n = 0; n < m->config.cpus; n++) {
        if (m->cpu[n])
            cpu_free(m->cpu[n]);
        free(m->cpu[n]);
    }
    if (m->cache)
        code_cache_free(m->cache);
    free(m->cache);
    isa_table_free(&m->isa);
    space_free(&m->ports);
    space_free(&m->mmio);
    clock_free(&m->clock);
    if (m->phys.code)
        host_memory_free(m->phys.code, (m->config.ram / PAGE + (256u << 20) / PAGE) *
                                           sizeof *m->phys.code);
    if (m->ram)
        host_memory_free(m->ram, m->config.ram);
    free(m);
}

/* ---- turns ---- */

static bool ready(const struct machine *m, unsigned n)
{
    return !m->held[n] && cpu_ready(m->cpu[n]);
}

bool machine_any_ready(const struct machine *m)
{
    for (unsigned n = 0; n < m->config.cpus; n++)
        if (ready(m, n))
            return true;
    return false;
}

/* Halted with interrupts off (or waiting for a start-up that nobody can send): only a
 * reset could wake it. */
static bool halted_for_ever(const struct machine *m)
{
    for (unsigned n = 0; n < m->config.cpus; n++) {
        const struct cpu *c = m->cpu[n];
        if (c->activity == ACTIVITY_RUN || c->activity == ACTIVITY_MWAIT)
            return false;
        if (c->activity == ACTIVITY_HALT && (c->eflags & FLAG_IF))
            return false;
    }
    return true;
}

static uint64_t random_next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* For tests: throws away what may be thrown away, at moments that mean nothing. */
static void drop_some_caches(struct machine *m)
{
    uint64_t r = random_next(&m->random);
    for (unsigned n = 0; n < m->config.cpus; n++)
        if (r >> (8 + n % 32) & 1)
            mmu_drop(&m->cpu[n]->mmu);
    if ((r & 7) == 0)
        code_cache_empty(m->cache);
}

/* Runs CPU n for at most `ticks`; the clock has moved by what it used. */
static void run_cpu(struct machine *m, unsigned n, uint64_t ticks)
{
    if (m->config.drop_caches) {
        uint64_t some = 1 + random_next(&m->random) % 5000;
        drop_some_caches(m);
        if (ticks > some)
            ticks = some;
    }
    board_turn(m, n);
    m->running = m->cpu[n];
    cpu_run(m->cpu[n], (uint32_t)ticks);
    m->running = NULL;
    if (UNLIKELY(m->cpu[n]->stop.why != STOP_NONE) && m->end == END_NONE) {
        m->end = END_POINT;
        m->stopped_cpu = m->cpu[n];
    }
}

/* One round: the CPU whose turn it is runs to the end of its turn, the next timer, or a
 * reason to stop. */
static void run_turn(struct machine *m, uint64_t until)
{
    uint64_t ticks = until - m->clock.now, before = m->clock.now;

    if (m->config.cpus == 1) {
        run_cpu(m, 0, ticks < SLICE ? ticks : SLICE);
        return;
    }
    while (!ready(m, m->turn) || m->turn_left == 0) {
        m->turn = (m->turn + 1) % m->config.cpus;
        m->turn_left = TURN;
    }
    if (ticks > m->turn_left)
        ticks = m->turn_left;
    run_cpu(m, m->turn, ticks);
    if (m->cpu[m->turn]->turn_over) {
        m->cpu[m->turn]->turn_over = false;
        m->turn_left = 0;
    } else {
        m->turn_left -= m->clock.now - before;
    }
}

/* ---- idling ---- */

/* Host ns by which the guest's clock is behind now, a busy CPU or a slow host having
 * taken more than the instructions' time. A lead counts for nothing. */
static uint64_t paced_lag(const struct machine *m, uint64_t now)
{
    uint64_t lag = m->paced_lag + (now - m->paced_host);
    uint64_t ran = clock_to_hz(&m->clock, m->clock.now - m->paced_tick, NS);

    if (!m->paced_host || ran >= lag)
        return 0;
    return lag - ran < LAG_NS ? lag - ran : LAG_NS;
}

/* Host time follows virtual time while nothing runs; what the guest's clock is behind
 * comes off the sleep. Returns early when something came from outside. */
static void sleep_until(struct machine *m, uint64_t tick)
{
    uint64_t ns = clock_to_hz(&m->clock, tick - m->clock.now, NS);
    uint64_t start = host_now_ns(), now = start, lag = paced_lag(m, start);
    uint64_t over = ns < lag ? ns : lag; /* of the sleep, before it began */
    /* With no timer armed ns is as good as endless: the sum must not wrap to the past. */
    uint64_t left = ns - over,
             deadline = left > UINT64_MAX - start ? UINT64_MAX : start + left;

    if (left) {
        board_flush(m);
        host_wait_kick(&m->kicked, deadline);
        now = host_now_ns();
    }
    if (now < deadline) { /* woken: so much of the sleep is over */
        uint64_t slept = clock_after_ns(&m->clock, now - start + over);
        tick = slept < tick ? slept : tick;
    } else {
        now = deadline; /* what is later is behind */
    }
    clock_advance(&m->clock, tick);
    m->paced_host = now;
    m->paced_tick = m->clock.now;
    m->paced_lag = lag - over;
}

static void idle(struct machine *m, uint64_t until)
{
    uint64_t next = clock_next(&m->clock);

    if (next > until)
        next = until;
    if (halted_for_ever(m) && !m->config.wait_for_ever) {
        machine_end(m, END_IDLE_FOREVER);
        return;
    }
    if (m->config.paced)
        sleep_until(m, next);
    else
        clock_advance(&m->clock, next);
}

enum machine_end machine_run(struct machine *m, uint64_t ticks)
{
    uint64_t until = m->clock.now + ticks;
    struct host_float old;

    if (until < m->clock.now)
        until = UINT64_MAX;
    m->end = END_NONE;
    host_float_enter(&old);
    while (m->end == END_NONE) {
        uint64_t next;
        if (atomic_exchange(&m->kicked, false))
            board_outside(m);
        clock_advance(&m->clock, m->clock.now); /* timers due */
        if (m->kernel_wanted) {
            m->kernel_wanted = false;
            board_enter_kernel(m);
        }
        if (m->reset_wanted) {
            m->reset_wanted = false;
            board_reset(m, NULL); /* the files loaded once, so they load again */
            if (m->config.told_reset)
                m->config.told_reset(m->config.trace_to);
        }
        if (m->end == END_NONE && atomic_exchange(&m->stopped, false))
            m->end = END_STOPPED;
        if (m->end != END_NONE)
            break;
        if (m->clock.now >= until) {
            m->end = END_TICKS;
            break;
        }
        next = clock_next(&m->clock);
        if (next > until)
            next = until;
        if (next <= m->clock.now)
            continue;
        if (machine_any_ready(m))
            run_turn(m, next);
        else
            idle(m, until);
    }
    board_flush(m);
    host_float_leave(&old);
    return m->end;
}

void machine_stop(struct machine *m)
{
    atomic_store(&m->stopped, true);
    machine_kick(m);
}

void machine_kick(struct machine *m)
{
    atomic_store(&m->kicked, true);
    host_kick(&m->kicked);
}

/* ---- for a debugger ---- */

void machine_hold(struct machine *m, unsigned n, bool held)
{
    m->held[n] = held;
}

struct cpu *machine_stopped_cpu(struct machine *m)
{
    return m->stopped_cpu;
}

/* ---- looking in ---- */

uint64_t machine_instructions(const struct machine *m)
{
    uint64_t n = 0;
    for (unsigned k = 0; k < m->config.cpus; k++)
        n += m->cpu[k]->retired;
    return n;
}

uint32_t machine_exit_value(const struct machine *m)
{
    return m->exit_value;
}

unsigned machine_cpu_count(const struct machine *m)
{
    return m->config.cpus;
}

struct cpu *machine_cpu(struct machine *m, unsigned n)
{
    return n < m->config.cpus ? m->cpu[n] : NULL;
}

struct device *machine_device(struct machine *m, unsigned n)
{
    return n < m->devices ? m->device[n] : NULL;
}

const struct screen *machine_screen(struct machine *m)
{
    return board_screen(m);
}

struct device *machine_keyboard(struct machine *m)
{
    return board_keyboard(m);
}

struct device *machine_mouse(struct machine *m)
{
    return board_mouse(m);
}

struct clock *machine_clock(struct machine *m)
{
    return &m->clock;
}

struct phys *machine_phys(struct machine *m)
{
    return &m->phys;
}
