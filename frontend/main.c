/* main.c - the program `menura`: a command line around the library.
 *
 * Exit codes are those of machine/ends.def; the manual page lists them.
 */
#include "frontend/display.h"
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

    if (caught && number != SIGALRM) {
        menura_terminal_restore();
        _Exit(128 + number); /* asked twice */
    }
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

/* The display that is open. */
struct shown {
    const struct display *display; /* NULL: none */
    void *state;
};

static void say(void *to, enum menura_level level, const char *part, const char *line)
{
    const struct shown *shown = to;
    char text[2048];

    (void)level;
    snprintf(text, sizeof text, "menura: %s: %s", part, line);
    if (shown->state && shown->display->say)
        shown->display->say(shown->state, text);
    else
        fprintf(stderr, "%s\n", text);
}

/* COM1 on the terminal, unless that was given away or COM1 was mentioned. */
static bool set_defaults(struct menura_config *c, const struct display *d)
{
    const char *debugcon = menura_config_get(c, "debugcon");
    const char *monitor = menura_config_get(c, "monitor");
    bool taken = (debugcon && !strcmp(debugcon, "stdio")) ||
                 (monitor && !strcmp(monitor, "stdio"));

    if (menura_config_get(c, "serial") || d == &display_terminal ||
        (taken && !menura_config_get(c, "nographic")))
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
    const char *picture = menura_config_get(c, "screenshot");
    int code = menura_exit_code(m, end);
    unsigned long long hash;

    if (code != 0 && end != MENURA_END_DEBUG_EXIT && end != MENURA_END_SCRIPT)
        complain(menura_end_text(end));
    if (menura_config_get(c, "hash")) {
        hash = menura_hash(m);
        fprintf(stderr, "menura: %llu instructions, hash %016llx\n",
                (unsigned long long)menura_instructions(m), hash);
    }
    if (menura_config_get(c, "screen-text") && !display_print_text(m))
        return failed("the screen's text cannot be written", MENURA_END_HOST);
    if (picture && !menura_screenshot(m, picture))
        return failed(menura_error(m), MENURA_END_HOST);
    if (file && !menura_save(m, file))
        return failed(menura_error(m), MENURA_END_HOST);
    return code;
}

static void close_display(struct shown *shown)
{
    void *state = shown->state;

    shown->state = NULL;
    if (state)
        shown->display->close(state);
}

static int run(struct menura_config *c, struct shown *shown)
{
    const struct display *d = shown->display;
    struct menura *m;
    enum menura_end end;
    char why[DISPLAY_WHY];
    int code;

    if (d && !(shown->state = d->open(c, why))) {
        if (menura_config_get(c, "display"))
            return failed(why, MENURA_END_HOST);
        complain(why);
        d = NULL; /* nobody asked for it */
    }
    m = menura_new(c);
    if (!m) {
        close_display(shown);
        return failed(menura_config_error(c), MENURA_END_HOST);
    }
    running = m;
    catch_signals();
    end = d ? d->run(shown->state, m) : menura_run(m, MENURA_NO_LIMIT);
    close_display(shown);
    code = finish(m, c, end);
    running = NULL;
    menura_free(m);
    if (end == MENURA_END_STOPPED && caught)
        end_as_caught();
    return code;
}

static bool print_answer(const struct menura_config *c)
{
    if (fputs(menura_config_answer(c), stdout) < 0)
        return false;
    if (menura_config_get(c, "version"))
        puts(display_features());
    return fflush(stdout) == 0;
}

int main(int count, char **word)
{
    struct shown shown = {NULL, NULL};
    struct menura_config *c;
    char why[DISPLAY_WHY];
    int code = 0;

    if (count > 1 && !strcmp(word[1], "disk"))
        return disk_command(count - 2, word + 2);
    c = menura_config_new();
    if (!c)
        return failed("the host has no memory", MENURA_END_HOST);
    menura_config_log(c, say, &shown);
    if (!menura_config_arguments(c, count - 1, word + 1))
        code = failed(menura_config_error(c), MENURA_END_USAGE);
    else if (menura_config_answer(c)) {
        if (!print_answer(c))
            code = failed("the answer cannot be written", MENURA_END_HOST);
    } else if (!menura_config_runs(c)) {
        code = failed("there is nothing to run\n"
                      "name a disk or CD image: menura disk.img\n"
                      "or a kernel: menura -kernel vmlinuz -initrd initrd "
                      "-append console=ttyS0\n"
                      "all options: menura --help",
                      MENURA_END_USAGE);
    } else if (!display_choose(c, &shown.display, why)) {
        code = failed(why, MENURA_END_USAGE);
    } else if (!set_defaults(c, shown.display)) {
        code = failed(menura_config_error(c), MENURA_END_USAGE);
    } else {
        code = run(c, &shown);
    }
    menura_config_free(c);
    return code;
}
