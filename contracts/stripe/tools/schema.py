"""Derives the sandbox's request schema and object skeletons from Stripe's own SDK (MIT).

usage: schema.py <path of the installed stripe package> <fixtures3.json> <output folder> [<folder for keys.json>]

params.json     {"POST /v1/customers": {"p": {name: type}, "r": [required]}}
skeletons.json  {"customer": {field: default}}: every field that the object always carries.

Types: "s" string, "i" integer, "b" boolean, "f" number, "d" decimal string, {"e": [..]} enum, {"a": T} array,
{"m": T} map, {"o": {..}, "r": [..]} object, {"u": [..]} one of; "" inside a union = may be emptied.
"""
import ast, json, pathlib, re, sys

root, fixtures, out = pathlib.Path(sys.argv[1]), json.load(open(sys.argv[2]))["resources"], pathlib.Path(sys.argv[3])
WANTED = """account products prices customers payment_methods setup_intents checkout/sessions
billing_portal subscriptions subscription_items subscription_schedules invoices invoiceitems invoice_payments
payment_intents charges refunds credit_notes coupons promotion_codes tax_rates entitlements events
webhook_endpoints test_helpers/test_clocks""".split()
# Deep, rare trees that the sandbox refuses as a whole: their names stay, their insides do not.
PRUNE = {"payment_method_options", "payment_method_data", "shipping", "transfer_data", "card_present", "mandate_data", "payment_details",
         "shipping_options", "custom_fields", "custom_text", "consent_collection", "tax", "radar_options", "hooks", "amount_details",
         "shipping_cost", "shipping_details", "wallet_options", "branding_settings", "rendering", "tiers", "currency_options", "package_dimensions",
         "billing_schedules", "issuer", "name_collection", "adaptive_pricing", "optional_items", "saved_payment_method_options", "permissions"}


def types_of(tree, name, seen=()):
    fields, required = {}, []
    for node in tree[name].body:
        if not isinstance(node, ast.AnnAssign):
            continue
        key = node.target.id.rstrip("_") if node.target.id in ("from_", "lambda_") else node.target.id
        note = node.annotation
        if isinstance(note, ast.Constant):
            note = ast.parse(note.value, mode="eval").body
        if isinstance(note, ast.Subscript) and getattr(note.value, "id", "") == "NotRequired":
            note = note.slice
        else:
            required.append(key)
        fields[key] = "x" if key in PRUNE else shape(tree, note, seen + (name,))
    # functional TypedDict bases hold reserved words such as "from".
    for base in tree[name].bases:
        if isinstance(base, ast.Name) and base.id in FUNCTIONAL.get(id(tree), {}):
            for key, value in FUNCTIONAL[id(tree)][base.id].items():
                fields[key] = shape(tree, value, seen + (name,))
    return fields, required


FUNCTIONAL = {}


def shape(tree, note, seen):
    if isinstance(note, ast.Constant):
        if isinstance(note.value, str):
            return shape(tree, ast.parse(note.value, mode="eval").body, seen)
        return "s"
    if isinstance(note, ast.BinOp):
        parts = []
        stack = [note]
        while stack:
            top = stack.pop()
            if isinstance(top, ast.BinOp):
                stack += [top.right, top.left]
            else:
                parts.append(shape(tree, top, seen))
        flat = []
        for part in parts:
            flat += part["u"] if isinstance(part, dict) and "u" in part else [part]
        enums = [p for p in flat if isinstance(p, dict) and "e" in p and p["e"] != [""]]
        empty = any(isinstance(p, dict) and p.get("e") == [""] for p in flat)
        flat = [p for p in flat if not (isinstance(p, dict) and p.get("e") == [""])]
        if enums:  # "Literal[..]|str": closed here, because a typo should fail here and not in production
            flat = [p for p in flat if p != "s"]
        maps = [p for p in flat if isinstance(p, dict) and "m" in p]
        if len(maps) > 1:
            flat = [p for p in flat if p not in maps] + maps[:1]
        flat = list({json.dumps(p): p for p in flat}.values())
        if empty:
            flat.append("")
        return flat[0] if len(flat) == 1 else {"u": flat}
    if isinstance(note, ast.Name):
        simple = {"str": "s", "int": "i", "bool": "b", "float": "f", "Decimal": "d", "Any": "x", "object": "x"}.get(note.id)
        if simple:
            return simple
        if note.id in tree and note.id not in seen:
            fields, required = types_of(tree, note.id, seen)
            return {"o": fields, "r": required} if required else {"o": fields}
        return "x"
    if isinstance(note, ast.Subscript):
        head = note.value.id if isinstance(note.value, ast.Name) else note.value.attr
        if head == "Literal":
            items = note.slice.elts if isinstance(note.slice, ast.Tuple) else [note.slice]
            return {"e": [i.value for i in items]}
        if head in ("List", "list"):
            return {"a": shape(tree, note.slice, seen)}
        if head in ("Dict", "dict"):
            return {"m": shape(tree, note.slice.elts[1], seen)}
        if head == "UntypedStripeObject":
            return {"m": shape(tree, note.slice, seen)}
        if head in ("Optional",):
            return shape(tree, note.slice, seen)
        if head == "Union":
            parts = note.slice.elts
            expr = parts[0]
            for part in parts[1:]:
                expr = ast.BinOp(expr, ast.BitOr(), part)
            return shape(tree, expr, seen)
    return "x"


