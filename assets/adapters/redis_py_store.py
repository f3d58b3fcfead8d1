"""A plain redis-py memory store behind Crashdrill's checks.

    crashdrill check --store-cmd "python redis_py_store.py"

A list of messages for each session, each appended once whatever is retried, and a context beside it.
"""

import json

import redis
from crashdrill_adapter import Damaged, Refused, from_json, serve, settings, to_json

# One step on the server: a retry after a lost reply finds the id and does nothing.
APPEND = """
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0 then
  redis.call('RPUSH', KEYS[1], ARGV[2])
  redis.call('SADD', KEYS[2], ARGV[1])
end
if tonumber(ARGV[3]) > 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
"""


class MemoryStore:
    def __init__(self, url, prefix, ttl=None):
        self.redis = redis.Redis.from_url(url, socket_timeout=5)
        self.prefix = prefix
        self.ttl = ttl

    def _key(self, session, part):
        return f"{self.prefix}session:{session}:{part}"

    def append(self, session, message):
        entry = json.dumps({name: to_json(value) for name, value in message.items()})
        keys = [self._key(session, "messages"), self._key(session, "ids")]
        try:
            self.redis.eval(APPEND, 2, *keys, message["id"], entry, self.ttl or 0)
        except redis.exceptions.ResponseError as error:
            raise Refused(str(error)) from error

    def history(self, session):
        messages, damaged = [], []
        try:
            entries = self.redis.lrange(self._key(session, "messages"), 0, -1)
        except redis.exceptions.ResponseError as error:
            raise Damaged(f"session {session}: {error}") from error
        for at, entry in enumerate(entries):
            try:
                message = json.loads(entry)
                messages.append({name: from_json(value) for name, value in message.items()})
            except ValueError as error:
                damaged.append(f"session {session}, entry {at + 1}: {error}")
        return messages, damaged

    def save(self, session, context):
        self.redis.set(self._key(session, "context"), json.dumps(to_json(context)), ex=self.ttl)

    def load(self, session):
        text = self.redis.get(self._key(session, "context"))
        if text is None:
            return False, None
        try:
            return True, from_json(json.loads(text))
        except ValueError as error:
            raise Damaged(f"the context of session {session}: {error}") from error

    def delete(self, session):
        self.redis.unlink(*(self._key(session, part) for part in ("messages", "ids", "context")))


if __name__ == "__main__":
    serve(MemoryStore(*settings()), "redis-py store")
