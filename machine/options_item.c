/* options_item.c - values of the form "key=value,key=value", and numbers in them. */
#include "machine/options_item.h"

#include <string.h>

bool item_next(const struct options *o, const char **at, struct item *i,
               struct error *e)
{
    size_t n = strcspn(*at, "=,"), used = 0;

    if (n == 0 || n >= sizeof i->key)
        return error_set(e, "-%s: '%.100s' is not 'name=value'", o->given, *at);
    memcpy(i->key, *at, n);
    i->key[n] = 0;
    *at += n;
    i->has_value = **at == '=';
    if (i->has_value)
        ++*at;
    else
        memcpy(i->value, "on", used = 2);
    for (; i->has_value && **at && (**at != ',' || (*at)[1] == ','); ++*at) {
        if (**at == ',')
            ++*at;
        if (used == sizeof i->value - 1)
            return error_set(e, "-%s: the value of '%s' is too long", o->given, i->key);
        i->value[used++] = **at;
    }
    i->value[used] = 0;
    if (**at == ',')
        ++*at;
    return true;
}

bool item_unknown(const struct options *o, const struct item *i, const char *known,
                  struct error *e)
{
    error_set(e, "-%s knows no '%s'", o->given, i->key);
    return error_hint(e, "there are: %s", known);
}

bool item_switch(const struct options *o, const struct item *i, bool *to,
                 struct error *e)
{
    if (!strcmp(i->value, "on") || !strcmp(i->value, "true"))
        *to = true;
    else if (!strcmp(i->value, "off") || !strcmp(i->value, "false"))
        *to = false;
    else
        return error_set(e, "-%s: %s is on or off, not '%.100s'", o->given, i->key,
                         i->value);
    return true;
}

bool options_number(const char *text, uint64_t *v, const char **end)
{
    unsigned base = 10;
    bool any = false;

    *v = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    for (;; text++) {
        char c = *text;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit >= base)
            break;
        if (*v > (UINT64_MAX - digit) / base)
            return false;
        *v = *v * base + digit;
        any = true;
    }
    *end = text;
    return any;
}

bool options_bounded(const struct options *o, const char *value, uint64_t least,
                     uint64_t most, uint64_t *v, struct error *e)
{
    const char *end;

    if (options_number(value, v, &end) && !*end && *v >= least && *v <= most)
        return true;
    return error_set(e, "-%s %.100s: not a number from %llu to %llu", o->given, value,
                     (unsigned long long)least, (unsigned long long)most);
}
