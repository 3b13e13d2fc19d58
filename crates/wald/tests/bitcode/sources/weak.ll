target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@weak = weak global i32 1
@weak_odr = weak_odr constant i32 2
@once = linkonce global i32 3
@once_odr = linkonce_odr constant i32 4
@once_odr_unnamed = linkonce_odr unnamed_addr constant i32 5
@once_odr_local_unnamed = linkonce_odr local_unnamed_addr constant i32 6
@reference = extern_weak global i32

declare extern_weak void @called()

define weak void @function() {
  call void @called()
  ret void
}
