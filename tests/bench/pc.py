"""The parts of `bench pc`: what a PC costs the host as a whole.

    first   power-on to the first instruction of a boot sector
    screen  showing a screen at 60 frames a second
    idle    guests that wait
    disk    reading a disk by DMA, beside copying the file
    prompt  start to the shell prompt of a Linux

They start the program `menura` itself, since its front end is meant too. Nothing here is
a test of time: a figure that is too high is printed like any other, and the exit code says
only whether the guests did what they were to do.
"""
import os
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import threading
import time

from common import HERE, TOP, Run, cpu_seconds, host, number, report, say, table

GUESTS = os.path.join(TOP, 'build/guests')
CYLINDER = 16 * 63 * 512
SEABIOS = '/usr/share/seabios/bios-256k.bin'


def boot_sector(work, kind, *more, cylinders=20):
    """A disk with one of pc.asm's programs."""
    image = os.path.join(work, '-'.join(['pc', kind] + list(more)).replace('=', '') + '.img')
    subprocess.run(['nasm', '-f', 'bin', '-DKIND=' + kind] + ['-D' + m for m in more] +
                   [os.path.join(HERE, 'guest/pc.asm'), '-o', image], check=True)
    os.truncate(image, cylinders * CYLINDER)
    return image


def spread(values, scale=1.0, form='%.1f'):
    """The median, and the lowest and highest: how noisy the host is."""
    v = [x * scale for x in values]
    return [form % statistics.median(v), ('%s to %s' % (form, form)) % (min(v), max(v))]


def load():
    """How busy the host is with others, for the reader."""
    return 'load average %.1f on %d CPUs' % (os.getloadavg()[0], os.cpu_count())


def by_name(emulators, name):
    return next((e for e in emulators if e.name == name), None)


# ---- what starts, and how long it takes ----

def menura(e, *options):
    return [e.program, '-device', 'isa-debug-exit,iobase=0x501,iosize=4'] + list(options)


def qemu(e, *options):
    return e.base(512) + ['-vga', 'std'] + list(options)


def bochs(e, work, name, *lines, go='c'):
    """Bochs with a configuration of its own; go is the first command of its debugger."""
    config, commands = (os.path.join(work, 'bochs-%s.%s' % (name, x)) for x in ('rc', 'go'))
    with open(config, 'w') as f:
        f.write('display_library: term\nmegs: 512\nclock: sync=none\n'
                'cpu: ips=100000000\n'
                'romimage: file=%s\nvgaromimage: file=%s\n'
                'panic: action=fatal\nerror: action=ignore\nlog: %s.log\n'
                'speaker: enabled=0\n'
                'sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy\n'
                'plugin_ctrl: speaker=0, gameport=0\n'
                'ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14\n'
                % (e.bios, e.vgabios, config) + ''.join(x + '\n' for x in lines))
    with open(commands, 'w') as f:
        f.write(go + '\n')
    return [e.program, '-q', '-f', config, '-rc', commands]


def bochs_disk(image):
    cylinders = os.path.getsize(image) // CYLINDER
    return ('ata0-master: type=disk, path=%s, mode=flat, cylinders=%d, heads=16, spt=63'
            % (image, cylinders))


def whole(command, cpu, terminal=False):
    """Runs it to its end: (wall seconds, CPU seconds, output)."""
    run = Run(command, cpu, terminal=terminal, env=dict(os.environ, TERM='xterm'))
    timer = threading.Timer(120, run.kill)
    timer.start()
    out = b''
    try:
        while not terminal:
            data = os.read(run.fd, 65536)
            if not data:
                break
            out += data
        _, _, used = os.wait4(run.process.pid, 0)
        wall = time.monotonic() - run.started
        run.process.returncode = 0
        return wall, used.ru_utime + used.ru_stime, out
    finally:
        timer.cancel()
        run.kill()
        if run.master is not None:
            os.close(run.master)


# ---- first ----

