// Uses the whole interface: links at the same time, one link that is fed by two threads, relinks, units, errors, cancelling.
// Arguments: objects and archives that link without an error.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wald.h>
#include "check.h"

typedef struct {
  const char *path;
  uint8_t *data;
  size_t size;
} File;

static File *files;
static size_t file_count;

static void read_file(File *file, const char *path) {
  FILE *stream = fopen(path, "rb");
  CHECK(stream && fseek(stream, 0, SEEK_END) == 0);
  file->path = path;
  file->size = (size_t)ftell(stream);
  rewind(stream);
  file->data = malloc(file->size);
  CHECK(file->data && fread(file->data, 1, file->size, stream) == file->size);
  fclose(stream);
}

static wald_linker *new_linker(size_t threads, int variant) {
  wald_options *options = wald_options_new();
  OK(wald_options_set(options, "output", "c.wasm"));
  OK(wald_options_set(options, "gc-sections", variant % 2 ? "true" : "false"));
  OK(wald_options_set(options, "strip_all", variant % 3 ? "true" : "false"));
  OK(wald_options_set(options, "want_map", "true"));
  wald_linker *linker = wald_linker_new(options);
  wald_options_free(options);
  CHECK(linker);
  OK(wald_linker_set_threads(linker, threads));
  return linker;
}

static uint32_t declare(wald_linker *linker, const char *path) {
  wald_input_description description = {.size = sizeof description, .path = path};
  uint32_t input = 99;
  OK(wald_linker_declare(linker, &description, &input));
  return input;
}

static void declare_all(wald_linker *linker) {
  for (size_t i = 0; i < file_count; i++)
    CHECK(declare(linker, files[i].path) == i);
  CHECK(wald_linker_input_count(linker) == file_count);
}

static wald_result *link_alone(int variant) {
  wald_linker *linker = new_linker(1, variant);
  declare_all(linker);
  for (size_t i = 0; i < file_count; i++)
    OK(wald_linker_provide(linker, (uint32_t)i, files[i].data, files[i].size));
  return wald_linker_finish(linker);
}

static int same(const wald_result *a, const wald_result *b) {
  wald_bytes x = wald_result_module(a), y = wald_result_module(b);
  return wald_result_ok(a) && wald_result_ok(b) && x.size > 8 && x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
}

// Several links at once, each with its own options.
static void *link_often(void *argument) {
  wald_result **expected = argument;
  for (int i = 0; i < 6; i++) {
    wald_result *result = link_alone(i % 3);
    CHECK(same(result, expected[i % 3]));
    wald_result_free(result);
  }
  return NULL;
}

typedef struct {
  const wald_linker *linker;
  size_t first;
} Feeder;

// Every other input of one link.
static void *feed(void *argument) {
  Feeder *feeder = argument;
  for (size_t i = feeder->first; i < file_count; i += 2) {
    if (i % 3)
      OK(wald_linker_provide(feeder->linker, (uint32_t)i, files[i].data, files[i].size));
    else
      OK(wald_linker_provide_file(feeder->linker, (uint32_t)i, NULL));
    OK(wald_linker_prepare(feeder->linker));
  }
  return NULL;
}

static void two_threads(wald_result **expected) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++)
    CHECK(pthread_create(&threads[i], NULL, link_often, expected) == 0);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);

  wald_linker *linker = new_linker(2, 1);
  declare_all(linker);
  Feeder feeders[2] = {{linker, 0}, {linker, 1}};
  for (int i = 0; i < 2; i++)
    CHECK(pthread_create(&threads[i], NULL, feed, &feeders[i]) == 0);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  wald_result *result = wald_linker_finish(linker);
  CHECK(same(result, expected[1]));
  wald_bytes name;
  uint64_t time;
  CHECK(wald_result_phase_count(result) > 3);
  OK(wald_result_phase(result, 0, &name, &time));
  CHECK(strlen((const char *)name.data) == name.size);
  wald_bytes map = wald_result_map(result);
  CHECK(map.size > 100 && strlen((const char *)map.data) == map.size);
  wald_result_free(result);
}

static void count_release(void *context) { __atomic_add_fetch((int *)context, 1, __ATOMIC_SEQ_CST); }

