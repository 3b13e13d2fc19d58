//! Objects that are malformed in one place each.
