# Our VGA BIOS: the checked-in image, and disks that boot and call its services.
add_test(NAME bios/vga_image COMMAND sh ${CMAKE_SOURCE_DIR}/tests/bios/vga_image.sh)
set_tests_properties(bios/vga_image PROPERTIES SKIP_RETURN_CODE 77)
if(CMAKE_BUILD_TYPE STREQUAL Release AND CMAKE_C_COMPILER_ID STREQUAL GNU
   AND NOT MENURA_SANITIZE AND NOT MENURA_COVERAGE AND NOT CMAKE_CROSSCOMPILING)
  foreach(name modes text fonts dac state vbe)
    add_test(NAME bios/vga_${name}
      COMMAND sh ${CMAKE_SOURCE_DIR}/tests/bios/vga.sh ${name} $<TARGET_FILE:menura>)
    set_tests_properties(bios/vga_${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)
  endforeach()
endif()