static uint8_t *room(void *context, size_t size) { return *(uint8_t **)context = malloc(size); }

static uint8_t *no_room(void *context, size_t size) { return size > 0 ? context : NULL; }

// Replaces, removes and adds; every borrowed input comes back once.
static void relink(wald_result **expected) {
  int released = 0, borrowed = 0;
  wald_linker *linker = new_linker(1, 1);
  declare_all(linker);
  for (size_t i = 0; i < file_count; i++, borrowed++)
    OK(wald_linker_provide_borrowed(linker, (uint32_t)i, files[i].data, files[i].size, count_release, &released));
  wald_result *result = wald_linker_link(linker);
  CHECK(same(result, expected[1]));
  wald_result_free(result);

  // Without an input the link fails, and with it again it is as before.
  OK(wald_linker_replace(linker, 0));
  result = wald_linker_link(linker);
  CHECK(!wald_result_ok(result) && wald_result_module(result).data == NULL);
  wald_result_free(result);
  OK(wald_linker_provide_borrowed(linker, 0, files[0].data, files[0].size, count_release, &released));
  borrowed++;

  // Another name, and the first one again. Archives must be provided again.
  for (int round = 0; round < 2; round++) {
    bool provided;
    OK(wald_linker_rename(linker, 0, round ? files[0].path : "another/name.o", &provided));
    if (!provided) {
      OK(wald_linker_provide_borrowed(linker, 0, files[0].data, files[0].size, count_release, &released));
      borrowed++;
    }
    CHECK(provided || strstr(files[0].path, ".a"));
    result = wald_linker_link(linker);
    CHECK(same(result, expected[1]));
    wald_result_free(result);
  }
  bool provided;
  CHECK(wald_linker_rename(linker, 1000, "x.o", &provided) == WALD_STATUS_UNKNOWN_HANDLE);
  CHECK(wald_linker_rename(linker, 0, NULL, &provided) == WALD_STATUS_NULL_ARGUMENT);

  uint32_t before;
  wald_input_description description = {.size = sizeof description, .path = "before.o"};
  OK(wald_linker_declare_before(linker, 1, &description, &before));
  OK(wald_linker_fail_input(linker, before, "cannot be compiled"));
  result = wald_linker_link(linker);
  wald_diagnostic diagnostic = {.size = sizeof diagnostic};
  CHECK(!wald_result_ok(result) && wald_result_diagnostic_count(result) == 1);
  OK(wald_result_diagnostic(result, 0, &diagnostic));
  CHECK(diagnostic.code == WALD_CODE_OPEN && strcmp((const char *)diagnostic.message.data, "cannot be compiled") == 0);
  CHECK(strcmp((const char *)diagnostic.path.data, "before.o") == 0);
  CHECK(diagnostic.stage == WALD_STAGE_INPUT && diagnostic.input == before);
  wald_result_free(result);
  CHECK(wald_linker_fail_input(linker, before, "again") == WALD_STATUS_ALREADY_PROVIDED);
  OK(wald_linker_remove(linker, before));
  CHECK(wald_linker_remove(linker, before) == WALD_STATUS_UNKNOWN_HANDLE && strstr(wald_last_error(), "before.o"));
  CHECK(wald_linker_replace(linker, before) == WALD_STATUS_UNKNOWN_HANDLE);
  CHECK(wald_linker_declare_before(linker, before, &description, &before) == WALD_STATUS_UNKNOWN_HANDLE);
  CHECK(wald_linker_declare_before(linker, 1000, &description, &before) == WALD_STATUS_UNKNOWN_HANDLE);

  // What was provided cannot be provided again, by no call.
  CHECK(wald_linker_provide(linker, 0, files[0].data, files[0].size) == WALD_STATUS_ALREADY_PROVIDED);
  CHECK(strstr(wald_last_error(), files[0].path) && strstr(wald_last_error(), "already provided"));
  CHECK(wald_linker_provide_file(linker, 0, NULL) == WALD_STATUS_ALREADY_PROVIDED);
  CHECK(wald_linker_provide_file(linker, 0, "/no/such/file.o") == WALD_STATUS_ALREADY_PROVIDED);
  CHECK(wald_linker_provide_borrowed(linker, 0, files[0].data, 1, count_release, &released) == WALD_STATUS_ALREADY_PROVIDED);
  borrowed++;
  wald_unit *nothing = wald_unit_new();
  CHECK(wald_linker_provide_unit(linker, 0, nothing) == WALD_STATUS_ALREADY_PROVIDED);
  wald_unit_free(nothing);

  uint8_t *module = NULL;
  result = wald_linker_link_into(linker, room, &module);
  wald_bytes known = wald_result_module(expected[1]);
  CHECK(wald_result_ok(result) && module && memcmp(module, known.data, known.size) == 0);
  CHECK(wald_result_module(result).data == NULL);
  wald_result_free(result);
  free(module);

  // A link that fails at its end has a map.
  result = wald_linker_link_into(linker, no_room, NULL);
  CHECK(!wald_result_ok(result) && wald_result_map(result).size > 100);
  wald_result_free(result);
  CHECK(wald_linker_provide_borrowed(linker, 1000, files[0].data, 1, count_release, &released) == WALD_STATUS_UNKNOWN_HANDLE);
  borrowed++;

  wald_cancel_token *token = wald_cancel_token_new();
  OK(wald_linker_set_cancel_token(linker, token));
  wald_cancel_token_cancel(token);
  wald_cancel_token_free(token);
  result = wald_linker_link(linker);
  OK(wald_result_diagnostic(result, 0, &diagnostic));
  CHECK(!wald_result_ok(result) && diagnostic.code == WALD_CODE_CANCELLED);
  CHECK(diagnostic.stage == WALD_STAGE_LINK && diagnostic.input == WALD_NO_INPUT);
  wald_result_free(result);
  wald_linker_free(linker);
  CHECK(released == borrowed);
}

