// Queries: words with `and`, `or`, `not` and brackets. Two words side by side mean `and`.
#pragma once
#include "index.h"

// A set of lines, one bit each.
typedef struct {
  uint32_t *bits;
  size_t words;
} LineSet;

// The lines that answer the query. Where it cannot be understood, *error says why and at which byte.
LineSet query_lines(const Index *index, const char *query, const char **error, size_t *at);
bool set_has(const LineSet *set, size_t line);
void set_free(LineSet *set);
