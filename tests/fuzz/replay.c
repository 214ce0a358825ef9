/* replay.c - drives a fuzz target without libFuzzer: a corpus, then random inputs.
 *
 *   fuzz_NAME [-n INPUTS] [-seconds S] [-seed N] [-first N] [-keep FILE] [FILE|FOLDER]...
 *
 * Each file is an input. Then come INPUTS random ones, by number: half of the target's own
 * making, half made of the files (or of the former) by changing bytes; S seconds of CPU time
 * end them early. The same seed gives the same inputs on every host. When one crashes, hangs
 * or is found wrong its number is told: `-first N -n 1` runs it alone, and -keep FILE writes
 * it to a file (for a debugger, libFuzzer or the corpus).
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef MENURA_EMULATED_HOST
enum { PATIENCE = 300 };
#else
enum { PATIENCE = 60 }; /* seconds for one input, sanitizers and a busy host included */
#endif
enum { FILES = 1024 };

/* With ASan and UBSan their reports end the process by this, without a signal. */
#ifdef __GNUC__
void __sanitizer_set_death_callback(void (*call)(void)) __attribute__((weak));
#endif

struct file {
    char name[512];
    uint8_t *bytes;
    size_t size;
};

static struct file files[FILES];
static unsigned file_count;
static uint8_t input[FUZZ_ROOM];
static char now[700]; /* which input runs: told when it is the last */

static void tell_input(void)
{
    size_t n = strlen(now);
    if (write(2, now, n) < 0)
        return;
}

static void on_signal(int number)
{
    if (number == SIGALRM) {
        static const char text[] = "this input takes too long\n";
        if (write(2, text, sizeof text - 1) < 0)
            number = SIGABRT;
    }
    tell_input();
    signal(number, SIG_DFL);
    raise(number == SIGALRM ? SIGABRT : number);
}

static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); /* exactly as large: sanitizers see overruns */

    if (!copy)
        exit(2);
    if (size)
        memcpy(copy, bytes, size);
    alarm(PATIENCE);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    free(copy);
}

/* ---- files ---- */

static void add_file(const char *name)
{
    FILE *f = fopen(name, "rb");
    struct file *to = &files[file_count];

    if (!f || file_count == FILES) {
        fprintf(stderr, "%s: %s\n", name, f ? "too many files" : strerror(errno));
        exit(2);
    }
    to->bytes = malloc(FUZZ_ROOM);
    if (!to->bytes)
        exit(2);
    to->size = fread(to->bytes, 1, FUZZ_ROOM, f);
    fclose(f);
    snprintf(to->name, sizeof to->name, "%s", name);
    file_count++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static void add(const char *name)
{
    DIR *folder = opendir(name);
    struct dirent *d;
    char path[512];

    if (!folder) {
        add_file(name);
        return;
    }
    while ((d = readdir(folder)))
        if (d->d_name[0] != '.') {
            snprintf(path, sizeof path, "%.200s/%.200s", name, d->d_name);
            add_file(path);
        }
    closedir(folder);
}

/* ---- making inputs ---- */

static size_t mutate(struct fuzz_random *r, uint8_t *bytes, size_t size)
{
    unsigned changes = 1 + fuzz_below(r, 8);

    for (unsigned n = 0; n < changes; n++) {
        size_t at = size ? fuzz_below(r, (uint32_t)size) : 0, length;
        uint64_t v;
        switch (size ? fuzz_below(r, 8) : 5) {
        case 0: bytes[at] ^= (uint8_t)(1u << fuzz_below(r, 8)); break;
        case 1: bytes[at] = (uint8_t)fuzz_next(r); break;
        case 2: /* a number in place */
        case 3:
            v = fuzz_number(r);
            for (length = (size_t)1 << fuzz_below(r, 4); length && at < size; length--) {
                bytes[at++] = (uint8_t)v;
                v >>= 8;
            }
            break;
        case 4: size = at; break; /* cut */
        case 5: /* longer */
            for (length = fuzz_below(r, 64); length && size < FUZZ_ROOM; length--)
                bytes[size++] = (uint8_t)fuzz_next(r);
            break;
        case 6: /* one piece copied to another place */
            length = fuzz_below(r, (uint32_t)(size - at)) + 1;
            memmove(bytes + fuzz_below(r, (uint32_t)(size - length + 1)), bytes + at, length);
            break;
        default: /* a piece of another file */
            if (file_count) {
                const struct file *f = &files[fuzz_below(r, file_count)];
                for (size_t k = fuzz_below(r, (uint32_t)f->size + 1);
                     k < f->size && at < size && !fuzz_one_in(r, 32);)
                    bytes[at++] = f->bytes[k++];
            }
            break;
        }
    }
    return size;
}

static size_t make(struct fuzz_random *r)
{
    size_t size;

    if (file_count && fuzz_one_in(r, 4)) {
        const struct file *f = &files[fuzz_below(r, file_count)];
        memcpy(input, f->bytes, f->size);
        return mutate(r, input, f->size);
    }
    size = fuzz_make(r, input, sizeof input);
    return fuzz_one_in(r, 2) ? mutate(r, input, size) : size;
}

static void keep(const char *name, size_t size)
{
    FILE *f = fopen(name, "wb");

    if (!f || fwrite(input, 1, size, f) != size || fclose(f)) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        exit(2);
    }
}

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

