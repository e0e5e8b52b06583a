"""BERT-base as PyTorch's older exporter writes it: norms and gelu in single ops, no weights."""

from onnx import ModelProto, NodeProto, TensorProto

from tests.frontend.onnx_models import INT64, Of, const, model, node, weight

LAYERS, WIDTH, HEADS, FFN, VOCABULARY, POSITIONS = 12, 768, 12, 3072, 30522, 512


class Builder:
    """Nodes and weights so far."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = [
            const("half", 0.5, "float32"),
            const("one", 1.0, "float32"),
            const("two", 2.0, "float32"),
            const("root2", 2**0.5, "float32"),
            const("eps", 1e-12, "float32"),
            const("scale", 8.0, "float32"),
            const("heads", [0, 0, HEADS, WIDTH // HEADS]),
            const("whole", [0, 0, WIDTH]),
        ]

    def add(self, op: str, inputs: str, output: str, **attributes: object) -> str:
        self.nodes.append(node(op, inputs.split(), [output], **attributes))
        return output

    def linear(self, x: str, name: str, columns: int, rows: int = WIDTH) -> str:
        self.weights += [weight(f"{name}.w", rows, columns), weight(f"{name}.b", columns)]
        return self.add("Add", f"{name}.b {self.add('MatMul', f'{x} {name}.w', f'{name}.mm')}", name)

    def norm(self, x: str, name: str) -> str:
        self.weights += [weight(f"{name}.w", WIDTH), weight(f"{name}.b", WIDTH)]
        self.add("ReduceMean", x, f"{name}.mean", axes=[-1])
        self.add("Sub", f"{x} {name}.mean", f"{name}.sub")
        self.add("Pow", f"{name}.sub two", f"{name}.pow")
        self.add("ReduceMean", f"{name}.pow", f"{name}.var", axes=[-1])
        self.add("Add", f"{name}.var eps", f"{name}.eps")
        self.add("Sqrt", f"{name}.eps", f"{name}.sqrt")
        self.add("Div", f"{name}.sub {name}.sqrt", f"{name}.div")
        self.add("Mul", f"{name}.div {name}.w", f"{name}.mul")
        return self.add("Add", f"{name}.mul {name}.b", name)

    def gelu(self, x: str, name: str) -> str:
        self.add("Div", f"{x} root2", f"{name}.div")
        self.add("Erf", f"{name}.div", f"{name}.erf")
        self.add("Add", f"{name}.erf one", f"{name}.add")
        self.add("Mul", f"{x} {name}.add", f"{name}.mul")
        return self.add("Mul", f"{name}.mul half", name)

    def attention(self, x: str, name: str) -> str:
        for part, perm in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
            self.linear(x, f"{name}.{part}", WIDTH)
            self.add("Reshape", f"{name}.{part} heads", f"{name}.{part}.split")
            self.add("Transpose", f"{name}.{part}.split", f"{name}.{part}.turned", perm=perm)
        self.add("MatMul", f"{name}.q.turned {name}.k.turned", f"{name}.scores")
        self.add("Div", f"{name}.scores scale", f"{name}.scaled")
        self.add("Add", f"{name}.scaled mask", f"{name}.masked")
        self.add("Softmax", f"{name}.masked", f"{name}.softmax", axis=3)
        self.add("MatMul", f"{name}.softmax {name}.v.turned", f"{name}.av")
        self.add("Transpose", f"{name}.av", f"{name}.back", perm=[0, 2, 1, 3])
        self.add("Reshape", f"{name}.back whole", f"{name}.joined")
        return self.linear(f"{name}.joined", f"{name}.out", WIDTH)


def bert_base(tokens: int) -> ModelProto:
    """The encoder with word and position embeddings; a mask to add comes from outside."""
    build = Builder()
    build.weights += [weight("words", VOCABULARY, WIDTH), weight("positions", POSITIONS, WIDTH)]
    build.add("Gather", "words ids", "word")
    build.add("Gather", "positions places", "position")
    build.add("Add", "word position", "embedded")
    x = build.norm("embedded", "norm")
    for i in range(LAYERS):
        attended = build.attention(x, f"layer{i}")
        x = build.norm(build.add("Add", f"{attended} {x}", f"layer{i}.sum1"), f"layer{i}.norm1")
        hidden = build.gelu(build.linear(x, f"layer{i}.up", FFN), f"layer{i}.gelu")
        down = build.linear(hidden, f"layer{i}.down", WIDTH, rows=FFN)
        x = build.norm(build.add("Add", f"{down} {x}", f"layer{i}.sum2"), f"layer{i}.norm2")
    inputs = {
        "ids": Of(INT64, (1, tokens)),
        "places": Of(INT64, (1, tokens)),
        "mask": (1, 1, 1, tokens),
    }
    return model(build.nodes, inputs, [x], build.weights, opset=11)
