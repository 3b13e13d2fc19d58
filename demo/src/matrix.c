// Member of libdemo.a that nothing needs; its constructor must not run.
#include "format.h"

double matrix_determinant(const double (*m)[3]) {
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

__attribute__((constructor)) static void never(void) { print("matrix.o was linked for no reason\n"); }
