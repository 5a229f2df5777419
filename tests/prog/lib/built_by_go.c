/* The demo's threads in a library that has the note of Go's linker.
   SPDX-License-Identifier: Apache-2.0 */
#include "demo.c"

__asm__(".pushsection .note.go.buildid, \"a\", %note\n"
        ".balign 4\n"
        ".long 4, 2, 4\n" /* the sizes of name and text, and the kind of note */
        ".ascii \"Go\\0\\0\"\n"
        ".ascii \"ID\\0\\0\"\n"
        ".popsection\n");
