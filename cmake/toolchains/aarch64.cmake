# Debian's cross compiler for 64-bit ARM; tests run under qemu-user.
set(MENURA_CROSS aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