int main(int argc, char **argv)
{
    uint64_t inputs = 0, seed = 1, first = 0, n;
    double seconds = 1e9;
    const char *kept = NULL;
    struct rusage use;
    const int deadly[] = {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

    for (int a = 1; a < argc; a++) {
        if (!strcmp(argv[a], "-n") && a + 1 < argc)
            inputs = strtoull(argv[++a], NULL, 0);
        else if (!strcmp(argv[a], "-seconds") && a + 1 < argc)
            seconds = strtod(argv[++a], NULL);
        else if (!strcmp(argv[a], "-seed") && a + 1 < argc)
            seed = strtoull(argv[++a], NULL, 0);
        else if (!strcmp(argv[a], "-first") && a + 1 < argc)
            first = strtoull(argv[++a], NULL, 0);
        else if (!strcmp(argv[a], "-keep") && a + 1 < argc)
            kept = argv[++a];
        else if (argv[a][0] != '-')
            add(argv[a]);
        else {
            fprintf(stderr, "%s: see the top of tests/fuzz/replay.c\n", argv[0]);
            return 2;
        }
    }
    if (getenv("MENURA_LONG")) {
        inputs *= 50;
        seconds *= 50;
    }
    qsort(files, file_count, sizeof *files, by_name);
#ifdef __GNUC__
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell_input);
    else
#endif
        for (unsigned k = 2; k < ARRAY_SIZE(deadly); k++)
            signal(deadly[k], on_signal);
    signal(SIGALRM, on_signal);
    signal(SIGABRT, on_signal);
    if (!first)
        for (unsigned k = 0; k < file_count; k++) {
            snprintf(now, sizeof now, "the input was %.600s\n", files[k].name);
            run(files[k].bytes, files[k].size);
        }
    for (n = first; n < first + inputs && cpu_seconds() < seconds; n++) {
        struct fuzz_random r = fuzz_seed(seed * 0x100000001b3u + n);
        size_t size = make(&r);
        snprintf(now, sizeof now, "the input was -seed %llu -first %llu\n",
                 (unsigned long long)seed, (unsigned long long)n);
        if (kept)
            keep(kept, size);
        run(input, size);
    }
    getrusage(RUSAGE_SELF, &use);
    printf("%u files, %llu random inputs, %.1f s, at most %lld KiB resident\n", file_count,
           (unsigned long long)(n - first), cpu_seconds(), (long long)use.ru_maxrss);
    for (unsigned k = 0; k < file_count; k++)
        free(files[k].bytes);
    return 0;
}
