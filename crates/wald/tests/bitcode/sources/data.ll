target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@constant = constant i32 1
@variable = global ptr @constant
@zero = global [64 x i8] zeroinitializer
@external = external global i64
@local = internal global ptr @external
@private = private unnamed_addr constant [2 x i8] c"a\00"
