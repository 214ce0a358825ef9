/* kernels_more.c - integer kernels without a conversion: lists, branches, an interpreter,
 * strings, copies, pointer chases. */
#include "kernels.h"

static u32 next_random(u32 *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

/* ---- core: a list, a small matrix, a state machine ---- */

struct node {
    struct node *next;
    u32 key;
};

static u32 list_work(struct node *nodes, u32 n, u32 seed)
{
    struct node *head = 0, *back = 0;
    u32 sum = 0;

    for (u32 i = 0; i < n; i++) {
        nodes[i].key = next_random(&seed) & 1023;
        nodes[i].next = head;
        head = &nodes[i];
    }
    for (u32 want = 0; want < 1024; want += 128) {
        struct node *at = head;
        while (at && at->key < want)
            at = at->next;
        sum += at ? at->key : want;
    }
    while (head) {
        struct node *rest = head->next;
        head->next = back;
        back = head;
        head = rest;
    }
    for (struct node *at = back; at; at = at->next)
        sum = sum * 3 + at->key;
    return sum;
}

static u32 matrix_work(s32 *a, s32 *b, s32 *c, u32 n, u32 seed)
{
    u32 sum = 0;

    for (u32 i = 0; i < n * n; i++) {
        a[i] = (s32)(i + seed) & 255;
        b[i] = (s32)(i * seed) & 127;
    }
    for (u32 i = 0; i < n; i++)
        for (u32 j = 0; j < n; j++) {
            s32 x = 0;
            for (u32 k = 0; k < n; k++)
                x += a[i * n + k] * b[k * n + j];
            c[i * n + j] = x;
        }
    for (u32 i = 0; i < n * n; i++)
        sum += c[i] > 1000 ? (u32)c[i] >> 3 : (u32)c[i];
    return sum;
}

static u32 state_work(const char *text)
{
    enum { START, INT, FRACTION, EXPONENT, WORD } state = START;
    u32 seen[5] = {0}, sum = 0;

    for (; *text; text++) {
        char c = *text;
        seen[state]++;
        switch (state) {
        case START:
            state = c >= '0' && c <= '9' ? INT : c == ' ' ? START : WORD;
            break;
        case INT:
            state = c == '.' ? FRACTION : c == 'e' ? EXPONENT : c == ' ' ? START : INT;
            break;
        case FRACTION: state = c == 'e' ? EXPONENT : c == ' ' ? START : FRACTION; break;
        default: state = c == ' ' ? START : state; break;
        }
    }
    for (u32 i = 0; i < 5; i++)
        sum = sum * 31 + seen[i];
    return sum;
}

u32 k_core(void)
{
    u32 sum = 0;
    for (u32 i = 0; i < TIMES(8000u); i++) {
        sum += list_work((struct node *)arena, 200, i + 1);
        sum ^= matrix_work((s32 *)(arena + 8192), (s32 *)(arena + 12288),
                           (s32 *)(arena + 16384), 10, i + 3);
        sum += state_work("12.5e3 word 77 3.14159 x1e5 2.71 none 1e9 0.5 eighty 99999");
    }
    return sum;
}

/* ---- branchy: Quicksort of random numbers, then searches ---- */

static void sort(u32 *a, s32 low, s32 high)
{
    while (low < high) {
        u32 pivot = a[(low + high) / 2];
        s32 i = low, j = high;
        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j) {
                u32 t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        sort(a, low, j);
        low = i;
    }
}

u32 k_branchy(void)
{
    enum { N = 8192 };
    u32 *a = (u32 *)arena, x = 1, found = 0;

    for (u32 r = 0; r < TIMES(112u); r++) {
        for (u32 i = 0; i < N; i++)
            a[i] = next_random(&x);
        sort(a, 0, N - 1);
        for (u32 i = 0; i < N; i++) {
            u32 want = next_random(&x), low = 0, high = N;
            while (low < high) {
                u32 middle = (low + high) / 2;
                if (a[middle] < want) {
                    BARRIER(); /* a branch, not a CMOV */
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            found += low;
        }
    }
    return found;
}

/* ---- bytecode: a stack machine that counts Collatz steps ---- */

enum op { PUSH, LOAD, STORE, STORE0, ADD, AND, SHR, MUL3, ONE, JZ, JMP, DROP, HALT };

u32 k_bytecode(void)
{
    /* n = v0, steps = v1 */
    static const u8 code[] = {
        /*  0 */ LOAD, 0, PUSH, 1, AND, JZ, 15, /* even? */
        /*  7 */ LOAD, 0, MUL3, ONE, STORE, 0, JMP, 21,
        /* 15 */ LOAD, 0, PUSH, 1, SHR, STORE0,
        /* 21 */ LOAD, 1, PUSH, 1, ADD, STORE, 1,
        /* 28 */ LOAD, 2, ONE, STORE, 2,
        /* 33 */ LOAD, 0, PUSH, 1, SHR, JZ, 42, JMP, 0,
        /* 42 */ HALT};
    u32 sum = 0;

    for (u32 n = 1; n < TIMES(16000u); n++) {
        u32 var[3] = {n, 0, 0}, stack[16], *sp = stack;
        const u8 *pc = code;
        for (;;) {
            switch (*pc++) {
            case PUSH: *sp++ = *pc++; continue;
            case LOAD: *sp++ = var[*pc++]; continue;
            case STORE: var[*pc++] = *--sp; continue;
            case STORE0: var[0] = *--sp; continue;
            case ADD: sp--; sp[-1] += *sp; continue;
            case AND: sp--; sp[-1] &= *sp; continue;
            case SHR: sp--; sp[-1] >>= *sp & 31; continue;
            case MUL3: sp[-1] *= 3; continue;
            case ONE: sp[-1]++; continue;
            case JZ:
                if (*--sp == 0)
                    pc = code + *pc;
                else
                    pc++;
                continue;
            case JMP: pc = code + *pc; continue;
            case DROP: sp--; continue;
            case HALT: break;
            }
            break;
        }
        sum = sum * 5 + var[1] + var[2];
    }
    return sum;
}

/* ---- str8: strings, a byte at a time ---- */

static u32 length(const char *s)
{
    u32 n = 0;
    while (s[n])
        n++;
    return n;
}

static s32 compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (u8)*a - (u8)*b;
}

static void lower(char *s)
{
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s + 32);
}

static char *decimal(char *s, u32 v)
{
    char digits[12];
    u32 n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n)
        *s++ = digits[--n];
    *s = 0;
    return s;
}

