//! Faults from outside: the system calls of the output path fail, processes are killed, inputs are torn, replaced, slow.
//!
//! Every test starts the `wald` command as a process of its own and looks at what is left afterwards: the output, other files
//! beside it, exit code, messages. The rounds of the long form are set by `WALD_FAULT_ROUNDS`; `docs/reliability.md` says
//! what each test promises.

mod inputs;
mod output;
