"""The protocol between Crashdrill and a memory store of yours: one JSON object a line. README.md describes it.

Give `serve` an object with the methods append, history, delete, and save and load if your store keeps contexts.
Values arrive as Python values: int, float, str, bool, None, list, dict, and decimal.Decimal, datetime, bytes.
"""

import json
import os
import sys
from datetime import datetime
from decimal import Decimal

VERSION = 1


class Refused(Exception):
    """The write was certainly not done."""


class Damaged(Exception):
    """What lies in the store cannot be read."""


def to_json(value):
    """JSON has no decimals, times or bytes: those get a tag."""
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, dict):
        return {name: to_json(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(member) for member in value]
    return value


def from_json(value):
    if isinstance(value, list):
        return [from_json(member) for member in value]
    if isinstance(value, dict):
        if len(value) == 1:
            (tag, content), = value.items()
            if tag == "$decimal":
                return Decimal(content)
            if tag == "$time":
                return datetime.fromisoformat(content)
            if tag == "$bytes":
                return bytes.fromhex(content)
        return {name: from_json(member) for name, member in value.items()}
    return value


def settings():
    """URL of the server, prefix that every key must have, time to live in seconds or None."""
    ttl = os.environ.get("CRASHDRILL_TTL_SECONDS") or None
    return os.environ["CRASHDRILL_REDIS_URL"], os.environ["CRASHDRILL_PREFIX"], ttl and int(ttl)


def serve(store, name):
    # What other packages print must not mix with the protocol.
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"], "ok": True}
        try:
            answer.update(_do(store, name, request))
        except Refused as error:
            answer = _error(request, "refused", error)
        except Damaged as error:
            answer = _error(request, "damaged", error)
        except Exception as error:  # noqa: BLE001: every other error is an answer, too
            answer = _error(request, "indeterminate", error)
        out.write(json.dumps(answer) + "\n")
        out.flush()
        if request["op"] == "close":
            return


def _error(request, kind, error):
    text = f"{type(error).__name__}: {error}"
    return {"id": request["id"], "ok": False, "kind": kind, "error": text}


def _do(store, name, request):
    op = request["op"]
    if op == "hello":
        contexts = hasattr(store, "save") and hasattr(store, "load")
        return {"version": VERSION, "name": name, "contexts": contexts}
    if op == "close":
        return {}
    session = request["session"]
    if op == "append":
        message = dict(request["message"])
        message["content"] = from_json(message["content"])
        message["extra"] = from_json(message.get("extra", {}))
        store.append(session, message)
        return {}
    if op == "history":
        messages, damaged = store.history(session)
        return {"messages": [_message(message) for message in messages], "damaged": damaged}
    if op == "save":
        store.save(session, from_json(request["context"]))
        return {}
    if op == "load":
        found, context = store.load(session)
        return {"found": found, "context": to_json(context)}
    if op == "delete":
        store.delete(session)
        return {}
    raise ValueError(f"unknown op {op}")


def _message(message):
    message = dict(message, content=to_json(message["content"]))
    extra = to_json(message.pop("extra", {}) or {})
    return dict(message, extra=extra) if extra else message
