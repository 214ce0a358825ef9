/* library_run.c - running: limits, stopping, commands in between. */
#include "machine/library.h"

#include "host/chars.h"
#include "host/host.h"
#include "machine/script_run.h"

/* Looks at the host's clock in a second of the guest's time; with a screen to be shown. */
enum { LOOKS = 20, LOOKS_FOR_FRAMES = 100 };

enum menura_end library_end(enum machine_end end)
{
    switch (end) {
    case END_POWER_OFF: return MENURA_END_POWER_OFF;
    case END_DEBUG_EXIT: return MENURA_END_DEBUG_EXIT;
    case END_TRIPLE_FAULT: return MENURA_END_TRIPLE_FAULT;
    case END_RESET: return MENURA_END_RESET;
    case END_IDLE_FOREVER: return MENURA_END_HALTED;
    default: return MENURA_END_COUNT;
    }
}

void menura_stop(struct menura *m)
{
    atomic_store(&m->stop, true);
    machine_stop(m->machine);
    for (unsigned n = 0; n < m->chars_count; n++)
        chars_wake(m->chars[n]);
}

/* How many ticks may pass before `left` instructions are run: at least so many, more
 * while all CPUs are halted, since only the next timer can wake them. */
static uint64_t slice(const struct menura *m, uint64_t left)
{
    const struct machine *x = m->machine;
    uint64_t ticks = x->config.ips / (m->frame ? LOOKS_FOR_FRAMES : LOOKS), next;

    if (left >= ticks)
        return ticks;
    next = clock_next(&x->clock);
    if (machine_any_ready(x) || next <= x->clock.now)
        return left;
    next -= x->clock.now;
    return next < left ? left : next < ticks ? next : ticks;
}

static void show_frame(struct menura *m)
{
    uint64_t now;

    if (!m->frame || (now = host_now_ns()) < m->frame_due)
        return;
    m->frame_due += m->frame_ns; /* a late one does not delay those that follow */
    if (m->frame_due <= now)
        m->frame_due = now + m->frame_ns;
    m->frame(m->frame_to, m);
}

/* Stopped: nothing but commands and menura_stop() matter. */
static void wait_for_command(struct menura *m)
{
    atomic_store(&m->machine->kicked, false);
    if (atomic_load(&m->stop) || atomic_load(&m->console.quit) ||
        console_line(&m->console) || library_gdb_waiting(m))
        return;
    if (m->stdio)
        m->stdio->flush(m->stdio->owner);
    host_wait_kick(&m->machine->kicked,
                   m->frame ? m->frame_due : host_now_ns() + 1000000000u);
}

/* The end that counts: with -no-shutdown a power-off only stops the machine; a script
 * makes its own. */
static bool ends_run(struct menura *m, enum menura_end *end)
{
    if (*end == MENURA_END_COUNT)
        return false;
    if (m->play) {
        *end = script_run_ended(m->play, *end);
        return true;
    }
    if (*end != MENURA_END_POWER_OFF || !m->options->machine.no_shutdown)
        return true;
    m->running = false;
    library_say(m, MENURA_WARNING, "machine",
                "the guest switched off; the machine stays, stopped");
    return false;
}

bool library_time_is_over(const struct menura *m)
{
    return m->options->max_ns != UINT64_MAX &&
           host_now_ns() - m->started >= m->options->max_ns;
}

/* Piped input is over: from now on an idle guest waits in real time, for whatever. */
static void watch_input(struct menura *m)
{
    if (m->options->time == TIME_AUTO && m->console.guest && !m->play &&
        !m->machine->config.paced && chars_ended(m->stdio))
        m->machine->config.paced = true;
}

static enum menura_end run(struct menura *m, uint64_t instructions)
{
    uint64_t done = machine_instructions(m->machine),
             target = m->options->max_instructions;
    enum menura_end end;
    enum machine_end why;

    if (instructions < target - (done < target ? done : target))
        target = done + instructions;
    if (!m->started) {
        m->started = host_now_ns();
        if (m->options->monitor_stdio && m->typing)
            atomic_store(&m->console.monitor, true);
        console_prompt(&m->console);
    }
    for (;;) {
        if (atomic_exchange(&m->stop, false))
            return MENURA_END_STOPPED;
        show_frame(m);
        library_obey_console(m);
        library_obey_gdb(m);
        if (m->script && !m->running)
            library_obey_script(m);
        if (m->play && (end = script_run_go(m->play)) != MENURA_END_COUNT)
            return end;
        if (atomic_load(&m->console.quit))
            return MENURA_END_QUIT;
        end = m->stepped;
        m->stepped = MENURA_END_COUNT;
        if (ends_run(m, &end))
            return end;
        done = machine_instructions(m->machine);
        if (done >= target)
            return target == m->options->max_instructions ? MENURA_END_INSTRUCTIONS
                                                          : MENURA_END_COUNT;
        if (library_time_is_over(m))
            return MENURA_END_SECONDS;
        if (!m->running) {
            if (!m->script)
                wait_for_command(m);
            continue;
        }
        why = machine_run(m->machine, slice(m, target - done));
        if (library_gdb_takes(m, why))
            continue;
        end = library_end(why);
        if (ends_run(m, &end))
            return end;
        watch_input(m);
    }
}

enum menura_end menura_run(struct menura *m, uint64_t instructions)
{
    enum menura_end end = run(m, instructions);

    library_gdb_ended(m, end);
    return end;
}
