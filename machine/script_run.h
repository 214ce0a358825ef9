/* script_run.h - obeys a script while the machine runs.
 *
 * Every wait is looked at by a timer in the guest's time, and COM1 is watched where the
 * port gives its bytes away, so a script on one machine ends at the same instruction on
 * every host. Called by the thread that runs the machine.
 */
#ifndef MACHINE_SCRIPT_RUN_H
#define MACHINE_SCRIPT_RUN_H

#include "machine/library.h"
#include "machine/script.h"

struct script_run;

/* print hears what the script prints, line by line; NULL: standard output. NULL: the
 * host has no memory. */
struct script_run *script_run_new(struct menura *m, const struct script *s,
                                  void (*print)(void *to, const char *line), void *to);
void script_run_free(struct script_run *r); /* before the machine; NULL is harmless */

/* Before the machine is made: what COM1 is to be plugged into, in place of `other`.
 * From then on its input is the script's alone, or it would depend on the host. shared:
 * other is standard output. */
struct chardev *script_run_port(struct script_run *r, struct chardev *other,
                                bool shared);
/* Once it is made. */
void script_run_start(struct script_run *r);

/* Between instructions: obeys what is to be done now. MENURA_END_COUNT: the machine is
 * to run on. */
enum menura_end script_run_go(struct script_run *r);
/* The guest ended the run: what that means. Not for MENURA_END_COUNT. */
enum menura_end script_run_ended(struct script_run *r, enum menura_end end);

/* The exit code of MENURA_END_SCRIPT. */
int script_run_code(const struct script_run *r);

#endif
