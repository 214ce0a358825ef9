/* image_unpack.h - compressed pieces of images: zlib and zstd, where they were built
 * in. */
#ifndef HOST_IMAGE_UNPACK_H
#define HOST_IMAGE_UNPACK_H

#include "base/types.h"

enum unpack {
    UNPACK_DEFLATE, /* RFC 1951: qcow2 */
    UNPACK_ZLIB,    /* RFC 1950: VMDK */
    UNPACK_ZSTD,
};

bool image_can_unpack(enum unpack how);
/* Exactly `room` bytes must come out; what follows them in `from` is ignored. */
bool image_unpack(enum unpack how, const uint8_t *from, size_t n, uint8_t *to,
                  size_t room);

#endif
