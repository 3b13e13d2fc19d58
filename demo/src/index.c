// The inverted index: a hash table of words that doubles when it is full.
#include "index.h"
#include "heap.h"
#include "letters.h"
#include "memory.h"
#include "stop_words.h"

__attribute__((weak)) void on_word(const char *text, size_t length, unsigned line) {
  (void)text, (void)length, (void)line;
}

static uint32_t hash_of(const char *text, size_t length) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)lower(text[i])) * 16777619u;
  return hash;
}

static bool is_word(const Word *word, const char *text, size_t length) {
  if (word->length != length) return false;
  for (size_t i = 0; i < length; i++)
    if (word->text[i] != lower(text[i])) return false;
  return true;
}

static void grow(Index *index) {
  size_t count = index->bucket_count ? index->bucket_count * 2 : 64;
  Word **buckets = heap_new(count * sizeof *buckets);
  for (size_t i = 0; i < index->bucket_count; i++)
    for (Word *word = index->buckets[i], *next; word; word = next) {
      next = word->next;
      word->next = buckets[word->hash % count];
      buckets[word->hash % count] = word;
    }
  heap_free(index->buckets);
  index->buckets = buckets;
  index->bucket_count = count;
}

static Word *find(const Index *index, const char *text, size_t length, uint32_t hash) {
  if (!index->bucket_count) return NULL;
  Word *word = index->buckets[hash % index->bucket_count];
  while (word && !(word->hash == hash && is_word(word, text, length))) word = word->next;
  return word;
}

const Word *index_find(const Index *index, const char *text, size_t length) {
  return find(index, text, length, hash_of(text, length));
}

static void add_word(Index *index, const char *text, size_t length, unsigned line) {
  uint32_t hash = hash_of(text, length);
  Word *word = find(index, text, length, hash);
  if (!word) {
    if (index->word_count >= index->bucket_count) grow(index);
    word = heap_new(sizeof *word + length + 1);
    word->hash = hash;
    word->length = length;
    for (size_t i = 0; i < length; i++) word->text[i] = lower(text[i]);
    word->next = index->buckets[hash % index->bucket_count];
    index->buckets[hash % index->bucket_count] = word;
    index->word_count++;
  }
  word->uses++;
  if (word->line_count && word->lines[word->line_count - 1] == line) return;
  if (word->line_count == word->line_room) {
    word->line_room = word->line_room ? word->line_room * 2 : 2;
    word->lines = heap_resize(word->lines, word->line_room * sizeof *word->lines);
  }
  word->lines[word->line_count++] = line;
}

static void add_line(Index *index, Line line) {
  if (index->line_count == index->line_room) {
    index->line_room = index->line_room ? index->line_room * 2 : 16;
    index->lines = heap_resize(index->lines, index->line_room * sizeof line);
  }
  unsigned place = (unsigned)index->line_count;
  index->lines[index->line_count++] = line;
  for (size_t i = 0; i < line.length;) {
    size_t start = i;
    while (i < line.length && is_letter(line.text[i])) i++;
    if (i > start && !is_stop_word(line.text + start, i - start)) {
      add_word(index, line.text + start, i - start, place);
      on_word(line.text + start, i - start, place);
    }
    if (i == start) i++;
  }
}

void index_add_file(Index *index, const char *file, const char *text, size_t length) {
  unsigned number = 1;
  for (size_t i = 0; i < length; number++) {
    size_t start = i;
    while (i < length && text[i] != '\n') i++;
    add_line(index, (Line){file, number, text + start, i - start});
    i++;
  }
}

void **index_words(const Index *index) {
  void **words = heap_new((index->word_count + 1) * sizeof *words);
  size_t count = 0;
  for (size_t i = 0; i < index->bucket_count; i++)
    for (Word *word = index->buckets[i]; word; word = word->next) words[count++] = word;
  return words;
}
