/* program.c - the program as users meet it: its exit codes, and its terminal.
 *
 * Runs menura ($1) as a child, on a pseudo-terminal where that matters; in a cross build
 * the program named by the environment's EMULATOR runs it.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 120000, ARGUMENTS = 16 }; /* ms; words */

static const char *menura;
static const char guest[] = "menura-program-guest.elf";
static unsigned failures;

static void failed(const char *test, const char *why)
{
    fprintf(stderr, "program: %s: %s\n", test, why);
    failures++;
}

/* ---- guests ---- */

/* Port 604h is PM1a_CNT (base 600h): SLP_TYP is S5's, SLP_EN bit 13. */
static const unsigned char power_off[] = {
    0x66, 0xba, 0x04, 0x06, /* mov dx, 604h */
    0x66, 0xb8, 0x00, 0x20, /* mov ax, 2000h */
    0x66, 0xef, 0xf4,       /* out dx, ax; hlt */
};
static const unsigned char debug_exit[] = {0xb0, 0x03, 0xe6, 0xf4,
                                           0xf4}; /* out f4h, 3 */
static const unsigned char reset[] = {
    0x66, 0xba, 0xf9, 0x0c, 0xb0, 0x02, 0xee, 0xb0, 0x06, 0xee, 0xf4, /* CF9h: 2, 6 */
};
static const unsigned char triple[] = {
    0x0f, 0x01, 0x1d, 0x09, 0x00, 0x10, 0x00, 0x0f,
    0x0b, 0,    0,    0,    0,    0,    0};                     /* lidt [zeroes]; ud2 */
static const unsigned char halted[] = {0xfa, 0xf4, 0xeb, 0xfd}; /* cli; hlt; jmp hlt */
static const unsigned char forever[] = {0xeb, 0xfe};
/* What COM1 receives is sent back; a break ends the run by isa-debug-exit, 7. */
static const unsigned char echo[] = {
    0x66, 0xba, 0xfc, 0x03, 0xb0, 0x03, 0xee, /* MCR: DTR, RTS */
    0x66, 0xba, 0xfd, 0x03, 0xec,             /* wait: LSR */
    0xa8, 0x10, 0x75, 0x0d,                   /* break interrupt? */
    0xa8, 0x01, 0x74, 0xf3,                   /* nothing yet: wait */
    0x66, 0xba, 0xf8, 0x03, 0xec, 0xee,       /* RBR to THR */
    0xeb, 0xeb,                               /* wait */
    0x90, 0xb0, 0x07, 0xe6, 0xf4, 0xf4,
};

/* ---- children ---- */

struct child {
    pid_t pid;
    int master; /* of its terminal, -1 without one */
    int slave;  /* held, to look at its mode */
    char seen[65536];
    size_t size;
};

static void run_child(char *const *words, int terminal)
{
    if (terminal >= 0) {
        setsid();
        ioctl(terminal, TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; fd++)
            dup2(terminal, fd);
    } else {
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
    }
    execvp(words[0], words);
    _exit(127);
}

