// The few functions of WASI preview 1 that the demo imports, and what stands on them.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Reads the whole file; the caller frees it. A null pointer, and the reason in *error, where that fails.
char *read_file(const char *path, size_t *length, int *error);

// Writes to standard output; the bytes are gathered and written in larger pieces.
void write_out(const char *bytes, size_t length);

// Writes what was gathered.
void flush_out(void);

// A clock in nanoseconds, from any start.
uint64_t clock_ns(void);

// A number that nobody foresees.
uint32_t random_u32(void);

_Noreturn void exit_program(int code);

// The program's arguments, read before constructors run.
extern int argument_count;
extern char **arguments;
void read_arguments(void);
