/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replays the corpus (tests/corpus, see make_corpus.py for what the names mean): every file, every
 * prefix of each, random strings and mutated files. The corpus lies below $srcdir (default ".");
 * the seed is $SEED or 1.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "exercise_message.h"

#include <dirent.h>

#define FILES_MAX    1024
#define FILE_MAX     65536
#define RANDOM_COUNT 10000
#define MUTATIONS    10000

struct file {
    char name[128];
    char *data;
    size_t len;
};

struct corpus {
    struct file files[FILES_MAX];
    size_t count;
    size_t exops; /* the files from here on are values of extended operations */
    uint64_t seed;
};

static struct corpus corpus;

static uint64_t next_random(void)
{
    corpus.seed ^= corpus.seed << 13;
    corpus.seed ^= corpus.seed >> 7;
    corpus.seed ^= corpus.seed << 17;
    return corpus.seed;
}

static size_t below(size_t bound)
{
    return (size_t)(next_random() >> 11) % bound;
}

static int read_file(const char *folder, const char *name)
{
    struct file *file = &corpus.files[corpus.count];
    char path[4096];
    FILE *in;

    HOLDS(corpus.count < FILES_MAX);
    HOLDS(strlen(name) < sizeof(file->name));
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    in = fopen(path, "rb");
    if (in == NULL)
        return -1;
    strcpy(file->name, name);
    file->data = malloc(FILE_MAX);
    HOLDS(file->data != NULL);
    file->len = fread(file->data, 1, FILE_MAX, in);
    (void)fclose(in);
    HOLDS(file->len < FILE_MAX);
    corpus.count++;
    return 0;
}

static int only_bin(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && strcmp(entry->d_name + len - 4, ".bin") == 0;
}

static int read_folder(const char *which)
{
    const char *srcdir = getenv("srcdir");
    struct dirent **names = NULL;
    char folder[2048];
    int count, rc = 0;

    (void)snprintf(folder, sizeof(folder), "%s/tests/corpus/%s", srcdir != NULL ? srcdir : ".",
                   which);
    count = scandir(folder, &names, only_bin, alphasort);
    if (count < 0) {
        fprintf(stderr, "no corpus in %s\n", folder);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (rc == 0)
            rc = read_file(folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return rc;
}

static int corpus_setup(void **state)
{
    const char *seed = getenv("SEED");
    int rc;

    (void)state;
    corpus.seed = seed != NULL ? strtoull(seed, NULL, 0) : 1;
    if (corpus.seed == 0)
        corpus.seed = 1;
    printf("seed %llu\n", (unsigned long long)corpus.seed);
    rc = read_folder("message");
    corpus.exops = corpus.count;
    return rc < 0 ? rc : read_folder("exop");
}

static int corpus_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus.count; i++)
        free(corpus.files[i].data);
    return 0;
}

/* What the start of a file's name says of both decoders. */
static const struct expectation {
    const char *prefix;
    int request;
    int response;
} expectations[] = {
    {"ok-", 0, E_PROTO},          {"bad-", E_PROTO, E_PROTO},
    {"limit-", E_LIMIT, E_PROTO}, {"syntax-", E_SYNTAX, E_PROTO},
    {"resp-", E_PROTO, 0},        {"respbad-", E_PROTO, E_PROTO},
};

static const struct expectation *expectation_find(const char *name)
{
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++)
        if (strncmp(name, expectations[i].prefix, strlen(expectations[i].prefix)) == 0)
            return &expectations[i];
    return NULL;
}

static void messages_mean_what_their_names_say(void **state)
{
    size_t encoded_count = 0;

    (void)state;
    assert_true(corpus.exops >= 80);
    for (size_t i = 0; i < corpus.exops; i++) {
        const struct file *file = &corpus.files[i];
        const struct expectation *expected = expectation_find(file->name);
        struct buffer encoded = {0};
        int request, response;

        assert_non_null(expected);
        request = exercise_request(file->data, file->len, &encoded);
        response = exercise_response(file->data, file->len);
        if (request != expected->request || response != expected->response)
            fail_msg("%s: %s, %s", file->name, err_name(request), err_name(response));
        if (encoded.len > 0 && strstr(file->name, "-ber-") == NULL) {
            if (encoded.len != file->len || memcmp(encoded.data, file->data, file->len) != 0)
                fail_msg("%s: encoded differently", file->name);
            encoded_count++;
        }
        buffer_clear(&encoded);
        exercise_all(file->data, file->len);
    }
    assert_true(encoded_count >= 40);
}

