"""A labeling config that twinread wrote is known, whatever its labels are called; an edited one is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backend.label_studio.config_tags import DEFAULT_NAMES, LabelNames
from backend.label_studio.config_versions import EVER_WRITTEN, config_digest, language_written
from backend.label_studio.default_config import default_config
from backend.label_studio.message_language import MESSAGE_LANGUAGES
from tests.parts.label_studio import CONFIG

OTHER_NAMES = LabelNames("Line", "Look (twice)", "Look", "Stain")
BEFORE_B_IS_RIGHT = """<View>
  <Style>
    .lsf-textarea-tag__input { unicode-bidi: plaintext; text-align: start; font-size: 16px !important; line-height: 1.35 !important; font-family: "DejaVu Sans Mono", Consolas, Menlo, "Courier New", monospace !important; }
    .lsf-detailed-region__meta-text { font-size: 16px !important; word-break: normal !important; overflow-wrap: anywhere; font-family: "DejaVu Sans Mono", Consolas, Menlo, "Courier New", monospace !important; }
    .lsf-region-meta__value p { unicode-bidi: plaintext; text-align: start; }
  </Style>
  <View style="display:flex; gap:24px; align-items:center; min-height:72px">
    <RectangleLabels name="label" toName="image" strokeWidth="2" opacity="0.12" smart="true">
      <Label value="Text" background="#2e7d32" hotkey="1" />
      <Label value="Check" background="#ef6c00" hotkey="2" />
      <Label value="Illegible" background="#757575" hotkey="3" />
      <Label value="Not text" background="#c62828" hotkey="4" />
    </RectangleLabels>
    <Choices name="later" toName="image" perRegion="true" choice="single" showInline="true" whenLabelValue="Check" required="true" requiredMessage="The two readings of this line differ. Fix its text and press 1 (Text), or press 3 (Illegible), 4 (Not text), 9 (leave for later).">
      <Choice value="leave for later" hotkey="9" />
    </Choices>
  </View>
  <Image name="image" value="$image" zoom="true" defaultZoom="auto" zoomControl="true" rotateControl="true" />
  <TextArea name="transcription" toName="image" perRegion="true" displayMode="region-list" editable="true" maxSubmissions="1" rows="2" whenLabelValue="Text,Check" required="true" requiredMessage="Type the text of this line, or press 3 (Illegible) or 4 (Not text)." placeholder="type the text of this line" />
</View>"""  # noqa: E501  (as it stands in projects)


@pytest.mark.parametrize("names", [DEFAULT_NAMES, OTHER_NAMES], ids=["usual labels", "other labels"])
def test_every_config_that_was_ever_written_is_known_as_ours(names: LabelNames) -> None:
    assert len(EVER_WRITTEN) >= 12, "a config that is no longer written stays in the list"
    for language in MESSAGE_LANGUAGES:
        # whoever changes the config adds lines to EVER_WRITTEN; projects keep the one before
        written = default_config(names, language)
        digest = config_digest(written, names)
        assert digest is not None
        assert EVER_WRITTEN.get(digest) == language, f"add {digest!r}: {language!r}"


def test_the_config_of_before_is_ours() -> None:
    assert language_written(BEFORE_B_IS_RIGHT, DEFAULT_NAMES) == "en"


@pytest.mark.parametrize(
    ("changed", "ours"),
    [
        pytest.param(lambda config: config.replace("\n", "\r\n") + " ", True, id="line ends and blanks"),
        pytest.param(lambda config: config.replace('"#2e7d32"', '"#00ff00"'), False, id="another colour"),
        pytest.param(lambda config: config.replace('"Text"', '"Line"'), False, id="another name of a label"),
        pytest.param(
            lambda config: config.replace('<Label value="Text"', '<Label value="Stamp"/><Label value="Text"'),
            False,
            id="a label added",
        ),
        pytest.param(lambda config: config.replace("</Choices>", "", 1), False, id="no XML any more"),
        pytest.param(lambda config: CONFIG, False, id="somebody's own"),
        pytest.param(lambda config: "", False, id="none"),
    ],
)
@pytest.mark.parametrize("config", [BEFORE_B_IS_RIGHT, default_config()], ids=["of before", "of today"])
def test_a_config_of_ours_that_people_went_on_with_is_theirs(
    config: str, changed: Callable[[str], str], ours: bool
) -> None:
    assert (language_written(changed(config), DEFAULT_NAMES) is not None) is ours
