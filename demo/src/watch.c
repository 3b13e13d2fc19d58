// Watches the words as they are indexed: its on_word takes the place of the weak one in index.c.
#include "index.h"

unsigned longest_word;

void on_word(const char *text, size_t length, unsigned line) {
  (void)text, (void)line;
  if (length > longest_word) longest_word = (unsigned)length;
}
