	.globl unused
unused:
	.functype unused (i32) -> (i32)
	block
	local.get 0
	br_if 0
	end_block
	i32.const 0
	end_function
	.globl less
less:
	.functype less (i32) -> (i32)
	local.get 0
	i32.const 1
	i32.sub
	end_function
	.globl is_odd
is_odd:
	.functype is_odd (i32) -> (i32)
	local.get 0
	i32.const 1
	i32.and
	if i32
	i32.const 1
	else
	i32.const 0
	end_if
	end_function
	.section .custom_section.metadata.code.branch_hint,"",@
	.uleb128 2
	.int32 is_odd@FUNCINDEX
	.uleb128 1
	.uleb128 6
	.uleb128 1
	.int8 0
	.int32 unused@FUNCINDEX
	.uleb128 1
	.uleb128 5
	.uleb128 1
	.int8 1
