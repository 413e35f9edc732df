"""The networks: Table 2's generator and discriminator, and ResNet34.

Images are float32 [B, C, H, W] in [-1, 1]; where a network is conditional, C = 4 and the last channel is the class
plane (conditioning.py). Norms are InstanceNorm without affine parameters and without running statistics, as in
CycleGAN (Zhu et al. 2017).
"""

from torch import Tensor, nn
from torch.nn import functional as F

from training.learning.convolution import Conv2d, ConvTranspose2d, InstanceNorm2d


class ResizedConv2d(Conv2d):
    """A convolution of the picture at twice its size, instead of a transposed one, which leaves a checker pattern."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, out_channels, 2 H, 2 W]."""
        return super().forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))


def _normed(channels: int, norm: str) -> nn.Module:
    """Return the norm after a convolution: Table 2's instance norm, or what is put in its place (config.py)."""
    if norm == "none":
        return nn.Identity()
    return InstanceNorm2d(channels, affine=False, track_running_stats=False)


def _twice(in_channels: int, channels: int, kind: str) -> nn.Module:
    if kind == "resized":
        return ResizedConv2d(in_channels, channels, 3, 1, 1)
    return ConvTranspose2d(in_channels, channels, 3, 2, 1, output_padding=1)


class ResidualBlock(nn.Module):
    """Table 2's pair of 256-channel convolutions, the second without activation, plus a skip.

    The table lists no skip, but a norm with no activation after it is how CycleGAN's residual blocks end.
    """

    def __init__(self, channels: int, norm: str = "instance") -> None:
        """Keep the number of channels."""
        super().__init__()
        self.body = nn.Sequential(
            Conv2d(channels, channels, 3, 1, 1),
            _normed(channels, norm),
            nn.ReLU(inplace=True),
            Conv2d(channels, channels, 3, 1, 1),
            _normed(channels, norm),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x + body(x), of the same shape."""
        out: Tensor = x + self.body(x)
        return out


class Generator(nn.Sequential):
    """Xu et al. 2020, Table 2, left column, row by row; [B, in_channels, H, W] to [B, 3, H, W], H and W multiples of 4.

    Differs from the paper: Table 2 gives 3 input channels although the class is "the additional channel"; we take 4.
    """

    def __init__(
        self,
        in_channels: int = 4,
        ngf: int = 64,
        n_blocks: int = 1,
        norm: str = "instance",
        upsampling: str = "transposed",
    ) -> None:
        """Build with `ngf` channels in the first layer and `n_blocks` residual blocks; the table has 64 and one."""
        super().__init__(
            Conv2d(in_channels, ngf, 7, 1, 3),
            _normed(ngf, norm),
            nn.ReLU(inplace=True),
            Conv2d(ngf, 2 * ngf, 3, 2, 1),
            _normed(2 * ngf, norm),
            nn.ReLU(inplace=True),
            Conv2d(2 * ngf, 4 * ngf, 3, 2, 1),
            _normed(4 * ngf, norm),
            nn.ReLU(inplace=True),
            *(ResidualBlock(4 * ngf, norm) for _ in range(n_blocks)),
            _twice(4 * ngf, 2 * ngf, upsampling),
            _normed(2 * ngf, norm),
            nn.ReLU(inplace=True),
            _twice(2 * ngf, ngf, upsampling),
            _normed(ngf, norm),
            nn.ReLU(inplace=True),
            Conv2d(ngf, 3, 7, 1, 3),
            nn.Tanh(),
        )
        self.apply(_init_weights if norm != "none" else _init_unnormed)


class Discriminator(nn.Module):
    """Xu et al. 2020, Table 2, right column, row by row; [B, in_channels, H, W] to logits [B, 1].

    The sigmoid that binary cross-entropy needs is inside the loss. With `average` false the last row, AveragePool, is
    left out and the logits are [B, 1, h, w], one a position.
    """

    def __init__(self, in_channels: int = 4, ndf: int = 64, average: bool = True, norm: str = "instance") -> None:
        """Build with `ndf` channels in the first layer (64)."""
        super().__init__()
        self.average = average
        self.body = nn.Sequential(
            Conv2d(in_channels, ndf, 7, 1, 3),
            nn.LeakyReLU(0.2, inplace=True),
            Conv2d(ndf, 2 * ndf, 3, 2, 1),
            _normed(2 * ndf, norm),
            nn.LeakyReLU(0.2, inplace=True),
            Conv2d(2 * ndf, 4 * ndf, 3, 2, 1),
            _normed(4 * ndf, norm),
            nn.LeakyReLU(0.2, inplace=True),
            Conv2d(4 * ndf, 8 * ndf, 3, 2, 1),
            _normed(8 * ndf, norm),
            nn.LeakyReLU(0.2, inplace=True),
            Conv2d(8 * ndf, 1, 4, 1, 1),
        )
        self.apply(_init_weights if norm != "none" else _init_unnormed)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits that x is a real patch."""
        logits: Tensor = self.body(x)  # [B, 1, H/8 - 1, W/8 - 1]
        return logits.mean(dim=(2, 3)) if self.average else logits


def _init_weights(module: nn.Module) -> None:
    """Draw convolution weights from N(0, .02), biases 0, as CycleGAN does; the paper is silent."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not module.weight.is_meta:
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _init_unnormed(module: nn.Module) -> None:
    """Draw convolution weights that keep the size of activations from layer to layer (He et al. 2015); biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not module.weight.is_meta:
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a skip (He et al. 2016), with torchvision's parameter names."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        """Project the skip where the shape changes."""
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        skip = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        relu: Tensor = self.relu(out + skip)
        return relu


class ResNet(nn.Module):
    """ResNet34 (He et al. 2016) when built with the defaults; narrower or shallower for small runs.

    Parameter names and shapes are torchvision's, so that a user's ImageNet file loads. MONAI's resnet34 is the same
    network (a test compares them); importing MONAI costs seconds at the start of every run, so it is written out here.
    """

    def __init__(self, classes: int = 2, width: int = 64, stages: tuple[int, ...] = (3, 4, 6, 3)) -> None:
        """Build with `width` channels in the first stage, doubled at each of the next three."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._stage(width, width, stages[0], 1)
        self.layer2 = self._stage(width, 2 * width, stages[1], 2)
        self.layer3 = self._stage(2 * width, 4 * width, stages[2], 2)
        self.layer4 = self._stage(4 * width, 8 * width, stages[3], 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, classes)
        for module in self.modules():
            # Without numbers to draw (the meta device), torch would import its compiler here, which takes seconds.
            if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
        first = BasicBlock(in_channels, channels, stride)
        return nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1)))

    def features(self, x: Tensor) -> Tensor:
        """Return the features before the last layer, [B, 8 * width]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        pooled: Tensor = self.avgpool(x).flatten(1)
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the classes, [B, classes]."""
        logits: Tensor = self.fc(self.features(x))
        return logits


def parameter_count(net: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(parameter.numel() for parameter in net.parameters())
