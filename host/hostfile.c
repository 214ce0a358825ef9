/* hostfile.c - files of POSIX hosts for disk images: holes, syncs, locks. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "host/hostfile.h"

#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/sysmacros.h>
#endif

enum { PIECE = 1 << 30 }; /* bytes of one call: Linux moves at most 2 GiB - 4 KiB */

struct hostfile {
    int fd;
    int error; /* errno of the last failure */
    uint64_t size;
    dev_t device;
    ino_t inode;
    bool no_holes; /* the host said that it cannot make them */
};

static bool failed(struct hostfile *f)
{
    f->error = errno;
    return false;
}

/* ---- opening ---- */

static bool look(struct hostfile *f, bool *usable)
{
    struct stat st;
    off_t end;

    if (fstat(f->fd, &st) < 0)
        return false;
    *usable = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
    f->device = st.st_dev;
    f->inode = st.st_ino;
    end = S_ISREG(st.st_mode) ? st.st_size : lseek(f->fd, 0, SEEK_END);
    f->size = end < 0 ? 0 : (uint64_t)end;
    return true;
}

static struct hostfile *adopt(int fd)
{
    struct hostfile *f = calloc(1, sizeof *f);
    bool usable;

    if (!f) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    f->fd = fd;
    look(f, &usable);
    return f;
}

struct hostfile *hostfile_open(const char *path, const char *what, bool write,
                               struct error *e)
{
    bool usable = false;
    struct hostfile *f;
    /* O_NONBLOCK: a named pipe must not keep us waiting before it is refused. */
    int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        error_set(e, "cannot open %s '%.300s': %s", what, path, strerror(errno));
        if (errno == ENOENT)
            error_hint(e, "create one with: menura disk create %.300s 2G", path);
        else if (write && (errno == EACCES || errno == EROFS || errno == EPERM))
            error_hint(e,
                       "open it read-only, or with a snapshot that keeps writes apart");
        return NULL;
    }
    f = adopt(fd);
    if (!f || !look(f, &usable) || !usable) {
        if (f && !usable)
            error_set(
                e, "cannot use '%.300s' as %s: it is no regular file or block device",
                path, what);
        else
            error_set(e, "cannot open %s '%.300s': %s", what, path, strerror(errno));
        hostfile_close(f);
        return NULL;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return f;
}

struct hostfile *hostfile_temporary(struct error *e)
{
    const char *folder = getenv("TMPDIR");
    char name[PATH_MAX];
    struct hostfile *f;
    int fd;

    if (!folder || !*folder)
        folder = "/var/tmp"; /* /tmp is memory on many hosts */
    snprintf(name, sizeof name, "%.3900s/menura-XXXXXX", folder);
    fd = mkstemp(name);
    if (fd < 0) {
        error_set(e, "cannot make a temporary file in '%.300s': %s", folder,
                  strerror(errno));
        error_hint(e, "name another folder by the environment's TMPDIR");
        return NULL;
    }
    unlink(name);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    f = adopt(fd);
    if (!f)
        error_set(e, "cannot make a temporary file: the host has no memory");
    return f;
}

struct hostfile *hostfile_beside(const char *path, char *name, size_t room,
                                 struct error *e)
{
    struct hostfile *f;
    int fd = -1;

    for (unsigned n = 0; n < 100 && fd < 0; n++) {
        if (snprintf(name, room, "%s.%llx-%u.tmp", path,
                     (unsigned long long)host_now_ns(), n) >= (int)room) {
            errno = ENAMETOOLONG;
            break;
        }
        fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0) {
        error_set(e, "cannot create '%.300s': %s", path, strerror(errno));
        return NULL;
    }
    f = adopt(fd);
    if (!f) {
        unlink(name);
        error_set(e, "cannot create '%.300s': the host has no memory", path);
    }
    return f;
}

/* rename() would replace a file that appeared meanwhile; link() refuses. Some file
 * systems have no links. */
static bool name_it(const char *temporary, const char *path, bool replace)
{
    if (replace)
        return rename(temporary, path) == 0;
    if (link(temporary, path) == 0) {
        unlink(temporary);
        return true;
    }
    if (errno == EEXIST)
        return false;
    if (access(path, F_OK) == 0) {
        errno = EEXIST;
        return false;
    }
    return rename(temporary, path) == 0;
}

static bool sync_fd(int fd)
{
    int result;

#ifdef F_FULLFSYNC
    do /* macOS: fsync() leaves the bytes in the drive's cache */
        result = fcntl(fd, F_FULLFSYNC);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        return true;
#endif
    do
#ifdef __APPLE__
        result = fsync(fd);
#else
        result = fdatasync(fd);
#endif
    while (result < 0 && errno == EINTR);
    return result == 0;
}

static void folder_of(const char *path, char *folder, size_t room)
{
    const char *slash = strrchr(path, '/');

    snprintf(folder, room, "%.*s", slash ? (int)(slash - path + 1) : 1,
             slash ? path : ".");
}

static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    bool good;
    int fd;

    folder_of(path, folder, sizeof folder);
    fd = open(folder, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    good = fsync(fd) == 0 || errno == EINVAL; /* some file systems have no such thing */
    close(fd);
    return good;
}

