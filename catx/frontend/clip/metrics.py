"""Accuracy of a CLIP model: recall of retrieval both ways, and zero-shot classification."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from catx.errors import OptionError
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import Pairs

RANKS = (1, 5, 10)
BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Share of queries whose match is among the first 1, 5 and 10.

    An image's match is any of its captions; a caption's is its image. Captions of the same words match the
    images of all of them.
    """

    data: str
    images: int
    captions: int
    image_to_text: tuple[float, float, float]
    text_to_image: tuple[float, float, float]

    @property
    def mean(self) -> float:
        """Mean of all six: "mean recall" of the retrieval literature."""
        return (sum(self.image_to_text) + sum(self.text_to_image)) / 6

    @property
    def mean_at_1(self) -> float:
        """Mean of recall@1 both ways: what CATransformers calls accuracy."""
        return (self.image_to_text[0] + self.text_to_image[0]) / 2


@torch.no_grad()
def embed_images(model: Clip, pairs: Pairs) -> Tensor:
    """Normalized embeddings of all images, (n, embed_dim)."""
    device = model.logit_scale.device
    return torch.cat([model.encode_image(images.to(device)) for images in pairs.images(BATCH)])


@torch.no_grad()
def embed_texts(model: Clip, texts: Tensor) -> Tensor:
    """Normalized embeddings of tokens, (m, embed_dim)."""
    device = model.logit_scale.device
    return torch.cat([model.encode_text(rows.to(device)) for rows in texts.split(BATCH)])


def check_measurable(pairs: Pairs) -> None:
    """Raise an OptionError where pairs are too few for recall at 10 to be a measure."""
    if len(pairs) < RANKS[-1]:
        raise OptionError(f"{pairs.name}: {len(pairs)} images are too few for recall at {RANKS[-1]}")


def recall(model: Clip, pairs: Pairs) -> Recall:
    """Recall at 1, 5 and 10 both ways over all pairs.

    Raises:
        OptionError: fewer than ten images: recall at 10 would be no measure.
    """
    check_measurable(pairs)
    was = model.training
    model.eval()
    texts, owners = pairs.captions()
    _, same = torch.unique(texts, dim=0, return_inverse=True)
    found = recall_of(embed_images(model, pairs), embed_texts(model, texts), owners, pairs.name, same)
    model.train(was)
    return found


def recall_of(
    images: Tensor, texts: Tensor, owners: Tensor, name: str = "", same: Tensor | None = None
) -> Recall:
    """Recall from embeddings.

    Args:
        images: normalized, (n, embed_dim).
        texts: normalized, (m, embed_dim).
        owners: image of each text, (m,).
        name: of the data.
        same: a number per text, equal for equal texts, (m,); without it all texts are different.
    """
    owners = owners.to(images.device)
    groups = torch.arange(len(texts), device=images.device) if same is None else same.to(images.device)
    has = torch.zeros(len(images), int(groups.max()) + 1, dtype=torch.bool, device=images.device)
    has[owners, groups] = True
    own = has[:, groups]
    scores = images @ texts.T
    return Recall(
        data=name,
        images=len(images),
        captions=len(texts),
        image_to_text=_share_found(scores, own),
        text_to_image=_share_found(scores.T, own.T),
    )


def _share_found(scores: Tensor, own: Tensor) -> tuple[float, float, float]:
    """Share of queries (rows) with a target (column) of their own among the first ranks.

    A query's best own target is beaten by so many others: equal scores count against it, and scores that are
    no numbers too, so that a model that says the same of all, or nothing, finds nothing.
    """
    best = scores.masked_fill(~own, -torch.inf).amax(dim=1, keepdim=True)
    beaten = (~(scores < best) & ~own).sum(dim=1)
    one, five, ten = ((beaten < rank).double().mean().item() for rank in RANKS)
    return one, five, ten


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroShot:
    """Share of images whose class is the nearest prompt's, and among the five nearest.

    Without more than five classes there is no top-5.
    """

    data: str
    images: int
    classes: int
    top1: float
    top5: float | None


@torch.no_grad()
def zero_shot(
    model: Clip, batches: Iterable[tuple[Tensor, Tensor]], prompts: Sequence[Tensor], name: str = ""
) -> ZeroShot:
    """Zero-shot classification.

    Args:
        model: in any mode.
        batches: images (n, 3, height, width) and the class of each, (n,).
        prompts: tokens of each class's prompts, (prompts, context_length) each; embeddings are averaged.
        name: of the data.

    Raises:
        OptionError: no image, or a single class.
    """
    if len(prompts) < 2:
        raise OptionError(f"{name}: {len(prompts)} class, and two are needed to tell one from another")
    was, device = model.training, model.logit_scale.device
    model.eval()
    classes = torch.stack([normalize(embed_texts(model, rows).mean(dim=0), dim=0) for rows in prompts])
    beaten = []
    for images, labels in batches:
        scores = model.encode_image(images.to(device)) @ classes.T
        own = scores.gather(1, labels.to(device)[:, None])
        beaten.append((~(scores < own)).sum(dim=1) - 1)  # itself is not below itself
    model.train(was)
    if not beaten:
        raise OptionError(f"{name}: no image")
    found = torch.cat(beaten)
    top1, top5 = ((found < rank).double().mean().item() for rank in RANKS[:2])
    return ZeroShot(
        data=name,
        images=len(found),
        classes=len(prompts),
        top1=top1,
        top5=top5 if len(prompts) > RANKS[1] else None,
    )
