/* text.c - messages: on the screen and on port E9h; far copies; what C itself asks for.
 */
#include "run.h"

enum { DEBUG_PORT = 0xe9 };

void far_copy(u16 to_segment, u16 to, u16 from_segment, u16 from, u16 n)
{
    u32 di = to, si = from, cx = n;

    __asm__ volatile("pushw %%ds\n\tpushw %%es\n\tmovw %w3, %%es\n\tmovw %w4, %%ds\n\t"
                     "cld\n\trep movsb (%%esi), %%es:(%%edi)\n\tpopw %%es\n\tpopw %%ds"
                     : "+D"(di), "+S"(si), "+c"(cx)
                     : "r"((u32)to_segment), "r"((u32)from_segment)
                     : "memory");
}

void far_fill(u16 segment, u16 at, u8 v, u16 n)
{
    u32 di = at, cx = n;

    __asm__ volatile("pushw %%es\n\tmovw %w2, %%es\n\tcld\n\trep stosb %%al, "
                     "%%es:(%%edi)\n\tpopw %%es"
                     : "+D"(di), "+c"(cx)
                     : "r"((u32)segment), "a"(v)
                     : "memory");
}

void *memset(void *to, int v, u32 n)
{
    u8 *p = to;
    while (n--)
        *p++ = (u8)v;
    return to;
}

void *memcpy(void *to, const void *from, u32 n)
{
    u8 *p = to;
    const u8 *q = from;
    while (n--)
        *p++ = *q++;
    return to;
}

int memcmp(const void *a, const void *b, u32 n)
{
    const u8 *p = a, *q = b;
    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

void call_int(u8 n, struct regs *r)
{
    r->ip = far16(0, n * 4u);
    r->cs = far16(0, n * 4u + 2);
    r->flags = 2;
    call_far(r, true);
}

void text_to_screen(char c)
{
    struct regs r = {0};

    if (!far32(0, 0x10 * 4))
        return; /* too early: no INT 10h yet */
    r.ah = 0x0e;
    r.al = (u8)c;
    r.bl = 7;
    call_int(0x10, &r);
}

struct sink {
    bool screen, debug;
};

static void put(const struct sink *to, char c)
{
    if (to->debug)
        out8(DEBUG_PORT, (u8)c);
    if (to->screen) {
        if (c == '\n')
            text_to_screen('\r');
        text_to_screen(c);
    }
}

static void put_number(const struct sink *to, u32 v, u32 base, u32 width, char fill)
{
    char digits[12];
    u32 n = 0;

    do {
        u32 digit = v % base;
        digits[n++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
        v /= base;
    } while (v && n < sizeof digits);
    for (; width > n; width--)
        put(to, fill);
    while (n)
        put(to, digits[--n]);
}

static void print(const struct sink *to, const char *f, __builtin_va_list args)
{
    for (; *f; f++) {
        u32 width = 0;
        char fill = ' ';
        const char *s;

        if (*f != '%') {
            put(to, *f);
            continue;
        }
        f++;
        if (*f == '0')
            fill = *f++;
        while (*f >= '0' && *f <= '9')
            width = width * 10 + (u32)(*f++ - '0');
        switch (*f) {
        case 'c': put(to, (char)__builtin_va_arg(args, int)); break;
        case 'u': put_number(to, __builtin_va_arg(args, u32), 10, width, fill); break;
        case 'x': put_number(to, __builtin_va_arg(args, u32), 16, width, '0'); break;
        case 's':
            for (s = __builtin_va_arg(args, const char *); *s; s++, width -= !!width)
                put(to, *s);
            for (; width; width--)
                put(to, ' ');
            break;
        default: put(to, *f);
        }
    }
}

void say(const char *format, ...)
{
    struct sink to = {true, in8(DEBUG_PORT) == DEBUG_PORT};
    __builtin_va_list args;

    __builtin_va_start(args, format);
    print(&to, format, args);
    __builtin_va_end(args);
}

void debug_say(const char *format, ...)
{
    struct sink to = {false, in8(DEBUG_PORT) == DEBUG_PORT};
    __builtin_va_list args;

    if (!to.debug)
        return;
    __builtin_va_start(args, format);
    print(&to, format, args);
    __builtin_va_end(args);
}
