#!/bin/sh
# What a person sees of the guest's screen, and how keys and the mouse come to the guest:
# without a display, on a terminal (tmux), in a window (Xvfb).
#
#   display.sh MENURA PART    (PART: none, terminal, window)
menura=$1 part=$2
here=$(cd "$(dirname "$0")" && pwd)
failed=0
tmux= server= menura_pid=

skip() {
    echo "skipped: $1"
    exit 77
}
wrong() {
    echo "$1"
    failed=1
}
work=$(mktemp -d) || exit 1
cleanup() {
    [ -z "$tmux" ] || $tmux kill-server 2>/dev/null
    [ -z "$menura_pid" ] || kill "$menura_pid" 2>/dev/null
    [ -z "$server" ] || kill "$server" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

[ -z "${EMULATOR-}" ] || skip "a cross build"
command -v nasm >/dev/null || skip "no nasm"
nasm -f bin -o "$work/sector" "$here/display.asm" || exit 1
dd if="$work/sector" of="$work/floppy.img" bs=1474560 count=1 conv=sync 2>/dev/null
cd "$work" || exit 1

# waits FILE-OR-COMMAND TEXT: until the command's output has the text, at most 300 s.
waits() {
    command=$1 text=$2 n=0
    while [ $n -lt 1500 ]; do
        $command 2>/dev/null | grep -qF -- "$text" && return 0
        sleep 0.2
        n=$((n + 1))
    done
    wrong "'$text' did not appear: $($command)"
    return 1
}

none() {
    unset DISPLAY WAYLAND_DISPLAY
    "$menura" floppy.img -max-instructions 30000000 --screen-text --screenshot shot.png \
        >out 2>err </dev/null
    [ $? -eq 8 ] || wrong "the run ended otherwise: $(cat err)"
    printf 'The boot sector is here.\n█╔\n' | diff - out ||
        wrong "--screen-text does not print what the screen shows"
    [ "$(head -c 8 shot.png | od -An -c | tr -d ' ')" = '211PNG\r\n032\n' ] ||
        wrong "--screenshot is no PNG"

    # Keys and the mouse by the monitor. Its commands come one after the other, at moments
    # that the instruction count decides.
    { echo 'step 30000000'; echo 'type a\tB\\'; echo 'step 20000000'; echo 'sendkey f1'
      echo 'sendkey shift-c'; echo 'sendkey nokey'; echo 'step 20000000'
      echo 'mouse_move 5 0'; echo 'step 5000000'; echo 'mouse_button 1'
      echo 'step 5000000'; echo 'mouse_button 0'; echo 'mouse_button 8'
      echo 'mouse_move 1'; echo 'step 5000000'; echo 'screen'; echo quit
    } | "$menura" floppy.img -display none -monitor stdio -serial none >out 2>err ||
        wrong "the monitor's run failed: $(cat err)"
    grep -q '^a.*B.<F1>C<Moved><Left>$' out || wrong "what the guest got: $(cat out)"
    for answer in "there is no key 'nokey'" 'mouse_button N:' 'mouse_move DX DY'; do
        grep -q "^$answer" out || wrong "no answer '$answer'"
    done

    "$menura" floppy.img -display terminal >out 2>err </dev/null
    [ $? -eq 4 ] && grep -q 'not a terminal' err ||
        wrong "-display terminal without one: $(cat err)"
    "$menura" floppy.img -display terminal -serial stdio >out 2>err </dev/null
    [ $? -eq 2 ] && grep -q 'was given stdio' err ||
        wrong "-display terminal -serial stdio: $(cat err)"
    "$menura" floppy.img -display terminal -nographic >out 2>err </dev/null
    [ $? -eq 2 ] || wrong "-display terminal -nographic: $(cat err)"
    "$menura" floppy.img -display hologram >out 2>err </dev/null
    [ $? -eq 2 ] && grep -q 'there are: sdl, terminal, none' err ||
        wrong "-display hologram: $(cat err)"
}

screen() {
    $tmux capture-pane -p
}

cursor() {
    $tmux display -p '<#{cursor_x},#{cursor_y}>'
}

top_row() {
    echo "<$(screen | head -1)>"
}

# on_terminal ARGUMENT...: menura in a shell in a terminal of 80 columns and 27 rows.
on_terminal() {
    $tmux send-keys "clear; '$menura' floppy.img $*; echo \"code=\$?\"; stty -a | grep -o '.icanon'" Enter
    waits screen 'The boot sector is here.'
}

terminal() {
    command -v tmux >/dev/null || skip "no tmux"
    tmux="tmux -S $work/tmux -f /dev/null -u"
    $tmux new-session -d -x 80 -y 27 \
        "cd '$work' && LC_ALL=C.UTF-8 PS1='# ' DISPLAY= WAYLAND_DISPLAY= exec sh" ||
        skip "tmux does not start"
    esc=$(printf '\033')

    on_terminal -serial none # a terminal and a graphics card: no option needed
    waits screen '█╔'
    $tmux capture-pane -pe | grep -qF "${esc}[97m${esc}[41m█${esc}[93m${esc}[44m╔" ||
        wrong "the colours are wrong: $($tmux capture-pane -pe | head -2 | od -c)"
    $tmux send-keys h e l l o F1 Up '!' Z
    waits screen 'hello<F1><Up>!Z'
    waits cursor '<15,2>'
    $tmux resize-window -x 20 -y 10
    waits top_row '<The boot sector is h>'
    $tmux resize-window -x 80 -y 27
    $tmux send-keys C-a h
    waits screen 'x quit, c monitor'
    $tmux send-keys C-a c
    waits screen '(menura)'
    $tmux send-keys 'type typed by it' Enter
    sleep 0.5
    $tmux send-keys C-a c
    waits screen 'hello<F1><Up>!Ztyped by it'
    $tmux send-keys C-a s
    waits screen 'saved as menura-001.png'
    [ -s menura-001.png ] || wrong "there is no menura-001.png"
    $tmux send-keys g
    waits screen '640x400 pixels: Ctrl-A s, or screendump FILE after Ctrl-A c, makes a picture'
    $tmux send-keys C-a x
    waits screen 'code=0'
    waits screen 'icanon'
    screen | grep -qx ' icanon' || wrong "the terminal stays raw"
    [ "$($tmux display -p '#{alternate_on} #{cursor_flag} #{wrap_flag}')" = '0 1 1' ] ||
        wrong "the terminal is not as it was"

    # Also by signals: one that is handled, one that is fatal.
    for signal in TERM SEGV; do
        rm -f pid
        $tmux send-keys "clear; sh -c 'echo \$\$ >pid; exec \"\$0\" floppy.img -display curses' '$menura'; stty -a | grep -o '.icanon'; echo over" Enter
        waits screen 'The boot sector is here.'
        if [ $signal = TERM ]; then # stopped: the shell's screen; going on: the guest's
            kill -TSTP "$(cat pid)"
            waits screen Stopped
            screen | grep -q 'The boot sector' && wrong "stopped, it still shows the guest"
            $tmux send-keys 'fg >/dev/null' Enter
            waits screen 'The boot sector is here.'
        fi
        kill -$signal "$(cat pid)"
        waits screen over
        screen | grep -qx ' icanon' || wrong "the terminal stays raw after SIG$signal"
        [ "$($tmux display -p '#{alternate_on} #{cursor_flag} #{wrap_flag}')" = '0 1 1' ] ||
            wrong "the terminal is not as it was after SIG$signal"
    done
}

window() {
    "$menura" --version | grep -q 'displays: .*sdl' || skip "built without SDL2"
    unset DISPLAY WAYLAND_DISPLAY
    # SDL leaves libdbus' memory allocated, which a sanitizer's build would report at exit.
    echo 'leak:libdbus-1.so' >leaks
    LSAN_OPTIONS=${LSAN_OPTIONS:+$LSAN_OPTIONS:}suppressions=$work/leaks:print_suppressions=0
    export LSAN_OPTIONS

    # SDL's own dummy: no picture comes to an eye, but all of it runs.
    SDL_VIDEODRIVER=dummy "$menura" floppy.img -display sdl -serial none \
        -max-instructions 30000000 -time fast --screen-text >out 2>err </dev/null
    [ $? -eq 8 ] && grep -qx 'The boot sector is here.' out ||
        wrong "SDL's dummy driver: $(cat out err)"
    SDL_VIDEODRIVER=x11 DISPLAY=:98765 "$menura" floppy.img -display sdl >out 2>err </dev/null
    [ $? -eq 4 ] && grep -q 'no window' err || wrong "no X server: $(cat err)"
    SDL_VIDEODRIVER=x11 DISPLAY=:98765 "$menura" floppy.img -max-seconds 1 >out 2>err </dev/null
    [ $? -eq 10 ] && grep -q 'no window' err || wrong "none by itself: $(cat err)"
    [ $failed -eq 0 ] || return

    command -v Xvfb >/dev/null || skip "the dummy driver did; no Xvfb"
    command -v python3 >/dev/null || skip "the dummy driver did; no python3"
    Xvfb -displayfd 3 -screen 0 1280x1024x24 3>number >xlog 2>&1 &
    server=$!
    n=0
    while [ ! -s number ] && [ $n -lt 50 ]; do
        sleep 0.2
        n=$((n + 1))
    done
    [ -s number ] || skip "the dummy driver did; Xvfb does not start"
    DISPLAY=:$(cat number)
    export DISPLAY
    # SDL unloads X's libraries: what only their variables point to looks lost then, and
    # is of no library that a suppression could name.
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
        SDL_VIDEODRIVER=x11 "$menura" floppy.img -name Probe -serial none -max-seconds 900 \
        -debugcon file:printed --screen-text >out 2>err </dev/null &
    menura_pid=$!
    python3 "$here/press.py" 'focus:Probe - Menura' 'until:printed:is here.' size \
        Shift_L+h i F1 Up 'until:printed:<Up>' \
        click 'title:Probe - Menura - Ctrl+Alt+G releases the mouse' \
        move:9,0 'until:printed:<Moved>' click 'until:printed:<Left>' \
        Control_L+Alt_L+g 'title:Probe - Menura' x 'until:printed:x' \
        Control_L+Alt_L+s 'title:Probe - Menura - saved as menura-001.png' \
        Control_L+Alt_L+q >told 2>&1
    code=$?
    [ $code -ne 77 ] || skip "the dummy driver did; $(cat told)"
    [ $code -eq 0 ] || wrong "press.py: $(cat told)"
    wait $menura_pid
    code=$?
    menura_pid=
    [ $code -eq 0 ] || wrong "menura ended with $code: $(cat err)"
    [ "$(cat told)" = 720x400 ] || wrong "the window's size: $(cat told)"
    grep -qx 'Hi<F1><Up><Moved><Left>x' out || wrong "what the guest got: $(cat out)"
    [ -s menura-001.png ] || wrong "there is no menura-001.png"

    # A window that somebody destroys is no end of the machine.
    rm -f printed
    SDL_VIDEODRIVER=x11 ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
        "$menura" floppy.img -name Probe -serial none -max-seconds 10 \
        -debugcon file:printed --screen-text >out 2>err </dev/null &
    menura_pid=$!
    python3 "$here/press.py" 'focus:Probe - Menura' 'until:printed:is here.' destroy \
        >told 2>&1 || wrong "press.py: $(cat told)"
    wait $menura_pid
    code=$?
    menura_pid=
    [ $code -eq 10 ] && grep -qx 'The boot sector is here.' out ||
        wrong "without its window menura ended with $code: $(cat out err)"
}

$part
exit $failed
