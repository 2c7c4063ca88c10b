/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Example for libusher(3): whether people may do something in an organization.
 *
 *     cc -o check check.c $(pkg-config --cflags --libs usher)
 *     ./check acme tickets:delete ada sue
 *
 * Exit status: 0 yes for everybody, 1 no for somebody, 2 cannot tell.
 */
#include <usher.h>

#include <stdio.h>
#include <unistd.h>

/* Prints one answer. Whatever is neither yes nor no means "cannot tell", and is never taken for
 * yes. */
static int check_print(struct usher *usher, const char *organization, const char *user,
                       struct usher_permission *permission)
{
    int rc = usher_permission_check(usher, organization, user, permission);

    if (rc == 0) {
        printf("%s: yes\n", user);
        return 0;
    }
    if (rc == USHER_DENIED || rc == USHER_STEPUP) {
        printf("%s: %s\n", user, rc == USHER_DENIED ? "no" : "not without a second factor");
        return 1;
    }
    fprintf(stderr, "%s: cannot tell: %s\n", user, usher_strerror(rc));
    return 2;
}

int main(int argc, char **argv)
{
    struct usher_options options = {.timeout_ms = 2000}; /* the rest as usual */
    struct usher_permission *permission = NULL;
    struct usher *usher = NULL;
    int option, rc, status = 0;

    while ((option = getopt(argc, argv, "s:r:")) != -1) {
        if (option == 's')
            options.uri = optarg;
        else if (option == 'r')
            options.rights = optarg;
        else
            return 2;
    }
    if (argc - optind < 3) {
        fprintf(stderr, "usage: check [-s SOCKET] [-r TABLE] ORGANIZATION QUERY USER...\n");
        return 2;
    }
    rc = usher_permission_resolve(argv[optind + 1], &permission);
    if (rc == 0)
        rc = usher_open(&options, &usher);
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", argv[optind + 1], usher_strerror(rc));
        status = 2;
    }
    for (int i = optind + 2; rc == 0 && i < argc; i++) {
        int one = check_print(usher, argv[optind], argv[i], permission);

        status = one > status ? one : status;
    }
    usher_close(usher);
    usher_permission_free(permission);
    return status;
}
