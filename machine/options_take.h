/* options_take.h - what the values of options mean: the functions named in options.def.
 */
#ifndef MACHINE_OPTIONS_TAKE_H
#define MACHINE_OPTIONS_TAKE_H

#include "machine/options.h"

#define TAKE(name)                                                                     \
    bool take_##name(struct options *o, enum option_id id, const char *value,          \
                     struct error *e);
TAKE(L)
TAKE(append)
TAKE(bios)
TAKE(boot)
TAKE(cdrom)
TAKE(config)
TAKE(cpu)
TAKE(d)
TAKE(debugcon)
TAKE(device)
TAKE(display)
TAKE(drive)
TAKE(drop_caches)
TAKE(exit_zero)
TAKE(fda)
TAKE(flag)
TAKE(gdb)
TAKE(gdb_standard)
TAKE(global)
TAKE(hda)
TAKE(help)
TAKE(ignored)
TAKE(initrd)
TAKE(ips)
TAKE(kernel)
TAKE(later)
TAKE(m)
TAKE(machine)
TAKE(max_instructions)
TAKE(max_seconds)
TAKE(monitor)
TAKE(net)
TAKE(no_reboot)
TAKE(no_shutdown)
TAKE(one_instruction_blocks)
TAKE(page)
TAKE(pflash)
TAKE(quietly)
TAKE(rtc)
TAKE(script)
TAKE(seed)
TAKE(serial)
TAKE(small_tlb)
TAKE(smp)
TAKE(snapshot)
TAKE(text)
TAKE(time)
TAKE(tsc_hz)
TAKE(uuid)
TAKE(version)
TAKE(vga)
TAKE(vgabios)
#undef TAKE

/* A file named without option: a kernel, or a disk of the kind its content or size
 * tells. */
bool options_file(struct options *o, const char *file, struct error *e);

#endif
