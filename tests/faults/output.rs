//! Outputs: nothing is lost and nothing is half written, whatever fails.

#![cfg(target_os = "linux")]

mod concurrency;
mod injection;
mod limits;
mod mounts;
mod power;
mod scene;
mod signals;
mod streams;
mod targets;
