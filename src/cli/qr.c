/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A QR code (libqrencode) in a terminal: half blocks in UTF-8, black on white whatever the
 * terminal's colours are, with its quiet zone. The text may be a secret: it is wiped.
 */
#include "base/buffer.h"
#include "base/err.h"
#include "cli/cli.h"

#include <errno.h>
#include <qrencode.h>
#include <stdio.h>
#include <string.h>

#define QUIET 4 /* modules around the code (ISO/IEC 18004) */
/* Black on white of the 256 colours: those that themes leave alone. */
#define COLOURS "\033[38;5;16;48;5;231m"
#define RESET   "\033[0m\n"

/* Whether a module is dark; all around the code is light. */
static bool is_dark(const QRcode *code, int row, int column)
{
    row -= QUIET;
    column -= QUIET;
    return row >= 0 && row < code->width && column >= 0 && column < code->width &&
           (code->data[row * code->width + column] & 1) != 0;
}

static int draw(const QRcode *code, struct buffer *out)
{
    static const char *const blocks[2][2] = {{" ", "\xe2\x96\x84"},             /* lower half */
                                             {"\xe2\x96\x80", "\xe2\x96\x88"}}; /* upper, both */
    int side = code->width + 2 * QUIET, rc = 0;

    for (int row = 0; row < side && rc == 0; row += 2) {
        rc = buffer_append(out, COLOURS, strlen(COLOURS));
        for (int column = 0; column < side && rc == 0; column++) {
            const char *block = blocks[is_dark(code, row, column)][is_dark(code, row + 1, column)];
            rc = buffer_append(out, block, strlen(block));
        }
        if (rc == 0)
            rc = buffer_append(out, RESET, strlen(RESET));
    }
    return rc;
}

int cli_qr(const char *text)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    struct buffer drawing;
    int rc = code != NULL ? 0 : errno == ERANGE ? E_LIMIT : E_NOMEM;

    buffer_init(&drawing);
    if (rc == 0) {
        rc = draw(code, &drawing);
        mem_wipe(code->data, (size_t)code->width * (size_t)code->width);
        QRcode_free(code);
    }
    if (rc == 0)
        (void)fwrite(drawing.data, 1, drawing.len, stdout);
    buffer_clear(&drawing);
    return rc;
}