static void exops_mean_what_their_names_say(void **state)
{
    (void)state;
    assert_true(corpus.count - corpus.exops >= 80);
    for (size_t i = corpus.exops; i < corpus.count; i++) {
        const struct file *file = &corpus.files[i];
        size_t name_len = strcspn(file->name, ".");
        bool ok = strncmp(file->name + name_len, ".ok-", 4) == 0;
        bool found = false;

        for (size_t j = 0; j < EXOP_CODEC_COUNT; j++) {
            if (strlen(exop_codecs[j].name) != name_len ||
                strncmp(exop_codecs[j].name, file->name, name_len) != 0)
                continue;
            found = true;
            if (exercise_exop(&exop_codecs[j], file->data, file->len) != (ok ? 0 : E_PROTO))
                fail_msg("%s", file->name);
        }
        assert_true(found);
        exercise_all(file->data, file->len);
    }
}

static void prefixes_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus.exops; i++) {
        const struct file *file = &corpus.files[i];
        bool whole = strncmp(file->name, "ok-", 3) == 0 || strncmp(file->name, "resp-", 5) == 0;

        for (size_t len = 0; len < file->len; len++) {
            size_t needed = 0;
            char *bytes = exact_copy(file->data, len);
            int rc = message_length(bytes, len, 1 << 24, &needed);

            free(bytes);
            if (whole)
                assert_true(rc == E_AGAIN || (rc == 0 && needed == file->len));
            if (whole) {
                struct buffer encoded = {0};

                assert_int_equal(exercise_request(file->data, len, &encoded), E_PROTO);
                assert_int_equal(exercise_response(file->data, len), E_PROTO);
                buffer_clear(&encoded);
            } else {
                exercise_all(file->data, len);
            }
        }
    }
    for (size_t i = corpus.exops; i < corpus.count; i++)
        for (size_t len = 0; len < corpus.files[i].len; len++)
            exercise_all(corpus.files[i].data, len);
}

/* Half of them begin like a message of the right length, so that they get further. */
static void random_strings_are_survived(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_COUNT; i++) {
        char bytes[600];
        size_t len = below(i % 4 == 0 ? sizeof(bytes) : 100);

        for (size_t j = 0; j < len; j++)
            bytes[j] = (char)next_random();
        if (i % 2 == 0 && len >= 8 && len < 130) {
            memcpy(bytes, "\x30\x00\x02\x01\x01", 5);
            bytes[1] = (char)(len - 2);
            bytes[5] = "\x60\x63\x66\x68\x6c\x6e\x77\x64\x6f\x78"[below(10)];
            bytes[6] = (char)(len - 7);
        }
        exercise_all(bytes, len);
    }
}

static void mutate(char *bytes, size_t *len, size_t room)
{
    size_t at = *len > 0 ? below(*len) : 0;
    size_t some = 1 + below(8);

    switch (*len > 0 ? below(6) : 3) {
    case 0:
        bytes[at] ^= (char)(1 << below(8));
        break;
    case 1:
        bytes[at] = (char)next_random();
        break;
    case 2: /* the values that lengths and numbers go wrong at */
        bytes[at] = "\x00\x7f\x80\x81\x84\xff\x01\x30"[below(8)];
        break;
    case 3: /* grows */
        if (*len + some > room)
            break;
        memmove(bytes + at + some, bytes + at, *len - at);
        for (size_t i = 0; i < some; i++)
            bytes[at + i] = (char)next_random();
        *len += some;
        break;
    case 4: /* shrinks */
        if (some > *len - at)
            some = *len - at;
        memmove(bytes + at, bytes + at + some, *len - at - some);
        *len -= some;
        break;
    default: /* a piece from elsewhere in it */
        if (some > *len - at)
            some = *len - at;
        memmove(bytes + at, bytes + below(*len - some + 1), some);
        break;
    }
}

static void mutations_are_survived(void **state)
{
    char *bytes = malloc(FILE_MAX + 64);
    size_t taken = 0;

    (void)state;
    assert_non_null(bytes);
    for (int i = 0; i < MUTATIONS; i++) {
        const struct file *file = &corpus.files[below(corpus.count)];
        size_t len = file->len;

        memcpy(bytes, file->data, len);
        for (size_t j = 1 + below(6); j > 0; j--)
            mutate(bytes, &len, FILE_MAX + 64);
        taken += exercise_all(bytes, len);
    }
    free(bytes);
    assert_in_range(taken, MUTATIONS / 100, 2 * MUTATIONS); /* they reach what lies behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_mean_what_their_names_say),
        cmocka_unit_test(exops_mean_what_their_names_say),
        cmocka_unit_test(prefixes_are_refused),
        cmocka_unit_test(random_strings_are_survived),
        cmocka_unit_test(mutations_are_survived),
    };

    return cmocka_run_group_tests(tests, corpus_setup, corpus_teardown);
}
