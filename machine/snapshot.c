/* snapshot.c - the machine as a file, and as a hash.
 *
 * Sections: the media in the drives, the machine itself, each CPU, each device under its
 * own name, RAM. What is derived is not saved. Loading refuses a snapshot of a machine of
 * another shape, or with other media.
 */
#include "base/snapshot.h"
#include "host/host.h"
#include "machine/internal.h"
#include "machine/media.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = "MENURA1";
enum { SNAPSHOT_CAP_EXTRA = 1 << 28 }; /* beyond RAM: devices, CPUs, video memory */
/* No machine gets this old, 36 years at 4 GHz; devices may add to the time without overflow. */
#define LAST_TICK (UINT64_MAX >> 2)

/* Everything but RAM, and the names of media, in which equal machines may differ. */
static void write_parts(struct machine *m, struct writer *w)
{
    section_begin(w, "machine");
    write_u64(w, m->config.ram);
    write_u32(w, m->config.cpus);
    write_u32(w, m->config.ips);
    write_u32(w, m->config.tsc_hz);
    write_text(w, m->model.name);
    write_u64(w, m->clock.now);
    write_u64(w, m->clock.armed);
    write_u32(w, m->turn);
    write_u64(w, m->turn_left);
    write_u32(w, m->phys.a20_mask == UINT64_MAX);
    if (m->reset_wanted) /* asked for, by the monitor perhaps, and not yet done */
        write_u32(w, 1);
    section_end(w);
    for (unsigned n = 0; n < m->config.cpus; n++) {
        section_begin(w, "cpu");
        write_u32(w, n);
        cpu_save(m->cpu[n], w);
        section_end(w);
    }
    for (unsigned n = 0; n < m->devices; n++)
        device_save(m->device[n], w); /* a section of its own name */
}

static void write_memory(struct machine *m, struct writer *w)
{
    for (unsigned n = 0; n < m->phys.backing_count; n++) {
        struct bulk bytes = {m->phys.backings[n].bytes, m->phys.backings[n].size};
        struct field row[] = {{"bytes", FIELD_BULK, 0, sizeof bytes, 1, 0, 0, "", 0}, {0}};
        section_begin(w, "memory");
        write_text(w, m->phys.backings[n].name);
        state_save(row, &bytes, w);
        section_end(w);
    }
}

bool machine_save(struct machine *m, const char *file, struct error *e)
{
    struct writer w = {0};
    bool good;

    write_bytes(&w, magic, sizeof magic);
    media_save(m, &w); /* first: it is what may make a load impossible */
    write_parts(m, &w);
    write_memory(m, &w);
    good = w.failed ? error_set(e, "cannot save: the host has no memory for the snapshot")
                    : host_write_file(file, w.bytes, w.size, e);
    writer_free(&w);
    return good;
}

uint64_t machine_hash(struct machine *m)
{
    struct writer w = {0};
    uint64_t hash = 0xcbf29ce484222325ull;

    write_parts(m, &w);
    for (size_t n = 0; n < w.size; n++)
        hash = (hash ^ w.bytes[n]) * 0x100000001b3ull;
    writer_free(&w);
    return phys_hash(&m->phys, hash);
}

static bool same(uint64_t there, uint64_t here, const char *what, struct error *e)
{
    return there == here ||
           error_set(e, "the snapshot is of a machine with %s %llu, this one has %llu", what,
                     (unsigned long long)there, (unsigned long long)here);
}

static bool load_machine(struct machine *m, struct reader *r, uint64_t *armed,
                         struct error *e)
{
    char model[256];
    uint64_t now, turn_left;
    uint32_t turn;

