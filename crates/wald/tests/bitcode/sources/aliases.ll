target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@data = global [4 x i32] zeroinitializer, section "aliased"
@alias = alias i32, ptr @data
@weak_alias = weak alias i32, ptr @data
@hidden_alias = hidden alias i32, getelementptr (i32, ptr @data, i32 1)
@internal_alias = internal alias i32, ptr @data
@function_alias = alias void (), ptr @function

define void @function() {
  ret void
}