modules = {}
for file in sorted((root / "params").rglob("_*_params.py")):
    text = ast.parse(file.read_text())
    classes = {n.name: n for n in text.body if isinstance(n, ast.ClassDef)}
    functional = {}
    for node in text.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "TypedDict":
            table = node.value.args[1]
            functional[node.targets[0].id] = {
                k.value: (v.slice if isinstance(v, ast.Subscript) and getattr(v.value, "id", "") == "NotRequired" else v)
                for k, v in zip(table.keys, table.values)}
    FUNCTIONAL[id(classes)] = functional
    for name in classes:
        # The same name stands in several folders (checkout and billing_portal both have a SessionCreateParams).
        modules[(str(file.parent.relative_to(root / "params")), name)] = classes

operations = {}
for file in sorted(root.rglob("_*_service.py")):
    for cls in [n for n in ast.parse(file.read_text()).body if isinstance(n, ast.ClassDef)]:
        for method in [n for n in cls.body if isinstance(n, ast.FunctionDef)]:
            call = next((c for c in ast.walk(method) if isinstance(c, ast.Call) and getattr(c.func, "attr", "") == "_request"), None)
            if not call:
                continue
            verb, path = call.args[0].value, call.args[1]
            path = path.value if isinstance(path, ast.Constant) else path.func.value.value
            path = re.sub(r"\{\w+\}", "{id}", path)
            if "/accounts" in path or not any(path.removeprefix("/v1/").startswith(w) for w in WANTED):
                continue
            note = next((a.annotation for a in method.args.args + method.args.kwonlyargs if a.arg == "params"), None)
            name = None
            if note is not None:
                found = re.findall(r"\w+Params\b", ast.unparse(note))
                name = found[0] if found else None
            home = (str(file.parent.relative_to(root)), name)
            if home in modules:
                fields, required = types_of(modules[home], name)
            else:
                fields, required = {"expand": {"a": "s"}}, []
            operations[f"{verb.upper()} {path}"] = {"p": fields, "r": required} if required else {"p": fields}
(out / "params.json").write_text(json.dumps(operations, separators=(",", ":"), sort_keys=True) + "\n")

OBJECTS = """account product price customer payment_method setup_intent checkout.session billing_portal.configuration
billing_portal.session subscription subscription_item subscription_schedule invoice line_item invoiceitem invoice_payment payment_intent
charge refund credit_note credit_note_line_item coupon promotion_code discount tax_rate tax_id entitlements.feature entitlements.active_entitlement
product_feature event webhook_endpoint test_helpers.test_clock item dispute plan""".split()
classes = {}
for file in sorted(root.rglob("_*.py")):
    if "params" in file.parts or file.name.endswith("_service.py"):
        continue
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ClassDef):
            named = [s for s in node.body if isinstance(s, ast.AnnAssign) and getattr(s.target, "id", "") == "OBJECT_NAME"]
            found = named and re.search(r"[\"']([a-z_.0-9]+)[\"']", ast.unparse(named[0].annotation))
            if found:
                classes[found.group(1)] = node
skeletons, keys = {}, {}
for name in OBJECTS:
    fields, known = {}, set()
    fixture = fixtures.get(name, {})
    for s in classes[name].body if name in classes else []:
        if not isinstance(s, ast.AnnAssign) or s.target.id in ("OBJECT_NAME", "deleted"):
            continue
        note, key = ast.unparse(s.annotation).strip("'\""), s.target.id
        known.add(key)
        if note.startswith("Optional"):
            if key in fixture:
                fields[key] = None
        elif note.startswith("List") or note.startswith("list"):
            fields[key] = []
        elif note.startswith("bool"):
            fields[key] = False
        elif note.startswith("int"):
            fields[key] = 0
        elif note.startswith(("Dict", "UntypedStripeObject")):
            fields[key] = {}
        elif key == "object":
            fields[key] = name
        else:
            fields[key] = None
        if not note.startswith("Optional"):
            keys.setdefault(name, {"required": [], "known": []})["required"].append(key)
    keys.setdefault(name, {"required": [], "known": []})["known"] = sorted(known | set(fixture))
    skeletons[name] = fields
(out / "skeletons.json").write_text(json.dumps(skeletons, separators=(",", ":"), sort_keys=True) + "\n")
(pathlib.Path(sys.argv[4] if len(sys.argv) > 4 else __file__ and pathlib.Path(__file__).parent) / "keys.json").write_text(json.dumps(keys, separators=(",", ":"), sort_keys=True) + "\n")
print(len(operations), "operations")
