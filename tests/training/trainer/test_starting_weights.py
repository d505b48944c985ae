"""Weights to start from: rows by character, and a network that answers as the base does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from converters.training.base_model import BaseModel
from converters.training.run_plan import Wishes
from converters.training.trainer import calls
from tests.parts.in_trainer import in_trainer, program
from tests.parts.trainer import TRAINER
from tests.parts.training_run import TRAINED_FONTS, SmallRun, compose_run, rendered, write_lines

pytestmark = pytest.mark.xdist_group("paddle loader")

weights = program("starting_weights")
score_crops = program("score_crops")


def test_rows_go_by_character_and_the_space_moves_to_the_end() -> None:
    base, wanted = ["а", "б", "в", " "], ["б", "в", "г", "ё", " "]
    rows, counts = weights._rows(base, wanted, {"ё": "а"})
    assert counts == {"copied": 3, "alike": 1, "random": 1}
    # of the CTC head: the blank, then the characters
    old, fresh = np.array([[10, 1, 2, 3, 9]]), np.array([[0, -1, -2, -3, -4, -5]])
    assert weights.reheaded(old, fresh, rows, specials=1, axis=1).tolist() == [[10, 2, 3, -3, 1, 9]]
    # of the guide: blank, unknown, start, end, the characters, and a row that nothing uses
    old, fresh = np.array([10, 11, 12, 13, 1, 2, 3, 9, 99]), np.arange(0, -10, -1)
    assert weights.reheaded(old, fresh, rows, specials=4, axis=0).tolist() == [
        10, 11, 12, 13, 2, 3, -6, 1, 9, -9,
    ]  # fmt: skip


def test_a_dictionary_is_read_as_paddleocr_reads_it(tmp_path: Path) -> None:
    (tmp_path / "dict.txt").write_bytes("а\r\n \n\u2028\nб\n".encode())
    settings = {"character_dict_path": str(tmp_path / "dict.txt"), "use_space_char": True}
    assert weights.characters({"Global": settings}) == ["а", " ", "\u2028", "б", " "]


@pytest.mark.parametrize(
    ("columns", "text", "score"),
    [
        pytest.param([0, 1, 1, 0, 1, 2], "ааб", 0.8, id="a blank parts two that are the same"),
        pytest.param([2, 2, 2], "б", 0.8, id="repeated"),
        pytest.param([0, 0], "", 0.0, id="nothing"),
    ],
)
def test_columns_become_a_text(columns: list[int], text: str, score: float) -> None:
    likely = np.full((len(columns), 3), 0.1)
    for column, number in enumerate(columns):
        likely[column, number] = 0.8
    read = score_crops.decoded(likely, ["а", "б"])
    assert (read[0], round(read[1], 6)) == (text, score)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """Lines with two characters that neither base nor PaddleOCR's dictionary has."""
    folder = tmp_path_factory.mktemp("weights")
    lines = rendered(16, TRAINED_FONTS, seed=5)
    train = write_lines(lines, folder / "dataset", "train")
    val = write_lines(lines[:8], folder / "dataset", "val")
    composed = compose_run(
        folder / "run", folder / "dataset", train=train, val=val, wishes=Wishes(epochs=1, batch=8), extra="ꙮ҃"
    )
    made = calls.starting_weights(TRAINER, composed.base, composed.config, composed.folder / "base.pdparams")
    assert (made.copied, made.random) == (385, 83)
    assert made.alike == 520 - 385 - 83
    assert made.difference is not None
    assert made.difference < 1e-4
    return composed


def test_measured_statistics_change_no_answer_in_reading_and_few_in_training(
    run: SmallRun, tmp_path: Path
) -> None:
    pictures = sorted((run.folder.parent / "dataset" / "train").glob("*.png"))
    measured = calls.starting_weights(
        TRAINER, run.base, run.config, tmp_path / "measured.pdparams", pictures=pictures
    )
    assert measured.difference is not None
    assert measured.difference < 1e-4
    plain, better = in_trainer(
        """
import numpy as np, paddle, networks as made, yaml, cv2
from statistics_of_crops import filled
launch.prepare(sys.argv[1], columns="width")
config = yaml.safe_load(open(sys.argv[2], encoding="utf-8"))
model = made.network(config, len(made.characters(config)))
batch = paddle.to_tensor(np.stack([filled(cv2.imread(path)) for path in sys.argv[5:]]))
answer = []
for file in sys.argv[3:5]:
    model.set_state_dict(paddle.load(file))
    model.eval()
    expected = model.backbone(batch)
    model.train()
    learned = model.backbone(batch)
    answer.append(float((learned - expected).abs().mean() / expected.abs().mean()))
""",
        run.config,
        run.folder / "base.pdparams",
        tmp_path / "measured.pdparams",
        *pictures[:8],
    )
    assert better < 0.3 < plain


