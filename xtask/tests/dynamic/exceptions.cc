// Throws through a function with a destructor, and catches everything. What a C++ library would do is written out.
extern "C" void *__cxa_begin_catch(void *exception) { return exception; }
extern "C" void __cxa_end_catch() {}
static int trace, thrown;
struct Guard { ~Guard() { trace += 10; } };
__attribute__((noinline)) static void may_throw(int x) {
  Guard guard;
  if (x > 2) {
    thrown = x;
    __builtin_wasm_throw(0, &thrown);
  }
}
extern "C" int run(int x) {
  try {
    may_throw(x);
    return trace;
  } catch (...) {
    return thrown * 1000 + trace;
  }
}
