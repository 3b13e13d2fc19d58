target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@"\01literal" = global i32 1
@"with blank" = global i32 2
@"quote\22" = global i32 3
@"Z\C3\BCrich" = global i32 4
@"not\FFutf8" = global i32 5
@0 = global i32 6
@_ZN1a1bEv = global i32 7
@$dollar.and.dot = global i32 8
