/* The module that is exported. It imports from random.c and checksum.c. */
unsigned next_random(unsigned *state);
unsigned checksum(const unsigned char *bytes, unsigned length);
void report(unsigned value);

static unsigned char buffer[256];

__attribute__((export_name("run"))) unsigned run(unsigned seed) {
  for (unsigned i = 0; i < sizeof buffer; i++)
    buffer[i] = (unsigned char)next_random(&seed);
  unsigned sum = checksum(buffer, sizeof buffer);
  report(sum);
  return sum;
}
