#!/usr/bin/env python3
"""x87_tables.py - cpu/x87_tables.h from the definitions of what stands in it.

An error in the last bits of a table would move no result by as much as the tests of the
transcendental instructions can see, but the margin their bound was proved with would be
gone.

  tests/isa/x87_tables.py cpu/x87_tables.h
"""
import math
import re
import sys

BITS = 600
ONE = 1 << BITS


def divide(a, b):
    """To nearest, a tie upwards."""
    return (2 * a + b) // (2 * b)


def atan(p, q):
    """atan(p / q), 0 <= p <= q, by Euler's series; each term is under half the last."""
    term = ONE * p * q // (p * p + q * q)
    total, n = 0, 0
    while term:
        total += term
        n += 1
        term = term * 2 * n * p * p // ((2 * n + 1) * (p * p + q * q))
    return total


def exp2_sixteenths(k):
    """2 to the k / 16."""
    root = ONE << k if k >= 0 else ONE >> -k
    for _ in range(4):
        root = math.isqrt(root << BITS)
    return root


LN2 = sum(ONE // (n << n) for n in range(1, BITS + 1))
PI = 4 * atan(1, 1)

# name: (units of 2^-, its element k)
TABLES = {
    "sin_terms": (128, lambda k: ONE // math.factorial(2 * k + 3)),
    "cos_terms": (128, lambda k: ONE // math.factorial(2 * k + 2)),
    "odd_terms": (128, lambda k: ONE // (2 * k + 3)),
    "exp_terms": (128, lambda k: ONE // math.factorial(k + 2)),
    "atan_sixteenths": (128, lambda k: atan(k, 16)),
    "exp2_sixteenths": (126, lambda k: exp2_sixteenths(k - 16)),
    "pi_q126": (126, lambda k: PI),
    "half_pi_q126": (126, lambda k: PI // 2),
    "ln2_q128": (128, lambda k: LN2),
    "two_log2e_q126": (126, lambda k: (2 << 2 * BITS) // LN2),
}


def main():
    with open(sys.argv[1], encoding="ascii") as f:
        text = f.read()
    wrong, count = 0, 0
    found = re.findall(r"static const struct u128 (\w+)(?:\[\])? = (.*?);", text, re.S)
    for name, body in found:
        bits, element = TABLES[name]
        numbers = re.findall(r"\{0x([0-9a-f]{16}), 0x([0-9a-f]{16})\}", body)
        for k, (high, low) in enumerate(numbers):
            count += 1
            want = divide(element(k), 1 << (BITS - bits))
            if int(high + low, 16) != want:
                wrong += 1
                print("%s, element %d: %s%s, not %032x" % (name, k, high, low, want))
    missing = sorted(set(TABLES) - {name for name, _ in found})
    if missing:
        print("not found: " + ", ".join(missing))
    print("%d numbers of %d tables, %d wrong" % (count, len(found), wrong))
    return 1 if wrong or missing else 0


sys.exit(main())
