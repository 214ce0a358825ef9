#!/usr/bin/env python3
"""mutants.py - are the tests worth anything? One small fault at a time is put into the
processor's sources, and the tests of the processor must notice.

  tests/mutants/mutants.py [--count N] [--seed N] [--only FILE] [--resume LOG]
                           [--survivors LOG] [--work DIR]

Works on a copy of the tracked files in DIR (build/mutants), so the tree is not touched.
A fault that does not compile, or compiles to the same code, is drawn again and not
counted. The tests of a fault run in the order of what they cost, and end at the first
failure: recorded answers, Zydis, unit tests of cpu/ and mmu/, the native oracle, Bochs
(AVX-512), guest kernels, the first and the unit tests again under the sanitizers.
Prints one line a mutant, and at the end the share that was caught and the survivors.
--resume goes on where such an output was cut off, and --survivors tries those again that
it calls survivors, and no others.
"""
import argparse
import collections
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What is mutated, with weights: handlers most, then the table, checks and translation.
SOURCES = [
    (r"cpu/op_.*\.c", 6),
    (r"cpu/fast_.*\.c", 2),
    (r"cpu/isa_.*\.def", 4),
    (r"cpu/(decode|operand|segment|transfer|event|task|flags|fault)\.[ch]", 3),
    (r"cpu/(softfloat.*|x87.*|lanes|simd|vop)\.[ch]", 3),
    (r"mmu/(paging|tlb|access)\.[ch]", 2),
]
SKIP = re.compile(r"^\s*(/?\*|//|#)|unimplemented|_Static_assert|LIKELY\(\(")

UNITS = ["unit_%s_%s" % (folder, name[:-2]) for folder in ("cpu", "mmu")
         for name in sorted(os.listdir(os.path.join(ROOT, "tests", "unit", folder)))
         if re.fullmatch(r"test_.*\.c", name)]

# (stage, its preset, what it needs built, its tests)
STAGES = [
    ("replay", "release", ["isa_replay"], r"^isa/replay$"),
    ("table", "release", ["isa_decode_zydis"], r"^isa/(decode|x87_tables)"),
    ("unit", "release", UNITS, r"^unit/(cpu|mmu)"),
    ("oracle", "release", ["isa_oracle"], r"^isa/oracle"),
    ("bochs", "release", ["isa_bochs"], r"^isa/bochs$"),
    ("guest", "release", ["all"], r"^guest/"),
    ("sanitizers", "asan", UNITS + ["isa_replay"], r"^unit/(cpu|mmu)|^isa/replay$"),
]


def swap(a, b):
    return (re.compile(r"(?<![=<>!&|+\-*/])" + re.escape(a) + r"(?![=<>&|+\-])"), b)


