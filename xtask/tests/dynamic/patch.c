/* The replacement: refers to what the running program has. */
extern int counter;
int helper(int);
static int calls;
int new_helper(int x) { return helper(x) * 100 + ++calls; }
int main(void) { counter = 8; return calls; }
