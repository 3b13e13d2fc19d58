/* 64-bit addresses: pointers in data, strings, bss, and sizes that do not fit in 32 bits. */
static long numbers[4] = {1, 2, 3, 4};
static long *middle = &numbers[2];
static const char *const words[] = {"alpha", "beta"};
static char zero[100000];
long run(long x) {
  zero[x] = words[1][0];
  return *middle + numbers[x] + zero[x] + sizeof(long *) * 0x100000000;
}
