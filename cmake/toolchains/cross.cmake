# What the toolchains of this folder share. Programs are linked statically: qemu-user
# then needs no libraries of that architecture. build/sysroot-ARCH is made by
# tools/cross-sysroot.sh and holds what Debian's cross packages lack.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${MENURA_CROSS})
set(CMAKE_C_COMPILER ${MENURA_CROSS}-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${MENURA_CROSS}-static)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)

cmake_path(SET MENURA_SYSROOT NORMALIZE
           ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot-${MENURA_CROSS})
set(CMAKE_FIND_ROOT_PATH ${MENURA_SYSROOT} /usr/${MENURA_CROSS}-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
