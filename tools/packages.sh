# packages.sh - sourced after needs.sh: files out of Debian's packages, which are not
# installed. An archive list that is empty or old is fetched anew, once.

# unpack PACKAGE FOLDER: the package's files in FOLDER/root; the .deb stays in FOLDER.
unpack() {
    mkdir -p "$2"
    (cd "$2" && apt-get -qq download "$1" 2>download.log) || {
        know_archive
        (cd "$2" && apt-get -qq download "$1") || {
            echo "$0: package $1 cannot be fetched" >&2
            exit 1
        }
    }
    dpkg-deb -x "$2/$1"_*.deb "$2/root"
}

newest_kernel() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1
}

# unpack_kernel FOLDER: the newest kernel for virtual machines, and its modules.
unpack_kernel() {
    image=$(newest_kernel)
    [ "$image" ] || { know_archive; image=$(newest_kernel); }
    [ "$image" ] || { echo "$0: the archive has no linux-image-cloud-amd64" >&2; exit 1; }
    unpack "$image" "$1"
}
