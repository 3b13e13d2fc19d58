/* What a libc for wasip1-threads does, in few words: starts threads, hands each a stack and a block, waits for them. */
__attribute__((import_module("wasi"), import_name("thread-spawn"))) int spawn(void *);
void __wasm_init_tls(void *);
struct Start { char *stack; void *block; int number; };
static _Alignas(16) char stacks[2][4096], blocks[2][64];
static struct Start starts[2];
static _Thread_local int mine = 10;
static _Atomic int done, sum;
void thread_main(int id, struct Start *start) {
  mine += start->number;
  sum += mine * (id > 0);
  done++;
  __builtin_wasm_memory_atomic_notify((int *)&done, 1);
}
int result(void) { return sum * 100 + mine; }
void _start(void) {
  for (int i = 0; i < 2; i++) {
    starts[i] = (struct Start){stacks[i] + sizeof stacks[i], blocks[i], i + 1};
    if (spawn(&starts[i]) < 0) __builtin_trap();
  }
  for (int seen; (seen = done) < 2;) __builtin_wasm_memory_atomic_wait32((int *)&done, seen, -1);
}
