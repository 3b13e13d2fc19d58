target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@first = common global i32 0, align 4
@second = common global [100 x i8] zeroinitializer, align 16
@huge = common global [3000000000 x i8] zeroinitializer
@section = global i32 1, section "between"
@third = common hidden global i64 0, align 8
