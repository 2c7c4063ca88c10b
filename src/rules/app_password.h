/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Application passwords (DESIGN 3): for programs that log in again and again. One is good in place
 * of the password, without a second factor, in the organization and for the service that it was
 * made for: the service is "ldap" for a simple Bind, whose session is then held to that
 * organization; else the bound service, or the PAM service that a trusted peer names. Nothing is
 * counted: they cannot be guessed, and a lock on the password stops no program.
 */
#ifndef USHER_RULES_APP_PASSWORD_H
#define USHER_RULES_APP_PASSWORD_H

#include "rules/login.h"

#define APP_PASSWORDS_MAX 32 /* of one person */
#define APP_PASSWORD_BIND "ldap"

/* Whether what was given as a password is an application password of the person, and settled as
 * one: then the login has its answer. False: it is to be checked as a password. */
bool app_password_login(const struct login_context *context, struct login *login);

#endif