    if (!same(read_u64(r), m->config.ram, "memory size", e) ||
        !same(read_u32(r), m->config.cpus, "a number of CPUs of", e) ||
        !same(read_u32(r), m->config.ips, "ips", e) ||
        !same(read_u32(r), m->config.tsc_hz, "a TSC rate of", e))
        return false;
    read_text(r, model);
    if (strcmp(model, m->model.name))
        return error_set(e, "the snapshot is of a machine with CPU '%s', this one has '%s'",
                         model, m->model.name);
    now = read_u64(r);
    *armed = read_u64(r);
    turn = read_u32(r);
    turn_left = read_u64(r);
    phys_set_a20(&m->phys, read_u32(r));
    m->reset_wanted = r->at < r->size && read_u32(r);
    if (r->failed || turn >= m->config.cpus || now > LAST_TICK || *armed > CLOCK_ARMED_MAX)
        return error_set(e, "the snapshot's machine section is damaged");
    m->clock.now = now;
    m->clock.armed = *armed;
    m->turn = turn;
    m->turn_left = turn_left;
    return true;
}

static bool load_cpu(struct machine *m, struct reader *r, struct error *e)
{
    uint32_t n = read_u32(r);

    if (n >= m->config.cpus)
        return error_set(e, "the snapshot names CPU %u, this machine has %u", n,
                         m->config.cpus);
    return cpu_restore(m->cpu[n], r, e);
}

static bool load_device(struct machine *m, const char *name, struct reader *r,
                        struct error *e)
{
    for (unsigned n = 0; n < m->devices; n++)
        if (!strcmp(m->device[n]->name, name))
            return device_restore(m->device[n], r, e);
    return error_set(e, "the snapshot has a device '%s', this machine has none", name);
}

static bool load_memory(struct machine *m, struct reader *r, struct error *e)
{
    char name[256];

    read_text(r, name);
    for (unsigned n = 0; n < m->phys.backing_count; n++)
        if (!strcmp(m->phys.backings[n].name, name)) {
            struct bulk bytes = {m->phys.backings[n].bytes, m->phys.backings[n].size};
            struct field row[] = {{"bytes", FIELD_BULK, 0, sizeof bytes, 1, 0, 0, "", 0},
                                  {0}};
            return state_restore(row, &bytes, NULL, r, e);
        }
    return error_set(e, "the snapshot has memory '%s', this machine has none", name);
}

static bool load_section(struct machine *m, const char *name, struct reader *r,
                         uint64_t *armed, struct error *e)
{
    if (!strcmp(name, "media"))
        return media_check(m, r, e);
    m->torn = true;
    if (!strcmp(name, "machine"))
        return load_machine(m, r, armed, e);
    if (!strcmp(name, "cpu"))
        return load_cpu(m, r, e);
    if (!strcmp(name, "memory"))
        return load_memory(m, r, e);
    return load_device(m, name, r, e);
}

bool machine_load(struct machine *m, const char *file, struct error *e)
{
    struct error why = {""};
    struct reader r = {0}, inside;
    uint8_t *bytes;
    uint64_t size, armed;
    char name[256], head[8];
    bool good = true;

    if (!host_read_file(file, "snapshot", m->config.ram + SNAPSHOT_CAP_EXTRA, &bytes, &size, e))
        return false;
    r.bytes = bytes;
    r.size = (size_t)size;
    read_bytes(&r, head, sizeof head);
    if (r.failed || memcmp(head, magic, sizeof magic)) {
        free(bytes);
        return error_set(e, "'%s' is not a snapshot of Menura", file);
    }
    code_cache_empty(m->cache);
    for (unsigned n = 0; n < m->config.cpus; n++)
        m->cpu[n]->page = NO_PAGE;
    armed = m->clock.armed;
    while (good && section_next(&r, name, &inside, &why))
        good = load_section(m, name, &inside, &armed, &why);
    if (r.failed)
        good = false;
    clock_restored(&m->clock, armed);
    free(bytes);
    for (unsigned n = 0; n < m->config.cpus; n++)
        m->cpu[n]->patch = NULL;
    code_cache_watch(m->cache);
    if (!good)
        return error_set(e, "cannot load '%s': %s", file, why.text);
    m->torn = false;
    return true;
}