def first(options, emulators, work):
    runs = options.runs or 15
    image = boot_sector(work, 'FIRST')
    rows, fault = [], 0
    # name, the command, the same one without any guest instruction, pseudo-terminal
    tries = []
    for e in emulators:
        if e.name == 'Menura':
            common = ['-hda', image, '-display', 'none', '-debugcon', 'stdio', '-serial',
                      'none']
            for name, bios in (('its own BIOS', []), ('SeaBIOS', ['-bios', SEABIOS])):
                if bios and not os.path.exists(SEABIOS):
                    continue
                tries.append(('Menura, ' + name, menura(e, *common, *bios),
                              menura(e, *common, *bios, '-max-instructions', '1'), False))
        elif e.name == 'QEMU TCG':
            common = ['-drive', 'format=raw,file=' + image]
            # Its monitor's commands come from a file descriptor: "quit" before "cont".
            tries.append(('QEMU TCG, SeaBIOS', qemu(e, *common, '-debugcon', 'stdio'),
                          ['sh', '-c', 'echo quit | exec "$@"', 'sh'] +
                          qemu(e, *common, '-S', '-monitor', 'stdio'), False))
        else:
            tries.append(('Bochs (Debian)',
                          bochs(e, work, 'first', bochs_disk(image), 'boot: disk'),
                          bochs(e, work, 'none', bochs_disk(image), 'boot: disk', go='q'),
                          True))
    figures = {t[0]: ([], [], [], []) for t in tries}
    for n in range(runs):
        for name, command, empty, terminal in tries:
            wall, cpu, out = whole(command, options.cpu, terminal=terminal)
            if not terminal and not out.rstrip().endswith(b'!'):
                say('bench: %s did not reach the boot sector' % name)
                fault = 1
            wall_0, cpu_0, _ = whole(empty, options.cpu, terminal=terminal)
            for to, x in zip(figures[name], (wall, cpu, wall_0, cpu_0)):
                to.append(x)
        say('run %d of %d' % (n + 1, runs))
    for name, (wall, cpu, wall_0, cpu_0) in figures.items():
        guest = statistics.median(cpu) - statistics.median(cpu_0)
        guest_wall = statistics.median(wall) - statistics.median(wall_0)
        rows.append([name] + spread(wall, 1e3) + spread(cpu, 1e3) +
                    [number(1e3 * statistics.median(wall_0), '%.1f'),
                     number(1e3 * guest_wall, '%.1f'), number(1e3 * guest, '%.1f')])
    report('first', 'Milliseconds, medians of %d; %s, %s; %s.\n\n%s' % (
        runs, host(), load(), ', '.join(e.version() for e in emulators),
        table(rows, ['', 'whole process', 'lowest to highest', 'of it CPU time',
                     'lowest to highest', 'starting and ending alone',
                     'the guest: by the clock', 'CPU time'])), options)
    return fault


# ---- screen ----

class Window:
    """Where the display goes: SDL's dummy driver, or an X server of our own."""

    def __init__(self, kind, cpu=None):
        self.kind, self.server = kind, None
        self.env = dict(os.environ, SDL_VIDEODRIVER='dummy')
        if kind == 'x11':
            r, w = os.pipe()
            self.server = subprocess.Popen(
                ['Xvfb', '-displayfd', str(w), '-screen', '0', '1024x768x24', '-nolisten',
                 'tcp'], pass_fds=[w], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True)
            os.close(w)
            with os.fdopen(r) as told:
                name = told.readline().strip()
            self.env = dict(os.environ, SDL_VIDEODRIVER='x11', DISPLAY=':' + name)

    def close(self):
        if self.server:
            self.server.terminate()
            self.server.wait()


def shown(e, options, image, display, window):
    """(share of a core, the X server's share, frames a second) between marks B and E."""
    run = Run(menura(e, '-hda', image, '-display', display, '-debugcon', 'stdio', '-serial',
                     'none', '-time', 'real'), options.cpu, env=window.env)
    marks, server = [], []
    for line, used, now in run.lines(60):
        if line in ('B', 'E'):
            marks.append((used, now))
            server.append(cpu_seconds(window.server.pid) if window.server else 0)
        if line == 'E':
            break
    if len(marks) != 2:
        return None
    wall = marks[1][1] - marks[0][1]
    return ((marks[1][0] - marks[0][0]) / wall, (server[1] - server[0]) / wall, 240 / wall)


