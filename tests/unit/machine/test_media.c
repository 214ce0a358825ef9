/* test_media.c - drives and their media, through menura.h: shown, changed, refused, and
 * named in snapshots. What the guest sees of it: tests/frontend/media.sh.
 */
#include "menura.h"

#include "base/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FLOPPY = 1440 << 10, DISC = 64 << 10 };

static char folder[] = "/tmp/menura-media-XXXXXX";

static int make_files(void **state)
{
    static const struct {
        const char *name;
        unsigned size;
    } files[] = {{"a.img", FLOPPY},
                 {"b.img", FLOPPY},
                 {"large.img", 4 << 20},
                 {"disc.iso", DISC},
                 {"other.iso", DISC + 2048}};
    (void)state;

    if (!mkdtemp(folder) || chdir(folder))
        return -1;
    for (unsigned n = 0; n < sizeof files / sizeof *files; n++) {
        FILE *f = fopen(files[n].name, "wb");
        if (!f || fseek(f, (long)files[n].size - 1, SEEK_SET) || fputc(0, f) ||
            fclose(f))
            return -1;
    }
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = {
        "a.img", "b.img", "large.img", "disc.iso", "other.iso", "snapshot", "forged"};
    (void)state;

    for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
        unlink(names[n]);
    return chdir("/") || rmdir(folder);
}

/* Options and values, a NULL at the end; without a value: "". */
static struct menura *machine(const char *option, ...)
{
    struct menura_config *c = menura_config_new();
    struct menura *m;
    va_list args;

    assert_true(menura_config_set(c, "m", "4M"));
    assert_true(menura_config_set(c, "rtc", "base=2026-01-31"));
    va_start(args, option);
    for (; option; option = va_arg(args, const char *)) {
        const char *value = va_arg(args, const char *);
        if (!menura_config_set(c, option, value))
            fail_msg("%s", menura_config_error(c));
    }
    va_end(args);
    m = menura_new(c);
    if (!m)
        fail_msg("%s", menura_config_error(c));
    menura_config_free(c);
    return m;
}

static struct menura_drive drive(struct menura *m, const char *name)
{
    struct menura_drive d;

    for (unsigned n = 0; menura_drive(m, n, &d); n++)
        if (!strcmp(d.name, name))
            return d;
    fail_msg("no drive %s", name);
    return d;
}

static void has(struct menura *m, const char *name, const char *file)
{
    struct menura_drive d = drive(m, name);

    if (file && d.file)
        assert_string_equal(d.file, file);
    assert_int_equal(!file, !d.file);
}

/* The reason has this text. */
static void because(struct menura *m, const char *text)
{
    if (!strstr(menura_error(m), text))
        fail_msg("not '%s': %s", text, menura_error(m));
}

static bool insert(struct menura *m, const char *name, const char *file)
{
    return menura_insert(m, name, file, NULL, MENURA_WRITES_AS_BEFORE, false);
}

static void drives_are_named_as_in_qemu(void **state)
{
    struct menura *m = machine("hda", "large.img", "cdrom", "disc.iso", "drive",
                               "if=floppy,index=1,file=b.img,id=second", NULL);
    struct menura_drive d = drive(m, "ide1-cd0");
    (void)state;

    assert_true(d.removable && d.read_only && d.size == DISC && !d.open && !d.locked);
    assert_string_equal(d.format, "raw");
    assert_false(drive(m, "ide0-hd0").removable);
    assert_true(drive(m, "second").removable);
    has(m, "floppy0", NULL); /* a PC has a drive A */
    assert_false(menura_drive(m, 99, &d));
    menura_free(m);
}

static void a_medium_goes_in_and_comes_out(void **state)
{
    struct menura *m = machine("drive", "media=cdrom,id=cd", NULL);
    uint64_t before = menura_hash(m);
    (void)state;

    assert_true(insert(m, "cd", "disc.iso"));
    has(m, "cd", "disc.iso");
    assert_true(menura_hash(m) != before);           /* the guest will see it */
    assert_true(insert(m, "ide0-cd0", "other.iso")); /* its place is a name too */
    has(m, "cd", "other.iso");
    assert_true(menura_eject(m, "cd", false));
    assert_true(menura_eject(m, "cd", false));
    has(m, "cd", NULL);
    assert_true(insert(m, "floppy0", "a.img"));
    assert_false(drive(m, "floppy0").read_only);
    menura_free(m);
}

