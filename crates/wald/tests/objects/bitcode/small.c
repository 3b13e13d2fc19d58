__attribute__((visibility("hidden"))) int small(int x) { return x + 1; }
