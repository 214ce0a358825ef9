# firmware.sh - sourced after common.sh by tests that boot a whole PC: $2 says which BIOS, and
# $firmware is the option for it. make_cd FOLDER ISO: a CD that ISOLINUX boots.
firmware=
if [ "${2-}" = seabios ]; then
    fetch_package seabios seabios bios-256k.bin
    firmware="-bios $guests/seabios/bios-256k.bin"
fi

make_cd() {
    genisoimage -quiet -o "$2" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 \
        -boot-info-table "$1" || die "genisoimage failed"
}