// Each kind of definition that unit() does not use. Nothing refers to them, so they are removed again.
static void other_kinds(wald_unit *unit, uint32_t type) {
  uint32_t group, of, data;
  OK(wald_unit_add_comdat(unit, "group", &group));
  const uint8_t nop[] = {0, 0x0b}, zero[] = {0x41, 0, 0x0b};
  wald_symbol symbol = {.size = sizeof symbol, .name = "of"};
  wald_definition function = {.size = sizeof function, .kind = WALD_DEFINITION_KIND_FUNCTION, .type = type, .bytes = nop,
                              .byte_count = sizeof nop, .comdat = group};
  OK(wald_unit_add(unit, &symbol, &function, &of));
  symbol.name = "data";
  wald_definition bytes = {.size = sizeof bytes, .kind = WALD_DEFINITION_KIND_DATA, .name = ".data", .bytes = nop,
                           .byte_count = sizeof nop};
  OK(wald_unit_add(unit, &symbol, &bytes, &data));
  const wald_definition definitions[] = {
      {.kind = WALD_DEFINITION_KIND_FUNCTION_ALIAS, .of = of},
      {.kind = WALD_DEFINITION_KIND_DATA_WITHIN, .of = data, .offset = 1, .extent = 1},
      {.kind = WALD_DEFINITION_KIND_ABSOLUTE_DATA, .offset = 0x1000, .extent = 4},
      {.kind = WALD_DEFINITION_KIND_GLOBAL, .value_type = WALD_VALUE_TYPE_I32, .is_mutable = true, .bytes = zero, .byte_count = sizeof zero},
      {.kind = WALD_DEFINITION_KIND_TABLE, .value_type = WALD_VALUE_TYPE_FUNCREF, .minimum = 1, .has_maximum = true, .maximum = 2},
      {.kind = WALD_DEFINITION_KIND_TAG, .type = type},
      {.kind = WALD_DEFINITION_KIND_SECTION, .name = "notes", .bytes = nop, .byte_count = sizeof nop},
      {.kind = WALD_DEFINITION_KIND_UNDEFINED_FUNCTION, .type = type, .import_module = "host", .import_field = "f"},
      {.kind = WALD_DEFINITION_KIND_UNDEFINED_DATA},
      {.kind = WALD_DEFINITION_KIND_UNDEFINED_GLOBAL, .value_type = WALD_VALUE_TYPE_I64, .import_module = "host"},
      {.kind = WALD_DEFINITION_KIND_UNDEFINED_TABLE, .value_type = WALD_VALUE_TYPE_EXTERNREF, .is_64 = true, .import_field = "t"},
      {.kind = WALD_DEFINITION_KIND_UNDEFINED_TAG, .type = type},
  };
  for (size_t i = 0; i < sizeof definitions / sizeof *definitions; i++) {
    uint32_t added;
    wald_definition definition = definitions[i];
    definition.size = sizeof definition;
    symbol.name = "other";
    OK(wald_unit_add(unit, &symbol, &definition, &added));
    OK(wald_unit_remove(unit, added));
  }
  bytes.comdat = group + 1;
  CHECK(wald_unit_define(unit, data, &bytes) == WALD_STATUS_UNKNOWN_HANDLE);
  function.type = 1000;
  CHECK(wald_unit_define(unit, of, &function) == WALD_STATUS_UNKNOWN_HANDLE);
  wald_definition table = {.size = sizeof table, .kind = WALD_DEFINITION_KIND_TABLE, .value_type = WALD_VALUE_TYPE_I32};
  symbol.name = "table";
  CHECK(wald_unit_add(unit, &symbol, &table, &of) == WALD_STATUS_UNIT);
  OK(wald_unit_remove(unit, data));
}

