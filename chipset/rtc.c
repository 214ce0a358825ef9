/* rtc.c - the real-time clock: an MC146818 with 256 bytes of battery-backed memory.
 *
 * I/O ports 70h-71h (and 72h-73h for the second 128 bytes). Motorola MC146818A data
 * sheet; 82371AB (PIIX4) data sheet, "Real time clock registers". The date runs on
 * virtual time. Nothing is stepped: an access or a deadline catches up by arithmetic
 * with however many seconds went by.
 */
#include "chipset/rtc.h"
#include "chipset/deadline.h"

enum reg {
    SECONDS,
    SECONDS_ALARM,
    MINUTES,
    MINUTES_ALARM,
    HOURS,
    HOURS_ALARM,
    DAY_OF_WEEK,
    DATE_OF_MONTH,
    MONTH,
    YEAR,
    REG_A,
    REG_B,
    REG_C,
    REG_D,
    CENTURY = 0x32, /* IBM PC/AT, and where ACPI's FADT points */
    CMOS_BYTES = 256,
};
enum { A_UIP = 0x80, A_DV = 0x70, A_DV_RUN = 0x20, A_DV_RESET = 0x60, A_RS = 0x0f };
enum {
    B_SET = 0x80,
    B_PIE = 0x40,
    B_AIE = 0x20,
    B_UIE = 0x10,
    B_SQWE = 0x08,
    B_DM = 0x04, /* binary */
    B_24 = 0x02,
};
enum { C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };
enum { D_VRT = 0x80 };
enum { ANY = -1, NEVER = -2 }; /* an alarm byte that matches always, or never */

/* The divider chain's input, and how long before a second's end UIP goes up: 244 us of
 * warning and 1984 us of update (MC146818A, Table 4). */
enum { HZ = 32768, UIP_TICKS = 73, DAY = 86400 };

#define STATE(_, x)                                                                    \
    _(x, uint8_t, cmos, 0, 0xff, "registers and memory", CMOS_BYTES)                   \
    _(x, uint8_t, index, 0, 0x7f, "port 70h")                                          \
    _(x, uint8_t, index2, 0, 0x7f, "port 72h")                                         \
    _(x, bool, nmi_mask, false, 1, "port 70h bit 7")                                   \
    _(x, uint64_t, start, 0, UINT64_MAX, "divider period at which the chain read 0")   \
    _(x, uint64_t, second, 0, UINT64_MAX,                                              \
      "seconds since start that have been counted")                                    \
    _(x, uint64_t, wave, 0, UINT64_MAX, "periodic edges since start that were counted")

/* What the battery keeps through a reset of the machine. */
struct battery {
    bool charged; /* false: this is power-on */
    uint8_t cmos[CMOS_BYTES];
    uint64_t start, second;
};

struct rtc {
    STATE(STATE_MEMBER, )
    uint64_t base_time;
    struct line irq, nmi_masked;
    struct timer timer;
    struct clock *clock;
    struct battery battery;
};

struct date {
    int64_t days;    /* since 1970-01-01 */
    unsigned second; /* of the day */
};

/* ---- the calendar ---- */

/* Proleptic Gregorian; month 1 to 12, day from 1. Years are counted from March, so that
 * the leap day is the last one. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * ((int64_t)(month + 9) % 12) + 2) / 5 + (int64_t)day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t n = z - era * 146097;
    int64_t y = (n - n / 1460 + n / 36524 - n / 146096) / 365;
    int64_t d = n - (365 * y + y / 4 - y / 100), m = (5 * d + 2) / 153;

    *day = (unsigned)(d - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static uint8_t encode(const struct rtc *r, unsigned v)
{
    v %= 100;
    return (uint8_t)(r->cmos[REG_B] & B_DM ? v : v / 10 << 4 | v % 10);
}

static unsigned decode(const struct rtc *r, uint8_t v)
{
    return r->cmos[REG_B] & B_DM ? v : (v >> 4) * 10u + (v & 15u);
}

static uint8_t encode_hour(const struct rtc *r, unsigned h)
{
    if (r->cmos[REG_B] & B_24)
        return encode(r, h);
    return (uint8_t)(encode(r, h % 12 ? h % 12 : 12) | (h >= 12 ? 0x80 : 0));
}

static unsigned decode_hour(const struct rtc *r, uint8_t v)
{
    if (r->cmos[REG_B] & B_24)
        return decode(r, v);
    return decode(r, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

/* What the registers say; the guest may have written anything, so all is clamped. */
static struct date get_date(const struct rtc *r)
{
    unsigned month = decode(r, r->cmos[MONTH]), day = decode(r, r->cmos[DATE_OF_MONTH]);
    unsigned c = r->cmos[CENTURY], century = (c >> 4) * 10 + (c & 15);
    struct date d;

