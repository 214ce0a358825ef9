# What `cmake --install` and the .deb hold: program, libraries, header, pages.
include(GNUInstallDirs)

file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/empty.c CONTENT "")
add_library(menura_shared SHARED ${CMAKE_BINARY_DIR}/generated/empty.c)
target_link_libraries(menura_shared PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,menura_objects>)
set_target_properties(menura_shared PROPERTIES
  OUTPUT_NAME menura LINKER_LANGUAGE C
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})

# The static one shows only menura_ names too, so that it clashes with nobody's: all
# objects in one, hidden symbols made local. Where the tools cannot, as it is.
set(MENURA_STATIC ${CMAKE_BINARY_DIR}/libmenura.a)
if(CMAKE_OBJCOPY AND CMAKE_LINKER AND NOT APPLE)
  add_custom_command(OUTPUT ${MENURA_STATIC}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${MENURA_STATIC}
    COMMAND ${CMAKE_LINKER} -r --whole-archive $<TARGET_FILE:menura_objects> -o menura.o
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden menura.o
    COMMAND ${CMAKE_AR} rcs ${MENURA_STATIC} menura.o
    DEPENDS menura_objects VERBATIM)
else()
  add_custom_command(OUTPUT ${MENURA_STATIC}
    COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:menura_objects> ${MENURA_STATIC}
    DEPENDS menura_objects VERBATIM)
endif()
add_custom_target(menura_static ALL DEPENDS ${MENURA_STATIC})

# What a program linked statically needs besides.
set(MENURA_LIBS_PRIVATE "-lpthread")
if(M_LIBRARY)
  string(APPEND MENURA_LIBS_PRIVATE " -lm")
endif()
if(ZYDIS_LIBRARY)
  string(APPEND MENURA_LIBS_PRIVATE " -lZydis")
endif()
if(ZLIB_INCLUDE AND ZLIB_LIBRARY)
  string(APPEND MENURA_LIBS_PRIVATE " -lz")
endif()
if(ZSTD_INCLUDE AND ZSTD_LIBRARY)
  string(APPEND MENURA_LIBS_PRIVATE " -lzstd")
endif()
configure_file(cmake/menura.pc.in menura.pc @ONLY)

install(TARGETS menura menura_shared
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${MENURA_STATIC} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/menura.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/menura.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES docs/menura.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES completions/menura.bash RENAME menura
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES completions/_menura
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES completions/menura.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

add_test(NAME frontend/install
  COMMAND sh ${CMAKE_SOURCE_DIR}/tests/frontend/install.sh ${CMAKE_BINARY_DIR}
          ${CMAKE_SOURCE_DIR} ${CMAKE_C_COMPILER}
          $<$<BOOL:${MENURA_SANITIZE}>:-fsanitize=address,undefined>
  COMMAND_EXPAND_LISTS)
set_tests_properties(frontend/install PROPERTIES
  ENVIRONMENT "${MENURA_RUNS_UNDER};NM=${CMAKE_NM}")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME menura)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "full-system x86 and x86-64 PC emulator")
set(CPACK_PACKAGE_CONTACT "Menura developers <menura@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION otherosfs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
