// Formatted output.
#pragma once
#include <stdarg.h>
#include <stddef.h>

// %d %u %x %c %s %%, %f with two decimals, %r (a Roman numeral); a width, '-' for left, '0' for zeros; * as width.
void print(const char *format, ...);

// A conversion writes its value to `out`, which has room for 64 bytes, and gives back the length.
typedef size_t (*Conversion)(char *out, va_list *values);

// Adds a conversion. The letters that print knows are added by constructors.
void add_conversion(char letter, Conversion conversion);
