/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/text.h"

#include <stddef.h>
#include <strings.h>

static const struct {
    const char *language;
    const char *text[TEXTS];
} languages[] = {
    {"en",
     {
         [TEXT_REFUSED] = "The user name or the secret is wrong.",
         [TEXT_UNAVAILABLE] = "The login cannot be checked at the moment. Please try again later.",
         [TEXT_CODE_NEEDED] = "A code is needed to complete the login.",
         [TEXT_ENROLL_NEEDED] = "A second factor is required, but none is set up for you yet.",
         [TEXT_MUST_CHANGE] = "The password has to be changed now.",
         [TEXT_NOT_A_MEMBER] = "You are not a member of this organization.",
         [TEXT_INACTIVE] = "This account is not active.",
         [TEXT_LACKS_PERMISSION] = "You do not have the right to log in here.",
         [TEXT_CODE_TOO_SOON] = "A code was asked for less than a minute ago.",
         [TEXT_MAIL_FAILED] = "The code could not be sent. Please try again later.",
         [TEXT_RECOVERY_LEFT] = "Recovery codes left:",
         [TEXT_TOO_MANY_CODES] = "Too many codes were asked for. Please try again later.",
         [TEXT_TOKEN_REFUSED] =
             "This link or token is not valid any more. Please ask for a new one.",
         [TEXT_TOKEN_CLAIMED] =
             "This link or token is being used at the moment. Please try again in a minute.",
         [TEXT_TOKEN_TOO_SOON] = "A mail was asked for less than a minute ago.",
         [TEXT_TOO_MANY_TOKENS] = "Too many mails were asked for. Please try again later.",
     }},
    {"da",
     {
         [TEXT_REFUSED] = "Brugernavnet eller koden er forkert.",
         [TEXT_UNAVAILABLE] = "Login kan ikke kontrolleres lige nu. Prøv igen senere.",
         [TEXT_CODE_NEEDED] = "Der skal bruges en kode for at fuldføre login.",
         [TEXT_ENROLL_NEEDED] = "Der kræves to-faktor-login, men det er ikke sat op for dig endnu.",
         [TEXT_MUST_CHANGE] = "Adgangskoden skal ændres nu.",
         [TEXT_NOT_A_MEMBER] = "Du er ikke medlem af denne organisation.",
         [TEXT_INACTIVE] = "Denne konto er ikke aktiv.",
         [TEXT_LACKS_PERMISSION] = "Du har ikke ret til at logge ind her.",
         [TEXT_CODE_TOO_SOON] = "Der blev bedt om en kode for mindre end et minut siden.",
         [TEXT_MAIL_FAILED] = "Koden kunne ikke sendes. Prøv igen senere.",
         [TEXT_RECOVERY_LEFT] = "Gendannelseskoder tilbage:",
         [TEXT_TOO_MANY_CODES] = "Der er bedt om for mange koder. Prøv igen senere.",
         [TEXT_TOKEN_REFUSED] = "Linket eller koden fra mailen gælder ikke længere. Bed om en ny.",
         [TEXT_TOKEN_CLAIMED] =
             "Linket eller koden fra mailen er ved at blive brugt. Prøv igen om et minut.",
         [TEXT_TOKEN_TOO_SOON] = "Der blev bedt om en mail for mindre end et minut siden.",
         [TEXT_TOO_MANY_TOKENS] = "Der er bedt om for mange mails. Prøv igen senere.",
     }},
    {"it",
     {
         [TEXT_REFUSED] = "Il nome utente o il segreto è errato.",
         [TEXT_UNAVAILABLE] = "Al momento non è possibile verificare l'accesso. Riprova più tardi.",
         [TEXT_CODE_NEEDED] = "Serve un codice per completare l'accesso.",
         [TEXT_ENROLL_NEEDED] = "È richiesto un secondo fattore, ma non è ancora configurato.",
         [TEXT_MUST_CHANGE] = "La password deve essere cambiata adesso.",
         [TEXT_NOT_A_MEMBER] = "Non fai parte di questa organizzazione.",
         [TEXT_INACTIVE] = "Questo account non è attivo.",
         [TEXT_LACKS_PERMISSION] = "Non hai il diritto di accedere qui.",
         [TEXT_CODE_TOO_SOON] = "Un codice è stato richiesto meno di un minuto fa.",
         [TEXT_MAIL_FAILED] = "Non è stato possibile inviare il codice. Riprova più tardi.",
         [TEXT_RECOVERY_LEFT] = "Codici di recupero rimasti:",
         [TEXT_TOO_MANY_CODES] = "Sono stati richiesti troppi codici. Riprova più tardi.",
         [TEXT_TOKEN_REFUSED] = "Questo link o codice non è più valido. Chiedine uno nuovo.",
         [TEXT_TOKEN_CLAIMED] =
             "Questo link o codice è in uso in questo momento. Riprova tra un minuto.",
         [TEXT_TOKEN_TOO_SOON] = "Un'e-mail è stata richiesta meno di un minuto fa.",
         [TEXT_TOO_MANY_TOKENS] = "Sono state richieste troppe e-mail. Riprova più tardi.",
     }},
};

const char *text_in(const char *language, enum text text)
{
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
        if (strncasecmp(languages[i].language, language, 2) == 0 &&
            (language[2] == '\0' || language[2] == '-' || language[2] == '_'))
            return languages[i].text[text];
    return languages[0].text[text];
}
