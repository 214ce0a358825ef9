/* oracle_bochs.c - in the host processor's place: another emulator, Bochs, which has
 * AVX-512. 64-bit mode only.
 *
 * A batch of questions is written to a disk image, a guest of ours (bochs_guest.c)
 * boots from it in Bochs, lets ring 3 execute them and writes the answers behind them.
 * So each batch is made twice: first to ask, then to judge.
 *
 * BOCHS_CPU in the environment names another of its processors than tigerlake.
 */
#define _GNU_SOURCE
#include "tests/isa/bochs_guest.h"
#include "tests/isa/oracle_record.h"
#include "tests/isa/oracle_x86.h"

#include "base/byteorder.h"
#include "cpu/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const struct oracle_mode oracle_modes[ORACLE_MODES] = {
    {"64", 64, 0x33, 0x2b, 0x2b, 0, 0},
    {"32", 32, 0x23, 0x2b, 0x2b, 0, 0},
    {"16", 16, 0x07, 0x0f, 0x0f, CODE_LA, DATA_LA},
};

uint64_t native_fs_base = 0x123456000000ull, native_gs_base = 0x7654321000ull;
bool native_fs_usable = true, native_zmm_usable = true;

enum {
    BATCH = 8192,
    PER_RECORD = BOCHS_RECORD / BOCHS_SECTOR,
    CYLINDER = 16 * 63, /* sectors */
    GUEST_ROOM = BOCHS_ORDER * BOCHS_SECTOR,
    AREA_SIZE = DATA_SIZE + CODE_SIZE,
    NO_VECTOR = 256,
};

static struct {
    const char *program, *model;
    char folder[256], image[300], config[300], commands[300], log[300];
    uint8_t guest[GUEST_ROOM];
    size_t guest_size;
    struct bochs_leaf leaf[BOCHS_LEAVES];
    unsigned leaves;
    struct xsave layout;
    double seconds; /* in Bochs */

    uint8_t *disk; /* the image */
    size_t disk_size;
    int fd;
    unsigned room, count; /* questions on it */
    unsigned first,
        ended; /* where this run begins; how many have not come to the end */
    bool answered, failed;
    uint8_t data[DATA_SIZE], code[CODE_SIZE], pristine[DATA_SIZE];
} b;

static bool fail(const char *what)
{
    printf("Bochs: %s\n", what);
    b.failed = true;
    return false;
}

const struct accepted *native_accepted(unsigned *count)
{
    *count = bochs_accepted_count;
    return bochs_accepted;
}

bool native_failed(void)
{
    return b.failed;
}

/* ---- the image ---- */

static uint8_t *record_at(unsigned n)
{
    return b.disk + (size_t)BOCHS_FIRST * BOCHS_SECTOR + (size_t)n * BOCHS_RECORD;
}

