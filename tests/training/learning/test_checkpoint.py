import errno
import json
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from training.learning import checkpoint, files
from training.learning.errors import CheckpointError, DiskFull
from training.learning.header import FORMAT, read_metadata


def _small(path: Path) -> checkpoint.Saved:
    return checkpoint.save(path, {"w": torch.arange(4.0)}, {"kind": "mil", "epoch": 3, "auc": float("nan")})


def test_weights_and_metadata_read_back_and_the_name_is_the_sha256_of_the_file(tmp_path: Path) -> None:
    saved = _small(tmp_path / "a" / "one.safetensors")
    metadata, tensors = checkpoint.load(saved.path, "mil")
    assert metadata == {"kind": "mil", "epoch": 3, "auc": None}
    assert tensors["w"].tolist() == [0, 1, 2, 3]
    assert saved.sha256 == files.sha256_of(saved.path)
    assert saved.size_bytes == saved.path.stat().st_size
    assert read_metadata(saved.path.read_bytes(), "one") == metadata


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("exploded"),))  # type: ignore[return-value]


def _hostile() -> dict[str, bytes]:
    sound = save({"w": torch.zeros(2)}, {FORMAT: '{"kind": "mil"}'})
    deep = ("[" * 100_000).encode()
    overlong = json.dumps({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 8]}}).encode()
    return {
        "empty": b"",
        "text": b"no weights here",
        "pickle": pickle.dumps(Bomb()),
        "cut short": sound[:-4],
        "cut in the header": sound[:20],
        "huge header": (2**62).to_bytes(8, "little") + sound[8:],
        "deep header": len(deep).to_bytes(8, "little") + deep,
        "of others": save({"w": torch.zeros(2)}, {"format": "pt"}),
        "without metadata": save({"w": torch.zeros(2)}),
        "with a list for metadata": save({"w": torch.zeros(2)}, {FORMAT: "[]"}),
        "with an overlong tensor": len(overlong).to_bytes(8, "little") + overlong + bytes(8),
    }


@pytest.mark.parametrize("name", _hostile())
def test_a_damaged_or_hostile_file_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.safetensors"
    path.write_bytes(_hostile()[name])
    with pytest.raises(CheckpointError, match=r"bad\.safetensors"):
        checkpoint.load(path, "mil")
    assert [file.name for file in tmp_path.iterdir()] == ["bad.safetensors"]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load(tmp_path / "none.safetensors", "mil")


def test_a_file_of_another_kind_is_refused_with_what_was_found_and_expected(tmp_path: Path) -> None:
    saved = _small(tmp_path / "one.safetensors")
    with pytest.raises(CheckpointError, match="its kind is 'mil', expected 'cyclegan'"):
        checkpoint.load(saved.path, "cyclegan")


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    saved = checkpoint.save(tmp_path / "nan.safetensors", {"w": torch.tensor([1, float("nan")])}, {"kind": "mil"})
    with pytest.raises(CheckpointError, match="w holds numbers that are not finite"):
        checkpoint.load(saved.path, "mil")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"net.weight": torch.zeros(5, 4)}, r"shape of net.weight is \(5, 4\), expected \(2, 4\)"),
        ({"net.weight": torch.zeros(2, 4).half()}, "type of net.weight is torch.float16, expected torch.float32"),
        ({"net.other": torch.zeros(1)}, "net.other and 0 more were not expected"),
        ({"net.bias": None}, "net.bias and 0 more are missing"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_the_network_stays(
    change: dict[str, torch.Tensor | None], says: str
) -> None:
    net = nn.Linear(4, 2)
    before = net.weight.clone()
    tensors = {key: value for key, value in (checkpoint.weights_of(net, "net.") | change).items() if value is not None}
    with pytest.raises(CheckpointError, match=says):
        checkpoint.load_weights(net, tensors, "net.", "file")
    assert torch.equal(net.weight, before)


def test_the_earlier_checkpoint_survives_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.safetensors"
    before = _small(path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DiskFull, match="free some and resume"):
        checkpoint.save(path, {"w": torch.zeros(9)}, {"kind": "mil"})
    assert files.sha256_of(path) == before.sha256
    assert [file.name for file in tmp_path.iterdir()] == ["state.safetensors"]


def test_an_optimiser_goes_on_exactly_where_it_was() -> None:
    def steps(optimizer: torch.optim.Optimizer, weight: nn.Parameter, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            (weight**2).sum().backward()
            optimizer.step()

    weight = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = torch.optim.Adam([weight], 0.1)
    steps(optimizer, weight, 3)
    copied = nn.Parameter(weight.detach().clone())
    other = torch.optim.Adam([copied], 0.1)
    saved = {name: tensor.clone() for name, tensor in checkpoint.optimizer_tensors(optimizer, "adam.").items()}
    checkpoint.load_optimizer(other, saved, "adam.")
    steps(optimizer, weight, 3)
    steps(other, copied, 3)
    assert torch.equal(weight, copied)


def test_random_sources_go_on_exactly_where_they_were() -> None:
    rng = np.random.default_rng(5)
    values, tensors = checkpoint.random_states(rng)
    values = json.loads(json.dumps(values))
    first = (rng.random(), torch.rand(1).item(), random.random())
    checkpoint.restore_random_states(rng, values, tensors)
    assert (rng.random(), torch.rand(1).item(), random.random()) == first
