# SPDX-License-Identifier: Apache-2.0
"""Gradient-boosted trees and forests, in the three ways that exporters (hummingbird-ml) write them: nodes that name their
children, filled-up trees whose index doubles from level to level, and products of matrices."""
import random
from typing import Iterator

import torch
from case import Case, draw, numbers
from torch import Tensor, nn

FEATURES = 9


class Node:
    """A random tree. `yes` and `no` are its ends, both None at a leaf."""

    def __init__(self, dice: random.Random, depth: int, outputs: int) -> None:
        self.feature, self.threshold = dice.randrange(FEATURES), dice.choice([0.0, 1.0, dice.gauss(0, 1), dice.gauss(0, 1)])
        self.value = [dice.gauss(0, 0.1) for _ in range(outputs)]
        self.yes = self.no = None
        if depth > 0 and dice.random() < 0.85:
            self.yes, self.no = Node(dice, depth - 1, outputs), Node(dice, depth - 1, outputs)

    def nodes(self) -> Iterator["Node"]:
        """In preorder."""
        yield self
        if self.yes:
            yield from self.yes.nodes()
            yield from self.no.nodes()


def ensemble(dice: random.Random, trees: int, depth: int, outputs: int) -> list[Node]:
    found = []
    while len(found) < trees:
        tree = Node(dice, depth, outputs)
        if tree.yes:
            found.append(tree)
    return found


def buffer(values: list, dtype: torch.dtype) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=dtype), requires_grad=False)


class Traversal(nn.Module):
    """Each node names its children; a leaf names itself."""

    def __init__(self, forest: list[Node], depth: int, strict: bool) -> None:
        super().__init__()
        self.trees, self.depth, self.outputs, self.strict = len(forest), depth, len(forest[0].value), strict
        size = max(len(list(tree.nodes())) for tree in forest)
        lefts, rights, features, thresholds, values = [], [], [], [], []
        for tree in forest:
            nodes = list(tree.nodes())
            place = {id(node): i for i, node in enumerate(nodes)}
            for i in range(size):
                node = nodes[i] if i < len(nodes) else None
                inner = node is not None and node.yes is not None
                lefts.append(place[id(node.yes)] if inner else i if node else 0)
                rights.append(place[id(node.no)] if inner else i if node else 0)
                features.append(node.feature if inner else 0)
                thresholds.append(node.threshold if inner else 0.0)
                values.append(node.value if node else [0.0] * self.outputs)
        self.lefts, self.rights = buffer(lefts, torch.int64), buffer(rights, torch.int64)
        self.features, self.thresholds = buffer(features, torch.int64), buffer(thresholds, torch.float32)
        self.values = buffer(values, torch.float32)
        self.nodes_offset = buffer([[i * size for i in range(self.trees)]], torch.int64)

    def forward(self, x: Tensor) -> Tensor:
        indexes = self.nodes_offset.expand(x.size(0), self.trees).reshape(-1)
        for _ in range(self.depth):
            feature_nodes = torch.index_select(self.features, 0, indexes).view(-1, self.trees)
            feature_values = torch.gather(x, 1, feature_nodes)
            thresholds = torch.index_select(self.thresholds, 0, indexes).view(-1, self.trees)
            lefts = torch.index_select(self.lefts, 0, indexes).view(-1, self.trees)
            rights = torch.index_select(self.rights, 0, indexes).view(-1, self.trees)
            holds = torch.lt(feature_values, thresholds) if self.strict else torch.le(feature_values, thresholds)
            indexes = torch.where(holds, lefts, rights).long()
            indexes = indexes + self.nodes_offset
            indexes = indexes.view(-1)
        return torch.index_select(self.values, 0, indexes).view(-1, self.trees, self.outputs)


class Perfect(nn.Module):
    """Trees filled up to one height: a node's children are at 2 i and 2 i + 1, where the comparison holds."""

    def __init__(self, forest: list[Node], depth: int, strict: bool) -> None:
        super().__init__()
        self.trees, self.outputs, self.strict = len(forest), len(forest[0].value), strict
        levels: list[list[Node]] = [list(forest)]
        for _ in range(depth):
            levels.append([end for node in levels[-1]
                           for end in ((node.no, node.yes) if node.yes else (node, node))])
        self.root_nodes = buffer([node.feature for node in forest], torch.int64)
        self.root_biases = buffer([node.threshold for node in forest], torch.float32)
        self.tree_indices = buffer(list(range(0, 2 * self.trees, 2)), torch.int64)
        inner = levels[1:-1]
        self.nodes = nn.ParameterList([buffer([n.feature if n.yes else 0 for n in level], torch.int64) for level in inner])
        self.biases = nn.ParameterList(
            [buffer([n.threshold if n.yes else 0.0 for n in level], torch.float32) for level in inner])
        self.leaf_nodes = buffer([node.value for node in levels[-1]], torch.float32)

    def holds(self, x: Tensor, threshold: Tensor) -> Tensor:
        return torch.lt(x, threshold) if self.strict else torch.le(x, threshold)

    def forward(self, x: Tensor) -> Tensor:
        prev_indices = self.holds(torch.index_select(x, 1, self.root_nodes), self.root_biases).long()
        prev_indices = prev_indices + self.tree_indices
        prev_indices = prev_indices.view(-1)
        for nodes, biases in zip(self.nodes, self.biases):
            gather_indices = torch.index_select(nodes, 0, prev_indices).view(-1, self.trees)
            features = torch.gather(x, 1, gather_indices).view(-1)
            prev_indices = 2 * prev_indices + self.holds(features, torch.index_select(biases, 0, prev_indices)).long()
        return torch.index_select(self.leaf_nodes, 0, prev_indices).view(-1, self.trees, self.outputs)


