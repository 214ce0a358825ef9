/* kernels.c - integer kernels whose MIPS under Bochs HEAD and QEMU TCG are known.
 *
 * Their machine code is part of the measurement: what they compile to must not change
 * (build.sh says with what), or the figures in kernels.def mean nothing.
 */
#include "kernels.h"

u32 k_sieve(void)
{
    u8 *f = arena;
    const u32 N = 1 << 20;
    u32 c = 0;

    for (int r = 0; r < (TIMES(24) ? TIMES(24) : 1); r++) {
        for (u32 i = 0; i < N; i++) {
            f[i] = 1;
            __asm__ volatile("");
        }
        c = 0;
        for (u32 i = 2; i < N; i++) {
            if (f[i]) {
                c++;
                for (u32 j = i + i; j < N; j += i)
                    f[j] = 0;
            }
        }
    }
    return c;
}

u32 k_repmem(void)
{
    u8 *a = arena, *b = arena + (1 << 20);
    u32 s = 0;

    for (int i = 0; i < TIMES(12000); i++) {
        void *d = b;
        const void *sr = a;
        uword c = 65536 / sizeof(uword);
        uword v = (uword)0x0101010101010101ull * (uword)(i & 255);
        void *d2 = a;
        __asm__ volatile("rep stos%z1" : "+D"(d2), "+c"(c) : "a"(v) : "memory");
        c = 65536 / sizeof(uword);
        if (sizeof(uword) == 8)
            __asm__ volatile("rep movsq" : "+D"(d), "+S"(sr), "+c"(c)::"memory");
        else
            __asm__ volatile("rep movsl" : "+D"(d), "+S"(sr), "+c"(c)::"memory");
        d = b + 7;
        sr = a + 3;
        c = 1000;
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(sr), "+c"(c)::"memory");
        s += b[i & 65535];
    }
    return s;
}

__attribute__((noinline, optimize("no-optimize-sibling-calls", "no-inline",
                                  "no-inline-small-functions", "no-inline-functions",
                                  "no-partial-inlining", "no-ipa-cp"))) static u32
fib(u32 n)
{
    if (n < 2)
        return n;
    u32 a = fib(n - 1);
    __asm__ volatile("" : "+r"(a));
    u32 b = fib(n - 2);
    __asm__ volatile("" : "+r"(b));
    return a + b;
}

u32 k_fib(void)
{
    u32 s = 0;
    for (int i = 0; i < SCALE; i++)
        s += fib(DIVIDE == 1 ? 35 : 29);
    return s;
}

static const u32 K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};
#define ROR(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

static void sha_block(u32 *h, const u8 *p)
{
    u32 w[64];
    for (int i = 0; i < 16; i++)
        w[i] = __builtin_bswap32(((const u32 *)p)[i]);
    for (int i = 16; i < 64; i++) {
        u32 a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (ROR(a, 7) ^ ROR(a, 18) ^ (a >> 3)) + w[i - 7] +
               (ROR(b, 17) ^ ROR(b, 19) ^ (b >> 10));
    }
    u32 s[8];
    for (int i = 0; i < 8; i++)
        s[i] = h[i];
    for (int i = 0; i < 64; i++) {
        u32 e = s[4], a = s[0];
        u32 t1 = s[7] + (ROR(e, 6) ^ ROR(e, 11) ^ ROR(e, 25)) + ((e & s[5]) ^ (~e & s[6])) +
                 K[i] + w[i];
        u32 t2 = (ROR(a, 2) ^ ROR(a, 13) ^ ROR(a, 22)) +
                 ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6];
        s[6] = s[5];
        s[5] = e;
        s[4] = s[3] + t1;
        s[3] = s[2];
        s[2] = s[1];
        s[1] = a;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

u32 k_sha256(void)
{
    u32 h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int i = 0; i < 65536; i++)
        arena[i] = (u8)(i * 7);
    for (int r = 0; r < TIMES(64); r++)
        for (int i = 0; i < 65536; i += 64)
            sha_block(h, arena + i);
    return h[0] ^ h[7];
}

u32 k_alu(void)
{
    u32 a = 1, b = 0x9e3779b9, c = 7, d = 0x55aa55aa;
    for (u32 i = 0; i < TIMES(16000000u); i++) {
        a += b;
        b ^= a >> 3;
        c = (c << 5) | (c >> 27);
        d -= c;
        a = a > d ? a - d : a + c;
        b = b * 5 + 1;
        c ^= d;
        d += (b & 0xff) << (i & 7);
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
    }
    return a ^ b ^ c ^ d;
}
