"""Validators from the installed SDK's own parameter types, by pydantic: strict types, no unknown key, closed enums.

Independent of tools/schema.py, which the sandbox itself checks with: what both let through is what Stripe documents.
"""
import ast, json, pathlib, re, sys, types

import pydantic, stripe, typing_extensions

ROOT = pathlib.Path(stripe.__file__).parent
CONFIG = pydantic.ConfigDict(extra="forbid", strict=True)


def closed(text):
    """The module's text with `Literal[..]|str` closed, so that a value outside the list is an error."""
    text = re.sub(r"(Literal\[(?!\s*(?:''|\"\")\s*\])[^\]]*\])\s*\|\s*str\b", r"\1", text)
    text = re.sub(r"Union\[\s*(Literal\[(?!\s*(?:''|\"\")\s*\])[^\]]*\]),\s*str\s*,?\s*\]", r"\1", text)
    text = re.sub(r"UntypedStripeObject\[(\w+)\]", r"Dict[str, \1]", text).replace("(RequestOptions)", "(TypedDict)")
    return text


def load():
    """{(folder, class name): class} of every parameter type."""
    found = {}
    for file in sorted((ROOT / "params").rglob("_*_params.py")):
        folder = str(file.parent.relative_to(ROOT / "params"))
        module = types.ModuleType("strict_" + folder.replace("/", "_").replace(".", "") + file.stem)
        sys.modules[module.__name__] = module
        module.__dict__.update(Dict=dict, TypedDict=typing_extensions.TypedDict)
        exec(compile(closed(file.read_text()), str(file), "exec"), module.__dict__)
        for name, one in list(module.__dict__.items()):
            if isinstance(one, type) and hasattr(one, "__total__"):
                one.__module__, one.__pydantic_config__ = module.__name__, CONFIG
                found[(folder, name)] = one
    return found


def operations():
    """{"POST /v1/customers": class or None} of every operation of the services."""
    classes, table = load(), {}
    for file in sorted(ROOT.rglob("_*_service.py")):
        folder = str(file.parent.relative_to(ROOT))
        for method in [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef)]:
            call = next((c for c in ast.walk(method) if isinstance(c, ast.Call) and getattr(c.func, "attr", "") == "_request"), None)
            if not call:
                continue
            path = call.args[1]
            path = path.value if isinstance(path, ast.Constant) else path.func.value.value
            note = next((a.annotation for a in method.args.args + method.args.kwonlyargs if a.arg == "params"), None)
            names = re.findall(r"\w+Params\b", ast.unparse(note)) if note is not None else []
            pattern = re.sub(r"\{\w+\}", "{id}", path)
            table[f"{call.args[0].value.upper()} {pattern}"] = classes.get((folder, names[0])) if names else None
    return table


def bare(value):
    """Without the parameters that the sandbox takes and has no use for, which it records as null."""
    if isinstance(value, dict):
        return {key: bare(one) for key, one in value.items() if one is not None}
    return [bare(one) for one in value if one is not None] if isinstance(value, list) else value


class Strict:
    def __init__(self):
        self.table, self.adapters = operations(), {}

    def problems(self, operation, typed):
        """What the SDK's types say against the parameters of a call."""
        if operation not in self.table:
            return [f"{operation} is no operation of the SDK"]
        kind = self.table[operation]
        if kind is None:
            return [f"{operation} takes no parameters"] if set(typed) - {"expand"} else []
        if kind not in self.adapters:
            self.adapters[kind] = pydantic.TypeAdapter(kind)
        try:
            self.adapters[kind].validate_json(json.dumps(bare(typed)))
        except pydantic.ValidationError as error:
            return sorted({f"{operation} {'.'.join(str(p) for p in one['loc'])}: {one['msg']}" for one in error.errors()})[:3]
        return []


if __name__ == "__main__":  # The validator itself is tried: it must refuse each of these.
    strict = Strict()
    good = {"customer": "cus_1", "items": [{"price": "price_1", "quantity": 2}], "metadata": {"a": "b"}, "payment_behavior": "allow_incomplete"}
    assert strict.problems("POST /v1/subscriptions", good) == [], strict.problems("POST /v1/subscriptions", good)
    for bad in ({"customre": "x"}, {"items": [{"prise": "p"}]}, {"items": [{"quantity": "2"}]}, {"payment_behavior": "maybe"}, {"cancel_at_period_end": "true"}):
        assert strict.problems("POST /v1/subscriptions", {**good, **bad}), bad
    print(len(strict.table), "operations; the validator refuses what it must")
