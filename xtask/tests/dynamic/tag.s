# The tag of C++ exceptions, which a C++ library defines.
	.tagtype __cpp_exception i32
	.globl __cpp_exception
__cpp_exception:
