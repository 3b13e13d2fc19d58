// The words that the index leaves out, put into it by constructors of two priorities.
#include "stop_words.h"
#include "letters.h"

static const char *stop_words[64];
static size_t stop_word_count;

void add_stop_word(const char *word) {
  if (stop_word_count < sizeof stop_words / sizeof *stop_words) stop_words[stop_word_count++] = word;
}

bool is_stop_word(const char *text, size_t length) {
  for (size_t i = 0; i < stop_word_count; i++) {
    const char *word = stop_words[i];
    size_t at = 0;
    while (at < length && word[at] == lower(text[at])) at++;
    if (at == length && !word[at]) return true;
  }
  return false;
}

__attribute__((constructor(200))) static void add_articles(void) {
  static const char *const words[] = {"a", "an", "the", "it", "its", "this", "that", "they", "them", "their"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) add_stop_word(words[i]);
}

__attribute__((constructor(201))) static void add_small_words(void) {
  static const char *const words[] = {"and", "or", "not", "is",  "are", "be", "of", "in", "to", "for", "on",
                                      "by",  "as", "at",  "with", "so", "no", "has", "have", "was", "which"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) add_stop_word(words[i]);
}
