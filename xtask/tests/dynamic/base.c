/* A program whose function is replaced while it runs. */
int helper(int x) { return x + 1; }
int counter = 5;
int (*current)(int) = helper;
int _start(void) { return current(counter); }
