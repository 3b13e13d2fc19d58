/* Behind --start-lib: linked because report.c needs it. */
unsigned scramble(unsigned value) {
  return (value ^ value >> 15) * 0x2c1b3c6du;
}
