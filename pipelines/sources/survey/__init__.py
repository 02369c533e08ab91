"""Surveys: what people answered, wave by wave. Each kind is one way a survey tool writes its responses."""

from pipelines.sources.connection import Connection
from pipelines.sources.survey.form_csv import FormCsv
from pipelines.sources.survey.google_sheets import GoogleSheets
from pipelines.sources.survey.graphql import GraphqlSurvey
from pipelines.sources.survey.odk import Odk
from pipelines.sources.survey.qualtrics import Qualtrics
from pipelines.sources.survey.qualtrics_csv import QualtricsCsv
from pipelines.sources.survey.rest import RestSurvey
from pipelines.sources.survey.surveymonkey import SurveyMonkey
from pipelines.sources.survey.surveymonkey_csv import SurveyMonkeyCsv
from pipelines.sources.survey.typeform import Typeform

KINDS: dict[str, type[Connection]] = {
    "form_csv": FormCsv,
    "qualtrics_csv": QualtricsCsv,
    "surveymonkey_csv": SurveyMonkeyCsv,
    "google_sheets": GoogleSheets,
    "graphql": GraphqlSurvey,
    "odk": Odk,
    "qualtrics": Qualtrics,
    "rest": RestSurvey,
    "surveymonkey": SurveyMonkey,
    "typeform": Typeform,
}