    month = month < 1 ? 1 : month > 12 ? 12 : month;
    day = day < 1 ? 1 : day > 31 ? 31 : day;
    d.days = days_of(century * 100 + decode(r, r->cmos[YEAR]) % 100, month, day);
    d.second = decode_hour(r, r->cmos[HOURS]) % 24 * 3600 +
               decode(r, r->cmos[MINUTES]) % 60 * 60 + decode(r, r->cmos[SECONDS]) % 60;
    return d;
}

static void put_date(struct rtc *r, struct date d)
{
    unsigned month, day;
    int64_t year;

    date_of(d.days, &year, &month, &day);
    if (year < 0 || year > 9999)
        year = 1970;
    r->cmos[SECONDS] = encode(r, d.second % 60);
    r->cmos[MINUTES] = encode(r, d.second / 60 % 60);
    r->cmos[HOURS] = encode_hour(r, d.second / 3600);
    r->cmos[DATE_OF_MONTH] = encode(r, day);
    r->cmos[MONTH] = encode(r, month);
    r->cmos[YEAR] = encode(r, (unsigned)(year % 100));
    /* Always BCD: software reads it with the same routine in either mode only because
     * BIOSes set BCD. */
    r->cmos[CENTURY] = (uint8_t)(year / 1000 << 4 | year / 100 % 10);
}

/* ---- time ---- */

static uint64_t divider(const struct rtc *r)
{
    uint64_t h = clock_to_hz(r->clock, r->clock->now, HZ);
    return h > r->start ? h - r->start : 0;
}

static bool chain_runs(const struct rtc *r)
{
    return (r->cmos[REG_A] & A_DV) == A_DV_RUN;
}

static bool updates(const struct rtc *r)
{
    return chain_runs(r) && !(r->cmos[REG_B] & B_SET);
}

/* Divider periods between periodic interrupts; 0: none (MC146818A, Table 5). */
static uint32_t wave_period(const struct rtc *r)
{
    unsigned rs = r->cmos[REG_A] & A_RS;

    if (rs == 0 || !chain_runs(r))
        return 0;
    return 1u << (rs < 3 ? rs + 6 : rs - 1);
}

static int alarm_part(unsigned v, uint8_t raw, unsigned limit)
{
    return raw >= 0xc0 ? ANY : v < limit ? (int)v : NEVER;
}

/* Seconds from d to the next that the alarm bytes match, at least 1; 0 for never. */
static uint32_t alarm_distance(const struct rtc *r, struct date d)
{
    int h = alarm_part(decode_hour(r, r->cmos[HOURS_ALARM]), r->cmos[HOURS_ALARM], 24);
    int m = alarm_part(decode(r, r->cmos[MINUTES_ALARM]), r->cmos[MINUTES_ALARM], 60);
    int s = alarm_part(decode(r, r->cmos[SECONDS_ALARM]), r->cmos[SECONDS_ALARM], 60);
    uint32_t t = d.second % DAY + 1, end = t + DAY;

    if (h == NEVER || m == NEVER || s == NEVER)
        return 0;
    while (t < end) {
        if (h != ANY && (unsigned)h != t / 3600 % 24)
            t = t / 3600 * 3600 + 3600;
        else if (m != ANY && (unsigned)m != t / 60 % 60)
            t = t / 60 * 60 + 60;
        else if (s != ANY && (unsigned)s != t % 60)
            t++;
        else
            return t - d.second % DAY;
    }
    return 0;
}

static void keep(struct rtc *r)
{
    for (unsigned i = 0; i < CMOS_BYTES; i++)
        r->battery.cmos[i] = r->cmos[i];
    r->battery.start = r->start;
    r->battery.second = r->second;
    r->battery.charged = true;
}

