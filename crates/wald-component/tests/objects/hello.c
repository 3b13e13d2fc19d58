// clang-22 --target=wasm32-unknown-unknown -O1 -c hello.c
// A program that prints through WASI 0.1, without a C library.
typedef struct {
  const void *bytes;
  unsigned length;
} Vector;

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int
fd_write(int file, const Vector *vectors, int count, unsigned *written);

static const char text[] = "hello\n";

__attribute__((export_name("say"))) void say(void) {
  Vector vector = {text, sizeof text - 1};
  unsigned written;
  fd_write(1, &vector, 1, &written);
}

void _start(void) { say(); }
