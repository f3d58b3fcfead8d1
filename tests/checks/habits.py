"""A store with one bad habit, named by its first argument; without one it is sound enough to pass."""

import json
import os
import sys
import time

HABIT = sys.argv[1] if len(sys.argv) > 1 else ""
sys.path.insert(0, os.environ["ADAPTERS"])

import redis  # noqa: E402
from crashdrill_adapter import Damaged, serve, settings  # noqa: E402
from redis_py_store import MemoryStore  # noqa: E402


class Habitual(MemoryStore):
    def append(self, session, message):
        if HABIT == "hangs":
            if "HANGING" in os.environ:
                open(os.environ["HANGING"], "w").close()
            time.sleep(3600)
        if HABIT == "dies":
            print("Segmentation fault (not really)", file=sys.stderr)
            os._exit(139)
        if HABIT.startswith("tires-after-"):
            # Does its part for a while, and then no more.
            self.done = getattr(self, "done", 0) + 1
            if self.done > int(HABIT.rsplit("-", 1)[1]):
                time.sleep(3600)
        if HABIT == "forgets" and message["id"].endswith("7"):
            return
        if HABIT == "noise":
            os.write(1, b"Connected to Redis!\n")
        if HABIT == "duplicates":
            entry = json.dumps({name: value for name, value in message.items()})
            for attempt in range(3):
                try:
                    self.redis.rpush(self._key(session, "messages"), entry)
                    return
                except redis.exceptions.ConnectionError:
                    continue
        if HABIT == "loses-type":
            message = dict(message, content=str(message["content"]))
        if HABIT == "read-modify-write":
            key = self._key(session, "whole")
            context = json.loads(self.redis.get(key) or "[]")
            context.append({name: value for name, value in message.items()})
            self.redis.set(key, json.dumps(context))
            return
        super().append(session, message)

    def history(self, session):
        if HABIT == "read-modify-write":
            return json.loads(self.redis.get(self._key(session, "whole")) or "[]"), []
        try:
            messages, damaged = super().history(session)
        except (Damaged, redis.exceptions.RedisError):
            if HABIT == "swallows":
                return [], []
            raise
        if HABIT == "swallows":
            return messages, []
        if HABIT == "drops-last":
            return messages[:-1], damaged
        return messages, damaged


url, prefix, ttl = settings()
if HABIT == "ignores-ttl":
    ttl = None
if HABIT == "shares":
    prefix = "myapp:"
store = Habitual(url, prefix, ttl)
if HABIT == "duplicates":
    # Each attempt of its own, as an application would.
    store.redis = redis.Redis.from_url(url, socket_timeout=5, retry=None)
serve(store, f"habits: {HABIT or 'none'}")
