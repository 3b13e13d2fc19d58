target datalayout = "e-m:e-p:64:64-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm64-unknown-unknown"

@pointer = global ptr @function
@common = common global [5000000000 x i8] zeroinitializer, align 32

define hidden void @function() {
  ret void
}
