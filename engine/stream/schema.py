"""Chunks pass through Faust's topics as they are: nothing is decoded before the fold, so nothing can fail."""

from typing import Any

import faust

from engine.stream.chunk import Chunk


class ChunkSchema(faust.Schema):
    """The value of a message is the chunk itself."""

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> None:
        return None

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Chunk:
        return message.value
