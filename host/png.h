/* png.h - pictures as files. */
#ifndef HOST_PNG_H
#define HOST_PNG_H

#include "base/error.h"
#include "base/screen.h"

/* Replaces a file, atomically, by p as a PNG (8-bit RGB). */
bool png_write(const char *file, const struct picture *p, struct error *e);

#endif
