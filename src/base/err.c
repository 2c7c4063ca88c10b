/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <errno.h>
#include <stddef.h>

static const struct err_row {
    const char *name;
    int number;
    int ldap;
    int pam;
    const char *text;
} rows[] = {
#define X(name, number, ldap, pam, text) {#name, number, ldap, pam, text},
    E_TABLE(X)
#undef X
};

static const struct err_row *err_row(int err)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].number == -err)
            return &rows[i];
    return NULL;
}

const char *err_text(int err)
{
    const struct err_row *row = err_row(err);

    return err == 0 ? "success" : row != NULL ? row->text : "unknown error";
}

const char *err_name(int err)
{
    const struct err_row *row = err_row(err);

    return err == 0 ? "success" : row != NULL ? row->name : "unknown error";
}

int err_ldap(int err)
{
    const struct err_row *row = err_row(err);

    return err == 0 ? 0 : row != NULL ? row->ldap : 80;
}

int err_pam(int err)
{
    const struct err_row *row = err_row(err);

    return err == 0 ? 0 : row != NULL ? row->pam : 4;
}

int err_errno(int number)
{
    switch (number) {
    case 0:
        return 0;
    case ENOMEM:
        return E_NOMEM;
    case ENOENT:
        return E_NOTFOUND;
    case EEXIST:
        return E_EXISTS;
    case EACCES:
    case EPERM:
        return E_ACCESS;
    case ETIMEDOUT:
        return E_TIMEOUT;
    case ECONNREFUSED:
        return E_UNAVAIL;
    default:
        return E_IO;
    }
}
