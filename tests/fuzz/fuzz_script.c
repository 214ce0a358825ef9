/* fuzz_script.c - scripts, read and not run.
 *
 * Input: the text. What is accepted keeps the promises of script.h; what is refused says
 * where and why.
 */
#include "fuzz.h"

#include "machine/script.h"

#include <stdlib.h>
#include <string.h>

static void check(const struct script *s)
{
    unsigned line = 0;

    for (unsigned n = 0; n < s->steps; n++) {
        const struct script_step *step = &s->step[n];
        if ((unsigned)step->what >= SCRIPT_COMMANDS)
            fuzz_bug("step %u has no command", n);
        if (step->line <= line)
            fuzz_bug("step %u is in line %u, after line %u", n, step->line, line);
        if (!*step->source || strchr(step->source, '\n'))
            fuzz_bug("line %u was '%s'", step->line, step->source);
        if (step->size > SCRIPT_TEXT_MOST && step->what != SCRIPT_SCREENSHOT &&
            step->what != SCRIPT_SAVE)
            fuzz_bug("a text of %zu bytes", step->size);
        if (step->text[step->size])
            fuzz_bug("a text without end");
        if (step->what == SCRIPT_EXIT && step->number > 255)
            fuzz_bug("exit code %llu", (unsigned long long)step->number);
        if (step->ns > 1000000000000000u || step->within > 1000000000000000u)
            fuzz_bug("a wait of %llu ns", (unsigned long long)step->within);
        line = step->line;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size ? size : 1); /* so that a sanitizer sees its end */
    struct error e = {""};
    struct script *s;

    if (!text)
        return 0;
    memcpy(text, bytes, size);
    s = script_parse("fuzz", text, size, &e);
    free(text);
    if (s)
        check(s);
    else if (!strstr(e.text, "script 'fuzz', line "))
        fuzz_bug("refused by '%s'", e.text);
    script_free(s);
    return 0;
}

static const char *const words[] = {
    "\"text\"", "\"\\n\\t\\x41\\\\\\\"\"", "\"\\x0\"", "\"", "\"\"", "30s", "500ms",
    "99999999999999999999s", "m", "ctrl-alt-delete", "ret", "nokey", "a.png", "255", "256",
    "0123456789abcdef", "any", "power-off", "within", "#", "\\", "\xc3\xa4", "\r"};

size_t fuzz_make(struct fuzz_random *r, uint8_t *bytes, size_t room)
{
    size_t size = 0;

    for (unsigned lines = fuzz_below(r, 6); lines; lines--) {
        const char *form = script_commands[fuzz_below(r, SCRIPT_COMMANDS)].form;
        unsigned more = 1 + fuzz_below(r, 9);
        while (*form && size + 300 < room) { /* its words in small letters */
            size_t n = strcspn(form, " ");
            const char *word = form;
            if (*form < 'a' || fuzz_one_in(r, 20)) {
                word = words[fuzz_below(r, ARRAY_SIZE(words))];
                memcpy(bytes + size, word, strlen(word));
                size += strlen(word);
            } else {
                memcpy(bytes + size, word, n);
                size += n;
            }
            form += n + (form[n] == ' ');
            bytes[size++] = ' ';
        }
        while (fuzz_one_in(r, 8) && --more)
            bytes[size++] = (uint8_t)fuzz_next(r);
        bytes[size++] = '\n';
    }
    return size;
}