// Two functions, one of which calls the other and reads a datum.
static void unit(void) {
  wald_unit *unit = wald_unit_new();
  uint32_t none, number, answer, datum, start;
  const uint8_t i32 = WALD_VALUE_TYPE_I32, unknown = 0x7a;
  OK(wald_unit_signature(unit, NULL, 0, NULL, 0, &none));
  OK(wald_unit_signature(unit, NULL, 0, &i32, 1, &number));
  CHECK(wald_unit_signature(unit, &unknown, 1, NULL, 0, &number) == WALD_STATUS_BAD_VALUE);
  const uint8_t load[] = {0, 0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x28, 2, 0, 0x0b};
  const uint8_t call[] = {0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x1a, 0x0b};
  wald_symbol symbol = {.size = sizeof symbol, .name = "datum", .binding = WALD_BINDING_LOCAL};
  wald_definition data = {.size = sizeof data, .kind = WALD_DEFINITION_KIND_DATA, .name = ".data.datum", .alignment = 2,
                          .bytes = (const uint8_t *)"\1\2\3\4", .byte_count = 4, .flags = WALD_SEGMENT_FLAG_RETAIN};
  OK(wald_unit_add(unit, &symbol, &data, &datum));
  data.flags = WALD_SEGMENT_FLAG_RETAIN + 8;
  CHECK(wald_unit_define(unit, datum, &data) == WALD_STATUS_BAD_VALUE);
  wald_relocation address = {.size = sizeof address, .kind = WALD_RELOCATION_KIND_MEMORY_ADDR_SLEB, .offset = 2, .target = datum};
  wald_definition function = {.size = sizeof function, .kind = WALD_DEFINITION_KIND_FUNCTION, .type = number, .bytes = load,
                              .byte_count = sizeof load, .relocations = &address, .relocation_count = 1};
  symbol = (wald_symbol){.size = sizeof symbol, .name = "answer", .exported = true};
  OK(wald_unit_add(unit, &symbol, &function, &answer));
  wald_relocation callee = {.size = sizeof callee, .kind = WALD_RELOCATION_KIND_FUNCTION_INDEX_LEB, .offset = 2, .target = answer};
  wald_definition caller = {.size = sizeof caller, .kind = WALD_DEFINITION_KIND_FUNCTION, .type = none, .bytes = call,
                            .byte_count = sizeof call, .relocations = &callee, .relocation_count = 1};
  symbol = (wald_symbol){.size = sizeof symbol, .name = "_start"};
  OK(wald_unit_add(unit, &symbol, &caller, &start));
  uint32_t found;
  OK(wald_unit_find(unit, "_start", &found));
  CHECK(found == start);
  CHECK(wald_unit_remove(unit, answer) == WALD_STATUS_UNIT && strstr(wald_last_error(), "answer"));
  CHECK(wald_unit_add(unit, &symbol, &caller, &start) == WALD_STATUS_UNIT);
  CHECK(wald_unit_remove(unit, 1000) == WALD_STATUS_UNKNOWN_HANDLE);
  callee.kind = 77;
  CHECK(wald_unit_define(unit, start, &caller) == WALD_STATUS_BAD_VALUE);
  caller.kind = 77;
  CHECK(wald_unit_define(unit, start, &caller) == WALD_STATUS_BAD_VALUE);
  symbol.binding = 77;
  CHECK(wald_unit_set_symbol(unit, start, &symbol) == WALD_STATUS_BAD_VALUE);
  CHECK(wald_unit_add_producer(unit, 77, "C", "11") == WALD_STATUS_BAD_VALUE);
  other_kinds(unit, none);
  OK(wald_unit_add_feature(unit, '+', "mutable-globals"));
  OK(wald_unit_add_producer(unit, WALD_PRODUCER_LANGUAGE, "C", "11"));
  OK(wald_unit_add_init_function(unit, 1, found));
  OK(wald_unit_remove_init_function(unit, found));

  wald_linker *linker = new_linker(1, 2);
  uint32_t input = declare(linker, "unit");
  OK(wald_linker_provide_unit(linker, input, unit));
  wald_result *first = wald_linker_link(linker);
  CHECK(wald_result_ok(first));

  // Another body, and linked again; then as an object.
  const uint8_t constant[] = {0, 0x41, 42, 0x0b};
  function.bytes = constant, function.byte_count = sizeof constant, function.relocation_count = 0;
  OK(wald_unit_define(unit, answer, &function));
  OK(wald_linker_replace(linker, input));
  OK(wald_linker_provide_unit(linker, input, unit));
  wald_buffer *object = wald_unit_to_object(unit);
  wald_unit_free(unit);
  wald_result *second = wald_linker_finish(linker);
  CHECK(wald_result_ok(second) && !same(first, second));
  linker = new_linker(1, 2);
  wald_bytes bytes = wald_buffer_bytes(object);
  OK(wald_linker_provide(linker, declare(linker, "unit"), bytes.data, bytes.size));
  wald_buffer_free(object);
  wald_result *of_object = wald_linker_finish(linker);
  CHECK(same(second, of_object));
  wald_result_free(first);
  wald_result_free(second);
  wald_result_free(of_object);
}

