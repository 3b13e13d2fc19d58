// Uses the whole interface: links at the same time, one link that is fed by two threads, relinks, units, errors, cancelling.
// Arguments: objects and archives that link without an error.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wald.h>

#define CHECK(what) \
  do { \
    if (!(what)) { \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #what, wald_last_error()); \
      exit(1); \
    } \
  } while (0)
#define OK(call) CHECK((call) == WALD_STATUS_OK)

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

static wald_linker *new_linker(const char *threads, int variant) {
  wald_options *options = wald_options_new();
  OK(wald_options_set(options, "output", "c.wasm"));
  OK(wald_options_set(options, "threads", threads));
  OK(wald_options_set(options, "gc-sections", variant % 2 ? "true" : "false"));
  OK(wald_options_set(options, "strip_all", variant % 3 ? "true" : "false"));
  OK(wald_options_set(options, "want_map", "true"));
  wald_linker *linker = wald_linker_new(options);
  wald_options_free(options);
  CHECK(linker);
  return linker;
}

static uint32_t declare(wald_linker *linker, const char *path) {
  wald_input_description description = {.path = path};
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
  wald_linker *linker = new_linker("1", variant);
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

  wald_linker *linker = new_linker("2", 1);
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

// Replaces, removes and adds; every borrowed input comes back once.
static void relink(wald_result **expected) {
  int released = 0, borrowed = 0;
  wald_linker *linker = new_linker("1", 1);
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
  uint32_t before;
  wald_input_description description = {.path = "before.o"};
  OK(wald_linker_declare_before(linker, 1, &description, &before));
  OK(wald_linker_fail_input(linker, before, "cannot be compiled"));
  result = wald_linker_link(linker);
  wald_diagnostic diagnostic;
  CHECK(!wald_result_ok(result) && wald_result_diagnostic_count(result) == 1);
  OK(wald_result_diagnostic(result, 0, &diagnostic));
  CHECK(diagnostic.code == WALD_CODE_OPEN && strcmp((const char *)diagnostic.message.data, "cannot be compiled") == 0);
  CHECK(strcmp((const char *)diagnostic.path.data, "before.o") == 0);
  wald_result_free(result);
  OK(wald_linker_remove(linker, before));

  uint8_t *module = NULL;
  result = wald_linker_link_into(linker, room, &module);
  wald_bytes known = wald_result_module(expected[1]);
  CHECK(wald_result_ok(result) && module && memcmp(module, known.data, known.size) == 0);
  wald_result_free(result);
  free(module);
  CHECK(wald_linker_provide_borrowed(linker, 1000, files[0].data, 1, count_release, &released) == WALD_STATUS_UNKNOWN_HANDLE);
  borrowed++;

  wald_cancel_token *token = wald_cancel_token_new();
  OK(wald_linker_set_cancel_token(linker, token));
  wald_cancel_token_cancel(token);
  wald_cancel_token_free(token);
  result = wald_linker_link(linker);
  OK(wald_result_diagnostic(result, 0, &diagnostic));
  CHECK(!wald_result_ok(result) && diagnostic.code == WALD_CODE_CANCELLED);
  wald_result_free(result);
  wald_linker_free(linker);
  CHECK(released == borrowed);
}

// Two functions, one of which calls the other and reads a datum.
static void unit(void) {
  wald_unit *unit = wald_unit_new();
  uint32_t none, number, answer, datum, start;
  const uint8_t i32 = 0x7f;
  OK(wald_unit_signature(unit, NULL, 0, NULL, 0, &none));
  OK(wald_unit_signature(unit, NULL, 0, &i32, 1, &number));
  const uint8_t load[] = {0, 0x41, 0x80, 0x80, 0x80, 0x80, 0, 0x28, 2, 0, 0x0b};
  const uint8_t call[] = {0, 0x10, 0x80, 0x80, 0x80, 0x80, 0, 0x1a, 0x0b};
  wald_symbol symbol = {.name = "datum", .binding = WALD_BINDING_LOCAL};
  wald_definition data = {.kind = WALD_KIND_DATA, .name = ".data.datum", .alignment = 2, .bytes = (const uint8_t *)"\1\2\3\4", .size = 4};
  OK(wald_unit_add(unit, &symbol, &data, &datum));
  wald_relocation address = {.kind = 4, .offset = 2, .target = datum};
  wald_definition function = {.kind = WALD_KIND_FUNCTION, .type = number, .bytes = load, .size = sizeof load, .relocations = &address, .relocation_count = 1};
  symbol = (wald_symbol){.name = "answer", .exported = true};
  OK(wald_unit_add(unit, &symbol, &function, &answer));
  wald_relocation callee = {.kind = 0, .offset = 2, .target = answer};
  wald_definition caller = {.kind = WALD_KIND_FUNCTION, .type = none, .bytes = call, .size = sizeof call, .relocations = &callee, .relocation_count = 1};
  symbol = (wald_symbol){.name = "_start"};
  OK(wald_unit_add(unit, &symbol, &caller, &start));
  uint32_t found;
  OK(wald_unit_find(unit, "_start", &found));
  CHECK(found == start);
  CHECK(wald_unit_remove(unit, answer) == WALD_STATUS_UNIT && strstr(wald_last_error(), "answer"));
  CHECK(wald_unit_add(unit, &symbol, &caller, &start) == WALD_STATUS_UNIT);
  caller.kind = 77;
  CHECK(wald_unit_define(unit, start, &caller) == WALD_STATUS_BAD_VALUE);
  OK(wald_unit_add_feature(unit, '+', "mutable-globals"));
  OK(wald_unit_add_producer(unit, WALD_PRODUCER_LANGUAGE, "C", "11"));
  OK(wald_unit_add_init_function(unit, 1, found));
  OK(wald_unit_remove_init_function(unit, found));

  wald_linker *linker = new_linker("1", 2);
  uint32_t input = declare(linker, "unit");
  OK(wald_linker_provide_unit(linker, input, unit));
  wald_result *first = wald_linker_link(linker);
  CHECK(wald_result_ok(first));

  // Another body, and linked again; then as an object.
  const uint8_t constant[] = {0, 0x41, 42, 0x0b};
  function.bytes = constant, function.size = sizeof constant, function.relocation_count = 0;
  OK(wald_unit_define(unit, answer, &function));
  OK(wald_linker_replace(linker, input));
  OK(wald_linker_provide_unit(linker, input, unit));
  wald_buffer *object = wald_unit_to_object(unit);
  wald_unit_free(unit);
  wald_result *second = wald_linker_finish(linker);
  CHECK(wald_result_ok(second) && !same(first, second));
  linker = new_linker("1", 2);
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

  OK(wald_options_set(options, "threads", "1"));
  wald_linker *linker = wald_linker_new(options);
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
  wald_diagnostic diagnostic;
  OK(wald_result_diagnostic(result, 0, &diagnostic));
  CHECK(diagnostic.severity == WALD_SEVERITY_ERROR && diagnostic.code == WALD_CODE_PARSE);
  CHECK(diagnostic.has_offset && diagnostic.offset == 9 && strcmp((const char *)diagnostic.path.data, "cut.o") == 0);
  CHECK(diagnostic.note_count == 1 && strstr((const char *)wald_result_note(result, 0, 0).data, "0x9"));
  CHECK(wald_result_note(result, 0, 1).data == NULL && wald_result_note(result, 99, 0).data == NULL);
  OK(wald_result_diagnostic(result, 1, &diagnostic));
  CHECK(diagnostic.code == WALD_CODE_OPEN && strstr((const char *)diagnostic.message.data, "/no/such/file.o"));
  CHECK(wald_result_diagnostic(result, 99, &diagnostic) == WALD_STATUS_UNKNOWN_HANDLE);
  CHECK(wald_result_event_count(result) == 0);
  wald_result_free(result);

  OK(wald_options_set(options, "want_trace_events", "true"));
  OK(wald_linker_set_options(linker, options));
  wald_options_free(options);
  result = wald_linker_finish(linker);
  wald_event event;
  CHECK(wald_result_event_count(result) > 0);
  OK(wald_result_event(result, 0, &event));
  CHECK(strlen((const char *)event.name.data) == event.name.size);
  wald_result_free(result);
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
  errors();
  for (int i = 0; i < 3; i++)
    wald_result_free(expected[i]);
  for (size_t i = 0; i < file_count; i++)
    free(files[i].data);
  free(files);
  puts("everything works");
  return 0;
}