static u32 number(const char *s)
{
    u32 v = 0;
    while (*s >= '0' && *s <= '9')
        v = v * 10 + (u32)(*s++ - '0');
    return v;
}

u32 k_str8(void)
{
    static const char text[] = "The Quick Brown Fox Jumps Over The Lazy Dog, And Then Again ";
    char *a = (char *)arena, *b = a + 4096;
    u32 sum = 0;

    for (u32 r = 0; r < TIMES(150000u); r++) {
        char *d = a;
        for (const char *s = text; *s; s++)
            *d++ = *s;
        decimal(d, r * 2654435761u);
        sum += length(a);
        lower(a);
        for (u32 i = 0;; i++) {
            b[i] = a[i];
            if (!a[i])
                break;
        }
        sum += (u32)compare(a, b) + length(b) + number(d);
    }
    return sum;
}

/* ---- loopmem: copies and fills by a loop of words ---- */

u32 k_loopmem(void)
{
    enum { WORDS = 65536 / sizeof(uword) };
    uword *a = (uword *)arena, *b = (uword *)(arena + (1 << 20));
    u32 sum = 0;

    for (u32 i = 0; i < WORDS; i++)
        a[i] = i;
    for (u32 r = 0; r < TIMES(5000u); r++) {
        for (u32 i = 0; i < WORDS; i += 4) {
            uword w = a[i], x = a[i + 1], y = a[i + 2], z = a[i + 3];
            b[i] = w;
            b[i + 1] = x;
            b[i + 2] = y;
            b[i + 3] = z;
            BARRIER();
        }
        for (u32 i = 0; i < 2048; i++) {
            a[i] = r;
            BARRIER();
        }
        sum += (u32)b[r & 4095];
    }
    return sum;
}

/* ---- pointer chases: one cycle through all the lines, in a scattered order ---- */

static void *cycle(u32 lines)
{
    enum { LINE = 64 };
    u32 at = 0;

    /* at -> 5 at + 1 modulo a power of two visits all (Hull and Dobell); the multiplier
     * is taken larger so that neighbours are far apart. */
    for (u32 i = 0; i < lines; i++) {
        u32 to = (at * 1664525u + 1013904223u) & (lines - 1);
        *(void **)(arena + at * LINE) = arena + to * LINE;
        at = to;
    }
    return arena;
}

static u32 chase(void **p, u32 steps)
{
    for (u32 i = 0; i < steps; i += 8) {
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        p = *p;
        __asm__ volatile("" : "+r"(p));
    }
    return (u32)((u8 *)p - arena);
}

u32 k_chasel1(void)
{
    return chase(cycle(256), TIMES(200000000u));
}

u32 k_chase64m(void)
{
    return chase(cycle(1 << 20), TIMES(24000000u));
}
