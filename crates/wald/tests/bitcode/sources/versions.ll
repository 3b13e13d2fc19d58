target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

module asm ".symver old, api@V1"
module asm ".symver new, api@@V2"
module asm ".symver used, other@V1"
module asm ".globl assembled"
module asm "assembled: ret"
module asm "call undefined"

define void @old() {
  ret void
}

define void @new() {
  ret void
}

declare void @used()
