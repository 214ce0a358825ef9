/* frontend.h - what the files of the program `menura` share. */
#ifndef FRONTEND_FRONTEND_H
#define FRONTEND_FRONTEND_H

#include "menura.h"

/* main.c: a sentence, and lines that say the way out. */
void complain(const char *text);
/* From here on signals are noted; a second one ends the process. */
void catch_signals(void);
bool was_caught(void);
/* Ends the process as the signal that was caught would have. */
void end_as_caught(void);

/* disk.c: `menura disk`, with the words behind these; the exit code. */
int disk_command(int count, char **word);

#endif
