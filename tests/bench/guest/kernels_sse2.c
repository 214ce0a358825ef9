/* kernels_sse2.c - matrix product in doubles, packed and scalar. Machine code fixed: see
 * kernels.c. */
#include "kernels.h"

/* emmintrin.h would pull in stdlib.h, which a freestanding 32-bit build may not have. */
#define _MM_MALLOC_H_INCLUDED
#include <emmintrin.h>

u32 k_matmul(void)
{
    enum { N = 96 };
    double *A = (double *)arena, *B = A + N * N, *C = B + N * N;
    u32 h = 0;

    for (int i = 0; i < N * N; i++) {
        A[i] = (double)(i % 17) * 0.5 - 3.0;
        B[i] = (double)(i % 23) * 0.25 - 2.0;
    }
    for (int r = 0; r < TIMES(120); r++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++)
                C[i * N + j] = 0;
            for (int k = 0; k < N; k++) {
                __m128d a = _mm_set1_pd(A[i * N + k]);
                for (int j = 0; j < N; j += 2) {
                    __m128d c = _mm_load_pd(&C[i * N + j]);
                    c = _mm_add_pd(c, _mm_mul_pd(a, _mm_load_pd(&B[k * N + j])));
                    _mm_store_pd(&C[i * N + j], c);
                }
            }
        }
        double s = 0;
        for (int i = 0; i < N * N; i++)
            s += C[i] * 1e-4;
        h = h * 31 + (u32)(s32)s;
        for (int i = 0; i < N * N; i++)
            A[i] = C[i] * 1e-3 - (double)(i & 3);
    }
    return h;
}