static void read_thin(void *context, const char *path, wald_file *file) {
  CHECK(strcmp(path, "dir/member.o") == 0);
  ++*(int *)context;
  OK(wald_file_set(file, (const uint8_t *)"\0asm\1\0\0\0\1", 9));
}

// What options ask a link to say.
static void messages(void) {
  wald_options *options = wald_options_new();
  OK(wald_options_set(options, "trace", "true"));
  OK(wald_options_set(options, "print_gc_sections", "true"));
  OK(wald_options_set(options, "trace_symbols", "_start"));
  OK(wald_options_set(options, "verbose", "true"));
  OK(wald_options_set(options, "want_why_extract", "true"));
  OK(wald_options_set(options, "want_report", "true"));
  OK(wald_options_set(options, "explain_symbols", "_start"));
  wald_linker *linker = wald_linker_new(options);
  wald_options_free(options);
  declare_all(linker);
  for (size_t i = 0; i < file_count; i++)
    OK(wald_linker_provide(linker, (uint32_t)i, files[i].data, files[i].size));
  wald_result *result = wald_linker_finish(linker);
  CHECK(wald_result_ok(result));
  size_t of_kind[WALD_MESSAGE_KIND_VERBOSE + 1] = {0};
  wald_message message = {.size = sizeof message};
  for (size_t i = 0; i < wald_result_message_count(result); i++) {
    OK(wald_result_message(result, i, &message));
    CHECK(strlen((const char *)message.text.data) == message.text.size);
    CHECK(message.position <= wald_result_diagnostic_count(result));
    CHECK(message.kind > WALD_MESSAGE_KIND_OTHER && message.kind <= WALD_MESSAGE_KIND_VERBOSE);
    of_kind[message.kind]++;
  }
  CHECK(of_kind[WALD_MESSAGE_KIND_TRACE] >= file_count && of_kind[WALD_MESSAGE_KIND_TRACE_SYMBOL] > 0);
  CHECK(of_kind[WALD_MESSAGE_KIND_GC_SECTION] > 0 && of_kind[WALD_MESSAGE_KIND_VERBOSE] > 0);
  CHECK(wald_result_message(result, 9999, &message) == WALD_STATUS_UNKNOWN_HANDLE);

  // What the module is made of.
  wald_bytes json = wald_result_report(result);
  CHECK(strlen((const char *)json.data) == json.size && strncmp((const char *)json.data, "{\"schema\":\"wald-report\"", 23) == 0);
  wald_bytes why = wald_result_explanations(result);
  CHECK(strlen((const char *)why.data) == why.size && strstr((const char *)why.data, "\"step\":\"entry\""));
  CHECK(wald_result_report(NULL).data == NULL && wald_result_explanations(NULL).data == NULL);

  // The report as data has the lines of its text.
  wald_extraction_report report = {.size = sizeof report};
  OK(wald_result_extraction_report(result, &report));
  const char *text = (const char *)report.text.data;
  CHECK(text && strlen(text) == report.text.size && strncmp(text, "reference\textracted\tsymbol\n", 27) == 0);
  CHECK(report.count > 0 && report.position == 0 && report.message_position <= wald_result_message_count(result));
  size_t lines = 0;
  for (size_t i = 0; i < report.count; i++) {
    wald_extraction extraction = {.size = sizeof extraction};
    OK(wald_result_extraction(result, i, &extraction));
    char line[4096];
    snprintf(line, sizeof line, "\n%s\t%s\t%s\n", (const char *)extraction.reference.data,
             (const char *)extraction.member.data, (const char *)extraction.symbol.data);
    CHECK(extraction.symbol.size > 0 && (strstr(text, line) != NULL) == extraction.is_in_report);
    lines += extraction.is_in_report;
  }
  CHECK(lines > 0);
  wald_extraction extraction = {.size = sizeof extraction};
  CHECK(wald_result_extraction(result, report.count, &extraction) == WALD_STATUS_UNKNOWN_HANDLE);
  wald_result_free(result);

  // Without the options there are neither.
  result = link_alone(0);
  OK(wald_result_extraction_report(result, &report));
  CHECK(report.text.data == NULL && report.count == 0 && wald_result_message_count(result) == 0);
  wald_result_free(result);
}

