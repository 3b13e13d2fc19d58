// Member of libdemo.a: a merge sort that calls an order through a pointer.
#include "sort.h"
#include "heap.h"
#include "memory.h"

static void merge(void **items, void **room, size_t count, Order order) {
  if (count < 2) return;
  size_t half = count / 2;
  merge(items, room, half, order);
  merge(items + half, room, count - half, order);
  memcpy(room, items, count * sizeof *items);
  size_t left = 0, right = half;
  for (size_t i = 0; i < count; i++) {
    int take_left = right == count || (left < half && order(room[left], room[right]) <= 0);
    items[i] = take_left ? room[left++] : room[right++];
  }
}

void sort_pointers(void **items, size_t count, Order order) {
  void **room = heap_new(count * sizeof *room);
  merge(items, room, count, order);
  heap_free(room);
}
