# Run at build time: writes ${OUT}, C arrays of the images in ${FROM}.
function(embed name file)
  if(EXISTS "${FROM}/${file}")
    file(READ "${FROM}/${file}" hex HEX)
    string(LENGTH "${hex}" size)
    math(EXPR size "${size} / 2")
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  else()
    set(size 0)
    set(hex "0,\n")
  endif()
  file(APPEND "${OUT}" "extern const uint8_t firmware_${name}_image[];
extern const size_t firmware_${name}_size;
const size_t firmware_${name}_size = ${size};
const uint8_t firmware_${name}_image[] = {\n${hex}};\n")
endfunction()

file(WRITE "${OUT}" "/* Made from bios/built/ by cmake/embed.cmake. */
#include <stddef.h>
#include <stdint.h>\n")
embed(bios menura-bios.bin)
embed(vga_bios menura-vgabios.bin)
embed(kernel_rom menura-kernel.bin)
