/* client.c - a program that uses the library as its users do: a guest that writes its
 * name to COM1 and ends by isa-debug-exit.
 *
 * The guest is an ELF file made here: 32-bit code at 1 MiB, entered in protected mode.
 */
#include <menura.h>

#include <stdio.h>
#include <string.h>

static const unsigned char code[] = {
    0xba, 0xf8, 0x03, 0x00, 0x00, /* mov edx, 3f8h */
    0xb0, 'H', 0xee,              /* mov al, 'H'; out dx, al */
    0xb0, 'i', 0xee,              /* mov al, 'i'; out dx, al */
    0xb9, 0x00, 0x00, 0x10, 0x00, /* mov ecx, 100000h: until the bytes are out */
    0xe2, 0xfe,                   /* loop $ */
    0xba, 0xf4, 0x00, 0x00, 0x00, /* mov edx, f4h */
    0xb8, 0x15, 0x00, 0x00, 0x00, /* mov eax, 15h */
    0xef,                         /* out dx, eax */
    0xf4,                         /* hlt */
};

static void put32(unsigned char *p, unsigned v)
{
    for (int n = 0; n < 4; n++)
        p[n] = (unsigned char)(v >> 8 * n);
}

/* ELF-32 specification 1.2: header, one PT_LOAD, the code. */
static int write_guest(const char *file)
{
    unsigned char elf[84] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    FILE *f = fopen(file, "wb");
    int ok;

    elf[16] = 2; /* ET_EXEC */
    elf[18] = 3; /* EM_386 */
    elf[20] = 1;
    put32(elf + 24, 0x100000); /* e_entry */
    put32(elf + 28, 52);       /* e_phoff */
    elf[40] = 52;
    elf[42] = 32;
    elf[44] = 1;
    put32(elf + 52, 1); /* PT_LOAD */
    put32(elf + 56, sizeof elf);
    put32(elf + 60, 0x100000);
    put32(elf + 64, 0x100000);
    put32(elf + 68, sizeof code);
    put32(elf + 72, sizeof code);
    put32(elf + 76, 5);
    put32(elf + 80, 4);
    if (!f)
        return 0;
    ok = fwrite(elf, sizeof elf, 1, f) == 1 && fwrite(code, sizeof code, 1, f) == 1;
    return fclose(f) == 0 && ok;
}

struct text {
    char bytes[64];
    size_t size;
};

static void put(void *to, const uint8_t *bytes, size_t n)
{
    struct text *t = to;

    for (size_t k = 0; k < n && t->size + 1 < sizeof t->bytes; k++)
        t->bytes[t->size++] = (char)bytes[k];
}

static void answer(void *to, const char *line)
{
    if (strstr(line, "protected mode"))
        *(int *)to = 1;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "client: %s: %s\n", what, why);
    return 1;
}

int main(void)
{
    static const char guest[] = "menura-client-guest.elf";
    struct menura_config *c = menura_config_new();
    struct text said = {{0}, 0};
    struct menura *m;
    enum menura_end end;
    int asked = 0;

    if (!c || !write_guest(guest))
        return fail("setting up", "no memory or disk");
    if (menura_config_set(c, "no-such-thing", "1"))
        return fail("set", "an unknown option was taken");
    if (!menura_config_set(c, "m", "16M") || !menura_config_set(c, "kernel", guest) ||
        !menura_config_set(c, "device", "isa-debug-exit,iobase=0xf4,iosize=4") ||
        !menura_config_set(c, "max-instructions", "10000000") ||
        !menura_config_serial(c, 0, put, &said))
        return fail("set", menura_config_error(c));
    m = menura_new(c);
    if (!m)
        return fail("new", menura_config_error(c));
    if (menura_run(m, 3) != MENURA_END_COUNT || menura_instructions(m) != 3)
        return fail("run", "three instructions are not three");
    if (!menura_command(m, "info registers", answer, &asked) || !asked)
        return fail("command", "the monitor does not answer");
    end = menura_run(m, MENURA_NO_LIMIT);
    remove(guest);
    if (end != MENURA_END_DEBUG_EXIT || menura_exit_value(m) != 0x15 ||
        menura_exit_code(m, end) != 0x2b)
        return fail("run", menura_end_text(end));
    if (strcmp(said.bytes, "Hi"))
        return fail("serial", said.bytes);
    printf("%s: %llu instructions, hash %016llx\n", menura_version(),
           (unsigned long long)menura_instructions(m), (unsigned long long)menura_hash(m));
    menura_free(m);
    menura_config_free(c);
    return 0;
}
