/* machine.h - a whole PC: made from a configuration, run, saved, thrown away.
 *
 * The conductor (machine.c) gives the CPUs their turns and the clock its timers; the
 * board (board_pc.c) wires the chips. A struct machine shares nothing with another one.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "base/chardev.h"
#include "base/device.h"
#include "base/error.h"
#include "base/screen.h"
#include "cpu/cpu.h"
#include "cpu/model.h"
#include "host/image.h"
#include "mmu/phys.h"

enum {
    MACHINE_CPUS = 64,
    MACHINE_SERIALS = 2,
    MACHINE_IDE = 4,
    MACHINE_FLOPPIES = 2,
    MACHINE_PFLASH = 2,
    MACHINE_DRIVES = MACHINE_IDE + MACHINE_FLOPPIES + MACHINE_PFLASH,
};

enum drive_interface { DRIVE_IDE, DRIVE_FLOPPY, DRIVE_PFLASH };

/* A drive and its medium. */
struct drive_config {
    enum drive_interface interface;
    unsigned index; /* IDE: 2 * channel + unit */
    const char *id; /* what the user calls it; NULL: by its place */
    bool cdrom;
    const char *file;   /* NULL: a drive without medium */
    const char *format; /* NULL: found by content */
    bool read_only, snapshot;
    enum image_cache cache;
};

struct machine_config {
    uint64_t ram;          /* bytes, 1 MiB to 1 TiB, a multiple of 4 KiB */
    unsigned cpus;         /* 1 to MACHINE_CPUS */
    const char *cpu;       /* model text for cpu_model_parse() */
    const char *kernel, *initrd, *append; /* files, or NULL */
    const char *bios; /* firmware's file, or its name in a folder; NULL: see firmware */
    bool firmware;    /* without file and flash: Menura's own BIOS */
    const char *firmware_folder; /* looked into first; NULL: none */
    struct drive_config drive[MACHINE_DRIVES];
    unsigned drives;
    bool snapshot;      /* of every drive */
    char boot_order[8]; /* of "acdn"; empty: standard */
    bool boot_menu;
    bool vga;           /* the standard VGA is in its slot */
    unsigned vga_mb;    /* of video memory: a power of two, 1 to 64; 0: 16 */
    unsigned vga_width, vga_height; /* that its monitor prefers; 0: 1024, 768 */
    bool vga_no_edid;   /* it has no monitor that says anything */
    const char *vgabios; /* its ROM's file, or name; NULL: Menura's own */
    uint32_t ips;          /* ticks per virtual second */
    uint32_t tsc_hz;
    uint64_t seed;         /* RDRAND and all that is random */
    int64_t rtc_base;      /* seconds since 1970-01-01 UTC shown by the RTC at power-on */
    struct chardev *serial[MACHINE_SERIALS]; /* NULL: nothing plugged in */
    struct chardev *debugcon;                /* NULL: not there */
    uint16_t debugcon_port;                  /* 0: E9h */
    bool debug_exit;       /* isa-debug-exit present */
    uint16_t debug_exit_port;
    uint8_t debug_exit_size;
    bool no_reboot, no_shutdown;
    bool paced;          /* idle time follows the host's clock */
    bool wait_for_ever;  /* a machine halted for ever goes on waiting (a monitor is there) */
    unsigned small_tlb;    /* tests: at most this many first-level entries; 0 off */
    bool one_instruction_blocks;
    uint64_t drop_caches;  /* tests: seed for dropping derived caches at random; 0 off */
    bool trace_exec, trace_in_asm, trace_cpu, trace_int; /* -d */
    struct log log;        /* copied */
    /* Text of -d traces, line by line; NULL drops it. */
    void (*trace_line)(void *to, const char *line);
    void *trace_to;
    /* Told at each triple fault, before the reset: c->faults has the chain. */
    void (*told_triple_fault)(void *trace_to, struct cpu *c);
    /* Told after each reset, between instructions: a guest that resets in a loop takes
     * much of the host's time and hardly any ticks. It may call machine_stop(). */
    void (*told_reset)(void *trace_to);
};

enum machine_end {
    END_NONE,
    END_TICKS,        /* machine_run()'s limit was reached */
    END_POWER_OFF,    /* the guest switched the machine off */
    END_DEBUG_EXIT,   /* isa-debug-exit: m->exit_value */
    END_TRIPLE_FAULT, /* with no_reboot */
    END_RESET,        /* the guest asked for a reset, with no_reboot */
    END_STOPPED,      /* machine_stop() */
    END_IDLE_FOREVER, /* every CPU halted, no timer armed, no input possible */
    END_POINT,        /* a debugger's point or step: machine_stopped_cpu() */
};

struct machine;

struct machine *machine_new(const struct machine_config *config, struct error *e);
void machine_free(struct machine *m);

/* Runs until something ends it, at most `ticks` ticks more. */
enum machine_end machine_run(struct machine *m, uint64_t ticks);

/* From another thread or a signal handler: machine_run() returns soon. */
void machine_stop(struct machine *m);

/* From any thread: work for the machine's thread, done between instructions. */
void machine_kick(struct machine *m);

/* For a debugger (cpu/points.h), between runs. A held CPU gets no turns: the others run
 * without it. The CPU whose stop ended machine_run() with END_POINT. */
void machine_hold(struct machine *m, unsigned n, bool held);
struct cpu *machine_stopped_cpu(struct machine *m);

uint64_t machine_instructions(const struct machine *m); /* retired, all CPUs */
uint64_t machine_hash(struct machine *m);               /* RAM, registers, devices */
uint32_t machine_exit_value(const struct machine *m);

bool machine_save(struct machine *m, const char *file, struct error *e);
bool machine_load(struct machine *m, const char *file, struct error *e);

unsigned machine_cpu_count(const struct machine *m);
struct cpu *machine_cpu(struct machine *m, unsigned n);
struct device *machine_device(struct machine *m, unsigned n); /* NULL past the end */
struct clock *machine_clock(struct machine *m);
struct phys *machine_phys(struct machine *m);
const struct screen *machine_screen(struct machine *m); /* NULL: no graphics card */
struct device *machine_keyboard(struct machine *m);
struct device *machine_mouse(struct machine *m);

#endif
