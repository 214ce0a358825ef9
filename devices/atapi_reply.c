/* atapi_reply.c - what a CD-ROM drive tells of itself and of its medium.
 *
 * MMC-3 (T10 1363D), chapter 6; SPC-2 for INQUIRY and sense data; SFF-8020i for the
 * older place of READ TOC's format. Numbers are big-endian.
 */
#include "devices/ata.h"

#include <string.h>

enum { REPLY = 4096 };              /* no reply is longer */
enum { CD_LARGEST = 99 * 60 * 75 }; /* sectors; more is a DVD */
enum { PROFILE_CD_ROM = 0x08, PROFILE_DVD_ROM = 0x10 };
enum { DATA_TRACK = 0x14, LEAD_OUT = 0xaa, LEAD_IN = 150 }; /* ADR 1, control 4 */

/* A reply as it grows. */
struct out {
    uint8_t *bytes;
    uint32_t n;
};

static void put(struct out *o, uint8_t v)
{
    if (o->n < REPLY)
        o->bytes[o->n++] = v;
}

static void put16(struct out *o, uint32_t v)
{
    put(o, (uint8_t)(v >> 8));
    put(o, (uint8_t)v);
}

static void put32(struct out *o, uint32_t v)
{
    put16(o, v >> 16);
    put16(o, v);
}

static void put_zeroes(struct out *o, unsigned n)
{
    while (n--)
        put(o, 0);
}

static void put_text(struct out *o, const char *text, unsigned n)
{
    while (n--)
        put(o, (uint8_t)(*text ? *text++ : ' '));
}

static void set16(struct out *o, uint32_t at, uint32_t v)
{
    o->bytes[at] = (uint8_t)(v >> 8);
    o->bytes[at + 1] = (uint8_t)v;
}

static bool is_dvd(const struct ata_drive *d)
{
    return atapi_sectors(d) > CD_LARGEST;
}

