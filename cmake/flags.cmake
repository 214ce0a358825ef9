# Warnings and code generation, for the library, the program and the tests alike.
set(MENURA_FLAGS -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wno-missing-field-initializers -fno-strict-aliasing -ffp-contract=off
    -fno-math-errno)
if(MENURA_WERROR)
  list(APPEND MENURA_FLAGS -Werror)
endif()
if(CMAKE_CROSSCOMPILING_EMULATOR)
  list(APPEND MENURA_FLAGS -DMENURA_EMULATED_HOST) # tests: fewer rounds
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # Tail calls between handlers need frames to be absent.
  list(APPEND MENURA_FLAGS -fomit-frame-pointer -fno-stack-protector -fcf-protection=none)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86|AMD64")
    list(REMOVE_ITEM MENURA_FLAGS -fcf-protection=none)
  endif()
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
if(MENURA_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(MENURA_PLAIN_LOOP)
endif()
if(MENURA_FUZZER) # libFuzzer asks the whole library which code an input reaches
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(MENURA_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
  add_compile_definitions(MENURA_PLAIN_LOOP)
endif()

# Fast handlers end in an indirect jump each. Aligned to a cache line, their speed does not
# depend on which of them share one (one kernel lost 30 % to that). gcc would also split the
# taken branch of a fused compare off, into one part shared by many: one jump more.
set(MENURA_HANDLER_FLAGS "")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(MENURA_HANDLER_FLAGS -falign-functions=64)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND MENURA_HANDLER_FLAGS -fno-partial-inlining)
  endif()
endif()
