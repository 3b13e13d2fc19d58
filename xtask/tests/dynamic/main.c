/* The main module: uses the side module's data and functions, and lends it its own. */
extern int side_value;
int side_add(int, int);
int call_back(int (*)(int), int);
extern int (*side_operation)(int);
int main_value = 40;
int twice(int x) { return 2 * x; }
int run(void) {
  side_value += 1;
  return side_add(main_value, side_value) + call_back(twice, 5) + side_operation(3);
}
