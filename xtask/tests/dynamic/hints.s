# Counts down by a function of another object, and up in a local.
	.functype less (i32) -> (i32)
	.functype is_odd (i32) -> (i32)
	.globl count
count:
	.functype count (i32) -> (i32)
	.local i32
	loop
	local.get 0
	call is_odd
	if
	local.get 1
	i32.const 1
	i32.add
	local.set 1
	end_if
	local.get 1
	i32.const 2
	i32.add
	local.set 1
	local.get 0
	call less
	local.tee 0
	br_if 0
	end_loop
	local.get 1
	end_function
	.section .custom_section.metadata.code.branch_hint,"",@
	.uleb128 1
	.int32 count@FUNCINDEX
	.uleb128 2
	.uleb128 13
	.uleb128 1
	.int8 0
	.uleb128 40
	.uleb128 1
	.int8 1
