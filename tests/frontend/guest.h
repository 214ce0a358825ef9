/* guest.h - guests of a few bytes: an ELF file around 32-bit code that is loaded at 1
 * MiB and entered in protected mode. ELF specification 1.2: header, one PT_LOAD, the
 * code.
 */
#ifndef TESTS_FRONTEND_GUEST_H
#define TESTS_FRONTEND_GUEST_H

#include <stdio.h>

static void guest_put32(unsigned char *p, unsigned long v)
{
    for (int n = 0; n < 4; n++)
        p[n] = (unsigned char)(v >> 8 * n);
}

static int guest_write(const char *file, const unsigned char *code, size_t size)
{
    unsigned char elf[84] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    FILE *f = fopen(file, "wb");
    int ok;

    elf[16] = 2; /* ET_EXEC */
    elf[18] = 3; /* EM_386 */
    elf[20] = 1;
    guest_put32(elf + 24, 0x100000); /* e_entry */
    guest_put32(elf + 28, 52);       /* e_phoff */
    elf[40] = 52;
    elf[42] = 32;
    elf[44] = 1;
    guest_put32(elf + 52, 1); /* PT_LOAD */
    guest_put32(elf + 56, sizeof elf);
    guest_put32(elf + 60, 0x100000);
    guest_put32(elf + 64, 0x100000);
    guest_put32(elf + 68, size);
    guest_put32(elf + 72, size);
    guest_put32(elf + 76, 5);
    guest_put32(elf + 80, 4);
    if (!f)
        return 0;
    ok = fwrite(elf, sizeof elf, 1, f) == 1 && fwrite(code, size, 1, f) == 1;
    return fclose(f) == 0 && ok;
}

#endif
