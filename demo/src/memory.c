// Member of libdemo.a: copying and comparing.
#include "memory.h"

void *memcpy(void *to, const void *from, size_t length) {
  unsigned char *out = to;
  const unsigned char *in = from;
  while (length--) *out++ = *in++;
  return to;
}

void *memset(void *to, int byte, size_t length) {
  unsigned char *out = to;
  while (length--) *out++ = (unsigned char)byte;
  return to;
}

int memcmp(const void *left, const void *right, size_t length) {
  const unsigned char *a = left, *b = right;
  for (; length; length--, a++, b++)
    if (*a != *b) return *a - *b;
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

bool same_text(const char *left, const char *right) {
  while (*left && *left == *right) left++, right++;
  return *left == *right;
}
