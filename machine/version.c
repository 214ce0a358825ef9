/* version.c - which Menura this is, and what was built in. */
#include "machine/options.h"

#ifdef HAVE_BUILD_VERSION
#include "machine/build_version.h" /* made by cmake/version.cmake */
#else
#define BUILD_VERSION "0.1.0"
#define BUILD_COMMIT "commit unknown"
#endif

#ifdef HAVE_ZYDIS
#define DISASSEMBLY "disassembly by Zydis"
#else
#define DISASSEMBLY "no disassembly"
#endif

#ifdef MENURA_PLAIN_LOOP
#define LOOP "plain loop"
#else
#define LOOP "threaded dispatch"
#endif

const char *menura_version_text(void)
{
    return BUILD_VERSION " (" BUILD_COMMIT ")";
}

const char *menura_features_text(void)
{
    return "features: " LOOP ", " DISASSEMBLY ", snapshots, monitor, "
           "serial stdio file pty null; no network yet";
}
