# The BIOS images as C arrays, for machine/firmware.c. They are checked in: nobody needs the
# compiler that makes them (bios/build.sh), but whoever changes bios/.
set(images ${CMAKE_BINARY_DIR}/firmware_images.c)
file(GLOB built CONFIGURE_DEPENDS bios/built/*.bin)
add_custom_command(OUTPUT ${images}
                   COMMAND ${CMAKE_COMMAND} -DOUT=${images} -DFROM=${CMAKE_SOURCE_DIR}/bios/built
                           -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
                   DEPENDS ${built} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
target_sources(menura_objects PRIVATE ${images})

# `cmake --build ... --target bios` makes them anew.
add_custom_target(bios COMMAND sh ${CMAKE_SOURCE_DIR}/bios/build.sh
                               ${CMAKE_SOURCE_DIR}/bios/built ${CMAKE_BINARY_DIR}/bios VERBATIM)
