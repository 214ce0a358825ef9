"""What the parts of the bench share: a running emulator, and tables."""
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
DOCS = os.path.join(TOP, 'docs/bench.md')


def say(text):
    print(text, file=sys.stderr, flush=True)


def die(text):
    say('bench: ' + text)
    sys.exit(1)


# ---- a running emulator ----

def cpu_seconds(pid):
    """CPU time of all threads: nanoseconds where the kernel tells them, else ticks."""
    total = 0
    try:
        for task in os.listdir('/proc/%d/task' % pid):
            try:
                with open('/proc/%d/task/%s/schedstat' % (pid, task)) as f:
                    total += int(f.read().split()[0]) / 1e9
            except FileNotFoundError:
                with open('/proc/%d/task/%s/stat' % (pid, task)) as f:
                    t = f.read().rsplit(')', 1)[1].split()
                total += (int(t[11]) + int(t[12])) / os.sysconf('SC_CLK_TCK')
    except OSError:
        return None
    return total


class Run:
    """An emulator started on one CPU, and its lines with the CPU time of their arrival."""

    def __init__(self, command, cpu, output=None, env=None, terminal=False):
        def prepare():
            os.sched_setaffinity(0, {cpu})
        kind = {'stdin': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
        self.master = None
        self.killing = threading.Lock()
        if terminal:
            self.master, slave = pty.openpty()
            kind = {'stdin': slave, 'stderr': slave, 'stdout': slave}
        elif output is None:
            kind['stdout'] = subprocess.PIPE
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, preexec_fn=prepare, env=env,
                                        start_new_session=True, **kind)
        if terminal:
            os.close(slave)
            threading.Thread(target=self._drain, daemon=True).start()
        self.fd = output if output is not None else \
            self.process.stdout.fileno() if self.process.stdout else None

    def _drain(self):
        try:
            while os.read(self.master, 65536):
                pass
        except OSError:
            pass

    def lines(self, seconds):
        """Yields (line, CPU seconds, wall seconds) until ALLDONE, the end, or the limit."""
        timer = threading.Timer(seconds, self.kill)
        timer.start()
        rest = b''
        used = 0.0
        try:
            while True:
                data = os.read(self.fd, 65536)
                now = time.monotonic() - self.started
                used = max(used, cpu_seconds(self.process.pid) or 0)
                if not data:
                    return
                rest += data
                while b'\n' in rest:
                    line, rest = rest.split(b'\n', 1)
                    line = line.decode('latin-1').strip()
                    yield line, used, now
                    if line == 'ALLDONE':
                        return
        finally:
            timer.cancel()
            self.kill()
            self.process.wait()
            if self.master is not None:
                os.close(self.master)

    def kill(self):
        """Ends the emulator and what it started: its own session, so nobody else's. Not
        after it was waited for, when its number may be another's."""
        with self.killing:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)


# ---- tables ----

def number(x, form='%.2f', unit=''):
    return '' if x is None else form % x + unit


def table(rows, header):
    """Markdown; the first column is text."""
    widths = [max(len(r[n]) for r in rows + [header]) for n in range(len(header))]

    def line(cells):
        first = [cells[0].ljust(widths[0])]
        return '| ' + ' | '.join(first + [c.rjust(w) for c, w in
                                          zip(cells[1:], widths[1:])]) + ' |\n'
    return line(header) + '|' + '|'.join(
        '-' * (w + 2) if n == 0 else '-' * (w + 1) + ':'
        for n, w in enumerate(widths)) + '|\n' + ''.join(line(r) for r in rows)


def filled(rows, header):
    """A table without its empty columns: of emulators that were left out."""
    keep = [n for n in range(len(header)) if any(r[n] for r in rows)]
    return table([[r[n] for n in keep] for r in rows], [header[n] for n in keep])


def report(name, text, options):
    """Prints a part's text; with --docs it also takes its place in docs/bench.md."""
    print(text, flush=True)
    if not options.docs:
        return
    begin, end = '<!-- bench %s -->\n' % name, '<!-- end -->'
    with open(DOCS) as f:
        old = f.read()
    at = old.find(begin)
    if at < 0:
        say("bench: docs/bench.md has no place '%s'" % begin.strip())
        return
    new = old[:at] + begin + text.rstrip('\n') + '\n' + old[old.index(end, at):]
    with open(DOCS, 'w') as f:
        f.write(new)


def host():
    name = 'an unknown CPU'
    with open('/proc/cpuinfo') as f:
        for line in f:
            if line.startswith('model name'):
                name = line.split(':', 1)[1].strip()
                break
    return name
