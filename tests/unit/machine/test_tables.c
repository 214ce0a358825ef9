#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/byteorder.h"
#include "base/error.h"
#include "machine/aml.h"
#include "machine/tables.h"

static struct tables *make_at(uint16_t pm_base, unsigned cpus, uint64_t ram,
                              struct memory_map *map)
{
    struct tables *t = malloc(sizeof *t);
    struct tables_config config = {.cpus = cpus, .map = map, .cpu_signature = 0x106a5,
                                   .cpu_features = 0x0fabfbff, .cpu_vendor = "GenuineIntel",
                                   .cpu_brand = "Menura CPU",
                                   .pm_base = pm_base};
    struct error e;

    memory_map_make(map, ram);
    assert_true(tables_make(&config, t, &e));
    return t;
}

static struct tables *make(unsigned cpus, uint64_t ram, struct memory_map *map)
{
    return make_at(BOARD_PM_BASE, cpus, ram, map);
}

static uint8_t *acpi_at(struct tables *t, uint64_t where)
{
    assert_true(where >= t->acpi_at && where < t->acpi_at + MEMORY_TABLES);
    return t->acpi + (where - t->acpi_at);
}

static uint8_t *legacy_at(struct tables *t, uint64_t where)
{
    assert_true(where >= BOARD_LEGACY && where < BOARD_LEGACY + t->legacy_used);
    return t->legacy + (where - BOARD_LEGACY);
}

static uint8_t *find(struct tables *t, const char *signature)
{
    uint8_t *rsdp = legacy_at(t, t->rsdp), *xsdt = acpi_at(t, load64(rsdp + 24));

    for (unsigned i = 36; i < load32(xsdt + 4); i += 8)
        if (!memcmp(acpi_at(t, load64(xsdt + i)), signature, 4))
            return acpi_at(t, load64(xsdt + i));
    return NULL;
}

static void the_memory_map_covers_all_ram_and_nothing_twice(void **state)
{
    const uint64_t sizes[] = {1 << 20, 8 << 20, 3ull << 30, (3ull << 30) + 4096, 6ull << 30,
                              1ull << 40};
    (void)state;

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct memory_map map;
        uint64_t ram = 0, end = 0;
        memory_map_make(&map, sizes[i]);
        assert_int_equal(map.low + map.high, sizes[i]);
        for (unsigned n = 0; n < map.count; n++) {
            assert_true(map.range[n].base >= end);
            end = map.range[n].base + map.range[n].size;
            if (map.range[n].base >= 1 << 20 && map.range[n].type != MEMORY_RESERVED)
                ram += map.range[n].size;
        }
        assert_int_equal(ram + (1 << 20), sizes[i]);
    }
}

static void usable_means_whole_and_ram(void **state)
{
    struct memory_map map;
    (void)state;

    memory_map_make(&map, 64 << 20);
    assert_true(memory_map_usable(&map, 0x1000, 0x9ec00));
    assert_false(memory_map_usable(&map, 0x1000, 0x9ec01));
    assert_false(memory_map_usable(&map, 0x9f000, 1 << 20));
    assert_false(memory_map_usable(&map, map.tables, 1));
    assert_false(memory_map_usable(&map, 1 << 20, UINT64_MAX));
    assert_false(memory_map_usable(&map, MEMORY_HIGH, 1));
}

static void tell_range(uint8_t *to, uint64_t base, uint64_t size, uint32_t type)
{
    store64(to, base);
    store64(to + 8, size);
    store32(to + 16, type);
}

static void a_map_that_firmware_tells_is_sorted_and_checked(void **state)
{
    uint8_t told[40 * MEMORY_RANGE_BYTES];
    struct memory_map map;
    (void)state;

    memory_map_make(&map, 64 << 20);
    tell_range(told, 1 << 20, 63 << 20, MEMORY_RAM);
    tell_range(told + 20, 0xf0000, 0x10000, MEMORY_RESERVED);
    tell_range(told + 40, 0x5000, 0, MEMORY_RAM);
    tell_range(told + 60, 0, 0x9fc00, MEMORY_RAM);
    assert_true(memory_map_told(&map, told, 4));
    assert_int_equal(map.count, 3);
    assert_int_equal(map.range[0].size, 0x9fc00);
    assert_int_equal(map.range[1].base, 0xf0000);
    assert_int_equal(map.range[1].type, MEMORY_RESERVED);
    assert_int_equal(map.range[2].base, 1 << 20);
    assert_int_equal(map.low, 64 << 20);

    tell_range(told + 40, 0x9f000, 0x1000, MEMORY_RESERVED); /* over the one from 0 */
    assert_false(memory_map_told(&map, told, 4));
    tell_range(told + 40, UINT64_MAX - 10, 100, MEMORY_RAM);
    assert_false(memory_map_told(&map, told, 4));
    for (unsigned n = 0; n < 40; n++)
        tell_range(told + 20 * n, n << 20, 1 << 20, MEMORY_RAM);
    assert_true(memory_map_told(&map, told, MEMORY_RANGES));
    assert_false(memory_map_told(&map, told, MEMORY_RANGES + 1));
    assert_int_equal(map.count, MEMORY_RANGES);
}

