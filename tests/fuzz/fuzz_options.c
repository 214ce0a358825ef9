/* fuzz_options.c - command lines and configuration files.
 *
 * Input: what (1 byte: file or words; is a machine made?), then text: a line is a word of the
 * command line, or a line of the file. What is accepted must be what machine.h promises to
 * machine_new(), and small machines are made and run.
 */
#include "fuzz.h"

#include "base/error.h"
#include "machine/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 64, TEXT = 4096, FROM_FILE = 1, RUN = 6 };

static void check(const struct options *o)
{
    const struct machine_config *c = &o->machine;
    struct cpu_model model;
    struct error e = {""};

    if (c->ram < 1 << 20 || c->ram > 1ull << 40 || c->ram % PAGE)
        fuzz_bug("%llu bytes of RAM", (unsigned long long)c->ram);
    if (c->cpus < 1 || c->cpus > MACHINE_CPUS)
        fuzz_bug("%u CPUs", c->cpus);
    if (c->ips < 1000000 || c->ips > 4000000000u)
        fuzz_bug("%u instructions per second", (unsigned)c->ips);
    if (c->cpu && !cpu_model_parse(c->cpu, &model, &e))
        fuzz_bug("a CPU that does not exist: %s", e.text);
    if (o->serials > MACHINE_SERIALS)
        fuzz_bug("%u serial ports", o->serials);
    if (c->small_tlb > L1_LISTED)
        fuzz_bug("a small TLB of %u entries", c->small_tlb);
}

static void run_machine(const struct options *o)
{
    struct machine_config config = o->machine;
    struct error e = {""};
    struct machine *m;

    config.kernel = config.initrd = NULL; /* fuzz_boot's */
    config.ram = config.ram < 8 << 20 ? config.ram : 8 << 20;
    m = machine_new(&config, &e);
    if (m)
        machine_run(m, 200);
    else if (!e.text[0])
        fuzz_bug("no machine, and no word why");
    machine_free(m);
}

static bool from_file(struct options *o, const char *text, size_t size, struct error *e)
{
    char name[64];
    bool good;
    FILE *f;

    snprintf(name, sizeof name, "fuzz-options-%ld.tmp", (long)getpid());
    f = fopen(name, "wb");
    if (!f || fwrite(text, 1, size, f) != size || fclose(f)) {
        perror(name);
        exit(2);
    }
    good = options_read(o, name, e);
    remove(name);
    return good;
}

static bool from_words(struct options *o, char *text, struct error *e)
{
    char *word[WORDS];
    int count = 0;

    for (char *at = text; at && count < WORDS;) {
        char *end = strchr(at, '\n');
        if (end)
            *end++ = 0;
        word[count++] = at;
        at = end;
    }
    return options_arguments(o, count, word, e);
}

static void drop_line(void *to, const char *line)
{
    (void)to, (void)line;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input in = {bytes, size};
    unsigned what = (unsigned)fuzz_take(&in, 1);
    size_t n = in.left < TEXT ? in.left : TEXT;
    struct options *o = options_new();
    char *text = malloc(n + 1);
    struct error e = {""};
    bool good;

    if (!o || !text)
        exit(2);
    memcpy(text, in.at, n);
    text[n] = 0;
    if (what & FROM_FILE)
        good = from_file(o, text, n, &e);
    else
        good = from_words(o, text, &e);
    if (!good && !e.text[0])
        fuzz_bug("refused without a word");
    if (!memchr(e.text, 0, sizeof e.text))
        fuzz_bug("an error without end");
    for (unsigned k = 0; k < OPTIONS; k++)
        if (option_rows[k].names)
            (void)options_get(o, option_rows[k].names);
    (void)options_page(text, drop_line, NULL);
    if (good) {
        check(o);
        if (!(what & RUN))
            run_machine(o);
    }
    options_drop(o);
    free(text);
    return 0;
}

/* ---- inputs ---- */

static void add(uint8_t **to, const char *text, size_t n)
{
    memcpy(*to, text, n);
    *to += n;
}

static void value(struct fuzz_random *r, const char *standard, uint8_t **to)
{
    static const char *const values[] = {
        "on", "off", "64M", "1G", "512G", "4", "sockets=2,cores=2", "max", "default", "486",
        "nehalem,-sse42,+avx", "base=2026-01-31", "base=2000-02-29T00:00:00,clock=vm",
        "base=utc", "base=localtime", "stdio", "file:/dev/null", "mon:stdio", "none", "pty",
        "isa-debug-exit,iobase=0x501,iosize=2", "int,exec,in_asm,cpu", "help", "auto", "real",
        "fast", "0x10", "-1", "18446744073709551615", "1e9", "550e8400-e29b-41d4-a716-446655440000",
        "man", "user,id=n0", "", "=", ",", ",,,", "a=b,c=d", "size=64M", "100000000", "type=pc",
    };
    char number[32];

    if (standard && fuzz_one_in(r, 2)) {
        add(to, standard, strlen(standard));
    } else if (fuzz_one_in(r, 3)) {
        snprintf(number, sizeof number, fuzz_one_in(r, 2) ? "%llu" : "0x%llx",
                 (unsigned long long)fuzz_number(r));
        add(to, number, strlen(number));
        if (fuzz_one_in(r, 2))
            *(*to)++ = (uint8_t)"kKMGTBi,%"[fuzz_below(r, 9)];
    } else {
        const char *v = values[fuzz_below(r, ARRAY_SIZE(values))];
        add(to, v, strlen(v));
    }
    while (fuzz_one_in(r, 8))
        *(*to)++ = (uint8_t)" ,=:-+\"'\\#x0."[fuzz_below(r, 13)];
}

size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room)
{
    uint8_t *at = bytes;
    unsigned lines = 1 + fuzz_below(r, 8);
    bool file = fuzz_one_in(r, 3);
    (void)room;

    *at++ = (uint8_t)((fuzz_next(r) & ~1u) | file);
    for (unsigned n = 0; n < lines; n++) {
        const struct option_row *row = &option_rows[fuzz_below(r, OPTIONS)];
        const char *names = row->names;
        unsigned skip = fuzz_below(r, 3);
        size_t length;
        if (!names)
            continue; /* a section's title */
        while (skip-- && strchr(names, '|'))
            names = strchr(names, '|') + 1;
        length = strcspn(names, "|");
        if (!strncmp(names, "config", 6) || !strncmp(names, "readconfig", 10) ||
            !strncmp(names, "script", 6))
            continue; /* not the host's files */
        if (!file)
            add(&at, "--", fuzz_below(r, 3));
        add(&at, names, length);
        if (file)
            add(&at, " = ", 3);
        else if (!fuzz_one_in(r, 4))
            *at++ = fuzz_one_in(r, 4) ? '=' : '\n';
        value(r, row->standard, &at);
        *at++ = '\n';
    }
    return (size_t)(at - bytes);
}
