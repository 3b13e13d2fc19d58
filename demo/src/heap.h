// A first-fit allocator with a list of free blocks.
#pragma once
#include <stddef.h>

void *heap_new(size_t size);
void *heap_resize(void *block, size_t size);
void heap_free(void *block);

typedef struct {
  size_t taken;     // bytes from the system
  size_t live;      // bytes in blocks that are in use
  size_t allocated; // how often a block was given out
  size_t joined;    // how often neighbouring free blocks became one
} HeapFigures;

extern HeapFigures heap_figures;
