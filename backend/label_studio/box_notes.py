"""Why a box that an annotator drew has no text, in the annotator's language.

Errors speak English, to those who run twinread. An annotator is told what to do in the language of the other
explanations, by the kind of error; the English sentence is in the log and in `GET /status`.
"""

from __future__ import annotations

from enum import Enum

from backend import errors
from backend.errors import TwinreadError
from backend.label_studio.message_language import MessageLanguage


class BoxProblem(Enum):
    """What is wrong with a drawn box itself."""

    NO_IMAGE = "no image"
    PAGE_UNKNOWN = "page unknown"
    NO_SUCH_PAGE = "no such page"
    TOO_SMALL = "too small"


_PROBLEMS: dict[MessageLanguage, dict[BoxProblem, str]] = {
    "en": {
        BoxProblem.NO_IMAGE: "no image that is read has this box; type its text",
        BoxProblem.PAGE_UNKNOWN: "Label Studio did not say which page the box is on; type its text",
        BoxProblem.NO_SUCH_PAGE: "the task has no such page",
        BoxProblem.TOO_SMALL: "the box is too small to hold text",
    },
    "ru": {
        BoxProblem.NO_IMAGE: "рамка не на той картинке, которая распознаётся; введите текст вручную",
        BoxProblem.PAGE_UNKNOWN: "Label Studio не сообщает, на какой странице рамка; введите текст вручную",
        BoxProblem.NO_SUCH_PAGE: "в задании нет такой страницы",
        BoxProblem.TOO_SMALL: "рамка слишком мала, текст в ней не поместится",
    },
}

RUSSIAN: dict[type[TwinreadError], str] = {
    errors.TwinreadError: "не получилось; введите текст вручную и сообщите администратору",
    errors.ProjectError: "с заданием что-то не так; введите текст вручную и сообщите руководителю проекта",
    errors.BadRequest: "в данных задания нет нужной картинки; сообщите руководителю проекта",
    errors.ConfigIncomplete: "в настройке разметки не хватает нужного тега; сообщите руководителю проекта",
    errors.ConfigUnclear: "в настройке разметки подходят несколько тегов; сообщите руководителю проекта",
    errors.BadImage: "картинка повреждена или слишком велика; сообщите руководителю проекта",
    errors.ImageRefused: "адрес картинки не разрешён; сообщите руководителю проекта",
    errors.OperatorError: "сбой сервера; нарисуйте рамку ещё раз, а если не поможет, сообщите администратору",
    errors.SettingsWrong: "сервер настроен неверно; сообщите администратору",
    errors.ImageUnreachable: "картинка не загрузилась; нарисуйте рамку ещё раз или сообщите администратору",
    errors.LabelStudioFailed: "Label Studio не отвечает серверу; сообщите администратору",
    errors.DetectorFailed: "поиск строк не удался; сообщите администратору",
    errors.ReaderUnavailable: "распознаватель не ответил; нарисуйте рамку снова или сообщите администратору",
    errors.ModelMissing: "на сервере нет нужной модели; сообщите администратору",
    errors.NotReady: "модели ещё загружаются; нарисуйте рамку ещё раз через минуту",
    errors.Busy: "сервер перегружен; нарисуйте рамку ещё раз через минуту",
    errors.OutOfMemory: "серверу не хватило памяти; нарисуйте рамку ещё раз через минуту",
    errors.Late: "ответ не пришёл вовремя; нарисуйте рамку ещё раз",
    errors.BudgetSpent: "на чтение больше нет средств; введите текст сами",
    errors.Stopping: "сервер перезапускается; нарисуйте рамку ещё раз через минуту",
    errors.ClusterFailed: "кластер недоступен; сообщите администратору",
    errors.UnexpectedFailure: "неожиданный сбой; введите текст вручную и сообщите администратору",
    errors.StoreFailed: "хранилище прочитанного недоступно; сообщите администратору",
}
"""What an annotator is told of each kind of error; a test keeps it complete."""


def why_unread(why: TwinreadError | BoxProblem, language: MessageLanguage) -> str:
    """Why a drawn box has no text.

    Args:
        why: the error, or what is wrong with the box.
        language: of the annotator.
    """
    if isinstance(why, BoxProblem):
        return _PROBLEMS[language][why]
    if language == "en":
        return str(why)
    return next(RUSSIAN[kind] for kind in type(why).__mro__ if kind in RUSSIAN)
