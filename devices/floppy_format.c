/* floppy_format.c - the formats of PC floppy disks, double to extra-high density.
 *
 * Double density is written at 250 kbit/s, which a 1.2M drive, turning faster, reads at
 * 300 kbit/s; both are taken from any drive.
 */
#include "devices/floppy_format.h"

enum { RATE_500 = 1 << 0, RATE_300 = 1 << 1, RATE_250 = 1 << 2, RATE_1000 = 1 << 3 };
enum { DOUBLE = RATE_250 | RATE_300 };
enum { TYPE_360K = 1, TYPE_1200K = 2, TYPE_1440K = 4, TYPE_2880K = 5 };

static const struct floppy_format formats[] = {
    {160, 40, 1, 8, TYPE_360K, DOUBLE},
    {180, 40, 1, 9, TYPE_360K, DOUBLE},
    {320, 40, 2, 8, TYPE_360K, DOUBLE},
    {360, 40, 2, 9, TYPE_360K, DOUBLE},
    {720, 80, 2, 9, TYPE_1440K, DOUBLE},
    {1200, 80, 2, 15, TYPE_1200K, RATE_500},
    {1440, 80, 2, 18, TYPE_1440K, RATE_500},
    {1680, 80, 2, 21, TYPE_1440K, RATE_500}, /* DMF and other tight ones */
    {1722, 82, 2, 21, TYPE_1440K, RATE_500},
    {2880, 80, 2, 36, TYPE_2880K, RATE_1000},
};

const struct floppy_format *floppy_format_of(const struct disk *disk)
{
    if (!disk || !disk->size)
        return NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
        if (disk->size == (uint64_t)formats[i].kib * 1024)
            return &formats[i];
    for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
        if (disk->size < (uint64_t)formats[i].kib * 1024 &&
            (formats[i].kib == 1440 || formats[i].kib == 2880))
            return &formats[i];
    return NULL;
}
