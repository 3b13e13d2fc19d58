#define WEAK __attribute__((weak))

static int counter;
int common_or_zero;
_Thread_local int per_thread = 1;
extern int external_value;
WEAK int replaceable(int x) { return x + counter++; }
int external(int);
int aliased(int x) { return external(x) + external_value + per_thread; }
int alias(int) __attribute__((alias("aliased")));
__attribute__((visibility("default"), export_name("exported"))) int visible(void) { return replaceable(1); }
__attribute__((used, section("kept"))) static const int kept = 5;
__attribute__((constructor)) static void initialise(void) { counter = 3; }

int main(void) { return aliased(2) + visible(); }