class Products(nn.Module):
    """All comparisons of a tree at once, then which leaf has all of its own, then its value."""

    def __init__(self, forest: list[Node]) -> None:
        super().__init__()
        self.trees, self.outputs = len(forest), len(forest[0].value)
        split = [[node for node in tree.nodes() if node.yes] for tree in forest]
        leaves = [[node for node in tree.nodes() if not node.yes] for tree in forest]
        self.one, self.two = max(map(len, split)), max(map(len, leaves))
        weight_1, bias_1 = torch.zeros(self.trees, self.one, FEATURES), torch.zeros(self.trees, self.one)
        weight_2, bias_2 = torch.zeros(self.trees, self.two, self.one), torch.zeros(self.trees, self.two)
        weight_3 = torch.zeros(self.trees, self.outputs, self.two)
        for t, tree in enumerate(forest):
            for i, node in enumerate(split[t]):
                weight_1[t, i, node.feature], bias_1[t, i] = 1, node.threshold
            place = {id(node): i for i, node in enumerate(split[t])}
            for j, leaf in enumerate(leaves[t]):
                for node, holds in path_to(tree, leaf):
                    weight_2[t, j, place[id(node)]] = 1 if holds else -1
                    bias_2[t, j] += holds
                weight_3[t, :, j] = torch.tensor(leaf.value)
        self.weight_1, self.bias_1 = nn.Parameter(weight_1.view(-1, FEATURES)), nn.Parameter(bias_1.view(-1, 1))
        self.weight_2, self.bias_2 = nn.Parameter(weight_2), nn.Parameter(bias_2.view(-1, 1))
        self.weight_3 = nn.Parameter(weight_3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.t()
        x = torch.le(torch.mm(self.weight_1, x), self.bias_1)
        x = x.view(self.trees, self.one, -1)
        x = x.float()
        x = torch.matmul(self.weight_2, x)
        x = x.view(self.trees * self.two, -1) == self.bias_2
        x = x.view(self.trees, self.two, -1)
        x = x.float()
        x = torch.matmul(self.weight_3, x)
        return x.view(self.trees, self.outputs, -1)


def path_to(tree: Node, leaf: Node) -> list[tuple[Node, bool]]:
    if tree is leaf:
        return []
    for end, holds in ((tree.yes, True), (tree.no, False)):
        if any(node is leaf for node in end.nodes()):
            return [(tree, holds), *path_to(end, leaf)]
    raise AssertionError("no such leaf")


class Boosted(nn.Module):
    """The sum of all trees, its probability, and which class that is."""

    def __init__(self, trees: nn.Module, products: bool = False) -> None:
        super().__init__()
        self.trees, self.products, self.count = trees, products, trees.trees
        self.register_buffer("base", torch.tensor([-0.25]))

    def forward(self, x: Tensor):
        x = self.trees(x)
        if self.products:
            x = torch.squeeze(x).t()
        output = torch.sigmoid(x.reshape(-1, 1, self.count).sum(2) + self.base)
        output = torch.cat([1.0 - output, output], dim=1)
        return torch.argmax(output, dim=1), output


class Multiclass(nn.Module):
    """Trees by class, one class after another."""

    def __init__(self, trees: nn.Module, products: bool = False) -> None:
        super().__init__()
        self.trees, self.products, self.count = trees, products, trees.trees // 3

    def forward(self, x: Tensor) -> Tensor:
        x = self.trees(x)
        if self.products:
            x = torch.squeeze(x).t()
        return torch.softmax(x.reshape(-1, 3, self.count).sum(2), dim=1)


class Forest(nn.Module):
    """Every tree has a share for each class."""

    def __init__(self, trees: nn.Module, products: bool = False) -> None:
        super().__init__()
        self.trees, self.products = trees, products

    def forward(self, x: Tensor) -> Tensor:
        x = self.trees(x)
        return x.sum(0).t() if self.products else x.sum(1)


def trees() -> Iterator[Case]:
    heads = {"boosted": (Boosted, 1), "multiclass": (Multiclass, 1), "forest": (Forest, 3)}
    for seed, way in enumerate(("traversal", "perfect", "products")):
        for name, (head, outputs) in heads.items():
            for scripted in (False, True):
                dice, depth = draw(100 * seed + len(name)), 3 if way == "products" else 5
                forest = ensemble(dice, 24, depth, outputs)
                module = (Products(forest) if way == "products" else Traversal(forest, depth, scripted)
                          if way == "traversal" else Perfect(forest, depth, scripted))
                yield Case(f"trees_{way}_{name}{'_scripted' if scripted else ''}",
                           head(module, products=way == "products"), [numbers(FEATURES, special=True)], {"trees"},
                           scripted, many=True)
