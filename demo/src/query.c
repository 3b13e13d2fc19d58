// Queries: a recursive descent parser that makes a tree, and an evaluation that goes through a table of functions, one
// for each kind of node.
#include "query.h"
#include "heap.h"
#include "letters.h"
#include "memory.h"

typedef enum { WORD, AND, OR, NOT, KINDS } Kind;

typedef struct Node {
  Kind kind;
  const char *text;
  size_t length;
  struct Node *left, *right;
} Node;

typedef struct {
  const char *text;
  size_t at;
  const char *error;
  int depth;
} Parser;

static Node *parse_or(Parser *parser);

static Node *new_node(Kind kind, Node *left, Node *right) {
  Node *node = heap_new(sizeof *node);
  *node = (Node){.kind = kind, .left = left, .right = right};
  return node;
}

static void free_tree(Node *node) {
  if (!node) return;
  free_tree(node->left);
  free_tree(node->right);
  heap_free(node);
}

static void skip_blanks(Parser *parser) {
  while (parser->text[parser->at] == ' ') parser->at++;
}

// The word at the cursor; its length is 0 where none is there.
static size_t peek_word(Parser *parser) {
  skip_blanks(parser);
  size_t length = 0;
  while (is_letter(parser->text[parser->at + length])) length++;
  return length;
}

static bool take_keyword(Parser *parser, const char *keyword) {
  size_t length = peek_word(parser);
  if (length != strlen(keyword) || memcmp(parser->text + parser->at, keyword, length)) return false;
  parser->at += length;
  return true;
}

static Node *parse_one(Parser *parser) {
  if (++parser->depth > 100) parser->error = "too many brackets";
  if (parser->error) return NULL;
  Node *node = NULL;
  if (take_keyword(parser, "not")) {
    node = new_node(NOT, parse_one(parser), NULL);
  } else if (parser->text[parser->at] == '(') {
    parser->at++;
    node = parse_or(parser);
    skip_blanks(parser);
    if (!parser->error && parser->text[parser->at++] != ')') parser->error = "a closing bracket is missing";
  } else {
    size_t length = peek_word(parser);
    if (!length) parser->error = "a word is expected";
    node = new_node(WORD, NULL, NULL);
    node->text = parser->text + parser->at;
    node->length = length;
    parser->at += length;
  }
  parser->depth--;
  return node;
}

static bool starts_one(Parser *parser) {
  size_t length = peek_word(parser);
  const char *here = parser->text + parser->at;
  return *here == '(' || (length && !(length == 2 && !memcmp(here, "or", 2)));
}

static Node *parse_and(Parser *parser) {
  Node *node = parse_one(parser);
  while (!parser->error && (take_keyword(parser, "and") || starts_one(parser)))
    node = new_node(AND, node, parse_one(parser));
  return node;
}

static Node *parse_or(Parser *parser) {
  Node *node = parse_and(parser);
  while (!parser->error && take_keyword(parser, "or")) node = new_node(OR, node, parse_and(parser));
  return node;
}

static LineSet new_set(const Index *index) {
  size_t words = (index->line_count + 31) / 32;
  return (LineSet){heap_new(words * sizeof(uint32_t)), words};
}

static LineSet evaluate(const Index *index, const Node *node);

static LineSet evaluate_word(const Index *index, const Node *node) {
  LineSet set = new_set(index);
  const Word *word = index_find(index, node->text, node->length);
  for (size_t i = 0; word && i < word->line_count; i++) set.bits[word->lines[i] / 32] |= 1u << word->lines[i] % 32;
  return set;
}

static LineSet evaluate_and(const Index *index, const Node *node) {
  LineSet left = evaluate(index, node->left), right = evaluate(index, node->right);
  for (size_t i = 0; i < left.words; i++) left.bits[i] &= right.bits[i];
  set_free(&right);
  return left;
}

static LineSet evaluate_or(const Index *index, const Node *node) {
  LineSet left = evaluate(index, node->left), right = evaluate(index, node->right);
  for (size_t i = 0; i < left.words; i++) left.bits[i] |= right.bits[i];
  set_free(&right);
  return left;
}

static LineSet evaluate_not(const Index *index, const Node *node) {
  LineSet set = evaluate(index, node->left);
  for (size_t i = 0; i < set.words; i++) set.bits[i] = ~set.bits[i];
  return set;
}

static LineSet (*const evaluations[KINDS])(const Index *, const Node *) = {
    [WORD] = evaluate_word, [AND] = evaluate_and, [OR] = evaluate_or, [NOT] = evaluate_not};

static LineSet evaluate(const Index *index, const Node *node) { return evaluations[node->kind](index, node); }

LineSet query_lines(const Index *index, const char *query, const char **error, size_t *at) {
  Parser parser = {.text = query};
  Node *tree = parse_or(&parser);
  skip_blanks(&parser);
  if (!parser.error && query[parser.at]) parser.error = "the query should end here";
  *error = parser.error;
  *at = parser.at;
  LineSet set = parser.error ? (LineSet){NULL, 0} : evaluate(index, tree);
  free_tree(tree);
  return set;
}

bool set_has(const LineSet *set, size_t line) { return line / 32 < set->words && set->bits[line / 32] >> line % 32 & 1; }

void set_free(LineSet *set) {
  heap_free(set->bits);
  *set = (LineSet){NULL, 0};
}
