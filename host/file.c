/* file.c - whole files, read with a cap and written atomically. */
#define _GNU_SOURCE
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
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

static void sync_directory(const char *path)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    int fd;

    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    fd = open(dir[0] ? dir : "/", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

bool host_write_file(const char *path, const void *bytes, uint64_t size, struct error *e)
{
    char temporary[4096];
    struct stat there;
    bool good;
    int fd;

    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) {
        error_set(e, "cannot write '%s': it is not a regular file", path);
        return error_hint(e, "name a file that may be replaced");
    }
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= sizeof temporary)
        return error_set(e, "cannot write '%s': the name is too long", path);
    fd = mkstemp(temporary);
    if (fd < 0)
        return error_set(e, "cannot write '%s': %s", path, strerror(errno));
    good = write_all(fd, bytes, size) && fsync(fd) == 0 && fchmod(fd, 0644) == 0;
    if (close(fd) < 0)
        good = false;
    if (good && rename(temporary, path) == 0) {
        sync_directory(path);
        return true;
    }
    error_set(e, "cannot write '%s': %s", path, strerror(errno));
    unlink(temporary);
    return false;
}
