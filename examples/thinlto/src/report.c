/* Compiled without -flto. */
unsigned scramble(unsigned value);

static unsigned last;

void report(unsigned value) {
  last = scramble(value);
}

__attribute__((export_name("last_report"))) unsigned last_report(void) {
  return last;
}
