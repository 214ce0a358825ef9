/* triple_fault.S - a fault that cannot be told resets the machine. */
#include "lib.h"

    .text
main:
    lidt nothing
    ud2
    FAIL

    .section .low
    .balign 4
nothing:
    .word 0
    .long 0
