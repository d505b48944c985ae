"""What the launcher changes in memory, on PaddleOCR's own network."""

from __future__ import annotations

import pytest

from tests.parts.in_trainer import in_trainer

NETWORK = """
import paddle
arguments = dict(one.split("=") for one in sys.argv[2:])
launch.prepare(sys.argv[1], **arguments)
from ppocr.modeling.architectures import build_model
from ppocr.optimizer import build_optimizer
model = build_model({
    "model_type": "rec", "algorithm": "SVTR_LCNet", "Transform": None,
    "Backbone": {"name": "PPLCNetV3", "scale": 0.25, "conv_kxk_num": 1},
    "Head": {"name": "CTCHead", "out_channels": 12},
    "Neck": {"name": "SequenceEncoder", "encoder_type": "reshape"},
})
model.train()
means = [layer._mean.clone() for layer in model.backbone.sublayers() if hasattr(layer, "_mean")]
columns = [model(paddle.rand([2, 3, 48, width])).shape[1] for width in (320, 640)]
after = [layer._mean for layer in model.backbone.sublayers() if hasattr(layer, "_mean")]
built = build_optimizer(
    {"name": "Adam", "lr": {"name": "Cosine", "learning_rate": 0.001, "warmup_epoch": 0}}, 1, 5, model
)
answer = {
    "columns": columns,
    "statistics move": any(float((one - other).abs().max()) > 0 for one, other in zip(means, after)),
    "backbone learns": any(not one.stop_gradient for one in model.backbone.parameters()),
    "head learns": all(not one.stop_gradient for one in model.head.parameters()),
    "values of build_optimizer": len(built),
    "head trains": model.head.training,
}
"""


@pytest.mark.parametrize(
    ("arguments", "columns", "learns"),
    [
        # as PaddleOCR trains: every line in 40 columns, whatever its width
        pytest.param([], [40, 40], True, id="unchanged"),
        pytest.param(["columns=width"], [40, 80], True, id="columns by width"),
        # a frozen backbone sees as it does when it reads
        pytest.param(["freeze=backbone"], [40, 80], False, id="frozen"),
    ],
)
def test_the_network_is_changed_as_asked(arguments: list[str], columns: list[int], learns: bool) -> None:
    assert in_trainer(NETWORK, *arguments) == {
        "columns": columns,
        "statistics move": learns,
        "backbone learns": learns,
        "head learns": True,
        "values of build_optimizer": 3,
        "head trains": True,
    }


RESUMED = """
launch.prepare(sys.argv[1])
from paddle.optimizer.lr import CosineAnnealingDecay
ended = CosineAnnealingDecay(0.001, T_max=10)
rates = []
for _ in range(10):
    rates.append(ended())
    ended.step()
longer = CosineAnnealingDecay(0.001, T_max=20)
longer.set_state_dict(ended.state_dict())
longer.step()
answer = [rates[0], rates[5], ended(), longer()]
"""


def test_a_run_that_gets_more_epochs_learns_again_at_the_rate_of_its_new_length() -> None:
    # half a way is half the rate; 11 of 20 steps are just over the middle
    assert in_trainer(RESUMED) == pytest.approx([0.001, 0.0005, 0, 0.000422], abs=1e-6)


def test_one_gpu_is_chosen_among_those_that_may_be_seen() -> None:
    assert in_trainer(
        "import os\nfound = []\n"
        "for visible in (None, '', '4,5', 'GPU-aa,GPU-bb'):\n"
        "    os.environ.pop('CUDA_VISIBLE_DEVICES', None)\n"
        "    if visible is not None: os.environ['CUDA_VISIBLE_DEVICES'] = visible\n"
        "    launch._only_gpu(1)\n"
        "    found.append(os.environ['CUDA_VISIBLE_DEVICES'])\n"
        "answer = found"
    ) == ["1", "1", "5", "GPU-bb"]
