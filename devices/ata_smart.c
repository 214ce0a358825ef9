/* ata_smart.c - SMART: the disk's opinion of itself (ATA/ATAPI-6, 8.41).
 *
 * The one attribute that can change is the count of sectors that the host's file
 * refused. RETURN STATUS reports a failing disk once a flush has failed, for then data
 * is lost.
 */
#include "base/byteorder.h"
#include "devices/ata.h"

enum {
    READ_DATA = 0xd0,
    READ_THRESHOLDS = 0xd1,
    AUTOSAVE = 0xd2,
    SAVE_ATTRIBUTES = 0xd3,
    EXECUTE_OFFLINE = 0xd4,
    READ_LOG = 0xd5,
    ENABLE = 0xd8,
    DISABLE = 0xd9,
    RETURN_STATUS = 0xda,
};
enum { KEY_MID = 0x4f, KEY_HIGH = 0xc2, FAILING_MID = 0xf4, FAILING_HIGH = 0x2c };
enum { LOG_DIRECTORY = 0, LOG_ERRORS = 1, LOG_SELF_TESTS = 6 };

/* Attributes: identifier, flags (pre-failure, online), and the least good value. */
static const struct attribute {
    uint8_t id, flags, threshold;
} attributes[] = {{1, 3, 50}, {5, 3, 36},  {9, 2, 0},
                  {12, 2, 0}, {194, 2, 0}, {197, 2, 0}};

static void data(const struct ata_drive *d, uint8_t *b)
{
    memset(b, 0, SECTOR);
    store16(b, 0x10);
    for (unsigned i = 0; i < ARRAY_SIZE(attributes); i++) {
        uint8_t *row = b + 2 + 12 * i;
        bool counts = attributes[i].id == 1 || attributes[i].id == 197;

        row[0] = attributes[i].id;
        row[1] = attributes[i].flags;
        row[3] = row[4] = 100;
        if (counts) {
            store32(row + 5, d->hd.faults);
            row[3] = row[4] = (uint8_t)(d->hd.faults < 99 ? 100 - d->hd.faults : 1);
        }
    }
    b[362] = 0x82;       /* off-line data collection: done */
    b[363] = 0;          /* self-test: passed, or none */
    b[367] = 0x11;       /* can collect off-line, and test itself */
    store16(b + 368, 3); /* saves attributes */
    b[370] = 1;          /* has an error log */
    b[372] = b[373] = 1; /* minutes of the short and the extended test */
    ata_checksum(b, b[SECTOR - 2]);
}

static void thresholds(uint8_t *b)
{
    memset(b, 0, SECTOR);
    store16(b, 0x10);
    for (unsigned i = 0; i < ARRAY_SIZE(attributes); i++) {
        b[2 + 12 * i] = attributes[i].id;
        b[3 + 12 * i] = attributes[i].threshold;
    }
    ata_checksum(b, 0);
}

static void log_page(const struct ata_drive *d, uint8_t address, uint8_t *b)
{
    memset(b, 0, SECTOR);
    b[0] = 1; /* version */
    switch (address) {
    case LOG_DIRECTORY:
        b[2 * LOG_ERRORS] = b[2 * LOG_SELF_TESTS] = 1; /* one sector each */
        return;                                        /* which has no checksum */
    case LOG_ERRORS:
        store16(b + 452, (uint16_t)(d->hd.faults < 0xffff ? d->hd.faults : 0xffff));
        break;
    default:
        if (d->hd.self_test) {
            b[2] = d->hd.self_test; /* LBA Low of the command; status 0: no error */
            b[508] = 1;
        }
        break;
    }
    ata_checksum(b, b[SECTOR - 2]);
}

static bool has_log(const struct ata_drive *d)
{
    return d->count[0] == 1 && (d->low[0] == LOG_DIRECTORY || d->low[0] == LOG_ERRORS ||
                                d->low[0] == LOG_SELF_TESTS);
}

/* EXECUTE OFF-LINE IMMEDIATE: subcommand in LBA Low. Nothing is there to wear out: each
 * test is over at once and found nothing. */
static bool offline(struct ata_drive *d)
{
    switch (d->low[0]) {
    case 0x00: /* off-line routine */
    case 0x7f: /* abort */ return true;
    case 0x01: /* short, extended; in captive mode with bit 7 */
    case 0x02:
    case 0x81:
    case 0x82: d->hd.self_test = d->low[0]; return true;
    default: return false;
    }
}

static bool autosave(struct ata_drive *d)
{
    if (d->count[0] != 0 && d->count[0] != 0xf1)
        return false;
    d->hd.smart_saves = d->count[0] != 0;
    return true;
}

/* Carries out what has no data; false for what is refused. */
static bool control(struct ata_drive *d)
{
    switch (d->feature[0]) {
    case AUTOSAVE: return autosave(d);
    case SAVE_ATTRIBUTES: return true;
    case EXECUTE_OFFLINE: return offline(d);
    case ENABLE: d->hd.smart = true; return true;
    case DISABLE: d->hd.smart = false; return true;
    case RETURN_STATUS:
        d->mid[0] = d->sync_failed ? FAILING_MID : KEY_MID;
        d->high[0] = d->sync_failed ? FAILING_HIGH : KEY_HIGH;
        return true;
    default: return false;
    }
}

void ata_smart(struct ata_drive *d)
{
    bool known = d->mid[0] == KEY_MID && d->high[0] == KEY_HIGH;

    if (!known || (!d->hd.smart && d->feature[0] != ENABLE)) {
        ata_fail(d, ER_ABRT);
        return;
    }
    switch (d->feature[0]) {
    case READ_DATA: data(d, d->buffer.bytes); break;
    case READ_THRESHOLDS: thresholds(d->buffer.bytes); break;
    case READ_LOG:
        if (!has_log(d)) {
            ata_fail(d, ER_ABRT);
            return;
        }
        log_page(d, d->low[0], d->buffer.bytes);
        break;
    default:
        if (control(d))
            ata_done(d, true);
        else
            ata_fail(d, ER_ABRT);
        return;
    }
    ata_disk_answer(d);
}
