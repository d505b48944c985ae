"""The bodies of Label Studio's requests, checked: a wrong type or a missing field is one clear sentence.

Only the fields that are used are looked at: a later Label Studio may send more, or others in another form,
and that is no reason to refuse a whole project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.errors import BadRequest

MAX_PROJECT_NAME = 40
"""Of a project's name as much is kept while its pages wait; Label Studio's are numbers."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class Params(_Body):
    """`params` of /predict; `context.result` holds the regions of an interactive request."""

    context: dict[str, Any] | None = None


class PredictBody(_Body):
    """The body of /predict."""

    tasks: list[dict[str, Any]]
    label_config: str
    params: Params | None = None
    project: object = None

    @property
    def project_name(self) -> str:
        """Names the project, such as "1" of "1.1700000"; empty where the body does not say it."""
        if not isinstance(self.project, (str, int)):
            return ""
        return str(self.project).partition(".")[0][:MAX_PROJECT_NAME]

    @property
    def drawn(self) -> list[Any] | None:
        """The regions that an annotator drew, or None for an ordinary request."""
        return drawn_regions_of(self.params.context if self.params else None)


def drawn_regions_of(context: object) -> list[Any] | None:
    """The regions of an interactive request's context; None where it is an ordinary one."""
    result = context.get("result") if isinstance(context, Mapping) else None
    return result if isinstance(result, list) and result else None


class SetupBody(_Body):
    """The body of /setup; the token in it is the project creator's and is not read."""

    label_config: str = Field(alias="schema")


class WebhookBody(_Body):
    """The body of /webhook: a hint, of which only the action and the project's number are read."""

    action: str
    project: object = None

    @property
    def project_id(self) -> int | None:
        """The number of the project; None where the body does not say it."""
        number = self.project.get("id") if isinstance(self.project, Mapping) else None
        return number if type(number) is int and number > 0 else None


BodyT = TypeVar("BodyT", bound=BaseModel)


def parse(kind: type[BodyT], body: object) -> BodyT:
    """Check a request's JSON.

    Args:
        kind: which request it is.
        body: what `json.loads` gave.

    Raises:
        BadRequest: names the field and what was wrong with it, never its value.
    """
    if not isinstance(body, Mapping):
        raise BadRequest("The body must be a JSON object, sent as application/json.")
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise BadRequest(f"In the body, '{where}': {problem['msg'].rstrip('.').lower()}.") from None
