// The allocator: blocks lie side by side from __heap_base on; free ones are in a list sorted by address, so that
// neighbours are found and joined when a block is freed.
#include "heap.h"
#include "memory.h"

enum { PAGE = 65536, ALIGNMENT = 16 };

typedef struct Block {
  size_t size; // of the room behind the header
  struct Block *next_free;
} Block;

extern unsigned char __heap_base;

HeapFigures heap_figures;

static _Alignas(ALIGNMENT) Block first_free; // its size is 0: the list's head
static unsigned char *end_of_heap;

static size_t header(void) { return (sizeof(Block) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1); }

static Block *block_of(void *room) { return (Block *)((unsigned char *)room - header()); }

static unsigned char *room_of(Block *block) { return (unsigned char *)block + header(); }

// Takes at least `size` bytes from the system.
static Block *grow(size_t size) {
  if (!end_of_heap) {
    size_t base = ((size_t)&__heap_base + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    end_of_heap = (unsigned char *)base;
  }
  size_t here = (size_t)end_of_heap, needed = here + header() + size;
  size_t have = __builtin_wasm_memory_size(0) * PAGE;
  if (needed > have) {
    size_t pages = (needed - have + PAGE - 1) / PAGE;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) __builtin_trap();
  }
  Block *block = (Block *)end_of_heap;
  block->size = size;
  end_of_heap += header() + size;
  heap_figures.taken += header() + size;
  return block;
}

// Keeps `size` bytes of the block and gives the rest back, where that is worth a block.
static void split(Block *block, size_t size) {
  if (block->size < size + header() + 4 * ALIGNMENT) return;
  Block *rest = (Block *)(room_of(block) + size);
  rest->size = block->size - size - header();
  rest->next_free = block->next_free;
  block->next_free = rest;
  block->size = size;
}

void *heap_new(size_t size) {
  size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  Block *before = &first_free, *block = before->next_free;
  while (block && block->size < size) {
    before = block;
    block = block->next_free;
  }
  if (block) {
    split(block, size);
    before->next_free = block->next_free;
  } else {
    block = grow(size);
  }
  heap_figures.live += block->size;
  heap_figures.allocated++;
  return memset(room_of(block), 0, block->size);
}

static void join(Block *block) {
  Block *next = block->next_free;
  if (next && room_of(block) + block->size == (unsigned char *)next) {
    block->size += header() + next->size;
    block->next_free = next->next_free;
    heap_figures.joined++;
  }
}

void heap_free(void *room) {
  if (!room) return;
  Block *block = block_of(room), *before = &first_free;
  heap_figures.live -= block->size;
  while (before->next_free && before->next_free < block) before = before->next_free;
  block->next_free = before->next_free;
  before->next_free = block;
  join(block);
  if (before != &first_free) join(before);
}

void *heap_resize(void *room, size_t size) {
  if (!room) return heap_new(size);
  size_t old = block_of(room)->size;
  if (old >= size) return room;
  void *bigger = heap_new(size);
  memcpy(bigger, room, old);
  heap_free(room);
  return bigger;
}
