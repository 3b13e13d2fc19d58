target datalayout = "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-i128:128-n32:64-S128-ni:1:10:20"
target triple = "wasm32-unknown-unknown"

$any = comdat any
$exact = comdat exactmatch
$largest = comdat largest
$none = comdat nodeduplicate
$size = comdat samesize

@any = linkonce_odr global i32 1, comdat
@exact = weak global i32 2, comdat
@largest = weak global i32 3, comdat
@none = global i32 4, comdat
@size = weak global i32 5, comdat
@second = global i32 6, comdat($any)
@internal = internal global i32 7, comdat($any)

define linkonce_odr void @function() comdat($any) {
  ret void
}