static void count_seconds(struct rtc *r, uint64_t n)
{
    struct date d = get_date(r);
    uint32_t alarm = alarm_distance(r, d);
    uint64_t total, days;
    unsigned weekday = decode(r, r->cmos[DAY_OF_WEEK]);

    if (alarm && alarm <= n)
        r->cmos[REG_C] |= C_AF;
    r->cmos[REG_C] |= C_UF;
    total =
        d.second + n % ((uint64_t)DAY * 146097); /* 400 years: the calendar's cycle */
    days = total / DAY;
    d.days += (int64_t)days;
    d.second = (unsigned)(total % DAY);
    put_date(r, d);
    r->cmos[DAY_OF_WEEK] =
        encode(r, (unsigned)((weekday + 6 + days % 7) % 7 + 1)); /* 1 is Sunday */
}

static void catch_up(struct rtc *r)
{
    uint64_t h = divider(r), seconds = h / HZ, waves;
    uint32_t period = wave_period(r);

    if (seconds != r->second) {
        if (updates(r) && seconds > r->second)
            count_seconds(r, seconds - r->second);
        r->second = seconds;
    }
    if (period) {
        waves = h / period;
        if (waves != r->wave)
            r->cmos[REG_C] |= C_PF;
        r->wave = waves;
    }
}

/* Lines and the deadline follow the state as it is: what went by unseen since stays
 * unseen, so that a restored clock is the one that was saved. */
static void drive(void *dev)
{
    struct rtc *r = dev;
    uint8_t enabled, flags;
    uint64_t h, next = UINT64_MAX, at;
    uint32_t alarm;

    h = clock_to_hz(r->clock, r->clock->now, HZ);
    if (r->start > h) /* a snapshot may say anything */
        r->start = h;
    enabled =
        r->cmos[REG_B] & (B_PIE | B_AIE | B_UIE); /* at the places of PF, AF, UF */
    flags = r->cmos[REG_C] & (C_PF | C_AF | C_UF);
    r->cmos[REG_C] = flags | (flags & enabled ? C_IRQF : 0);
    keep(r);
    line_set(&r->nmi_masked, r->nmi_mask);
    line_set(&r->irq, flags & enabled);
    if (flags & enabled) { /* IRQ is up until C is read: nothing can be added to it */
        timer_stop(r->clock, &r->timer);
        return;
    }
    h = divider(r);
    if ((enabled & B_PIE) && wave_period(r))
        next = (r->wave + 1) * wave_period(r);
    if ((enabled & B_UIE) && updates(r)) {
        at = (r->second + 1) * HZ;
        next = at < next ? at : next;
    }
    alarm = enabled & B_AIE && updates(r) ? alarm_distance(r, get_date(r)) : 0;
    if (alarm) {
        at = (r->second + alarm) * HZ;
        next = at < next ? at : next;
    }
    if (next == UINT64_MAX)
        timer_stop(r->clock, &r->timer);
    else if (next <= h || next - h > (uint64_t)2 * DAY * HZ) /* catch up and see */
        deadline_set(r->clock, &r->timer, r->clock->now);
    else
        deadline_set(r->clock, &r->timer, clock_from_hz(r->clock, r->start + next, HZ));
}

/* ---- ports ---- */

static bool update_in_progress(const struct rtc *r)
{
    return updates(r) && divider(r) % HZ >= HZ - UIP_TICKS;
}

static void write_a(struct rtc *r, uint8_t v)
{
    bool ran = chain_runs(r);

    r->cmos[REG_A] = v & (A_DV | A_RS);
    if (!ran && chain_runs(r)) {
        /* The first update follows half a second after the divider's release
         * (MC146818A, "Divider control"). */
        r->start = clock_to_hz(r->clock, r->clock->now, HZ);
        r->start = r->start > HZ / 2 ? r->start - HZ / 2 : 0;
        r->second = divider(r) / HZ;
    }
    if (wave_period(r))
        r->wave = divider(r) / wave_period(r);
}

static void write_register(struct rtc *r, unsigned n, uint8_t v)
{
    switch (n) {
    case REG_A: write_a(r, v); break;
    case REG_B:
        if (v & B_SET)
            v &= (uint8_t)~B_UIE;
        r->cmos[REG_B] = v;
        break;
    case REG_C:
    case REG_D: break;
    default: r->cmos[n] = v; break;
    }
}

static bool timekeeping(unsigned n)
{
    return n <= YEAR || n == CENTURY;
}

static uint8_t visible(const struct rtc *r, unsigned n)
{
    switch (n) {
    case REG_A: return r->cmos[n] | (update_in_progress(r) ? A_UIP : 0);
    case REG_D: return D_VRT;
    default: return r->cmos[n];
    }
}

static enum io_status peek(const void *dev, struct io *io)
{
    const struct rtc *r = dev;

