# guest.sh - sourced after common.sh: the Linux of ./run with work.sh as all it does.
case $(uname -m) in
x86_64) ;;
*) skip "needs Debian's x86-64 busybox on the host, which has an archive without it" ;;
esac

# The busybox of the host and that of the guest are the same file.
make_guest() {
    fetch_linux
    fetch_package busybox busybox-static bin/busybox
    busybox=$guests/busybox/busybox
    mkdir -p "$work/tree/bin" "$work/tree/boot-test"
    cp "$busybox" "$work/tree/bin/busybox"
    cp "$source/tests/boot/work.sh" "$source/tests/boot/work-init.sh" \
        "$work/tree/boot-test/"
    chmod 755 "$work/tree/boot-test/work-init.sh"
    # Linux unpacks one archive after the other (initramfs buffer format).
    sh "$source/tools/initrd.sh" "$busybox" "$work/tree" | gzip -n1 |
        cat "$initrd" - >"$work/initrd"
    initrd=$work/initrd
    append="$append rdinit=/boot-test/work-init.sh"
}
