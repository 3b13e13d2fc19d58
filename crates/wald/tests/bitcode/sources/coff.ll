target datalayout = "e-m:w-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-windows-msvc"

$leader = comdat any

@leader = linkonce_odr dllexport global i32 1, comdat
@fallback = global i32 2
@common = common global i64 0, align 8
@weak_external = weak alias i32, ptr @fallback

define x86_vectorcallcc void @vector(i32 %x) {
  ret void
}

!llvm.linker.options = !{!0}
!0 = !{!"/DEFAULTLIB:msvcrt"}