# (name, what to find, what to put there)
OPERATORS = [
    ("operator", *swap(" + ", " - ")),
    ("operator", *swap(" - ", " + ")),
    ("operator", *swap(" & ", " | ")),
    ("operator", *swap(" | ", " & ")),
    ("operator", *swap(" ^ ", " | ")),
    ("operator", re.compile(r" << "), " >> "),
    ("operator", re.compile(r" >> "), " << "),
    ("condition", re.compile(r" == "), " != "),
    ("condition", re.compile(r" != "), " == "),
    ("condition", re.compile(r" < "), " <= "),
    ("condition", re.compile(r" > "), " >= "),
    ("condition", re.compile(r" <= "), " < "),
    ("condition", re.compile(r" >= "), " > "),
    ("condition", re.compile(r" && "), " || "),
    ("condition", re.compile(r" \|\| "), " && "),
    ("missing check", re.compile(r"\bif \((.*)\)( \{)?$"), r"if (0 && (\1))\2"),
    ("missing check", re.compile(r"\bif \(!"), "if ("),
    ("width", re.compile(r"\b64\b"), "32"),
    ("width", re.compile(r"\b32\b"), "16"),
    ("width", re.compile(r"\b16\b"), "8"),
    ("constant", re.compile(r"\b0x[0-9a-f]+\b"), lambda m: hex(int(m[0], 16) ^ 1)),
    ("constant", re.compile(r"(?<![\w.])[1-9]\b(?![.\w])"), lambda m: str(int(m[0]) - 1)),
    ("flag", re.compile(r"\bFLAG_CF\b"), "FLAG_PF"),
    ("flag", re.compile(r"\bFLAG_ZF\b"), "FLAG_SF"),
    ("flag", re.compile(r"\bFLAG_OF\b"), "FLAG_CF"),
    ("operand", re.compile(r"\bi->rm\b"), "i->reg"),
    ("operand", re.compile(r"\bi->reg\b"), "i->rm"),
    ("sign", re.compile(r"\(int(8|16|32)_t\)"), r"(uint\1_t)"),
    ("sign", re.compile(r"\(int64_t\)(?=.* (>>|<|>|<=|>=|/|%) )"), "(uint64_t)"),
    ("statement", re.compile(r"^(\s+)[a-z_>\-\[\].]+ [|&^+\-]?= [^=].*;$"), r"\1;"),
    ("statement", re.compile(r"^(\s+)[a-z_0-9]+\(c, .*\);$"), r"\1;"),
]
# In the instruction table.
ROW_OPERATORS = [
    ("row: operand", re.compile(r"\bEv\b"), "Ew"),
    ("row: operand", re.compile(r"\bEb\b"), "Ev"),
    ("row: operand", re.compile(r"\bGv\b"), "Gw"),
    ("row: operand", re.compile(r"\bsIb\b"), "Ib"),
    ("row: operand", re.compile(r"\bIz\b"), "Iw"),
    ("row: operand", re.compile(r"\bEy\b"), "Ed"),
    ("row: operand", re.compile(r"\bWq\b"), "Wdq"),
    ("row: operand", re.compile(r"\bWd\b"), "Wq"),
    ("row: trait", re.compile(r"\bT_LOCK\b"), "0"),
    ("row: trait", re.compile(r"\bT_CPL0\b"), "0"),
    ("row: trait", re.compile(r"\bT_NO64\b"), "0"),
    ("row: trait", re.compile(r"\bT_[DF]64\b"), "0"),
    ("row: trait", re.compile(r"\bT_ALIGN16\b"), "0"),
    ("row: trait", re.compile(r"\bT_SSE\b"), "0"),
    ("row: trait", re.compile(r"\bT_PROT\b"), "0"),
    ("row: encoding", re.compile(r"\bP66\b"), "NP"),
    ("row: encoding", re.compile(r"\| W0\b"), ""),
    ("row: encoding", re.compile(r"\| L0\b"), "| L1"),
    ("row: flags", re.compile(r"F_OSZAPC\b"), "F_OSZAP"),
]


def sh(args, cwd, timeout=None):
    try:
        p = subprocess.run(args, cwd=cwd, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=timeout)
        return p.returncode, p.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        return 124, ""


def read(name):
    with open(name) as f:
        return f.read()


def places(path, text):
    """All faults that this file can have: (line, operator, new line)."""
    found, comment = [], False
    operators = ROW_OPERATORS if path.endswith(".def") else OPERATORS
    for n, line in enumerate(text):
        if comment or SKIP.search(line):
            comment = "*/" not in line and (comment or "/*" in line)
            continue
        if "/*" in line and "*/" not in line:
            comment = True
        code = line.split("/*")[0].split('"')[0]
        for name, find, put in operators:
            for m in find.finditer(code):
                new = code[:m.start()] + m.expand(put) if isinstance(put, str) else \
                    code[:m.start()] + put(m)
                new += code[m.end():] + line[len(code):]
                if new != line:
                    found.append((n, name, new))
    return found


class Builds:
    def __init__(self, work):
        self.source = os.path.join(work, "source")
        shutil.rmtree(self.source, ignore_errors=True)
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True,
                               stdout=subprocess.PIPE).stdout.decode().split("\0")
        for name in filter(None, names):
            to = os.path.join(self.source, name)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), to, follow_symlinks=False)
        for preset in sorted({s[1] for s in STAGES}):
            code, out = sh(["cmake", "--preset", preset], self.source)
            if code:
                sys.exit("mutants.py: preset %s:\n%s" % (preset, out[-2000:]))
        code, out = self.make(["all"])
        if code:
            sys.exit("mutants.py: the unchanged sources do not build:\n" + out[-2000:])
        self.plain = self.digest()

    def build(self, preset):
        return os.path.join(self.source, "build", preset)

    def make(self, targets, preset="release"):
        return sh(["cmake", "--build", self.build(preset), "-j2", "-t"] + targets,
                  self.source, 1800)

    def digest(self):
        h = hashlib.sha256()
        with open(os.path.join(self.build("release"), "libmenura_objects.a"), "rb") as f:
            h.update(f.read())
        return h.digest()

    def caught_by(self):
        """The first stage that fails, and its failing test; None if none does."""
        for stage, preset, targets, tests in STAGES:
            if self.make(targets, preset)[0]:
                return stage, "the build"
            code, out = sh(["ctest", "--test-dir", self.build(preset), "-R", tests, "-j2",
                            "--stop-on-failure", "--timeout", "300"], self.source, 1800)
            if code:
                m = re.search(r"- (\S+) \((Failed|Timeout|.*)\)", out)
                return stage, m[1] if m else "?"
        return None