static void every_checksum_is_zero(void **state)
{
    struct memory_map map;
    struct tables *t = make(4, 512 << 20, &map);
    const char *names[] = {"FACP", "APIC", "HPET"};
    uint8_t *p;
    (void)state;

    p = legacy_at(t, t->rsdp);
    assert_int_equal(bytes_sum(p, 20), 0);
    assert_int_equal(bytes_sum(p, 36), 0);
    assert_int_equal(t->rsdp % 16, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        p = find(t, names[i]);
        assert_non_null(p);
        assert_int_equal(bytes_sum(p, load32(p + 4)), 0);
    }
    p = find(t, "FACP");
    assert_int_equal(load32(p + 40), load64(p + 140));
    p = acpi_at(t, load32(p + 40));
    assert_memory_equal(p, "DSDT", 4);
    assert_int_equal(bytes_sum(p, load32(p + 4)), 0);

    p = legacy_at(t, t->smbios);
    assert_int_equal(bytes_sum(p, 31), 0);
    assert_int_equal(bytes_sum(p + 16, 15), 0);
    p = legacy_at(t, t->mp);
    assert_int_equal(bytes_sum(p, 16), 0);
    p = legacy_at(t, load32(p + 4));
    assert_memory_equal(p, "PCMP", 4);
    assert_int_equal(bytes_sum(p, load16(p + 4)), 0);
    free(t);
}

static void the_fadt_and_the_motherboards_ports_are_where_power_management_is(void **state)
{
    static const uint8_t io[] = {0x47, 1, 0x00, 0xb0, 0x00, 0xb0, 1, 64}; /* 6.4.2.5 */
    struct memory_map map;
    struct tables *t = make_at(0xb000, 1, 512 << 20, &map);
    uint8_t *fadt = find(t, "FACP"), *dsdt = acpi_at(t, load32(fadt + 40));
    unsigned found = 0;
    (void)state;

    assert_int_equal(load32(fadt + 56), 0xb000);
    assert_int_equal(load32(fadt + 64), 0xb004);
    assert_int_equal(load32(fadt + 76), 0xb008);
    assert_int_equal(load64(fadt + 152), 0xb000);
    for (uint8_t *p = dsdt; p + sizeof io <= dsdt + load32(dsdt + 4); p++)
        found += !memcmp(p, io, sizeof io);
    assert_int_equal(found, 1);
    assert_int_equal(bytes_sum(dsdt, load32(dsdt + 4)), 0);
    free(t);
}

static void the_facs_stays_in_memory_that_the_system_keeps(void **state)
{
    struct memory_map map;
    struct tables *t = make(1, 512 << 20, &map);
    uint64_t facs = load32(find(t, "FACP") + 36);
    bool kept = false;
    (void)state;

    for (unsigned i = 0; i < map.count; i++)
        kept |= map.range[i].type == MEMORY_ACPI_NVS && facs >= map.range[i].base &&
                facs + 64 <= map.range[i].base + map.range[i].size;
    assert_true(kept);
    assert_int_equal(facs % 64, 0);
    assert_memory_equal(acpi_at(t, facs), "FACS", 4);
    free(t);
}

static void every_cpu_is_listed_once(void **state)
{
    struct memory_map map;
    struct tables *t = make(64, 8ull << 30, &map);
    uint8_t *p = find(t, "APIC"), *mp = legacy_at(t, load32(legacy_at(t, t->mp) + 4));
    uint64_t seen = 0;
    unsigned entries = 0, cpus = 0, length = load16(mp + 4);
    (void)state;

    for (unsigned i = 44; i < load32(p + 4); i += p[i + 1]) {
        assert_true(p[i + 1] >= 2);
        if (p[i] == 0) {
            assert_false(seen >> p[i + 3] & 1);
            seen |= 1ull << p[i + 3];
        }
    }
    assert_true(seen == UINT64_MAX);
    for (unsigned i = 44; i < length; i += mp[i] ? 8 : 20, entries++)
        cpus += mp[i] == 0;
    assert_int_equal(cpus, 64);
    assert_int_equal(entries, load16(mp + 34));
    free(t);
}

