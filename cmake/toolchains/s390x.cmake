# Debian's cross compiler for s390x, a big-endian host; tests run under qemu-user.
set(MENURA_CROSS s390x)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
