// Member of libdemo.a that nothing needs: it must not be linked.
#include <stddef.h>

size_t base64_encode(const unsigned char *in, size_t length, char *out) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t used = 0;
  for (size_t i = 0; i < length; i += 3) {
    unsigned bits = (unsigned)in[i] << 16;
    if (i + 1 < length) bits |= (unsigned)in[i + 1] << 8;
    if (i + 2 < length) bits |= in[i + 2];
    out[used++] = letters[bits >> 18 & 63];
    out[used++] = letters[bits >> 12 & 63];
    out[used++] = i + 1 < length ? letters[bits >> 6 & 63] : '=';
    out[used++] = i + 2 < length ? letters[bits & 63] : '=';
  }
  return used;
}
