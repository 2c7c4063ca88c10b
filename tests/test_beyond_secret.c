/* SPDX-License-Identifier: BSD-2-Clause
 *
 * More of test_beyond.c: the key file, what people are given or type (codes, PINs), and the mails
 * that carry it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "letters.h"
#include "notify/mail.h"
#include "notify/template.h"
#include "secret/code.h"
#include "secret/pin.h"
#include "secret/seal.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

static char folder[] = "/tmp/usher-bounds-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fchmod(fileno(out), 0600), 0);
    assert_int_equal(fclose(out), 0);
}

static void the_key_file(void **state)
{
    static const char key[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    char path[64], wrong[256], text[8192] = "";
    struct keys *keys = NULL;
    char current[SEAL_KEY_ID_MAX + 1];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/keys", folder);
    for (int i = 0; i < SEAL_KEYS_MAX; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "k%d %s", i, key);
    write_file(path, text);
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), 0);
    keys_current(keys, current);
    assert_string_equal(current, "k63");
    keys_free(keys);
    strcat(strcat(text, "k64 "), key);
    write_file(path, text);
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), E_CONF);
    assert_non_null(strstr(wrong, "too many keys"));
    (void)snprintf(text, sizeof(text), "%033d %s", 0, key);
    write_file(path, text);
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), E_CONF);
    assert_non_null(strstr(wrong, "a key id is 1 to 32"));
    write_file(path, text + 1);
    assert_int_equal(keys_load(path, &keys, wrong, sizeof(wrong)), 0);
    keys_free(keys);
    unlink(path);
}

static void base64_texts(void **state)
{
    char *bytes = letters(BASE64_MAX), text[BASE64_SIZE(BASE64_MAX) + 4], back[BASE64_MAX + 3];
    size_t len;

    (void)state;
    base64_encode(bytes, BASE64_MAX, text);
    assert_int_equal(base64_decode(slice_of(text), back, sizeof(back), &len), 0);
    assert_int_equal(len, BASE64_MAX);
    strcat(text, "AAAA");
    assert_int_not_equal(base64_decode(slice_of(text), back, sizeof(back), &len), 0);
    free(bytes);
}

static void pins_and_codes(void **state)
{
    static const char *const records[] = {
        "scrypt$18$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "scrypt$1$9$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "scrypt$1$8$5$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    char code[CODE_DIGITS + 1], record[CODE_RECORD_MAX];

    (void)state;
    assert_int_equal(pin_syntax(slice_of("12345678")), 0);
    assert_int_equal(pin_syntax(slice_of("123456789")), E_SYNTAX);
    assert_int_equal(pin_verify(slice_of("1"),
                                slice_of("scrypt$1$8$4$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAA"
                                         "AAAAAAAAAAAAAAAAAAAAAAAAA=")),
                     E_AUTH);
    for (size_t i = 0; i < COUNT(records); i++)
        assert_int_equal(pin_verify(slice_of("1"), slice_of(records[i])), E_CRYPTO);
    assert_int_equal(code_new(NULL, slice_of("p"), slice_of("abcdefghijklmnopq"), 1, code, record),
                     E_SYNTAX);
}

static void mail_addresses(void **state)
{
    char address[300] = "";

    (void)state;
    for (int i = 0; i < 64; i++)
        strcat(address, "a");
    strcat(address, "@");
    while (strlen(address) < MAIL_ADDRESS_MAX - 1)
        strcat(address, strlen(address) % 2 == 0 ? "." : "b");
    strcat(address, "b");
    assert_int_equal(strlen(address), MAIL_ADDRESS_MAX);
    assert_int_equal(mail_address_check(slice_of(address)), 0);
    strcat(address, "b");
    assert_int_equal(mail_address_check(slice_of(address)), E_SYNTAX);
}

static void put_language(const char *name, bool there)
{
    char path[128], file[192];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    (void)snprintf(file, sizeof(file), "%s/code.txt", path);
    if (there) {
        assert_int_equal(mkdir(path, 0700), 0);
        write_file(file, "Subject: s\n\nb\n");
    } else {
        assert_int_equal(unlink(file), 0);
        assert_int_equal(rmdir(path), 0);
    }
}

static void languages_of_mails(void **state)
{
    static const struct template_kind kind = {"code", {NULL}, false};
    struct templates *templates = NULL;
    char wrong[512], name[8];

    (void)state;
    put_language("en", true);
    for (int i = 1; i <= TEMPLATE_LANGUAGES; i++) {
        (void)snprintf(name, sizeof(name), "%c%c", 'f' + i / 26, 'a' + i % 26);
        put_language(name, true);
        if (i < TEMPLATE_LANGUAGES - 1)
            continue;
        if (i == TEMPLATE_LANGUAGES - 1)
            put_language("abcdefghijklmnopq", true); /* no language: passed over */
        assert_int_equal(templates_load(folder, &kind, 1, &templates, wrong, sizeof(wrong)),
                         i < TEMPLATE_LANGUAGES ? 0 : E_LIMIT);
        if (i < TEMPLATE_LANGUAGES)
            templates_free(templates);
    }
    assert_non_null(strstr(wrong, "too many languages"));
    put_language("en", false);
    put_language("abcdefghijklmnopq", false);
    for (int i = 1; i <= TEMPLATE_LANGUAGES; i++) {
        (void)snprintf(name, sizeof(name), "%c%c", 'f' + i / 26, 'a' + i % 26);
        put_language(name, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_file),       cmocka_unit_test(base64_texts),
        cmocka_unit_test(pins_and_codes),     cmocka_unit_test(mail_addresses),
        cmocka_unit_test(languages_of_mails),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
