# bash completion for menura; made by: menura --page bash
_menura()
{
    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    case ${last/#--/-} in
    -m|-memory) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -smp) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -cpu) COMPREPLY=($(compgen -W 'default 486 pentium ppro pentium2 pentium3 core2 nehalem haswell max help' -- "$word")); return;;
    -machine|-M) COMPREPLY=($(compgen -W 'pc help' -- "$word")); return;;
    -name) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -uuid) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -kernel) COMPREPLY=($(compgen -f -- "$word")); return;;
    -initrd) COMPREPLY=($(compgen -f -- "$word")); return;;
    -append) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -bios) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -L) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -load|-loadvm) COMPREPLY=($(compgen -f -- "$word")); return;;
    -serial) COMPREPLY=($(compgen -W 'stdio pty null none file:' -- "$word")); return;;
    -debugcon) COMPREPLY=($(compgen -W 'stdio pty null none file:' -- "$word")); return;;
    -monitor) COMPREPLY=($(compgen -W 'stdio none' -- "$word")); return;;
    -device) COMPREPLY=($(compgen -W 'isa-debug-exit help' -- "$word")); return;;
    -global) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -display) COMPREPLY=($(compgen -W 'none' -- "$word")); return;;
    -vga) COMPREPLY=($(compgen -W 'none' -- "$word")); return;;
    -rtc) COMPREPLY=($(compgen -W 'base=utc base=localtime' -- "$word")); return;;
    -ips) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -tsc-hz) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -seed) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -time) COMPREPLY=($(compgen -W 'auto real fast' -- "$word")); return;;
    -exit-zero) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -max-instructions) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -max-seconds) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -save) COMPREPLY=($(compgen -f -- "$word")); return;;
    -d) COMPREPLY=($(compgen -W 'int exec in_asm cpu info debug help' -- "$word")); return;;
    -D) COMPREPLY=($(compgen -f -- "$word")); return;;
    -small-tlb) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -drop-caches) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -config|-readconfig) COMPREPLY=($(compgen -f -- "$word")); return;;
    -page) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -accel) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -k) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -boot) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -parallel) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -net|-nic) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -sandbox) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -msg) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -drive|-hda|-hdb|-hdc|-hdd|-fda|-fdb|-cdrom|-blockdev) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -netdev) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -vnc) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    -chardev) COMPREPLY=($(compgen -W '' -- "$word")); return;;
    esac
    case $word in
    -*) COMPREPLY=($(compgen -W '-help
        -m -memory
        -smp
        -cpu
        -machine -M
        -name
        -uuid
        -kernel
        -initrd
        -append
        -bios
        -L
        -load -loadvm
        -serial
        -debugcon
        -monitor
        -device
        -global
        -nographic
        -display
        -vga
        -rtc
        -ips
        -tsc-hz
        -seed
        -time
        -no-reboot
        -no-shutdown
        -exit-zero
        -max-instructions
        -max-seconds
        -save
        -hash
        -S
        -d
        -D
        -one-instruction-blocks
        -small-tlb
        -drop-caches
        -config -readconfig
        -page
        -version
        -accel
        -enable-kvm
        -no-hpet
        -no-acpi
        -no-fd-bootchk
        -k
        -boot
        -nodefaults
        -no-user-config
        -parallel
        -net -nic
        -usb
        -snapshot
        -sandbox
        -msg
        -drive -hda -hdb -hdc -hdd -fda -fdb -cdrom -blockdev
        -netdev
        -gdb -s
        -vnc
        -chardev
        ' -- "${word/#--/-}"));;
    *) COMPREPLY=($(compgen -f -- "$word"));;
    esac
}
complete -o filenames -F _menura menura
