/* cp437.h - the PC's character set as a screen shows it. */
#ifndef BASE_CP437_H
#define BASE_CP437_H

#include "base/types.h"

/* The character as UTF-8 with a final zero; returns its bytes, 1 to 3. Codes 00h to 1Fh
 * and 7Fh are the pictures that text modes show; 00h is a blank. */
unsigned cp437_utf8(uint8_t code, char to[4]);

#endif
