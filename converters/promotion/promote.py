"""Judges a trained model beside the one that reads, and lets it take its place."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from backend.errors import BadRequest, SettingsWrong, TwinreadError
from backend.models import paddle_engine
from backend.models.locate import ModelLocation, find_model
from backend.models.promoted import PromotedModel, Promotions
from backend.pipeline.assembly import why_none_is_promoted
from backend.pipeline.from_settings import engine_options
from backend.pipeline.promoted_check import check_promoted
from backend.readers.families import PADDLE, family_of
from backend.settings.settings import Settings
from backend.text.languages import language_code
from converters.evaluation.evaluate import evaluate
from converters.evaluation.line_results import LabelledLine, LineResult, result_of
from converters.evaluation.models import CURRENT, STOCK, folder_of
from converters.evaluation.rows import PartLines, read_part
from converters.promotion import kept_models
from converters.promotion.rule import Candidates, Condition, Verdict, judge
from converters.shared.model_card import ModelCard, read_model_card

Done = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class PromoteRequest:
    """What is promoted, and on what grounds.

    model: the folder that `twinread export-model` wrote.
    dataset: the folder of an exported dataset; None to judge nothing, which wants `force`.
    part: of the dataset, by which it is judged.
    languages: that it is to read, as somebody named them; empty for the one that it was trained for, or
        OCR_LANGUAGE.
    force: it takes over whatever the rule says.
    why: the reason of whoever forces it; empty for the rule's own words.
    """

    model: Path
    dataset: Path | None
    part: str = "test"
    languages: tuple[str, ...] = ()
    force: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A model beside the one that reads, and what the rule says.

    candidate: as it would be promoted.
    against: identity of the reader that it was compared with; empty where nothing was compared.
    reads: whether it can read at all; what does not cannot be forced.
    verdict: of the rule, with that condition first.
    notes: what a reader of the figures must know, as sentences.
    """

    candidate: PromotedModel
    against: str
    reads: Condition
    verdict: Verdict
    notes: tuple[str, ...]

    def summary(self, promoted: PromotedModel | None) -> dict[str, Any]:
        """For machines.

        Args:
            promoted: what was written; None where the old model stays.
        """
        return {
            "promoted": promoted is not None,
            "by": promoted.by if promoted else None,
            "sentence": promoted.why if promoted else self.verdict.sentence,
            "model": self.candidate.identity,
            "directory": str(promoted.directory) if promoted else None,
            "against": self.against or None,
            "languages": list(self.candidate.languages),
            **self.verdict.summary(),
            "notes": list(self.notes),
        }


def judged(
    request: PromoteRequest,
    settings: Settings,
    progress: Callable[[str, int], Done] = lambda what, total: lambda count: None,
) -> Judged:
    """Read the dataset's part with both models, and ask the rule.

    Args:
        request: which model, by what.
        settings: the engine, the language, and which model reads at present.
        progress: is told what is read, and how many lines; gives what is called with how many more are read.

    Raises:
        BadRequest: there is no such model, part or dataset.
        SettingsWrong: the folder holds no model that this engine loads.
        TwinreadError: the one that reads cannot be had.
    """
    found, card = _model_in(request.model, settings), read_model_card(request.model)
    languages = _languages(request, card, settings)
    candidate = _candidate(found, languages)
    reads = _reads(settings, candidate)
    notes = [why for why in (why_none_is_promoted(settings),) if why]
    if request.dataset is None:
        return Judged(candidate, "", reads, Verdict((reads, _NOT_JUDGED), None), tuple(notes))
    current, lost = _current(languages[0], settings)
    notes += lost
    lines = read_part(request.dataset, request.part)
    old: list[LineResult] = []
    new: list[LineResult] = []
    displaced: list[LineResult | None] = []
    identities: list[str] = []
    languages_now = _languages_now(settings)
    for code, own in _by_language(lines, languages, notes):
        for asked, results in ((current if code == languages[0] else CURRENT, old), (request.model, new)):
            bar = progress(str(getattr(asked, "name", asked)), len(own.lines))
            said = evaluate(
                asked, request.dataset, request.part, settings=settings, language=code, lines=own, done=bar
            )
            results += said.results
            notes += [note for note in said.notes if note not in notes]
            if results is old:
                identities.append(said.identity)
        # from its second model on a language has a trained reader, and that one gives up its place
        first = code not in languages_now and settings.recognition_model_dir is None
        displaced += [displaced_reading(line) if first else None for line in own.lines]
    verdict = judge(
        Candidates(
            old,
            new,
            languages,
            languages_now,
            card.trained_pages,
            _fingerprint_now(current, languages[0], settings),
            found.fingerprint,
            card.parity,
            displaced,
        )
    )
    verdict = replace(verdict, conditions=(reads, *verdict.conditions))
    shown = " and ".join(dict.fromkeys(identities))
    evaluation = {"dataset": str(request.dataset.resolve()), "part": request.part, "against": shown}
    candidate = replace(candidate, evaluation={**evaluation, **verdict.summary(), **_exact(old, new)})
    return Judged(candidate, shown, reads, verdict, tuple(notes))


