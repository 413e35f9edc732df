"""Tiny nucleus models: a pixel is nucleus where it is dark, and positive where it is more red than blue."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DARK = (-20.0, -20.0, -20.0)
BROWN = (40.0, 0.0, -40.0)


def write_model(
    path: Path,
    planes: int = 1,
    *,
    side: int | str = "side",
    channels: int | str = 3,
    last: str = "Sigmoid",
    step: int = 1,
    over_window: bool = False,
    domain: str = "",
    metadata: dict[str, str] | None = None,
    opset: int = 17,
) -> Path:
    """Write a model of one 1 × 1 convolution and what comes after it; gives the path."""
    weights = np.array([DARK, BROWN][:planes] + [DARK] * (planes - 2), np.float32)[:, :, None, None]
    bias = np.array([48.0, 0.0, 0.0][:planes], np.float32)
    nodes = [helper.make_node("Conv", ["picture", "weights", "bias"], ["raw"], kernel_shape=[1, 1])]
    name = "raw"
    if over_window:
        nodes.append(helper.make_node("ReduceMean", [name], ["mean"], keepdims=1, axes=[2, 3]))
        nodes.append(helper.make_node("Sub", [name, "mean"], ["less"]))
        name = "less"
    if step > 1:
        nodes.append(helper.make_node("AveragePool", [name], ["pooled"], kernel_shape=[step, step], strides=[step] * 2))
        name = "pooled"
    nodes.append(helper.make_node(last, [name], ["answer"], domain=domain))
    graph = helper.make_graph(
        nodes,
        "dark",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, channels, side, side])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    return save(path, graph, metadata, opset, [domain] if domain else [])


def save(
    path: Path, graph: Any, metadata: dict[str, str] | None = None, opset: int = 17, domains: Sequence[str] = ()
) -> Path:
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    helper.set_model_props(model, {f"counterstain.{key}": value for key, value in (metadata or {}).items()})
    onnx.save(model, path)
    return path
