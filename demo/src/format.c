// Member of libdemo.a: formatted output. Each letter's conversion is in a table that constructors fill.
#include "format.h"
#include "memory.h"
#include "wasi.h"

static Conversion conversions[128];

void add_conversion(char letter, Conversion conversion) { conversions[letter & 127] = conversion; }

static size_t digits(char *out, unsigned long long value, unsigned base) {
  static const char all[] = "0123456789abcdef";
  char reversed[24];
  size_t length = 0;
  do reversed[length++] = all[value % base];
  while (value /= base);
  for (size_t i = 0; i < length; i++) out[i] = reversed[length - 1 - i];
  return length;
}

static size_t convert_signed(char *out, va_list *values) {
  long long value = va_arg(*values, int);
  if (value >= 0) return digits(out, (unsigned long long)value, 10);
  *out = '-';
  return 1 + digits(out + 1, (unsigned long long)-value, 10);
}

static size_t convert_unsigned(char *out, va_list *values) { return digits(out, va_arg(*values, unsigned), 10); }

static size_t convert_hex(char *out, va_list *values) { return digits(out, va_arg(*values, unsigned), 16); }

static size_t convert_letter(char *out, va_list *values) {
  *out = (char)va_arg(*values, int);
  return 1;
}

static size_t convert_fraction(char *out, va_list *values) {
  double value = va_arg(*values, double);
  size_t length = 0;
  if (value < 0) out[length++] = '-', value = -value;
  unsigned long long hundredths = (unsigned long long)(value * 100 + 0.5);
  length += digits(out + length, hundredths / 100, 10);
  out[length++] = '.';
  out[length++] = (char)('0' + hundredths / 10 % 10);
  out[length++] = (char)('0' + hundredths % 10);
  return length;
}

__attribute__((constructor(101))) static void add_numbers(void) {
  add_conversion('d', convert_signed);
  add_conversion('u', convert_unsigned);
  add_conversion('x', convert_hex);
}

__attribute__((constructor(102))) static void add_others(void) {
  add_conversion('c', convert_letter);
  add_conversion('f', convert_fraction);
}

static void pad(char with, size_t length, size_t width) {
  for (; length < width; length++) write_out(&with, 1);
}

void print(const char *format, ...) {
  va_list values;
  va_start(values, format);
  for (; *format; format++) {
    if (*format != '%') {
      write_out(format, 1);
      continue;
    }
    int left = 0;
    char filler = ' ';
    size_t width = 0;
    for (format++; *format == '-' || *format == '0'; format++)
      if (*format == '-') left = 1;
      else filler = '0';
    if (*format == '*') width = va_arg(values, unsigned), format++;
    while (*format >= '0' && *format <= '9') width = width * 10 + (size_t)(*format++ - '0');
    char room[64];
    const char *text = room;
    size_t length = 1;
    if (*format == 's') {
      text = va_arg(values, const char *);
      if (!text) text = "(null)";
      length = strlen(text);
    } else if (conversions[*format & 127]) {
      length = conversions[*format & 127](room, &values);
    } else {
      room[0] = *format;
    }
    if (!left) pad(filler, length, width);
    write_out(text, length);
    if (left) pad(' ', length, width);
  }
  va_end(values);
}
