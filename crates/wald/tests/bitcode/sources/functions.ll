target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

declare i32 @imported(i32)

define i32 @defined(i32 %x) {
  %y = call i32 @imported(i32 %x)
  ret i32 %y
}

define internal void @local() {
  ret void
}

define private void @private() {
  ret void
}

define available_externally void @elsewhere() {
  ret void
}
