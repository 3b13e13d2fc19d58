// Member of libdemo.a: Roman numerals for print. Nothing calls into this file but its constructor; it is linked because
// main refers to `roman_version`.
#include "format.h"

const int roman_version = 4;

static const struct {
  unsigned value;
  const char *text;
} numerals[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
                {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};

static size_t convert_roman(char *out, va_list *values) {
  unsigned value = va_arg(*values, unsigned) % 4000;
  size_t length = 0;
  for (size_t i = 0; i < sizeof numerals / sizeof *numerals; i++)
    for (; value >= numerals[i].value; value -= numerals[i].value)
      for (const char *text = numerals[i].text; *text; text++) out[length++] = *text;
  if (!length) out[length++] = '-';
  return length;
}

__attribute__((constructor(150))) static void add_roman(void) { add_conversion('r', convert_roman); }
