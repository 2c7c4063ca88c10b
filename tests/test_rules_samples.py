#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
#
# The people of conf/sample: what a newcomer may try out, asked at the naive evaluator and over LDAP
# Compare. A line: person, organization, query, answer.
import sys

from gateway import Gateway
from models import replay
from models.tables import Cell
from models.world import World

QUESTIONS = """
ada    acme       manage-account:create                        allow
sue    acme       manage-account:create                        deny
petra  harbour    billing:update                               allow
petra  harbour    terminal:login                               deny
bo     harbour    page.reports:open                            allow
bo     harbour    cash:close                                   allow
bo     harbour    directory.user:create                        deny
carla  harbour    page.bookings:open                           allow
carla  harbour    page.products:open                           deny
carla  harbour    cash:view                                    allow
carla  harbour    cash:close                                   deny
carla  harbour    refund:create                                deny
nils   harbour    directory.user:create                        allow
nils   harbour    boxoffice:manual-price                       allow
dan    harbour    terminal:login                               allow
dan    harbour    backoffice:login                             deny
eli    harbour    boxoffice:sell                               allow
fay    harbour    terminal:login                               deny
olga   riverfest  org:payout                                   allow
olga   riverfest  orders:manage@event/jazz-day                 allow
olga   brass-club org:payout                                   deny
max    riverfest  event:details@event/opening-night            allow
max    riverfest  org:details                                  deny
chen   riverfest  gate:check-in;channel=app                    allow
chen   riverfest  event:details@event/jazz-day                 deny
rosa   riverfest  org:details                                  allow
rosa   riverfest  gate:exceed-order-limits@event/jazz-day;channel=app      allow
rosa   riverfest  gate:exceed-order-limits@event/opening-night;channel=app deny
hugo   riverfest  gate:check-in@event/jazz-day                 allow
hugo   riverfest  gate:check-in@event/opening-night            deny
hugo   riverfest  gate:checkin-data-basic@event/jazz-day       deny
hugo   riverfest  gate:checkin-data-basic@event/jazz-day;channel=app       allow
iris   riverfest  directory.user:create@event/jazz-day         allow
iris   riverfest  directory.user:create                        deny
ivo    brass-club org:details                                  allow
ivo    riverfest  org:details                                  deny
ivo    riverfest  finance:dashboards@event/brass-club/gala     allow
ivo    brass-club finance:dashboards@event/riverfest/jazz-day  deny
freja  opera      event:edit@event/tosca                       allow
freja  opera      event:edit@event/ballet/swan-lake            allow
freja  opera      event:edit@event/orchestra/mahler-2          allow
freja  ballet     event:edit@event/swan-lake                   deny
sven   ballet     ticket:sell@event/giselle                    allow
sven   ballet     ticket:sell@event/opera/tosca                deny
sven   ballet     payment:use@payment/invoice                  allow
sven   ballet     payment:use@payment/cash                     deny
karen  opera      report.access-rights:view                    allow
karen  opera      ticket:sell                                  deny
mads   opera      administration.customers.tags:open           allow
lone   orchestra  dashboard.access-control:view                allow
jens   opera      dashboard.organizer-dashboard:view@event/tosca            allow
jens   opera      dashboard.organizer-dashboard:view@event/ballet/swan-lake allow
jens   opera      dashboard.organizer-dashboard:view@event/carmen           deny
inger  ballet     ticket:sell                                  allow
inger  ballet     product:sell                                 deny
ole    ballet     directory.user:create                        allow
ole    ballet     ticket:sell@event/giselle                    allow
ole    ballet     ticket:sell@event/swan-lake                  deny
asta   ballet     ticket:sell                                  allow
asta   opera      ticket:sell                                  deny
asta   opera      product:sell@event/ballet/giselle            allow
asta   orchestra  event:edit@event/mahler-2                    allow
asta   orchestra  event:edit@event/ballet/swan-lake            deny
asta   orchestra  ticket:sell@event/ballet/swan-lake           allow
asta   orchestra  ticket:sell@event/ballet/giselle             deny
emil   orchestra  event:edit@event/ballet/swan-lake            allow
emil   opera      seat:allocate@event/carmen                   allow
emil   opera      seat:allocate@event/tosca                    deny
emil   opera      ticket:sell                                  deny
giulia museum     section.users:open                           allow
luca   museum     section.reports:open                         allow
luca   museum     section.users:open                           deny
luca   museum     app:login                                    allow
luca   gallery    backoffice:login                             allow
luca   gallery    app:login                                    deny
anna   museum     app:login                                    allow
anna   museum     backoffice:login                             deny
paolo  museum     app:login                                    deny
marta  gallery    directory.user:create                        allow
marta  museum     backoffice:login                             deny
vera   museum     section.users:open                           allow
"""


def cells():
    for line in QUESTIONS.strip().splitlines():
        uid, organization, query, answer = line.split()
        yield Cell("sample", uid, organization, query, {"allow": True, "deny": False}[answer])


def main():
    asked = list(cells())
    wrong = replay.judge("naive evaluator", asked, replay.ask_naive(asked, World().ldif()))
    with Gateway(load=replay.FILES) as gateway, gateway.backoffice() as link:
        wrong += replay.judge("gateway", asked, replay.ask_gateway(link, asked))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
