# SPDX-License-Identifier: Apache-2.0
"""Convolutions and pools along several axes, transposed ones, and axes that are padded and resampled."""
import torch
from case import LENGTH, Case, numbers
from torch import Tensor, nn
from torch.nn import functional as F

CONVOLUTIONS, POOLS, RESAMPLING = {"convolutions_of_planes"}, {"pools"}, {"resampling"}


class TextPatches(nn.Module):
    """Kim's convolutions over words: windows as wide as the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.ModuleList([nn.Conv2d(1, 3, (size, 4)) for size in (2, 3)])

    def forward(self, x: Tensor) -> Tensor:
        plane = x.unsqueeze(1)
        found = [torch.relu(filter(plane)).squeeze(3).amax(2) for filter in self.filters]
        return torch.cat(found, dim=1)


class HistoryPlane(nn.Module):
    """Features of a history of any length as a plane with one channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.mix = nn.Conv2d(4, 2, (1, 2), groups=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(F.gelu(self.conv(x.unsqueeze(1)))).mean(dim=(2, 3))


class Strided(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
                                  nn.Conv2d(4, 4, 3, padding="same", dilation=2, groups=4), nn.Conv2d(4, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).flatten(1)


class Cube(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 2, 2)
        self.back = nn.ConvTranspose3d(2, 1, 2, stride=2, output_padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.back(self.conv(x.view(-1, 1, 3, 2, 3))).flatten(1)


class Decoder(nn.Module):
    """An autoencoder whose decoder is transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv1d(3, 4, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose1d(4, 3, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return (self.up(torch.tanh(self.down(x))) - x).square().mean(dim=(1, 2))


class DecoderOfAnyLength(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose1d(3, 6, 3, stride=2, output_padding=1, groups=3)
        self.plain = nn.ConvTranspose1d(6, 1, 2, bias=False, dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.plain(self.up(x.transpose(1, 2))).mean(2)


class Planes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), output_padding=(1, 0), groups=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(x).flatten(1)


class PlacesFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 4, 2))
        self.bias = nn.Parameter(torch.randn(2))

    def forward(self, x: Tensor) -> Tensor:
        found = torch.conv_tbc(x.transpose(0, 1).contiguous(), self.weight, self.bias, 1)
        patches = F.unfold(x.view(-1, 1, 5, 4), kernel_size=(3, 2), stride=(1, 2), padding=(1, 0), dilation=1)
        return torch.cat([found.transpose(0, 1).flatten(1), patches.flatten(1)], dim=1)


class Largest(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = F.max_pool2d(x, 2, stride=1, padding=1)
        b = F.max_pool2d(x, (3, 2), ceil_mode=True)
        c, where = F.max_pool2d(x, 2, return_indices=True)
        line, at = F.max_pool1d(x.flatten(2), 3, return_indices=True)
        return torch.cat([a.flatten(1), b.flatten(1), c.flatten(1), where.float().flatten(1), line.flatten(1),
                          at.float().flatten(1)], dim=1)


class Means(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = F.avg_pool2d(x, 2, padding=1, count_include_pad=False)
        b = F.avg_pool2d(x, 3, stride=2, ceil_mode=True, padding=1)
        c = F.avg_pool2d(x, (2, 1), divisor_override=5)
        d = F.avg_pool1d(x.flatten(2), 4, stride=3, padding=2, ceil_mode=True, count_include_pad=False)
        return torch.cat([a.flatten(1), b.flatten(1), c.flatten(1), d.flatten(1)], dim=1)


class Adaptive(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a = F.adaptive_avg_pool2d(x, (2, 3))
        b = F.adaptive_max_pool2d(x, (3, 2))
        c = F.adaptive_avg_pool1d(x.flatten(2), 7)
        d, place = F.adaptive_max_pool1d(x.flatten(2), 5, return_indices=True)
        e = F.adaptive_avg_pool2d(x, 1)
        return torch.cat([a.flatten(1), b.flatten(1), c.flatten(1), d.flatten(1),
                          F.adaptive_max_pool1d(x.flatten(2), 3).flatten(1), place.float().flatten(1), e.flatten(1)], dim=1)


class AdaptivePlaces(nn.Module):
    """Where the largest stands: of several NaN the last."""

    def forward(self, x: Tensor) -> Tensor:
        largest, place = F.adaptive_max_pool1d(x.flatten(2), 5, return_indices=True)
        return torch.cat([largest.flatten(1), place.float().flatten(1)], dim=1)


class Volumes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        cube = x.view(-1, 1, 3, 2, 3)
        a, at = F.max_pool3d(cube, 2, stride=1, return_indices=True)
        b = F.adaptive_max_pool3d(cube, (2, 1, 2))
        return torch.cat([F.max_pool3d(cube, (2, 1, 2)).flatten(1), F.avg_pool3d(cube, 2, stride=1).flatten(1),
                          F.adaptive_avg_pool3d(cube, 2).flatten(1), a.flatten(1), at.float().flatten(1), b.flatten(1)], dim=1)


class PooledHistory(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        plane = x.unsqueeze(1)
        return torch.cat([F.max_pool2d(plane, (1, 2)).amax(2).flatten(1), F.adaptive_avg_pool2d(plane, (1, 3)).flatten(1),
                          F.avg_pool2d(plane, (1, 3), stride=1).mean(2).flatten(1),
                          F.adaptive_avg_pool2d(plane, (1, 1)).flatten(1)], dim=1)


class Edges(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.ReflectionPad1d(2), nn.ReplicationPad1d((1, 3)))
        self.second = nn.Sequential(nn.ReflectionPad2d((1, 2, 0, 1)), nn.ReplicationPad2d(1), nn.ZeroPad2d((1, 0, 0, 1)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.first(x.flatten(2)).flatten(1), self.second(x).flatten(1)], dim=1)


class Enlarged(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        line = x.flatten(2)
        lines = [F.interpolate(line, size=5, mode="linear"),
                 F.interpolate(line, scale_factor=1.5, mode="linear", align_corners=True)]
        planes = [F.interpolate(x, scale_factor=[1.1, 2.3], mode="bilinear"), F.interpolate(x, size=[3, 7], mode="bilinear"),
                  F.interpolate(x, size=[5, 6], mode="bicubic", align_corners=False)]
        cube = F.interpolate(x.unsqueeze(2), size=[2, 3, 7], mode="trilinear", align_corners=True)
        return torch.cat([one.flatten(1) for one in lines + planes + [cube]], dim=1)


class EnlargedByName(nn.Module):
    """What F.interpolate calls."""

    def forward(self, x: Tensor) -> Tensor:
        line = torch._C._nn.upsample_linear1d(x.flatten(2), [30], True, None)
        planes = [torch._C._nn.upsample_bilinear2d(x, [3, 7], False, None), torch._C._nn.upsample_bicubic2d(x, [7, 3], True, None)]
        cube = torch._C._nn.upsample_trilinear3d(x.unsqueeze(2), [2, 3, 7], False, None)
        return torch.cat([one.flatten(1) for one in planes + [line, cube]], dim=1)


class Shuffled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a, b = F.pixel_shuffle(x.view(-1, 4, 2, 5), 2), F.pixel_unshuffle(x.view(-1, 1, 4, 10), 2)
        return torch.cat([a.flatten(1), b.flatten(1), torch.channel_shuffle(x.view(-1, 4, 2, 5), 2).flatten(1)], dim=1)


class Smooth(nn.Module):
    """A blur and its residue."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.full((2, 1, 3, 3), 1 / 9))

    def forward(self, x: Tensor) -> Tensor:
        return (x - F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), self.kernel, groups=2)).abs().mean(dim=(1, 2, 3))


class Pyramid(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        small = F.interpolate(F.avg_pool2d(x, 2), size=[4, 5], mode="bilinear", align_corners=False)
        return torch.cat([(x - small).flatten(1), F.interpolate(x, size=[4, 3], mode="bilinear").flatten(1)], dim=1)


PLANE = numbers(2, 4, 5)
KINDS = [
    (TextPatches, [numbers(6, 4)], CONVOLUTIONS), (HistoryPlane, [numbers(LENGTH, 5)], CONVOLUTIONS),
    (Strided, [PLANE], CONVOLUTIONS), (Cube, [numbers(18)], CONVOLUTIONS), (Decoder, [numbers(3, 8)], CONVOLUTIONS),
    (DecoderOfAnyLength, [numbers(LENGTH, 3)], CONVOLUTIONS), (Planes, [PLANE], CONVOLUTIONS),
    (PlacesFirst, [numbers(5, 4)], CONVOLUTIONS),
    (Largest, [numbers(2, 4, 5, special=True)], POOLS), (Means, [PLANE], POOLS), (Adaptive, [PLANE], POOLS),
    (AdaptivePlaces, [numbers(2, 4, 5, special=True)], POOLS),
    (Volumes, [numbers(18)], POOLS), (PooledHistory, [numbers(LENGTH, 6)], POOLS),
    (Edges, [PLANE], RESAMPLING), (Enlarged, [PLANE], RESAMPLING), (EnlargedByName, [PLANE], RESAMPLING),
    (Shuffled, [numbers(40)], RESAMPLING),
    (Smooth, [PLANE], RESAMPLING), (Pyramid, [PLANE], RESAMPLING),
]


def windows() -> list[Case]:
    cases = []
    for kind, inputs, family in KINDS:
        for scripted in (True, False):
            torch.manual_seed(11)
            name = f"windows_{kind.__name__.lower()}_{'scripted' if scripted else 'traced'}"
            cases.append(Case(name, kind(), inputs, family, scripted, many=True))
    return cases
