/* aml.c - writes ACPI Machine Language. */
#include "machine/aml.h"

#include "base/byteorder.h"

void aml_bytes(struct aml *a, const void *p, size_t n)
{
    if (a->full || n > a->room - a->size) {
        a->full = true;
        return;
    }
    memcpy(a->bytes + a->size, p, n);
    a->size += n;
}

void aml_byte(struct aml *a, uint8_t v)
{
    aml_bytes(a, &v, 1);
}

static void number(struct aml *a, uint64_t v, unsigned size)
{
    uint8_t bytes[8];

    store_le(bytes, size, v);
    aml_bytes(a, bytes, size);
}

/* NameString, 20.2.2: segments of four characters, filled with '_'. */
void aml_path(struct aml *a, const char *path)
{
    unsigned segments = 1;

    while (*path == '\\' || *path == '^')
        aml_byte(a, (uint8_t)*path++);
    for (const char *p = path; *p; p++)
        segments += *p == '.';
    if (segments == 2) {
        aml_byte(a, 0x2e);
    } else if (segments > 2) {
        aml_byte(a, 0x2f);
        aml_byte(a, (uint8_t)segments);
    }
    while (segments--) {
        for (unsigned i = 0; i < 4; i++)
            aml_byte(a, (uint8_t)(*path && *path != '.' ? *path++ : '_'));
        if (*path == '.')
            path++;
    }
}

void aml_integer(struct aml *a, uint64_t v)
{
    if (v <= 1) {
        aml_byte(a, (uint8_t)v);
    } else if (v <= 0xff) {
        aml_byte(a, 0x0a);
        number(a, v, 1);
    } else if (v <= 0xffff) {
        aml_byte(a, 0x0b);
        number(a, v, 2);
    } else if (v <= 0xffffffff) {
        aml_byte(a, 0x0c);
        number(a, v, 4);
    } else {
        aml_byte(a, 0x0e);
        number(a, v, 8);
    }
}

void aml_string(struct aml *a, const char *s)
{
    aml_byte(a, 0x0d);
    aml_bytes(a, s, strlen(s) + 1);
}

/* Three letters of five bits, four hexadecimal digits; big-endian. 19.3.4. */
void aml_eisaid(struct aml *a, const char *id)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 3; i++)
        v = v << 5 | ((uint32_t)id[i] & 0x1f);
    for (unsigned i = 3; i < 7; i++)
        v = v << 4 | (uint32_t)(id[i] <= '9' ? id[i] - '0' : id[i] - 'A' + 10);
    aml_byte(a, 0x0c);
    number(a, bswap32(v), 4);
}

void aml_name(struct aml *a, const char *path)
{
    aml_byte(a, 0x08);
    aml_path(a, path);
}

void aml_name_integer(struct aml *a, const char *path, uint64_t v)
{
    aml_name(a, path);
    aml_integer(a, v);
}

void aml_name_eisaid(struct aml *a, const char *path, const char *id)
{
    aml_name(a, path);
    aml_eisaid(a, id);
}

/* ---- what has a package length ---- */

/* The length counts its own bytes, so it is put in when the contents are known. 20.2.4. */
void aml_close(struct aml *a, size_t opened)
{
    size_t length = a->size - opened;
    uint8_t bytes[4];
    unsigned n = length + 1 < 0x40 ? 1 : length + 2 < 0x1000 ? 2 : length + 3 < 0x100000 ? 3 : 4;

    if (a->full || n > a->room - a->size) {
        a->full = true;
        return;
    }
    length += n;
    bytes[0] = (uint8_t)(n == 1 ? length : (n - 1) << 6 | (length & 0xf));
    for (unsigned i = 1; i < n; i++)
        bytes[i] = (uint8_t)(length >> (8 * i - 4));
    memmove(a->bytes + opened + n, a->bytes + opened, a->size - opened);
    memcpy(a->bytes + opened, bytes, n);
    a->size += n;
}

static size_t begin(struct aml *a, uint8_t extended, uint8_t op)
{
    if (extended)
        aml_byte(a, extended);
    aml_byte(a, op);
    return a->size;
}

size_t aml_scope(struct aml *a, const char *path)
{
    size_t at = begin(a, 0, 0x10);

    aml_path(a, path);
    return at;
}

size_t aml_device(struct aml *a, const char *name)
{
    size_t at = begin(a, 0x5b, 0x82);

    aml_path(a, name);
    return at;
}

