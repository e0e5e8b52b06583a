"""Compile a whole model: CLIP ViT-B/16, both towers, onto the built-in edge accelerator.

Shows how to compile, what a report holds, and how to find the layers where the time goes. The same from the
command line is `catx-compile`, with no arguments.

Run it: python examples/01_compile_clip.py
"""

import catx


def main() -> None:
    # A dual encoder is two graphs; each can be a built-in name or the path of an ONNX file.
    report = catx.compile_model(["clip_vit_b16_vision", "clip_vit_b16_text"], "edge", objective="edp")

    print(f"CLIP ViT-B/16 on {report.accelerator}: {report.macs / 1e9:.1f} GMAC")
    print(f"  latency  {report.latency_s * 1e3:6.2f} ms")
    print(f"  energy   {report.energy_j * 1e3:6.2f} mJ")
    print(f"  area     {report.area_mm2:6.2f} mm2")
    print(f"  carbon   {report.carbon.total_gco2e:6.0f} gCO2e over the unit's life ({report.scenario.name})")

    # Layers that do the same on the same shapes are one entry with a count; costs are per run.
    print("\nThe five slowest layers:")
    layers = sorted(report.layers, key=lambda layer: layer.count * layer.cost.latency_s, reverse=True)
    for layer in layers[:5]:
        share = layer.count * layer.cost.latency_s / report.latency_s
        shape = " ".join(f"{dim}={extent}" for dim, extent in layer.op.dims)
        print(
            f"  {layer.count:3} x {layer.op.op:9} {shape:20} {share:6.1%} of the latency, "
            f"bound by {layer.cost.bound_by}, {layer.cost.utilization:.0%} utilized"
        )

    # Every mapping comes with a certificate: how far it is at most from the best possible one.
    certificates = [layer.cost.certificate for layer in report.layers if layer.cost.certificate]
    print(
        f"\n{len(certificates)} mappings, at most {max(c.gap for c in certificates):.0%} above a lower bound"
    )


if __name__ == "__main__":
    main()
