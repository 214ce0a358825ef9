# Optional libraries: each may be missing; the build says what is left out.
find_package(Threads REQUIRED)
target_link_libraries(menura_objects PUBLIC Threads::Threads)

# Square roots, where the host has no instruction for them. Part of the C library elsewhere.
find_library(M_LIBRARY m)
if(M_LIBRARY)
  target_link_libraries(menura_objects PUBLIC m) # by name: static programs need libm.a
endif()

find_path(ZYDIS_INCLUDE Zydis/Zydis.h)
find_library(ZYDIS_LIBRARY Zydis)
if(ZYDIS_INCLUDE AND ZYDIS_LIBRARY)
  target_compile_definitions(menura_objects PUBLIC HAVE_ZYDIS)
  target_link_libraries(menura_objects PUBLIC ${ZYDIS_LIBRARY})
else()
  message(STATUS "Zydis not found: no disassembly in traces and explanations")
endif()

find_path(CMOCKA_INCLUDE cmocka.h)
find_library(CMOCKA_LIBRARY cmocka)
if(CMOCKA_INCLUDE AND CMOCKA_LIBRARY)
  set(MENURA_CMOCKA_FOUND TRUE)
else()
  message(STATUS "cmocka not found: unit tests are left out")
endif()
