// Structs of an older and of a newer program. Each is in memory of exactly its size, so valgrind and the sanitizers report what
// is read or written beyond it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wald.h>
#include "check.h"

// Bytes that a newer version would append to each struct.
enum { MORE = 24 };

static const uint8_t nop[] = {0, 0x0b};
static const uint8_t call_twice[] = {0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x0b};

// A copy of a struct, followed by `size - known` bytes that are not zero.
static void *resized(const void *original, size_t known, size_t size) {
  uint8_t *copy = malloc(size);
  CHECK(copy);
  memset(copy, 0xaa, size);
  memcpy(copy, original, known < size ? known : size);
  memcpy(copy, &size, sizeof size);
  return copy;
}

// Calls `call` with a struct of its size, with larger ones, and with sizes that cannot be.
#define EACH_SIZE(type, original, call) \
  do { \
    const size_t good[] = {sizeof(type), sizeof(type) + MORE, sizeof(type) + 1}; \
    const size_t bad[] = {0, 1, sizeof(size_t), sizeof(type) - 1, 1 << 20, SIZE_MAX}; \
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) { \
      type *it = resized(original, sizeof(type), good[i]); \
      OK(call); \
      CHECK(it->size == good[i]); \
      free(it); \
    } \
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) { \
      size_t held = bad[i] < sizeof(size_t) ? sizeof(size_t) : bad[i] > sizeof(type) ? sizeof(type) : bad[i]; \
      type *it = resized(original, sizeof(type), held); \
      memcpy(it, &bad[i], sizeof bad[i]); \
      CHECK((call) == WALD_STATUS_BAD_VALUE && strstr(wald_last_error(), "size")); \
      free(it); \
    } \
  } while (0)

// The same for a struct that Wald fills in: what it does not know becomes zero.
#define EACH_PLACE(type, call) \
  do { \
    type empty; \
    memset(&empty, 0xaa, sizeof empty); \
    EACH_SIZE(type, &empty, call); \
    type *it = resized(&empty, sizeof(type), sizeof(type) + MORE); \
    OK(call); \
    for (size_t i = 0; i < MORE; i++) \
      CHECK(((uint8_t *)it)[sizeof(type) + i] == 0); \
    free(it); \
  } while (0)

static uint32_t declare(wald_linker *linker, const char *path) {
  wald_input_description description = {.size = sizeof description, .path = path};
  uint32_t input;
  OK(wald_linker_declare(linker, &description, &input));
  return input;
}

static void units(void) {
  wald_unit *unit = wald_unit_new();
  uint32_t type, handle, callee;
  OK(wald_unit_signature(unit, NULL, 0, NULL, 0, &type));
  const wald_symbol local = {.binding = WALD_BINDING_LOCAL, .name = "f"};
  wald_definition function = {.size = sizeof function, .kind = WALD_DEFINITION_KIND_FUNCTION, .type = type, .bytes = nop,
                              .byte_count = sizeof nop};
  EACH_SIZE(wald_symbol, &local, wald_unit_add(unit, it, &function, &callee));
  wald_symbol start = {.size = sizeof start, .name = "_start"};
  OK(wald_unit_add(unit, &start, &function, &handle));
  EACH_SIZE(wald_symbol, &start, wald_unit_set_symbol(unit, handle, it));
  EACH_SIZE(wald_definition, &function, wald_unit_define(unit, handle, it));
  const wald_relocation call = {.kind = WALD_RELOCATION_KIND_FUNCTION_INDEX_LEB, .offset = 2, .target = callee};
  function.bytes = call_twice;
  function.byte_count = sizeof call_twice;
  function.relocation_count = 1;
  EACH_SIZE(wald_relocation, &call, (function.relocations = it, wald_unit_define(unit, handle, &function)));

  // The size of the first one is the distance between two.
  const size_t stride = sizeof(wald_relocation) + MORE;
  uint8_t *list = malloc(2 * stride);
  CHECK(list);
  for (size_t i = 0; i < 2; i++) {
    wald_relocation *one = resized(&call, sizeof call, stride);
    one->offset = i ? 8 : 2;
    memcpy(list + i * stride, one, stride);
    free(one);
  }
  function.relocations = (const wald_relocation *)list;
  function.relocation_count = 2;
  OK(wald_unit_define(unit, handle, &function));
  const size_t other = sizeof(wald_relocation);
  memcpy(list + stride, &other, sizeof other);
  CHECK(wald_unit_define(unit, handle, &function) == WALD_STATUS_BAD_VALUE && strstr(wald_last_error(), "same size"));
  free(list);
  wald_unit_free(unit);
}

int main(int argc, char **argv) {
  units();

  wald_options *options = wald_options_new();
  OK(wald_options_set(options, "trace", "true"));
  OK(wald_options_set(options, "want_why_extract", "true"));
  wald_linker *linker = wald_linker_new(options);
  wald_options_free(options);
  OK(wald_linker_set_record_events(linker, true));
  for (int i = 1; i < argc; i++) {
    uint32_t input = declare(linker, argv[i]);
    OK(wald_linker_provide_file(linker, input, NULL));
    CHECK(wald_linker_provide_file(linker, input, NULL) == WALD_STATUS_ALREADY_PROVIDED);
  }
  wald_result *result = wald_linker_link(linker);
  CHECK(wald_result_ok(result));
  EACH_PLACE(wald_message, wald_result_message(result, 0, it));
  EACH_PLACE(wald_extraction_report, wald_result_extraction_report(result, it));
  EACH_PLACE(wald_extraction, wald_result_extraction(result, 0, it));
  EACH_PLACE(wald_event, wald_result_event(result, 0, it));
  wald_result_free(result);

  const wald_input_description missing = {.path = "missing.o"};
  uint32_t input;
  EACH_SIZE(wald_input_description, &missing, wald_linker_declare(linker, it, &input));
  EACH_SIZE(wald_input_description, &missing, wald_linker_declare_before(linker, 0, it, &input));
  // Those with a bad size were not declared.
  CHECK(wald_linker_input_count(linker) == (size_t)argc - 1 + 6);
  result = wald_linker_finish(linker);
  EACH_PLACE(wald_diagnostic, wald_result_diagnostic(result, 0, it));
  size_t located = 0;
  for (wald_location location = {.size = sizeof location};
       wald_result_location(result, located, &location) == WALD_STATUS_UNKNOWN_HANDLE;)
    CHECK(++located < wald_result_diagnostic_count(result));
  EACH_PLACE(wald_location, wald_result_location(result, located, it));
  wald_result_free(result);
  puts("all sizes work");
  return 0;
}
