//! Outputs: nothing is lost and nothing is half written, whatever fails.
