target datalayout = "e-m:e-p:32:32-i64:64-n32:64-S128"
target triple = "wasm32-unknown-unknown"

$any = comdat any
$largest = comdat largest

@any = linkonce_odr global i32 1, comdat
@large = weak hidden global [4 x i8] zeroinitializer, comdat($largest)
@common = common global [100 x i8] zeroinitializer, align 16
@thread_local = thread_local global i32 0
@section = protected global i32 3, section "mine"
@kept = internal global i32 5
@omitted = linkonce_odr unnamed_addr constant i32 5
@external = extern_weak global i32
@"\01literal" = global i32 0
@llvm.used = appending global [1 x ptr] [ptr @kept], section "llvm.metadata"
@alias = weak alias i32, ptr @section

define void @function() {
  call void @imported()
  ret void
}

declare void @imported()

!llvm.module.flags = !{!0, !1}
!0 = !{i32 1, !"wchar_size", i32 4}
!1 = !{i32 7, !"PIC Level", i32 2}
