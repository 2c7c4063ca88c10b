/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What goes out by mail. Part t: a template file, filled with hostile values; s, d: a header of a
 * subject and of a display name; a: a mail address; m: an address and a number, masked. No header
 * has a line of its own that was not folded there, and none is over 998 bytes (RFC 5322 2.1.1).
 */
#include "fuzz.h"
#include "notify/header.h"
#include "notify/mail.h"
#include "notify/mask.h"
#include "notify/template.h"

static void fill_template(struct slice text)
{
    static const struct template_kind kind = {"code", {"name", "code", NULL}, false};
    const struct template_value values[] = {{"name", "{code}{{name}\xc3\xa9"}, {"code", "123456"}};
    struct templates *templates = NULL;
    char wrong[512] = "", folder[64], *subject, *body;
    int rc;

    (void)fuzz_file("mail/en/code.txt", text.data, text.len);
    (void)snprintf(folder, sizeof(folder), "%s/mail", fuzz_folder());
    rc = templates_load(folder, &kind, 1, &templates, wrong, sizeof(wrong));
    HOLDS(rc == 0 || (wrong[0] != '\0' && strchr(wrong, '\n') == NULL));
    if (rc == 0) {
        HOLDS(template_fill(templates, "code", "da-DK", values, 2, &subject, &body) == 0);
        HOLDS(header_text_check(slice_of(subject)) == 0);
        template_text_free(subject);
        template_text_free(body);
    }
    templates_free(templates);
}

static void check_header(const char *header)
{
    size_t line = 0;

    HOLDS(strlen(header) < HEADER_MAX);
    for (const char *at = header; *at != '\0'; at++) {
        HOLDS((unsigned char)*at < 0x80);
        HOLDS((*at == '\r') == (at[1] == '\n') && (*at != '\n' || at[1] == ' '));
        line = *at == '\n' ? 0 : line + 1;
        HOLDS(line <= 998);
    }
}

static void write_header(char part, const char *text)
{
    char header[HEADER_MAX];

    if (header_text_check(slice_of(text)) < 0)
        return;
    if (part == 's' && strlen(text) <= MAIL_SUBJECT_MAX) {
        header_text("Subject", text, header);
        check_header(header);
    } else if (part == 'd' && strlen(text) <= MAIL_NAME_MAX) {
        header_address("From", text, "usher@example.org", header);
        check_header(header);
    }
}

static void read_address(struct slice text)
{
    char header[HEADER_MAX], *address;

    if (mail_address_check(text) < 0)
        return;
    address = fuzz_string(text);
    HOLDS(strlen(address) == text.len && text.len <= MAIL_ADDRESS_MAX);
    header_address("To", NULL, address, header);
    check_header(header);
    free(address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {(const char *)data, size};
    char part = fuzz_letter(&input), masked[MASK_MAX], *text;
    char *bytes = exact_copy(input.data, input.len);
    struct slice rest = {bytes, input.len};

    text = fuzz_string(rest);
    if (part == 't')
        fill_template(rest);
    else if (part == 's' || part == 'd')
        write_header(part, text);
    else if (part == 'a')
        read_address(rest);
    else if (part == 'm')
        HOLDS(strlen(mask_mail(rest, masked)) < MASK_MAX && strlen(mask_mobile(rest, masked)) <= 5);
    free(bytes);
    free(text);
    return 0;
}
