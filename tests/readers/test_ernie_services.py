"""docs/ernie-services.md: each service by its recipe, against a server at the path of its address."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from backend.pipeline.ernie_kind import Ernie
from backend.pipeline.reader_kind import ReaderSetup
from backend.readers.ernie.answers import ADDRESSES, refused
from backend.readers.ernie.check import check
from backend.readers.ernie.request import ErnieOptions
from backend.settings.settings import Settings
from tests.parts.ernie_stand_in import Say, StandIn, ernie_stand_in

__all__ = ["ernie_stand_in"]

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "ernie-services.md").read_text("utf-8")


def recipes() -> dict[str, dict[str, str]]:
    """The settings of each row of the table, by the name of the service."""
    table = GUIDE.split("|---|---|---|---|---|\n")[1].split("\n\n")[0]
    made = {}
    for row in table.splitlines():
        name, address, model, key, more = (cell.strip() for cell in row.strip("|").split("|"))
        made[name] = {"ERNIE_BASE_URL": address.strip("`"), "ERNIE_MODEL": model.strip("`")}
        made[name] |= {"ERNIE_API_KEY": "key"} if key else {}
        made[name] |= dict(setting.split("=", 1) for setting in re.findall(r"`([^`]+)`", more))
    return made


@pytest.mark.parametrize("service", recipes())
def test_each_recipe_reads_and_asks_at_the_address_that_it_names(
    service: str, ernie_stand_in: StandIn, tmp_path: Path
) -> None:
    recipe = recipes()[service]
    path = urlsplit(recipe["ERNIE_BASE_URL"]).path
    here = ernie_stand_in.base_url.removesuffix("/v1") + path
    ernie_stand_in.model = recipe["ERNIE_MODEL"]
    ernie_stand_in.known_fields |= set(json.loads(recipe.get("ERNIE_EXTRA_BODY", "{}")))
    ernie_stand_in.brain = lambda asked: Say("Invoice 2048" if asked.picture is not None else "ready")
    values = {**recipe, "ERNIE_BASE_URL": here, "CACHE_DIR": str(tmp_path)}
    (tmp_path / ".env").write_text("\n".join(f"{name}={value}" for name, value in values.items()))
    settings = Settings(_env_file=tmp_path / ".env")  # type: ignore[call-arg]

    ernie = Ernie(ReaderSetup(settings))
    findings = check(ernie.server(), [ernie.build("en", turn, ExitStack()) for turn in range(ernie.turns())])
    ernie.close()

    assert [finding for finding in findings if not finding.ok] == []
    assert ernie_stand_in.violations == []
    assert ernie_stand_in.paths == {f"{path}/chat/completions"}


def test_a_wrong_address_is_told_with_the_ending_of_each_service() -> None:
    options = ErnieOptions("https://qianfan.baidubce.com/v2", "ernie-4.5-vl-28b-a3b")

    sentence = str(refused(404, "", options))

    assert ADDRESSES in sentence
    endings = {"Qianfan": "/v2", "AI Studio": "/llm/lmapi/v3", "FastDeploy": "/v1", "vLLM": "/v1"}
    for name, ending in endings.items():
        assert name in sentence
        assert ending in sentence
        assert {
            recipe["ERNIE_BASE_URL"].endswith(ending)
            for service, recipe in recipes().items()
            if name in service
        } == {True}


def test_the_readme_leads_to_the_recipes() -> None:
    assert "(docs/ernie-services.md)" in (ROOT / "README.md").read_text("utf-8")


def test_a_wrong_model_behind_a_right_address_does_not_blame_the_address() -> None:
    options = ErnieOptions("https://qianfan.baidubce.com/v2", "ernie")
    answer = '{"error": {"code": "invalid_model", "message": "The model does not exist"}}'

    assert "ERNIE_BASE_URL" not in str(refused(404, answer, options))
    assert "Set ERNIE_MODEL to a name that it serves" in str(refused(404, answer, options))
