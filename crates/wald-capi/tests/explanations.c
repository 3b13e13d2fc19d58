// Reads what explains a diagnostic: the places of its notes, its helps and their fixes. Arguments: an object with undefined symbols, one that
// defines a similar name, and an archive that is not linked.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wald.h>
#include "check.h"

typedef struct {
  const char *path;
  uint8_t *bytes;
  size_t size;
} file;

static file read_file(const char *path) {
  FILE *stream = fopen(path, "rb");
  CHECK(stream);
  file of = {path, malloc(1 << 20), 0};
  CHECK(of.bytes);
  of.size = fread(of.bytes, 1, 1 << 20, stream);
  fclose(stream);
  return of;
}

static int asked;

static void find_libraries(void *data, wald_libraries *libraries) {
  file *archive = data;
  asked++;
  CHECK(wald_libraries_add(NULL, "-lx", "lib/libx.a", archive->bytes, archive->size) == WALD_STATUS_NULL_ARGUMENT);
  OK(wald_libraries_add(libraries, "-lx", "lib/libx.a", archive->bytes, archive->size));
}

static int is(wald_bytes text, const char *expected) {
  return text.data && strcmp((const char *)text.data, expected) == 0;
}

static wald_result *link_files(wald_options *options, file *files, size_t count, file *archive) {
  wald_linker *linker = wald_linker_new(options);
  CHECK(linker);
  OK(wald_linker_set_library_finder(linker, find_libraries, archive));
  for (size_t i = 0; i < count; i++) {
    wald_input_description description = {.size = sizeof description, .path = files[i].path};
    uint32_t input;
    OK(wald_linker_declare(linker, &description, &input));
    OK(wald_linker_provide(linker, input, files[i].bytes, files[i].size));
  }
  wald_result *result = wald_linker_finish(linker);
  CHECK(result);
  return result;
}

int main(int argc, char **argv) {
  CHECK(argc == 5);
  file files[] = {read_file(argv[1]), read_file(argv[2])};
  file user = read_file(argv[3]), archive = read_file(argv[4]);
  wald_options *options = wald_options_new();
  OK(wald_options_set(options, "entry", NULL));
  OK(wald_options_set(options, "exports", "main"));
  wald_result *result = link_files(options, files, 2, &archive);
  CHECK(!wald_result_ok(result) && asked == 1);
  size_t with_note = 0;
  wald_diagnostic diagnostic = {.size = sizeof diagnostic};
  for (size_t i = 0; i < wald_result_diagnostic_count(result); i++) {
    OK(wald_result_diagnostic(result, i, &diagnostic));
    CHECK(diagnostic.code == WALD_CODE_UNDEFINED_SYMBOL);
    if (diagnostic.note_count)
      with_note = i;
  }
  CHECK(wald_result_note_location_count(result, with_note, 0) == 2);
  wald_location location = {.size = sizeof location};
  OK(wald_result_note_location(result, with_note, 0, 0, &location));
  CHECK(is(location.path, argv[1]) && is(location.source_file, "main.c") && is(location.source_function, "helper"));
  CHECK(location.line == 2 && location.column == 54 && is(location.symbol, "helper") && location.has_offset);
  wald_help help = {.size = sizeof help};
  OK(wald_result_help(result, with_note, 0, &help));
  CHECK(help.fix == WALD_FIX_KIND_REPLACE_SYMBOL && is(help.from, "compute_cheksum") && is(help.to, "compute_checksum"));
  CHECK(help.location_count == 2 && strstr((const char *)help.text.data, "defines compute_checksum"));
  OK(wald_result_help_location(result, with_note, 0, 1, &location));
  CHECK(location.line == 3 && is(location.source_function, "main"));
  CHECK(wald_result_help_location(result, with_note, 0, 2, &location) == WALD_STATUS_UNKNOWN_HANDLE);
  wald_result_free(result);

  OK(wald_options_set(options, "exports", NULL));
  OK(wald_options_set(options, "exports", "run"));
  result = link_files(options, &user, 1, &archive);
  CHECK(asked == 2);
  OK(wald_result_help(result, 0, 0, &help));
  CHECK(help.fix == WALD_FIX_KIND_ADD_ARGUMENT && is(help.to, "-lx") && help.from.data == NULL);
  CHECK(is(help.text, "add -lx (found in lib)"));
  wald_result_free(result);
  wald_options_free(options);
  for (size_t i = 0; i < 2; i++)
    free(files[i].bytes);
  free(user.bytes);
  free(archive.bytes);
  puts("explanations work");
  return 0;
}
