/* Pictures as PNG files, taken apart again by a small reader. */
#include "host/png.h"

#include "base/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct picture painted(unsigned width, unsigned height)
{
    struct picture p = {.width = width, .height = height};

    p.pixel = malloc((size_t)width * height * sizeof *p.pixel);
    assert_non_null(p.pixel);
    for (unsigned i = 0; i < width * height; i++) /* half noise, half plain */
        p.pixel[i] = i & 512 ? 0x102030 : (i * 2654435761u) & 0xffffff;
    return p;
}

/* The next chunk's data; its type and checksum must be right. */
static const uint8_t *chunk(const uint8_t **at, const char *type, uint32_t *n)
{
    const uint8_t *p = *at;

    *n = be32(p);
    assert_memory_equal(p + 4, type, 4);
    assert_int_equal(be32(p + 8 + *n), crc32_of(0, p + 4, (size_t)*n + 4));
    *at = p + 12 + *n;
    return p + 8;
}

/* A reader of RFC 1951, slow and small, so that the test needs no zlib. */
struct bits {
    const uint8_t *from, *end;
    unsigned at; /* bit */
};

static unsigned take(struct bits *b, unsigned n)
{
    unsigned v = 0;

    for (unsigned i = 0; i < n; i++, b->at++) {
        assert_true(b->from + b->at / 8 < b->end);
        v |= (b->from[b->at / 8] >> b->at % 8 & 1u) << i;
    }
    return v;
}

/* Codes of one alphabet, by their lengths (3.2.2). */
struct codes {
    unsigned count[16], symbol[320];
};

static void make_codes(struct codes *c, const uint8_t *length, unsigned n)
{
    unsigned used = 0;

    memset(c, 0, sizeof *c);
    for (unsigned bits = 1; bits < 16; bits++)
        for (unsigned i = 0; i < n; i++)
            if (length[i] == bits) {
                c->count[bits]++;
                c->symbol[used++] = i;
            }
}

static unsigned decode(struct bits *b, const struct codes *c)
{
    unsigned code = 0, first = 0, index = 0;

    for (unsigned bits = 1; bits < 16; bits++) {
        code = code << 1 | take(b, 1);
        if (code < first + c->count[bits])
            return c->symbol[index + code - first];
        index += c->count[bits];
        first = (first + c->count[bits]) << 1;
    }
    fail_msg("no such code");
    return 0;
}

static void read_lengths(struct bits *b, struct codes *literal, struct codes *distance)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    unsigned literals = take(b, 5) + 257, distances = take(b, 5) + 1,
             n = take(b, 4) + 4;
    uint8_t length[320] = {0};
    struct codes c;

    for (unsigned i = 0; i < n; i++)
        length[order[i]] = (uint8_t)take(b, 3);
    make_codes(&c, length, 19);
    memset(length, 0, sizeof length);
    for (unsigned i = 0; i < literals + distances;) {
        unsigned symbol = decode(b, &c), times = 1;
        uint8_t value = (uint8_t)symbol;

        if (symbol >= 16) {
            value = symbol == 16 ? length[i - 1] : 0;
            times = symbol == 16   ? 3 + take(b, 2)
                    : symbol == 17 ? 3 + take(b, 3)
                                   : 11 + take(b, 7);
        }
        while (times--)
            length[i++] = value;
    }
    make_codes(literal, length, literals);
    make_codes(distance, length + literals, distances);
}

static void fixed_codes(struct codes *literal, struct codes *distance)
{
    uint8_t length[288];

    for (unsigned i = 0; i < 288; i++)
        length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    make_codes(literal, length, 288);
    memset(length, 5, 30);
    make_codes(distance, length, 30);
}

