"""`catx scenarios`: list what carbon totals may assume."""

from catx.tools.guard import guarded
from catx.tools.options import JsonList


@guarded
def list_scenarios(as_json: JsonList = False) -> None:
    """List the built-in scenarios: what carbon totals assume, with sources."""
    from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO, SCENARIOS
    from catx.tools.streams import emit

    if as_json:
        from catx.tools.lists_json import scenarios_json

        emit(scenarios_json(SCENARIOS.values(), DEFAULT_SCENARIO))
        return
    from catx.tools.canvas import stdout_canvas
    from catx.tools.scenario_text import scenario_facts

    canvas = stdout_canvas()
    canvas.title("Scenarios", "use a name with --scenario, or a YAML file with such keys (docs/carbon.md)")
    for scenario in SCENARIOS.values():
        canvas.title(scenario.name, "the default" if scenario == DEFAULT_SCENARIO else "")
        canvas.facts(scenario_facts(scenario))
    emit(canvas.text)
