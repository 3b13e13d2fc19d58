target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

@external = external global i32
@other = global ptr @external

define i32 @function() {
  ret i32 77
}

!llvm.ident = !{!0}
!llvm.module.flags = !{!1, !2, !3, !4}
!0 = !{!"PIC Level"}
!1 = !{i32 1, !"wchar_size", i32 4}
!2 = !{i32 8, !"PIC Level", i32 2}
!3 = !{i32 7, !"PIE Level", i32 1}
!4 = !{i32 1, !"text", !"PIC Level"}
