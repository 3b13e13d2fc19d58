// clang-22 --target=wasm32-unknown-unknown -O1 -g -fdebug-compilation-dir=. -c adder.c
// A library for the world of adder.wit, with debug information. It also calls a function of the module `old`.
__attribute__((import_module("old"), import_name("twice"))) unsigned twice(unsigned number);

__attribute__((export_name("add"))) unsigned add(unsigned a, unsigned b) { return a + b; }

__attribute__((export_name("double"))) unsigned doubled(unsigned number) { return twice(number); }