def promote(
    request: PromoteRequest,
    found: Judged,
    promotions: Promotions,
    reached: Callable[[str], None] = lambda step: None,
) -> PromotedModel | None:
    """Let the model read from now on, where the rule says so or somebody insists.

    Until the one write that is the promotion, the old model reads; whatever ends this process before.

    Args:
        request: who insists, and why.
        found: what the rule said.
        promotions: take the promotion down.
        reached: is told each step that is done.

    Returns:
        The promoted model; None where the old one stays.

    Raises:
        SettingsWrong: it is forced and cannot read.
        OperatorError: the copy or the promotion cannot be written.
    """
    if not (found.verdict.better or request.force):
        return None
    if not found.reads.met:
        raise SettingsWrong(
            f"{found.candidate.identity} cannot be promoted, not even with --force, because every backend "
            f"would refuse it. {found.reads.says}"
        )
    with kept_models.one_at_a_time(promotions):
        # a damaged record is found out before anything is copied
        promotions.current()
        reached("began")
        directory = kept_models.keep(promotions, found.candidate.directory, found.candidate.fingerprint)
        reached("copied")
        model = replace(
            found.candidate,
            directory=directory,
            promoted_at=_now(),
            by="rule" if found.verdict.better else "force",
            who=f"{getpass.getuser()}@{socket.gethostname()}",
            why=_why(request, found),
        )
        promotions.promote(model)
        reached("promoted")
        kept_models.remove_others(promotions)
        reached("cleaned up")
    return model


def undo(promotions: Promotions) -> PromotedModel | None:
    """Let the previous model read again; None where that is PaddleOCR's own.

    Raises:
        ModelMissing: nothing was ever promoted, or its copy is gone.
    """
    previous = promotions.previous()
    if previous is not None and not previous.directory.is_dir():
        raise BadRequest(
            f"The files of the previous model, {previous.identity}, are gone, so it cannot read again. "
            "Promote another one, or delete promoted.json in CACHE_DIR/models to read with PaddleOCR's own."
        )
    return promotions.undo(_now())


_NOT_JUDGED = Condition("enough", False, "It was judged by nothing: no --dataset was given.")


def _why(request: PromoteRequest, found: Judged) -> str:
    if found.verdict.better:
        return found.verdict.sentence
    return request.why or f"Forced against the rule. {found.verdict.sentence}"


def _model_in(directory: Path, settings: Settings) -> ModelLocation:
    if not directory.is_dir():
        raise BadRequest(f"{directory} is no folder of a model. Pass what twinread export-model wrote.")
    engine = paddle_engine.choose_engine(engine_options(settings))
    return find_model(None, directory.resolve(), engine=engine.name)


def _languages(request: PromoteRequest, card: ModelCard, settings: Settings) -> tuple[str, ...]:
    named = request.languages or (card.language or settings.ocr_language,)
    return tuple(dict.fromkeys(map(language_code, named)))


def _candidate(found: ModelLocation, languages: tuple[str, ...]) -> PromotedModel:
    return PromotedModel(found.directory, found.fingerprint, found.name, languages, _now(), "rule", "")


def _reads(settings: Settings, candidate: PromotedModel) -> Condition:
    try:
        check_promoted(settings, candidate)
    except TwinreadError as error:
        return Condition("reads", False, str(error))
    return Condition("reads", True, "It loads, has the letters, and reads rendered lines.")


def _current(language: str, settings: Settings) -> tuple[str, list[str]]:
    """Whom the backend reads a language with; PaddleOCR's own where the promoted model's files are gone."""
    folder = folder_of(CURRENT, language, settings)
    if folder is None or folder.is_dir() or settings.recognition_model_dir is not None:
        return CURRENT, []
    return STOCK, ["The files of the promoted model are gone, so it was compared with PaddleOCR's own."]


def _by_language(lines: PartLines, languages: Sequence[str], notes: list[str]) -> list[tuple[str, PartLines]]:
    """The lines of each language that the model is to read; those whose page names none are of the first."""
    of: dict[str, list[Any]] = {code: [] for code in languages}
    others = 0
    for line in lines.lines:
        code = _code(line.kind) if line.kind else ""
        if (code or languages[0]) in of:
            of[code or languages[0]].append(replace(line, kind=code))
        else:
            others += 1
    if others:
        notes.append(f"{others:,} lines of pages in other languages were left out.")
    return [(code, replace(lines, lines=tuple(own))) for code, own in of.items() if own]


def _code(language: str) -> str:
    try:
        return language_code(language)
    except SettingsWrong:
        return language


def displaced_reading(line: LabelledLine) -> LineResult | None:
    """The second reading of a line, where PaddleOCR's model is not of the first two: a promoted one's place.

    Behind them it may stand as a witness, which ends where a promoted model reads in the second one's place.
    """
    said = line.readings
    if len(said) < 2 or said[1].failed or any(family_of(each.reader) == PADDLE for each in said[:2]):
        return None
    return result_of(line, said[1].text)


def _languages_now(settings: Settings) -> tuple[str, ...]:
    """The languages that would lose a promoted model; none where the settings name the model anyhow."""
    if settings.recognition_model_dir is not None:
        return ()
    model = Promotions.under(settings.cache_dir).current()
    return model.languages if model and model.directory.is_dir() else ()


def _fingerprint_now(current: str, language: str, settings: Settings) -> str:
    folder = folder_of(current, language, settings)
    return _model_in(folder, settings).fingerprint if folder is not None else ""


def _exact(old: Sequence[LineResult], new: Sequence[LineResult]) -> dict[str, int]:
    return {"exact_old": sum(line.exact for line in old), "exact_new": sum(line.exact for line in new)}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
