/* The few names of CPython that Numba's containers use; they are compiled for guests from Numba's own sources
   (dictobject.c, listobject.c, setobject.c in its wheel), which need nothing of an interpreter.              */
#ifndef TRUESTEP_PYTHON_SHIM_H
#define TRUESTEP_PYTHON_SHIM_H

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t Py_ssize_t;
typedef int64_t Py_hash_t;
typedef uint64_t Py_uhash_t;

#define PY_SSIZE_T_MAX INT64_MAX

#endif
