/* disk.c - `menura disk`: answers on the standard output, a bar on the terminal. */
#include "frontend/frontend.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 50, ERROR_TEXT = 1024 };

struct screen {
    bool bar;          /* somebody looks at it */
    unsigned permille; /* shown last */
    bool lost;         /* an answer could not be written */
};

static void clear_bar(struct screen *s)
{
    if (s->bar && s->permille)
        fprintf(stderr, "\r%*s\r", BAR + 16, "");
    s->permille = 0;
}

static void tell(void *to, const char *text)
{
    struct screen *s = to;

    if (puts(text) < 0)
        s->lost = true;
}

static void note(void *to, const char *text)
{
    clear_bar(to);
    fprintf(stderr, "menura: %s\n", text);
}

static bool progress(void *to, uint64_t done, uint64_t all)
{
    struct screen *s = to;
    unsigned permille = (unsigned)(all < 1000 ? 1000 : done / (all / 1000));

    permille = permille > 1000 ? 1000 : permille;
    if (s->bar && permille != s->permille) {
        char bar[BAR + 1];
        unsigned full = permille * BAR / 1000;

        memset(bar, '#', full);
        memset(bar + full, '.', BAR - full);
        bar[BAR] = 0;
        fprintf(stderr, "\r[%s] %3u.%u %%", bar, permille / 10, permille % 10);
        fflush(stderr);
        s->permille = permille;
    }
    return !was_caught();
}

int disk_command(int count, char **word)
{
    struct screen s = {.bar = isatty(STDERR_FILENO)};
    struct menura_disk_hooks hooks = {
        .to = &s, .line = tell, .note = note, .progress = progress};
    char error[ERROR_TEXT];
    enum menura_end end;

    catch_signals();
    end = menura_disk(count, word, &hooks, error, sizeof error);
    clear_bar(&s);
    if (end != MENURA_END_COUNT)
        complain(error);
    if (end == MENURA_END_STOPPED)
        end_as_caught();
    if ((fflush(stdout) || s.lost) && end == MENURA_END_COUNT) {
        complain("the answer cannot be written");
        end = MENURA_END_HOST;
    }
    return menura_exit_code(NULL, end);
}
