/* bus_master.h - the seam between an IDE channel and the bus master that serves it.
 *
 * The drive's side (devices/ide.h) asks for its bytes to be moved; the function's side
 * (chipset/piix3_ide.h) walks its table in guest memory. Everything else between the
 * two is wires: the channel's "irq" goes through the function, whose "run" pin tells
 * the channel whether moving is worth trying, and whose "off" pin takes its ports away.
 */
#ifndef CHIPSET_BUS_MASTER_H
#define CHIPSET_BUS_MASTER_H

#include "base/types.h"

struct bus_master {
    void *owner;
    unsigned channel;
    /* Moves up to n bytes between the drive's buffer and guest memory, and says how
     * many: fewer when the table ended, memory refused, the direction is another one
     * (all of which take "run" away) or enough was done for one step ("run" stays high:
     * ask again a little later). */
    size_t (*move)(void *owner, unsigned channel, bool to_memory, uint8_t *bytes,
                   size_t n);
};

#endif