size_t aml_method(struct aml *a, const char *name, unsigned args, bool serialized)
{
    size_t at = begin(a, 0, 0x14);

    aml_path(a, name);
    aml_byte(a, (uint8_t)(args | (serialized ? 8 : 0)));
    return at;
}

size_t aml_package(struct aml *a, unsigned elements)
{
    size_t at = begin(a, 0, 0x12);

    aml_byte(a, (uint8_t)elements);
    return at;
}

size_t aml_if(struct aml *a)
{
    return begin(a, 0, 0xa0);
}

size_t aml_else(struct aml *a)
{
    return begin(a, 0, 0xa1);
}

size_t aml_field(struct aml *a, const char *region)
{
    size_t at = begin(a, 0x5b, 0x81);

    aml_path(a, region);
    aml_byte(a, 1);
    return at;
}

void aml_field_unit(struct aml *a, const char *name, unsigned bits)
{
    aml_path(a, name);
    aml_byte(a, (uint8_t)bits);
}

void aml_region(struct aml *a, const char *name, enum aml_space space, uint32_t offset,
                uint32_t length)
{
    aml_byte(a, 0x5b);
    aml_byte(a, 0x80);
    aml_path(a, name);
    aml_byte(a, (uint8_t)space);
    aml_integer(a, offset);
    aml_integer(a, length);
}

/* ---- resources ---- */

/* Buffer (size) {...}: the size is a word, filled in at the end. */
size_t aml_resources(struct aml *a)
{
    size_t at = begin(a, 0, 0x11);

    aml_byte(a, 0x0b);
    number(a, 0, 2);
    return at;
}

void aml_resources_end(struct aml *a, size_t opened)
{
    aml_byte(a, 0x79);
    aml_byte(a, 0); /* checksum 0: not used, 6.4.2.9 */
    if (!a->full)
        store16(a->bytes + opened + 1, (uint16_t)(a->size - opened - 3));
    aml_close(a, opened);
}

void aml_io(struct aml *a, uint16_t base, uint8_t length)
{
    aml_byte(a, 0x47);
    aml_byte(a, 1); /* 16-bit decode */
    number(a, base, 2);
    number(a, base, 2);
    aml_byte(a, 1);
    aml_byte(a, length);
}

void aml_irq(struct aml *a, unsigned irq)
{
    aml_byte(a, 0x22);
    number(a, 1u << irq, 2);
}

void aml_dma(struct aml *a, unsigned channel)
{
    aml_byte(a, 0x2a);
    aml_byte(a, (uint8_t)(1u << channel));
    aml_byte(a, 0); /* compatibility, 8 bit, not a bus master */
}

void aml_memory(struct aml *a, uint32_t base, uint32_t length)
{
    aml_byte(a, 0x86);
    number(a, 9, 2);
    aml_byte(a, 1);
    number(a, base, 4);
    number(a, length, 4);
}

void aml_interrupts(struct aml *a, const uint8_t *irqs, unsigned n)
{
    aml_byte(a, 0x89);
    number(a, 2 + 4 * n, 2);
    aml_byte(a, 0x09); /* consumer, level, active high, shared */
    aml_byte(a, (uint8_t)n);
    for (unsigned i = 0; i < n; i++)
        number(a, irqs[i], 4);
}

/* Address space descriptors, 6.4.3.5: type 0 memory, 1 I/O, 2 bus. */
static void range(struct aml *a, uint8_t tag, unsigned size, uint8_t type, uint8_t flags,
                  uint64_t first, uint64_t last)
{
    aml_byte(a, tag);
    number(a, 3 + 5 * size, 2);
    aml_byte(a, type);
    aml_byte(a, 0x0c); /* minimum and maximum are fixed; a producer, positive decode */
    aml_byte(a, flags);
    number(a, 0, size); /* granularity */
    number(a, first, size);
    number(a, last, size);
    number(a, 0, size); /* translation */
    number(a, last - first + 1, size);
}

void aml_bus_range(struct aml *a, uint16_t first, uint16_t last)
{
    range(a, 0x88, 2, 2, 0, first, last);
}

void aml_io_range(struct aml *a, uint16_t first, uint16_t last)
{
    range(a, 0x88, 2, 1, 3, first, last);
}

void aml_memory_range(struct aml *a, uint32_t first, uint32_t last, bool cacheable)
{
    range(a, 0x87, 4, 0, (uint8_t)(cacheable ? 3 : 1), first, last);
}