// Bad calls and bad inputs.
static void errors(void) {
  wald_options *options = wald_options_new();
  CHECK(wald_options_set(options, "no_such_option", "1") == WALD_STATUS_UNKNOWN_OPTION);
  CHECK(strstr(wald_last_error(), "no_such_option"));
  CHECK(wald_options_set(options, "page_size", "many") == WALD_STATUS_BAD_VALUE);
  CHECK(wald_options_set(options, "entry", "\xff") == WALD_STATUS_NOT_UTF8);
  CHECK(wald_options_set(options, NULL, "1") == WALD_STATUS_NULL_ARGUMENT);
  CHECK(wald_options_set(NULL, "entry", "1") == WALD_STATUS_NULL_ARGUMENT);
  size_t names = 0;
  while (wald_option_name(names))
    names++;
  CHECK(names > 50 && wald_version()[0]);
  CHECK(!wald_linker_new(NULL) && !wald_linker_link(NULL) && !wald_linker_finish(NULL));
  CHECK(!wald_result_ok(NULL) && wald_result_module(NULL).data == NULL && wald_result_diagnostic_count(NULL) == 0);
  wald_options_free(NULL), wald_linker_free(NULL), wald_result_free(NULL), wald_unit_free(NULL), wald_buffer_free(NULL);

  CHECK(wald_options_set(options, "architecture", "wasm16") == WALD_STATUS_BAD_VALUE);
  OK(wald_options_set(options, "architecture", "wasm32"));
  OK(wald_options_set(options, "architecture", NULL));
  OK(wald_options_set(options, "entry", NULL));
  wald_linker *linker = wald_linker_new(options);
  OK(wald_linker_set_threads(linker, 1));
  CHECK(wald_linker_declare(linker, NULL, NULL) == WALD_STATUS_NULL_ARGUMENT);
  CHECK(wald_linker_provide(linker, 0, NULL, 0) == WALD_STATUS_UNKNOWN_HANDLE);
  uint32_t cut = declare(linker, "cut.o"), gone = declare(linker, "/no/such/file.o"), thin = declare(linker, "dir/thin.a");
  CHECK(wald_linker_provide(linker, cut, NULL, 1) == WALD_STATUS_NULL_ARGUMENT);
  OK(wald_linker_provide(linker, cut, (const uint8_t *)"\0asm\1\0\0\0\1", 9));
  OK(wald_linker_provide_file(linker, gone, NULL));
  int asked = 0;
  OK(wald_linker_set_file_reader(linker, read_thin, &asked));
  const char archive[] = "!<thin>\n//                                              10        `\nmember.o/\n"
                         "/0              0           0     0     644     9         `\n";
  OK(wald_linker_provide(linker, thin, (const uint8_t *)archive, sizeof archive - 1));
  CHECK(asked == 1);
  wald_result *result = wald_linker_link(linker);
  CHECK(!wald_result_ok(result) && wald_result_diagnostic_count(result) >= 2);
  wald_diagnostic diagnostic = {.size = sizeof diagnostic};
  OK(wald_result_diagnostic(result, 0, &diagnostic));
  CHECK(diagnostic.severity == WALD_SEVERITY_ERROR && diagnostic.code == WALD_CODE_TRUNCATED);
  CHECK(strcmp(wald_code_name(diagnostic.code), "truncated-input") == 0 && strlen(wald_code_title(diagnostic.code)) > 0);
  CHECK(wald_code_name(0) == NULL && wald_code_title(UINT32_MAX) == NULL);
  CHECK(diagnostic.has_offset && diagnostic.offset == 9 && strcmp((const char *)diagnostic.path.data, "cut.o") == 0);
  CHECK(diagnostic.stage == WALD_STAGE_INPUT && diagnostic.input == cut);
  CHECK(diagnostic.note_count == 2 && strstr((const char *)wald_result_note(result, 0, 0).data, "0x9"));
  CHECK(wald_result_note(result, 0, 2).data == NULL && wald_result_note(result, 99, 0).data == NULL);
  CHECK(diagnostic.help_count == 1 && wald_result_note_location_count(result, 0, 0) == 0);
  CHECK(wald_result_note_location_count(result, 0, 1) == 0);
  wald_location location = {.size = sizeof location};
  OK(wald_result_location(result, 0, &location));
  CHECK(strcmp((const char *)location.path.data, "cut.o") == 0 && location.has_offset && location.offset == 9);
  CHECK(location.source_file.data == NULL && location.source_function.data == NULL && location.line == 0);
  CHECK(wald_result_note_location(result, 0, 0, 0, &location) == WALD_STATUS_UNKNOWN_HANDLE);
  wald_help help = {.size = sizeof help};
  OK(wald_result_help(result, 0, 0, &help));
  CHECK(help.fix == WALD_FIX_KIND_NONE && strstr((const char *)help.text.data, "again"));
  CHECK(wald_result_help(result, 0, 1, &help) == WALD_STATUS_UNKNOWN_HANDLE);
  CHECK(wald_result_help_location(result, 0, 0, 0, &location) == WALD_STATUS_UNKNOWN_HANDLE);
  OK(wald_result_diagnostic(result, 1, &diagnostic));
  CHECK(diagnostic.code == WALD_CODE_OPEN && strstr((const char *)diagnostic.message.data, "/no/such/file.o"));
  CHECK(wald_result_diagnostic(result, 99, &diagnostic) == WALD_STATUS_UNKNOWN_HANDLE);
  CHECK(wald_result_event_count(result) == 0);
  wald_result_free(result);

  OK(wald_linker_set_record_events(linker, true));
  OK(wald_linker_set_options(linker, options));
  wald_options_free(options);
  result = wald_linker_finish(linker);
  wald_event event = {.size = sizeof event};
  CHECK(wald_result_event_count(result) > 0);
  OK(wald_result_event(result, 0, &event));
  CHECK(strlen((const char *)event.name.data) == event.name.size && event.size == sizeof event);
  wald_result_free(result);
}

