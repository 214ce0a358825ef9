# common.sh - sourced by the boot tests: real guests, fetched once into build/guests,
# and how to run them. $1 of every test is the menura to try.
menura=$1
source=$(cd "$(dirname "$0")/../.." && pwd)
guests=$source/build/guests
work=$(mktemp -d) || exit 1
started= # processes of the test that must not outlive it
trap 'kill $started 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

skip() {
    echo "skipped: $*"
    exit 77
}

# What went wrong, and the end of the files that show it.
die() {
    echo "$1"
    shift
    for file; do
        echo "--- $(basename "$file"), its end:"
        tail -n 40 "$file" | tr -d '\r'
    done
    exit 1
}

# fetch NAME FILE COMMAND...: build/guests/NAME is made by COMMAND FOLDER, whole or not at
# all; FILE is in it then. Tests run side by side and ./run uses the same folder: one
# fetches, the others wait.
fetch() {
    name=$1 file=$2
    shift 2
    mkdir -p "$guests"
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$guests/lock"
        flock 9
    fi
    if [ ! -s "$guests/$name/$file" ]; then
        command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 ||
            skip "no apt-get or dpkg-deb to fetch Debian packages with"
        rm -rf "$guests/$name.new"
        mkdir "$guests/$name.new"
        timeout 600 "$@" "$guests/$name.new" >"$work/fetch.log" 2>&1 9>&- ||
            skip "Debian's archive cannot be reached: $(tail -n 1 "$work/fetch.log")"
        rm -rf "${guests:?}/$name"
        mv "$guests/$name.new" "$guests/$name" || exit 1
    fi
    exec 9>&-
}

# The Linux of ./run: kernel, initrd and command line.
fetch_linux() {
    fetch linux append sh "$source/tools/guest-linux.sh"
    kernel=$guests/linux/kernel initrd=$guests/linux/initrd
    append="$(cat "$guests/linux/append") quiet"
}

# fetch_package NAME PACKAGE FILE...: these files of a package, in build/guests/NAME
# under their last names.
fetch_package() {
    fetch "$1" package sh "$source/tests/boot/package.sh" "$@"
}

# The line that --hash printed into FILE.
hash_of() {
    sed -n 's/^menura: \([0-9]* instructions, hash [0-9a-f]*\)$/\1/p' "$1"
}

# random COUNT BELOW: numbers from 1 to BELOW - 1, a line each; MENURA_SEED for others.
random() {
    awk -v count="$1" -v below="$2" -v seed="${MENURA_SEED-1}" 'BEGIN {
        for (x = seed % 2147483646 + 1; n < count; n++) {
            for (i = 0; i < 20; i++)
                x = x * 16807 % 2147483647
            printf "%.0f\n", 1 + int(x / 2147483647 * (below - 1))
        }
    }'
}
