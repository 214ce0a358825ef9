/* kernels_x87.c - the Mandelbrot set in 80-bit floating point. Machine code fixed: see
 * kernels.c. */
#include "kernels.h"

u32 k_mandel(void)
{
    u32 tot = 0;
    const int W = TIMES(320), H = 240;

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            long double cr = -2.0L + x * (3.0L / W), ci = -1.2L + y * (2.4L / H);
            long double zr = 0, zi = 0;
            int n = 0;
            while (n < 200) {
                long double a = zr * zr, b = zi * zi;
                if (a + b > 4.0L)
                    break;
                zi = 2 * zr * zi + ci;
                zr = a - b + cr;
                n++;
            }
            tot += (u32)n;
        }
    return tot;
}