SCREENS = (('80x25 text', 'TEXT'), ('640x480, 4 planes (12h)', 'PLANES'),
           ('640x480, 32 bits, linear', 'FRAME'))


def screen(options, emulators, work):
    runs = options.runs or 3
    e = by_name(emulators, 'Menura')
    if not e:
        return 0
    ways = [('none', 'none', Window('none')), ('dummy', 'sdl', Window('dummy'))]
    if shutil.which('Xvfb'):
        ways.append(('x11', 'sdl', Window('x11')))
    else:
        say('skipped: X11: Xvfb is not installed')
    rows, fault = [], 0
    try:
        for title, kind in SCREENS:
            for still in (False, True):
                image = boot_sector(work, kind, *(['STILL=1'] if still else []))
                share = {}
                for _ in range(runs):
                    for name, display, window in ways:
                        got = shown(e, options, image, display, window)
                        if not got:
                            say('bench: %s did not end' % title)
                            fault = 1
                            continue
                        share.setdefault(name, []).append(got)

                def median(name, n):
                    return statistics.median(g[n] for g in share[name]) \
                        if name in share else None
                if 'none' not in share or 'dummy' not in share:
                    continue
                alone = median('none', 0)
                frame = statistics.median(g[0] / g[2] for g in share['none'])
                # Less the guest's own frames, as many as it came to make.
                adds = {name: [100 * (g[0] - frame * g[2]) for g in got]
                        for name, got in share.items()}
                rows.append([title, 'nothing' if still else 'all of it',
                             number(median('dummy', 2), '%.1f'),
                             number(100 * alone, '%.2f')] +
                            spread(adds['dummy'], 1, '%.2f') +
                            (spread(adds['x11'], 1, '%.2f')[:1] +
                             [number(100 * median('x11', 1), '%.2f')]
                             if 'x11' in adds else ['', '']))
                say('  ' + '  '.join(rows[-1]))
    finally:
        for _, _, window in ways:
            window.close()
    report('screen', 'Per cent of one core while the guest makes 60 frames a second, medians '
           'of %d runs of 240 frames; %s, %s; %s.\n\n%s' % (
               runs, host(), load(), e.version(),
               table(rows, ['screen', 'drawn each frame', 'frames a second',
                            'nobody looking: %', '`-display sdl` adds, dummy: %',
                            'lowest to highest', 'X11: %', 'the X server: %'])),
           options)
    return fault


# ---- idle ----

class Terminal:
    """An emulator on a pseudo-terminal, its serial console (or nothing) there."""

    def __init__(self, command, cpu, env=None):
        self.master, slave = os.openpty()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env,
            start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        os.close(slave)
        self.seen = b''

    def wait(self, text, seconds):
        """Until it has said this, or nothing for so long; true when it has."""
        end = time.monotonic() + seconds
        while text is None or text not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                return False
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                return False
        return True

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


def idle_share(command, cpu, text, env=None):
    """CPU time by the clock over 10 s, 3 s after the guest said text."""
    t = Terminal(command, cpu, env)
    try:
        if text and not t.wait(text, 120):
            return None
        t.wait(None, 3)
        used, at = cpu_seconds(t.process.pid), time.monotonic()
        t.wait(None, 10)
        if t.process.poll() is not None:
            return None
        return (cpu_seconds(t.process.pid) - used) / (time.monotonic() - at)
    finally:
        t.close()