/* Room for so many questions and their answers, in whole cylinders. */
static bool image_open(unsigned room)
{
    size_t sectors = BOCHS_FIRST + (size_t)room * 2 * PER_RECORD;

    if (b.disk)
        munmap(b.disk, b.disk_size);
    b.disk = NULL;
    b.disk_size = (sectors + CYLINDER - 1) / CYLINDER * CYLINDER * BOCHS_SECTOR;
    if (b.fd < 0)
        b.fd = open(b.image, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (b.fd < 0 || ftruncate(b.fd, (off_t)b.disk_size))
        return fail("cannot make a disk image");
    b.disk = mmap(NULL, b.disk_size, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, 0);
    if (b.disk == MAP_FAILED) {
        b.disk = NULL;
        return fail("cannot map the disk image");
    }
    b.room = room;
    memcpy(b.disk, b.guest, b.guest_size);
    return true;
}

static void put_order(void)
{
    uint8_t *o = b.disk + BOCHS_ORDER * BOCHS_SECTOR;

    memset(o, 0, BOCHS_SECTOR);
    store64(o + offsetof(struct bochs_order, magic), BOCHS_MAGIC);
    store32(o + offsetof(struct bochs_order, count), b.count);
    store32(o + offsetof(struct bochs_order, first), b.first);
    store32(o + offsetof(struct bochs_order, leaves), b.leaves);
    store64(o + offsetof(struct bochs_order, fs_base), native_fs_base);
    store64(o + offsetof(struct bochs_order, gs_base), native_gs_base);
    for (unsigned n = 0; n < b.leaves; n++) {
        uint8_t *leaf =
            o + offsetof(struct bochs_order, leaf) + n * sizeof(struct bochs_leaf);
        store32(leaf, b.leaf[n].leaf);
        store32(leaf + 4, b.leaf[n].subleaf);
    }
    memcpy(b.disk + BOCHS_DATA * BOCHS_SECTOR, b.pristine, DATA_SIZE);
    memset(b.disk + BOCHS_REPORT * BOCHS_SECTOR, 0, BOCHS_SECTOR);
}

static bool ask_bochs(void);

/* Some instructions end Bochs itself. Those that were being asked stay without an
 * answer, and the next run begins behind them. */
static bool go_on(unsigned done)
{
    enum { TOO_OFTEN = 16 };

    printf("Bochs ended at one of these instructions (or their filler):\n");
    for (unsigned n = done; n < b.count && n < done + BOCHS_CHUNK; n++) {
        const uint8_t *q = record_at(n);
        const uint8_t *last = q + offsetof(struct bochs_record, changes) +
                              load32(q + offsetof(struct bochs_record, changes_size));
        printf(" ");
        for (const uint8_t *c = last - 15; c < last; c++)
            printf(" %02x", *c);
        printf("\n");
    }
    b.first = done + BOCHS_CHUNK;
    if (++b.ended > TOO_OFTEN)
        return fail("ends too often");
    return b.first >= b.count || ask_bochs();
}

static bool read_report(void)
{
    const uint8_t *r = b.disk + BOCHS_REPORT * BOCHS_SECTOR;

    if (load64(r + offsetof(struct bochs_report, magic)) != BOCHS_MAGIC)
        return fail("its guest did not begin");
    if (load32(r + offsetof(struct bochs_report, count)) != b.count)
        return go_on(load32(r + offsetof(struct bochs_report, count)));
    for (unsigned n = 0; n < b.leaves; n++) {
        const uint8_t *leaf =
            r + offsetof(struct bochs_report, leaf) + n * sizeof(struct bochs_leaf);
        for (unsigned k = 0; k < 4; k++)
            b.leaf[n].regs[k] = load32(leaf + 8 + 4 * k);
    }
    return true;
}

/* ---- running it ---- */

static bool write_text(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    bool good = f && fputs(text, f) >= 0;
    return f && fclose(f) == 0 && good;
}

static const char bios[] = "/usr/share/bochs/BIOS-bochs-latest";
static const char vgabios[] = "/usr/share/bochs/VGABIOS-lgpl-latest";

static bool write_config(void)
{
    char text[2000];

    /* Few instructions a second, so that the drive's virtual delays are few, too. */
    snprintf(text, sizeof text,
             "display_library: term\nmegs: 64\nclock: sync=none\nboot: disk\n"
             "cpu: model=%s, count=1, ips=1000000, reset_on_triple_fault=0\n"
             "romimage: file=%s\nvgaromimage: file=%s\n"
             "panic: action=fatal\nerror: action=ignore\ninfo: action=ignore\nlog: %s\n"
             "speaker: enabled=0\nplugin_ctrl: speaker=0, gameport=0\n"
             "sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy\n"
             "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14\n"
             "ata0-master: type=disk, path=%s, mode=flat, cylinders=%u, heads=16, "
             "spt=63\n",
             b.model, bios, vgabios, b.log, b.image,
             (unsigned)(b.disk_size / BOCHS_SECTOR / CYLINDER));
    /* The command is for its debugger; builds without one ignore it. */
    return write_text(b.config, text) && write_text(b.commands, "c\n");
}

NORETURN static void become_bochs(void)
{
    enum { CPU_SECONDS = 300 }; /* should nobody be there any more to end it */
    struct rlimit limit = {CPU_SECONDS, CPU_SECONDS};
    int null = open("/dev/null", O_RDWR);

    for (int n = 0; n < 3; n++)
        dup2(null, n);
    setrlimit(RLIMIT_CPU, &limit);
    setenv("TERM", "xterm", 1);
    execl(b.program, b.program, "-q", "-f", b.config, "-rc", b.commands, (char *)NULL);
    _exit(127);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool ask_bochs(void)
{
    const struct timespec pause = {0, 10000000};
    double start = now(), limit = 60 + b.count / 50.0;
    pid_t child;
    int status;

    put_order();
    if (!write_config())
        return fail("cannot write its configuration");
    fflush(stdout);
    child = fork();
    if (child == 0)
        become_bochs();
    if (child < 0)
        return fail("cannot be started");
    while (waitpid(child, &status, WNOHANG) == 0) {
        nanosleep(&pause, NULL);
        if (now() - start > limit) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return fail("took too long");
        }
    }
    b.seconds += now() - start;
    return read_report();
}

/* ---- questions ---- */

unsigned native_batch(void)
{
    return BATCH;
}

/* Runs of bytes in which now differs from then; offsets from the data area on. */
static unsigned put_changes(uint8_t *to, unsigned room, unsigned base,
                            const uint8_t *now_, const uint8_t *then, unsigned size)
{
    unsigned used = 0;

    for (unsigned n = 0; n < size; n++) {
        unsigned first = n;
        while (n < size && now_[n] != then[n])
            n++;
        if (n == first)
            continue;
        if (used + 4 + n - first > room)
            return UINT_MAX;
        store16(to + used, (uint16_t)(base + first));
        store16(to + used + 2, (uint16_t)(n - first));
        memcpy(to + used + 4, now_ + first, n - first);
        used += 4 + n - first;
    }
    return used;
}

static bool put_question(uint8_t to[BOCHS_RECORD], const struct question *q)
{
    uint8_t filler[CODE_SIZE], *changes = to + offsetof(struct bochs_record, changes);
    unsigned size, more;

    memset(to, 0, BOCHS_RECORD);
    for (unsigned n = 0; n < 16; n++)
        store64(to + BOCHS_GPR + 8 * n, q->in.gpr[n]);
    store64(to + BOCHS_RIP, q->in.rip);
    store64(to + BOCHS_FLAGS, q->in.flags | (q->step ? FLAG_TF : 0));
    xsave_put(&b.layout, to + BOCHS_XSAVE, &q->in);
    memset(filler, FILLER, sizeof filler);
    size = put_changes(changes, BOCHS_CHANGES, 0, b.data, b.pristine, DATA_SIZE);
    if (size > BOCHS_CHANGES)
        return false;
    more = put_changes(changes + size, BOCHS_CHANGES - size, DATA_SIZE, b.code, filler,
                       CODE_SIZE);
    if (more > BOCHS_CHANGES)
        return false;
    store32(to + offsetof(struct bochs_record, changes_size), size + more);
    return true;
}

static void get_answer(const uint8_t *from, struct answer *a)
{
    const uint8_t *next = from + offsetof(struct bochs_record, changes);
    unsigned size = load32(from + offsetof(struct bochs_record, changes_size));
    const uint8_t *end = next + size;

    for (unsigned n = 0; n < 16; n++)
        a->out.gpr[n] = load64(from + BOCHS_GPR + 8 * n);
    a->out.rip = load64(from + BOCHS_RIP);
    a->out.flags = load64(from + BOCHS_FLAGS);
    xsave_get(&b.layout, from + BOCHS_XSAVE, &a->out);
    a->vector = (int)load32(from + BOCHS_VECTOR);
    a->error = load32(from + BOCHS_ERROR);
    a->cr2 = a->vector == VEC_PF ? load64(from + BOCHS_CR2) : 0;
    if (a->vector == NO_VECTOR ||
        size > BOCHS_CHANGES) { /* none, or more than a record has room for */
        a->vector = NOT_RECORDED;
        return;
    }
    while (end - next >= 4) {
        unsigned at = load16(next), n = load16(next + 2);
        next += 4;
        for (; n && next < end; n--, at++, next++)
            if (at < DATA_SIZE)
                b.data[at] = *next;
            else if (at < AREA_SIZE)
                b.code[at - DATA_SIZE] = *next;
    }
}

/* Each batch comes twice: to be asked, to be answered. */
void native_run(native_next *next, void *owner)
{
    struct question q;
    struct answer a = {.vector = NOT_RECORDED};
    uint8_t record[BOCHS_RECORD];
    unsigned n = 0;
    bool more;

    if (b.failed)
        return;
    memset(&q, 0, sizeof q);
    for (more = next(owner, NULL, &q); more; more = next(owner, &a, &q), n++) {
        if (!put_question(record, &q)) {
            fail("a question is too long");
            return;
        }
        if (!b.answered) {
            if (n == b.room && !image_open(2 * n + BATCH))
                return;
            memcpy(record_at(n), record, sizeof record);
            continue;
        }
        if (n >= b.count || memcmp(record_at(n), record, sizeof record) != 0) {
            fail("the questions are not what they were");
            return;
        }
        get_answer(record_at(b.count + n), &a);
    }
    b.answered = !b.answered;
    if (b.answered) {
        b.count = n;
        b.first = b.ended = 0;
        for (unsigned k = 0; k < n; k++)
            store32(record_at(n + k) + BOCHS_VECTOR, NO_VECTOR);
        if (n)
            ask_bochs();
    }
}

bool native_enter(const struct oracle_mode *m, const char **why)
{
    *why = "only 64-bit mode is asked of Bochs";
    return m->bits == 64;
}

uint8_t *native_code(void)
{
    return b.code;
}

uint8_t *native_data(void)
{
    return b.data;
}

void native_poke_read_only(const uint8_t *page)
{
    for (unsigned n = 0; n < DATA_PAGES; n++)
        if (data_page[n] == PAGE_READ_ONLY)
            memcpy(b.data + n * PAGE, page, PAGE);
}

void native_data_filled(void)
{
    memcpy(b.pristine, b.data, DATA_SIZE);
}

/* ---- what it is ---- */

static const uint32_t *leaf_regs(uint32_t leaf, uint32_t subleaf)
{
    for (unsigned n = 0; n < b.leaves; n++)
        if (b.leaf[n].leaf == leaf && b.leaf[n].subleaf == subleaf)
            return b.leaf[n].regs;
    return NULL;
}

static bool bochs_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    const uint32_t *r = leaf_regs(leaf, subleaf);
    if (r)
        memcpy(regs, r, 4 * sizeof *r);
    return r != NULL;
}

