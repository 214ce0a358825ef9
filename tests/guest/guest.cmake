# Guest kernels: built with clang and lld on any host, run in many ways by one program.
find_program(GUEST_CLANG NAMES clang clang-14 clang-15 clang-16 clang-17 clang-18)
find_program(GUEST_LLD NAMES ld.lld ld.lld-14 ld.lld-15 ld.lld-16 ld.lld-17 ld.lld-18)
if(NOT GUEST_CLANG OR NOT GUEST_LLD)
  message(STATUS "clang or ld.lld not found: guest kernels are left out")
  return()
endif()

add_executable(guest_run tests/guest/run.c)
target_compile_options(guest_run PRIVATE ${MENURA_FLAGS})
target_link_libraries(guest_run PRIVATE menura_objects)

set(GUEST ${CMAKE_SOURCE_DIR}/tests/guest)
set(GUEST_OUT ${CMAKE_BINARY_DIR}/guest)
file(MAKE_DIRECTORY ${GUEST_OUT})
set(GUEST_ASSEMBLE ${GUEST_CLANG} -target i386-unknown-none -I${GUEST} -c)
add_custom_command(OUTPUT ${GUEST_OUT}/lib.o
                   COMMAND ${GUEST_ASSEMBLE} ${GUEST}/lib.S -o ${GUEST_OUT}/lib.o
                   DEPENDS ${GUEST}/lib.S ${GUEST}/lib.h)

# What a kernel needs beside one CPU with everything, and an exit value of 0.
set(GUEST_ARGS_triple_fault -end triple)
set(GUEST_ARGS_smp -smp 4)
set(GUEST_ARGS_smp_code -smp 4)
set(GUEST_ARGS_mwait -smp 2)

file(GLOB kernels CONFIGURE_DEPENDS ${GUEST}/kernels/*.S)
set(images)
foreach(source ${kernels})
  get_filename_component(name ${source} NAME_WE)
  set(image ${GUEST_OUT}/${name})
  add_custom_command(OUTPUT ${image}
                     COMMAND ${GUEST_ASSEMBLE} ${source} -o ${image}.o
                     COMMAND ${GUEST_LLD} -m elf_i386 -T ${GUEST}/kernel.ld
                             ${GUEST_OUT}/lib.o ${image}.o -o ${image}
                     DEPENDS ${source} ${GUEST}/lib.h ${GUEST}/kernel.ld ${GUEST_OUT}/lib.o)
  list(APPEND images ${image})
  add_test(NAME guest/${name} COMMAND guest_run ${GUEST_ARGS_${name}} ${image})
  set_tests_properties(guest/${name} PROPERTIES TIMEOUT 600) # on a busy host
endforeach()
add_custom_target(guest_kernels ALL DEPENDS ${images})

add_test(NAME guest/recorded COMMAND sh ${GUEST}/recorded.sh $<TARGET_FILE:guest_run> ${GUEST_OUT})
set_tests_properties(guest/recorded PROPERTIES ENVIRONMENT "${MENURA_RUNS_UNDER}")
add_custom_target(record_guests
                  COMMAND sh ${GUEST}/recorded.sh --record $<TARGET_FILE:guest_run> ${GUEST_OUT}
                  DEPENDS guest_run guest_kernels VERBATIM)
