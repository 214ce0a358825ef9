# Fuzz targets. Everywhere: replay of a corpus and of some thousand seeded random inputs.
# With clang and -DMENURA_FUZZER=ON (preset `fuzz`) also libFuzzer programs, by hand:
#     build/fuzz/libfuzzer_cpu -max_len=4096 work/ tests/fuzz/corpus/cpu
set(FUZZ ${CMAKE_SOURCE_DIR}/tests/fuzz)
file(GLOB targets CONFIGURE_DEPENDS ${FUZZ}/fuzz_*.c)
foreach(source ${targets})
  get_filename_component(name ${source} NAME_WE)
  string(REPLACE fuzz_ "" name ${name})
  add_executable(fuzz_${name} ${source} ${FUZZ}/replay.c ${FUZZ}/bug.c ${FUZZ}/compare.c)
  target_compile_options(fuzz_${name} PRIVATE ${MENURA_FLAGS})
  target_link_libraries(fuzz_${name} PRIVATE menura_objects)
  # Whichever comes first; the rest is for `./test long`.
  add_test(NAME fuzz/${name}
           COMMAND fuzz_${name} -n 20000 -seconds 5 ${FUZZ}/corpus/${name})
  set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 900)
  if(MENURA_FUZZER)
    add_executable(libfuzzer_${name} ${source} ${FUZZ}/bug.c ${FUZZ}/compare.c)
    target_compile_options(libfuzzer_${name} PRIVATE ${MENURA_FLAGS} -fsanitize=fuzzer)
    target_link_options(libfuzzer_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(libfuzzer_${name} PRIVATE menura_objects)
  endif()
endforeach()
