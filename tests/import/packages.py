# SPDX-License-Identifier: Apache-2.0
"""Models of packages from PyPI (tests/support/requirements-packages.txt), as teams that score payments build and export
them. None of them is written for TorchScript's compiler: they are traced, and where a service wants a scripted module,
a wrapper of its own is scripted around the traced one.
"""
import contextlib
import sys
import threading
import unittest.mock

import torch
from case import LENGTH, Case, ids, numbers, randomise
from torch import Tensor, nn


@contextlib.contextmanager
def offline():
    """deepctr-torch asks PyPI for a newer version of itself while it is imported."""
    known = sys.modules.get("requests")
    sys.modules["requests"] = unittest.mock.MagicMock()
    with unittest.mock.patch.object(threading.Thread, "start"):
        yield
    del sys.modules["requests"]
    if known:
        sys.modules["requests"] = known


with offline():
    import deepctr_torch.models as deepctr
    from deepctr_torch.inputs import DenseFeat, SparseFeat, VarLenSparseFeat
    from deepctr_torch.models import multitask
import rtdl_num_embeddings as embeddings
import rtdl_revisiting_models as rtdl
import tab_transformer_pytorch as tab_transformer
import tabm
import x_transformers
from x_transformers.continuous import ContinuousTransformerWrapper

CARDINALITIES = [5, 5, 5]
CODES, AMOUNTS = ids(5, 3), numbers(4)


class Service(nn.Module):
    """What a service scripts around an exported model: it cleans the numbers and names one score."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        cleaned = torch.nan_to_num(numbers, 0.0, 1e3, -1e3).clamp(-20.0, 20.0)
        scores = self.model(cleaned, codes)
        if scores.dim() == 3:
            scores = scores.mean(1)
        return torch.sigmoid(scores[:, 0]) if scores.dim() == 2 else torch.sigmoid(scores)


class OfAmounts(nn.Module):
    """A model of numbers alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return self.model(numbers)