/* `options` are words separated by blanks. */
static struct child *start(const unsigned char *code, size_t size, const char *options,
                           int wants_terminal)
{
    static struct child c;
    char line[1024], *words[ARGUMENTS + 1];
    const char *emulator = getenv("EMULATOR");
    int n = 0;

    snprintf(line, sizeof line,
             "%s %s -m 16M -device isa-debug-exit,iobase=0xf4,iosize=4 "
             "-kernel %s %s",
             emulator ? emulator : "", menura, guest, options);
    for (char *at = strtok(line, " "); at && n < ARGUMENTS; at = strtok(NULL, " "))
        words[n++] = at;
    words[n] = NULL;
    memset(&c, 0, sizeof c);
    c.master = c.slave = -1;
    if (!guest_write(guest, code, size))
        failed("guest", strerror(errno));
    if (wants_terminal) {
        c.master = posix_openpt(O_RDWR | O_NOCTTY);
        if (c.master < 0 || grantpt(c.master) < 0 || unlockpt(c.master) < 0 ||
            (c.slave = open(ptsname(c.master), O_RDWR | O_NOCTTY)) < 0) {
            fprintf(stderr, "program: skipped: no pseudo-terminals here\n");
            exit(77);
        }
        fcntl(c.master, F_SETFD, FD_CLOEXEC);
    }
    c.pid = fork();
    if (c.pid == 0)
        run_child(words, c.slave);
    return &c;
}

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* Its wait status; killed when it takes too long. */
static int finish(struct child *c)
{
    long end = now_ms() + PATIENCE;
    int status = 0;

    while (waitpid(c->pid, &status, WNOHANG) == 0) {
        if (now_ms() > end) {
            kill(c->pid, SIGKILL);
            waitpid(c->pid, &status, 0);
            break;
        }
        usleep(2000);
    }
    if (c->master >= 0)
        close(c->master);
    if (c->slave >= 0)
        close(c->slave);
    return status;
}

/* Reads the terminal until text came. */
static int sees(struct child *c, const char *text)
{
    long end = now_ms() + PATIENCE;

    while (!strstr(c->seen, text)) {
        struct pollfd p = {.fd = c->master, .events = POLLIN};
        ssize_t n;
        if (now_ms() > end || c->size + 1 >= sizeof c->seen)
            return 0;
        if (poll(&p, 1, 100) <= 0)
            continue;
        n = read(c->master, c->seen + c->size, sizeof c->seen - 1 - c->size);
        if (n <= 0)
            return 0;
        c->size += (size_t)n;
        c->seen[c->size] = 0;
    }
    return 1;
}

static void types(struct child *c, const char *text)
{
    if (write(c->master, text, strlen(text)) < 0)
        failed("terminal", strerror(errno));
    c->size = 0;
    c->seen[0] = 0;
}

static int is_cooked(const struct child *c)
{
    struct termios t;
    return tcgetattr(c->slave, &t) == 0 && (t.c_lflag & ICANON) && (t.c_lflag & ECHO);
}

/* Waits for the mode. */
static int becomes(const struct child *c, int cooked)
{
    long end = now_ms() + PATIENCE;

    while (is_cooked(c) != cooked) {
        if (now_ms() > end)
            return 0;
        usleep(2000);
    }
    return 1;
}

/* ---- exit codes ---- */

#define CODE(bytes) bytes, sizeof bytes

static void each_end_has_its_exit_code(void)
{
    static const struct {
        const char *name;
        const unsigned char *code;
        size_t size;
        const char *options;
        int exit_code;
    } ends[] = {
        {"power-off", CODE(power_off), "", 0},
        {"debug exit", CODE(debug_exit), "", 7},
        {"debug exit that means success", CODE(debug_exit), "-exit-zero 3", 0},
        {"debug exit that does not", CODE(debug_exit), "-exit-zero 4", 7},
        {"reset", CODE(reset), "-no-reboot", 0},
        {"endless resets", CODE(reset), "-max-instructions 1000", 8},
        {"triple fault", CODE(triple), "-no-reboot", 6},
        {"endless triple faults", CODE(triple), "-max-instructions 1000", 8},
        {"instruction limit", CODE(forever), "-max-instructions 12345", 8},
        {"time limit", CODE(forever), "-max-seconds 1", 10},
        {"time limit, resetting", CODE(triple), "-max-seconds 1", 10},
        {"time limit, resetting by CF9h", CODE(reset), "-max-seconds 1", 10},
        {"halted for ever", CODE(halted), "", 12},
        {"full disk", CODE(power_off), "-save /nonexistent/x", 4},
        {"no-shutdown and a limit", CODE(power_off), "-no-shutdown -max-seconds 1", 10},
    };

    for (size_t n = 0; n < sizeof ends / sizeof *ends; n++) {
        int status = finish(start(ends[n].code, ends[n].size, ends[n].options, 0));
        char why[64];
        if (WIFEXITED(status) && WEXITSTATUS(status) == ends[n].exit_code)
            continue;
        snprintf(why, sizeof why, "status %x, not exit code %d", (unsigned)status,
                 ends[n].exit_code);
        failed(ends[n].name, why);
    }
}

