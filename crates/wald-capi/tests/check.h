// What the C tests check with: CHECK ends the program with the place, the expression and the last error of Wald.
#include <stdio.h>
#include <stdlib.h>
#include <wald.h>

#define CHECK(what) \
  do { \
    if (!(what)) { \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #what, wald_last_error()); \
      exit(1); \
    } \
  } while (0)
#define OK(call) CHECK((call) == WALD_STATUS_OK)