// Plays LLVM: looks at the job, and takes an object of the demo for the generated code. With a context, it fails.
static void generate(void *context, wald_code_generation *job) {
  CHECK(wald_code_generation_module_count(job) == 1 && !wald_code_generation_is_cancelled(job));
  CHECK(wald_code_generation_relocation_model(job) == WALD_RELOCATION_MODEL_STATIC);
  wald_bitcode_module module = {.size = sizeof module};
  OK(wald_code_generation_module(job, 0, &module));
  CHECK(strcmp((const char *)module.name.data, "helper.bc") == 0 && module.is_thin && !module.is_position_independent);
  CHECK(module.data.size > 4 && memcmp(module.data.data, "BC\xc0\xde", 4) == 0 && module.symbol_count == 1);
  wald_bitcode_symbol symbol = {.size = sizeof symbol};
  OK(wald_code_generation_symbol(job, 0, 0, &symbol));
  CHECK(symbol.name.size == 6 && memcmp(symbol.name.data, "helper", 6) == 0);
  CHECK(symbol.prevailing && !symbol.is_undefined && !symbol.visible_to_regular_object && !symbol.linker_redefined);
  CHECK(wald_code_generation_symbol(job, 0, 1, &symbol) == WALD_STATUS_UNKNOWN_HANDLE);
  CHECK(wald_code_generation_module(job, 1, &module) == WALD_STATUS_UNKNOWN_HANDLE);
  OK(wald_code_generation_add_message(job, context != NULL, "made up"));
  CHECK(wald_code_generation_add_object(job, 1, 7, files[0].data, 1) == WALD_STATUS_UNKNOWN_HANDLE);
  for (size_t i = 0; i < file_count; i++)
    if (strstr(files[i].path, "stop_words.o"))
      OK(wald_code_generation_add_object(job, 1, 0, files[i].data, files[i].size));
  OK(wald_code_generation_add_object(job, 0, WALD_MERGED, NULL, 0));
}

