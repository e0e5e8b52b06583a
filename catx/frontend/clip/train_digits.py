"""Train the embedded model: `python -m catx.frontend.clip.train_digits -o DIR`.

Three minutes on two cores. catx ships what this wrote (catx/data/clip/digits).
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from catx.frontend.clip.digits import digit_pairs, untrained
from catx.frontend.clip.metrics import recall
from catx.frontend.clip.recovery import RecoveryConfig, recover
from catx.frontend.clip.store import save_clip
from catx.version import VERSION

TRAINING = RecoveryConfig(steps=3_000, batch=128, learning_rate=2e-3, warmup=100, distill=0.0, seed=0)


def main() -> None:
    """Train, measure on validation and test, and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="a new folder")
    folder = parser.parse_args().output
    model, train = untrained(TRAINING.seed), digit_pairs("train")
    done = recover(model, train, TRAINING, progress=_show)
    measured = {split: asdict(recall(model, digit_pairs(split))) for split in ("validation", "test")}
    origin = {"catx": VERSION, "training": asdict(TRAINING), "took": asdict(done), "recall": measured}
    save_clip(model, folder, origin)
    print(f"\n{origin}")


def _show(step: int, steps: int, loss: float) -> None:
    if step % 100 == 0:
        print(f"{step}/{steps} loss {loss:.3f}", flush=True)


if __name__ == "__main__":
    main()
