/* SPDX-License-Identifier: BSD-2-Clause */
#include "server/supervisor.h"
#include "base/err.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int supervisor_tell(const char *lines)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name != NULL ? strlen(name) : 0;
    ssize_t sent;
    int fd;

    if (len == 0)
        return 0;
    if ((name[0] != '/' && name[0] != '@') || len >= sizeof(address.sun_path))
        return E_LIMIT;
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return E_IO;
    sent = sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    (void)close(fd);
    return sent < 0 ? E_IO : 0;
}