class CodesFirst(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return self.model(codes, numbers)


class OneMatrix(nn.Module):
    """deepctr-torch takes all features as columns of one float matrix."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return self.model(torch.cat([codes.float(), numbers], dim=1))


class Blocks(nn.Module):
    """tabm's parts in a model of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = rtdl.CategoricalEmbeddings(CARDINALITIES, 4)
        self.net = nn.Sequential(tabm.EnsembleView(k=4), tabm.LinearBatchEnsemble(16, 8, k=4, scaling_init="random-signs"),
                                 tabm.BatchNorm1dEnsemble(8, k=4), nn.ReLU(), tabm.LinearEnsemble(8, 8, k=4),
                                 tabm.LayerNormEnsemble(8, k=4), nn.SiLU(), tabm.LinearEnsemble(8, 1, k=4))

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return self.net(torch.cat([numbers, self.codes(codes).flatten(1)], dim=1))


class PeriodicResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.codes = rtdl.CategoricalEmbeddings(CARDINALITIES, 4)
        self.numbers = embeddings.PeriodicEmbeddings(4, 6, lite=False)
        self.body = rtdl.ResNet(d_in=36, d_out=1, n_blocks=2, d_block=8, d_hidden=16, d_hidden_multiplier=None,
                                dropout1=0.1, dropout2=0.0)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        return self.body(torch.cat([self.numbers(numbers).flatten(1), self.codes(codes).flatten(1)], dim=1))


def tab_transformers():
    options = {"categories": (5, 5, 5), "num_continuous": 4, "dim": 8, "depth": 2, "heads": 2, "dim_head": 4}
    means = torch.tensor([[0.1, 2.0], [0.0, 1.0], [3.0, 2.0], [-1.0, 0.5]])
    yield "tab", CodesFirst(tab_transformer.TabTransformer(**options, mlp_act=nn.ReLU()))
    yield "tab_means", CodesFirst(tab_transformer.TabTransformer(
        **options, dim_out=2, continuous_mean_std=means, use_shared_categ_embed=False, mlp_act=nn.SELU()))
    yield "tab_ft", CodesFirst(tab_transformer.FTTransformer(**options, dim_out=1))


def tabms():
    for kind in ("tabm", "tabm-mini", "tabm-packed"):
        yield kind, tabm.TabM.make(n_num_features=4, cat_cardinalities=CARDINALITIES, d_out=1, k=4, n_blocks=2, d_block=16,
                                   arch_type=kind)
    bins = [torch.linspace(-2, 2, n) for n in (3, 6, 6, 2)]
    pieces = embeddings.PiecewiseLinearEmbeddings(bins, 8, activation=False, version="B")
    yield "tabm_pieces", OfAmounts(tabm.TabM.make(n_num_features=4, d_out=2, k=4, n_blocks=2, d_block=16,
                                                  num_embeddings=pieces))
    periodic = embeddings.PeriodicEmbeddings(4, 8, lite=False)
    yield "tabm_periodic", tabm.TabM.make(n_num_features=4, cat_cardinalities=CARDINALITIES, d_out=2, k=4, n_blocks=1,
                                          d_block=16, num_embeddings=periodic)
    yield "tabm_blocks", Blocks()


def rtdls():
    yield "rtdl_mlp", OfAmounts(rtdl.MLP(d_in=4, d_out=1, n_blocks=2, d_block=16, dropout=0.1))
    yield "rtdl_resnet", PeriodicResNet()
    bins = [torch.linspace(-2, 2, n) for n in (3, 6, 6, 2)]
    for name, first in {"linear": embeddings.LinearReLUEmbeddings(4, 6),
                        "periodic": embeddings.PeriodicEmbeddings(4, 6, lite=True),
                        "pieces": embeddings.PiecewiseLinearEmbeddings(bins, 6, activation=True, version="A")}.items():
        yield f"rtdl_{name}", OfAmounts(nn.Sequential(first, nn.Flatten(), nn.Linear(24, 1)))


def click_models():
    """deepctr-torch's: each its own interaction of fields."""
    fields = [SparseFeat(name, 5, 4) for name in ("mcc", "country", "device")]
    columns = fields + [DenseFeat("amount", 1), DenseFeat("age", 1), DenseFeat("velocity", 2)]
    deep = {"dnn_hidden_units": (8, 4)}
    tasks = {"task_types": ["binary", "binary"], "task_names": ["fraud", "chargeback"]}
    small = {"tower_dnn_hidden_units": (4,), **tasks}
    expert = {"expert_dnn_hidden_units": (8,), "gate_dnn_hidden_units": (4,), **small}
    models = {
        "deepfm": deepctr.DeepFM(columns, columns, dnn_use_bn=True, dnn_activation="prelu", **deep),
        "dcn": deepctr.DCN(columns, columns, cross_parameterization="matrix", **deep),
        "xdeepfm": deepctr.xDeepFM(columns, columns, cin_layer_size=(8, 4), dnn_hidden_units=(8,)),
        "autoint": deepctr.AutoInt(columns, columns, **deep), "afn": deepctr.AFN(
            columns, columns, ltl_hidden_size=8, afn_dnn_hidden_units=(8, 4)),
        "nfm": deepctr.NFM(columns, columns, **deep), "pnn": deepctr.PNN(columns, use_inner=True, use_outter=True, **deep),
        "fibinet": deepctr.FiBiNET(columns, columns, **deep), "ifm": deepctr.IFM(columns, columns, **deep),
        "difm": deepctr.DIFM(columns, columns, **deep), "wdl": deepctr.WDL(columns, columns, **deep),
        "mlr": deepctr.MLR(columns), "onn": deepctr.ONN(columns, columns, **deep),
        "ccpm": deepctr.CCPM(fields, fields, conv_kernel_width=(2, 2), conv_filters=(2, 2), dnn_hidden_units=(8,)),
        "mmoe": multitask.MMOE(columns, num_experts=2, **expert),
        "ple": multitask.PLE(columns, shared_expert_num=1, specific_expert_num=1, num_levels=2, **expert),
        "esmm": multitask.ESMM(columns, **small),
    }
    for name, model in models.items():
        yield f"deepctr_{name}", OneMatrix(model)


class OfHistory(nn.Module):
    """deepctr-torch's models of a history of codes, zeros at its end."""

    def __init__(self, model: nn.Module, counted: bool) -> None:
        super().__init__()
        self.model, self.counted = model, counted

    def forward(self, codes: Tensor, history: Tensor, amounts: Tensor) -> Tensor:
        columns = [codes.float(), amounts, history.float()]
        if self.counted:
            columns.append((history > 0).sum(1, keepdim=True).float())
        return self.model(torch.cat(columns, dim=1))


def histories():
    def columns(combiner: str, length_name: str | None):
        own = SparseFeat("hist_mcc", 5, 4, embedding_name="mcc")
        return ([SparseFeat(name, 5, 4) for name in ("mcc", "country", "device")] +
                [DenseFeat("amount", 4), VarLenSparseFeat(own, 4, combiner, length_name=length_name)])

    deep = {"dnn_hidden_units": (8, 4)}
    for combiner in ("mean", "sum", "max"):
        own = columns(combiner, None)
        yield f"deepctr_history_{combiner}", OfHistory(deepctr.DeepFM(own, own, **deep), False)
    own = columns("mean", "past")
    yield "deepctr_din", OfHistory(deepctr.DIN(own, ["mcc"], att_hidden_size=(8,), **deep), True)
    yield "deepctr_din_weighted", OfHistory(
        deepctr.DIN(own, ["mcc"], att_hidden_size=(8,), att_activation="relu", att_weight_normalization=True, **deep), True)


class Encoder(nn.Module):
    """x-transformers over a history of codes."""

    def __init__(self, **options) -> None:
        super().__init__()
        own = {key: options.pop(key) for key in ("use_abs_pos_emb", "scaled_sinu_pos_emb", "num_memory_tokens")
               if key in options}
        kind = x_transformers.Decoder if options.pop("causal", False) else x_transformers.Encoder
        self.body = x_transformers.TransformerWrapper(
            num_tokens=40, max_seq_len=32, attn_layers=kind(dim=16, depth=2, heads=2, attn_dim_head=8, **options), **own)
        self.head = nn.Linear(16, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.body(tokens, return_embeddings=True).mean(1)).squeeze(1)


class OfEvents(nn.Module):
    def __init__(self, **options) -> None:
        super().__init__()
        layers = x_transformers.Encoder(dim=16, depth=1, heads=2, attn_dim_head=8, **options)
        self.body = ContinuousTransformerWrapper(dim_in=3, dim_out=1, max_seq_len=32, attn_layers=layers)

    def forward(self, events: Tensor) -> Tensor:
        return self.body(events)[:, -1, 0]


class Latents(nn.Module):
    """Two questions asked of a history."""

    def __init__(self) -> None:
        super().__init__()
        self.body = x_transformers.CrossAttender(dim=8, depth=1, heads=2, attn_dim_head=4)
        self.asked = nn.Parameter(torch.randn(2, 8))
        self.embed, self.head = nn.Linear(3, 8), nn.Linear(8, 1)

    def forward(self, events: Tensor) -> Tensor:
        asked = self.asked.expand(events.shape[0], -1, -1)
        return self.head(self.body(asked, context=self.embed(events))).mean((1, 2))


def encoders():
    options = {
        "plain": {}, "flash": {"attn_flash": True}, "rotary": {"rotary_pos_emb": True, "use_abs_pos_emb": False},
        "rms": {"use_rmsnorm": True, "ff_glu": True, "ff_swish": True},
        "simple_norm": {"use_simple_rmsnorm": True, "attn_qk_norm": True},
        "one_kv": {"use_scalenorm": True, "attn_kv_heads": 1},
        "sinusoids": {"scaled_sinu_pos_emb": True, "sandwich_norm": True},
        "memory": {"num_memory_tokens": 2, "attn_num_mem_kv": 3}, "talking_heads": {"attn_pre_talking_heads": True},
        "gated": {"gate_residual": True}, "macaron": {"macaron": True}, "gated_values": {"attn_gate_values": True},
        "shifted": {"shift_tokens": 1}, "causal": {"causal": True, "rotary_pos_emb": True}, "tanh": {"use_dynamic_tanh": True},
    }
    for name, own in options.items():
        yield f"x_transformers_{name}", Encoder(**own), [ids(40, LENGTH)]
    yield "x_transformers_events", OfEvents(), [numbers(LENGTH, 3)]
    yield "x_transformers_events_rotary", OfEvents(rotary_pos_emb=True), [numbers(LENGTH, 3)]
    yield "x_transformers_latents", Latents(), [numbers(LENGTH, 3)]


class Score(nn.Module):
    """A scripted wrapper around a traced model of one history."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, history: Tensor) -> Tensor:
        return torch.sigmoid(self.model(history)) * 2.0 - 1.0


class ScoreOfThree(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor, history: Tensor, amounts: Tensor) -> Tensor:
        return torch.sigmoid(self.model(codes, history, amounts.clamp(-9.0, 9.0))[:, 0])


def prepared(model: nn.Module) -> nn.Module:
    """deepctr-torch starts with tables of 1e-4, which would tell nothing."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1 and weight.std() < 1e-2:
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return randomise(model, 3)


def case_of(name: str, model: nn.Module, wrapper, arguments, family: str, scripted: bool) -> Case:
    families = {"packages", f"packages_{family}"}
    prepared(model)
    if not scripted:
        return Case(f"packages_{name}_traced", model, arguments, families, False, many=True)
    generator = torch.Generator().manual_seed(1)
    example = tuple(argument.sample(3, 7, generator) for argument in arguments)
    traced = torch.jit.trace(model, example, check_trace=False)
    return Case(f"packages_{name}_scripted", wrapper(traced), arguments, families, True, many=True)


def packages() -> list[Case]:
    """Every other one scripted."""
    torch.manual_seed(17)
    made = []
    for make, family in ((tab_transformers, "tabular"), (tabms, "tabular"), (rtdls, "tabular"), (click_models, "click")):
        made += [(name, model, Service, [AMOUNTS, CODES], family) for name, model in make()]
    history = ids(5, 4, tail="zeros")
    made += [(name, model, ScoreOfThree, [CODES, history, AMOUNTS], "click") for name, model in histories()]
    made += [(name, model, Score, arguments, "encoders") for name, model, arguments in encoders()]
    with torch.no_grad():
        return [case_of(*one, scripted=i % 2 == 0) for i, one in enumerate(made)]
