/* image_unpack.c - compressed pieces of images. */
#include "host/image_unpack.h"

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

bool image_can_unpack(enum unpack how)
{
#ifndef HAVE_ZLIB
    if (how != UNPACK_ZSTD)
        return false;
#endif
#ifndef HAVE_ZSTD
    if (how == UNPACK_ZSTD)
        return false;
#endif
    (void)how;
    return true;
}

#ifdef HAVE_ZLIB
static bool inflate_all(int window, const uint8_t *from, size_t n, uint8_t *to,
                        size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)from,
                  .avail_in = (uInt)n,
                  .next_out = to,
                  .avail_out = (uInt)room};
    bool good;

    if (n > UINT32_MAX || room > UINT32_MAX || inflateInit2(&z, window) != Z_OK)
        return false;
    inflate(&z, Z_FINISH); /* Z_BUF_ERROR when other bytes follow: the count decides */
    good = z.avail_out == 0;
    inflateEnd(&z);
    return good;
}
#endif

#ifdef HAVE_ZSTD
/* By the stream interface: the frame's end is not known beforehand. */
static bool zstd_all(const uint8_t *from, size_t n, uint8_t *to, size_t room)
{
    ZSTD_DStream *s = ZSTD_createDStream();
    ZSTD_inBuffer in = {from, n, 0};
    ZSTD_outBuffer out = {to, room, 0};

    while (s && out.pos < out.size) {
        size_t in_before = in.pos, out_before = out.pos;
        size_t result = ZSTD_decompressStream(s, &out, &in);
        if (ZSTD_isError(result) || (in.pos == in_before && out.pos == out_before))
            break;
    }
    ZSTD_freeDStream(s);
    return s && out.pos == out.size;
}
#endif

bool image_unpack(enum unpack how, const uint8_t *from, size_t n, uint8_t *to,
                  size_t room)
{
    switch (how) {
#ifdef HAVE_ZLIB
    case UNPACK_DEFLATE: return inflate_all(-15, from, n, to, room);
    case UNPACK_ZLIB: return inflate_all(15, from, n, to, room);
#endif
#ifdef HAVE_ZSTD
    case UNPACK_ZSTD: return zstd_all(from, n, to, room);
#endif
    default: (void)from, (void)n, (void)to, (void)room; return false;
    }
}
