/* three_way.h - lib.h's checks as tests/guest/three_way builds them: each tells its line
 * and outcome at port E9h, and the kernel goes on, so that one run gives all answers.
 *
 * A record is a byte C0h + kind and bytes 80h + six bits, low ones first: it is told from
 * whatever text shares the channel. A line has two such bytes, a value eleven. Telling
 * changes no register and no flag, and is the same code in 16-, 32- and 64-bit mode: 50h
 * is PUSH, 58h POP of AX, EAX or RAX.
 */
#define TOLD_PASS 0xc1
#define TOLD_FAIL 0xc2
#define TOLD_SEEN 0xc3  /* vector, error code, RIP, CR2 of the last exception */
#define TOLD_STRAY 0xc4 /* the line of the check that an exception skipped; SEEN follows */
#define TOLD_END 0xc5   /* of the kernel */
#define TOLD_NOTE 0xc6  /* number, value */
#define TOLD_LOST 0xc7  /* an exception, and no check follows: the end; SEEN went before */
#define TOLD_BEGIN 0xc8 /* what may end the run begins */
#define NO_VECTOR 0x100

#define TELL(kind) .byte 0x50; movb $(kind), %al; outb %al, $0xe9; \
    movb $(0x80 | (__LINE__ & 0x3f)), %al; outb %al, $0xe9; \
    movb $(0x80 | __LINE__ >> 6), %al; outb %al, $0xe9; .byte 0x58
/* Where to go on after an exception that nobody expected: behind the next check. */
#define AFTER_CHECK 7: .pushsection .checks, "a"; .long 7b, __LINE__; .popsection

#define FAIL TELL(TOLD_FAIL)
#define PASS movb $TOLD_END, %al; outb %al, $0xe9; xorl %eax, %eax; outl %eax, $0xf4; \
    7: jmp 7b
#define FAIL_USER movl $__LINE__, %eax; int $0x41; 7: jmp 7b

#define CHECK(cc) j##cc 8f; FAIL; jmp 7f; 8: TELL(TOLD_PASS); AFTER_CHECK
/* In ring 3 only what failed is told, by INT 42h: not every test can go back there. */
#define CHECK_USER(cc) j##cc 8f; .byte 0x50; movl $__LINE__, %eax; int $0x42; .byte 0x58; 8:
/* What ended an emulator's run is left out of the next, by a bit for its line. CF changes. */
#define BEGIN TELL(TOLD_BEGIN); btl $(__LINE__ & 31), skips + 4 * (__LINE__ / 32); jc 7f;
/* EAX, ECX and EDX change. A comment in the kernel, NOTE n: text, names the number. */
#define NOTE(n, value, high) movl value, %edx; movl high, %ecx; movl $(n), %eax; \
    call tell_note
#define NO_FAULT movl $NO_VECTOR, got_vector; movl $0, resume
#define GOT(vec, err, call_seen) cmpl $(vec), got_vector; jne 7f; cmpl $(err), got_error; \
    je 8f; 7: FAIL; call_seen; jmp 7f; 8: TELL(TOLD_PASS); AFTER_CHECK
