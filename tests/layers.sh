#!/bin/sh
# layers.sh [source folder] - fails on an #include that points up or sideways between the
# layers, from one chip to another, or to an operating system outside host/ and frontend/.
# layers.sh --self-test checks that it notices each of these.
set -u
. "$(dirname "$0")/source_check.sh"

level_of()
{
    case $1 in
    base) echo 0 ;;
    mmu | host | chipset) echo 1 ;;
    cpu | devices) echo 2 ;;
    debug) echo 3 ;;
    machine) echo 4 ;;
    frontend) echo 5 ;;
    *) echo "" ;;
    esac
}

# A chip is a file that defines a device class of its own.
is_chip()
{
    [ -f "$1" ] && grep -q '^const struct device_class ' "$1"
}

# from file, to header: prints the reason when the arrow may not be there.
judge()
{
    from=$1 to=$2
    from_dir=${from%%/*} to_dir=${to%%/*}
    if [ "$from_dir" = frontend ]; then
        case $to in
        menura.h | include/menura.h | frontend/*) ;;
        *) echo "a front end uses only include/menura.h" ;;
        esac
        return
    fi
    case $to in
    menura.h | include/menura.h)
        [ "$from_dir" = machine ] || echo "only machine/ and frontend/ know menura.h"
        return
        ;;
    build_version.h) return ;; # made by the build
    */*) ;;
    *)
        echo "name the folder: \"$from_dir/$to\""
        return
        ;;
    esac
    from_level=$(level_of "$from_dir") to_level=$(level_of "$to_dir")
    if [ -z "$to_level" ]; then
        echo "'$to_dir' is no layer"
    elif [ "$from_dir" != "$to_dir" ]; then
        [ "$to_level" -lt "$from_level" ] || echo "the arrow does not point down"
        # The two buses that devices plug into: PCI, and ISA's DMA channels.
        [ "$from_dir" = devices ] && [ "$to" != chipset/pci.h ] &&
            [ "$to" != chipset/dma.h ] && is_chip "${to%.*}.c" &&
            echo "a chip knows no other chip"
    elif [ "$from_dir" = chipset ] || [ "$from_dir" = devices ]; then
        chip=${to%.*} self=${from%.*}
        [ "$to" = chipset/pci.h ] && return # the bus that its functions plug into
        case $self in
        "$chip" | "$chip"_*) ;;
        *) if is_chip "$chip.c"; then echo "a chip knows no other chip"; fi ;;
        esac
    fi
}

check()
{
    for file in $(sources frontend/*.[ch]); do
        sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file" |
            while read -r header; do
                why=$(judge "$file" "$header")
                [ -z "$why" ] || echo "$file: #include \"$header\": $why"
            done
        case $file in
        host/* | frontend/*) continue ;;
        esac
        grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<(sys/|net/|netinet/|arpa/|unistd|pthread|fcntl|termios|poll|dirent|dlfcn|windows|mach/)' \
            "$file" | sed "s|^|$file:|; s|\$|: only host/ knows an operating system|"
    done
}

make_good()
{
    echo 'const struct device_class pit_class = {0};' >chipset/pit.c
    echo '#include "base/types.h"' >chipset/pit.h
}

make_bad()
{
    echo '#include "cpu/cpu.h"' >base/up.c
    echo '#include "chipset/pit.h"' >mmu/sideways.c
    echo '#include "chipset/pit.h"' >chipset/rtc.c
    echo '#include "chipset/pit.h"' >chipset/pit_tables.c # its own
    echo '#include "chipset/pit.h"' >devices/serial.c
    echo '#include "machine/machine.h"' >frontend/main.c
    echo '#include "cpu.h"' >cpu/bare.c
    echo '# include <unistd.h>' >cpu/os.c
}

[ "${1:-}" != --self-test ] || self_test layers.sh 7
judge_tree "${1:-$(dirname "$0")/..}" ""