/* A walk as the specification describes it: formatted part, strings, two zeros. */
static void smbios_structures_lead_to_the_last_one(void **state)
{
    struct memory_map map;
    struct tables *t = make(2, 5ull << 30, &map);
    uint8_t *entry = legacy_at(t, t->smbios);
    const uint8_t *p = legacy_at(t, load32(entry + 24)), *end = p + load16(entry + 22);
    unsigned count = 0, largest = 0, last = 0;
    (void)state;

    while (p < end) {
        const uint8_t *start = p;
        last = p[0];
        p += p[1];
        while (p[0] || p[1])
            p++;
        p += 2;
        count++;
        if ((unsigned)(p - start) > largest)
            largest = (unsigned)(p - start);
    }
    assert_ptr_equal(p, end);
    assert_int_equal(last, 127);
    assert_int_equal(count, load16(entry + 28));
    assert_int_equal(largest, load16(entry + 8));
    free(t);
}

static void a_machine_with_too_little_ram_has_no_acpi_and_says_so(void **state)
{
    struct memory_map map;
    struct tables *t = make(1, 1 << 20, &map);
    (void)state;

    assert_int_equal(t->rsdp, 0);
    assert_int_equal(t->acpi_at, 0);
    assert_int_not_equal(t->mp, 0);
    free(t);
}

static void package_lengths_count_themselves(void **state)
{
    /* ACPI 6.4 20.2.4: up to 63 in one byte, then the low four bits in the first. */
    const struct {
        unsigned content;
        unsigned bytes;
    } cases[] = {{62, 1}, {63, 2}, {0xffd, 2}, {0xffe, 3}, {20000, 3}};
    static uint8_t buffer[32768], zeros[32768];
    (void)state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct aml a = {.bytes = buffer, .room = sizeof buffer};
        size_t at = aml_if(&a);
        unsigned length, n;
        aml_bytes(&a, zeros, cases[i].content);
        aml_close(&a, at);
        n = (buffer[1] >> 6) + 1u;
        length = n == 1 ? buffer[1] & 0x3f : buffer[1] & 0xf;
        for (unsigned k = 1; k < n; k++)
            length |= (unsigned)buffer[1 + k] << (8 * k - 4);
        assert_int_equal(n, cases[i].bytes);
        assert_int_equal(length, cases[i].content + n);
        assert_int_equal(a.size, 1 + length);
    }
}

static void a_full_buffer_is_not_overrun(void **state)
{
    uint8_t buffer[8] = {0};
    struct aml a = {.bytes = buffer, .room = 6};
    size_t at;
    (void)state;

    at = aml_scope(&a, "\\_SB");
    aml_string(&a, "too long for this");
    aml_close(&a, at);
    assert_true(a.full);
    assert_int_equal(buffer[6], 0);
}

static bool iasl_accepts(const char *folder, const char *name, const uint8_t *p)
{
    char text[512];
    FILE *f;

    snprintf(text, sizeof text, "%s/%s.aml", folder, name);
    f = fopen(text, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, load32(p + 4), f), load32(p + 4));
    fclose(f);
    snprintf(text, sizeof text,
             "cd %s && iasl -d %s.aml >%s.log 2>&1 && iasl -oa -tc -p %s.again %s.dsl "
             ">>%s.log 2>&1 && grep -q ' 0 Errors, 0 Warnings' %s.log",
             folder, name, name, name, name, name, name);
    return system(text) == 0;
}

static void iasl_takes_the_tables_apart_and_together_again(void **state)
{
    struct memory_map map;
    struct tables *t = make(3, 6ull << 30, &map);
    const char *names[] = {"FACP", "APIC", "HPET"};
    char folder[] = "/tmp/menura-acpi-XXXXXX", text[64];
    (void)state;

    if (system("iasl -v >/dev/null 2>&1") != 0) {
        print_message("skipped: iasl is not installed\n");
        free(t);
        skip();
    }
    assert_non_null(mkdtemp(folder));
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (!iasl_accepts(folder, names[i], find(t, names[i])))
            fail_msg("%s: see %s", names[i], folder);
    if (!iasl_accepts(folder, "DSDT", acpi_at(t, load32(find(t, "FACP") + 40))))
        fail_msg("DSDT: see %s", folder);
    snprintf(text, sizeof text, "rm -r %s", folder);
    assert_int_equal(system(text), 0);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_memory_map_covers_all_ram_and_nothing_twice),
        cmocka_unit_test(usable_means_whole_and_ram),
        cmocka_unit_test(a_map_that_firmware_tells_is_sorted_and_checked),
        cmocka_unit_test(every_checksum_is_zero),
        cmocka_unit_test(the_fadt_and_the_motherboards_ports_are_where_power_management_is),
        cmocka_unit_test(the_facs_stays_in_memory_that_the_system_keeps),
        cmocka_unit_test(every_cpu_is_listed_once),
        cmocka_unit_test(smbios_structures_lead_to_the_last_one),
        cmocka_unit_test(a_machine_with_too_little_ram_has_no_acpi_and_says_so),
        cmocka_unit_test(package_lengths_count_themselves),
        cmocka_unit_test(a_full_buffer_is_not_overrun),
        cmocka_unit_test(iasl_takes_the_tables_apart_and_together_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
