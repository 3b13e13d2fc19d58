target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@default = global i32 1
@hidden = hidden global i32 2
@protected = protected global i32 3
@hidden_external = external hidden global i32
@protected_weak = weak protected global i32 4

declare hidden void @hidden_function()

define protected void @protected_function() {
  call void @hidden_function()
  ret void
}