static unsigned profile(const struct ata_drive *d)
{
    return !atapi_ready(d) ? 0 : is_dvd(d) ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

/* ---- sense, inquiry ---- */

static bool request_sense(struct ata_drive *d, struct out *o)
{
    struct atapi *c = &d->cd;

    if (!c->key && c->attention) {
        c->key = 6;
        c->asc = c->attention;
        c->ascq = 0;
        c->attention = 0;
    }
    put(o, 0x70); /* current, fixed format */
    put(o, 0);
    put(o, c->key);
    put_zeroes(o, 4);
    put(o, 10); /* bytes that follow */
    put_zeroes(o, 4);
    put(o, c->asc);
    put(o, c->ascq);
    put_zeroes(o, 4);
    c->key = c->asc = c->ascq = 0;
    return true;
}

static bool inquiry(struct ata_drive *d, struct out *o)
{
    if (d->cd.packet[1] & 1)
        return false; /* no vital product data pages */
    put(o, 0x05);     /* CD-ROM */
    put(o, 0x80);     /* removable */
    put(o, 0x00);
    put(o, 0x21); /* ATAPI; response format 1 (SFF-8020i) */
    put(o, 31);   /* bytes that follow */
    put_zeroes(o, 3);
    put_text(o, "MENURA", 8);
    put_text(o, "CD-ROM", 16);
    put_text(o, "1.0", 4);
    return true;
}

/* ---- mode pages ---- */

static void page_error_recovery(struct out *o)
{
    put(o, 0x01);
    put(o, 6);
    put(o, 0);
    put(o, 5); /* read retries */
    put_zeroes(o, 4);
}

static void page_audio(struct out *o)
{
    static const uint8_t ports[8] = {1, 0xff, 2, 0xff, 0, 0, 0, 0};

    put(o, 0x0e);
    put(o, 14);
    put(o, 4); /* IMMED */
    put_zeroes(o, 5);
    for (unsigned i = 0; i < 8; i++)
        put(o, ports[i]);
}

/* MMC-3, 5.5.10 (CD capabilities and mechanical status). */
static void page_capabilities(const struct ata_drive *d, struct out *o)
{
    put(o, 0x2a);
    put(o, 20);
    put(o, 0x0b); /* reads CD-R, CD-RW, DVD-ROM */
    put(o, 0);
    put(o, 0x70); /* mode 2 form 1 and 2, multi-session */
    put(o, 0);
    put(o, (uint8_t)(0x29 | d->cd.locked << 1)); /* tray; can eject; can be locked */
    put(o, 0);
    put16(o, 5632); /* kB/s: 32 times */
    put16(o, 0);
    put16(o, 512); /* kB of buffer */
    put16(o, 5632);
    put_zeroes(o, 6);
}

static uint8_t medium_type(const struct ata_drive *d)
{
    return d->cd.open ? 0x71 : !d->disk ? 0x70 : 0x01;
}

static bool mode_pages(struct ata_drive *d, struct out *o, uint8_t *asc)
{
    uint8_t code = d->cd.packet[2] & 0x3f, control = d->cd.packet[2] >> 6;
    bool all = code == 0x3f;
    uint32_t before = o->n;

    if (control == 3) {
        *asc = ASC_NOT_SAVED;
        return false;
    }
    if (all || code == 0x01)
        page_error_recovery(o);
    if (all || code == 0x0e)
        page_audio(o);
    if (all || code == 0x2a)
        page_capabilities(d, o);
    if (control == 1) { /* which bits can be changed: none */
        for (uint32_t at = before; at + 1 < o->n; at += 2u + o->bytes[at + 1])
            memset(o->bytes + at + 2, 0, o->bytes[at + 1]);
    }
    return o->n > before;
}

static bool mode_sense_6(struct ata_drive *d, struct out *o, uint8_t *asc)
{
    put(o, 0);
    put(o, medium_type(d));
    put16(o, 0);
    if (!mode_pages(d, o, asc))
        return false;
    o->bytes[0] = (uint8_t)(o->n - 1);
    return true;
}

static bool mode_sense_10(struct ata_drive *d, struct out *o, uint8_t *asc)
{
    put16(o, 0);
    put(o, medium_type(d));
    put_zeroes(o, 5);
    if (!mode_pages(d, o, asc))
        return false;
    set16(o, 0, o->n - 2);
    return true;
}

/* ---- the medium ---- */

static bool capacity(struct ata_drive *d, struct out *o)
{
    uint32_t n = atapi_sectors(d);

    put32(o, n ? n - 1 : 0);
    put32(o, CD_SECTOR);
    return true;
}

static void put_address(struct out *o, uint32_t lba, bool msf)
{
    uint64_t f = (uint64_t)lba + LEAD_IN;

    if (!msf) {
        put32(o, lba);
        return;
    }
    put(o, 0);
    put(o, (uint8_t)(f / (60 * 75) > 255 ? 255 : f / (60 * 75)));
    put(o, (uint8_t)(f / 75 % 60));
    put(o, (uint8_t)(f % 75));
}

static void put_track(struct out *o, uint8_t track, uint32_t lba, bool msf)
{
    put(o, 0);
    put(o, DATA_TRACK);
    put(o, track);
    put(o, 0);
    put_address(o, lba, msf);
}

/* One row of the lead-in's table: point, and its minute, second and frame. */
static void put_point(struct out *o, uint8_t point, uint8_t m, uint8_t s, uint8_t f)
{
    put(o, 1); /* session */
    put(o, DATA_TRACK);
    put(o, 0);
    put(o, point);
    put_zeroes(o, 4);
    put(o, m);
    put(o, s);
    put(o, f);
}

static bool toc(struct ata_drive *d, struct out *o)
{
    const uint8_t *p = d->cd.packet;
    bool msf = p[1] & 2;
    uint8_t format = p[2] & 15, end[4];
    struct out at = {.bytes = end};

    if (!format)
        format = p[9] >> 6; /* SFF-8020i */
    put16(o, 0);
    put(o, 1);
    put(o, 1);
    switch (format) {
    case 0: /* tracks from the given one on */
        if (p[6] > 1 && p[6] != LEAD_OUT)
            return false;
        if (p[6] <= 1)
            put_track(o, 1, 0, msf);
        put_track(o, LEAD_OUT, atapi_sectors(d), msf);
        break;
    case 1: /* the last session's first track */ put_track(o, 1, 0, msf); break;
    case 2: /* as it stands in the lead-in */
        put_address(&at, atapi_sectors(d), true);
        put_point(o, 0xa0, 1, 0, 0);
        put_point(o, 0xa1, 1, 0, 0);
        put_point(o, 0xa2, end[1], end[2], end[3]);
        put_point(o, 1, 0, 2, 0);
        break;
    default: return false;
    }
    set16(o, 0, o->n - 2);
    return true;
}

static bool sub_channel(struct ata_drive *d, struct out *o)
{
    enum { SUBQ = 0x40, POSITION = 1, CATALOGUE = 2, ISRC = 3, NO_STATUS = 0x15 };
    const uint8_t *p = d->cd.packet;
    bool msf = p[1] & 2;

    put(o, 0);
    put(o, NO_STATUS);
    put16(o, 0);
    if (!(p[2] & SUBQ))
        return true;
    put(o, p[3]);
    switch (p[3]) {
    case POSITION:
        put(o, DATA_TRACK);
        put(o, 1); /* track and index */
        put(o, 1);
        put_address(o, 0, msf);
        put_address(o, 0, false);
        break;
    case CATALOGUE: put_zeroes(o, 19); break; /* there is none */
    case ISRC:
        put(o, DATA_TRACK);
        put(o, 1);
        put_zeroes(o, 17);
        break;
    default: return false;
    }
    set16(o, 2, o->n - 4);
    return true;
}

static bool disc_information(struct ata_drive *d, struct out *o)
{
    (void)d;
    put16(o, 32);
    put(o, 0x0e); /* the disc and its last session are complete */
    put(o, 1);    /* first track; sessions; first and last track of the last one */
    put(o, 1);
    put(o, 1);
    put(o, 1);
    put(o, 0x20); /* unrestricted use */
    put(o, 0);    /* CD-DA or CD-ROM */
    put_zeroes(o, 3);
    put_zeroes(o, 4);
    put32(o, 0xffffffff); /* no further lead-in or lead-out can be written */
    put32(o, 0xffffffff);
    put_zeroes(o, 10);
    return true;
}

/* Physical format information and copyright of a DVD's layer 0 (MMC-3, 6.28). */
static bool dvd_structure(struct ata_drive *d, struct out *o, uint8_t *asc)
{
    enum { FIRST = 0x30000 };
    const uint8_t *p = d->cd.packet;

    if (!is_dvd(d)) {
        *asc = ASC_WRONG_MEDIUM;
        return false;
    }
    if (p[6])
        return false; /* a single layer */
    put32(o, 0);
    switch (p[7]) {
    case 0:
        put(o, 0x01); /* DVD-ROM, part version 1 */
        put(o, 0x0f); /* 120 mm, any rate */
        put(o, 0x01); /* one layer, embossed */
        put(o, 0);
        put32(o, FIRST);
        put32(o, FIRST + atapi_sectors(d) - 1);
        put32(o, 0);
        put_zeroes(o, 2048 - 16);
        break;
    case 1: put32(o, 0); break; /* no protection, all regions */
    default: return false;
    }
    set16(o, 0, o->n - 2);
    return true;
}

/* ---- the drive ---- */

static void put_feature(struct out *o, unsigned code, unsigned flags, unsigned bytes)
{
    put16(o, code);
    put(o, (uint8_t)flags);
    put(o, (uint8_t)bytes);
}

enum { PERSISTENT = 2, CURRENT = 1 };

static void feature(const struct ata_drive *d, struct out *o, unsigned code)
{
    unsigned now = profile(d);

    switch (code) {
    case 0x0000: /* profiles */
        put_feature(o, code, PERSISTENT | CURRENT, 8);
        put16(o, PROFILE_DVD_ROM);
        put16(o, now == PROFILE_DVD_ROM ? 0x100 : 0);
        put16(o, PROFILE_CD_ROM);
        put16(o, now == PROFILE_CD_ROM ? 0x100 : 0);
        break;
    case 0x0001: /* core: ATAPI */
        put_feature(o, code, PERSISTENT | CURRENT, 4);
        put32(o, 2);
        break;
    case 0x0002: /* morphing: events can be polled */
        put_feature(o, code, PERSISTENT | CURRENT, 4);
        put32(o, 0);
        break;
    case 0x0003: /* removable medium: tray, eject, lock */
        put_feature(o, code, PERSISTENT | CURRENT, 4);
        put32(o, 0x29000000);
        break;
    case 0x0010: /* random access reading, 2048 bytes a block */
        put_feature(o, code, now ? CURRENT : 0, 8);
        put32(o, CD_SECTOR);
        put32(o, 0x00010000);
        break;
    case 0x001e: /* CD read */
        put_feature(o, code, now == PROFILE_CD_ROM ? CURRENT : 0, 0);
        break;
    case 0x001f: /* DVD read */
        put_feature(o, code, now == PROFILE_DVD_ROM ? CURRENT : 0, 0);
        break;
    case 0x0100: /* power management */
        put_feature(o, code, PERSISTENT | CURRENT, 0);
        break;
    default: break;
    }
}

static bool configuration(struct ata_drive *d, struct out *o)
{
    enum { ALL, ONLY_CURRENT, ONLY_ONE };
    static const uint16_t codes[] = {0, 1, 2, 3, 0x10, 0x1e, 0x1f, 0x100};
    const uint8_t *p = d->cd.packet;
    unsigned start = (unsigned)p[2] << 8 | p[3], which = p[1] & 3;

    if (which == 3)
        return false;
    put32(o, 0);
    put16(o, 0);
    put16(o, profile(d));
    for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
        uint32_t at = o->n;

        if (which == ONLY_ONE ? codes[i] != start : codes[i] < start)
            continue;
        feature(d, o, codes[i]);
        if (which == ONLY_CURRENT && !(o->bytes[at + 2] & CURRENT))
            o->n = at;
    }
    set16(o, 2, o->n - 4);
    return true;
}

