/* terminal.c - raw mode, and the way back from it.
 *
 * Only calls that POSIX lists as async-signal-safe are made from the handlers
 * (POSIX.1-2017 vol 2, 2.4.3: tcsetattr, tcgetpgrp, getpgrp, sigaction, raise...).
 */
#define _GNU_SOURCE
#include "host/terminal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#ifdef __has_feature /* clang's */
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#ifdef __SANITIZE_ADDRESS__ /* gcc's */
#define SANITIZED
#endif
#ifdef SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

/* Written before `raw` becomes true, read by handlers while it is. */
static struct termios before, ours;
static int terminal = -1;
static volatile sig_atomic_t raw;

/* What terminal_full_screen() was given. */
static char enter_text[TERMINAL_TEXT + 1], leave_text[TERMINAL_TEXT + 1];
static int screen = -1;
static volatile sig_atomic_t resumed;

static const int fatal[] = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT, SIGABRT,
                            SIGSEGV, SIGBUS,  SIGFPE, SIGILL};

/* A background process that touches the terminal's mode would be stopped. */
static bool in_foreground(void)
{
    return tcgetpgrp(terminal) == getpgrp();
}

static void set_mode(const struct termios *mode, const char *text)
{
    int saved = errno;
    size_t n = screen >= 0 ? strlen(text) : 0;

    if (in_foreground()) {
        while (n && write(screen, text, n) < 0 && errno == EINTR)
            ;
        while (tcsetattr(terminal, TCSANOW, mode) < 0 && errno == EINTR)
            ;
    }
    errno = saved;
}

static void take(void)
{
    set_mode(&ours, enter_text);
}

static void give_back(void)
{
    set_mode(&before, leave_text);
}

static void die(int signal_number)
{
    if (raw)
        give_back();
    signal(signal_number, SIG_DFL);
    raise(signal_number); /* delivered when this handler returns */
}

static void stop(int signal_number);

static void handle(int signal_number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

/* SIGTSTP: cooked while stopped. */
static void stop(int signal_number)
{
    int saved = errno;
    sigset_t only, old;

    if (raw)
        give_back();
    signal(signal_number, SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, signal_number);
    raise(signal_number);
    pthread_sigmask(SIG_UNBLOCK, &only, &old); /* stops here */
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    handle(signal_number, stop, SA_RESTART);
    errno = saved;
}

/* SIGCONT, after SIGTSTP or a SIGSTOP that nobody can see coming. */
static void go_on(int signal_number)
{
    (void)signal_number;
    if (!raw)
        return;
    take();
    resumed = 1;
}

static void handle_if_free(int signal_number, void (*handler)(int), int flags)
{
    struct sigaction now;

    if (sigaction(signal_number, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
        now.sa_handler == SIG_DFL)
        handle(signal_number, handler, flags);
}

static void prepare(void)
{
    atexit(terminal_cooked);
#ifdef SANITIZED
    /* It handles SIGSEGV and its like itself, and ends what it finds by _exit(). */
    __sanitizer_set_death_callback(terminal_cooked);
#endif
    for (unsigned n = 0; n < ARRAY_SIZE(fatal); n++)
        handle_if_free(fatal[n], die, (int)SA_RESETHAND);
    handle_if_free(SIGTSTP, stop, SA_RESTART);
    handle_if_free(SIGCONT, go_on, SA_RESTART);
}

bool terminal_raw(int fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (raw)
        return fd == terminal;
    if (tcgetattr(fd, &before) < 0)
        return false;
    pthread_once(&once, prepare);
    terminal = fd;
    ours = before;
    ours.c_iflag &=
        ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    /* OPOST stays: our own messages end in a bare line feed. */
    ours.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    ours.c_cflag = (ours.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    ours.c_cc[VMIN] = 1;
    ours.c_cc[VTIME] = 0;
    raw = 1;
    take();
    return true;
}

bool terminal_full_screen(int in, int out, const char *enter, const char *leave)
{
    if (raw || strlen(enter) > TERMINAL_TEXT || strlen(leave) > TERMINAL_TEXT ||
        !isatty(out))
        return false;
    strcpy(enter_text, enter);
    strcpy(leave_text, leave);
    screen = out;
    if (terminal_raw(in))
        return true;
    screen = -1;
    return false;
}

bool terminal_resumed(void)
{
    bool was = resumed;

    resumed = 0;
    return was;
}

void terminal_cooked(void)
{
    if (!raw)
        return;
    raw = 0;
    give_back();
    screen = -1;
}
