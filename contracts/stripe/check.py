"""Checks every recorded call: parameters against the SDK's types, answers against its classes and the official fixtures.

usage: check.py <calls.jsonl>...

Requests: each parameter of a successful call must be one the SDK's own TypedDict has (the derivation is in tools/schema.py,
taken anew from the installed SDK here, so that a stale copy in the crate is found), and, as it was typed, it must pass the
strict validators that tools/strict.py makes of those TypedDicts with pydantic. Answers: each object has the keys its
class requires, not null, and no key that neither its class nor the fixture has.
"""
import json, pathlib, subprocess, sys, tempfile

import stripe

here = pathlib.Path(__file__).parent
keys = json.loads((here / "tools/keys.json").read_text())
schema = json.loads((here / "../../crates/stripe-sandbox/src/schema/params.json").read_text())
sys.path.insert(0, str(here / "tools"))
from strict import Strict

strict, validated = Strict(), 0
event_types = set(schema["POST /v1/webhook_endpoints"]["p"]["enabled_events"]["a"]["e"])
problems, objects, kinds, operations = set(), 0, set(), set()
# Stripe's SDK marks these as always there, but the API itself leaves them out or empty in these cases.
LOOSE = {("subscription_item", "plan"), ("invoice", "id"), ("line_item", "invoice")}


def walk(value, where):
    global objects
    if isinstance(value, list):
        for one in value:
            walk(one, where)
    if not isinstance(value, dict):
        return
    kind = value.get("object")
    if isinstance(kind, str) and kind in keys and not value.get("deleted"):
        objects += 1
        kinds.add(kind)
        if kind == "event" and value["type"] not in event_types:
            problems.add(f"{value['type']} is no event of Stripe's")
        for key in keys[kind]["required"]:
            if value.get(key) is None and (kind, key) not in LOOSE:
                problems.add(f"{kind}.{key} is missing or null ({where})")
        for key in value:
            if key not in keys[kind]["known"]:
                problems.add(f"{kind}.{key} is unknown to the SDK and the fixtures ({where})")
    for key, one in value.items():
        if key != "previous_attributes" and key != "metadata":
            walk(one, where)


def known(shape, given, where):
    if isinstance(shape, dict) and "u" in shape:
        options = [one for one in shape["u"] if isinstance(one, dict)]
        return known(options[0], given, where) if isinstance(given, dict) and options else None
    if not isinstance(given, dict) or not isinstance(shape, dict):
        return
    if "a" in shape:
        for one in given.values():
            known(shape["a"], one, where)
    if "o" in shape:
        for key, one in given.items():
            if key not in shape["o"]:
                problems.add(f"{where} [{key}] is no parameter of the SDK")
            else:
                known(shape["o"][key], one, f"{where}[{key}]")


def calls():
    """The recorded calls, one at a time: there are many."""
    for name in sys.argv[1:]:
        with open(name) as file:
            yield from map(json.loads, file)


count = 0
for call in calls():
    count += 1
    operations.add(call["operation"])
    if call["status"] == 200:
        validated += 1
        problems.update(strict.problems(call["operation"], call["typed"]))
        known({"o": schema[call["operation"]]["p"]}, call["params"], call["operation"])
        walk(call["answer"], call["operation"])
    else:
        error = call["answer"].get("error", {})
        if not {"type", "message"} <= error.keys():
            problems.add(f"{call['operation']}: an error without type or message")

with tempfile.TemporaryDirectory() as folder:
    fixtures = here / "tools/fixtures3.json"
    if fixtures.exists():
        subprocess.run([sys.executable, here / "tools/schema.py", pathlib.Path(stripe.__file__).parent, fixtures, folder, folder], check=True, stdout=subprocess.DEVNULL)
        for name in ("params.json", "skeletons.json"):
            if (pathlib.Path(folder) / name).read_text() != (here / "../../crates/stripe-sandbox/src/schema" / name).read_text():
                problems.add(f"the crate's schema/{name} is not what the pinned SDK gives: run tools/schema.py")

print(f"  {count} calls, {len(operations)} operations, {validated} requests strictly valid, {objects} objects of {len(kinds)} types")
for problem in sorted(problems):
    print("  ✗", problem)
sys.exit(bool(problems))
