"""Fills the questionnaire: `python seed.py make` makes it, its four questions and a token that may read and nothing else;
`python seed.py FROM TO` hands in the submissions numbered FROM to TO - 1, one every other hour, each with four answers.

No answer of pretalx's API says when it was given. So the day is a question of its own, as in a real questionnaire.
"""

import os
import sys
from datetime import UTC, date, datetime, timedelta

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pretalx.settings")
django.setup()

from django_scopes import scopes_disabled  # noqa: E402
from pretalx.event.models import Event, Organiser, Team  # noqa: E402
from pretalx.person.models import User  # noqa: E402
from pretalx.person.models.auth_token import UserApiToken  # noqa: E402
from pretalx.submission.models import Answer, AnswerOption, Question, Submission  # noqa: E402

READABLE = ("submissions", "questions", "question-options", "answers", "events")


def make() -> None:
    call_command("migrate", verbosity=0)
    organiser = Organiser.objects.create(name="Minamo", slug="minamo")
    today = date.today()
    where = {"date_from": today, "date_to": today, "timezone": "Asia/Tokyo", "locale": "en", "locale_array": "en,ja"}
    event = Event.objects.create(name="Pulse", slug="pulse", organiser=organiser, email="a@example.com", is_public=True, **where)
    event.build_initial_data()
    user = User.objects.create_user(email="reader@example.com", password="pw", is_administrator=True)
    rights = {field.name: True for field in Team._meta.get_fields() if field.name.startswith("can_")}
    team = Team.objects.create(name="readers", organiser=organiser, all_events=True, **rights)
    team.members.add(user)
    token = UserApiToken.objects.create(user=user, name="pull")
    token.events.add(event)
    token.endpoints = {name: ["list", "retrieve"] for name in READABLE}
    token.version = "v1"
    token.save()
    Question.objects.create(event=event, question="How likely would you recommend us?", variant="number", target="submission")
    choice = Question.objects.create(event=event, question="Where did you hear of us?", variant="choices", target="submission")
    for name in ("shop", "friends", "posts"):
        AnswerOption.objects.create(question=choice, answer=name)
    Question.objects.create(event=event, question="What could be better?", variant="text", target="submission")
    Question.objects.create(event=event, question="When did you visit?", variant="datetime", target="submission")


def hand_in(first: int, end: int) -> None:
    event = Event.objects.get(slug="pulse")
    number, choice, text, visited = Question.all_objects.filter(event=event).order_by("pk")
    options = list(choice.options.order_by("pk"))
    now = datetime.now(UTC)
    for index in range(first, end):
        form = Submission.objects.create(
            event=event, title=f"Form {index}", submission_type=event.cfp.default_type, state="submitted"
        )
        Answer.objects.create(question=number, submission=form, answer=str(index % 11))
        chosen = Answer.objects.create(question=choice, submission=form, answer=options[index % 3].answer)
        chosen.options.add(options[index % 3])
        Answer.objects.create(question=text, submission=form, answer="more tea" * (index % 5 + 1))
        when = now - timedelta(hours=2 * (end - 1 - index))
        Answer.objects.create(question=visited, submission=form, answer=when.isoformat(timespec="seconds"))


with scopes_disabled():
    make() if sys.argv[1] == "make" else hand_in(int(sys.argv[1]), int(sys.argv[2]))
