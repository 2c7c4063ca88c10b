/* SPDX-License-Identifier: BSD-2-Clause
 *
 * usher-chkpwd(8) at the other end of a socket pair, in the place of usherd. It goes into the
 * background at once, so waiting for it is short, and ends with its socket. No handler of the host
 * is touched: whether it ignores or reaps its children makes no difference here.
 */
#include "pam_usher.h"
#include "base/err.h"
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs it with its end of the pair as standard input and nothing else open. */
static int helper_spawn(int input)
{
    static char *const nothing[] = {NULL};
    char name[] = "usher-chkpwd", *const arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return E_NOMEM;
    error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    for (int fd = STDOUT_FILENO; error == 0 && fd <= STDERR_FILENO; fd++)
        error = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (error == 0)
        error =
            posix_spawn(&pid, USHER_LIBEXECDIR "/usher-chkpwd", &actions, NULL, arguments, nothing);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return error == ENOMEM ? E_NOMEM : E_ACCESS;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return 0;
}

int pam_usher_helper(const struct pam_usher *call, int64_t deadline_ms, struct client **ret)
{
    int pair[2], rc;

    if (strcmp(call->options.socket, PAM_USHER_SOCKET) != 0)
        return E_ACCESS;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return E_IO;
    rc = helper_spawn(pair[1]);
    (void)close(pair[1]);
    if (rc == 0)
        rc = client_take(pair[0], deadline_ms, ret);
    if (rc < 0)
        (void)close(pair[0]);
    return rc;
}
