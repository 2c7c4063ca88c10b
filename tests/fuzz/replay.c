/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The main program of a fuzz target where libFuzzer is not linked: every file of the target's
 * corpora, whole and cut off at every byte, or the files named as arguments, whole. The program
 * fuzz_NAME reads $srcdir/tests/fuzz/corpus/NAME and, where there is one, $srcdir/tests/corpus/NAME
 * (srcdir: "." when not set). An empty corpus is an error. libFuzzer's own main goes before this.
 */
#include "fuzz.h"

#include <dirent.h>
#include <libgen.h>

#define FILE_MAX   65536
#define PREFIX_MAX 4096 /* bytes of a file that is also replayed cut off */

/* Files are few and small; an input must never write to its bytes, so each run has its own copy. */
static void replay(const char *path, bool prefixes)
{
    static char bytes[FILE_MAX + 1];
    FILE *in = fopen(path, "rb");
    size_t size;

    if (in == NULL) {
        perror(path);
        exit(2);
    }
    size = fread(bytes, 1, sizeof(bytes), in);
    (void)fclose(in);
    HOLDS(size <= FILE_MAX);
    for (size_t len = prefixes && size <= PREFIX_MAX ? 0 : size; len <= size; len++) {
        char *copy = exact_copy(bytes, len);

        HOLDS(LLVMFuzzerTestOneInput((const uint8_t *)copy, len) == 0);
        HOLDS(memcmp(copy, bytes, len) == 0);
        free(copy);
    }
}

static size_t replay_folder(const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort);
    size_t done = 0;

    for (int i = 0; i < count; i++) {
        char path[4096];

        if (names[i]->d_name[0] != '.') {
            (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
            replay(path, true);
            done++;
        }
        free(names[i]);
    }
    free(names);
    return done;
}

__attribute__((weak)) int main(int argc, char **argv)
{
    static const char *const folders[] = {"fuzz/corpus", "corpus"};
    const char *srcdir = getenv("srcdir");
    char *name = strchr(basename(argv[0]), '_');
    size_t done = 0;

    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            replay(argv[i], false);
        return 0;
    }
    HOLDS(name != NULL);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char folder[2048];

        (void)snprintf(folder, sizeof(folder), "%s/tests/%s/%s", srcdir != NULL ? srcdir : ".",
                       folders[i], name + 1);
        done += replay_folder(folder);
    }
    printf("%zu files\n", done);
    if (done == 0)
        fprintf(stderr, "no corpus for %s\n", name + 1);
    return done > 0 ? 0 : 1;
}