static void bitcode(void) {
  File file;
  read_file(&file, BITCODE);
  for (int fails = 0; fails < 2; fails++) {
    wald_options *options = wald_options_new();
    OK(wald_options_set(options, "entry", NULL));
    wald_linker *linker = wald_linker_new(options);
    wald_options_free(options);
    CHECK(wald_linker_set_code_generator(linker, NULL, NULL) == WALD_STATUS_NULL_ARGUMENT);
    OK(wald_linker_set_code_generator(linker, generate, fails ? linker : NULL));
    wald_input_description description = {.size = sizeof description, .path = "helper.bc"};
    uint32_t input;
    OK(wald_linker_declare(linker, &description, &input));
    OK(wald_linker_provide(linker, input, file.data, file.size));
    wald_result *result = wald_linker_link(linker);
    // A link that succeeds also notes that the module exports nothing.
    CHECK(wald_result_ok(result) == !fails && wald_result_diagnostic_count(result) == (fails ? 1 : 2));
    wald_diagnostic diagnostic = {.size = sizeof diagnostic};
    OK(wald_result_diagnostic(result, 0, &diagnostic));
    CHECK(diagnostic.severity == (fails ? WALD_SEVERITY_ERROR : WALD_SEVERITY_WARNING));
    CHECK(diagnostic.code == WALD_CODE_CODE_GENERATION && strcmp((const char *)diagnostic.message.data, "made up") == 0);
    wald_result_free(result);
    wald_linker_free(linker);
  }
  free(file.data);
}

int main(int argc, char **argv) {
  file_count = (size_t)argc - 1;
  files = calloc(file_count, sizeof *files);
  for (size_t i = 0; i < file_count; i++)
    read_file(&files[i], argv[i + 1]);
  wald_result *expected[3];
  for (int i = 0; i < 3; i++) {
    expected[i] = link_alone(i);
    CHECK(wald_result_ok(expected[i]));
  }
  two_threads(expected);
  relink(expected);
  unit();
  messages();
  errors();
  bitcode();
  for (int i = 0; i < 3; i++)
    wald_result_free(expected[i]);
  for (size_t i = 0; i < file_count; i++)
    free(files[i].data);
  free(files);
  puts("everything works");
  return 0;
}