def idle(options, emulators, work):
    runs = options.runs or 3
    poll, blank = boot_sector(work, 'POLL'), os.path.join(work, 'blank.img')
    with open(blank, 'wb') as f:
        f.truncate(20 * CYLINDER)
    m, q = by_name(emulators, 'Menura'), by_name(emulators, 'QEMU TCG')
    linux = ['-kernel', options.linux_kernel, '-initrd', options.linux_initrd, '-append',
             'console=ttyS0 quiet', '-m', '512']
    window = Window('x11' if shutil.which('Xvfb') else 'dummy')
    none, serial = '`-display none`', 'serial console'
    sdl = '`-display sdl`, ' + ('X11' if window.server else 'dummy')
    nothing, polls = 'a BIOS with nothing to boot', 'a loop of INT 16h, AH=1'
    shell = 'Linux at its prompt'
    tries = [] # guest, how, emulator, command, what it says when it is there
    if m:
        quiet = ['-serial', 'none', '-time', 'real', '-display']
        tries += [
            (nothing, none, 'menura', menura(m, '-hda', blank, *quiet, 'none'), None),
            (nothing, sdl, 'menura', menura(m, '-hda', blank, *quiet, 'sdl'), None),
            (shell, serial, 'menura', [m.program] + linux, b'# '),
            (shell, '`-smp 4`', 'menura', [m.program, '-smp', '4'] + linux, b'# '),
            (polls, none, 'menura', menura(m, '-hda', poll, *quiet, 'none'), None)]
    if q:
        def drive(image):
            return qemu(q, '-drive', 'format=raw,file=' + image)
        tries += [
            (nothing, none, 'qemu', drive(blank), None),
            (shell, serial, 'qemu', qemu(q, '-cpu', 'max,la57=off', '-serial', 'stdio',
                                         *linux), b'# '),
            (polls, none, 'qemu', drive(poll), None)]
    shares = {}
    missing = 0
    if not os.path.exists(options.linux_kernel):
        say("skipped: Linux at its prompt: ./run fetches '%s'" % options.linux_kernel)
        tries = [t for t in tries if t[0] != shell]
    for n in range(runs):
        for guest, how, emulator, command, text in tries:
            got = idle_share(command, options.cpu, text, window.env)
            say('  %s, %s, %s: %s' % (guest, how, emulator, 'no figure' if got is None
                                      else '%.2f %%' % (100 * got)))
            missing |= got is None
            if got is not None:
                shares.setdefault((guest, how), {}).setdefault(emulator, []).append(got)
    window.close()
    rows = []
    for (guest, how), by in shares.items():
        rows.append([guest, how] + (spread(by['menura'], 100, '%.2f') if 'menura' in by
                                    else ['', '']) +
                    [number(100 * statistics.median(by['qemu']) if 'qemu' in by else None)])
    report('idle', 'Per cent of one core, medians of %d runs of 10 s; %s, %s; %s.\n\n%s' % (
        runs, host(), load(), ', '.join(e.version() for e in emulators if e in (m, q)),
        table(rows, ['guest', 'how', 'Menura %', 'lowest to highest', 'QEMU TCG %'])),
        options)
    return int(missing)


# ---- disk ----

BLOCK, BLOCKS = 128 << 10, 2048


def disk_file(work):
    """256 MiB that do not compress, a boot sector, and the number of each block at its
    end."""
    image = boot_sector(work, 'DISK', cylinders=521)
    noise = os.urandom(BLOCK - 4)
    with open(image, 'r+b') as f:
        for n in range(BLOCKS):
            start = f.read(512) if n == 0 else b''
            f.seek(n * BLOCK)
            f.write(start + noise[len(start):] + struct.pack('<I', n))
        f.flush()
        os.fsync(f.fileno())
    return image


def marked(run):
    """(wall seconds, CPU seconds) between marks B and E; None: they did not come."""
    marks = {}
    for line, used, now in run.lines(120):
        if line in ('B', 'E', '!'):
            marks[line] = (used, now)
        if line in ('E', '!'):
            break
    if '!' in marks or len(marks) != 2:
        return None
    return tuple(marks['E'][n] - marks['B'][n] for n in (1, 0))