/* ---- the terminal ---- */

static void the_terminal_is_raw_while_it_runs_and_then_as_before(void)
{
    struct child *c = start(CODE(echo), "-serial stdio", 1);
    int status;

    if (!becomes(c, 0))
        failed("raw", "the terminal stays cooked");
    types(c, "hello");
    if (!sees(c, "hello"))
        failed("echo", c->seen);
    types(c, "\001\001");
    if (!sees(c, "\001"))
        failed("Ctrl-A Ctrl-A", "does not send Ctrl-A");
    types(c, "\003");
    if (!sees(c, "\003"))
        failed("Ctrl-C", "is not the guest's");
    types(c, "\001h");
    if (!sees(c, "Ctrl-A x"))
        failed("Ctrl-A h", c->seen);
    types(c, "\001c");
    if (!sees(c, "(menura) "))
        failed("Ctrl-A c", c->seen);
    types(c, "info registers\r");
    if (!sees(c, "32-bit protected mode"))
        failed("info registers", c->seen);
    types(c, "stop\rinfo status\r");
    if (!sees(c, "stopped"))
        failed("stop", c->seen);
    types(c, "cont\r\001cback");
    if (!sees(c, "back"))
        failed("cont", c->seen);
    types(c, "\001x");
    if (!becomes(c, 1)) /* the mode comes back before the process goes */
        failed("Ctrl-A x", "the terminal stays raw");
    status = finish(c);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        failed("Ctrl-A x", "does not end with exit code 0");
}

static void a_break_reaches_the_guest(void)
{
    struct child *c = start(CODE(echo), "-serial stdio", 1);
    int status;

    if (!becomes(c, 0))
        failed("raw", "the terminal stays cooked");
    types(c, "x");
    sees(c, "x");
    types(c, "\001b");
    status = finish(c);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 15)
        failed("Ctrl-A b", "the guest saw no break");
}

static void a_signal_ends_it_and_gives_the_terminal_back(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

    for (int n = 0; n < 3; n++) {
        struct child *c = start(CODE(echo), "-serial stdio", 1);
        int status = 0;
        if (!becomes(c, 0))
            failed("raw", "the terminal stays cooked");
        types(c, "x");
        sees(c, "x");
        kill(c->pid, signals[n]);
        if (!becomes(c, 1))
            failed("signal", "the terminal stays raw");
        status = finish(c);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != signals[n])
            failed("signal", "did not end by that signal");
    }
}

/* The window is closed: SIGHUP, and nothing answers any more. */
static void a_terminal_that_goes_away_ends_it(void)
{
    struct child *c = start(CODE(echo), "-serial stdio", 1);
    int status;

    if (!becomes(c, 0))
        failed("raw", "the terminal stays cooked");
    close(c->slave);
    close(c->master);
    c->slave = c->master = -1;
    status = finish(c);
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGHUP)
        failed("closed terminal", "ended by another signal than SIGHUP");
}

int main(int count, char **word)
{
    if (count != 2)
        return 2;
    menura = word[1];
    signal(SIGPIPE, SIG_IGN);
    each_end_has_its_exit_code();
    the_terminal_is_raw_while_it_runs_and_then_as_before();
    a_break_reaches_the_guest();
    a_signal_ends_it_and_gives_the_terminal_back();
    a_terminal_that_goes_away_ends_it();
    remove(guest);
    if (!failures)
        puts("the program ends and treats its terminal as documented");
    return failures != 0;
}
