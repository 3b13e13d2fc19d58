// The commands: a table of names and functions.
#include "commands.h"
#include "format.h"
#include "heap.h"
#include "query.h"
#include "sort.h"
#include "wasi.h"

extern unsigned longest_word; // watch.c

static unsigned number(const char *text, unsigned otherwise) {
  unsigned value = 0;
  if (!*text) return otherwise;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (unsigned)(*text - '0');
  return value;
}

static void print_line(const Line *line) {
  print("  %s:%-4u ", line->file, line->number);
  write_out(line->text, line->length);
  print("\n");
}

static int find_command(const Index *index, const char *argument) {
  const char *error;
  size_t at, count = 0;
  LineSet set = query_lines(index, argument, &error, &at);
  if (error) {
    print("find %s\n     %*c %s\n", argument, (unsigned)at + 1, '^', error);
    return 2;
  }
  print("find %s\n", argument);
  for (size_t i = 0; i < index->line_count; i++)
    if (index->lines[i].length && set_has(&set, i)) print_line(&index->lines[i]), count++;
  print("  %u line%s\n", (unsigned)count, count == 1 ? "" : "s");
  set_free(&set);
  return 0;
}

static int by_text(const void *left, const void *right) {
  const Word *a = left, *b = right;
  for (size_t i = 0; i < a->length && i < b->length; i++)
    if (a->text[i] != b->text[i]) return a->text[i] - b->text[i];
  return (int)a->length - (int)b->length;
}

static int by_uses(const void *left, const void *right) {
  int difference = (int)((const Word *)right)->uses - (int)((const Word *)left)->uses;
  return difference ? difference : by_text(left, right);
}

static int by_length(const void *left, const void *right) {
  int difference = (int)((const Word *)right)->length - (int)((const Word *)left)->length;
  return difference ? difference : by_text(left, right);
}

static int print_words(const Index *index, const char *argument, const char *title, Order order) {
  void **words = index_words(index);
  sort_pointers(words, index->word_count, order);
  unsigned count = number(argument, 5);
  print("%s %u\n", title, count);
  for (unsigned i = 0; i < count && i < index->word_count; i++) {
    const Word *word = words[i];
    print("  %4r  %-14s %2u use%s in %u line%s\n", i + 1, word->text, word->uses, word->uses == 1 ? " " : "s",
          (unsigned)word->line_count, word->line_count == 1 ? "" : "s");
  }
  heap_free(words);
  return 0;
}

static int top_command(const Index *index, const char *argument) { return print_words(index, argument, "top", by_uses); }

static int long_command(const Index *index, const char *argument) {
  return print_words(index, argument, "long", by_length);
}

static int stats_command(const Index *index, const char *argument) {
  (void)argument;
  unsigned uses = 0;
  for (size_t i = 0; i < index->bucket_count; i++)
    for (const Word *word = index->buckets[i]; word; word = word->next) uses += word->uses;
  print("stats\n  %u lines, %u words used, %u different ones, %f uses each, the longest has %u letters\n",
        (unsigned)index->line_count, uses, (unsigned)index->word_count,
        index->word_count ? (double)uses / (double)index->word_count : 0.0, longest_word);
  return 0;
}

static int heap_command(const Index *index, const char *argument) {
  (void)index, (void)argument;
  // Blocks of random sizes, freed in another order: afterwards as much is in use as before.
  size_t before = heap_figures.live;
  void *blocks[64];
  for (size_t i = 0; i < 64; i++) blocks[i] = heap_new(random_u32() % 500);
  for (size_t i = 0; i < 64; i++) heap_free(blocks[i * 37 % 64]);
  print("heap\n  %s after 64 blocks came and went, %s\n", heap_figures.live == before ? "nothing lost" : "LEAKED",
        heap_figures.joined ? "neighbours joined" : "nothing joined");
  return heap_figures.live == before ? 0 : 3;
}

const Command commands[] = {
    {"find", find_command, "lines that answer a query: find 'link and (order or not module)'"},
    {"top", top_command, "the words that are used most"},
    {"long", long_command, "the longest words"},
    {"stats", stats_command, "figures of the index"},
    {"heap", heap_command, "try the allocator"},
    {0, 0, 0},
};
