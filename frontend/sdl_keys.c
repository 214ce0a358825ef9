/* sdl_keys.c - keys by their place: SDL scancodes (USB HID Usage Tables, Keyboard/Keypad
 * page 07h) to Linux numbers (linux/input-event-codes.h), for 104 keys and those that
 * keyboards of other countries have besides.
 */
#ifdef HAVE_SDL
#include "frontend/sdl_keys.h"

#include <SDL.h>

unsigned sdl_key(int scancode)
{
#define KEY(name, number) [SDL_SCANCODE_##name] = number
    static const unsigned char numbers[SDL_NUM_SCANCODES] = {
        KEY(ESCAPE, 1), KEY(1, 2), KEY(2, 3), KEY(3, 4), KEY(4, 5), KEY(5, 6), KEY(6, 7),
        KEY(7, 8), KEY(8, 9), KEY(9, 10), KEY(0, 11), KEY(MINUS, 12), KEY(EQUALS, 13),
        KEY(BACKSPACE, 14), KEY(TAB, 15), KEY(Q, 16), KEY(W, 17), KEY(E, 18), KEY(R, 19),
        KEY(T, 20), KEY(Y, 21), KEY(U, 22), KEY(I, 23), KEY(O, 24), KEY(P, 25),
        KEY(LEFTBRACKET, 26), KEY(RIGHTBRACKET, 27), KEY(RETURN, 28), KEY(LCTRL, 29),
        KEY(A, 30), KEY(S, 31), KEY(D, 32), KEY(F, 33), KEY(G, 34), KEY(H, 35), KEY(J, 36),
        KEY(K, 37), KEY(L, 38), KEY(SEMICOLON, 39), KEY(APOSTROPHE, 40), KEY(GRAVE, 41),
        KEY(LSHIFT, 42), KEY(BACKSLASH, 43), KEY(NONUSHASH, 43), KEY(Z, 44), KEY(X, 45),
        KEY(C, 46), KEY(V, 47), KEY(B, 48), KEY(N, 49), KEY(M, 50), KEY(COMMA, 51),
        KEY(PERIOD, 52), KEY(SLASH, 53), KEY(RSHIFT, 54), KEY(KP_MULTIPLY, 55),
        KEY(LALT, 56), KEY(SPACE, 57), KEY(CAPSLOCK, 58), KEY(F1, 59), KEY(F2, 60),
        KEY(F3, 61), KEY(F4, 62), KEY(F5, 63), KEY(F6, 64), KEY(F7, 65), KEY(F8, 66),
        KEY(F9, 67), KEY(F10, 68), KEY(NUMLOCKCLEAR, 69), KEY(SCROLLLOCK, 70), KEY(KP_7, 71),
        KEY(KP_8, 72), KEY(KP_9, 73), KEY(KP_MINUS, 74), KEY(KP_4, 75), KEY(KP_5, 76),
        KEY(KP_6, 77), KEY(KP_PLUS, 78), KEY(KP_1, 79), KEY(KP_2, 80), KEY(KP_3, 81),
        KEY(KP_0, 82), KEY(KP_PERIOD, 83), KEY(LANG5, 85), KEY(NONUSBACKSLASH, 86),
        KEY(F11, 87), KEY(F12, 88), KEY(INTERNATIONAL1, 89), KEY(LANG3, 90), KEY(LANG4, 91),
        KEY(INTERNATIONAL4, 92), KEY(INTERNATIONAL2, 93), KEY(INTERNATIONAL5, 94),
        KEY(KP_ENTER, 96), KEY(RCTRL, 97), KEY(KP_DIVIDE, 98), KEY(PRINTSCREEN, 99),
        KEY(RALT, 100), KEY(HOME, 102), KEY(UP, 103), KEY(PAGEUP, 104), KEY(LEFT, 105),
        KEY(RIGHT, 106), KEY(END, 107), KEY(DOWN, 108), KEY(PAGEDOWN, 109),
        KEY(INSERT, 110), KEY(DELETE, 111), KEY(MUTE, 113), KEY(VOLUMEDOWN, 114),
        KEY(VOLUMEUP, 115), KEY(POWER, 116), KEY(KP_EQUALS, 117), KEY(PAUSE, 119),
        KEY(KP_COMMA, 121), KEY(LANG1, 122), KEY(LANG2, 123), KEY(INTERNATIONAL3, 124),
        KEY(LGUI, 125), KEY(RGUI, 126), KEY(APPLICATION, 127),
    };
#undef KEY
    return scancode >= 0 && scancode < SDL_NUM_SCANCODES ? numbers[scancode] : 0;
}
#endif
