target datalayout = "e-m:o-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-apple-macosx10.15.0"

@data = global i32 1, section "__DATA,__mine"
@"\01unchanged" = global i32 2
@hidden = private global i32 3

declare void @imported()

define void @function() {
  call void @imported()
  ret void
}