static void want_leaf(uint32_t leaf, uint32_t subleaf)
{
    if (leaf && !leaf_regs(leaf, subleaf) && b.leaves < BOCHS_LEAVES)
        b.leaf[b.leaves++] = (struct bochs_leaf){.leaf = leaf, .subleaf = subleaf};
}

static bool has(unsigned feature)
{
    struct cpuid_bit where = feature_bit(feature);
    const uint32_t *r = leaf_regs(where.leaf, where.subleaf);
    return where.leaf == 0 || (r && (r[where.reg] >> where.bit & 1));
}

unsigned long long native_cases(const struct isa_row *row, const char **why)
{
    *why = NULL; /* real processors are asked */
    if (!(row->traits & (T_SSE | T_AVX | T_EVEX)) && !(row->enc & VEX))
        return 0;
    *why = "this processor of Bochs lacks it";
    if ((row->traits & T_EVEX) && native_words() < 8)
        return 0;
    return has(row->feature) ? ULLONG_MAX : 0;
}

unsigned native_words(void)
{
    return xsave_words(&b.layout);
}

static bool read_guest(void)
{
    FILE *f = fopen(BOCHS_GUEST, "rb");

    if (!f)
        return fail("cannot read " BOCHS_GUEST);
    b.guest_size = fread(b.guest, 1, sizeof b.guest, f);
    if (fgetc(f) != EOF)
        fail("the guest is too big");
    fclose(f);
    return !b.failed;
}

