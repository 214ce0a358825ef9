/* fw_cfg.h - what QEMU-aware firmware and kernels ask about their machine.
 *
 * Items are added by the board after device_start() and before the guest runs; their
 * bytes are copied. They are configuration, not state: no snapshot holds them.
 */
#ifndef DEVICES_FW_CFG_H
#define DEVICES_FW_CFG_H

#include "base/device.h"

extern const struct device_class fw_cfg_class;

/* Keys (QEMU docs/specs/fw_cfg). Items with a name get theirs by themselves. */
enum {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_CPUS = 0x05,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_DIRECTORY = 0x19,
    FW_CFG_FILES = 0x20, /* the first key of an item with a name */
};

/* False when there is no room (128 items), no host memory, or name has more than 55
 * bytes; a name or key given before gets the new bytes. The directory is sorted by
 * name. */
bool fw_cfg_add_file(struct device *d, const char *name, const void *bytes,
                     uint32_t size);
bool fw_cfg_add_bytes(struct device *d, uint16_t key, const void *bytes, uint32_t size);
bool fw_cfg_add_u16(struct device *d, uint16_t key, uint16_t v);
bool fw_cfg_add_u32(struct device *d, uint16_t key, uint32_t v);
bool fw_cfg_add_u64(struct device *d, uint16_t key, uint64_t v);

/* The guest may write this file, by DMA: from its beginning, at most its size. The bytes go
 * to written(owner, bytes, n), which says whether they are good. */
void fw_cfg_on_write(struct device *d, const char *name,
                     bool (*written)(void *owner, const uint8_t *bytes, uint32_t n),
                     void *owner);

/* renew(owner) is called each time before the guest gets bytes of an item: the board may
 * give items new bytes of the same size, which follow from the machine's state alone. */
void fw_cfg_before_reads(struct device *d, void (*renew)(void *owner), void *owner);

#endif
