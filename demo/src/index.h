// An inverted index: for each word the lines in which it stands.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const char *file;
  unsigned number; // counted from 1
  const char *text;
  size_t length;
} Line;

typedef struct Word {
  struct Word *next; // in the same bucket
  uint32_t hash;
  unsigned uses;
  unsigned *lines; // indices into the index's lines, ascending, each once
  size_t line_count, line_room;
  size_t length;
  char text[];
} Word;

typedef struct {
  Word **buckets;
  size_t bucket_count, word_count;
  Line *lines;
  size_t line_count, line_room;
} Index;

void index_add_file(Index *index, const char *file, const char *text, size_t length);
const Word *index_find(const Index *index, const char *text, size_t length);
void **index_words(const Index *index); // all of them, in a block that the caller frees

// Called for each word that is indexed. The definition in index.c is weak and does nothing.
void on_word(const char *text, size_t length, unsigned line);
