/* ata.h - an ATA drive as its channel sees it, and what disks and CD-ROMs share.
 *
 * A drive has its own copy of the command block registers, one transfer, and one timer.
 * What it does next is its phase:
 *
 *     IDLE   no command
 *     GIVEN  BSY; the timer is armed, and then the kind's execute() looks at the
 * command BUSY   BSY; the timer is armed, and then the kind's resume() goes on IN DRQ:
 * bytes [at, end) of the buffer go to the host OUT    DRQ: bytes [at, end) of the
 * buffer come from the host
 *
 * IN and OUT move through the data port, or with `dma` through the bus master (then BSY
 * and the timer show that it is at it). When at reaches end, the kind's block_done()
 * decides. While BSY is set the registers cannot be written (ATA/ATAPI-6, 5.2.9): a
 * command's parameters stay what they were when it was given. What resume() and
 * block_done() need later is kept in rows of their own.
 */
#ifndef DEVICES_ATA_H
#define DEVICES_ATA_H

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/state.h"
#include "chipset/bus_master.h"

enum {
    SECTOR = 512,
    CD_SECTOR = 2048,
    BUFFER = 128 << 10, /* the largest piece that moves at once */
    MULTIPLE_MAX = 16,  /* sectors in a block of READ MULTIPLE */
    PACKET = 12,
};

enum ata_status {
    ST_ERR = 1 << 0, /* CHK of packet commands */
    ST_DRQ = 1 << 3,
    ST_DSC = 1 << 4,
    ST_DF = 1 << 5,
    ST_DRDY = 1 << 6,
    ST_BSY = 1 << 7,
};
enum ata_error {
    ER_ABRT = 1 << 2,
    ER_IDNF = 1 << 4,
    ER_UNC = 1 << 6,
};
enum { DEV_DEV = 1 << 4, DEV_LBA = 1 << 6, DEV_OBSOLETE = 0xa0 };

enum ata_phase { ATA_IDLE, ATA_GIVEN, ATA_BUSY, ATA_IN, ATA_OUT, ATA_PHASES };
enum ata_power { ATA_ACTIVE, ATA_STANDBY, ATA_SLEEP };

/* Virtual latencies. Real drives take milliseconds to seek; these are short so that
 * guests boot fast, but not zero: a driver must see BSY and take its interrupt later.
 */
enum {
    ATA_COMMAND_NS = 20000, /* a command that touches the medium */
    ATA_CONTROL_NS = 4000,  /* one that does not */
    ATA_SECTOR_NS = 125,    /* each 512 bytes: 4 GB/s, as a file in the host's memory */
    ATA_STEP_NS = 1000,     /* the bus master was started, or goes on */
    ATA_RESET_NS = 200000,  /* after SRST and power-on; the standard allows 31 s */
};

/* Registers with a "previous content" hold it at index 1 (48-bit addresses). */
#define ATA_STATE(_, x)                                                                \
    _(x, uint8_t, feature, 0, 0xff, "Features, written last and before", 2)            \
    _(x, uint8_t, count, 1, 0xff, "Sector Count", 2)                                   \
    _(x, uint8_t, low, 1, 0xff, "LBA Low", 2)                                          \
    _(x, uint8_t, mid, 0, 0xff, "LBA Mid", 2)                                          \
    _(x, uint8_t, high, 0, 0xff, "LBA High", 2)                                        \
    _(x, uint8_t, device, 0, 0xff, "Device")                                           \
    _(x, uint8_t, command, 0, 0xff, "the command that is carried out")                 \
    _(x, uint8_t, status, 0, 0xff, "Status")                                           \
    _(x, uint8_t, error, 1, 0xff, "Error; 1 after reset: no fault found")              \
    _(x, bool, intrq, false, 1, "the drive wants an interrupt")                        \
    _(x, uint8_t, phase, ATA_IDLE, ATA_PHASES - 1, "enum ata_phase")                   \
    _(x, bool, resetting, false, 1, "a reset goes on; the timer ends it")              \
    _(x, bool, dma, false, 1, "the bus master moves the bytes")                        \
    _(x, uint32_t, at, 0, BUFFER, "next byte of the buffer")                           \
    _(x, uint32_t, end, 0, BUFFER, "end of the block in the buffer")                   \
    _(x, uint8_t, transfer_mode, 0x0c, 0xff, "set by SET FEATURES 03h")                \
    _(x, uint8_t, power, ATA_ACTIVE, ATA_SLEEP, "enum ata_power")

