"""press.py WORD... - a person at an X display: keys, clicks and moves, by the XTEST extension.

A word is a key's name ("a", "Return", "Control_L+Alt_L+q"), "click", "move:DX,DY",
"focus:TITLE" (waits for the window whose title begins so, and gives it the keyboard),
"title:TITLE" (waits until its title is this one), "until:FILE:TEXT" (waits until
the file ends so), "size" (prints its size) or "destroy" (somebody else closes it).
Whatever does not come within PATIENCE seconds ends it. Exit 77: the libraries are missing.
"""
import ctypes
import ctypes.util
import sys
import time

PATIENCE = 300

try:
    X = ctypes.CDLL(ctypes.util.find_library('X11') or 'libX11.so.6')
    TEST = ctypes.CDLL(ctypes.util.find_library('Xtst') or 'libXtst.so.6')
except OSError as error:
    print('skipped:', error)
    sys.exit(77)

X.XOpenDisplay.restype = ctypes.c_void_p
X.XDefaultRootWindow.restype = ctypes.c_ulong
X.XStringToKeysym.restype = ctypes.c_ulong
Window = ctypes.c_ulong
ignored = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: 0)
display = ctypes.c_void_p(X.XOpenDisplay(None))
if not display:
    sys.exit('there is no X display')


def children(window):
    root, parent = Window(), Window()
    found, count = ctypes.POINTER(Window)(), ctypes.c_uint()
    X.XQueryTree(display, Window(window), ctypes.byref(root), ctypes.byref(parent),
                 ctypes.byref(found), ctypes.byref(count))
    return [found[n] for n in range(count.value)]


def title(window):
    name = ctypes.c_char_p()
    X.XFetchName(display, Window(window), ctypes.byref(name))
    return (name.value or b'').decode()


def wait(found, what):
    end = time.monotonic() + PATIENCE
    while True:
        result = found()
        if result:
            return result
        if time.monotonic() > end:
            sys.exit(what())
        time.sleep(0.1)


class Attributes(ctypes.Structure):
    """XWindowAttributes of X11/Xlib.h."""
    _fields_ = (
        [(name, ctypes.c_int) for name in ('x', 'y', 'width', 'height', 'border', 'depth')] +
        [('visual', ctypes.c_void_p), ('root', Window)] +
        [(name, ctypes.c_int) for name in ('kind', 'bits', 'gravity', 'backing')] +
        [('planes', ctypes.c_ulong), ('pixel', ctypes.c_ulong), ('save_under', ctypes.c_int),
         ('colormap', ctypes.c_ulong), ('installed', ctypes.c_int),
         ('map_state', ctypes.c_int)] +
        [(name, ctypes.c_long) for name in ('all_events', 'events', 'kept')] +
        [('override', ctypes.c_int), ('screen', ctypes.c_void_p)])


def viewable(window):
    """Only such a window takes the keyboard: it has its title before."""
    attributes = Attributes()
    return (X.XGetWindowAttributes(display, Window(window), ctypes.byref(attributes)) and
            attributes.map_state == 2)  # IsViewable


def find(wanted):
    """A window that goes while it is looked at is none, and no end of this program."""
    X.XSetErrorHandler(ignored)
    window = wait(lambda: next((w for w in children(X.XDefaultRootWindow(display))
                                if title(w).startswith(wanted) and viewable(w)), None),
                  lambda: f'there is no window {wanted!r} to be seen')
    X.XSetErrorHandler(None)
    return window


def text_of(name):
    try:
        with open(name, encoding='latin-1') as file:
            return file.read()
    except OSError:
        return ''


def press(keys):
    codes = []
    for name in keys.split('+'):
        code = X.XKeysymToKeycode(display, Window(X.XStringToKeysym(name.encode())))
        if not code:
            sys.exit(f'there is no key {name!r}')
        codes.append(code)
    for down, order in ((1, codes), (0, codes[::-1])):
        for code in order:
            TEST.XTestFakeKeyEvent(display, code, down, 0)
            X.XFlush(display)
            time.sleep(0.05)


X.XAutoRepeatOff(display)  # on a busy host a key may seem to be held for long
window = 0
for word in sys.argv[1:]:
    kind, _, value = word.partition(':')
    if kind == 'focus':
        window = find(value)
        X.XWarpPointer(display, Window(0), Window(window), 0, 0, 0, 0, 50, 50)
        X.XSetInputFocus(display, Window(window), 1, 0)
    elif kind == 'move':
        TEST.XTestFakeRelativeMotionEvent(display, *map(int, value.split(',')), 0)
    elif kind == 'click':
        TEST.XTestFakeButtonEvent(display, 1, 1, 0)
        TEST.XTestFakeButtonEvent(display, 1, 0, 0)
    elif kind == 'title':
        wait(lambda: title(window) == value,
             lambda: f'the title is {title(window)!r}, not {value!r}')
    elif kind == 'until':
        name, _, text = value.partition(':')
        wait(lambda: text_of(name).endswith(text),
             lambda: f'{name} is {text_of(name)!r}, without {text!r}')
    elif kind == 'size':
        root, x, y, width, height, border, depth = (
            Window(), *(ctypes.c_int() for _ in range(2)),
            *(ctypes.c_uint() for _ in range(4)))
        X.XGetGeometry(display, Window(window), *map(
            ctypes.byref, (root, x, y, width, height, border, depth)))
        print(f'{width.value}x{height.value}')
    elif kind == 'destroy':
        X.XDestroyWindow(display, Window(window))
    else:
        press(word)
    X.XSync(display, 0)
