// WASI preview 1, without a C library.
#include "wasi.h"
#include "heap.h"

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef struct {
  const void *bytes;
  size_t length;
} Vector;

typedef struct {
  char *bytes;
  size_t length;
} MutableVector;

WASI(fd_write) int wasi_fd_write(int fd, const Vector *vectors, size_t count, size_t *written);
WASI(fd_read) int wasi_fd_read(int fd, const MutableVector *vectors, size_t count, size_t *read);
WASI(fd_close) int wasi_fd_close(int fd);
WASI(path_open)
int wasi_path_open(int folder, int lookup, const char *path, size_t length, int flags, uint64_t rights,
                   uint64_t inherited, int descriptor_flags, int *fd);
WASI(clock_time_get) int wasi_clock_time_get(int clock, uint64_t precision, uint64_t *time);
WASI(random_get) int wasi_random_get(void *bytes, size_t length);
WASI(args_sizes_get) int wasi_args_sizes_get(size_t *count, size_t *bytes);
WASI(args_get) int wasi_args_get(char **pointers, char *bytes);
WASI(proc_exit) _Noreturn void wasi_proc_exit(int code);

enum { FOLDER = 3, MONOTONIC = 1, RIGHT_TO_READ = 2 };

int argument_count;
char **arguments;

static char gathered[4096];
static size_t gathered_length;

void flush_out(void) {
  size_t done = 0;
  while (done < gathered_length) {
    Vector vector = {gathered + done, gathered_length - done};
    size_t written = 0;
    if (wasi_fd_write(1, &vector, 1, &written) || written == 0) break;
    done += written;
  }
  gathered_length = 0;
}

void write_out(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (gathered_length == sizeof gathered) flush_out();
    gathered[gathered_length++] = bytes[i];
  }
}

char *read_file(const char *path, size_t *length, int *error) {
  size_t path_length = 0;
  while (path[path_length]) path_length++;
  int fd;
  *error = wasi_path_open(FOLDER, 0, path, path_length, 0, RIGHT_TO_READ, 0, 0, &fd);
  if (*error) return NULL;
  size_t room = 256, used = 0;
  char *bytes = heap_new(room);
  for (;;) {
    if (used == room) bytes = heap_resize(bytes, room *= 2);
    MutableVector vector = {bytes + used, room - used};
    size_t read = 0;
    *error = wasi_fd_read(fd, &vector, 1, &read);
    if (*error || read == 0) break;
    used += read;
  }
  wasi_fd_close(fd);
  if (*error) {
    heap_free(bytes);
    return NULL;
  }
  *length = used;
  return bytes;
}

uint64_t clock_ns(void) {
  uint64_t time = 0;
  wasi_clock_time_get(MONOTONIC, 1, &time);
  return time;
}

uint32_t random_u32(void) {
  uint32_t value = 0;
  wasi_random_get(&value, sizeof value);
  return value;
}

void read_arguments(void) {
  size_t count = 0, bytes = 0;
  if (wasi_args_sizes_get(&count, &bytes)) return;
  arguments = heap_new((count + 1) * sizeof *arguments);
  char *text = heap_new(bytes + 1);
  if (wasi_args_get(arguments, text)) return;
  argument_count = (int)count;
}

_Noreturn void exit_program(int code) {
  flush_out();
  wasi_proc_exit(code);
}