static void what_cannot_go_in_leaves_the_old_medium(void **state)
{
    struct menura *m =
        machine("hda", "large.img", "fda", "a.img", "cdrom", "disc.iso", NULL);
    uint64_t before = menura_hash(m);
    (void)state;

    assert_false(insert(m, "ide1-cd0", "missing.iso"));
    because(m, "cannot open disk 'missing.iso'");
    assert_false(menura_insert(m, "ide1-cd0", "other.iso", "tar", 0, false));
    because(m, "no image format is called 'tar'");
    assert_false(insert(m, "floppy0", "other.iso.gz"));
    assert_false(
        menura_insert(m, "floppy0", "large.img", NULL, MENURA_READ_ONLY, false));
    assert_false(insert(m, "ide0-hd0", "a.img"));
    because(m, "cannot be taken out");
    assert_false(insert(m, "floppy1", "b.img"));
    because(m,
            "there is no drive 'floppy1'\nmedia can be changed in: floppy0, ide1-cd0");
    assert_false(menura_eject(m, "", true));
    has(m, "floppy0", "a.img");
    has(m, "ide1-cd0", "disc.iso");
    assert_true(menura_hash(m) == before);
    menura_free(m);
}

static void write_protection_stays_until_it_is_changed(void **state)
{
    struct menura *m = machine("drive", "if=floppy,file=a.img,readonly=on", NULL);
    (void)state;

    assert_true(insert(m, "floppy0", "b.img"));
    assert_true(drive(m, "floppy0").read_only);
    assert_true(menura_insert(m, "floppy0", "a.img", "raw", MENURA_READ_WRITE, false));
    assert_false(drive(m, "floppy0").read_only);
    assert_true(menura_eject(m, "floppy0", false));
    assert_true(insert(m, "floppy0", "b.img"));
    assert_false(drive(m, "floppy0").read_only);
    menura_free(m);
}

static void an_image_that_came_out_is_free_for_others(void **state)
{
    struct menura *m = machine("fda", "a.img", NULL),
                  *other = machine("fda", "b.img", NULL);
    (void)state;

    assert_false(insert(other, "floppy0", "a.img"));
    has(other, "floppy0", "b.img");
    assert_true(menura_eject(m, "floppy0", false));
    assert_true(insert(other, "floppy0", "a.img"));
    menura_free(other);
    menura_free(m);
}

/* ---- the monitor ---- */

static char answer[4096];

static void take(void *to, const char *line)
{
    size_t used = strlen(answer);
    (void)to;
    snprintf(answer + used, sizeof answer - used, "%s\n", line);
}

static void says(struct menura *m, const char *command, const char *text)
{
    *answer = 0;
    assert_true(menura_command(m, command, take, NULL));
    if (!strstr(answer, text))
        fail_msg("%s: '%s' is not in: %s", command, text, answer);
}

static void the_monitor_understands_qemus_commands(void **state)
{
    struct menura *m = machine("cdrom", "disc.iso", NULL);
    (void)state;

    says(m, "change", "change [-f] DRIVE FILE");
    says(m, "change ide1-cd0", "change [-f] DRIVE FILE");
    says(m, "change ide1-cd0 a raw retain more", "change [-f] DRIVE FILE");
    says(m, "change ide1-cd0 a raw sometimes", "none of read-only");
    says(m, "eject", "eject [-f] DRIVE");
    says(m, "eject -f", "eject [-f] DRIVE");
    says(m, "eject nothing", "there is no drive 'nothing'");
    says(m, "change -f ide1-cd0 \"other.iso\" raw read-only", "");
    says(m, "info block",
         "ide1-cd0: other.iso (raw, 67584 bytes, read-only); removable");
    says(m, "change floppy0 b.img raw read-only", "");
    says(m, "info block", "floppy0: b.img (raw, 1474560 bytes, read-only)");
    says(m, "eject floppy0", "");
    says(m, "change floppy0 b.img raw read-write", "");
    says(m, "info block", "floppy0: b.img (raw, 1474560 bytes); removable");
    says(m, "eject -f floppy0", "");
    says(m, "info block", "floppy0: no medium");
    says(m, "change floppy0 \"b.img", "cannot open");
    menura_free(m);
}

/* ---- snapshots ---- */

