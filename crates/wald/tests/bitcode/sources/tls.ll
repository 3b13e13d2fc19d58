target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@general = thread_local global i32 1
@initial = thread_local(initialexec) global i32 2
@external = external thread_local global i32
