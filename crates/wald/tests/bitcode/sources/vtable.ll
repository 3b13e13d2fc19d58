target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@vtable = constant { [3 x ptr] } { [3 x ptr] [ptr null, ptr null, ptr @virtual] }, !type !0, !vcall_visibility !1
@plain = global i32 1
@pointer = external global ptr

define i32 @virtual(ptr %this) {
  ret i32 1
}

define i32 @call(ptr %object) {
  %table = load ptr, ptr %object
  %test = call i1 @llvm.type.test(ptr %table, metadata !"type")
  call void @llvm.assume(i1 %test)
  %slot = load ptr, ptr %table
  %result = call i32 %slot(ptr %object)
  ret i32 %result
}

declare i1 @llvm.type.test(ptr, metadata)
declare void @llvm.assume(i1)

!0 = !{i64 8, !"type"}
!1 = !{i64 1}
