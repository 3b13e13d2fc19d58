/* Threads that a host starts: each has its own stack and its own thread-local data, and they share one counter. */
_Thread_local int mine = 5;
static _Atomic int counter;
static _Alignas(16) char stacks[4][4096];
static _Alignas(16) char blocks[4][64];
void __wasm_init_tls(void *);
char *stack_of(int thread) { return stacks[thread] + sizeof stacks[thread]; }
void begin(int thread) { __wasm_init_tls(blocks[thread]); }
int work(int thread) {
  for (int i = 0; i < 1000; i++) counter++;
  mine += thread;
  return mine;
}
int count(void) { return counter; }
int own(void) { return mine; }
