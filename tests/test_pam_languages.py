#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The prompts of the PAM modules in English, Danish and Italian, in su, which chooses its locale itself,
# and in pamtester, which chooses none; and by the LANG that an earlier module of the stack has set. The
# locales are made for the test, in a /usr/lib/locale of its own.
import os
import re
import subprocess
import unittest

import pexpect

import programs
from gateway import BUILD, make_value, person
from people import mailed_code, password
from programs import Talk, become, environment, people_gateway, write

LOCALES = ("da_DK", "it_IT", "fr_FR")
WORDS = {
    "en": ("Password: ", "Current password: ", "New password: ", "Retype new password: ",
           "The two passwords are not the same.", "Code: ", "A code was sent to", "secret is wrong"),
    "da": ("Adgangskode: ", "Nuværende adgangskode: ", "Ny adgangskode: ", "Gentag ny adgangskode: ",
           "De to adgangskoder er ikke ens.", "Kode: ", "Der er sendt en kode til", "koden er forkert"),
    "it": ("Password: ", "Password attuale: ", "Nuova password: ", "Ripeti la nuova password: ",
           "Le due password non coincidono.", "Codice: ", "Un codice è stato inviato a", "segreto è errato"),
}
LANGUAGES = {"C.UTF-8": "en", "da_DK.UTF-8": "da", "it_IT.UTF-8": "it", "fr_FR.UTF-8": "en", "xx_XX.UTF-8": "en"}
PEOPLE = ["l%d" % i for i in range(8)]
gateway = users = None


def setUpModule():
    global gateway, users
    folder = "/run/locale"
    os.mkdir(folder, 0o755)
    subprocess.run(["cp", "-a", "/usr/lib/locale/.", folder], check=True)
    subprocess.run(["mount", "--bind", folder, "/usr/lib/locale"], check=True)
    for name in LOCALES:
        subprocess.run(["localedef", "--no-archive", "-c", "-i", name, "-f", "UTF-8",
                        os.path.join(folder, name + ".utf8")], check=False, capture_output=True)
        if not os.path.isdir(os.path.join(folder, name + ".utf8")):
            raise AssertionError("localedef did not make " + name)
    place = make_value("localedir")
    if not os.path.isdir(place):  # only a mount point; the parent is the first folder that is there
        programs.cover(place)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place], check=True)
    for language in ("da", "it"):
        target = os.path.join(place, language, "LC_MESSAGES")
        os.makedirs(target)
        subprocess.run(["cp", os.path.join(BUILD, "po", language, "usher.mo"), target], check=True)
    gateway = people_gateway(PEOPLE, mail=True)
    users = programs.add_users(PEOPLE)
    for name in ("su", "web", "login"):
        write("/etc/pam.d/" + name, programs.stack(gateway, name))
    write("/etc/pam.d/passwords", re.sub("(?m)^auth .*|^account .*", "", programs.stack(gateway, "sudo")))


def tearDownModule():
    if gateway is not None:
        gateway.stop()


class Languages(unittest.TestCase):
    def start(self, command, **more):
        talk = Talk(command, **more)
        self.addCleanup(talk.stop)
        return talk

    def expect(self, talk, word):
        if talk.expect_exact([word, pexpect.EOF]) == 1:
            self.fail("%r instead of %r" % (talk.heard.text(), word))

    def test_prompts(self):
        """Of pamtester, and the daemon's refusal in the same language."""
        for locale, language in LANGUAGES.items():
            with self.subTest(locale):
                words = WORDS[language]
                talk = self.start(["pamtester", "web", "l0", "authenticate"], env=environment(LC_ALL=locale))
                self.expect(talk, words[0])
                talk.sendline("wrong")
                # the daemon needs no locale of this machine: it knows the tag
                self.expect(talk, words[7] if locale != "xx_XX.UTF-8" else "wrong")
                talk.end()

    def test_changing(self):
        for locale, language in LANGUAGES.items():
            with self.subTest(locale):
                words = WORDS[language]
                talk = self.start(["pamtester", "passwords", "l1", "chauthtok"], env=environment(LC_ALL=locale))
                for word, reply in ((words[1], password("l1")), (words[2], "new-one-9"), (words[3], "another")):
                    self.expect(talk, word)
                    talk.sendline(reply)
                self.expect(talk, words[4])
                self.assertNotEqual(talk.end(), 0)

    def test_setuid_program(self):
        """su takes the locale of its caller; the module may not read the environment there."""
        for number, locale in enumerate(("da_DK.UTF-8", "it_IT.UTF-8", "C.UTF-8")):
            with self.subTest(locale):
                words, uid = WORDS[LANGUAGES[locale]], "l%d" % (2 + number)
                gateway.modify(person(uid), usherSecondFactor="email")
                talk = self.start(["su", uid, "-c", "echo let-in"], env=environment(LC_ALL=locale), preexec_fn=become(users["local"]))
                self.expect(talk, words[0])
                talk.sendline(password(uid))
                self.expect(talk, words[6])
                self.expect(talk, words[5])
                talk.sendline(mailed_code(gateway, uid))
                self.expect(talk, "let-in")

    def test_language_of_the_stack(self):
        """pam_env before us says what the session will have."""
        write("/etc/environment-da", "LANG=da_DK.UTF-8\n")
        text = re.search(r"(?m)^auth.*pam_usher_password.*", programs.stack(gateway, "web")).group()
        write("/etc/pam.d/danish", "auth required pam_env.so readenv=1 envfile=/etc/environment-da\n" + text + "\n")
        # pam_env sets its variables in setcred; pamtester does that on request
        talk = self.start(["pamtester", "danish", "l0", "setcred(PAM_ESTABLISH_CRED)", "authenticate"],
                          env=environment(LC_ALL="it_IT.UTF-8"))
        self.expect(talk, "Adgangskode: ")
        talk.sendline(password("l0"))
        self.assertEqual(talk.end(), 0)


if __name__ == "__main__":
    programs.private_etc()
    unittest.main()