static const char *find_program(void)
{
    static char name[512];
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t n = strcspn(path, ":");
        snprintf(name, sizeof name, "%.*s/bochs", (int)n, path);
        if (access(name, X_OK) == 0)
            return name;
        path += n + (path[n] == ':');
    }
    return NULL;
}

static bool is_installed(const char **why)
{
    glob_t found;
    bool term =
        glob("/usr/lib/*/bochs/plugins/libbx_term_gui.so", 0, NULL, &found) == 0;

    if (term)
        globfree(&found);
    b.program = find_program();
    *why = "Bochs is not installed (packages bochs, bochsbios, bochs-term)";
    return b.program && term && access(bios, R_OK) == 0 && access(vgabios, R_OK) == 0;
}

static void clean_up(void)
{
    const char *const file[] = {b.image, b.config, b.commands, b.log};
    for (unsigned n = 0; n < ARRAY_SIZE(file); n++)
        unlink(file[n]);
    rmdir(b.folder);
}

static bool make_folder(void)
{
    const char *temporary = getenv("TMPDIR");

    snprintf(b.folder, sizeof b.folder, "%s/menura-bochs-XXXXXX",
             temporary && strlen(temporary) < 200 ? temporary : "/tmp");
    if (!mkdtemp(b.folder))
        return fail("cannot make a temporary folder");
    snprintf(b.image, sizeof b.image, "%s/image", b.folder);
    snprintf(b.config, sizeof b.config, "%s/bochsrc", b.folder);
    snprintf(b.commands, sizeof b.commands, "%s/commands", b.folder);
    snprintf(b.log, sizeof b.log, "%s/log", b.folder);
    return true;
}

/* The first run asks for CPUID alone. */
bool native_init(const char **why)
{
    if (!is_installed(why))
        return false;
    signal(SIGPIPE, SIG_IGN); /* to the end, where the files are deleted */
    b.fd = -1;
    b.model = getenv("BOCHS_CPU") ? getenv("BOCHS_CPU") : "tigerlake";
    for (unsigned n = 0; n < isa_row_count; n++) {
        struct cpuid_bit where = feature_bit(isa_rows[n].feature);
        want_leaf(where.leaf, where.subleaf);
    }
    for (unsigned n = 2; n < 8; n++)
        want_leaf(0xd, n);
    if (!read_guest() || !make_folder())
        return true;
    if (image_open(0) && ask_bochs()) {
        const uint8_t *r = b.disk + BOCHS_REPORT * BOCHS_SECTOR;
        b.layout =
            xsave_find(bochs_cpuid, load64(r + offsetof(struct bochs_report, xcr0)));
    }
    return true;
}

void native_end(void)
{
    if (b.folder[0])
        clean_up();
    if (b.seconds > 0)
        printf("%.1f s of it in Bochs (%s)\n", b.seconds, b.model);
}
