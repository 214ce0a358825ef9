/* dma.h - the ISA DMA controllers, as devices on the ISA bus use them. */
#ifndef CHIPSET_DMA_H
#define CHIPSET_DMA_H

#include "base/device.h"

extern const struct device_class dma_class;

/* As the mode register counts: "write" is from the device to memory. */
enum dma_kind { DMA_VERIFY, DMA_TO_MEMORY, DMA_FROM_MEMORY };

/* Holds or drops DREQ of a channel (0-3 bytes, 5-7 words): seen in the status. */
void dma_request(struct device *dma, unsigned channel, bool level);

/* Would a request be granted: controller enabled, channel unmasked, this kind of mode?
 */
bool dma_ready(const struct device *dma, unsigned channel, enum dma_kind kind);

/* Moves up to n bytes (whole words on channels 5-7) between `buffer` and memory and
 * says how many. It ends early at terminal count, which sets *tc; without
 * autoinitialization the channel is masked then. 0 when the channel is not ready.
 * Memory that is not RAM reads as FFh and takes nothing; the count runs on. DMA_VERIFY
 * moves no bytes. */
size_t dma_transfer(struct device *dma, unsigned channel, enum dma_kind kind,
                    void *buffer, size_t n, bool *tc);

/* What firmware does: the first controller asks for the bus through channel 4 of the
 * second. Without that no byte channel moves anything. For machines that start a kernel
 * without firmware, after each reset. */
void dma_set_up(struct device *dma);

/* The last byte written to port 80h. */
uint8_t dma_post_code(const struct device *dma);

#endif
