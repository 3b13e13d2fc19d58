// The program's commands.
#pragma once
#include "index.h"

typedef struct {
  const char *name;
  int (*run)(const Index *index, const char *argument); // gives back an exit code
  const char *help;
} Command;

// The table ends with a command without a name.
extern const Command commands[];
