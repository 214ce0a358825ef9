/* memory.c - what a machine costs its host: the memory that the guest touched, a fixed sum, and
 * a little for each further CPU. Runs menura ($1) and looks at what it had resident at most.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum { TOUCHED = 32, FIXED = 64, PER_CPU = 4, CPUS = 8 }; /* MiB; MiB; MiB; CPUs */

/* Copies code for the others to 8000h, writes to each page from 16 to 48 MiB, starts the other
 * CPUs (INIT, SIPI), and tells how many came, by isa-debug-exit:
 *     mov esi, ap; mov edi, 8000h; mov ecx, ap_end - ap; rep movsb; mov edi, 1000000h
 *  1: mov [edi], edi; add edi, 1000h; cmp edi, 3000000h; jne 1b
 *     mov dword [fee000f0h], 1ffh; mov dword [fee00300h], c4500h; mov ecx, 20000; loop $
 *     mov dword [fee00300h], c4608h; mov ecx, 500000; loop $
 *     movzx eax, byte [9000h]; out f4h, eax; hlt
 *  ap: lock inc byte [cs:1000h]; mov ax, 2000h; mov ds, ax; xor bx, bx
 *  2: inc byte [bx]; add bx, 200h; jnc 2b; cli; hlt; jmp $ - 1
 */
static const unsigned char code[] = {
    0xbe, 0x5c, 0x00, 0x10, 0x00, 0xbf, 0x00, 0x80, 0x00, 0x00, 0xb9, 0x19,
    0x00, 0x00, 0x00, 0xf3, 0xa4, 0xbf, 0x00, 0x00, 0x00, 0x01, 0x89, 0x3f,
    0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, 0x81, 0xff, 0x00, 0x00, 0x00, 0x03,
    0x75, 0xf0, 0xc7, 0x05, 0xf0, 0x00, 0xe0, 0xfe, 0xff, 0x01, 0x00, 0x00,
    0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x45, 0x0c, 0x00, 0xb9, 0x20,
    0x4e, 0x00, 0x00, 0xe2, 0xfe, 0xc7, 0x05, 0x00, 0x03, 0xe0, 0xfe, 0x08,
    0x46, 0x0c, 0x00, 0xb9, 0x20, 0xa1, 0x07, 0x00, 0xe2, 0xfe, 0x0f, 0xb6,
    0x05, 0x00, 0x90, 0x00, 0x00, 0xe6, 0xf4, 0xf4, 0x2e, 0xf0, 0xfe, 0x06,
    0x00, 0x10, 0xb8, 0x00, 0x20, 0x8e, 0xd8, 0x31, 0xdb, 0xfe, 0x07, 0x81,
    0xc3, 0x00, 0x02, 0x73, 0xf8, 0xfa, 0xf4, 0xeb, 0xfd,
};

static int failures;

/* MiB resident at most, with so many CPUs; -1 when the run did not end as it should. */
static long resident(const char *menura, int cpus)
{
    static const char file[] = "menura-memory-guest.elf";
    char count[8];
    struct rusage use;
    int status = 0;
    pid_t child;

    if (!guest_write(file, code, sizeof code)) {
        perror(file);
        exit(2);
    }
    snprintf(count, sizeof count, "%d", cpus);
    child = fork();
    if (child == 0) {
        execl(menura, menura, "-m", "16G", "-smp", count, "-kernel", file, "-serial", "none",
              "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", (char *)NULL);
        _exit(127);
    }
    if (wait4(child, &status, 0, &use) != child) {
        perror("wait4");
        exit(2);
    }
    remove(file);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != ((cpus - 1) << 1 | 1)) {
        fprintf(stderr, "memory: with %d CPUs: status %x\n", cpus, (unsigned)status);
        failures++;
        return -1;
    }
    return use.ru_maxrss / 1024; /* Linux counts KiB */
}

static void at_most(const char *what, long is, long most)
{
    printf("%s: %ld MiB, at most %ld\n", what, is, most);
    if (is > most) {
        fprintf(stderr, "memory: %s takes %ld MiB, not at most %ld\n", what, is, most);
        failures++;
    }
}

int main(int argc, char **argv)
{
    const char *emulator = getenv("EMULATOR");
    long one, many;

    if (argc != 2)
        return 2;
#if defined(SANITIZED) || !defined(__linux__)
    printf("skipped: the sanitizers' own memory counts too, or this is not Linux\n");
    return 77;
#endif
    if (emulator && *emulator) {
        printf("skipped: the host's emulator counts too\n");
        return 77;
    }
    one = resident(argv[1], 1);
    many = resident(argv[1], CPUS);
    at_most("16 GiB, of which 32 MiB are touched", one, TOUCHED + FIXED);
    at_most("seven CPUs more", many - one, (CPUS - 1) * PER_CPU);
    return failures ? 1 : 0;
}
