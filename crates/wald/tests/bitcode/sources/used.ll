target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@kept = global i32 1
@kept_local = internal global i32 2
@kept_by_compiler = global i32 3
@not_kept = global i32 4
@llvm.used = appending global [2 x ptr] [ptr @kept, ptr @kept_local], section "llvm.metadata"
@llvm.compiler.used = appending global [1 x ptr] [ptr @kept_by_compiler], section "llvm.metadata"
