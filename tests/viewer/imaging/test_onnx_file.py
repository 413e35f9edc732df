import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.external_data_helper import convert_model_to_external_data

from tests.viewer.imaging.onnx_models import save, write_model
from viewer.imaging import onnx_file
from viewer.imaging.errors import UnusableModel
from viewer.imaging.onnx_file import read_onnx


def test_a_whole_model_is_read_as_it_is(tmp_path):
    path = write_model(tmp_path / "dark.onnx")
    assert read_onnx(path) == path.read_bytes()


def test_weights_in_another_file_are_refused(tmp_path):
    model = onnx.load(write_model(tmp_path / "dark.onnx"))
    convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
    onnx.save(model, tmp_path / "apart.onnx")
    with pytest.raises(UnusableModel, match=r"apart\.onnx keeps weights in another file"):
        read_onnx(tmp_path / "apart.onnx")


def outside():
    tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../passwords")
    return tensor


@pytest.mark.parametrize("place", ["constant", "branch"])
def test_another_file_is_found_wherever_a_model_names_it(tmp_path, place):
    constant = helper.make_node("Constant", [], ["answer"], value=outside())
    if place == "branch":
        branch = helper.make_graph([constant], "then", [], [])
        constant = helper.make_node("If", ["picture"], ["answer"], then_branch=branch, else_branch=branch)
    with pytest.raises(UnusableModel, match="another file"):
        read_onnx(save(tmp_path / "a.onnx", helper.make_graph([constant], "all", [], [])))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds no graph"),
        (b"not a model at all", "wire type|ends too early"),
        (b"\x3a\xff\xff\xff\xff\x0f", "ends too early"),
        (b"\xff" * 40, "endless number"),
        (b"\x38\x01", "no message"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path, content, why):
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(UnusableModel, match=rf"bad\.onnx is no ONNX model, or a damaged one \(.*({why})"):
        read_onnx(tmp_path / "bad.onnx")


def test_a_model_cut_off_anywhere_is_refused_or_read_but_never_breaks(tmp_path):
    content = write_model(tmp_path / "dark.onnx").read_bytes()
    refused = 0
    for length in range(0, len(content), 7):
        (tmp_path / "part.onnx").write_bytes(content[:length])
        try:
            read_onnx(tmp_path / "part.onnx")
        except UnusableModel:
            refused += 1
    assert refused > 20


def test_a_missing_and_an_absurdly_large_file_are_refused(tmp_path, monkeypatch):
    with pytest.raises(UnusableModel, match=r"no model file none\.onnx"):
        read_onnx(tmp_path / "none.onnx")
    monkeypatch.setattr(onnx_file, "MOST_BYTES", 100)
    (tmp_path / "large.onnx").write_bytes(np.zeros(101, np.uint8).tobytes())
    with pytest.raises(UnusableModel, match="101 bytes; at most 100 are read"):
        read_onnx(tmp_path / "large.onnx")
