# The instruction table as a page: checked in, and compared. And the arrows between layers.
add_executable(isa_table tools/isa_table.c)
target_compile_options(isa_table PRIVATE ${MENURA_FLAGS})
target_link_libraries(isa_table PRIVATE menura_objects)
add_custom_target(isa_page
  COMMAND isa_table ${CMAKE_SOURCE_DIR}/tests/isa/executions.txt
          > ${CMAKE_SOURCE_DIR}/docs/isa.md VERBATIM)
add_test(NAME docs/isa
  COMMAND sh -c "$EMULATOR \"$1\" \"$3\" | diff -u \"$2\" - || { echo \"$2 is not what isa.def says: cmake --build build/release -t isa_page\"; exit 1; }"
          isa $<TARGET_FILE:isa_table> ${CMAKE_SOURCE_DIR}/docs/isa.md ${CMAKE_SOURCE_DIR}/tests/isa/executions.txt)
set_tests_properties(docs/isa PROPERTIES ENVIRONMENT "${MENURA_RUNS_UNDER}")
add_test(NAME layers COMMAND sh ${CMAKE_SOURCE_DIR}/tests/layers.sh ${CMAKE_SOURCE_DIR})
add_test(NAME ends COMMAND sh ${CMAKE_SOURCE_DIR}/tests/ends.sh ${CMAKE_SOURCE_DIR})
add_test(NAME ends/self_test COMMAND sh ${CMAKE_SOURCE_DIR}/tests/ends.sh --self-test)
add_test(NAME layers/self_test COMMAND sh ${CMAKE_SOURCE_DIR}/tests/layers.sh --self-test)
