# SPDX-License-Identifier: Apache-2.0
"""Encoders of `transformers`, small and with random weights: traced, half of them within a scripted wrapper."""
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from case import LENGTH, Case, draw, ids, mask_argument, randomise, real_mask
from torch import Tensor, nn

transformers.logging.set_verbosity_error()


class Wrapped(nn.Module):
    """A model whose answer is tensors, so that it can be traced."""

    def __init__(self, model: nn.Module, what: str, masked: bool):
        super().__init__()
        self.model, self.what, self.masked = model, what, masked

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None):
        found = self.model(input_ids=input_ids, attention_mask=attention_mask)
        if self.what == "logits":
            return found.logits
        hidden = found.last_hidden_state
        return hidden[:, 0] if self.what == "first" else hidden.mean(dim=1)


class Scripted(nn.Module):
    """What a service scripts around a traced model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor) -> Tensor:
        return torch.tanh(self.model(input_ids))


class ScriptedWithMask(Scripted):
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return torch.tanh(self.model(input_ids, attention_mask))


def library(seed: int) -> Case:
    rng = draw(seed)
    kind = ["bert", "distilbert", "roberta"][seed % 3]
    attention = ["eager", "sdpa"][(seed // 3) % 2]
    what = ["logits", "first", "mean"][(seed // 6) % 3]
    masked = ["argument", "real", "none"][(seed // 2) % 3]
    width, heads = rng.choice([(8, 2), (16, 4)])
    if kind == "distilbert":
        config = transformers.DistilBertConfig(vocab_size=40, dim=width, n_heads=heads, n_layers=2, hidden_dim=2 * width,
                                               max_position_embeddings=32, num_labels=3, activation=rng.choice(["gelu", "relu"]))
        classes = (transformers.DistilBertModel, transformers.DistilBertForSequenceClassification)
    else:
        options = dict(vocab_size=40, hidden_size=width, num_attention_heads=heads, num_hidden_layers=2,
                       intermediate_size=2 * width, max_position_embeddings=32, num_labels=2, type_vocab_size=2,
                       hidden_act=rng.choice(["gelu", "relu", "gelu_new", "silu"]))
        config = (transformers.BertConfig if kind == "bert" else transformers.RobertaConfig)(**options)
        classes = ((transformers.BertModel, transformers.BertForSequenceClassification) if kind == "bert" else
                   (transformers.RobertaModel, transformers.RobertaForSequenceClassification))
    config._attn_implementation = attention
    model = randomise(classes[what == "logits"](config), seed)
    arguments = [ids(40, LENGTH) if kind != "roberta" else ids(40, LENGTH, tail="zeros")]
    if kind == "roberta":  # ids of 1 are its padding, and move positions
        arguments = [ids(40, LENGTH)]
    if masked != "none":
        arguments.append(mask_argument("int64") if masked == "argument" else real_mask("int64"))
    families = {"library_encoder", f"library_{kind}", f"library_{attention}", "post_norm", "positions_learned"}
    if masked != "none":
        families.add("mask_argument")
    module = Wrapped(model, what, masked != "none")
    scripted = (seed // 6) % 2 == 0
    if scripted:
        generator = torch.Generator().manual_seed(seed)
        example = tuple(argument.sample(3, 7, generator) for argument in arguments)
        with torch.no_grad():
            traced = torch.jit.trace(module, example, check_trace=False)
        module = (Scripted if masked == "none" else ScriptedWithMask)(traced)
    return Case(f"library_{kind}_{attention}_{seed}", module, arguments, families, scripted)
