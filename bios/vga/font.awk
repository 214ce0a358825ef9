# font.awk - the three fonts as C, from font16.txt and font8.txt (see there for their
# notation). POSIX awk: awk -f font.awk font16.txt font8.txt >fonts.c
#
# 8x14 is rows 1 to 14 of 8x16. Lines, corners, shades and blocks (B0h-DFh, F4h, F5h) must
# join from cell to cell, so they are drawn here for the height at hand.

function fail(text) {
    print FILENAME ":" FNR ": " text >"/dev/stderr"
    failed = 1
    exit 1
}

function hex(s,    i, v) {
    v = 0
    for (i = 1; i <= length(s); i++)
        v = v * 16 + index("0123456789ABCDEF", substr(s, i, 1)) - 1
    return v
}

function byte(picture,    i, v) {
    if (length(picture) != 8 || picture ~ /[^.#]/)
        fail("a line of a picture is eight of . and #")
    for (i = 1; i <= 8; i++)
        v = v * 2 + (substr(picture, i, 1) == "#")
    return v
}

# Bitwise or of bytes, which awk has not.
function both(a, b,    v, bit) {
    v = 0
    for (bit = 128; bit >= 1; bit /= 2) {
        if (a >= bit || b >= bit)
            v += bit
        a %= bit
        b %= bit
    }
    return v
}

function dot(x, y) {
    if (x >= 0 && x < 8 && y >= 0 && y < height)
        dots[x, y] = 1
}

function fill(x0, x1, y0, y1,    x, y) {
    for (x = x0; x <= x1; x++)
        for (y = y0; y <= y1; y++)
            dot(x, y)
}

# Where an arm's line ends. own: lines of the arm (1 or 2); near and far: lines of the
# crossing arms on the side of this line and on the other; ahead: lines of the arm
# opposite; inner, middle, outer: the crossing line that is met first, alone, last.
function stop(own, near, far, ahead, inner, middle, outer) {
    if (own == 2)
        return near == 2 ? inner : far == 2 ? outer : middle
    if (near == 2 && far == 2 && !ahead)
        return inner
    return near == 2 || far == 2 ? outer : middle
}

# left, right, up, down: 0, 1 or 2 lines. Upright lines are two dots wide (columns 3-4;
# 1-2 and 5-6), level ones one dot high (row c; c-1 and c+1). Outer lines meet outer ones.
function box(left, right, up, down,    c) {
    c = int(height / 2) - (height == 16)
    if (left == 2) {
        fill(0, stop(2, up, down, right, 2, 4, 6), c - 1, c - 1)
        fill(0, stop(2, down, up, right, 2, 4, 6), c + 1, c + 1)
    } else if (left == 1) {
        fill(0, stop(1, up, down, right, 2, 4, 6), c, c)
    }
    if (right == 2) {
        fill(stop(2, up, down, left, 5, 3, 1), 7, c - 1, c - 1)
        fill(stop(2, down, up, left, 5, 3, 1), 7, c + 1, c + 1)
    } else if (right == 1) {
        fill(stop(1, up, down, left, 5, 3, 1), 7, c, c)
    }
    if (up == 2) {
        fill(1, 2, 0, stop(2, left, right, down, c - 1, c, c + 1))
        fill(5, 6, 0, stop(2, right, left, down, c - 1, c, c + 1))
    } else if (up == 1) {
        fill(3, 4, 0, stop(1, left, right, down, c - 1, c, c + 1))
    }
    if (down == 2) {
        fill(1, 2, stop(2, left, right, up, c + 1, c, c - 1), height - 1)
        fill(5, 6, stop(2, right, left, up, c + 1, c, c - 1), height - 1)
    } else if (down == 1) {
        fill(3, 4, stop(1, left, right, up, c + 1, c, c - 1), height - 1)
    }
}

# A shade repeats over two rows, so that cells of even height join.
function shade(even, odd,    y) {
    for (y = 0; y < height; y++)
        line[y] = y % 2 ? odd : even
}

function draw(code,    arms, x, y, v, half) {
    split("", dots)
    split("", line)
    half = int(height / 2)
    if (code in boxes) {
        arms = boxes[code]
        box(substr(arms, 1, 1), substr(arms, 2, 1), substr(arms, 3, 1), substr(arms, 4, 1))
    } else if (code == "DB") {
        fill(0, 7, 0, height - 1)
    } else if (code == "DC") {
        fill(0, 7, half, height - 1)
    } else if (code == "DD") {
        fill(0, 3, 0, height - 1)
    } else if (code == "DE") {
        fill(4, 7, 0, height - 1)
    } else if (code == "DF") {
        fill(0, 7, 0, half - 1)
    } else if (code == "F4") { # an integral sign's upper half, and below its lower one
        fill(4, 6, 1, 1)
        fill(6, 7, 2, height > 8 ? 3 : 2)
        fill(3, 4, 2, height - 1)
    } else if (code == "F5") {
        fill(3, 4, 0, height - 3)
        fill(0, 1, height > 8 ? height - 4 : height - 3, height - 3)
        fill(1, 3, height - 2, height - 2)
    }
    for (y = 0; y < height; y++) {
        v = 0
        for (x = 0; x < 8; x++)
            v = v * 2 + ((x, y) in dots)
        line[y] = v
    }
    if (code == "B0")
        shade(34, 136)
    else if (code == "B1")
        shade(85, 170)
    else if (code == "B2")
        shade(221, 119)
}

BEGIN {
    # Arms of the box characters B3h-DAh: left, right, up, down.
    n = split("0011 1011 2011 1022 1002 2001 2022 0022 2002 2020 1020 2010 1001 " \
              "0110 1110 1101 0111 1100 1111 0211 0122 0220 0202 2220 2202 0222 2200 2222 " \
              "2210 1120 2201 1102 0120 0210 0201 0102 1122 2211 1010 0101", arms, " ")
    for (i = 1; i <= n; i++)
        boxes[sprintf("%02X", 178 + i)] = arms[i]
    blocks = " B0 B1 B2 DB DC DD DE DF F4 F5 "
}

FNR == 1 {
    file++ # 1: 16 rows, 2: 8 rows
    name = ""
}
/^# / || /^#$/ || /^$/ {
    next
}
/^[=p+]/ {
    name = $2
    if ($1 == "+") {
        if ($4 != "=")
            fail("+ CODE NAME = PIECE ...")
        for (i = 5; i <= NF; i++) {
            if (!((file, $i) in rows))
                fail("no piece " $i)
            for (y = 0; y < 16; y++)
                picture[file, name, y] = both(picture[file, name, y] + 0,
                                              picture[file, $i, y] + 0)
        }
    } else {
        if ($NF !~ /^@[0-9]+$/)
            fail("no @ROW")
        row = substr($NF, 2) + 0
    }
    if ((file, name) in rows)
        fail(name " is drawn twice")
    rows[file, name] = 1
    next
}
{
    if (row >= (file == 1 ? 16 : 8))
        fail(name " is too high")
    picture[file, name, row++] = byte($0)
}

function font(name, h,    code, c, y, from, shift) {
    height = h
    from = h == 8 ? 2 : 1
    shift = h == 14
    printf "const uint8_t %s[256 * %d] = {\n", name, h
    for (c = 0; c < 256; c++) {
        code = sprintf("%02X", c)
        if (code in boxes || index(blocks, " " code " "))
            draw(code)
        else {
            if (!((from, code) in rows) && code != "00" && code != "FF")
                fail("character " code " is not drawn")
            for (y = 0; y < h; y++)
                line[y] = picture[from, code, y + shift] + 0
        }
        printf "   "
        for (y = 0; y < h; y++)
            printf " %d,", line[y]
        printf " /* %s */\n", code
    }
    print "};"
}

END {
    if (failed)
        exit 1
    print "/* fonts.c - made by font.awk from font16.txt and font8.txt. */"
    print "#include \"vga.h\"\n"
    font("font8x8", 8)
    font("font8x14", 14)
    font("font8x16", 16)
    print "/* AX=1130h: characters drawn differently 9 dots wide. Ours leave the last"
    print " * column empty, so there are none. */"
    print "const uint8_t no_alternates[1] = {0};"
}