bool hostfile_publish(struct hostfile *f, const char *temporary, const char *path,
                      bool replace, struct error *e)
{
    bool good = fsync(f->fd) == 0 && sync_fd(f->fd);
    int why = errno;

    if (close(f->fd) < 0 && good) {
        good = false;
        why = errno;
    }
    free(f);
    if (good) {
        good = name_it(temporary, path, replace) && sync_folder(path);
        why = errno;
    }
    if (!good) {
        unlink(temporary);
        error_set(e, "cannot create '%.300s': %s", path, strerror(why));
    }
    return good;
}

void hostfile_close(struct hostfile *f)
{
    if (!f)
        return;
    close(f->fd);
    free(f);
}

/* ---- what it is ---- */

uint64_t hostfile_size(const struct hostfile *f)
{
    return f->size;
}

uint64_t hostfile_occupied(const struct hostfile *f)
{
    struct stat st;

    return fstat(f->fd, &st) < 0 ? f->size : (uint64_t)st.st_blocks * 512;
}

bool hostfile_same(const struct hostfile *a, const struct hostfile *b)
{
    return a->device == b->device && a->inode == b->inode;
}

const char *hostfile_why(const struct hostfile *f)
{
    return strerror(f->error);
}

bool hostfile_full(const struct hostfile *f)
{
#ifdef EDQUOT
    if (f->error == EDQUOT)
        return true;
#endif
    return f->error == ENOSPC || f->error == EFBIG;
}

/* ---- bytes ---- */

static bool offset_fits(struct hostfile *f, uint64_t offset, uint64_t n)
{
    if (offset <= INT64_MAX && n <= INT64_MAX - offset)
        return true;
    f->error = EFBIG;
    return false;
}

