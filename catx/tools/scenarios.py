"""`catx scenarios`: list what carbon totals may assume."""

from catx.tools.guard import guarded


@guarded
def list_scenarios() -> None:
    """List the built-in scenarios: what carbon totals assume, with sources."""
    from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO, SCENARIOS
    from catx.tools.canvas import stdout_canvas
    from catx.tools.scenario_text import scenario_facts
    from catx.tools.streams import emit

    canvas = stdout_canvas()
    for scenario in SCENARIOS.values():
        canvas.title(scenario.name, "the default" if scenario == DEFAULT_SCENARIO else "")
        canvas.facts(scenario_facts(scenario))
    emit(canvas.text)
