// clang-22 --target=wasm32-unknown-unknown -O1 -c greeter.c
// A library for the world of greeter.wit.
typedef struct {
  const char *bytes;
  unsigned length;
} String;

__attribute__((import_module("$root"), import_name("log"))) void log_text(const char *bytes, unsigned length);

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, unsigned old_size, unsigned align,
                                                               unsigned size) {
  static char memory[4096];
  static unsigned used;
  (void)old, (void)old_size;
  unsigned start = (used + align - 1) / align * align;
  used = start + size;
  return memory + start;
}

__attribute__((export_name("greet"))) String *greet(const char *bytes, unsigned length) {
  static String result;
  log_text(bytes, length);
  result.bytes = bytes;
  result.length = length;
  return &result;
}
