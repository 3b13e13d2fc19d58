// The functions that the compiler calls on its own account, and a few of the same kind.
#pragma once
#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *left, const void *right, size_t length);
size_t strlen(const char *text);
bool same_text(const char *left, const char *right);
