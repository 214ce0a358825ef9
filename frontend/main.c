/* main.c - the program `menura`: a command line around the library.
 *
 * Exit codes are those of machine/ends.def; the manual page lists them.
 */
#include "frontend/frontend.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Signal handlers get no argument, so what they stop stands here. */
static struct menura *volatile running;
static volatile sig_atomic_t caught;

static void stop(int number)
{
    struct menura *m = running;

    if (caught && number != SIGALRM)
        _Exit(128 + number); /* asked twice */
    caught = number;
    if (m)
        menura_stop(m);
}

bool was_caught(void)
{
    return caught != 0;
}

void end_as_caught(void)
{
    signal(caught, SIG_DFL); /* whoever waits for us learns what ended us */
    raise(caught);
}

void catch_signals(void)
{
    static const int numbers[] = {
        SIGINT,
        SIGTERM,
#ifdef SIGHUP
        SIGHUP,
#endif
#ifdef SIGALRM
        SIGALRM,
#endif
    };

    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
        signal(numbers[n], stop);
#ifdef SIGPIPE
    signal(SIGPIPE, SIG_IGN); /* a pipe that nobody reads is told, not died of */
#endif
}

/* A sentence, and lines that say the way out. */
void complain(const char *text)
{
    size_t first = strcspn(text, "\n");

    fprintf(stderr, "menura: %.*s\n", (int)first, text);
    for (text += first; *text; text += first) {
        text++;
        first = strcspn(text, "\n");
        fprintf(stderr, "     %.*s\n", (int)first, text);
    }
}

static void say(void *to, enum menura_level level, const char *part, const char *line)
{
    (void)to;
    (void)level;
    fprintf(stderr, "menura: %s: %s\n", part, line);
}

/* COM1 on the terminal, unless that was given away or COM1 was mentioned. */
static bool set_defaults(struct menura_config *c)
{
    const char *debugcon = menura_config_get(c, "debugcon");
    const char *monitor = menura_config_get(c, "monitor");
    bool taken = (debugcon && !strcmp(debugcon, "stdio")) ||
                 (monitor && !strcmp(monitor, "stdio"));

    if (menura_config_get(c, "serial") || (taken && !menura_config_get(c, "nographic")))
        return true;
    return menura_config_set(c, "serial", "stdio");
}

static int failed(const char *text, enum menura_end end)
{
    complain(text);
    return menura_exit_code(NULL, end);
}

/* What is to be said and done once the machine stands still. */
static int finish(struct menura *m, const struct menura_config *c, enum menura_end end)
{
    const char *file = menura_config_get(c, "save");
    int code = menura_exit_code(m, end);
    unsigned long long hash;

    if (code != 0 && end != MENURA_END_DEBUG_EXIT && end != MENURA_END_SCRIPT)
        complain(menura_end_text(end));
    if (menura_config_get(c, "hash")) {
        hash = menura_hash(m);
        fprintf(stderr, "menura: %llu instructions, hash %016llx\n",
                (unsigned long long)menura_instructions(m), hash);
    }
    if (file && !menura_save(m, file))
        return failed(menura_error(m), MENURA_END_HOST);
    return code;
}

static int run(struct menura_config *c)
{
    struct menura *m = menura_new(c);
    enum menura_end end;
    int code;

    if (!m)
        return failed(menura_config_error(c), MENURA_END_HOST);
    running = m;
    catch_signals();
    end = menura_run(m, MENURA_NO_LIMIT);
    code = finish(m, c, end);
    running = NULL;
    menura_free(m);
    if (end == MENURA_END_STOPPED && caught)
        end_as_caught();
    return code;
}

int main(int count, char **word)
{
    struct menura_config *c;
    int code = 0;

    if (count > 1 && !strcmp(word[1], "disk"))
        return disk_command(count - 2, word + 2);
    c = menura_config_new();
    if (!c)
        return failed("the host has no memory", MENURA_END_HOST);
    menura_config_log(c, say, NULL);
    if (!menura_config_arguments(c, count - 1, word + 1))
        code = failed(menura_config_error(c), MENURA_END_USAGE);
    else if (menura_config_answer(c)) {
        if (fputs(menura_config_answer(c), stdout) < 0 || fflush(stdout))
            code = failed("the answer cannot be written", MENURA_END_HOST);
    } else if (!menura_config_runs(c)) {
        code = failed("there is nothing to run\n"
                      "name a disk or CD image: menura disk.img\n"
                      "or a kernel: menura -kernel vmlinuz -initrd initrd "
                      "-append console=ttyS0\n"
                      "all options: menura --help",
                      MENURA_END_USAGE);
    } else if (!set_defaults(c)) {
        code = failed(menura_config_error(c), MENURA_END_USAGE);
    } else {
        code = run(c);
    }
    menura_config_free(c);
    return code;
}