def files_read(b, only):
    """(path, lines, faults, weight) of each file that can have faults."""
    files = []
    for folder in ("cpu", "mmu"):
        for name in sorted(os.listdir(os.path.join(b.source, folder))):
            path = folder + "/" + name
            weight = next((w for pat, w in SOURCES if re.fullmatch(pat, path)), 0)
            if weight and re.search(only, path):
                text = read(os.path.join(b.source, path)).split("\n")
                able = places(path, text)
                if able:
                    files.append((path, text, able, weight * len(able) ** 0.5))
    return files


def draw(files, seed):
    """Faults without end: (path, lines, line, operator, new line)."""
    dice, tried = random.Random(seed), set()
    while True:
        path, text, able, _ = dice.choices(files, [f[3] for f in files])[0]
        kind = dice.choice(sorted({x[1] for x in able}))
        line, name, new = dice.choice([x for x in able if x[1] == kind])
        if (path, line, new) not in tried:
            tried.add((path, line, new))
            yield path, text, line, name, new


def survivors_of(log, files):
    """Those of an earlier output, wherever their lines stand now."""
    labels = re.findall(r"SURVIVES: (\S+):\d+ ([^:]+(?:: [a-z]+)?): (.*)", read(log))
    for path, kind, new in labels:
        for name, text, able, _ in files:
            found = [x for x in able if name == path and x[1] == kind and x[2].strip() == new]
            if found:
                yield path, text, found[0][0], kind, found[0][2]
                break
        else:
            print("no longer there: %s %s: %s" % (path, kind, new))


def main():
    p = argparse.ArgumentParser(description="faults in cpu/ and mmu/, and who sees them")
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", default="", help="a regular expression of file names")
    p.add_argument("--resume", default="", help="an earlier output with this seed")
    p.add_argument("--survivors", default="", help="an earlier output")
    p.add_argument("--work", default=os.path.join(ROOT, "build", "mutants"))
    a = p.parse_args()

    os.makedirs(a.work, exist_ok=True)
    b = Builds(a.work)
    unchanged = b.caught_by()
    if unchanged:
        sys.exit("mutants.py: the unchanged sources fail %s" % unchanged[1])

    files = files_read(b, a.only)
    drawn = survivors_of(a.survivors, files) if a.survivors else draw(files, a.seed)
    caught, survivors, done = collections.Counter(), [], 0
    earlier = read(a.resume) if a.resume else ""
    for path, text, line, name, new in drawn:
        if done == a.count:
            break
        label = "%s:%d %s: %s" % (path, line + 1, name, new.strip())
        known = re.search(r"^ *\d+ (?:caught by (\S+)|SURVIVES): " + re.escape(label) + "$",
                          earlier, re.M)
        if known:
            done += 1
            if known[1]:
                caught["earlier"] += 1
            else:
                survivors.append(label)
            continue
        where = os.path.join(b.source, path)
        changed = text[:line] + [new] + text[line + 1:]
        with open(where, "w") as f:
            f.write("\n".join(changed))
        if b.make(["menura_objects"])[0] == 0 and b.digest() != b.plain:
            done += 1
            verdict = b.caught_by()
            if verdict:
                caught[verdict[0]] += 1
                print("%3d caught by %s: %s" % (done, verdict[1], label), flush=True)
            else:
                survivors.append(label)
                print("%3d SURVIVES: %s" % (done, label), flush=True)
        with open(where, "w") as f:
            f.write("\n".join(text))
    total = sum(caught.values())
    print("%d mutants (seed %d): %d caught (%.1f %%): %s" % (
        done, a.seed, total, 100.0 * total / max(done, 1),
        ", ".join("%s %d" % x for x in caught.items())))
    for s in survivors:
        print("survivor: " + s)


main()
