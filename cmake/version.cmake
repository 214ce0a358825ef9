# Run at build time: writes ${OUT} with release and commit, when they changed.
execute_process(COMMAND git -C "${SOURCE}" describe --always --dirty --exclude=*
                OUTPUT_VARIABLE commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT commit)
  set(commit "no commit: built outside the repository")
else()
  set(commit "commit ${commit}")
endif()
file(CONFIGURE OUTPUT "${OUT}" CONTENT
"#define BUILD_VERSION \"${VERSION}\"
#define BUILD_COMMIT \"${commit}\"
")
