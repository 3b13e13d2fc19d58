/* The side module: addresses of its own and of the main module in data, a constructor, calls in both directions. */
extern int main_value;
int twice(int);
int side_value = 1;
static int local = 7;
int *pointer = &local;
int *to_main = &main_value;
static int triple(int x) { return 3 * x; }
int (*side_operation)(int) = triple;
static const char *const words[] = {"one", "three"};
const char *word(int i) { return words[i]; }
__attribute__((constructor)) static void init(void) { local = 100; }
int side_add(int a, int b) { return a + b + *pointer + *to_main; }
int call_back(int (*f)(int), int x) { return f(x) + twice(x) + (word(1)[1] == 'h'); }
