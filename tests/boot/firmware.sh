# firmware.sh - sourced after common.sh by tests that boot a whole PC: $2 says which firmware
# (own, seabios, ovmf), and $firmware is the options for it. OVMF keeps its variables in
# $work/vars. make_cd FOLDER ISO: a CD that ISOLINUX boots.
firmware=
case ${2-} in
seabios)
    fetch_package seabios seabios bios-256k.bin
    firmware="-bios $guests/seabios/bios-256k.bin"
    ;;
ovmf)
    fetch_package ovmf ovmf OVMF/OVMF_CODE_4M.fd OVMF/OVMF_VARS_4M.fd
    cp "$guests/ovmf/OVMF_VARS_4M.fd" "$work/vars"
    flash=if=pflash,format=raw,file
    firmware="-drive $flash=$guests/ovmf/OVMF_CODE_4M.fd,readonly=on -drive $flash=$work/vars"
    ;;
esac

make_cd() {
    genisoimage -quiet -o "$2" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 \
        -boot-info-table "$1" || die "genisoimage failed"
}
