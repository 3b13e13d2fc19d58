//! Inputs that are torn, slow, replaced, skewed in time or vanish while `--await-inputs` and `--watch` look at them.