static bool events(struct ata_drive *d, struct out *o)
{
    enum { POLLED = 1, MEDIA = 4, NO_EVENT = 0x80 };
    const uint8_t *p = d->cd.packet;

    if (!(p[1] & POLLED))
        return false; /* asynchronous notification needs overlap */
    if (!(p[4] & 1 << MEDIA)) {
        put16(o, 2);
        put(o, NO_EVENT);
        put(o, 1 << MEDIA);
        return true;
    }
    put16(o, 6);
    put(o, MEDIA);
    put(o, 1 << MEDIA); /* the classes there are */
    put(o, d->cd.event);
    put(o, (uint8_t)(atapi_ready(d) << 1 | d->cd.open));
    put16(o, 0);
    d->cd.event = EVENT_NONE;
    return true;
}

static bool mechanism(struct ata_drive *d, struct out *o)
{
    put(o, 0);
    put(o, d->cd.open ? 0x10 : 0);
    put_zeroes(o, 3);
    put(o, 1); /* one slot */
    put16(o, 0);
    return true;
}

/* ---- which and how long ---- */

static bool make(struct ata_drive *d, struct out *o, uint8_t *asc)
{
    switch (d->cd.packet[0]) {
    case 0x03: return request_sense(d, o);
    case 0x12: return inquiry(d, o);
    case 0x1a: return mode_sense_6(d, o, asc);
    case 0x25: return capacity(d, o);
    case 0x42: return sub_channel(d, o);
    case 0x43: return toc(d, o);
    case 0x46: return configuration(d, o);
    case 0x4a: return events(d, o);
    case 0x51: return disc_information(d, o);
    case 0x5a: return mode_sense_10(d, o, asc);
    case 0xad: return dvd_structure(d, o, asc);
    case 0xbd: return mechanism(d, o);
    default: return false;
    }
}

/* Where the packet says how many bytes the host takes. */
static uint32_t allocation(const uint8_t *p)
{
    switch (p[0]) {
    case 0x25: return 8; /* no such field */
    case 0x03:
    case 0x1a: return p[4];
    case 0x12: return (uint32_t)p[3] << 8 | p[4];
    case 0xad:
    case 0xbd: return (uint32_t)p[8] << 8 | p[9];
    default: return (uint32_t)p[7] << 8 | p[8];
    }
}

bool atapi_reply(struct ata_drive *d, uint32_t *n, uint8_t *asc)
{
    struct out o = {.bytes = d->buffer.bytes};
    uint32_t room = allocation(d->cd.packet);

    *asc = ASC_FIELD;
    if (!make(d, &o, asc))
        return false;
    *n = o.n < room ? o.n : room;
    return true;
}
