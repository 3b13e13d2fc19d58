target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@first = global i32 1, section "one"
@plain = global i32 2
@second = constant i32 3, section ".two with blanks"
@third = hidden global i32 4, section "one"

define void @function() section "code" {
  ret void
}
