/*
 * The page of `forkpolicy report --html`, as its parts: html.c puts them together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
    .section .rodata

    .macro part symbol, file
    .globl \symbol
    .hidden \symbol
\symbol:
    .incbin "\file"
    .byte 0
    .endm

    part fp_page_html, "cli/report/page.html"
    part fp_page_css, "cli/report/page.css"
    .globl fp_page_js
    .hidden fp_page_js
fp_page_js: /* the words of policy/, what the records say, then how it is drawn */
    .incbin "words.js" /* in the build folder */
    .incbin "cli/report/page_model.js"
    .incbin "cli/report/page_elements.js"
    .incbin "cli/report/page_matrix.js"
    .incbin "cli/report/page_time.js"
    .incbin "cli/report/page_timeline.js"
    .incbin "cli/report/page_details.js"
    .incbin "cli/report/page_reports.js"
    .incbin "cli/report/page_advice.js"
    .incbin "cli/report/page_compare.js"
    .incbin "cli/report/page.js"
    .byte 0

    .section .note.GNU-stack, "", %progbits
