// Words that are not worth an entry are registered by constructors.
#pragma once
#include <stdbool.h>
#include <stddef.h>

void add_stop_word(const char *word);
bool is_stop_word(const char *text, size_t length);
