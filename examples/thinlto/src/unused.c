/* Behind --start-lib, and nobody needs it. Its index makes an empty object. */
unsigned unused(unsigned value) {
  return value + 1;
}
