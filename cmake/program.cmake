# The program, and the pages made from its option table.
set(MENURA_VERSION_H ${CMAKE_BINARY_DIR}/generated/machine/build_version.h)
add_custom_target(menura_version
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DVERSION=${PROJECT_VERSION}
          -DOUT=${MENURA_VERSION_H} -P ${CMAKE_SOURCE_DIR}/cmake/version.cmake
  BYPRODUCTS ${MENURA_VERSION_H})
add_dependencies(menura_objects menura_version)
set_source_files_properties(machine/version.c PROPERTIES
  OBJECT_DEPENDS ${MENURA_VERSION_H}
  COMPILE_DEFINITIONS HAVE_BUILD_VERSION
  INCLUDE_DIRECTORIES ${CMAKE_BINARY_DIR}/generated)
set_target_properties(menura_objects PROPERTIES C_VISIBILITY_PRESET hidden)

file(GLOB MENURA_PROGRAM CONFIGURE_DEPENDS frontend/*.c)
add_executable(menura ${MENURA_PROGRAM})
target_compile_options(menura PRIVATE ${MENURA_FLAGS})
target_link_libraries(menura PRIVATE menura_objects)
if(MENURA_SDL)
  target_compile_definitions(menura PRIVATE HAVE_SDL)
  target_include_directories(menura SYSTEM PRIVATE ${SDL_INCLUDE})
  target_link_libraries(menura PRIVATE ${SDL_LIBRARY})
endif()

# For tests that are scripts; a test that is a program is run so by CTest itself.
set(MENURA_RUNS_UNDER "EMULATOR=${CMAKE_CROSSCOMPILING_EMULATOR}")

# Checked in, so that a cross build need not run what it builds; a test compares them.
set(MENURA_PAGES man docs/menura.1 markdown docs/command-line.md
    bash completions/menura.bash zsh completions/_menura fish completions/menura.fish)
add_custom_target(pages)
set(pages ${MENURA_PAGES})
while(pages)
  list(POP_FRONT pages page file)
  add_custom_command(TARGET pages POST_BUILD
    COMMAND menura --page ${page} > ${CMAKE_SOURCE_DIR}/${file} VERBATIM)
  add_test(NAME frontend/page_${page}
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/frontend/page.sh $<TARGET_FILE:menura> ${page}
            ${CMAKE_SOURCE_DIR}/${file})
  set_tests_properties(frontend/page_${page} PROPERTIES ENVIRONMENT "${MENURA_RUNS_UNDER}")
endwhile()
add_test(NAME frontend/command_line
  COMMAND sh ${CMAKE_SOURCE_DIR}/tests/frontend/command_line.sh $<TARGET_FILE:menura>)
set_tests_properties(frontend/command_line PROPERTIES ENVIRONMENT "${MENURA_RUNS_UNDER}")
add_executable(frontend_program tests/frontend/program.c)
target_compile_options(frontend_program PRIVATE ${MENURA_FLAGS})
add_test(NAME frontend/program COMMAND frontend_program $<TARGET_FILE:menura>)
set_tests_properties(frontend/program PROPERTIES SKIP_RETURN_CODE 77
                     ENVIRONMENT "${MENURA_RUNS_UNDER}")
add_test(NAME frontend/gdb
  COMMAND sh ${CMAKE_SOURCE_DIR}/tests/frontend/gdb.sh $<TARGET_FILE:menura>
          ${CMAKE_BINARY_DIR}/guest)
set_tests_properties(frontend/gdb PROPERTIES SKIP_RETURN_CODE 77
                     ENVIRONMENT "${MENURA_RUNS_UNDER}")
add_test(NAME frontend/disk
  COMMAND sh ${CMAKE_SOURCE_DIR}/tests/frontend/disk.sh $<TARGET_FILE:menura>)
set_tests_properties(frontend/disk PROPERTIES ENVIRONMENT "${MENURA_RUNS_UNDER}")
add_test(NAME frontend/media
  COMMAND sh ${CMAKE_SOURCE_DIR}/tests/frontend/media.sh $<TARGET_FILE:menura>)
set_tests_properties(frontend/media PROPERTIES SKIP_RETURN_CODE 77
                     ENVIRONMENT "${MENURA_RUNS_UNDER}")
foreach(part none terminal window)
  add_test(NAME frontend/display_${part}
    COMMAND sh ${CMAKE_SOURCE_DIR}/tests/frontend/display.sh $<TARGET_FILE:menura> ${part})
  set_tests_properties(frontend/display_${part} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900
                       ENVIRONMENT "${MENURA_RUNS_UNDER}")
endforeach()
if(MENURA_CMOCKA_FOUND)
  add_executable(frontend_terminal_keys tests/frontend/terminal_keys.c frontend/terminal_keys.c)
  target_compile_options(frontend_terminal_keys PRIVATE ${MENURA_FLAGS})
  target_include_directories(frontend_terminal_keys PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(frontend_terminal_keys PRIVATE ${CMOCKA_LIBRARY})
  add_test(NAME frontend/terminal_keys COMMAND frontend_terminal_keys)
endif()
add_executable(frontend_memory tests/frontend/memory.c)
target_compile_options(frontend_memory PRIVATE ${MENURA_FLAGS})
add_test(NAME frontend/memory COMMAND frontend_memory $<TARGET_FILE:menura>)
set_tests_properties(frontend/memory PROPERTIES SKIP_RETURN_CODE 77
                     ENVIRONMENT "${MENURA_RUNS_UNDER}")
