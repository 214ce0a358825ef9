# Our BIOS: the checked-in image, and disks that boot themselves and call its services.
add_test(NAME bios/bios_image COMMAND sh ${CMAKE_SOURCE_DIR}/tests/bios/bios_image.sh)
set_tests_properties(bios/bios_image PROPERTIES SKIP_RETURN_CODE 77)
if(CMAKE_BUILD_TYPE STREQUAL Release AND CMAKE_C_COMPILER_ID STREQUAL GNU
   AND NOT MENURA_SANITIZE AND NOT MENURA_COVERAGE AND NOT CMAKE_CROSSCOMPILING)
  foreach(name memory time keyboard floppy disk pci system mouse serial text cd cd_floppy
          cd_disk refuse nothing)
    add_test(NAME bios/${name}
      COMMAND sh ${CMAKE_SOURCE_DIR}/tests/bios/bios.sh -m $<TARGET_FILE:menura> ${name})
    set_tests_properties(bios/${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
  endforeach()
endif()