    if (io->write)
        return IO_DEFER;
    switch (io->offset) {
    case 1:
        if (r->index == REG_C)
            return IO_DEFER;
        if (timekeeping(r->index) && divider(r) / HZ != r->second)
            return IO_DEFER;
        io->value = visible(r, r->index);
        break;
    case 2: io->value = r->index2; break;
    case 3: io->value = r->cmos[0x80 + r->index2]; break;
    default: io->value = 0xff; break; /* 70h cannot be read */
    }
    return IO_DONE;
}

static enum io_status access(void *dev, struct io *io)
{
    struct rtc *r = dev;
    uint8_t v = (uint8_t)io->value;

    if (peek(dev, io) == IO_DONE)
        return IO_DONE;
    catch_up(r);
    if (!io->write && io->offset == 1 && r->index == REG_C) {
        drive(r);
        io->value = r->cmos[REG_C];
        r->cmos[REG_C] = 0;
        drive(r);
        return IO_DONE;
    }
    if (!io->write)
        return peek(dev, io);
    switch (io->offset) {
    case 0:
        r->index = v & 0x7f;
        r->nmi_mask = v & 0x80;
        break;
    case 1: write_register(r, r->index, v); break;
    case 2: r->index2 = v & 0x7f; break;
    default: r->cmos[0x80 + r->index2] = v; break;
    }
    drive(r);
    return IO_DONE;
}

static void due(void *owner)
{
    catch_up(owner);
    drive(owner);
}

static bool init(void *dev, struct device *self, struct error *e)
{
    struct rtc *r = dev;
    (void)e;

    r->clock = self->bus->clock;
    r->timer.due = due;
    r->timer.owner = r;
    return true;
}

static void power_on(struct rtc *r)
{
    int64_t t = (int64_t)r->base_time, days = t / DAY, second = t % DAY;

    if (second < 0) {
        second += DAY;
        days--;
    }
    r->cmos[REG_A] = A_DV_RUN | 6;
    r->cmos[REG_B] = B_24;
    r->start = clock_to_hz(r->clock, r->clock->now, HZ);
    put_date(r, (struct date){days, (unsigned)second});
    /* 1970-01-01 was a Thursday, day 5. */
    r->cmos[DAY_OF_WEEK] = encode(r, (unsigned)(((days + 4) % 7 + 7) % 7 + 1));
}

/* RESET leaves time, memory and divider alone and ends interrupts (MC146818A). */
static void reset(void *dev)
{
    struct rtc *r = dev;

    if (!r->battery.charged) {
        power_on(r);
    } else {
        for (unsigned i = 0; i < CMOS_BYTES; i++)
            r->cmos[i] = r->battery.cmos[i];
        r->start = r->battery.start;
        r->second = r->battery.second;
    }
    r->cmos[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    r->cmos[REG_C] = 0;
    if (wave_period(r))
        r->wave = divider(r) / wave_period(r);
}

static void release(void *dev)
{
    struct rtc *r = dev;

    if (r->clock)
        timer_stop(r->clock, &r->timer);
}

void rtc_set_cmos(struct device *rtc, unsigned index, uint8_t value)
{
    struct rtc *r = rtc->state;

    if (index > REG_D && index < CMOS_BYTES)
        r->cmos[index] = r->battery.cmos[index] = value;
}

uint8_t rtc_get_cmos(const struct device *rtc, unsigned index)
{
    const struct rtc *r = rtc->state;
    return index < CMOS_BYTES ? r->cmos[index] : 0xff;
}

const struct device_class rtc_class = {
    .name = "rtc",
    .title = "MC146818 real-time clock and CMOS memory",
    .size = sizeof(struct rtc),
    .fields = (const struct field[]){STATE(STATE_FIELD, rtc) FIELD_TIMER_ROW(
        rtc, timer, "next interrupt"){0}},
    .regions = (const struct region[]){{"rtc", 0x70, 4, peek, access}, {0}},
    .pins =
        (const struct pin[]){
            {"irq", .offset = offsetof(struct rtc, irq)},
            {"nmi_mask", .offset = offsetof(struct rtc, nmi_masked)},
            {0},
        },
    .options =
        (const struct option[]){
            OPTION(rtc, base_time, 0, UINT64_MAX,
                   "seconds since 1970-01-01 UTC at power-on, as a signed number"),
            {0},
        },
    .init = init,
    .reset = reset,
    .drive = drive,
    .free = release,
};