def disk(options, emulators, work):
    runs = options.runs or 15
    image = disk_file(work)
    copy = os.path.join(work, 'copy')
    m, q = by_name(emulators, 'Menura'), by_name(emulators, 'QEMU TCG')
    figures, fault = {}, 0

    def add(name, wall, cpu):
        figures.setdefault(name, ([], []))[0].append(wall)
        figures[name][1].append(cpu)

    for n in range(runs):
        for name, command in (('cp', ['cp', '--reflink=never', image, copy]),
                              ('dd bs=128k', ['dd', 'if=' + image, 'of=' + copy, 'bs=128k'])):
            if os.path.exists(copy):
                os.unlink(copy)
            wall, cpu, _ = whole(command, options.cpu)
            add(name, wall, cpu)
        os.unlink(copy)
        for e, tries in ((m, (('Menura', ['-time', 'real']),
                              ('Menura, `-time fast`', ['-time', 'fast']))),
                         (q, (('QEMU TCG', []),))):
            for name, more in tries if e else ():
                if e is m:
                    command = menura(e, '-hda', image, '-display', 'none', '-debugcon',
                                     'stdio', '-serial', 'none', *more)
                else:
                    command = qemu(e, '-drive', 'format=raw,file=' + image, '-debugcon',
                                   'stdio')
                got = marked(Run(command, options.cpu))
                if not got:
                    say('bench: %s did not read the disk' % name)
                    fault = 1
                else:
                    add(name, *got)
        say('run %d of %d' % (n + 1, runs))
    base = statistics.median(figures['cp'][0])
    rows = []
    for name, (wall, cpu) in figures.items():
        rows.append([name] + spread(wall, 1e3, '%.0f') + spread(cpu, 1e3, '%.0f') +
                    [number(statistics.median(wall) / base, '%.2f', 'x')])
    report('disk', 'Milliseconds for 256 MiB, the file in the host\'s memory, medians of %d; '
           '%s, %s; %s.\n\n%s' % (
               runs, host(), load(), ', '.join(e.version() for e in (m, q) if e),
               table(rows, ['', 'by the clock', 'lowest to highest', 'CPU time',
                            'lowest to highest', 'to `cp`'])), options)
    return fault


# ---- prompt ----

