"""LangChain's Redis chat history behind Crashdrill's checks.

    crashdrill check --store-cmd "python langchain_store.py"

It is langchain-community's class as it comes, on plain Redis; langchain-redis needs the search and JSON modules.
The class keeps no contexts and no message ids of its own accord: the id travels inside the message.
"""

import json

from crashdrill_adapter import from_json, serve, settings, to_json
from langchain_community.chat_message_histories import RedisChatMessageHistory
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage

KINDS = {"user": HumanMessage, "assistant": AIMessage, "system": SystemMessage}
ROLES = {"human": "user", "ai": "assistant", "system": "system"}


class MemoryStore:
    def __init__(self, url, prefix, ttl=None):
        self.url, self.prefix, self.ttl = url, f"{prefix}message_store:", ttl
        self.histories = {}

    def _history(self, session):
        if session not in self.histories:
            self.histories[session] = RedisChatMessageHistory(
                session, url=self.url, key_prefix=self.prefix, ttl=self.ttl
            )
        return self.histories[session]

    def append(self, session, message):
        content = message["content"]
        kwargs = {"at": message["at"], "extra": to_json(message.get("extra", {}))}
        if not isinstance(content, str):
            # The class takes text; what else there is goes through JSON.
            kwargs["json"] = True
            content = json.dumps(to_json(content))
        role = message["role"]
        fields = {"content": content, "id": message["id"], "additional_kwargs": kwargs}
        if role in KINDS:
            self._history(session).add_message(KINDS[role](**fields))
        else:
            self._history(session).add_message(ChatMessage(role=role, **fields))

    def history(self, session):
        messages = []
        for found in self._history(session).messages:
            kwargs = found.additional_kwargs
            content = from_json(json.loads(found.content)) if kwargs.get("json") else found.content
            messages.append(
                {
                    "id": found.id,
                    "role": ROLES.get(found.type) or found.role,
                    "content": content,
                    "at": kwargs["at"],
                    "extra": from_json(kwargs["extra"]),
                }
            )
        return messages, []

    def delete(self, session):
        self._history(session).clear()


if __name__ == "__main__":
    serve(MemoryStore(*settings()), "LangChain RedisChatMessageHistory")
