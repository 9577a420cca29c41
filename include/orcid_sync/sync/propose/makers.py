"""Makes payloads in processes beside this one, where there are many: Python keeps one core busy, and there are more.

A process runs `main`: it takes the maker, then chunks of rows, and answers each with the
rows of `made`. It ends when its input does, also where this process is killed.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from typing import IO, Any, Final, Generic, Protocol, TypeVar

from orcid_sync.errors import Transient

PROCESSES_AT_MOST: Final = 4
# Chunks that wait for a process, for each of them: none idles while the ones before are copied into the ledger.
_AHEAD: Final = 2

_PROGRAM: Final = f"from {__name__} import main; main()"

Chunk = TypeVar("Chunk", contravariant=True)


class Maker(Protocol[Chunk]):
    """What is sent to the processes; it and the chunks have to be picklable."""

    def columns(self, chunk: Chunk, /) -> list[tuple[Any, ...]]:
        """The rows of `made` for a chunk of rows."""


def processes_to_use() -> int:
    """As many as there are cores for this process, within reason."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    return min(cores, PROCESSES_AT_MOST)


def made_in_parallel(
    maker: Maker[Chunk], chunks: Iterable[Chunk], processes: int
) -> Iterator[list[tuple[Any, ...]]]:
    """What `maker.columns` says of each chunk, in their order; a few chunks at a time are in memory."""
    if processes < 2:
        yield from map(maker.columns, chunks)
        return
    with ExitStack() as stack:
        idle: queue.SimpleQueue[_Process[Chunk]] = queue.SimpleQueue()
        for _ in range(processes):
            idle.put(stack.enter_context(closing(_Process(maker))))

        def make(chunk: Chunk) -> list[tuple[Any, ...]]:
            process = idle.get()
            try:
                return process.columns(chunk)
            finally:
                idle.put(process)

        pool = stack.enter_context(ThreadPoolExecutor(processes, "payloads"))
        under_way: deque[Future[list[tuple[Any, ...]]]] = deque()
        for chunk in chunks:
            under_way.append(pool.submit(make, chunk))
            if len(under_way) >= processes * _AHEAD:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


class _Process(Generic[Chunk]):
    """One process that makes payloads."""

    def __init__(self, maker: Maker[Chunk]) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send(maker)

    def columns(self, chunk: Chunk) -> list[tuple[Any, ...]]:
        """What the maker says of these rows."""
        try:
            self._send(chunk)
            made: list[tuple[Any, ...]] = pickle.load(self._output)  # noqa: S301
        except BaseException as error:
            # Who has not been heard to the end would wait for it for ever, and so would who asks next.
            self._process.kill()
            if not isinstance(error, (EOFError, BrokenPipeError)):
                raise
            raise Transient(
                "Payloads could not be made",
                why="a process that makes them was ended, perhaps for want of memory",
                doubt=False,
            ) from None
        return made

    def close(self) -> None:
        """Let it end."""
        with suppress(BrokenPipeError):
            self._input.close()
        self._output.close()
        self._process.wait()

    def _send(self, message: object) -> None:
        pickle.dump(message, self._input, pickle.HIGHEST_PROTOCOL)
        self._input.flush()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout


def main() -> None:
    """Answer chunks until there are no more."""
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    try:
        maker: Maker[Any] = pickle.load(incoming)  # noqa: S301
        while True:
            chunk = pickle.load(incoming)  # noqa: S301
            pickle.dump(maker.columns(chunk), outgoing, pickle.HIGHEST_PROTOCOL)
            outgoing.flush()
    except (EOFError, BrokenPipeError):
        # Nobody listens any more; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
