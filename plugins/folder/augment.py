"""Pictures varied as they are learnt from."""

from __future__ import annotations

import torch
from torch import Tensor


def flipped_and_shifted(pixels: Tensor, drawn: Tensor, *, flip: bool, shift: float) -> Tensor:
    """A batch ``(n, channels, height, width)``, each picture mirrored or not, and moved by whole pixels.

    ``drawn`` has three uniform numbers in [0, 1) for each, ``(3, n)``: below one half it is mirrored, if ``flip`` says
    so; the others say how far it goes down and to the right, from ``-shift`` to ``shift`` of its sides. What comes in
    at an edge repeats the edge.
    """
    height, width = pixels.shape[2:]
    down, right = (_whole(drawn[i], int(shift * side)) for i, side in ((1, height), (2, width)))
    rows = (torch.arange(height, device=pixels.device) - down[:, None]).clamp_(0, height - 1)
    columns = (torch.arange(width, device=pixels.device) - right[:, None]).clamp_(0, width - 1)
    if flip:
        columns = torch.where(drawn[0][:, None] < 0.5, width - 1 - columns, columns)
    picture = torch.arange(len(pixels), device=pixels.device)[:, None, None]
    # Channels last while pixels are picked, so that a pixel is moved with all of its channels.
    return pixels.permute(0, 2, 3, 1)[picture, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def _whole(drawn: Tensor, most: int) -> Tensor:
    """Whole numbers from ``-most`` to ``most``, all equally likely."""
    return (drawn * (2 * most + 1)).long() - most
