/* png.h - a picture as a PNG file: for people, tests and bug reports. */
#ifndef HOST_PNG_H
#define HOST_PNG_H

#include "base/error.h"
#include "base/screen.h"

/* The file's bytes (free() them). Compressed where the build has zlib. False with e
 * filled: the picture is empty, or the host has no memory. */
bool png_encode(const struct picture *p, uint8_t **bytes, uint64_t *size,
                struct error *e);

/* Writes or replaces a file. */
bool png_write(const char *path, const struct picture *p, struct error *e);

#endif