def linux_disk(options, work):
    """A disk that SYSLINUX boots: MBR, one FAT partition. None: a tool is missing."""
    path = os.environ['PATH'] + ':/usr/sbin:/sbin'
    mbr = os.path.join(GUESTS, 'mbr/mbr.bin')
    for tool in ('mkfs.vfat', 'syslinux', 'mcopy'):
        if not shutil.which(tool, path=path):
            say("skipped: Linux from a disk: '%s' is not installed" % tool)
            return None
    if not os.path.exists(mbr):
        say("skipped: Linux from a disk: no '%s'; ./test boot_disk fetches it" % mbr)
        return None
    env = dict(os.environ, PATH=path)
    cylinders, start = 100, 2048
    sectors = cylinders * CYLINDER // 512 - start
    fat, config = os.path.join(work, 'fat'), os.path.join(work, 'syslinux.cfg')
    subprocess.run(['mkfs.vfat', '-F', '16', '-h', str(start), '-g', '16/63', '-C', fat,
                    str(sectors // 2)], check=True, env=env, stdout=subprocess.DEVNULL)
    subprocess.run(['syslinux', '--install', fat], check=True, env=env)
    with open(config, 'w') as f:
        f.write('default linux\nprompt 0\nlabel linux\n kernel kernel\n initrd initrd\n'
                ' append console=ttyS0,115200\n')
    for file, name in ((options.linux_kernel, 'kernel'), (options.linux_initrd, 'initrd'),
                       (config, 'syslinux.cfg')):
        subprocess.run(['mcopy', '-i', fat, file, '::' + name], check=True, env=env)
    image = os.path.join(work, 'linux.img')
    with open(image, 'wb') as out, open(mbr, 'rb') as f, open(fat, 'rb') as partition:
        sector = bytearray(f.read(440).ljust(512, b'\0'))
        struct.pack_into('<BBBBBBBBII', sector, 446, 0x80, 254, 255, 255, 6, 254, 255, 255,
                         start, sectors)
        sector[510:512] = b'\x55\xaa'
        out.write(sector)
        out.seek(start * 512)
        shutil.copyfileobj(partition, out)
        out.truncate(cylinders * CYLINDER)
    os.unlink(fat)
    return image


PROMPT = re.compile(rb'\n/\S* # ')


def to_prompt(command, cpu, seconds, serial=None):
    """(wall, CPU) seconds from the start to the shell's prompt on the serial console, which
    is the terminal, or the FIFO `serial`; None: it did not come."""
    if serial:
        fd = os.open(serial, os.O_RDONLY | os.O_NONBLOCK)
    t = Terminal(command, cpu, dict(os.environ, TERM='xterm'))
    seen, end = b'', time.monotonic() + seconds
    try:
        while time.monotonic() < end and t.process.poll() is None:
            ready = select.select([t.master] + ([fd] if serial else []), [], [], 1)[0]
            if t.master in ready:
                t.seen = (t.seen + os.read(t.master, 65536))[-4096:]
            if serial and fd in ready:
                data = os.read(fd, 65536)
                if not data:
                    time.sleep(0.01) # nobody has opened it yet
                seen = (seen + data)[-4096:]
            if PROMPT.search(seen if serial else t.seen):
                return time.monotonic() - t.started, cpu_seconds(t.process.pid)
    except OSError:
        pass
    finally:
        t.close()
        if serial:
            os.close(fd)
    return None


def prompt(options, emulators, work):
    runs = options.runs or 3
    if not os.path.exists(options.linux_kernel):
        say("skipped: no '%s': ./run fetches it" % options.linux_kernel)
        return 0
    image = linux_disk(options, work)
    direct = ['-kernel', options.linux_kernel, '-initrd', options.linux_initrd, '-append',
              'console=ttyS0,115200']
    by_disk, by_kernel = 'from its disk, SYSLINUX', 'by `-kernel`'
    tries = [] # how, emulator, command, FIFO
    for e in emulators:
        if e.name == 'Menura':
            disk_options = ['-display', 'none', '-serial', 'stdio', '-m', '512']
            tries.append((by_kernel, e.name, [e.program, '-m', '512'] + direct, None))
            if image:
                tries.append((by_disk, e.name, [e.program, '-hda', image] + disk_options,
                              None))
                if os.path.exists(SEABIOS):
                    tries.append((by_disk, 'Menura with SeaBIOS', [
                        e.program, '-bios', SEABIOS, '-hda', image] + disk_options, None))
        elif e.name == 'QEMU TCG':
            more = ['-cpu', 'max,la57=off', '-serial', 'stdio']
            tries.append((by_kernel, e.name, qemu(e, *more, *direct), None))
            if image:
                tries.append((by_disk, e.name,
                              qemu(e, *more, '-drive', 'format=raw,file=' + image), None))
        elif image:
            fifo = os.path.join(work, 'prompt.serial')
            os.mkfifo(fifo)
            tries.append((by_disk, e.name,
                          bochs(e, work, 'prompt', bochs_disk(image), 'boot: disk',
                                'com1: enabled=1, mode=file, dev=' + fifo), fifo))
    figures = {}
    for n in range(runs):
        for how, name, command, fifo in tries:
            if fifo and n:
                continue # slow, and only for orientation
            got = to_prompt(command, options.cpu, options.limit, fifo)
            say('  %s %s: %s' % (name, how, 'no prompt' if not got else
                                 '%.2f s, CPU %.2f s' % got))
            if got:
                figures.setdefault((how, name), []).append(got)
    rows, fault = [], 0
    for how, name, _, _ in tries:
        got = figures.get((how, name))
        if not got:
            fault = 1
            rows.append([name, how, '', 'no prompt', '', '', ''])
            continue
        wall, cpu = [g[0] for g in got], [g[1] for g in got]
        ours = figures.get((how, 'Menura'))
        rows.append([name, how] + spread(wall, 1, '%.2f') + spread(cpu, 1, '%.2f') +
                    [number(statistics.median(cpu) /
                            statistics.median(g[1] for g in ours) if ours else None,
                            '%.2f', 'x')])
    report('prompt', 'Seconds, medians of %d (Bochs: one run); %s, %s; %s.\n\n%s' % (
        runs, host(), load(), ', '.join(e.version() for e in emulators),
        table(rows, ['', 'started', 'by the clock', 'lowest to highest', 'CPU time',
                     'lowest to highest', 'CPU time to Menura'])), options)
    return fault


PARTS = {'first': first, 'screen': screen, 'idle': idle, 'disk': disk, 'prompt': prompt}