static void a_snapshot_wants_its_media(void **state)
{
    struct menura *m = machine("cdrom", "disc.iso", "fda", "a.img", NULL);
    uint64_t hash;
    (void)state;

    assert_true(insert(m, "ide1-cd0", "other.iso"));
    assert_true(menura_save(m, "snapshot"));
    hash = menura_hash(m);
    assert_true(menura_eject(m, "ide1-cd0", false));
    assert_false(menura_load(m, "snapshot"));
    because(m,
            "has 'other.iso' (raw, 67584 bytes) in drive ide1-cd0, this machine has no "
            "medium");
    has(m, "ide1-cd0", NULL);
    assert_true(insert(m, "ide1-cd0", "disc.iso"));
    assert_false(menura_load(m, "snapshot"));
    because(m, "this machine has 'disc.iso' (raw, 65536 bytes)");
    has(m, "ide1-cd0", "disc.iso");
    assert_true(insert(m, "ide1-cd0", "other.iso"));
    assert_true(menura_load(m, "snapshot"));
    assert_true(menura_hash(m) == hash);
    assert_true(menura_eject(m, "floppy0", false));
    assert_true(menura_save(m, "snapshot"));
    assert_true(insert(m, "floppy0", "a.img"));
    assert_false(menura_load(m, "snapshot"));
    because(m, "has no medium in drive floppy0, this machine has 'a.img'");
    menura_free(m);
}

static void a_refused_load_changes_nothing(void **state)
{
    struct menura *m = machine("cdrom", "disc.iso", NULL);
    uint64_t hash;
    (void)state;

    assert_true(menura_save(m, "snapshot"));
    assert_int_equal(menura_run(m, 1000000), MENURA_END_COUNT);
    assert_true(menura_eject(m, "ide1-cd0", false));
    hash = menura_hash(m);
    assert_false(menura_load(m, "snapshot"));
    assert_false(menura_load(m, "missing"));
    assert_true(menura_hash(m) == hash);
    assert_int_equal(menura_run(m, 1000), MENURA_END_COUNT);
    menura_free(m);
}

/* A snapshot is anybody's file: here one that names a file which exists. */
static void forge(unsigned drives, const char *file)
{
    struct writer w = {0};
    FILE *f = fopen("forged", "wb");

    write_bytes(&w, "MENURA1", 8);
    section_begin(&w, "media");
    write_u32(&w, drives);
    for (unsigned n = 0; n < 2; n++) {
        write_text(&w, n ? "ide1-cd0" : "floppy0");
        write_text(&w, file);
        write_text(&w, "raw");
        write_u64(&w, DISC);
    }
    section_end(&w);
    assert_non_null(f);
    assert_int_equal(fwrite(w.bytes, 1, w.size, f), w.size);
    assert_int_equal(fclose(f), 0);
    writer_free(&w);
}

static void a_snapshot_opens_no_file(void **state)
{
    static const char *const names[] = {"disc.iso", "/etc/passwd", "\033[2Jx\n"};
    struct menura *m = machine("drive", "media=cdrom,index=2", NULL);
    uint64_t hash = menura_hash(m);
    (void)state;

    for (unsigned n = 0; n < 3; n++)
        for (unsigned drives = 1; drives; drives *= 2) { /* more than there are, too */
            forge(drives, names[n]);
            assert_false(menura_load(m, "forged"));
            has(m, "ide1-cd0", NULL);
            has(m, "floppy0", NULL);
            assert_null(strchr(menura_error(m), '\033'));
        }
    assert_true(menura_hash(m) == hash);
    forge(UINT32_MAX, "");
    assert_false(menura_load(m, "forged"));
    because(m, "list of media is damaged");
    menura_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drives_are_named_as_in_qemu),
        cmocka_unit_test(a_medium_goes_in_and_comes_out),
        cmocka_unit_test(what_cannot_go_in_leaves_the_old_medium),
        cmocka_unit_test(write_protection_stays_until_it_is_changed),
        cmocka_unit_test(an_image_that_came_out_is_free_for_others),
        cmocka_unit_test(the_monitor_understands_qemus_commands),
        cmocka_unit_test(a_snapshot_wants_its_media),
        cmocka_unit_test(a_refused_load_changes_nothing),
        cmocka_unit_test(a_snapshot_opens_no_file),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