static size_t coded_block(struct bits *b, unsigned kind, uint8_t *to, size_t at,
                          size_t room)
{
    static const uint16_t lengths[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
    struct codes literal, distance;

    if (kind == 1)
        fixed_codes(&literal, &distance);
    else
        read_lengths(b, &literal, &distance);
    for (;;) {
        unsigned symbol = decode(b, &literal), n, back, base = 1, extra;

        if (symbol == 256)
            return at;
        if (symbol < 256) {
            assert_true(at < room);
            to[at++] = (uint8_t)symbol;
            continue;
        }
        symbol -= 257;
        n = lengths[symbol];
        n += take(b, symbol < 8 || symbol == 28 ? 0 : (symbol - 4) / 4);
        back = decode(b, &distance);
        extra = back < 4 ? 0 : (back - 2) / 2;
        base += back < 4 ? back : (2 + (back & 1)) << extra;
        base += take(b, extra);
        assert_true(base <= at && n <= room - at);
        for (; n; n--, at++)
            to[at] = to[at - base];
    }
}

static void inflate_all(uint8_t *to, size_t room, const uint8_t *from, uint32_t n)
{
    struct bits b = {from, from + n, 16};
    uint32_t low = 1, high = 0;
    size_t at = 0;
    bool last;

    assert_int_equal(from[0] & 15, 8);
    assert_int_equal((from[0] << 8 | from[1]) % 31, 0);
    do {
        unsigned kind;

        last = take(&b, 1);
        kind = take(&b, 2);
        assert_true(kind < 3);
        if (kind == 0) {
            unsigned part;
            b.at = (b.at + 7) & ~7u;
            part = take(&b, 16);
            assert_int_equal(part ^ take(&b, 16), 0xffff);
            assert_true(part <= room - at);
            memcpy(to + at, b.from + b.at / 8, part);
            at += part;
            b.at += 8 * part;
        } else {
            at = coded_block(&b, kind, to, at, room);
        }
    } while (!last);
    assert_int_equal(at, room);
    for (size_t i = 0; i < room; i++) {
        low = (low + to[i]) % 65521;
        high = (high + low) % 65521;
    }
    assert_int_equal(be32(from + (b.at + 7) / 8), high << 16 | low);
}

static void check(unsigned width, unsigned height)
{
    struct picture p = painted(width, height);
    size_t room = ((size_t)width * 3 + 1) * height;
    uint8_t *bytes, *rows = malloc(room), *row = rows;
    const uint8_t *at, *data;
    uint64_t size;
    uint32_t n;

    assert_non_null(rows);
    assert_true(png_encode(&p, &bytes, &size, NULL));
    assert_memory_equal(bytes, "\x89PNG\r\n\x1a\n", 8);
    at = bytes + 8;
    data = chunk(&at, "IHDR", &n);
    assert_int_equal(n, 13);
    assert_int_equal(be32(data), width);
    assert_int_equal(be32(data + 4), height);
    assert_memory_equal(data + 8, "\x08\x02\x00\x00\x00", 5);
    data = chunk(&at, "IDAT", &n);
    inflate_all(rows, room, data, n);
    chunk(&at, "IEND", &n);
    assert_int_equal(n, 0);
    assert_int_equal(at - bytes, size);
    for (unsigned y = 0; y < height; y++) {
        assert_int_equal(*row++, 0);
        for (unsigned x = 0; x < width; x++, row += 3)
            assert_int_equal(row[0] << 16 | row[1] << 8 | row[2],
                             p.pixel[(size_t)y * width + x]);
    }
    free(rows);
    free(bytes);
    free(p.pixel);
}

static void a_png_holds_the_picture(void **state)
{
    (void)state;
    check(1, 1);
    check(9, 5);
    check(720, 400);
}

static void no_picture_is_told(void **state)
{
    struct picture p = {0};
    struct error e = {""};
    uint8_t *bytes;
    uint64_t size;
    (void)state;

    assert_false(png_encode(&p, &bytes, &size, &e));
    assert_string_equal(e.text, "there is no picture");
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    struct picture p = painted(2, 2);
    struct error e = {""};
    (void)state;

    assert_false(png_write("/nowhere/at/all.png", &p, &e));
    assert_non_null(strstr(e.text, "/nowhere/at/all.png"));
    free(p.pixel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_png_holds_the_picture),
        cmocka_unit_test(no_picture_is_told),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
