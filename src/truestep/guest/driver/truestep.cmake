# Compiles a CMake project for the machine:
#   cmake -B build -DCMAKE_TOOLCHAIN_FILE=$(truestep cc --print-cmake-toolchain)
# The programs truestep-cc and so on are found in PATH, or where the variable TRUESTEP_PROGRAMS says.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv64)

find_program(TRUESTEP_CC truestep-cc HINTS "${TRUESTEP_PROGRAMS}" ENV TRUESTEP_PROGRAMS REQUIRED)
get_filename_component(TRUESTEP_PROGRAMS "${TRUESTEP_CC}" DIRECTORY)
set(CMAKE_C_COMPILER "${TRUESTEP_CC}")
set(CMAKE_CXX_COMPILER "${TRUESTEP_PROGRAMS}/truestep-c++")
set(CMAKE_ASM_COMPILER "${TRUESTEP_CC}")
set(CMAKE_AR "${TRUESTEP_PROGRAMS}/truestep-ar" CACHE FILEPATH "Archiver")
set(CMAKE_RANLIB "${TRUESTEP_PROGRAMS}/truestep-ranlib" CACHE FILEPATH "Index of an archive")
# Of projects that ask for link-time optimisation.
foreach(language C CXX)
  set(CMAKE_${language}_COMPILER_AR "${CMAKE_AR}" CACHE FILEPATH "Archiver")
  set(CMAKE_${language}_COMPILER_RANLIB "${CMAKE_RANLIB}" CACHE FILEPATH "Index of an archive")
endforeach()
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TRUESTEP_PROGRAMS)

# A guest is one file.
set(BUILD_SHARED_LIBS OFF CACHE BOOL "Guests have no shared libraries")

# Libraries and headers of this computer are for its own processor.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
