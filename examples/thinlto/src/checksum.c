/* Too large to be inlined: no module imports it. */
static unsigned table[256];

static void fill(void) {
  for (unsigned i = 0; i < 256; i++) {
    unsigned value = i;
    for (int bit = 0; bit < 8; bit++)
      value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
    table[i] = value;
  }
}

__attribute__((noinline)) unsigned checksum(const unsigned char *bytes, unsigned length) {
  if (!table[1])
    fill();
  unsigned sum = ~0u;
  for (unsigned i = 0; i < length; i++)
    sum = sum >> 8 ^ table[(sum ^ bytes[i]) & 255];
  return ~sum;
}