/* What only a hard disk remembers (ata_disk.c). */
#define ATA_DISK_STATE(_, x)                                                           \
    _(x, uint64_t, lba, 0, UINT64_MAX, "next sector of the transfer")                  \
    _(x, uint32_t, left, 0, 0x10000, "sectors of it still to go")                      \
    _(x, uint16_t, block, 1, BUFFER / SECTOR, "sectors in a block of it")              \
    _(x, uint8_t, work, 0, 4, "enum work: what goes on")                               \
    _(x, bool, wide, false, 1, "it has a 48-bit address")                              \
    _(x, bool, cached, true, 1, "write cache on")                                      \
    _(x, bool, look_ahead, true, 1, "read look-ahead on")                              \
    _(x, bool, keep, false, 1, "a soft reset keeps settings (SET FEATURES 66h)")       \
    _(x, uint8_t, multiple, 0, MULTIPLE_MAX, "SET MULTIPLE MODE; 0 off")               \
    _(x, uint16_t, cylinders, 0, 0xffff, "current geometry")                           \
    _(x, uint8_t, heads, 16, 16, "current geometry")                                   \
    _(x, uint8_t, sectors, 63, 255, "current geometry")                                \
    _(x, bool, smart, true, 1, "SMART on")                                             \
    _(x, bool, smart_saves, true, 1, "SMART attribute autosave")                       \
    _(x, uint8_t, self_test, 0, 0xff, "SMART self-test that ran last; 0 none")         \
    _(x, uint32_t, faults, 0, UINT32_MAX, "sectors the host could not read or write")

struct ata_disk {
    ATA_DISK_STATE(STATE_MEMBER, )
};

/* Additional sense codes (MMC-3, annex B). */
enum {
    ASC_NONE = 0x00,
    ASC_UNREADABLE = 0x11,
    ASC_OPCODE = 0x20,
    ASC_RANGE = 0x21,
    ASC_FIELD = 0x24,
    ASC_CHANGED = 0x28,
    ASC_RESET = 0x29,
    ASC_WRONG_MEDIUM = 0x30,
    ASC_NOT_SAVED = 0x39,
    ASC_NO_MEDIUM = 0x3a,
    ASC_LOCKED = 0x53,
    ASC_TRACK_MODE = 0x64,
};
enum { EVENT_NONE, EVENT_EJECT, EVENT_NEW, EVENT_REMOVED };

/* What only a CD-ROM remembers (atapi.c). */
#define ATAPI_STATE(_, x)                                                              \
    _(x, uint8_t, packet, 0, 0xff, "the command packet", PACKET)                       \
    _(x, uint64_t, from, 0, UINT64_MAX, "next byte of the medium to be transferred")   \
    _(x, uint64_t, left, 0, UINT64_MAX, "bytes still to go, this block's too")         \
    _(x, bool, medium, false, 1, "they are the medium's, not an answer")               \
    _(x, uint16_t, limit, 2, 0xffff, "byte count limit")                               \
    _(x, uint8_t, step, 0, 4, "enum step: what resume() does")                         \
    _(x, bool, wants_dma, false, 1, "Features bit 0 when PACKET came")                 \
    _(x, uint8_t, key, 0, 15, "sense key")                                             \
    _(x, uint8_t, asc, 0, 0xff, "additional sense code")                               \
    _(x, uint8_t, ascq, 0, 0xff, "and its qualifier")                                  \
    _(x, uint8_t, attention, ASC_RESET, 0xff, "ASC of a unit attention; 0 none")       \
    _(x, uint8_t, event, 0, 4, "media event not yet told (MMC-3, 6.7.2.5)")            \
    _(x, bool, open, false, 1, "the tray is out")                                      \
    _(x, bool, locked, false, 1, "PREVENT ALLOW MEDIUM REMOVAL")

struct atapi {
    ATAPI_STATE(STATE_MEMBER, )
};

struct ata_drive;

/* The two kinds of drives. */
struct ata_kind {
    /* The registers after a reset (signature, status); hard: power-on. */
    void (*reset)(struct ata_drive *d, bool hard);
    void (*execute)(struct ata_drive *d);    /* d->command, its latency over */
    void (*resume)(struct ata_drive *d);     /* the latency of what follows is over */
    void (*block_done)(struct ata_drive *d); /* at has reached end */
    uint32_t (*latency)(const struct ata_drive *d); /* of d->command, in ns */
};

extern const struct ata_kind ata_disk_kind, atapi_kind;