LAYOUT = """
import numpy as np, paddle, starting_weights as made, yaml
launch.prepare(sys.argv[1])
config = yaml.safe_load(open(sys.argv[2], encoding="utf-8"))
from ppocr.data.imaug.label_ops import NRTRLabelEncode
settings = config["Global"]
guide = NRTRLabelEncode(25, settings["character_dict_path"], settings["use_space_char"])
state = paddle.load(sys.argv[3])
ctc, embedding = state["head.ctc_head.fc.weight"], state["head.gtc_head.embedding.embedding.weight"]
answer = {
    "rows": [ctc.shape[1], embedding.shape[0], state["head.gtc_head.tgt_word_prj.weight"].shape[1]],
    "numbers of the guide": {one: int(guide.dict[one]) for one in "!aЯ "},
    "place": {one: made.characters(config).index(one) for one in "!aЯ "},
    "ctc": {one: ctc[:, 1 + made.characters(config).index(one)].numpy().tolist() for one in "aЯ "},
    "guide": {one: embedding[4 + made.characters(config).index(one)].numpy().tolist() for one in "aЯ "},
}
"""


def test_training_weights_keep_each_characters_rows_when_the_dictionary_grows(
    run: SmallRun, tmp_path: Path
) -> None:
    config = yaml.safe_load(run.config.read_text("utf-8"))
    entries = (run.folder / "dict.txt").read_text("utf-8").splitlines()
    (tmp_path / "dict.txt").write_text("".join(f"{one}\n" for one in [*entries, "ᚠ", "ᚢ"]), "utf-8")
    config["Global"]["character_dict_path"] = str(tmp_path / "dict.txt")
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    base = BaseModel("eslav_PP-OCRv5_mobile_rec", None, run.folder / "base.pdparams", entries, "")
    made = calls.starting_weights(TRAINER, base, tmp_path / "config.yml", tmp_path / "grown.pdparams")
    assert (made.copied, made.alike, made.random, made.difference) == (520, 0, 2, None)

    before = in_trainer(LAYOUT, run.config, run.folder / "base.pdparams")
    after = in_trainer(LAYOUT, tmp_path / "config.yml", tmp_path / "grown.pdparams")
    assert before["rows"] == [521, 525, 525]
    assert after["rows"] == [523, 527, 527]
    # four rows before the first character, as PaddleOCR's own labels have it
    for said in (before, after):
        assert said["numbers of the guide"] == {one: place + 4 for one, place in said["place"].items()}
    assert after["place"][" "] == before["place"][" "] + 2
    assert after["ctc"] == before["ctc"]
    assert after["guide"] == before["guide"]


def test_training_weights_with_four_branches_are_fused_into_one(run: SmallRun, tmp_path: Path) -> None:
    differences = in_trainer(
        """
import copy, numpy as np, paddle, starting_weights as made, yaml
from pathlib import Path
launch.prepare(sys.argv[1])
config = yaml.safe_load(open(sys.argv[2], encoding="utf-8"))
characters = made.characters(config)
four = copy.deepcopy(config)
four["Architecture"]["Backbone"]["conv_kxk_num"] = 4
model = made.network(four, len(characters))
paddle.save(model.state_dict(), sys.argv[3])
order = {"source": sys.argv[1], "config": sys.argv[2], "weights": sys.argv[3], "base_characters": characters,
         "alike": {}, "out": sys.argv[4]}
told = made.make(order)
one = made.network(config, len(characters))
one.set_state_dict(paddle.load(sys.argv[4]))
picture = paddle.to_tensor(np.random.default_rng(1).uniform(-1, 1, (1, 3, 48, 160)).astype("float32"))
model.eval(); one.eval()
answer = [float((model(picture) - one(picture)).abs().max()), told["copied"], told["tensors_at_random"]]
""",
        run.config,
        tmp_path / "four.pdparams",
        tmp_path / "one.pdparams",
    )
    # the guide starts anew: fusing keeps what reads
    assert differences[0] < 1e-4
    assert differences[1] == 520
    assert differences[2] > 0


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        pytest.param("Backbone", {"scale": 0.5}, "has the shape", id="another size"),
        pytest.param("Neck", {"depth": 1}, "tensors", id="another network"),
    ],
)
def test_an_export_of_another_network_is_refused(
    part: str, change: dict[str, object], expected: str, run: SmallRun, tmp_path: Path
) -> None:
    config = yaml.safe_load(run.config.read_text("utf-8"))
    network = config["Architecture"]
    parts = {"Backbone": network["Backbone"], "Neck": network["Head"]["head_list"][0]["CTCHead"]["Neck"]}
    parts[part].update(change)
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    with pytest.raises(calls.BaseUnfit, match=expected):
        calls.starting_weights(TRAINER, run.base, tmp_path / "config.yml", tmp_path / "out.pdparams")
    assert not (tmp_path / "out.pdparams").exists()


def test_a_base_with_another_dictionary_than_it_says_is_refused(run: SmallRun, tmp_path: Path) -> None:
    base = BaseModel("mine", None, run.folder / "base.pdparams", ["а", "б"], "")
    with pytest.raises(calls.BaseUnfit, match="last layer is for 520 characters, and its dictionary has 3"):
        calls.starting_weights(TRAINER, base, run.config, tmp_path / "out.pdparams")
