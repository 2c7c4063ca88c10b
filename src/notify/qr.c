/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify/qr.h"

#include "base/err.h"

#include <errno.h>
#include <png.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#define QUIET  4 /* modules around the code (ISO/IEC 18004) */
#define PIXELS 6 /* of a module in a PNG */

static int code_new(const char *text, QRcode **ret)
{
    if (strlen(text) > QR_TEXT_MAX)
        return E_LIMIT;
    *ret = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    return *ret != NULL ? 0 : errno == ERANGE ? E_LIMIT : E_NOMEM;
}

static void code_free(QRcode *code)
{
    mem_wipe(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
}

/* Whether a module is dark; all around the code is light. */
static bool is_dark(const QRcode *code, int row, int column)
{
    row -= QUIET;
    column -= QUIET;
    return row >= 0 && row < code->width && column >= 0 && column < code->width &&
           (code->data[row * code->width + column] & 1) != 0;
}

/* One byte a pixel. */
static unsigned char *raster_of(const QRcode *code, size_t side)
{
    unsigned char *raster = mem_alloc(side * side);

    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++)
            raster[y * side + x] = is_dark(code, (int)(y / PIXELS), (int)(x / PIXELS)) ? 0 : 255;
    return raster;
}

int qr_png(const char *text, struct buffer *out)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_GRAY};
    unsigned char *raster;
    png_alloc_size_t size = 0;
    size_t side;
    QRcode *code;
    int rc = code_new(text, &code);

    if (rc < 0)
        return rc;
    side = (size_t)(code->width + 2 * QUIET) * PIXELS;
    image.width = image.height = (png_uint_32)side;
    raster = raster_of(code, side);
    code_free(code);
    if (!png_image_write_get_memory_size(image, size, 0, raster, 0, NULL))
        rc = E_NOMEM;
    if (rc == 0)
        rc = buffer_reserve(out, size);
    if (rc == 0 &&
        !png_image_write_to_memory(&image, out->data + out->len, &size, 0, raster, 0, NULL))
        rc = E_NOMEM;
    if (rc == 0)
        out->len += size;
    png_image_free(&image);
    mem_wipe(raster, side * side);
    free(raster);
    return rc;
}
