// Sorting.
#pragma once
#include <stddef.h>

// Less than 0 where left comes first.
typedef int (*Order)(const void *left, const void *right);

// Sorts pointers; ones that are equal stay in their order.
void sort_pointers(void **items, size_t count, Order order);