bool hostfile_read(struct hostfile *f, uint64_t offset, void *to, size_t n)
{
    uint8_t *at = to;

    if (!offset_fits(f, offset, n))
        return false;
    while (n) {
        ssize_t got = pread(f->fd, at, n < PIECE ? n : PIECE, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(f);
        if (got == 0) {
            memset(at, 0, n);
            return true;
        }
        at += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

bool hostfile_write(struct hostfile *f, uint64_t offset, const void *from, size_t n)
{
    const uint8_t *at = from;

    if (!offset_fits(f, offset, n))
        return false;
    while (n) {
        ssize_t put = pwrite(f->fd, at, n < PIECE ? n : PIECE, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = ENOSPC;
        if (put <= 0)
            return failed(f);
        at += put;
        offset += (uint64_t)put;
        n -= (size_t)put;
        if (offset > f->size)
            f->size = offset;
    }
    return true;
}

bool hostfile_resize(struct hostfile *f, uint64_t size)
{
    if (!offset_fits(f, size, 0))
        return false;
    if (ftruncate(f->fd, (off_t)size) < 0)
        return failed(f);
    f->size = size;
    return true;
}

bool hostfile_sync(struct hostfile *f)
{
    return sync_fd(f->fd) || failed(f);
}

bool hostfile_punch(struct hostfile *f, uint64_t offset, uint64_t n)
{
    if (f->no_holes || !offset_fits(f, offset, n))
        return false;
    if (n == 0)
        return true;
#if defined(FALLOC_FL_PUNCH_HOLE) && defined(FALLOC_FL_KEEP_SIZE)
    if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                  (off_t)n) == 0)
        return true;
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == ENODEV)
        f->no_holes = true;
    return failed(f);
#elif defined(F_PUNCHHOLE)
    {
        /* macOS wants whole blocks of the file system: other ranges are refused. */
        struct fpunchhole hole = {.fp_offset = (off_t)offset, .fp_length = (off_t)n};
        return fcntl(f->fd, F_PUNCHHOLE, &hole) == 0 || failed(f);
    }
#else
    f->no_holes = true;
    f->error = ENOSYS;
    return false;
#endif
}

bool hostfile_hole(struct hostfile *f, uint64_t offset, uint64_t *run)
{
    *run = offset < f->size ? f->size - offset : 0;
#ifdef SEEK_DATA
    if (offset < f->size) {
        off_t data = lseek(f->fd, (off_t)offset, SEEK_DATA), hole;

        if (data < 0)
            return errno == ENXIO; /* nothing but a hole to the end */
        if ((uint64_t)data > offset) {
            *run = (uint64_t)data - offset;
            return true;
        }
        hole = lseek(f->fd, (off_t)offset, SEEK_HOLE);
        if (hole > 0 && (uint64_t)hole > offset)
            *run = (uint64_t)hole - offset;
    }
#endif
    return false;
}

/* ---- locks ---- */

#ifdef F_OFD_SETLK
/* QEMU locks single bytes: 100 + p when it uses permission p, 200 + p when it lets no
 * other use it (QEMU block/file-posix.c; docs/system/images: "Disk image file
 * locking"). All locks are shared ones: a conflict is seen by asking. */
enum { USED = 100, UNSHARED = 200, CONSISTENT_READ = 0, WRITE = 1, RESIZE = 3 };

static bool byte_lock(int fd, int64_t at)
{
    struct flock l = {
        .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static bool byte_taken(int fd, int64_t at)
{
    struct flock l = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static bool lock_as_qemu(int fd, bool write)
{
    if (!byte_lock(fd, USED + CONSISTENT_READ) || !byte_lock(fd, UNSHARED + WRITE) ||
        !byte_lock(fd, UNSHARED + RESIZE))
        return true; /* a host or file system without such locks */
    if (write && (!byte_lock(fd, USED + WRITE) || !byte_lock(fd, USED + RESIZE)))
        return true;
    if (byte_taken(fd, UNSHARED + CONSISTENT_READ) || byte_taken(fd, USED + WRITE) ||
        byte_taken(fd, USED + RESIZE))
        return false;
    return !write ||
           (!byte_taken(fd, UNSHARED + WRITE) && !byte_taken(fd, UNSHARED + RESIZE));
}
#else
static bool lock_as_qemu(int fd, bool write)
{
    (void)fd;
    (void)write;
    return true;
}
#endif

/* Who holds an flock() on f, by Linux's /proc/locks; 0: unknown. */
static long long holder(const struct hostfile *f)
{
    long long pid = 0;
#ifdef __linux__
    FILE *locks = fopen("/proc/locks", "re");
    char line[256];

    while (locks && fgets(line, sizeof line, locks)) {
        unsigned long long inode;
        unsigned major_, minor_;
        long long who;

        if (sscanf(line, "%*s FLOCK %*s %*s %lld %x:%x:%llu", &who, &major_, &minor_,
                   &inode) == 4 &&
            inode == (unsigned long long)f->inode && major_ == major(f->device) &&
            minor_ == minor(f->device) && who > 0)
            pid = who;
    }
    if (locks)
        fclose(locks);
#else
    (void)f;
#endif
    return pid;
}

bool hostfile_lock(struct hostfile *f, const char *path, bool write, struct error *e)
{
    long long pid;

    if ((flock(f->fd, (write ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 ||
         errno != EWOULDBLOCK) &&
        lock_as_qemu(f->fd, write))
        return true;
    pid = holder(f);
    if (pid == (long long)getpid())
        error_set(e, "disk '%.300s' is in use by this process already", path);
    else if (pid)
        error_set(e, "disk '%.300s' is in use by process %lld", path, pid);
    else
        error_set(e, "disk '%.300s' is in use by another process", path);
    return error_hint(e, "%s",
                      write ? "end that one first, or use a copy of the disk"
                            : "only one may have it while that one writes to it");
}

/* ---- names in files ---- */

/* Whether `inside` is `folder` or lies below it; both are real paths. */
static bool lies_below(const char *folder, const char *inside)
{
    size_t n = strlen(folder);

    return !strncmp(folder, inside, n) &&
           (folder[n - 1] == '/' || inside[n] == '/' || !inside[n]);
}

bool hostfile_related(const char *of, const char *name, bool anywhere, char *path,
                      size_t room, struct error *e)
{
    char folder[PATH_MAX], real_folder[PATH_MAX], real[PATH_MAX], real_of[PATH_MAX];

    /* The file behind a symbolic link has its neighbours there. */
    folder_of(realpath(of, real_of) ? real_of : of, folder, sizeof folder);
    if (snprintf(path, room, "%s%s%s", name[0] == '/' ? "" : folder,
                 name[0] == '/' || folder[strlen(folder) - 1] == '/' ? "" : "/",
                 name) >= (int)room)
        return error_set(e, "the name of a file below '%.300s' is too long", of);
    if (!realpath(path, real))
        return error_set(e, "'%.300s' needs '%.300s': %s", of, name, strerror(errno));
    if (anywhere)
        return true;
    if (!realpath(folder, real_folder) || !lies_below(real_folder, real)) {
        error_set(e, "'%.300s' names '%.300s', which lies outside its folder", of,
                  name);
        return error_hint(e,
                          "a disk image may not name just any file of this host: "
                          "put both into one folder, or allow it (backing-anywhere)");
    }
    return true;
}

/* ---- new files ---- */

bool hostfile_place(const char *path, bool replace, char *real, size_t room,
                    struct error *e)
{
    char resolved[PATH_MAX];
    struct hostfile *old;
    struct stat st;
    bool good;

    if (stat(path, &st) < 0)
        return snprintf(real, room, "%s", path) < (int)room ||
               error_set(e, "the name '%.300s' is too long", path);
    if (!replace) {
        error_set(e, "there is a file '%.300s' already", path);
        return error_hint(e, "remove it first, or allow it to be replaced (--force)");
    }
    if (!S_ISREG(st.st_mode))
        return error_set(e, "cannot replace '%.300s': it is not a regular file", path);
    old = hostfile_open(path, "the old disk", false, e);
    good = old && hostfile_lock(old, path, true, e);
    hostfile_close(old);
    if (!good)
        return false;
    return snprintf(real, room, "%s", realpath(path, resolved) ? resolved : path) <
               (int)room ||
           error_set(e, "the name '%.300s' is too long", path);
}