struct ata_drive {
    ATA_STATE(STATE_MEMBER, )
    struct ata_disk hd;
    struct atapi cd;
    struct bulk buffer; /* BUFFER bytes */
    struct timer timer;
    /* Wiring. */
    const struct ata_kind *kind; /* NULL: no drive */
    struct disk *disk;           /* NULL: no medium */
    uint8_t number;              /* 0 or 1 */
    char serial[21];
    void *channel; /* the struct ide it hangs on */
    struct clock *clock;
    struct log *log;
    const struct bus_master *master; /* NULL: no DMA */
    bool run;         /* the bus master is started (set by the channel) */
    bool sync_failed; /* the host could not flush: nothing is promised any more */
};

extern const struct field ata_drive_fields[];
extern const struct field ata_disk_fields[];
extern const struct field atapi_fields[];

bool ata_valid(const struct ata_drive *d, struct error *e);

/* BSY now, and resume() after ns. */
void ata_busy(struct ata_drive *d, uint64_t ns);

/* The command is over: DRDY, no error; with or without an interrupt. */
void ata_done(struct ata_drive *d, bool interrupt);

/* The command is over with ERR; error goes into the Error register. */
void ata_fail(struct ata_drive *d, uint8_t error);

/* Offers the buffer's bytes [0, n) to the host, or asks for them; n not 0, at most
 * BUFFER. interrupt: INTRQ with DRQ (never for DMA). */
void ata_offer(struct ata_drive *d, uint32_t n, bool dma, bool interrupt);
void ata_want(struct ata_drive *d, uint32_t n, bool dma, bool interrupt);

/* The data port: size is 1, 2 or 4 bytes. Nothing moves without DRQ. */
uint32_t ata_data_read(struct ata_drive *d, unsigned size);
void ata_data_write(struct ata_drive *d, unsigned size, uint32_t value);

/* The timer of the drive; the bus master has been started; the Command register. */
void ata_due(struct ata_drive *d);
void ata_run(struct ata_drive *d);
void ata_command(struct ata_drive *d, uint8_t command);

/* Ends whatever goes on: reset, or a new command. */
void ata_stop(struct ata_drive *d);
/* A reset begins: BSY until ATA_RESET_NS after ata_release(). */
void ata_hold(struct ata_drive *d);
void ata_release(struct ata_drive *d);

/* The signature that tells disks from packet devices (ATA/ATAPI-6, 9.12). */
void ata_signature(struct ata_drive *d, bool packet);

/* IDENTIFY's words: n words of text, padded with spaces, first character high. */
void ata_text(uint8_t *block, unsigned word, unsigned words, const char *text);
static inline void ata_word(uint8_t *block, unsigned word, uint16_t v)
{
    block[2 * word] = (uint8_t)v;
    block[2 * word + 1] = (uint8_t)(v >> 8);
}
/* Words 49 to 88 that both kinds share: transfer modes; and the checksum in word 255.
 */
void ata_identify_modes(const struct ata_drive *d, uint8_t *block);
void ata_checksum(uint8_t *block, uint8_t signature);

/* SET FEATURES 03h: false for a mode the drive does not have. */
bool ata_set_mode(struct ata_drive *d, uint8_t mode);

/* Commands that both kinds have: power modes. False: another command. */
bool ata_power_command(struct ata_drive *d);

/* EXECUTE DEVICE DIAGNOSTIC: no fault found; drive 0 interrupts for both. */
void ata_diagnose(struct ata_drive *d);

uint64_t ata_disk_size(const struct ata_drive *d); /* sectors */
/* ata_disk.c: the command ends with these 512 bytes of the buffer, by PIO. */
void ata_disk_answer(struct ata_drive *d);
/* ata_smart.c: command B0h. */
void ata_smart(struct ata_drive *d);
/* ata_identify.c: EC and A1, to SECTOR bytes. */
void ata_disk_identify(const struct ata_drive *d, uint8_t *block);
void atapi_identify(const struct ata_drive *d, uint8_t *block);

/* atapi_reply.c: what packet commands answer of themselves. Fills the buffer; false:
 * the packet asks for what is not there, and *asc says which kind of wrong. *n is cut
 * by the packet's allocation length, and may be 0. */
bool atapi_reply(struct ata_drive *d, uint32_t *n, uint8_t *asc);
bool atapi_ready(const struct ata_drive *d);       /* a medium is in, the tray closed */
uint32_t atapi_sectors(const struct ata_drive *d); /* on the medium */
static inline uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
/* The drive's medium was changed or taken away (ide_change). */
void atapi_changed(struct ata_drive *d, struct disk *disk);

#endif
