// The demo program: indexes text files, then runs commands on the index.
//
//   demo FILE… -- COMMAND [ARGUMENT] -- COMMAND [ARGUMENT] …
#include "commands.h"
#include "format.h"
#include "heap.h"
#include "memory.h"
#include "wasi.h"

extern const int roman_version; // extracts roman.o from the archive, whose constructor adds %r

// Nobody defines it: its address is null, and the linker must say so by a zero, not by an error.
__attribute__((weak)) void extra_commands(const Index *index);

void __wasm_call_ctors(void);

static int order_of_constructors;

__attribute__((constructor(150))) static void second(void) { order_of_constructors = order_of_constructors * 10 + 2; }
__attribute__((constructor(149))) static void first(void) { order_of_constructors = order_of_constructors * 10 + 1; }
__attribute__((constructor)) static void last(void) { order_of_constructors = order_of_constructors * 10 + 3; }

static bool is_separator(int i) { return i >= argument_count || same_text(arguments[i], "--"); }

static int run_command(const Index *index, const char *name, const char *argument) {
  for (const Command *command = commands; command->name; command++)
    if (same_text(command->name, name)) return command->run(index, argument);
  print("there is no command %s; there are\n", name);
  for (const Command *command = commands; command->name; command++) print("  %-6s %s\n", command->name, command->help);
  return 2;
}

static int program(void) {
  Index index = {0};
  int i = 1, code = 0;
  uint64_t start = clock_ns();
  for (; !is_separator(i); i++) {
    size_t length;
    int error;
    char *text = read_file(arguments[i], &length, &error);
    if (!text) {
      print("%s cannot be read (error %d)\n", arguments[i], error);
      return 1;
    }
    index_add_file(&index, arguments[i], text, length);
    print("indexed %s, %u bytes\n", arguments[i], (unsigned)length);
  }
  if (clock_ns() < start) print("the clock goes backwards\n");
  print("constructors ran in the order %d, Roman numerals %r, extra commands %s\n", order_of_constructors,
        (unsigned)roman_version, extra_commands ? "yes" : "none");
  while (i + 1 < argument_count) {
    const char *name = arguments[++i];
    const char *argument = is_separator(i + 1) ? "" : arguments[++i];
    int result = run_command(&index, name, argument);
    if (result > code) code = result;
    while (!is_separator(i)) i++;
  }
  if (extra_commands) extra_commands(&index);
  return code;
}

__attribute__((export_name("_start"))) void _start(void) {
  read_arguments();
  __wasm_call_ctors();
  int code = program();
  exit_program(code);
}
