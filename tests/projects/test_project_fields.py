"""What setting up writes into a project: only what nobody decided."""

from __future__ import annotations

from typing import Any

import pytest

from backend.commands import serve
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelNames
from backend.label_studio.message_language import MESSAGE_LANGUAGES
from backend.projects import project_fields
from backend.projects.project_fields import EVER_WRITTEN, difference, digest, instructions, language_of, plan

FRESH: dict[str, Any] = {
    "enable_empty_annotation": True,
    "show_collab_predictions": True,
    "expert_instruction": "",
    "show_instruction": False,
    "sampling": "Sequential sampling",
}
"""As Label Studio makes a project."""

READY: dict[str, Any] = {
    "enable_empty_annotation": False,
    "show_collab_predictions": True,
    "expert_instruction": instructions("en"),
    "show_instruction": True,
    "sampling": "Uncertainty sampling",
}
"""As twinread sets one up."""

FIRST_ENGLISH = "8eb1bb0b1cb47885"


def planned(project: dict[str, Any], *update: str, untouched: bool = False) -> project_fields.Plan:
    return plan(project, project_fields.project_fields("en"), untouched=untouched, update=update)


def test_a_fresh_project_gets_everything_and_each_switch_is_named_with_its_reason() -> None:
    made = planned(FRESH, untouched=True)
    assert {**FRESH, **made.writes} == READY
    assert made.changes == (
        "Switched off 'Allow empty annotations': Ctrl+Enter on a page without predictions would store an "
        "empty page.",
        "Wrote 'Labeling instructions': they list the keys of the review.",
        "Switched on 'Show before labeling': the keys are on the screen when somebody begins.",
        "Set 'Task sampling' to 'Uncertainty sampling' (it was 'Sequential sampling'): the most doubtful "
        "page comes first.",
    )
    assert made.kept == ()


@pytest.mark.parametrize(
    ("theirs", "part", "told"),
    [
        pytest.param({"sampling": "Uniform sampling"}, "sampling", "at 'Uniform sampling'", id="sampling"),
        pytest.param(
            {"sampling": "Sequential sampling"}, "sampling", "at 'Sequential sampling'", id="the initial one"
        ),
        pytest.param({"show_instruction": False}, "instructions", "off", id="instructions not shown"),
        pytest.param({"enable_empty_annotation": True}, "empty-pages", "on", id="blank pages are submitted"),
        pytest.param({"show_collab_predictions": False}, "predictions", "off", id="people label blind"),
        pytest.param(
            {"expert_instruction": "<p>Mark seals.</p>"}, "instructions", "- Mark seals.", id="own words"
        ),
    ],
)
def test_what_a_person_set_is_kept_and_shown_until_its_part_is_asked_for(
    theirs: dict[str, Any], part: str, told: str
) -> None:
    kept = planned({**READY, **theirs})
    assert (kept.writes, kept.changes) == ({}, ())
    (sentence,) = kept.kept
    assert told in sentence
    assert f"--update {part}" in sentence

    other = next(name for name in ("config", "sampling", "empty-pages") if name != part)
    assert planned({**READY, **theirs}, other).writes == {}
    for asked in (part, "all"):
        replaced = planned({**READY, **theirs}, asked)
        assert {**READY, **theirs, **replaced.writes} == READY
        assert replaced.kept == ()


def test_own_instructions_of_a_fresh_project_stay_as_they_are_shown_or_not() -> None:
    made = planned({**FRESH, "expert_instruction": "Mark seals."}, untouched=True)
    assert set(made.writes) == {"enable_empty_annotation", "sampling"}


def test_instructions_that_are_replaced_on_request_are_printed_with_their_markup() -> None:
    (sentence,) = planned({**READY, "expert_instruction": "<p>Mark <b>seals</b>.</p>"}, "all").changes
    assert sentence.endswith("\n<p>Mark <b>seals</b>.</p>")


def test_every_text_that_was_ever_written_is_known_as_ours() -> None:
    assert FIRST_ENGLISH in EVER_WRITTEN
    assert len(EVER_WRITTEN) >= 8, "a text that is no longer written stays in the list"
    for language in MESSAGE_LANGUAGES:
        # whoever changes a text adds a line to EVER_WRITTEN; projects keep the text before
        assert EVER_WRITTEN[digest(instructions(language))] == language


@pytest.mark.parametrize(
    ("changed", "ours"),
    [
        pytest.param(lambda text: text.replace("\n", "\r\n") + " ", True, id="line ends and blanks"),
        pytest.param(lambda text: text + "<p>Seals: Not text.</p>", False, id="a sentence added"),
        pytest.param(lambda text: text.replace("<b>1</b>", "<i>1</i>"), False, id="another look"),
    ],
)
def test_a_text_of_ours_that_people_went_on_with_is_theirs(changed: Any, ours: bool) -> None:
    assert (digest(changed(instructions("ru"))) in EVER_WRITTEN) is ours


def test_a_difference_is_shown_in_the_words_that_people_see() -> None:
    here = "<p>Look at <b>every</b> line.</p><ul><li>Seals &amp; stamps: Not text</li></ul>"
    assert difference(here, "<p>Look at <b>every</b> line.<br/>Type what you see.</p>") == [
        "- Seals & stamps: Not text",
        "+ Type what you see.",
    ]


@pytest.mark.parametrize(
    ("project", "language"),
    [
        pytest.param({"label_config": default_config(LabelNames(), "ru")}, "ru", id="our config"),
        pytest.param({"label_config": "<View/>", "expert_instruction": instructions("ru")}, "ru", id="text"),
        pytest.param({"label_config": "<View/>", "expert_instruction": "Own."}, None, id="nothing of ours"),
    ],
)
def test_the_language_of_a_project_is_known_by_what_we_gave_it(
    project: dict[str, Any], language: str | None
) -> None:
    assert language_of(project, LabelNames()) == language


def test_the_command_offers_every_part() -> None:
    assert serve.PARTS == project_fields.PARTS
