/* file.c - whole files, read with a cap and written atomically. */
#define _GNU_SOURCE
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(int fd, uint8_t *to, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t n = read(fd, to + done, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO; /* it became shorter meanwhile */
        if (n <= 0)
            return false;
        done += (uint64_t)n;
    }
    return true;
}

bool host_read_file(const char *path, const char *what, uint64_t cap, uint8_t **bytes,
                    uint64_t *size, struct error *e)
{
    struct stat st;
    bool good;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set(e, "cannot open %s '%s': %s", what, path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return error_set(e, "cannot read %s '%s': it is not a regular file", what, path);
    }
    if ((uint64_t)st.st_size > cap) {
        close(fd);
        return error_set(e, "%s '%s' is too large: %llu bytes, at most %llu fit", what, path,
                         (unsigned long long)st.st_size, (unsigned long long)cap);
    }
    *size = (uint64_t)st.st_size;
    *bytes = malloc(*size ? (size_t)*size : 1);
    good = *bytes && read_all(fd, *bytes, *size);
    if (!good) {
        error_set(e, "cannot read %s '%s': %s", what, path,
                  *bytes ? strerror(errno) : "the host has no memory");
        free(*bytes);
        *bytes = NULL;
    }
    close(fd);
    return good;
}

size_t host_read_head(const char *path, uint8_t *to, size_t n, uint64_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

    if (good) {
        *size = (uint64_t)st.st_size;
        if (n > *size)
            n = (size_t)*size;
        good = read_all(fd, to, n);
    }
    if (fd >= 0)
        close(fd);
    return good ? n : 0;
}

bool host_is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0;
}

static bool write_all(int fd, const uint8_t *from, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t n = write(fd, from + done, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (uint64_t)n;
    }
    return true;
}

static bool sync_directory(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    bool good;
    int fd;

    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path + 1) : 1,
             slash ? path : ".");
    fd = open(dir, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    good = fsync(fd) == 0 || errno == EINVAL; /* some file systems have no such thing */
    close(fd);
    return good;
}

/* A new file beside `path`. open() gives it what the user's umask allows; a snapshot holds
 * all of a guest's secrets. */
static int create_beside(const char *path, mode_t mode, char *name, size_t room)
{
    for (unsigned n = 0; n < 100; n++) {
        int fd;

        if (snprintf(name, room, "%s.%llx-%u.tmp", path, (unsigned long long)host_now_ns(),
                     n) >= (int)room) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

bool host_write_file(const char *path, const void *bytes, uint64_t size, struct error *e)
{
    char real[PATH_MAX], temporary[PATH_MAX + 64];
    struct stat st;
    bool there = stat(path, &st) == 0, good;
    int fd, why = 0;

    if (there && !S_ISREG(st.st_mode))
        return error_set(e, "cannot write '%s': it is not a regular file", path);
    if (there && realpath(path, real))
        path = real; /* the file behind a symbolic link, not the link */
    fd = create_beside(path, there ? st.st_mode & 0777 : 0666, temporary, sizeof temporary);
    if (fd < 0)
        return error_set(e, "cannot write '%s': %s", path, strerror(errno));
    good = write_all(fd, bytes, size) && fsync(fd) == 0;
    if (!good)
        why = errno;
    if (close(fd) < 0 && good) {
        good = false;
        why = errno;
    }
    if (good && rename(temporary, path) == 0 && sync_directory(path))
        return true;
    if (good)
        why = errno;
    unlink(temporary);
    return error_set(e, "cannot write '%s': %s", path, strerror(why));
}
