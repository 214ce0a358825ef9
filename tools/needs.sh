# needs.sh - sourced by ./run and ./test: installs what is missing (Debian and its kin).
#
# need PACKAGE COMMAND-OR-FILE notes a package when the command, or the file (a path, or a
# header's name), is missing; install_needs fetches all that were noted.

needed=

# Where the compiler finds a header.
header_exists() {
    for folder in /usr/include /usr/local/include /usr/include/*-linux-gnu*; do
        [ -e "$folder/$1" ] && return 0
    done
    return 1
}

need() {
    case $2 in
    /*) [ -e "$2" ] && return ;;
    *.h) header_exists "$2" && return ;;
    *) command -v "$2" >/dev/null 2>&1 && return ;;
    esac
    needed="$needed $1"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "$0: must install packages, but is neither root nor finds sudo." >&2
        echo "     As root: apt-get install$needed" >&2
        exit 1
    fi
}

# One look at the archive's list in a run, and only when something is to be fetched.
archive_known=
know_archive() {
    [ "$archive_known" ] && return
    archive_known=yes
    echo "$0: apt-get update" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2 ||
        echo "$0: the archive's list could not be fetched; going on with the old one" >&2
}

install_needs() {
    [ "$needed" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "$0: missing:$needed (Debian's names); install them and run $0 again" >&2
        exit 1
    fi
    know_archive
    echo "$0: installing$needed" >&2
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
        --no-install-recommends $needed >&2 </dev/null || {
        echo "$0: could not install:$needed" >&2
        exit 1
    }
    needed=
}
