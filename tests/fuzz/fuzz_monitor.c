/* fuzz_monitor.c - command lines for the monitor, on a machine that has run a little.
 *
 * Input: lines. Looking must not change the machine, whatever is asked.
 */
#include "fuzz.h"

#include "menura.h"

#include <stdlib.h>
#include <string.h>

enum { LINE = 1200, LINES = 40, MOST_ANSWERS = 20000 };

static void count_line(void *to, const char *text)
{
    if (strchr(text, '\n') || strlen(text) > 8192)
        fuzz_bug("an answer that is no line");
    ++*(unsigned *)to;
}

static bool names(const char *line, const char *command)
{
    size_t n = strlen(command);
    return !strncmp(line, command, n) && (line[n] == ' ' || line[n] == '/' || !line[n]);
}

/* Files are the host's, and so long a step is a user's own wish. */
static bool harmless(char *line)
{
    char *word = line + strspn(line, " "), *at;
    size_t digits;

    if (names(word, "save") || names(word, "savevm") || names(word, "load") ||
        names(word, "loadvm")) {
        at = strchr(word, ' ');
        return !at || !at[strspn(at, " ")];
    }
    if (names(word, "change"))
        return !strchr(word, '/') && !strchr(word, '.');
    if (names(word, "step") && strlen(word) > 5) {
        digits = strspn(word + 5, "0123456789");
        word[5 + (digits < 3 ? digits : 3)] = 0;
    }
    return true;
}

static bool only_looks(const char *line)
{
    static const char *const looks[] = {"info", "x", "xp", "cpu", "help", "?", "hash"};

    line += strspn(line, " ");
    for (unsigned n = 0; n < ARRAY_SIZE(looks); n++)
        if (names(line, looks[n]))
            return true;
    return false;
}

/* looked: the commands since *before was taken only looked. A hash takes its time. */
static void obey(struct menura *m, char *line, bool *looked, uint64_t *before)
{
    unsigned answers = 0;
    bool looks = only_looks(line);

    if (!harmless(line))
        return;
    if (looks && !*looked)
        *before = menura_hash(m);
    if (!looks && *looked && menura_hash(m) != *before)
        fuzz_bug("a look before '%s' changed the machine", line);
    *looked = looks;
    menura_command(m, line, count_line, &answers);
    if (answers > MOST_ANSWERS)
        fuzz_bug("%u lines of answer to '%s'", answers, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct menura_config *c = menura_config_new();
    struct menura *m = NULL;
    char line[LINE];
    bool looked = false;
    uint64_t before = 0;

    if (!c || !menura_config_set(c, "m", "2M") || !menura_config_set(c, "smp", "2") ||
        !menura_config_set(c, "no-reboot", "on") || !menura_config_set(c, "ips", "1000000") ||
        !menura_config_set(c, "cpu", "max") || !menura_config_set(c, "rtc", "base=2026-01-31") ||
        !(m = menura_new(c)))
        fuzz_bug("no machine: %s", c ? menura_config_error(c) : "no memory");
    menura_run(m, 100);
    for (unsigned n = 0; n < LINES && size; n++) {
        const uint8_t *end = memchr(bytes, '\n', size);
        size_t length = end ? (size_t)(end - bytes) : size, kept = length;
        if (kept > LINE - 1)
            kept = LINE - 1;
        memcpy(line, bytes, kept);
        line[kept] = 0;
        obey(m, line, &looked, &before);
        bytes += length + (end != NULL);
        size -= length + (end != NULL);
    }
    if (looked && menura_hash(m) != before)
        fuzz_bug("a look changed the machine");
    menura_free(m);
    menura_config_free(c);
    return 0;
}

/* ---- inputs ---- */

static void add(uint8_t **to, const char *text)
{
    size_t n = strlen(text);
    memcpy(*to, text, n);
    *to += n;
}

size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room)
{
    static const char *const begin[] = {
        "help", "info ", "info registers ", "info devices ", "info mem", "info memory ",
        "info io", "info timers", "info faults", "info status", "info code", "x/", "xp/", "x $",
        "cpu ", "stop", "cont", "step ", "system_reset", "hash", "log ", "quit", "save", "load",
        "?", "x", "xp", "info", "c", "s", "q",
        "eject ", "change ", "info block",
    };
    static const char *const pieces[] = {
        "4xb ", "8xg ", "16i ", "1xw ", "$rip", "$rax", "$cs", "$cr3", "0x", "0xffffffffffffffff",
        "0xfee00000", "0x3f8", "+", "-", "/", " ", "-a", "all", "com1", "lapic0", "rtc", "pci",
        "0", "1", "2", "4096", "info", "debug", "none", "$", "x", "d", "c", "o", "u", "99999999999999999999",
        "floppy0 ", "ide1-cd0 ", "-f ", "\"", "read-only ", "raw ",
    };
    uint8_t *at = bytes;
    unsigned lines = 1 + fuzz_below(r, 5);
    (void)room;

    for (unsigned n = 0; n < lines; n++) {
        add(&at, begin[fuzz_below(r, ARRAY_SIZE(begin))]);
        while (!fuzz_one_in(r, 4))
            add(&at, pieces[fuzz_below(r, ARRAY_SIZE(pieces))]);
        while (fuzz_one_in(r, 8))
            *at++ = (uint8_t)fuzz_next(r);
        *at++ = '\n';
    }
    return (size_t)(at - bytes);
}
