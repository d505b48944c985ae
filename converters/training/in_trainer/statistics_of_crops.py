"""Statistics of normalisations, measured on real crops.

Imports nothing of twinread: the two live in different environments.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def measure(model: Any, pictures: list[str]) -> None:
    """Give the normalisation of each first branch the statistics of real crops, with the same answers.

    In training a normalisation uses the statistics of its batch. One that was put together with mean 0 and
    variance 1 would change every answer at the first step.
    """
    import cv2
    import paddle

    sums: dict[int, list[Any]] = {}
    layers = [layer for layer in model.backbone.sublayers() if hasattr(layer, "conv_kxk") and layer.conv_kxk]

    def watched(key: int) -> Any:
        def after(layer: Any, inputs: Any, output: Any) -> None:
            sums.setdefault(key, []).append(
                (output.mean(axis=[0, 2, 3]).numpy(), (output**2).mean(axis=[0, 2, 3]).numpy())
            )

        return after

    hooks = [
        layer.conv_kxk[0].conv.register_forward_post_hook(watched(key)) for key, layer in enumerate(layers)
    ]
    model.eval()
    with paddle.no_grad():
        for picture in pictures:
            image = cv2.imread(picture)
            if image is not None:
                model(paddle.to_tensor(filled(image)[None]))
    for hook in hooks:
        hook.remove()
    for key, layer in enumerate(layers):
        normal = layer.conv_kxk[0].bn
        means, squares = (np.mean(column, axis=0) for column in zip(*sums[key], strict=True))
        variance = np.maximum(squares - means**2, 0)
        bias = normal.bias.numpy() - normal._mean.numpy() * normal.weight.numpy() / np.sqrt(
            normal._variance.numpy() + normal._epsilon
        )
        normal._mean.set_value(means)
        normal._variance.set_value(variance)
        normal.weight.set_value(np.sqrt(variance + normal._epsilon))
        normal.bias.set_value(bias + means)


def filled(image: Any, height: int = 48, width: int = 320) -> np.ndarray[Any, Any]:
    """A crop as PaddleOCR's recognisers take it: (3, height, width), -1 to 1, with 0 at its right."""
    import cv2

    wide = min(width, max(1, round(image.shape[1] * height / image.shape[0])))
    small = cv2.resize(image, (wide, height)).astype("float32").transpose(2, 0, 1) / 127.5 - 1
    made = np.zeros((3, height, width), dtype="float32")
    made[:, :, :wide] = small
    return made
